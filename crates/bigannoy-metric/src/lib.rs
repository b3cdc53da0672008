//! What "near" means: metrics, their arithmetic, and the order in which neighbors are ranked.
//!
//! This crate knows vectors of `f32` and of bits, and nothing of files, trees or matrices. Everything that
//! compares two vectors, while a forest is built and while it is searched, does it through the
//! functions here, so that one input gives the same bits everywhere.
//!
//! ```
//! use bigannoy_metric::{Metric, Prepared};
//!
//! let metric: Metric = "euclidean".parse()?;
//! let query = Prepared::new(metric, &[0.2, 0.1]);
//! let raw = query.comparable(&[0.0, 0.0], None);
//! assert_eq!(metric.reported(raw), 0.223_606_81);
//! # Ok::<(), bigannoy_metric::UnknownMetric>(())
//! ```
//!
//! # Arithmetic
//! Every sum has one `f32` accumulator that starts at zero and takes the elements in index order,
//! with a separately rounded multiplication and addition. No fused multiply-add, no reordering.
//! That is what Annoy computes when it is compiled without vector extensions, as in R packages on
//! x86-64, and IEEE 754 makes it the same on every processor. Speed comes from computing several
//! *different* outputs side by side (see [`kernel`]), which does not touch the order of any of them.
//! [`wide`] has the same sums in double precision, for exact answers.
//! [`Folded`] is a second arithmetic, as fixed and as portable, for choices that are no answers;
//! [`Fused`] a third, for indexes as Annoy builds them on other processors. [`coded`] has exact sums of
//! small whole numbers, from which bounds of others follow.
//!
//! # Limits
//! `f32` has its range: squares of magnitudes above 1e19 are infinite, and those below 1e-23 are
//! zero. Distances of such vectors can be infinite, those of zero vectors, or NaN, as Annoy's
//! are; the order stays defined, NaN last.
//!
//! # Source
//! The formulas are those of Annoy 1.17.3 (`src/annoylib.h`), re-stated here.

mod ahead;
pub mod bits;
mod block;
pub mod coded;
pub mod folded;
mod item_set;
pub mod kernel;
mod metric;
mod panels;
mod parting;
mod prepared;
mod rank;
mod rounding;
pub mod wide;

pub use ahead::{fetch_ahead, fetch_whole_ahead};
pub use block::{NeighborBlock, RowMut};
pub use folded::Folded;
pub use item_set::{ItemOutOfRange, ItemSet};
pub use metric::{Metric, UnknownMetric};
pub use panels::{ABREAST, Panels};
pub use prepared::{Prepared, angular_comparable};
pub use rank::{Neighbor, RankKey, TopK, WideNeighbor};
pub use rounding::{Fused, Rounding, Separate, Work};
