//! The settings of a measurement.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bigannoy::{BuildOptions, DEFAULT_BLOCK_ROWS, Error, Generator, LoadMode, MAX_THREADS, Metric};
use bigannoy::{Progress, SearchOptions, Strategy};

use crate::{BenchError, Shape};

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queries {
    /// `n_query` rows made as the synthetic reference is, and not in it.
    Synthetic,
    /// The rows of the reference, each without itself.
    OwnRows,
    /// The rows of the matrix with this descriptor file.
    Matrix(PathBuf),
}

/// The settings of a measurement, under the names that bigANNOY gives them; see there for the
/// defaults, too. What is left at its default is filled in from [`BenchOptions::default`].
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// Descriptor file of the reference. Default: none, the reference is synthetic.
    pub reference: Option<PathBuf>,
    /// What is searched for. Default: [`Queries::Synthetic`], which needs a synthetic reference.
    pub queries: Queries,
    /// How synthetic rows are distributed. Default: [`Shape::Normal`].
    pub shape: Shape,
    /// Rows of a synthetic reference. Default: 2,000.
    pub n_ref: usize,
    /// Synthetic queries. Default: 200.
    pub n_query: usize,
    /// Columns of synthetic data. Default: 20.
    pub n_dim: usize,
    /// Neighbors for each query. Default: 10.
    pub k: usize,
    /// Trees of the index. Default: 50.
    pub n_trees: usize,
    /// The metric. Default: euclidean.
    pub metric: Metric,
    /// How neighbors are looked for. Default: [`Strategy::Annoy`].
    pub strategy: Strategy,
    /// Items gathered before ranking. Default: none, which is `k` times the trees; under
    /// [`Strategy::Cells`] a sixteenth of the rows, and at least 100 times `k`.
    pub search_k: Option<usize>,
    /// Seed of synthetic data, and of the index where `build_seed` is not set. Default: 42.
    pub seed: u64,
    /// Seed of the index. Default: none, `seed` is used.
    pub build_seed: Option<u64>,
    /// By which definition the index is built. Default: [`Generator::Default`].
    pub generator: Generator,
    /// Threads of the build. Default: none, one for each processor.
    pub build_threads: Option<usize>,
    /// Threads of batch searches. Default: none, one for each processor.
    pub search_threads: Option<usize>,
    /// Rows in a block of queries. Default: [`DEFAULT_BLOCK_ROWS`].
    pub block_rows: usize,
    /// Whether exact neighbors are found too, for the recall. Default: yes.
    pub exact: bool,
    /// Whether synthetic data is put into file-backed matrices. Default: no.
    pub filebacked: bool,
    /// The directory in which a directory for the files is made. Default: the system's for temporary
    /// files.
    pub path_dir: Option<PathBuf>,
    /// Whether the files stay. Default: no.
    pub keep_files: bool,
    /// Whether the index is mapped before searches are timed; with [`LoadMode::Lazy`] each timed
    /// search maps it. Default: [`LoadMode::Eager`].
    pub load_mode: LoadMode,
    /// Timed searches, of which the median counts. Default: 3.
    pub repetitions: usize,
    /// Single queries whose latency is taken, at most. Default: 1,000.
    pub latency_queries: usize,
    /// Who is told what is being done, and who may end it.
    pub watch: Watch,
}

impl Default for BenchOptions {
    fn default() -> Self {
        BenchOptions {
            reference: None,
            queries: Queries::Synthetic,
            shape: Shape::Normal,
            n_ref: 2_000,
            n_query: 200,
            n_dim: 20,
            k: 10,
            n_trees: 50,
            metric: Metric::Euclidean,
            strategy: Strategy::default(),
            search_k: None,
            seed: 42,
            build_seed: None,
            generator: Generator::Default,
            build_threads: None,
            search_threads: None,
            block_rows: DEFAULT_BLOCK_ROWS,
            exact: true,
            filebacked: false,
            path_dir: None,
            keep_files: false,
            load_mode: LoadMode::Eager,
            repetitions: 3,
            latency_queries: 1_000,
            watch: Watch::default(),
        }
    }
}

