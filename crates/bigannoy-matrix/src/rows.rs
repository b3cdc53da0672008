//! Rows of `f32`, which is what trees and distances are made of.

use std::ops::Range;

use crate::{Element, MatrixRef, RowError, ValueFault};

/// A matrix whose rows can be read as `f32`, whatever its stored type.
///
/// This is all that building and searching know of their input.
pub trait RowSource: Sync {
    /// Number of rows (items, or queries).
    fn nrows(&self) -> usize;

    /// Number of columns (dimensions).
    fn ncols(&self) -> usize;

    /// What the matrix is called in messages: the path of its file, or what else tells it apart.
    fn name(&self) -> String;

    /// Copies `rows` (counted from 0) to `out`, row-major, each value rounded to `f32`.
    ///
    /// # Errors
    /// [`RowError`] with the first value, in row order, that is missing, not finite, or not finite
    /// in 32 bits. What `out` holds then is not defined.
    ///
    /// # Panics
    /// If `rows` ends after `nrows`, or `out` does not have room for exactly these rows.
    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError>;
}

/// Columns that are read side by side.
///
/// Sixteen would fill a cache line of the output, but columns that lie a multiple of 4,096 bytes
/// apart, as separated ones always do, share one set of the first cache: with sixteen of them lines
/// are lost before they are used up. Eight measured 1.3 to 1.9 times as fast there, and equal
/// elsewhere.
const STRIP: usize = 8;

/// Turns columns into rows. NaN stands for what is missing; nothing is checked.
///
/// Reads a strip of columns at a time, so that each cache line of the output is written while it
/// is near.
pub(crate) fn transpose<T: Element>(
    matrix: &MatrixRef<'_, T>,
    rows: Range<usize>,
    out: &mut [f32],
) {
    let ncols = matrix.ncols();
    assert_eq!(out.len(), rows.len() * ncols, "room for exactly the rows asked for");
    if ncols == 0 {
        return;
    }
    let mut first = 0;
    while first + STRIP <= ncols {
        let strip: [&[T]; STRIP] =
            std::array::from_fn(|offset| &matrix.column(first + offset)[rows.clone()]);
        for (row, out) in out.chunks_exact_mut(ncols).enumerate() {
            for (value, column) in out[first..first + STRIP].iter_mut().zip(&strip) {
                *value = column[row].to_f32();
            }
        }
        first += STRIP;
    }
    for col in first..ncols {
        let column = &matrix.column(col)[rows.clone()];
        for (out, value) in out.chunks_exact_mut(ncols).zip(column) {
            out[col] = value.to_f32();
        }
    }
}

/// Looks for the first value of `out` that is not finite; `first_row` is the row of its beginning.
pub(crate) fn check(
    first_row: usize,
    ncols: usize,
    out: &[f32],
    name: impl FnOnce() -> String,
    fault: impl FnOnce(usize, usize) -> ValueFault,
) -> Result<(), RowError> {
    // One pass without branches; the place is looked for only if there is something to find.
    if out.iter().fold(true, |all, value| all & value.is_finite()) {
        return Ok(());
    }
    match out.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (row, column) = (first_row + at / ncols, at % ncols);
            Err(RowError { matrix: name(), row, column, fault: fault(row, column) })
        }
    }
}
