//! Why a search gave no answer.

use bigannoy_format::DamagedRecord;
use bigannoy_metric::Metric;

use crate::Strategy;

/// Why a search gave no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// No neighbors were asked for.
    #[error("k is 0, expected at least 1")]
    ZeroK,
    /// More neighbors than the index can give.
    #[error("k is {k}, expected at most {most}: the index has {n_items} {}{}{}",
        if *n_items == 1 { "item" } else { "items" },
        if admitted == n_items { String::new() } else { format!(", {admitted} of them admitted") },
        own_row_in_words(*own_row, *k == *most as usize + 1))]
    TooManyNeighbors {
        /// The number asked for.
        k: usize,
        /// The largest that would have been possible.
        most: u32,
        /// Items in the index.
        n_items: u32,
        /// Items that may be neighbors.
        admitted: u32,
        /// Whether one item, the row itself, was to be left out.
        own_row: bool,
    },
    /// A search budget of nothing.
    #[error("search_k is 0, expected at least 1")]
    ZeroSearchK,
    /// A strategy that does not know the index's metric.
    #[error("the strategy {strategy} knows euclidean, angular and dot, and the index is {metric}")]
    StrategyMetric {
        /// The strategy.
        strategy: Strategy,
        /// The index's metric.
        metric: Metric,
    },
    /// A filter that is not over the items of the index.
    #[error("the filter is over {found} items, expected {expected} as in the index")]
    Filter {
        /// Items that the filter is over.
        found: u32,
        /// Items in the index.
        expected: u32,
    },
    /// The query has another number of columns than the index has dimensions.
    #[error("the query has {found} columns, expected {expected} as in the index")]
    WrongDimension {
        /// The index's dimension.
        expected: usize,
        /// The query's.
        found: usize,
    },
    /// The query holds a value that is no number, or an infinite one.
    #[error("query row {}, column {} (counted from 1) is {value}, expected a finite number", row + 1, column + 1)]
    NotFinite {
        /// The row of the block, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// The value.
        value: f32,
    },
    /// There is no such item.
    #[error("item {item} (counted from 0) is not in the index of {n_items} items")]
    NoSuchItem {
        /// The item asked for.
        item: u32,
        /// Items in the index.
        n_items: u32,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The index contradicts itself.
    #[error(transparent)]
    Damaged(#[from] DamagedRecord),
}

/// What is said of a row that is left out of its own neighbors; it may be all that `is_lacking`.
fn own_row_in_words(is_left_out: bool, is_lacking: bool) -> &'static str {
    match (is_left_out, is_lacking) {
        (false, _) => "",
        (true, false) => " and a row is not its own neighbor",
        (true, true) => {
            " and a row is not its own neighbor, unless that is asked for (include_self, \
             --include-self)"
        }
    }
}