impl BenchOptions {
    /// Checks everything that can be checked before any work.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        let positive = [
            ("n_ref", self.n_ref),
            ("n_query", self.n_query),
            ("n_dim", self.n_dim),
            ("k", self.k),
            ("n_trees", self.n_trees),
            ("search_k", self.search_k.unwrap_or(1)),
            ("block_size", self.block_rows),
            ("repetitions", self.repetitions),
        ];
        for (name, value) in positive {
            if value == 0 {
                return Err(BenchError::setting(name, 0, "at least 1"));
            }
        }
        for (name, threads) in
            [("build_threads", self.build_threads), ("threads", self.search_threads)]
        {
            if threads.is_some_and(|threads| threads == 0 || threads > MAX_THREADS) {
                let found = threads.unwrap_or_default();
                return Err(BenchError::setting(name, found, format!("1 to {MAX_THREADS}")));
            }
        }
        if self.metric == Metric::Hamming {
            let expected = "euclidean, angular, manhattan or dot: hamming indexes are not built";
            return Err(BenchError::setting("metric", self.metric, expected));
        }
        if !self.strategy.knows(self.metric) {
            let expected = format!("euclidean, angular or dot for the strategy {}", self.strategy);
            return Err(BenchError::setting("metric", self.metric, expected));
        }
        if self.reference.is_some() && self.queries == Queries::Synthetic {
            let expected = "a matrix, or the rows of the reference themselves: queries are made only \
                            for a reference that is made";
            return Err(BenchError::setting("query", "synthetic", expected));
        }
        match self.reference {
            Some(_) => Ok(()), // not looked at yet
            None => check_k(self.k, self.n_ref, self.queries == Queries::OwnRows),
        }
    }

    /// The settings by the names that they have on the command line, as text.
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        let unset = |value: Option<usize>| value.map_or("default".to_owned(), |n| n.to_string());
        let path = |path: &Option<PathBuf>, none: &str| {
            path.as_ref().map_or(none.to_owned(), |path| path.display().to_string())
        };
        let queries = match &self.queries {
            Queries::Synthetic => "synthetic".to_owned(),
            Queries::OwnRows => "the rows of the reference".to_owned(),
            Queries::Matrix(path) => path.display().to_string(),
        };
        let mut params = vec![("reference", path(&self.reference, "synthetic"))];
        if self.reference.is_none() {
            params.push(("shape", self.shape.to_string()));
            params.push(("seed", self.seed.to_string()));
            params.push(("filebacked", self.filebacked.to_string()));
        }
        params.extend([
            ("query", queries),
            ("metric", self.metric.to_string()),
            ("build_seed", self.build_seed.unwrap_or(self.seed).to_string()),
            ("generator", self.generator.to_string()),
            ("strategy", self.strategy.to_string()),
            ("build_threads", unset(self.build_threads)),
            ("threads", unset(self.search_threads)),
            ("block_size", self.block_rows.to_string()),
            ("load_mode", self.load_mode.name().to_owned()),
            ("repetitions", self.repetitions.to_string()),
            ("latency_queries", self.latency_queries.to_string()),
        ]);
        params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub(crate) fn build_options(&self, n_trees: usize) -> BuildOptions {
        let mut options = BuildOptions::new(self.metric)
            .trees(n_trees)
            .seed(self.build_seed.unwrap_or(self.seed))
            .generator(self.generator)
            .load_mode(self.load_mode);
        if let Some(threads) = self.build_threads {
            options = options.threads(threads);
        }
        if let Some(progress) = self.watch.progress.clone() {
            options = options.progress(move |at| progress(at));
        }
        match &self.watch.interrupt {
            Some(interrupt) => options.interrupt(Arc::clone(interrupt)),
            None => options,
        }
    }

    pub(crate) fn search_options(&self, search_k: Option<usize>) -> SearchOptions {
        let mut options =
            SearchOptions::new(self.k).strategy(self.strategy).block_rows(self.block_rows);
        if let Some(threads) = self.search_threads {
            options = options.threads(threads);
        }
        if let Some(search_k) = search_k {
            options = options.search_k(search_k);
        }
        match &self.watch.interrupt {
            Some(interrupt) => options.interrupt(Arc::clone(interrupt)),
            None => options,
        }
    }
}

/// Refuses more neighbors than a reference has rows; `own_rows` are left out of their neighbors.
pub(crate) fn check_k(k: usize, n_ref: usize, own_rows: bool) -> Result<(), BenchError> {
    let most = n_ref - usize::from(own_rows).min(n_ref);
    if k <= most {
        return Ok(());
    }
    let why = if own_rows { ", and a row is not its own neighbor" } else { "" };
    let expected = format!("at most {most}: the reference has {n_ref} rows{why}");
    Err(BenchError::setting("k", k, expected))
}

/// Is called with what begins.
pub type TellStage = Arc<dyn Fn(&str) + Send + Sync>;

/// Who is told what is being done, and who may end it.
#[derive(Clone, Default)]
pub struct Watch {
    /// Called with what begins, in a few words.
    pub stage: Option<TellStage>,
    /// Called with how far a build is.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    /// Ends the measurement soon after it becomes true, with [`Error::Interrupted`].
    pub interrupt: Option<Arc<AtomicBool>>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// Tells what begins, unless it is not to begin any more.
    pub(crate) fn begin(&self, what: &str) -> Result<(), BenchError> {
        if self.is_interrupted() {
            return Err(interrupted().into());
        }
        if let Some(stage) = &self.stage {
            stage(what);
        }
        Ok(())
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|interrupt| interrupt.load(Ordering::Relaxed))
    }
}

pub(crate) fn interrupted() -> Error {
    Error::Interrupted { written: "the measurement was not finished".to_owned() }
}
