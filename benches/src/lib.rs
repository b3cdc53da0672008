//! The data that the benches are run over: made from a seed, the same on every machine.
#![forbid(unsafe_code)]

mod clusters;
mod files;
mod random;

pub use clusters::{BENCH_ROWS, Clusters, rows_or};
pub use files::{FromFloat, StoredMatrix};
