//! Turning columns into rows.

use std::ops::Range;

use crate::{Element, RowError, RowFloat, ValueFault, ValuePolicy};

/// Columns that are read side by side.
///
/// Sixteen would fill a cache line of the output, but columns that lie a multiple of 4,096 bytes
/// apart, as separated ones always do, share one set of the first cache: with sixteen of them lines
/// are lost before they are used up. Eight measured 1.3 to 1.9 times as fast there, and equal
/// elsewhere.
pub(crate) const STRIP: usize = 8;

/// Rows that are converted together.
const TILE: usize = 8;

/// Rows being put together, a strip of columns at a time, so that each cache line of the output
/// is written while it is near.
pub(crate) struct Transposition<'a, F> {
    /// Row-major.
    out: &'a mut [F],
    ncols: usize,
    policy: ValuePolicy,
    /// The first value in row order that is refused, so far: its row and column in `out`.
    refused: Option<(usize, usize, ValueFault)>,
}

impl<'a, F: RowFloat> Transposition<'a, F> {
    /// # Panics
    /// If `out` does not have room for exactly `nrows` rows.
    pub(crate) fn new(out: &'a mut [F], nrows: usize, ncols: usize, policy: ValuePolicy) -> Self {
        assert_eq!(out.len(), nrows * ncols, "room for exactly the rows asked for");
        Transposition { out, ncols, policy, refused: None }
    }

    /// The strips of columns, in order.
    pub(crate) fn strips(ncols: usize) -> impl Iterator<Item = Range<usize>> {
        (0..ncols).step_by(STRIP).map(move |first| first..ncols.min(first + STRIP))
    }

    /// Puts the columns from `first` on in their places. They begin with row `first_row` of the output.
    pub(crate) fn put<T: Element>(&mut self, first_row: usize, first: usize, columns: &[&[T]]) {
        let nrows = columns.first().map_or(0, |column| column.len());
        let out = &mut self.out[first_row * self.ncols..(first_row + nrows) * self.ncols];
        let finite = match <&[&[T]; STRIP]>::try_from(columns) {
            Ok(strip) => put_strip(out, self.ncols, first, strip),
            Err(_) => columns
                .iter()
                .zip(first..)
                .fold(true, |all, (column, at)| all & put_strip(out, self.ncols, at, &[column])),
        };
        if !finite {
            self.mend(first_row, first, columns);
        }
    }

    /// Looks again at columns that hold a value which is not finite.
    fn mend<T: Element>(&mut self, first_row: usize, first: usize, columns: &[&[T]]) {
        for (column, at) in columns.iter().zip(first..) {
            for (&value, row) in column.iter().zip(first_row..) {
                match self.policy.apply(value) {
                    Ok(number) => self.out[row * self.ncols + at] = number,
                    Err(fault) => {
                        let earliest =
                            self.refused.is_none_or(|(before, col, _)| (row, at) < (before, col));
                        if earliest {
                            self.refused = Some((row, at, fault));
                        }
                        // The rest of the column comes later in row order.
                        break;
                    }
                }
            }
        }
    }

    /// Ends the work. `start` is the number of the first row in the matrix.
    pub(crate) fn finish(
        self,
        start: usize,
        matrix: impl FnOnce() -> String,
    ) -> Result<(), RowError> {
        match self.refused {
            None => Ok(()),
            Some((row, column, fault)) => {
                Err(RowError::Value { matrix: matrix(), row: start + row, column, fault })
            }
        }
    }
}

/// Writes `strip` to the columns from `first` on. Says whether all of it is finite.
///
/// Tiles of eight rows are converted and looked at along the columns, in loops of known length that compilers turn into
/// vector instructions, and written along the rows.
fn put_strip<T: Element, F: RowFloat, const N: usize>(
    out: &mut [F],
    ncols: usize,
    first: usize,
    strip: &[&[T]; N],
) -> bool {
    let nrows = out.len() / ncols;
    let columns = strip.map(|column| column[..nrows].as_chunks::<TILE>());
    let mut all_finite = true;
    let mut rows = out.chunks_exact_mut(ncols).map(|row| &mut row[first..first + N]);
    let mut tile = [[F::default(); TILE]; N];
    for at in 0..nrows / TILE {
        for (values, (stored, _)) in tile.iter_mut().zip(&columns) {
            for (value, stored) in values.iter_mut().zip(stored[at]) {
                *value = F::of(stored);
            }
        }
        all_finite &= F::are_finite(tile.as_flattened());
        for (row, out) in (0..TILE).zip(&mut rows) {
            for (place, values) in out.iter_mut().zip(&tile) {
                *place = values[row];
            }
        }
    }
    for (row, out) in rows.enumerate() {
        for (place, (_, left)) in out.iter_mut().zip(&columns) {
            *place = F::of(left[row]);
        }
        all_finite &= F::are_finite(out);
    }
    all_finite
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_lands_in_its_place(
            nrows in 1usize..40, ncols in 1usize..20, cut in 0usize..40, bad in any::<bool>(),
        ) {
            let cut = cut.min(nrows);
            let value = |row: usize, col: usize| i32::try_from(row * 100 + col).unwrap();
            let columns: Vec<Vec<i32>> = (0..ncols)
                .map(|col| (0..nrows).map(|row| value(row, col)).collect())
                .collect();
            let mut columns = columns;
            if bad {
                // Two refused values: the one in the earlier row is reported, whatever its column.
                columns[0][nrows - 1] = i32::MISSING;
                columns[ncols - 1][nrows / 2] = i32::MISSING;
            }
            let mut out = vec![0.0f64; nrows * ncols];
            let mut rows = Transposition::new(&mut out, nrows, ncols, ValuePolicy::default());
            for strip in Transposition::<f64>::strips(ncols) {
                for part in [0..cut, cut..nrows] {
                    let parts: Vec<&[i32]> =
                        columns[strip.clone()].iter().map(|column| &column[part.clone()]).collect();
                    rows.put(part.start, strip.start, &parts);
                }
            }
            let finished = rows.finish(7, || "m".to_owned());
            if bad {
                let Err(RowError::Value { row, column, .. }) = finished else { panic!() };
                let last = (nrows - 1, 0);
                let middle = (nrows / 2, ncols - 1);
                prop_assert_eq!((row - 7, column), last.min(middle));
            } else {
                finished.unwrap();
                for (at, found) in out.iter().enumerate() {
                    prop_assert_eq!(*found, f64::from(value(at / ncols, at % ncols)));
                }
            }
        }
    }
}
