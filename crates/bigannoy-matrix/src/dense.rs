//! Rows that are in memory already.

use std::ops::Range;

use crate::{RowError, RowFloat, RowSource, ValueFault};

/// A borrowed matrix in memory, as input for searches.
#[derive(Clone, Copy, Debug)]
pub struct DenseRows<'a, T> {
    data: &'a [T],
    nrows: usize,
    ncols: usize,
    row_major: bool,
}

impl<'a, T: RowFloat> DenseRows<'a, T> {
    /// Rows of `ncols` values, one row after the other.
    ///
    /// # Panics
    /// If `ncols` is 0, or `data` is no whole number of rows.
    #[must_use]
    pub fn row_major(data: &'a [T], ncols: usize) -> Self {
        DenseRows { data, nrows: count(data.len(), ncols), ncols, row_major: true }
    }

    /// Columns of `nrows` values, one column after the other, as in R.
    ///
    /// # Panics
    /// If `nrows` is 0, or `data` is no whole number of columns.
    #[must_use]
    pub fn column_major(data: &'a [T], nrows: usize) -> Self {
        DenseRows { data, nrows, ncols: count(data.len(), nrows), row_major: false }
    }

    fn get(&self, row: usize, col: usize) -> T {
        self.data[if self.row_major { row * self.ncols + col } else { col * self.nrows + row }]
    }

    fn copy<F: RowFloat>(&self, rows: Range<usize>, out: &mut [F]) {
        assert!(rows.end <= self.nrows, "rows {rows:?} of {}", self.nrows);
        assert_eq!(out.len(), rows.len() * self.ncols, "room for exactly the rows asked for");
        if self.row_major {
            let data = &self.data[rows.start * self.ncols..rows.end * self.ncols];
            for (out, &value) in out.iter_mut().zip(data) {
                *out = F::from_f64(value.into());
            }
        } else {
            for col in 0..self.ncols {
                let column = &self.data[col * self.nrows..][rows.clone()];
                for (out, &value) in out.chunks_exact_mut(self.ncols).zip(column) {
                    out[col] = F::from_f64(value.into());
                }
            }
        }
    }

    fn read<F: RowFloat>(&self, rows: Range<usize>, out: &mut [F]) -> Result<(), RowError> {
        let first = rows.start;
        self.copy(rows, out);
        refuse_faults(&*out, self.ncols, first, self, |row, col| self.get(row, col).into())
    }
}

/// Refuses the first value of `read`, which are the rows of `source` from `first_row` on, that is not
/// finite; `stored` tells what stands in the matrix.
pub(crate) fn refuse_faults<F: RowFloat>(
    read: &[F],
    ncols: usize,
    first_row: usize,
    source: &dyn RowSource,
    stored: impl Fn(usize, usize) -> f64,
) -> Result<(), RowError> {
    // One pass without branches; the place is looked for only if there is something to find.
    if read.iter().fold(true, |all, value| all & value.is_finite()) {
        return Ok(());
    }
    let at = read.iter().position(|value| !value.is_finite()).unwrap_or_default();
    let (row, column) = (first_row + at / ncols, at % ncols);
    let fault = ValueFault::of_float(stored(row, column)).unwrap_or(ValueFault::NaN);
    Err(RowError::Value { matrix: source.name(), row, column, fault })
}

fn count(len: usize, each: usize) -> usize {
    assert!(each > 0 && len.is_multiple_of(each), "{len} values cut into pieces of {each}");
    len / each
}

impl<T: RowFloat> RowSource for DenseRows<'_, T> {
    fn nrows(&self) -> usize {
        self.nrows
    }

    fn ncols(&self) -> usize {
        self.ncols
    }

    fn name(&self) -> String {
        "matrix in memory".to_owned()
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError> {
        self.read(rows, out)
    }

    fn copy_rows_f64(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.read(rows, out)
    }

    fn is_single_precision(&self) -> bool {
        T::IS_SINGLE
    }

    fn copy_rows_with_missing(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.copy(rows, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_give_the_same_rows() {
        let by_row = [1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0];
        let by_column = [1.0f32, 4.0, 2.0, 5.0, 3.0, 6.0];
        let (a, b) = (DenseRows::row_major(&by_row, 3), DenseRows::column_major(&by_column, 2));
        assert_eq!((a.nrows(), a.ncols()), (b.nrows(), b.ncols()));
        let (mut from_a, mut from_b) = ([0.0; 3], [0.0; 3]);
        a.copy_rows(1..2, &mut from_a).unwrap();
        b.copy_rows(1..2, &mut from_b).unwrap();
        assert_eq!(from_a, [4.0, 5.0, 6.0]);
        assert_eq!(from_a, from_b);
    }

    #[test]
    fn missing_values_are_kept_where_they_may_be() {
        let data = [1.0, f64::NAN, f64::INFINITY, 1e39];
        let mut out = [0.0; 2];
        for rows in [DenseRows::row_major(&data, 2), DenseRows::column_major(&data, 2)] {
            rows.copy_rows_with_missing(1..2, &mut out).unwrap();
            assert_eq!(out[1], 1e39);
        }
        DenseRows::row_major(&data, 2).copy_rows_with_missing(0..1, &mut out).unwrap();
        assert!(out[0] == 1.0 && out[1].is_nan());
    }

    #[test]
    fn faults_are_found_in_row_order() {
        let data = [1.0, f64::INFINITY, f64::NAN, 1e39];
        let mut out = [0.0; 4];
        let error = DenseRows::column_major(&data, 2).copy_rows(0..2, &mut out).unwrap_err();
        assert_eq!(
            error.to_string(),
            "matrix in memory: row 1, column 2 (counted from 1) is not a number (NaN), expected a \
             finite number"
        );
        let error = DenseRows::row_major(&data[3..], 1).copy_rows(0..1, &mut out[..1]).unwrap_err();
        assert!(error.to_string().contains("is 1e39, too large for 32 bits"), "{error}");
    }
}
