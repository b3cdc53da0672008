//! Approximate nearest neighbors over matrices of R's `bigmemory`, from disk to disk.
//!
//! Reference, queries, index and results can all be files, larger than memory: [`build`] reads a
//! matrix through its descriptor and writes an Annoy index, [`open`] maps it, and
//! [`Index::search`] answers queries, into memory or into matrices that R attaches. The files are
//! those of `bigmemory`, Annoy and bigANNOY, in both directions.
//!
//! ```
//! use bigannoy::matrix::{DenseRows, MatrixSpec, NewMatrix};
//! use bigannoy::{BuildOptions, ElementType, Metric, SearchOptions};
//!
//! let directory = tempfile::tempdir()?;
//! let reference = directory.path().join("ref.desc");
//! let mut new = NewMatrix::create(&reference, &MatrixSpec::new(ElementType::Double, 5, 2))?;
//! let mut columns = new.view_mut::<f64>()?;
//! columns.column_mut(0).copy_from_slice(&[0.0, 5.0, 0.0, 5.0, 9.0]);
//! columns.column_mut(1).copy_from_slice(&[0.0, 0.0, 5.0, 5.0, 9.0]);
//! new.finish()?;
//!
//! let options = BuildOptions::new(Metric::Euclidean).trees(25).seed(99);
//! let index = bigannoy::build(&reference, directory.path().join("ref.ann"), &options)?;
//!
//! let queries = DenseRows::row_major(&[0.2, 0.1, 4.7, 5.1], 2);
//! let found = index.search(&queries, &SearchOptions::new(2))?;
//! let rows: Vec<u32> = found.neighbors.row(1).iter().map(|near| near.item).collect();
//! assert_eq!(rows, [3, 2]); // rows 4 and 3 of R
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Forms of a matrix
//! Wherever a matrix is wanted it can be given as the live matrix, as a descriptor, as the path of
//! a descriptor file or, as queries, as rows in memory: see [`Input`] and [`Destination`]. All forms
//! of one matrix give the same answers.
//!
//! # Determinism
//! An index is a function of rows, metric, trees, seed and [`Generator`]. Answers are a function of the index
//! file, the query, `k` and `search_k`. Neither depends on threads, blocks or the processor.
//!
//! # The parts
//! Each is a crate of its own, and a module here: [`matrix`], [`descriptor`],
//! [`format`](mod@format), [`metric`], [`sink`], [`journal`], [`storage`], [`npy`].
#![forbid(unsafe_code)]

mod build;
mod describe;
mod ends;
mod error;
mod exact_search;
mod fingerprint;
mod index;
mod index_file;
mod input;
mod lifecycle;
mod pair;
mod progress;
mod recall;
mod rerank;
mod resume;
mod run;
mod search;
mod search_options;
mod validate;

pub use build::{BuildOptions, build};
pub use error::Error;
pub use exact_search::{
    ExactOptions, ExactResult, ExactSummary, exact, exact_into, exact_self, exact_self_into,
};
pub use index::{Index, LoadMode, OpenOptions, open};
pub use input::Input;
pub use progress::{Progress, Stage};
pub use recall::RecallCheck;
pub use rerank::Reranked;
pub use resume::{Journaling, check_finished, unfinished};
pub use search::{SearchResult, SearchSummary};
pub use search_options::{DEFAULT_BLOCK_ROWS, SearchOptions};
pub use validate::{
    Check, Level, Severity, UnknownLevel, ValidateOptions, Validation, validate, validate_to_error,
};

#[doc(inline)]
pub use bigannoy_build::{DEFAULT_SEED, DEFAULT_TREES, Generator, MAX_THREADS, UnknownGenerator};
#[doc(inline)]
pub use bigannoy_descriptor::{Descriptor, ElementType};
#[doc(inline)]
pub use bigannoy_exact::{
    DEFAULT_MEMORY, DEFAULT_TOLERANCE, ExactMetric, QueryRecall, Ranked, Recall, RecallOptions,
    UnknownExactMetric,
};
#[doc(inline)]
pub use bigannoy_matrix::{BigMatrix, RowSource};
#[doc(inline)]
pub use bigannoy_metric::{ItemSet, Metric, Neighbor, NeighborBlock};
#[doc(inline)]
pub use bigannoy_search::{Budget, Sketching, Strategy, UnknownStrategy};
#[doc(inline)]
pub use bigannoy_sink::{Destination, MatrixSink, NeighborSink, Place};

/// Matrices: attaching, viewing, creating.
pub mod matrix {
    pub use bigannoy_matrix::*;
}
/// Descriptors, the small files through which matrices are found.
pub mod descriptor {
    pub use bigannoy_descriptor::*;
}
/// Annoy's file layout, and the sidecar beside an index.
pub mod format {
    pub use bigannoy_format::*;
}
/// Exact search over rows of any kind.
pub mod exact {
    pub use bigannoy_exact::*;
}
/// Metrics, neighbors and their order.
pub mod metric {
    pub use bigannoy_metric::*;
}
/// Mapped files, and files that appear whole or not at all.
pub mod storage {
    pub use bigannoy_storage::*;
}
/// NumPy's `.npy` files.
pub mod npy {
    pub use bigannoy_npy::*;
}
/// What a search has answered so far, in a file that outlives the process.
pub mod journal {
    pub use bigannoy_journal::*;
}
/// Where results go.
pub mod sink {
    pub use bigannoy_sink::*;
}

/// The examples of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
