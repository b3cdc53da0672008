//! From a matrix to an index on disk.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bigannoy_build::{
    BuildError, BuildProgress, BuildStage, DEFAULT_TREES, Generator, IndexBuilder,
};
use bigannoy_metric::Metric;
use bigannoy_storage::StorageError;

use crate::describe::describe;
use crate::index_file::IndexFile;
use crate::pair::{Target, check_targets, sidecar_path};
use crate::progress::Watch;
use crate::{Error, Index, Input, LoadMode, OpenOptions, Progress, Stage, fingerprint};

/// How an index is built.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    pub(crate) metric: Metric,
    trees: usize,
    pub(crate) seed: Option<u64>,
    pub(crate) generator: Generator,
    pub(crate) threads: Option<usize>,
    memory_budget: Option<u64>,
    block_rows: Option<usize>,
    overwrite: bool,
    pub(crate) load_mode: LoadMode,
    metadata_path: Option<PathBuf>,
    watch: Watch,
}

impl BuildOptions {
    /// An index under `metric`, everything else at its default. Hamming indexes can be read and
    /// searched, not built.
    #[must_use]
    pub fn new(metric: Metric) -> Self {
        BuildOptions {
            metric,
            trees: DEFAULT_TREES,
            seed: None,
            generator: Generator::Default,
            threads: None,
            memory_budget: None,
            block_rows: None,
            overwrite: false,
            load_mode: LoadMode::Lazy,
            metadata_path: None,
            watch: Watch::default(),
        }
    }

    /// Sets the number of trees: more give higher recall, a longer build, a larger file.
    /// Default: [`DEFAULT_TREES`].
    #[must_use]
    pub fn trees(mut self, trees: usize) -> Self {
        self.trees = trees;
        self
    }

    /// Sets the seed of all random choices. Default: [`Generator::default_seed`].
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets how planes are chosen, and so which bytes come out: with [`Generator::Annoy`] those of
    /// `RcppAnnoy` on x86-64, with [`Generator::AnnoyFused`] on ARM. Default: [`Generator::Default`].
    #[must_use]
    pub fn generator(mut self, generator: Generator) -> Self {
        self.generator = generator;
        self
    }

    /// Sets how many threads work, at most [`crate::MAX_THREADS`]. The index does not depend on it.
    /// Default: one for each
    /// processor.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Bounds the memory of the build, in bytes, the reference and the index not counted: see
    /// [`IndexBuilder::memory_budget`]. The index does not depend on it. Default: no bound.
    #[must_use]
    pub fn memory_budget(mut self, bytes: u64) -> Self {
        self.memory_budget = Some(bytes);
        self
    }

    /// Sets how many rows are read at a time. The index does not depend on it. Default: as many as
    /// have 4 MiB, or fewer where a memory budget says so.
    #[must_use]
    pub fn block_rows(mut self, rows: usize) -> Self {
        self.block_rows = Some(rows);
        self
    }

    /// Replaces an index that exists, instead of refusing. Default: refuse.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Sets whether the returned index is mapped at once. Default: [`LoadMode::Lazy`].
    #[must_use]
    pub fn load_mode(mut self, load_mode: LoadMode) -> Self {
        self.load_mode = load_mode;
        self
    }

    /// Sets where the sidecar goes. Who opens the index has to say so too
    /// ([`OpenOptions::metadata_path`]). Default: the index's path with `.meta` appended.
    #[must_use]
    pub fn metadata_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.metadata_path = Some(path.into());
        self
    }

    /// Calls `progress` after each block of rows and each tree.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watch.progress = Some(Arc::new(progress));
        self
    }

    /// Ends the build soon after `interrupt` becomes true, with [`Error::Interrupted`].
    #[must_use]
    pub fn interrupt(mut self, interrupt: Arc<AtomicBool>) -> Self {
        self.watch.interrupt = Some(interrupt);
        self
    }
}

/// Builds an index over the rows of `reference` and writes it to `path`, its sidecar beside it.
///
/// The rows are read in blocks, once, and under dot twice; and once more, while trees grow, for the
/// hash by which [`Index::validate`] knows the reference again. The index is written under a temporary
/// name in the same directory; it and its sidecar, `path` with `.meta` appended, get their names when
/// both are complete and on the disk. A process that is killed, at whatever moment, leaves the old
/// pair or the new one, or none if there was none; what else it leaves, the next build for the same
/// path removes, and nothing takes for an index. Memory: see [`bigannoy_build`]; the items are in the
/// file.
///
/// # Errors
/// [`Error`]: the metric is hamming; the reference cannot be attached, holds a missing or non-finite value, or is empty; a
/// setting is out of range; a file exists and overwriting was not asked for, or it is a part of the
/// reference or no file; the index would have the name of the sidecar of a file that is there; another process is building there; the disk is full; an interruption. What was on the
/// disk before is unchanged then.
pub fn build<'a>(
    reference: impl Into<Input<'a>>,
    path: impl AsRef<Path>,
    options: &BuildOptions,
) -> Result<Index, Error> {
    let path = path.as_ref();
    let usual = sidecar_path(path);
    let sidecar_path = options.metadata_path.as_ref().unwrap_or(&usual);
    let fail = |source| match source {
        BuildError::Interrupted => {
            Error::Interrupted { written: format!("nothing was written to {}", path.display()) }
        }
        source => Error::Build { index: path.to_path_buf(), source },
    };
    let input = reference.into().open()?;
    let rows = input.rows();
    let tell = |progress: BuildProgress| {
        let stage = match progress.stage {
            BuildStage::Lengths => Stage::Lengths,
            BuildStage::Items => Stage::Items,
            _ => Stage::Trees,
        };
        options.watch.report(stage, progress.done, progress.total);
    };
    let mut builder =
        IndexBuilder::new(options.metric).trees(options.trees).generator(options.generator);
    if let Some(seed) = options.seed {
        builder = builder.seed(seed);
    }
    if let Some(threads) = options.threads {
        builder = builder.threads(threads);
    }
    if let Some(bytes) = options.memory_budget {
        builder = builder.memory_budget(bytes);
    }
    if let Some(rows) = options.block_rows {
        builder = builder.block_rows(rows);
    }
    if options.watch.progress.is_some() {
        builder = builder.progress(&tell);
    }
    if let Some(interrupt) = &options.watch.interrupt {
        builder = builder.interrupt(interrupt);
    }
    builder.check(rows).map_err(fail)?;
    check_targets(path, sidecar_path, &input, options.overwrite)?;
    let target = Target::claim(path, sidecar_path)?;
    // Somebody may have been here in between.
    check_targets(path, sidecar_path, &input, options.overwrite)?;
    let mut file = IndexFile::create(target.index())?;
    let (report, hash) =
        fingerprint::meanwhile(rows, || builder.build(rows, &mut file).map_err(fail))?;
    let reference = input.describe(hash);
    drop(input);
    let sidecar = describe(&file.written(report, path)?, &reference, options);
    let mut text = target.sidecar().new_file(sidecar_path)?;
    text.write_all(sidecar.to_text().as_bytes())
        .map_err(StorageError::io("write", sidecar_path))?;
    target.publish(file.close(), text.close(), options.overwrite)?;
    drop(target);

    let open = OpenOptions::new().load_mode(options.load_mode).metadata_path(sidecar_path);
    crate::open(path, &open)
}
