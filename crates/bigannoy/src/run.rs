//! One search, from checked settings to a finished sink.

use std::ops::Range;
use std::sync::Arc;

use bigannoy_matrix::{RowSource, par_copy_rows};
use bigannoy_metric::{Neighbor, NeighborBlock};
use bigannoy_search::{Query, SearchError};
use bigannoy_sink::{NeighborSink, ResultShape};
use rayon::ThreadPool;

use crate::index::Loaded;
use crate::{Error, Index, MAX_THREADS, SearchOptions, SearchSummary, Stage};

/// The most bytes of queries and neighbors in a block of more than one row.
const BLOCK_BYTES: usize = 64 << 20;

/// What is searched for.
#[derive(Clone, Copy)]
pub(crate) enum Queries<'a> {
    /// These rows.
    External(&'a dyn RowSource),
    /// The items of the index, each without itself.
    Own,
}

/// A search whose settings and queries have been checked.
pub(crate) struct Run<'a> {
    index: &'a Index,
    loaded: Arc<Loaded>,
    queries: Queries<'a>,
    options: &'a SearchOptions,
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
        let loaded = index.loaded()?;
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
        let pool = options.threads.map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map_err(|error| Error::Threads { threads, problem: error.to_string() })
        });
        let run = Run { index, loaded, queries, options, pool: pool.transpose()?, n_query };
        let own_row = matches!(queries, Queries::Own);
        run.query().check(own_row).map_err(|source| run.failed(source))?;
        if let Queries::External(rows) = queries {
            // A fault in the last query must show before the first neighbor is written.
            let mut vectors = Vec::new();
            for block in run.blocks() {
                run.read(rows, block, &mut vectors)?;
            }
        }
        Ok(run)
    }

    /// Searches block by block.
    pub(crate) fn into_sink(self, sink: &mut dyn NeighborSink) -> Result<SearchSummary, Error> {
        let watch = &self.options.watch;
        sink.begin(ResultShape::new(self.n_query, self.options.k))?;
        let mut short_rows = 0;
        let mut vectors = Vec::new();
        watch.report(Stage::Queries, 0, self.n_query as u64);
        for block in self.blocks() {
            if watch.is_interrupted() {
                let written = format!("{} of {} queries were answered", block.start, self.n_query);
                return Err(Error::Interrupted { written });
            }
            let end = block.end;
            let neighbors = self.answer(block, &mut vectors)?;
            short_rows += neighbors.short_rows();
            sink.write(&neighbors)?;
            watch.report(Stage::Queries, end as u64, self.n_query as u64);
        }
        sink.finish()?;
        Ok(SearchSummary {
            k: self.options.k,
            metric: self.index.metric(),
            n_ref: self.loaded.shape().n_items() as usize,
            n_query: self.n_query,
            exact: false,
            backend: "annoy",
            short_rows,
        })
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let n_query = self.n_query;
        // Few rows where they are wide or have many neighbors: memory is bounded in bytes.
        let bytes = 4 * self.index.dim() + size_of::<Neighbor>() * self.options.k;
        let size = self.options.block_rows.min((BLOCK_BYTES / bytes).max(1));
        (0..n_query).step_by(size).map(move |start| start..n_query.min(start.saturating_add(size)))
    }

    fn query(&self) -> Query<'_> {
        let query = self.loaded.query(self.options.k);
        match self.options.search_k {
            Some(search_k) => query.search_k(search_k),
            None => query,
        }
    }

    fn answer(&self, block: Range<usize>, vectors: &mut Vec<f32>) -> Result<NeighborBlock, Error> {
        let found = match self.queries {
            Queries::External(rows) => {
                self.read(rows, block, vectors)?;
                self.in_pool(|| self.query().by_rows(vectors))
            }
            Queries::Own => {
                #[expect(clippy::cast_possible_truncation, reason = "items have 32 bits")]
                let items = block.start as u32..block.end as u32;
                self.in_pool(|| self.query().by_items(items))
            }
        };
        found.map_err(|source| self.failed(source))
    }

    /// Reads a block of rows in parallel.
    fn read(
        &self,
        rows: &dyn RowSource,
        block: Range<usize>,
        vectors: &mut Vec<f32>,
    ) -> Result<(), Error> {
        rows.will_need(block.end..block.end.saturating_add(block.len()));
        vectors.resize(block.len() * self.index.dim(), 0.0);
        Ok(self.in_pool(|| par_copy_rows(rows, block, vectors))?)
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
