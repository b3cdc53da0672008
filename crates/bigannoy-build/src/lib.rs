//! Grows the trees of an Annoy index over the rows of a matrix.
//!
//! Rows are read block by block, under dot twice, and stored as items; then trees grow over the
//! stored items and are appended one by one. The bytes come out in Annoy's layout, and they are a
//! function of rows, metric, number of trees, seed and generator alone: neither the number of threads
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
//! # Generators
//! [`Generator::Default`] grows several trees at a time and finds more at equal budgets: take it
//! unless there is a reason not to. The reason is to reproduce an index, or its checksum, that
//! `RcppAnnoy` made: [`Generator::Annoy`] gives the same file byte for byte, but its trees can only
//! grow one after the other.
//!
//! The same file as *which* Annoy's: releases 1.17.1 to 1.17.3, one thread, compiled without fused
//! multiply-add and without vector extensions. That is `RcppAnnoy` 0.0.18 and later as distributions
//! build it for x86-64, and Python's `annoy` built with `ANNOY_COMPILER_ARGS=-O2`. Annoy on ARM rounds
//! otherwise and writes other files from the same seed: [`Generator::AnnoyFused`] gives those, as far as they are
//! one thing. So does Annoy built for the processor it runs on, as `pip` does, whose files are not to be had. Under dot, those releases split by a product that leaves out the items' extra
//! coordinate: indexes are to be reproduced so, not to be searched.
//!
//! ```
//! use bigannoy_build::{Generator, IndexBuilder, MemoryStore};
//! use bigannoy_matrix::DenseRows;
//! use bigannoy_metric::Metric;
//!
//! let square = [0.0f32, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
//! let mut store = MemoryStore::default();
//! IndexBuilder::new(Metric::Euclidean)
//!     .generator(Generator::Annoy)
//!     .trees(20)
//!     .seed(77)
//!     .build(&DenseRows::row_major(&square, 2), &mut store)?;
//! assert_eq!(store.into_words().len() * 4, 1056);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//! With `n` items of `d` dimensions, trees of `t` bytes (at most about `20 n` on most data, whatever
//! `d` is), `p` threads and `w` trees in the works, at most
//!
//! ```text
//! w (6 n + 4 t) + min(p, w) 13 n + p (2 MiB + 1200 d + s)    bytes while trees grow,
//! 12 MiB                                                     while rows are stored;
//! ```
//!
//! where `s` is the sample that chooses upper levels, no more than 24 MiB or `1100 d + 27000` bytes, whichever
//! is more, and nothing in sets that are copied as they are, or under dot;
//! under dot `4 n` more, and `4 n` more for each thread; `12 n` while rows are read. `w` is `4 (p + 1)`,
//! and smaller where [`IndexBuilder::memory_budget`] says so, and so is `p`; neither grows with the number of trees, of each of which
//! a record is kept.
//! With Annoy's generator it is `13 n + 4 t + 10 MiB` on any number of threads. The items themselves
//! are where the [`ForestStore`] puts them, and what the rows take to be read is theirs.
//!
//! # Limits
//! Hamming indexes are not built. Items and nodes are numbered with 31 bits. Knows nothing of files: see [`ForestStore`].
//!
//! # Source
//! The scheme is Annoy's: Erik Bernhardsson, <https://github.com/spotify/annoy>. The default choice of
//! planes is told in the documentation of [`IndexBuilder`].
#![forbid(unsafe_code)]

mod annoy;
mod apart;
mod builder;
mod coded_means;
mod coded_set;
mod codes;
mod crown;
mod descent;
mod error;
mod extra;
mod generator;
mod grow;
mod items;
mod means;
mod memory;
mod numbers;
mod pipeline;
mod random;
mod reach;
mod rows;
mod spare;
mod split;
mod store;
mod tree;
mod upper;

pub use builder::{
    BuildProgress, BuildReport, BuildStage, DEFAULT_SEED, DEFAULT_TREES, IndexBuilder, MAX_THREADS,
};
pub use error::BuildError;
pub use generator::{Generator, UnknownGenerator};
pub use store::{ForestStore, MemoryStore};
