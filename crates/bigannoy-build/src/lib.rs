//! Grows the trees of an Annoy index over the rows of a matrix.
//!
//! Rows are read block by block, under dot twice, and stored as items; then trees grow over the stored items,
//! several at a time, and are appended one by one. The bytes come out in Annoy's layout, and they
//! are a function of rows, metric, number of trees and seed alone: neither the number of threads
//! nor the processor changes them.
//!
//! ```
//! use bigannoy_build::{IndexBuilder, MemoryStore};
//! use bigannoy_matrix::DenseRows;
//! use bigannoy_metric::Metric;
//!
//! let corners = [0.0f32, 0.0, 5.0, 0.0, 0.0, 5.0, 5.0, 5.0, 9.0, 9.0];
//! let mut store = MemoryStore::default();
//! let report = IndexBuilder::new(Metric::Euclidean)
//!     .trees(3)
//!     .seed(99)
//!     .build(&DenseRows::row_major(&corners, 2), &mut store)?;
//! assert_eq!((report.n_items, report.n_trees), (5, 3));
//! assert_eq!(store.into_words().len() * 4, usize::try_from(report.bytes)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//! With `n` items, trees of `t` bytes and `p` threads, at most
//! `(p + 1) (9 n + 2 t + 9 MiB)` bytes, and a block of rows (8 MiB) while items are stored; under dot
//! `4 n` bytes more, and `4 n` for each tree in the works. It does not grow with the number of trees. The items themselves are where the [`ForestStore`] puts them.
//!
//! # Limits
//! Hamming indexes are not built. Items and nodes are numbered with 31 bits. Knows nothing of files: see [`ForestStore`].
//!
//! # Source
//! The scheme is Annoy's: Erik Bernhardsson, <https://github.com/spotify/annoy>. The choice of
//! planes is told in the documentation of [`IndexBuilder`].
#![forbid(unsafe_code)]

mod builder;
mod error;
mod extra;
mod grow;
mod items;
mod near;
mod pipeline;
mod random;
mod split;
mod store;

pub use builder::{
    BuildProgress, BuildReport, BuildStage, DEFAULT_SEED, DEFAULT_TREES, IndexBuilder, MAX_THREADS,
};
pub use error::BuildError;
pub use store::{ForestStore, MemoryStore};
