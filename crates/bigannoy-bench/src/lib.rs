//! How good and how fast an index is: measured before it is trusted.
//!
//! Four measurements, each one call: [`single`] builds one index and searches it once,
//! [`recall_suite`] goes through a grid of trees and budgets, [`compare`] does the same work from
//! files and in memory, [`volume_suite`] compares over a grid of sizes. Data is the user's own or
//! [`Synthetic`], made from a seed. Results are tables whose first seventeen columns are those of
//! bigANNOY's benchmarks, in their order; ours follow. [`tune`] turns the question
//! round: it finds the cheapest settings that reach a goal.
//!
//! ```
//! use bigannoy_bench::{BenchOptions, Queries, recall_suite};
//!
//! let options = BenchOptions {
//!     n_ref: 500,
//!     n_query: 50,
//!     n_dim: 8,
//!     queries: Queries::Synthetic,
//!     ..BenchOptions::default()
//! };
//! let run = recall_suite(&options, &[5, 20], &[None, Some(400)])?;
//! assert_eq!(run.summary.rows().len(), 4);
//! assert_eq!(run.summary.columns()[15], "recall_at_k");
//! print!("{}", run.summary.to_csv());
//! # Ok::<(), bigannoy_bench::BenchError>(())
//! ```
//!
//! # What is measured
//! - Elapsed seconds are wall-clock time, the median of the repetitions, after one search that does
//!   not count; CPU seconds are those of the whole process, all threads.
//! - Latency is that of single queries, one after the other, on one thread, through the same call
//!   that a user makes.
//! - Peaks of memory are sampled every 10 ms while building and searching. Resident memory includes
//!   mapped files, which the system can take back; anonymous memory does not.
//! - Recall counts ties by distance: a neighbor that is as near as the last of the exact ones is
//!   right, whichever row it is.
//! - Every index is validated, its md5 and all of its records, before it is searched.
//!
//! CPU time is known on Unix, memory on Linux; elsewhere those columns are empty.
//!
//! # Memory
//! With `filebacked`, data made here is streamed to a file and mapped; only blocks are in memory.
#![forbid(unsafe_code)]
#![expect(clippy::cast_precision_loss, reason = "counts and byte numbers are far below 2^53")]

mod compare;
mod data;
mod error;
mod exact;
mod interval;
mod latency;
mod machine;
mod measure;
mod page;
mod recall;
mod run;
mod sample;
mod settings;
mod single;
mod summary;
mod synthetic;
mod tune;
mod volume;

pub use compare::{Artifacts, COMPARISON_COLUMNS, Comparison, compare};
pub use error::BenchError;
pub use interval::Interval;
pub use latency::Latency;
pub use machine::machine;
pub use measure::{Cost, MemoryPeak, Stopwatch};
pub use recall::{RecallSuite, SUITE_SEARCH_K, SUITE_TREES, recall_suite};
pub use run::Validated;
pub use settings::{BenchOptions, Queries, TellStage, Watch};
pub use single::{SingleRun, single};
pub use summary::{ADDED_COLUMNS, DOCUMENTED_COLUMNS};
pub use synthetic::{Shape, Synthetic, UnknownShape};
pub use tune::{DEFAULT_SAMPLE, Goal, TUNE_TREES, TuneOptions, Tuned, Tuning, tune};
pub use volume::{VolumeGrid, VolumeSuite, volume_suite};

/// Tables, plots and pages.
pub use bigannoy_report as report;
