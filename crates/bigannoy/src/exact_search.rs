//! Exact search, from matrix to sink.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bigannoy_exact::{DEFAULT_MEMORY, ExactError, ExactMetric, ExactSearch, Job, Queries};
use bigannoy_metric::NeighborBlock;
use bigannoy_sink::{MemorySink, NeighborSink, Place, ResultShape};

use crate::progress::Watch;
use crate::resume::check_finished;
use crate::{Error, Input, MAX_THREADS, Progress, Stage, search};

/// How an exact search is done.
#[derive(Clone, Debug)]
pub struct ExactOptions {
    metric: ExactMetric,
    k: usize,
    threads: Option<usize>,
    memory: usize,
    include_self: bool,
    watch: Watch,
}

impl ExactOptions {
    /// A search for the `k` nearest neighbors of each query, everything else at its default.
    #[must_use]
    pub fn new(metric: ExactMetric, k: usize) -> Self {
        ExactOptions {
            metric,
            k,
            threads: None,
            memory: DEFAULT_MEMORY,
            include_self: false,
            watch: Watch::default(),
        }
    }

    /// Sets how many threads work, at most [`crate::MAX_THREADS`]. The answers do not depend on it.
    /// Default: those of the rayon pool in which the call is made, normally one for each processor.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets how many bytes queries, rows of the reference and neighbors may take while the search
    /// goes on; see [`crate::exact::Plan`]. The answers do not depend on it: less memory means more
    /// passes over the reference. Default: [`DEFAULT_MEMORY`].
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets whether a row is among its own neighbors where the rows of the reference are searched
    /// for among themselves. Default: no. Another row with the same values always is.
    #[must_use]
    pub fn include_self(mut self, include_self: bool) -> Self {
        self.include_self = include_self;
        self
    }

    /// Calls `progress` after each block of the reference.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watch.progress = Some(Arc::new(progress));
        self
    }

    /// Ends the search soon after `interrupt` becomes true, with [`Error::SearchInterrupted`].
    #[must_use]
    pub fn interrupt(mut self, interrupt: Arc<AtomicBool>) -> Self {
        self.watch.interrupt = Some(interrupt);
        self
    }
}

/// What was searched, how, and where the neighbors are: the record of an exact search.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactSummary {
    /// Where the ids of the neighbors are.
    pub index: Place,
    /// Where their distances are. Under dot they are similarities, in descending order.
    pub distance: Place,
    /// Neighbors of each query.
    pub k: usize,
    /// The metric of the distances.
    pub metric: ExactMetric,
    /// Rows of the reference.
    pub n_ref: usize,
    /// Queries.
    pub n_query: usize,
    /// Whether the neighbors are certainly the nearest: always, here.
    pub exact: bool,
    /// What found them: `bruteforce`, the name that bigKNN gives to looking at everything.
    pub backend: &'static str,
}

/// The exact neighbors of all queries, and what was searched.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactResult {
    /// `k` neighbors for each query, nearest first, equal ones in the order of their rows; items are
    /// rows of the reference, counted from 0. Distances have double precision:
    /// [`NeighborBlock::wide_row`] has all their digits.
    pub neighbors: NeighborBlock,
    /// What was searched.
    pub summary: ExactSummary,
}

impl ExactResult {
    /// The ids as R has them: `n_query * k` rows of the reference, counted from 1, column by column.
    #[must_use]
    pub fn index(&self) -> Vec<i32> {
        search::index(&self.neighbors)
    }

    /// The distances as R has them: `n_query * k` numbers, column by column.
    #[must_use]
    pub fn distance(&self) -> Vec<f64> {
        search::distance(&self.neighbors)
    }
}

/// Finds the nearest rows of `reference` for each row of `queries`, in memory.
///
/// ```
/// use bigannoy::matrix::DenseRows;
/// use bigannoy::{ExactMetric, ExactOptions};
///
/// let reference = DenseRows::row_major(&[0.0, 0.0, 3.0, 4.0, 6.0, 8.0], 2);
/// let queries = DenseRows::row_major(&[3.0, 4.5], 2);
/// let found =
///     bigannoy::exact(&reference, &queries, &ExactOptions::new(ExactMetric::Euclidean, 2))?;
/// let nearest: Vec<(u32, f64)> =
///     found.neighbors.wide_row(0).map(|near| (near.item, near.distance)).collect();
/// assert_eq!(nearest, [(1, 0.5), (2, 21.25f64.sqrt())]);
/// # Ok::<(), bigannoy::Error>(())
/// ```
///
/// # Errors
/// As [`exact_into`].
pub fn exact<'a, 'b>(
    reference: impl Into<Input<'a>>,
    queries: impl Into<Input<'b>>,
    options: &ExactOptions,
) -> Result<ExactResult, Error> {
    in_memory(|sink| exact_into(reference, queries, options, sink))
}

