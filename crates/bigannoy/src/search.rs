//! From queries to neighbors.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bigannoy_metric::{Metric, NeighborBlock};
use bigannoy_sink::{MemorySink, NeighborSink};

use crate::progress::Watch;
use crate::run::{Queries, Run};
use crate::{Error, Index, Input, Progress};

/// Queries that are read, answered and written at a time when [`SearchOptions::block_rows`] is not
/// called.
pub const DEFAULT_BLOCK_ROWS: usize = 1024;

/// How a search is done.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    pub(crate) k: usize,
    pub(crate) search_k: Option<usize>,
    pub(crate) threads: Option<usize>,
    pub(crate) block_rows: usize,
    pub(crate) watch: Watch,
}

impl SearchOptions {
    /// A search for the `k` nearest neighbors of each query, everything else at its default.
    #[must_use]
    pub fn new(k: usize) -> Self {
        SearchOptions {
            k,
            search_k: None,
            threads: None,
            block_rows: DEFAULT_BLOCK_ROWS,
            watch: Watch::default(),
        }
    }

    /// Sets the budget: how many items are gathered from the trees before they are ranked. More
    /// give a higher recall and a longer search.
    ///
    /// Default: `k` times the number of trees, as in Annoy; `k + 1` times where the rows of the
    /// index are searched for themselves.
    #[must_use]
    pub fn search_k(mut self, search_k: usize) -> Self {
        self.search_k = Some(search_k);
        self
    }

    /// Sets how many threads work, at most [`crate::MAX_THREADS`]. The answers do not depend on it.
    /// Default: those of the rayon
    /// pool in which the call is made, normally one for each processor.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets how many queries are read, answered and written at a time, at most: fewer where a block
    /// would take more than 64 MiB. The answers do not depend on it. Default:
    /// [`DEFAULT_BLOCK_ROWS`].
    #[must_use]
    pub fn block_rows(mut self, block_rows: usize) -> Self {
        self.block_rows = block_rows;
        self
    }

    /// Calls `progress` after each block.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watch.progress = Some(Arc::new(progress));
        self
    }

    /// Ends the search after the block during which `interrupt` becomes true, with
    /// [`Error::Interrupted`].
    #[must_use]
    pub fn interrupt(mut self, interrupt: Arc<AtomicBool>) -> Self {
        self.watch.interrupt = Some(interrupt);
        self
    }
}

/// What was searched, and how it went: all but the neighbors themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchSummary {
    /// Neighbors asked for.
    pub k: usize,
    /// The metric of the distances.
    pub metric: Metric,
    /// Items in the index.
    pub n_ref: usize,
    /// Queries.
    pub n_query: usize,
    /// Whether the neighbors are certainly the nearest: never, here.
    pub exact: bool,
    /// What found them: `annoy`.
    pub backend: &'static str,
    /// Queries for which fewer than `k` neighbors were found. A larger `search_k` finds more.
    pub short_rows: usize,
}

/// The neighbors of all queries, and what was searched.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResult {
    /// The neighbors, a row for each query, nearest first; items are counted from 0.
    ///
    /// Distances are as [`Metric`] defines them. Under [`Metric::Dot`] they are inner products:
    /// similarities, in descending order.
    pub neighbors: NeighborBlock,
    /// What was searched.
    pub summary: SearchSummary,
}

impl Index {
    /// Finds the neighbors of each row of `queries`, in memory.
    ///
    /// # Errors
    /// As [`Index::search_into`].
    pub fn search<'a>(
        &self,
        queries: impl Into<Input<'a>>,
        options: &SearchOptions,
    ) -> Result<SearchResult, Error> {
        let mut sink = MemorySink::new();
        let summary = self.search_into(queries, options, &mut sink)?;
        Ok(SearchResult { neighbors: sink.into_neighbors(), summary })
    }

    /// Finds the neighbors of each row of `queries` and hands them to `sink`, block by block.
    ///
    /// Memory: a block of queries and their neighbors, and for each thread a bit for each item.
    ///
    /// # Errors
    /// [`Error`]: the queries cannot be attached, have another number of columns than the index or
    /// hold a missing or non-finite value; `k` or another setting is out of range; the sink cannot
    /// take the result; the index is damaged; an interruption. All queries are looked at before
    /// anything is written, so that none but the last three leaves a trace.
    pub fn search_into<'a>(
        &self,
        queries: impl Into<Input<'a>>,
        options: &SearchOptions,
        sink: &mut dyn NeighborSink,
    ) -> Result<SearchSummary, Error> {
        let input = queries.into().open()?;
        Run::new(self, Queries::External(input.rows()), options)?.into_sink(sink)
    }

    /// Finds the neighbors of each item of the index among the others, in memory.
    ///
    /// # Errors
    /// As [`Index::search_self_into`].
    pub fn search_self(&self, options: &SearchOptions) -> Result<SearchResult, Error> {
        let mut sink = MemorySink::new();
        let summary = self.search_self_into(options, &mut sink)?;
        Ok(SearchResult { neighbors: sink.into_neighbors(), summary })
    }

    /// Finds the neighbors of each item of the index among the others and hands them to `sink`.
    ///
    /// An item is left out of its own neighbors by its number: another item with the same vector
    /// stays. The reference matrix is not needed, its rows are in the index.
    ///
    /// # Errors
    /// [`Error`]: `k` or another setting is out of range, the sink cannot take the result, the
    /// index is damaged, an interruption.
    pub fn search_self_into(
        &self,
        options: &SearchOptions,
        sink: &mut dyn NeighborSink,
    ) -> Result<SearchSummary, Error> {
        Run::new(self, Queries::Own, options)?.into_sink(sink)
    }
}
