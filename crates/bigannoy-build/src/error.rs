//! Why an index was not built.

use std::io;

use bigannoy_format::{LayoutError, MAX_NODES};
use bigannoy_matrix::RowError;
use bigannoy_metric::Metric;

use crate::MAX_THREADS;

/// Why an index was not built. What the store holds then is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A metric whose indexes can only be read.
    #[error("{metric} indexes can be read and searched, not built")]
    NotBuilt {
        /// The metric.
        metric: Metric,
    },
    /// A forest of no trees.
    #[error("the number of trees is 0, expected at least 1")]
    NoTrees,
    /// No threads, or more than make sense.
    #[error("the number of threads is {found}, expected 1 to {MAX_THREADS}")]
    ThreadCount {
        /// The number asked for.
        found: usize,
    },
    /// Blocks of no rows.
    #[error("the number of rows in a block is 0, expected at least 1")]
    NoBlock,
    /// Less memory than the build takes one tree, and one block, at a time.
    #[error(
        "a memory budget of {asked} bytes is too small for these settings: at least {least} are needed"
    )]
    Memory {
        /// Bytes asked for.
        asked: u64,
        /// The least budget that does.
        least: u64,
    },
    /// A matrix without rows.
    #[error("{matrix} has no rows, expected at least 1")]
    NoRows {
        /// The matrix.
        matrix: String,
    },
    /// A matrix with no columns, or more than an index can have dimensions.
    #[error("{matrix} cannot be indexed")]
    Columns {
        /// The matrix.
        matrix: String,
        /// The limit.
        source: LayoutError,
    },
    /// More rows than items can be numbered.
    #[error("{matrix} has {rows} rows, expected at most {most}", most = MAX_NODES - 2)]
    TooManyRows {
        /// The matrix.
        matrix: String,
        /// Its rows.
        rows: usize,
    },
    /// The trees do not fit in the file's numbering: found before any work where that is sure whatever the rows
    /// are, or else as soon as the trees grown so far make it sure.
    #[error(
        "{asked} trees need more than the {MAX_NODES} records of a file: no more than {fit} can fit"
    )]
    TooManyTrees {
        /// Trees asked for.
        asked: usize,
        /// No more trees than these fit, and perhaps fewer: how large those are is not known that were not grown.
        fit: usize,
    },
    /// A value that is no coordinate.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The store failed.
    #[error("the index cannot be written")]
    Store(#[source] io::Error),
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {problem}")]
    Threads {
        /// The number asked for.
        threads: usize,
        /// The system's reason.
        problem: String,
    },
    /// The caller asked to stop.
    #[error("the build was interrupted")]
    Interrupted,
}
