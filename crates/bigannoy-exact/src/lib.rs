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
//! [`bigannoy_sketch::scan`]. How near a row has to be is guessed from a sample of the rows, and whoever finds fewer than `k`
//! rows so near is searched for again without.
//!
//! # When it is the fastest way
//! Where many queries come at once. 10,000 queries of 390,000 rows in 50 dimensions, ten neighbors each,
//! took 1.7 s on two processors, files read and written. Approximate libraries that were compared took 6.6 to 125 s
//! for building an index and searching it at a recall of about 0.95, and an index pays only once it is used again. Of
//! bigannoy's own ways the strategy `cells` is faster (1.3 s at the same recall), the walk over trees is not.
//!
//! It is not where queries come one by one or a few at a time: with fewer than 24 in a block there are no codes,
//! and making them takes as long as comparing about a thousand queries, for every call anew. Nor where looking at every
//! row is too much, however little each takes.
//! `bigannoy tune` measures both ways on data of one's own and says which is faster.
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
mod reference;
mod search;

pub use error::ExactError;
pub use metric::{ExactMetric, UnknownExactMetric};
pub use plan::{DEFAULT_MEMORY, Plan};
pub use recall::{DEFAULT_TOLERANCE, QueryRecall, Ranked, Recall, RecallOptions};
pub use search::{Blocks, ExactSearch, Job, Queries};
