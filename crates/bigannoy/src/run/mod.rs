//! One search, from checked settings to a finished sink.

mod answer;
mod kept;
mod rank;
mod read;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bigannoy_matrix::RowSource;
use bigannoy_metric::{ItemSet, Neighbor};
use bigannoy_search::{Budget, SearchError};
use bigannoy_sink::{NeighborSink, ResultShape};
use rayon::ThreadPool;

use self::answer::Answer;
use self::kept::{Kept, Plan};
use self::read::Vectors;
use crate::index::Loaded;
use crate::{Error, Index, MAX_THREADS, Reranked, SearchOptions, SearchSummary, Stage};

/// The most bytes of queries and neighbors in a block of more than one row.
const BLOCK_BYTES: usize = 64 << 20;

/// What is searched for.
#[derive(Clone, Copy)]
pub(crate) enum Queries<'a> {
    /// These rows.
    External(&'a dyn RowSource),
    /// The items of the index, each without itself unless it is to be included.
    Own,
}

/// Queries that have fewer neighbors than asked for, as [`SearchSummary`] tells them apart.
#[derive(Default)]
struct Counts {
    short: usize,
    limited: usize,
    skipped: usize,
}

/// A search whose settings and queries have been checked.
pub(crate) struct Run<'a> {
    index: &'a Index,
    loaded: Arc<Loaded>,
    queries: Queries<'a>,
    options: &'a SearchOptions,
    /// The reference, where candidates are ranked anew by it.
    reranked: Option<&'a Reranked<'a>>,
    /// The items that may be neighbors, where not all may.
    admitted: Option<Arc<ItemSet>>,
    /// Items that may be neighbors and are there, once they were counted: see [`Run::possible`].
    possible: OnceLock<usize>,
    /// The budget in items, unless all are looked at.
    search_k: Option<usize>,
    /// A pool of its own, or none: then work goes to the pool of the caller.
    pool: Option<ThreadPool>,
    n_query: usize,
}

