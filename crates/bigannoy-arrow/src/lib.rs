//! Where neighbors go that are to be read by whatever reads Arrow or Parquet: data frames, query
//! engines, other languages.
//!
//! * `ArrowSink` writes an Arrow IPC file (also known as Feather, version 2); feature `arrow`.
//! * `ParquetSink` writes a Parquet file; feature `parquet`.
//!
//! No feature is on by default, and without one the crate is empty.
//!
//! # The table
//! A row for each query and rank, in this order, with four columns:
//!
//! | column | type | null | holds |
//! | --- | --- | --- | --- |
//! | `query` | 64-bit integer | never | the row of the queries, counted from 1 |
//! | `rank` | 32-bit integer | never | 1 for the nearest, to `k` |
//! | `id` | 32-bit integer | nothing found | the row of the reference, counted from 1 |
//! | `distance` | 32-bit float; 64-bit where the result has double precision | nothing found | the distance; under dot the inner product |
//!
//! Blocks are written as they come. The file appears when the result is complete, and no file may
//! stand under its name. Nothing is compressed: Parquet's encodings alone make repeated queries and
//! ranks small.
//!
//! # Limits
//! An Arrow file has a batch for each block of the search; what Parquet has not yet written, up to
//! a million rows of the table, is in memory.
#![forbid(unsafe_code)]

#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(any(feature = "arrow", feature = "parquet"))]
mod table;

#[cfg(feature = "arrow")]
pub use crate::arrow::ArrowSink;
#[cfg(feature = "parquet")]
pub use crate::parquet::ParquetSink;
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub use crate::table::TableSink;
