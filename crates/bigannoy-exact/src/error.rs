//! Why an exact search could not be done.

use bigannoy_matrix::RowError;

/// Why an exact search could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExactError {
    /// No neighbors were asked for.
    #[error("k is 0, expected at least 1")]
    ZeroK,
    /// More neighbors than there are rows to choose from.
    #[error("k is {k}, expected at most {most}: {reference} has {n_ref} {}{}",
        if *n_ref == 1 { "row" } else { "rows" },
        own_row_in_words(*own_row, *k == *most + 1))]
    TooManyNeighbors {
        /// The number asked for.
        k: usize,
        /// The largest possible.
        most: usize,
        /// The reference.
        reference: String,
        /// Its rows.
        n_ref: usize,
        /// Whether one row, the query itself, was to be left out.
        own_row: bool,
    },
    /// Reference and queries have different widths.
    #[error("{query} has {found} columns, expected {expected} as in {reference}")]
    QueryWidth {
        /// The queries.
        query: String,
        /// Their columns.
        found: usize,
        /// The reference.
        reference: String,
        /// Its columns.
        expected: usize,
    },
    /// There is nothing to search, or nothing to search for.
    #[error("{matrix} has {nrows} rows and {ncols} columns, expected at least 1 of each")]
    Empty {
        /// The reference or the queries.
        matrix: String,
        /// Its rows.
        nrows: usize,
        /// Its columns.
        ncols: usize,
    },
    /// More rows than neighbors have numbers.
    #[error("{reference} has {n_ref} rows, expected at most {most}, the most that ids can count")]
    TooManyRows {
        /// The reference.
        reference: String,
        /// Its rows.
        n_ref: usize,
        /// The limit.
        most: usize,
    },
    /// Not even one query and one row fit in the memory that was granted.
    #[error(
        "the memory for the search is {found} bytes, expected at least {least} for these rows \
             and this k"
    )]
    Memory {
        /// The budget in bytes.
        found: usize,
        /// The least that would do.
        least: usize,
    },
    /// A row cannot be read, or a value is missing or not finite.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
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
