//! From a matrix to an index on disk.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bigannoy_build::{
    BuildError, BuildProgress, BuildReport, BuildStage, DEFAULT_TREES, Generator, IndexBuilder,
};
use bigannoy_format::Sidecar;
use bigannoy_metric::Metric;
use bigannoy_storage::{Existing, NewFile, StorageError};
use jiff::Timestamp;

use crate::index::{sidecar_path, try_exists};
use crate::index_file::IndexFile;
use crate::input::OpenInput;
use crate::progress::Watch;
use crate::{Error, Index, Input, LoadMode, Progress, Stage};

/// How an index is built.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    metric: Metric,
    trees: usize,
    seed: Option<u64>,
    generator: Generator,
    threads: Option<usize>,
    overwrite: bool,
    load_mode: LoadMode,
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
            overwrite: false,
            load_mode: LoadMode::Lazy,
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
    /// `RcppAnnoy`. Default: [`Generator::Default`].
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
/// The rows are read in blocks, once, and under dot twice. The index is written under a temporary name in the same
/// directory and appears under its own when it is complete and on the disk; the sidecar, `path`
/// with `.meta` appended, follows. Memory: see [`bigannoy_build`]; the items are in the file.
///
/// # Errors
/// [`Error`]: the metric is hamming; the reference cannot be attached, holds a missing or non-finite value, or is empty; a
/// setting is out of range; a file exists and overwriting was not asked for, or it is a part of the
/// reference; the disk is full; an interruption. What was on the disk before is unchanged then. A
/// process that is killed leaves its temporary file, named `.<index>.bigannoy-<pid>-<n>.tmp`.
pub fn build<'a>(
    reference: impl Into<Input<'a>>,
    path: impl AsRef<Path>,
    options: &BuildOptions,
) -> Result<Index, Error> {
    let path = path.as_ref();
    let sidecar_path = sidecar_path(path);
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
    if options.watch.progress.is_some() {
        builder = builder.progress(&tell);
    }
    if let Some(interrupt) = &options.watch.interrupt {
        builder = builder.interrupt(interrupt);
    }
    builder.check(rows).map_err(fail)?;
    for target in [path, &sidecar_path] {
        check_target(target, &input, options.overwrite)?;
    }

    let mut file = IndexFile::create(path)?;
    let report = builder.build(rows, &mut file).map_err(fail)?;
    drop(input);
    let modified = file.modified().map_err(StorageError::io("look at", path))?;
    let sidecar = describe(&report, options, path, &file.md5_hex(), modified);
    let mut sidecar_file = NewFile::create(&sidecar_path)?;
    sidecar_file
        .write_all(sidecar.to_text().as_bytes())
        .map_err(StorageError::io("write", &sidecar_path))?;
    publish(file, sidecar_file, &sidecar_path, options.overwrite)?;

    let index = Index::new(path.to_path_buf(), sidecar_path, sidecar, options.load_mode)?;
    if options.load_mode == LoadMode::Eager {
        index.load()?;
    }
    Ok(index)
}

/// Refuses to write where nothing may be replaced, or where something stands that must not be.
fn check_target(target: &Path, input: &OpenInput<'_>, overwrite: bool) -> Result<(), Error> {
    if !try_exists(target)? {
        return Ok(());
    }
    let path = target.to_path_buf();
    if !overwrite {
        return Err(Error::Exists { path });
    }
    if target.is_dir() {
        return Err(Error::NotReplaced { path, what: "a directory" });
    }
    // A dangling link is nobody's matrix.
    if target.exists() && input.consists_of(target)? {
        return Err(Error::NotReplaced { path, what: "part of the reference" });
    }
    Ok(())
}

