//! Exact nearest neighbors: every row is looked at, and distances are those of double precision.
//!
//! For ground truth, for references of moderate size, and wherever *nearly always the nearest* is not
//! enough. Reference and queries are read block by block, so that neither has to fit in memory.
//!
//! ```
//! use bigannoy_exact::{ExactError, ExactMetric, ExactSearch, Queries};
//! use bigannoy_matrix::DenseRows;
//!
//! let points = [0.0, 0.0, 5.0, 0.0, 0.0, 5.0, 5.0, 5.0, 9.0, 9.0];
//! let reference = DenseRows::row_major(&points, 2);
//! let queries = DenseRows::row_major(&[0.2, 0.1, 4.7, 5.1], 2);
//!
//! let job = ExactSearch::new(ExactMetric::Euclidean, 2)
//!     .job(&reference, Queries::External(&queries))?;
//! let mut rows = Vec::new();
//! job.run(|block| {
//!     rows.extend(block.rows().map(|row| [row[0].item, row[1].item]));
//!     Ok::<(), ExactError>(())
//! })?;
//! assert_eq!(rows, [[0, 1], [3, 2]]);
//! # Ok::<(), ExactError>(())
//! ```
//!
//! # What is exact
//! Values are taken as the matrix has them, in double precision. Each distance is the sum that
//! [`ExactMetric`] defines, in the order it defines, rounded step by step as IEEE 754 says: the same
//! bits on every processor. Neighbors are ranked by that distance as it is reported, equal ones by
//! row, the lower first. Distances that overflow are infinite; one that is no number ranks last.
//!
//! Most rows are never compared so: 8-bit codes with proved bounds exclude them first, see
//! [`bigannoy_sketch::scan`].
//!
//! # Limits
//! 2^31 - 1 rows in the reference. The time is proportional to rows times queries.
#![forbid(unsafe_code)]

mod block;
mod bounds;
mod coded;
mod direct;
mod error;
mod metric;
mod nearest;
mod pass;
mod plan;
mod recall;
mod search;

pub use error::ExactError;
pub use metric::{ExactMetric, UnknownExactMetric};
pub use plan::{DEFAULT_MEMORY, Plan};
pub use recall::{DEFAULT_TOLERANCE, QueryRecall, Ranked, Recall, RecallOptions};
pub use search::{Blocks, ExactSearch, Job, Queries};
