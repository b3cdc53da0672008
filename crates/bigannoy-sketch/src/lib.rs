//! Vectors in short codes, and what they prove about distances and sides of planes.
//!
//! A [`Sketch`] holds a short record for each item of an index or row of a matrix: 64 bytes for up to
//! 52 dimensions. A [`SketchQuery`] computes from such records an interval for each item that is
//! certain to hold the distance of [`bigannoy_metric`], the `f32` with all its rounding. What cannot
//! be among the nearest by these intervals need not be read at all: of thousands of candidates a few
//! dozen are left, whose distances are then computed as defined. Answers do not change by it.
//!
//! ```
//! use bigannoy_metric::Metric;
//! use bigannoy_sketch::{Kernel, Shape, Sketch, SketchQuery};
//!
//! let rows: [&[f32]; 3] = [&[0.0, 1.0], &[5.0, 5.0], &[0.1, 0.9]];
//! let shape = Shape::new(Metric::Euclidean, 2).expect("a metric that has sketches");
//! let mut sketch = Sketch::new(shape, 3).expect("memory for three records");
//! for mut piece in sketch.pieces_mut(2) {
//!     for item in piece.items() {
//!         piece.set(item, rows[item as usize], None);
//!     }
//! }
//!
//! let mut query = SketchQuery::new(shape, Kernel::new());
//! assert!(query.set(&[0.0, 1.0]));
//! let (mut lower, mut upper) = ([0.0; 3], [0.0; 3]);
//! query.bounds(&sketch, &[0, 1, 2], &mut lower, &mut upper);
//! assert!(upper[0] < lower[1]); // row 1 is not the nearest, whatever its exact distance is
//! ```
//!
//! [`Planes`] and [`PlaneQuery`] do the same for the planes of trees: on which side a query is, and how far
//! away, with an error that is certain.
//!
//! # What is certain
//! Bounds are for the *comparable* distance (see [`bigannoy_metric::Prepared::comparable`]), as strict
//! sums in `f32` come out. Three errors are bounded: what the codes lose, by the triangle inequality
//! with residuals that were measured when the records were made; what a strict sum of `dim` terms
//! can be off by rounding; and the rounding of the bounds' own arithmetic. An item or a query whose
//! values leave the range in which that can be proved (magnitudes beyond 1e15, below 1e-15, not
//! finite; under angular, a stored length that is not the vector's) gets bounds that exclude nothing.
//!
//! # Limits
//! Euclidean, angular and dot, in at most [`Shape::MAX_DIM`] dimensions. Memory: a record for each
//! item, nothing else. No files.
//!
//! # Source
//! The codes are plain scalar quantisation; the bounds are derived in `bound.rs` and `planes.rs`.
#![deny(unsafe_code)]

mod bound;
mod kernel;
mod planes;
mod query;
mod record;
pub mod scan;
mod sketch;
mod table;

pub use bound::StrictError;
pub use kernel::Kernel;
pub use planes::{Margins, PlanePiece, PlaneQuery, Planes};
pub use query::SketchQuery;
pub use record::{Shape, certain_length};
pub use sketch::{Piece, Sketch};
pub use table::PlaneTable;