impl<'a> Run<'a> {
    /// Checks everything that can be checked before the sink is asked.
    pub(crate) fn new(
        index: &'a Index,
        queries: Queries<'a>,
        options: &'a SearchOptions,
        reranked: Option<&'a Reranked<'a>>,
    ) -> Result<Self, Error> {
        let within = |setting, found: usize, most: usize| {
            if (1..=most).contains(&found) {
                return Ok(());
            }
            let expected = match most {
                usize::MAX => "at least 1".to_owned(),
                most => format!("1 to {most}"),
            };
            Err(Error::Setting { setting, found: found.to_string(), expected })
        };
        within("the number of rows in a block", options.block_rows, usize::MAX)?;
        within("the number of threads", options.threads.unwrap_or(1), MAX_THREADS)?;
        let loaded = index.loaded_with(options.prefault.unwrap_or(index.prefault))?;
        let n_query = match queries {
            Queries::Own => loaded.shape().n_items() as usize,
            Queries::External(rows) => {
                if rows.ncols() != index.dim() {
                    return Err(Error::QueryWidth {
                        query: rows.name(),
                        found: rows.ncols(),
                        expected: index.dim(),
                        index: index.path.clone(),
                    });
                }
                if rows.nrows() == 0 {
                    return Err(Error::NoQueries { query: rows.name() });
                }
                rows.nrows()
            }
        };
        let failed = |source| Error::Search { index: index.path.clone(), source };
        let admitted = options.admitted(loaded.shape().n_items()).map_err(failed)?;
        if let Some(reranked) = reranked {
            reranked.check(&loaded)?;
        }
        let pool = options.threads.map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map_err(|error| Error::Threads { threads, problem: error.to_string() })
        });
        let pool = pool.transpose()?;
        let mut run = Run {
            index,
            loaded,
            queries,
            options,
            reranked,
            admitted,
            possible: OnceLock::new(),
            search_k: None,
            pool,
            n_query,
        };
        let own_rows = matches!(queries, Queries::Own);
        run.search_k = run.query().check(own_rows).map_err(failed)?;
        Ok(run)
    }

    /// A fault in the last query must show before the first neighbor is written. Returns a hash of all
    /// values if it is wanted.
    fn look_at_queries(&self, hashed: bool) -> Result<Option<String>, Error> {
        let Queries::External(rows) = self.queries else { return Ok(None) };
        if self.options.skip_missing && !hashed {
            return Ok(None);
        }
        let mut hasher = blake3::Hasher::new();
        let mut vectors = Vectors::default();
        for block in self.blocks(0) {
            self.go_on(0)?;
            // A value that is too large for 32 bits is a fault, whatever else is done with it.
            self.read(rows, block.clone(), &mut vectors.single)?;
            if hashed && self.reranked.is_some() {
                self.read(rows, block, &mut vectors.double)?;
                hasher.update(bytemuck::cast_slice(&vectors.double));
            } else if hashed {
                hasher.update(bytemuck::cast_slice(&vectors.single));
            }
        }
        Ok(hashed.then(|| hasher.finalize().to_hex().to_string()))
    }

    /// Searches block by block.
    pub(crate) fn into_sink(self, sink: &mut dyn NeighborSink) -> Result<SearchSummary, Error> {
        let mut journal = self.begin(sink)?;
        let counts = match self.write(sink, &mut journal) {
            Ok(counts) => counts,
            Err(error) => {
                journal.leave(&error);
                return Err(error);
            }
        };
        journal.done()?;
        let kept = sink.kept();
        Ok(SearchSummary {
            index: kept.index,
            distance: kept.distance,
            k: self.options.k,
            metric: self.index.metric(),
            n_ref: self.loaded.shape().n_items() as usize,
            n_query: self.n_query,
            exact: self.options.budget == Budget::Exhaustive && self.reranked.is_none(),
            backend: self.options.strategy.name(),
            short_rows: counts.short,
            limited_rows: counts.limited,
            skipped_rows: counts.skipped,
        })
    }

    /// Begins the sink and the journal, once nothing speaks against it any more.
    fn begin(&self, sink: &mut dyn NeighborSink) -> Result<Kept, Error> {
        let shape = ResultShape::new(self.n_query, self.options.k).double(self.reranked.is_some());
        let plan = self.plan(sink)?;
        let values = self.look_at_queries(!matches!(plan, Plan::Without))?;
        match plan {
            Plan::Without => {
                sink.begin(shape)?;
                Ok(Kept::none())
            }
            Plan::Begin(path) => {
                let head = self.head(values.as_deref())?;
                sink.begin(shape)?;
                Kept::begun(&path, &head, self.options.journaling)
            }
            Plan::GoOn(path) => {
                let journal = self.resumed(&path, &self.head(values.as_deref())?)?;
                if journal.complete() == self.n_query as u64 {
                    // Killed between giving the result its name and removing the journal, or before.
                    sink.replace_existing();
                }
                sink.begin(shape)?;
                Ok(Kept::resumed(journal))
            }
        }
    }

    /// Hands all answers to the sink, those in the journal first.
    fn write(&self, sink: &mut dyn NeighborSink, journal: &mut Kept) -> Result<Counts, Error> {
        let (mut counts, mut complete) = (Counts::default(), 0);
        let mut write = |sink: &mut dyn NeighborSink, answer: &Answer| {
            sink.write(&answer.neighbors)?;
            counts.short += answer.short_rows;
            counts.limited += self.limited_rows(complete, answer);
            counts.skipped += answer.skipped_rows;
            complete += answer.neighbors.nrows();
            self.options.watch.report(Stage::Queries, complete as u64, self.n_query as u64);
            Ok::<_, Error>(complete)
        };
        self.options.watch.report(Stage::Queries, 0, self.n_query as u64);
        let mut done = 0;
        let replayed = journal.replay(&mut |answer| {
            done = write(sink, &answer)?;
            Ok(())
        });
        replayed.map_err(|error| self.ended(done, error))?;
        let mut vectors = Vectors::default();
        for block in self.blocks(done) {
            self.go_on(done)?;
            let answer = self.answer(block, &mut vectors);
            let written = answer.and_then(|answer| journal.keep(answer)).and_then(|answer| {
                done = write(sink, &answer)?;
                Ok(())
            });
            written.map_err(|error| self.ended(done, error))?;
        }
        sink.finish().map_err(|error| self.ended(done, error.into()))?;
        Ok(counts)
    }

    /// Fails where the caller has asked to stop.
    fn go_on(&self, complete: usize) -> Result<(), Error> {
        if self.options.watch.is_interrupted() {
            return Err(Error::SearchInterrupted { complete, n_query: self.n_query });
        }
        Ok(())
    }

    /// The error of a search that has written so many rows.
    fn ended(&self, complete: usize, error: Error) -> Error {
        let n_query = self.n_query;
        match error {
            Error::Search { source: SearchError::Interrupted, .. } => {
                Error::SearchInterrupted { complete, n_query }
            }
            // Its row tells how far it went, and nothing of it was a fault.
            Error::ShortRow { .. } => error,
            error => Error::SearchEnded { complete, n_query, source: Box::new(error) },
        }
    }

    /// The queries from number `first` on, block by block.
    fn blocks(&self, first: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let n_query = self.n_query;
        // Few rows where they are wide or have many neighbors: memory is bounded in bytes.
        let (value, neighbor) = match self.reranked {
            None => (size_of::<f32>(), size_of::<Neighbor>()),
            Some(_) => (size_of::<f32>() + size_of::<f64>(), 3 * size_of::<Neighbor>()),
        };
        let bytes = value * self.index.dim() + neighbor * self.kept();
        let size = self.options.block_rows.min((BLOCK_BYTES / bytes).max(1));
        (first..n_query)
            .step_by(size)
            .map(move |start| start..n_query.min(start.saturating_add(size)))
    }

    fn in_pool<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    fn failed(&self, source: SearchError) -> Error {
        Error::Search { index: self.index.path.clone(), source }
    }
}