/// Finds the nearest rows of `reference` for each row of `queries` and hands them to `sink`, block by
/// block.
///
/// Neither matrix has to fit in memory: see [`ExactOptions::memory`]. The whole reference is read once
/// for each block of queries.
///
/// # Errors
/// [`Error`]: a matrix cannot be attached or read, holds a missing or non-finite value, or has another
/// number of columns than the other; `k` or another setting is out of range; the sink cannot take the
/// result. Nothing is written before all queries and the whole reference were looked at. In
/// mid-search [`Error::SearchInterrupted`], and what else ends it, a fault of the sink for one, as
/// [`Error::SearchEnded`]: these tell how many queries were written, and leave new destinations
/// unfinished and existing ones partly overwritten.
pub fn exact_into<'a, 'b>(
    reference: impl Into<Input<'a>>,
    queries: impl Into<Input<'b>>,
    options: &ExactOptions,
    sink: &mut dyn NeighborSink,
) -> Result<ExactSummary, Error> {
    run(reference.into(), Some(queries.into()), options, sink)
}

/// Finds the nearest rows of `reference` for each of its own rows, in memory: see
/// [`ExactOptions::include_self`].
///
/// # Errors
/// As [`exact_into`].
pub fn exact_self<'a>(
    reference: impl Into<Input<'a>>,
    options: &ExactOptions,
) -> Result<ExactResult, Error> {
    in_memory(|sink| exact_self_into(reference, options, sink))
}

/// Finds the nearest rows of `reference` for each of its own rows and hands them to `sink`, block by
/// block: see [`ExactOptions::include_self`].
///
/// # Errors
/// As [`exact_into`].
pub fn exact_self_into<'a>(
    reference: impl Into<Input<'a>>,
    options: &ExactOptions,
    sink: &mut dyn NeighborSink,
) -> Result<ExactSummary, Error> {
    run(reference.into(), None, options, sink)
}

fn in_memory(
    search: impl FnOnce(&mut MemorySink) -> Result<ExactSummary, Error>,
) -> Result<ExactResult, Error> {
    let mut sink = MemorySink::new();
    let summary = search(&mut sink)?;
    Ok(ExactResult { neighbors: sink.into_neighbors(), summary })
}

fn run(
    reference: Input<'_>,
    queries: Option<Input<'_>>,
    options: &ExactOptions,
    sink: &mut dyn NeighborSink,
) -> Result<ExactSummary, Error> {
    if let Some(threads) = options.threads
        && !(1..=MAX_THREADS).contains(&threads)
    {
        return Err(Error::Setting {
            setting: "the number of threads",
            found: threads.to_string(),
            expected: format!("1 to {MAX_THREADS}"),
        });
    }
    let reference = reference.open()?;
    let external = queries.map(Input::open).transpose()?;
    let queries = match &external {
        Some(queries) => Queries::External(queries.rows()),
        None => Queries::Own { include_self: options.include_self },
    };
    let report = |done, total| options.watch.report(Stage::Comparisons, done, total);
    let mut search =
        ExactSearch::new(options.metric, options.k).memory(options.memory).progress(&report);
    if let Some(interrupt) = &options.watch.interrupt {
        search = search.interrupt(interrupt);
    }
    let pool = match options.threads {
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            Some(pool.map_err(|error| Error::Threads { threads, problem: error.to_string() })?)
        }
        None => None,
    };
    let job = match &pool {
        Some(pool) => pool.install(|| search.job(reference.rows(), queries)),
        None => search.job(reference.rows(), queries),
    }?;
    let (n_ref, n_query) = (job.n_ref(), job.n_query());
    if let Some(result) = sink.result_path() {
        check_finished(&result)?;
    }
    sink.begin(ResultShape::new(n_query, options.k).double(true))?;
    into_sink(job, pool.as_ref(), sink)?;
    sink.finish().map_err(|error| ended(n_query, n_query, error.into()))?;
    let kept = sink.kept();
    Ok(ExactSummary {
        index: kept.index,
        distance: kept.distance,
        k: options.k,
        metric: options.metric,
        n_ref,
        n_query,
        exact: true,
        backend: "bruteforce",
    })
}

fn ended(complete: usize, n_query: usize, error: Error) -> Error {
    Error::SearchEnded { complete, n_query, source: Box::new(error) }
}

/// Searches in the pool and writes outside of it: a sink need not be `Send`.
fn into_sink(
    job: Job<'_>,
    pool: Option<&rayon::ThreadPool>,
    sink: &mut dyn NeighborSink,
) -> Result<(), Error> {
    let n_query = job.n_query();
    let mut complete = 0;
    let mut blocks = job.blocks();
    loop {
        let next = match pool {
            Some(pool) => pool.install(|| blocks.next_block()),
            None => blocks.next_block(),
        };
        match next {
            Ok(Some(block)) => {
                sink.write(&block).map_err(|error| ended(complete, n_query, error.into()))?;
                complete += block.nrows();
            }
            Ok(None) => return Ok(()),
            Err(ExactError::Interrupted) => {
                return Err(Error::SearchInterrupted { complete, n_query });
            }
            // The first pass is the look at the reference: nothing has begun to be written.
            Err(error) if complete == 0 => return Err(error.into()),
            Err(error) => return Err(ended(complete, n_query, error.into())),
        }
    }
}