/// Gives index and sidecar their names, after the bytes of both are on the disk.
///
/// An old sidecar is put aside first, and put back if the index could not be replaced: no sidecar
/// ever stands beside an index that it does not describe. A kill within these few renames can leave
/// an index without a sidecar, which opening it says.
fn publish(
    index: IndexFile,
    sidecar: NewFile,
    sidecar_path: &Path,
    overwrite: bool,
) -> Result<(), Error> {
    index.sync()?;
    sidecar.sync()?;
    if !overwrite {
        let path = index.target().to_path_buf();
        index.commit(Existing::Refuse)?;
        if let Err(error) = sidecar.commit(Existing::Refuse) {
            // Ours: it was not there a moment ago.
            std::fs::remove_file(&path).map_err(StorageError::io("remove", &path))?;
            return Err(error.into());
        }
        return Ok(());
    }
    let aside = if try_exists(sidecar_path)? {
        // Beside the new one's temporary name, so that it is known for what it is.
        let mut aside = sidecar.temporary_path().as_os_str().to_owned();
        aside.push(".old");
        let aside = PathBuf::from(aside);
        std::fs::rename(sidecar_path, &aside)
            .map_err(StorageError::io("put aside", sidecar_path))?;
        Some(aside)
    } else {
        None
    };
    let replaced = index.commit(Existing::Replace);
    if let Some(aside) = aside {
        if let Err(error) = replaced {
            std::fs::rename(&aside, sidecar_path)
                .map_err(StorageError::io("put back", sidecar_path))?;
            return Err(error.into());
        }
        sidecar.commit(Existing::Replace)?;
        return std::fs::remove_file(&aside)
            .map_err(|error| StorageError::io("remove", &aside)(error).into());
    }
    replaced?;
    Ok(sidecar.commit(Existing::Replace)?)
}

/// The field of a sidecar that names the definition of the index's bytes.
pub(crate) const GENERATOR_FIELD: &str = "bigannoy_generator";

/// The seed as the sidecar has it: what builds the same index again when it is set.
///
/// Annoy's own seed has more digits than a number of R; where it was left to Annoy's, the seed is
/// not set again either. That is `NA` in the file, which R reads as an unset seed.
fn recorded_seed(options: &BuildOptions) -> Option<u64> {
    match options.generator {
        Generator::Annoy => options.seed,
        generator => Some(options.seed.unwrap_or(generator.default_seed())),
    }
}

/// The sidecar of a new index.
fn describe(
    report: &BuildReport,
    options: &BuildOptions,
    path: &Path,
    md5: &str,
    modified: std::time::SystemTime,
) -> Sidecar {
    // Times outside of the years -9999 to 9999 are not worth failing a build for.
    let now = Timestamp::now();
    let modified = Timestamp::try_from(modified).unwrap_or(now);
    let mut sidecar = Sidecar::new(options.metric, report.dim);
    let text = |value: &str| Some(value.to_owned());
    sidecar.metadata_version = text("3");
    sidecar.package_version = text(env!("CARGO_PKG_VERSION"));
    sidecar.annoy_version = text("1.17.3");
    sidecar.index_id = Some(format!("annoy-{}-{}", now.strftime("%Y%m%d%H%M%S"), &md5[..12]));
    sidecar.n_ref = Some(report.n_items.into());
    sidecar.n_trees = Some(report.n_trees as u64);
    sidecar.build_seed = recorded_seed(options);
    let threads = options.threads.and_then(|threads| i64::try_from(threads).ok());
    sidecar.build_threads = Some(threads.unwrap_or(-1));
    sidecar.build_backend = text("rust");
    sidecar.file_size = Some(report.bytes);
    sidecar.file_mtime = Some(modified.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    sidecar.file_md5 = text(md5);
    sidecar.load_mode = text(options.load_mode.name());
    let file_name = path.file_name().unwrap_or_default();
    sidecar.index_file = Some(PathBuf::from(file_name).display().to_string());
    sidecar.other =
        vec![(GENERATOR_FIELD.to_owned(), options.generator.recorded_name().to_owned())];
    sidecar
}
