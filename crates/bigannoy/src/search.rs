//! From queries to neighbors.

use bigannoy_matrix::Element;
use bigannoy_metric::{Metric, NeighborBlock};
use bigannoy_sink::{MemorySink, NeighborSink, Place};

use crate::run::{Queries, Run};
use crate::{Error, Index, Input, SearchOptions};

/// What was searched, how it went, and where the neighbors are: the record of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSummary {
    /// Where the ids of the neighbors are.
    pub index: Place,
    /// Where their distances are. Under dot they are similarities, in descending order (see
    /// [`Metric::is_similarity`]).
    pub distance: Place,
    /// Neighbors asked for.
    pub k: usize,
    /// The metric of the distances.
    pub metric: Metric,
    /// Items in the index.
    pub n_ref: usize,
    /// Queries.
    pub n_query: usize,
    /// Whether the neighbors are certainly the nearest, as distances in 32 bits have it: where the
    /// search was exhaustive.
    pub exact: bool,
    /// What found them, by name: `annoy` or `cells` (see [`crate::Strategy`]).
    pub backend: &'static str,
    /// Queries for which fewer than `k` neighbors were found.
    pub short_rows: usize,
    /// Those of them for which a larger budget finds more. For the others there are no more items that
    /// may be neighbors, as where ids have gaps.
    pub limited_rows: usize,
    /// Queries that were not answered: those with missing values, where these are skipped, and ids
    /// of the index at which there is no item.
    pub skipped_rows: usize,
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

impl SearchResult {
    /// The ids as R has them: `n_query * k` rows of the reference, counted from 1, column by column;
    /// `NA_integer_` where nothing was found.
    #[must_use]
    pub fn index(&self) -> Vec<i32> {
        index(&self.neighbors)
    }

    /// The distances as R has them: `n_query * k` numbers, column by column; `NA_real_` where nothing
    /// was found.
    #[must_use]
    pub fn distance(&self) -> Vec<f64> {
        distance(&self.neighbors)
    }
}

/// Ids as R has them.
pub(crate) fn index(neighbors: &NeighborBlock) -> Vec<i32> {
    by_column(neighbors, i32::MISSING, |row, rank| {
        (neighbors.row(row)[rank].item + 1).cast_signed()
    })
}

/// Distances as R has them.
pub(crate) fn distance(neighbors: &NeighborBlock) -> Vec<f64> {
    by_column(neighbors, f64::MISSING, |row, rank| neighbors.distance(row, rank))
}

fn by_column<T: Copy>(
    neighbors: &NeighborBlock,
    missing: T,
    value: impl Fn(usize, usize) -> T,
) -> Vec<T> {
    let found = |row, rank| rank < neighbors.row(row).len();
    let rows = 0..neighbors.nrows();
    (0..neighbors.k())
        .flat_map(|rank| rows.clone().map(move |row| (row, rank)))
        .map(|(row, rank)| if found(row, rank) { value(row, rank) } else { missing })
        .collect()
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
    /// take the result. All of these leave no trace: queries are looked at before anything is
    /// written. And [`Error::SearchInterrupted`], [`Error::ShortRow`], or a fault of sink or index
    /// in mid-search, as [`Error::SearchEnded`]: these tell how many queries were written, and leave
    /// new destinations unfinished and existing ones partly overwritten.
    pub fn search_into<'a>(
        &self,
        queries: impl Into<Input<'a>>,
        options: &SearchOptions,
        sink: &mut dyn NeighborSink,
    ) -> Result<SearchSummary, Error> {
        let input = queries.into().open()?;
        Run::new(self, Queries::External(input.rows()), options, None)?.into_sink(sink)
    }

    /// Finds the neighbors of each item of the index among the others, in memory. See
    /// [`SearchOptions::include_self`].
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
    /// As [`Index::search_into`].
    pub fn search_self_into(
        &self,
        options: &SearchOptions,
        sink: &mut dyn NeighborSink,
    ) -> Result<SearchSummary, Error> {
        Run::new(self, Queries::Own, options, None)?.into_sink(sink)
    }
}
