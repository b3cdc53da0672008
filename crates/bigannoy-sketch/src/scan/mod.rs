//! Codes of many rows, looked at from end to end by several queries at once.
//!
//! Where [`Sketch`](crate::Sketch) answers for single items, this module asks of *all* rows of a block
//! which ones can pass a query's limit. [`RowCodes`] holds the rows, [`QueryCodes`] four queries, and
//! [`RowCodes::scan`] finds the pairs.
//!
//! # Codes
//! A vector `x` is replaced by `x' = s c`, whole numbers `c` and a scale `s`, and `r >= |x - x'|` is
//! measured. Rows have `c` from -63 to 63, queries `b` from -127 to 127. Elements are dealt with in *chunks* of 64; within
//! a chunk, those at positions 0, 1 of every four are one half, those at 2, 3 the other. The scale is
//! chosen so that each half has `|c| <= 140`, or `|b| <= 234`.
//!
//! # Why 16 bits are enough
//! By Cauchy's inequality the products of a half sum to at most `140 * 234 = 32,760`, which a 16-bit
//! number holds. `vpmaddubsw` wants one side unsigned, so rows are stored as `c + 64`, 1 to 127: a pair
//! of its products is at most `2 * 127 * 127 = 32,258` in magnitude and never saturates. Sums of pairs may wrap around, and so does
//! `64 * sum(b)`, which they begin with the negative of: modulo 2^16 the end of it is the sum for `c`,
//! and that one fits. Chunks are then added in 32 bits.
//!
//! In up to 64 dimensions, [`NarrowRows`] do with 16 bits to the end: `|c| <= 140` and `|b| <= 234` hold
//! for whole vectors, and each 16 bits are a row.
//!
//! # The test
//! Each row has three numbers `S`, `A`, `B` and each query three numbers `alpha`, `beta`, `gamma`; the
//! pairs reported are those with `S * (b·c) + alpha * A + beta * B >= gamma`, computed in `f32`. [`RowTest`]
//! and [`QueryBounds`] make them so that all rows pass that are within a distance, or have at least a product;
//! rounding is paid for in them, since the result of the test may be off by `8 * 2^-24` of the sum
//! of the three magnitudes, and differ that much between processors.
//!
//! # Narrow or wide
//! [`Rows`] and [`QueryGroup`] are the kind that is fastest in their dimension.
//!
//! # Sums of differences
//! For distances that sum `|q - x|` without squares, rows and queries are on one [`Grid`]: codes from 0 to 255, a step of
//! one size in all columns. `vpsadbw` sums the differences of eight codes at a time. What lies beyond the
//! grid is moved to its edge, which brings no two values further apart, and so costs nothing that has to be
//! known; what rounding loses is measured. [`GridRows`] say no more of a row than that in whole steps, `B`; `S` is 1 and
//! `A` is 0, and the test is one of whole numbers.
mod either;
mod encode;
mod grid;
mod grid_kernel;
mod kernel;
mod limit;
mod narrow;
mod narrow_encode;
mod narrow_kernel;
mod peak;
mod query;
mod rows;

pub use either::{QueryGroup, Rows};
pub use encode::{Coded, Encoder};
pub use grid::{GRID_STRIP, Grid, GridPiece, GridQueries, GridRows};
pub use kernel::ScanKernel;
pub use limit::{Limit, QueryBounds};
pub use narrow::{NARROW_STRIP, NarrowPlace, NarrowQueries, NarrowRows, NarrowStrip};
pub use narrow_encode::{Vector as NarrowVector, narrow_vector, narrowing_error};
pub use query::{GROUP, QueryCodes, QueryLimits};
pub use rows::{RowCodes, RowPiece, RowTest, STRIP};

/// A row that may pass the limit of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Which query of the group.
    pub query: u32,
    /// Which row of the block.
    pub row: u32,
    /// The inner product of the codes, exactly; on a grid the sum of their differences without signs, with its
    /// own sign changed.
    pub product: i32,
    /// What the test takes from the row.
    pub test: RowTest,
}

impl Hit {
    /// The left side of the test but for `beta * B`, what the row's codes lose: more is nearer.
    #[must_use]
    pub fn value(&self, alpha: f32) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a rounding that limits take in")]
        let product = self.product as f32;
        self.test.scale * product + alpha * self.test.a
    }
}
