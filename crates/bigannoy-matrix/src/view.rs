//! Typed columns, for reading.

use crate::{Element, ViewError};

/// A borrowed column-major matrix of elements of type `T`.
///
/// Columns are contiguous slices, whether they lie in one piece of memory or each on its own.
#[derive(Clone, Debug)]
pub struct MatrixRef<'a, T> {
    columns: Columns<'a, T>,
    nrows: usize,
    ncols: usize,
}

#[derive(Clone, Debug)]
enum Columns<'a, T> {
    /// Column `j` begins at element `j * ld`.
    Contiguous {
        data: &'a [T],
        ld: usize,
    },
    Separated(Vec<&'a [T]>),
}

impl<'a, T: Element> MatrixRef<'a, T> {
    /// Views `data` as a matrix whose element `(row, col)` is `data[row + col * ld]`.
    ///
    /// # Errors
    /// [`ViewError::Shape`] where the last element would be outside of `data`, or `ld < nrows`.
    pub fn column_major(
        data: &'a [T],
        nrows: usize,
        ncols: usize,
        ld: usize,
    ) -> Result<Self, ViewError> {
        if !fits(data.len(), nrows, ncols, ld) {
            return Err(ViewError::Shape { found: data.len(), nrows, ncols, ld });
        }
        Ok(MatrixRef { columns: Columns::Contiguous { data, ld }, nrows, ncols })
    }

    /// Views slices of one length as the columns of a matrix.
    ///
    /// # Errors
    /// [`ViewError::Ragged`] where a column is longer or shorter than the first.
    pub fn from_columns(columns: Vec<&'a [T]>) -> Result<Self, ViewError> {
        let nrows = columns.first().map_or(0, |column| column.len());
        same_length(columns.iter().map(|column| column.len()))?;
        Ok(MatrixRef { nrows, ncols: columns.len(), columns: Columns::Separated(columns) })
    }

    /// Number of rows.
    #[must_use]
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns.
    #[must_use]
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// Column `col`, counted from 0: `nrows` elements.
    ///
    /// # Panics
    /// If `col >= ncols`.
    #[must_use]
    pub fn column(&self, col: usize) -> &'a [T] {
        assert!(col < self.ncols, "column {col} of {}", self.ncols);
        match &self.columns {
            Columns::Contiguous { data, ld } => &data[col * ld..][..self.nrows],
            Columns::Separated(columns) => columns[col],
        }
    }

    /// The element at `(row, col)`, both counted from 0.
    ///
    /// # Panics
    /// If `row >= nrows` or `col >= ncols`.
    #[must_use]
    pub fn get(&self, row: usize, col: usize) -> T {
        self.column(col)[row]
    }
}

/// Whether a matrix of this shape lies within `len` elements.
pub(crate) fn fits(len: usize, nrows: usize, ncols: usize, ld: usize) -> bool {
    let end = |last: usize| last.checked_mul(ld)?.checked_add(nrows);
    ld >= nrows && (ncols == 0 || end(ncols - 1).is_some_and(|end| end <= len))
}

/// Whether all columns have the length of the first.
pub(crate) fn same_length(mut lengths: impl Iterator<Item = usize>) -> Result<(), ViewError> {
    let Some(expected) = lengths.next() else { return Ok(()) };
    match lengths.enumerate().find(|&(_, found)| found != expected) {
        None => Ok(()),
        Some((before, found)) => Err(ViewError::Ragged { column: before + 1, found, expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let data = [1i32, 2, 3, 4, 5];
        assert!(MatrixRef::column_major(&data, 2, 2, 3).is_ok());
        for (nrows, ncols, ld) in [(2, 3, 2), (3, 2, 2), (2, usize::MAX, usize::MAX), (6, 1, 6)] {
            let error = MatrixRef::column_major(&data, nrows, ncols, ld).unwrap_err();
            assert_eq!(error, ViewError::Shape { found: 5, nrows, ncols, ld });
        }
        let error = MatrixRef::from_columns(vec![&data[..2], &data[..2], &data[..1]]).unwrap_err();
        assert_eq!(error, ViewError::Ragged { column: 2, found: 1, expected: 2 });
    }

    #[test]
    fn a_matrix_without_rows_has_columns() {
        let none: [i8; 0] = [];
        let matrix = MatrixRef::column_major(&none, 0, 3, 0).unwrap();
        assert_eq!((matrix.ncols(), matrix.column(2)), (3, &none[..]));
    }

    proptest! {
        #[test]
        fn elements_are_where_the_arithmetic_says(nrows in 1usize..6, ncols in 1usize..6, gap in 0usize..4) {
            let ld = nrows + gap;
            let data: Vec<i32> = (0..).take(ld * (ncols - 1) + nrows).collect();
            let one = MatrixRef::column_major(&data, nrows, ncols, ld).unwrap();
            let columns = (0..ncols).map(|col| &data[col * ld..][..nrows]).collect();
            let many = MatrixRef::from_columns(columns).unwrap();
            for col in 0..ncols {
                prop_assert_eq!(one.column(col), many.column(col));
                for row in 0..nrows {
                    prop_assert_eq!(one.get(row, col), data[row + col * ld]);
                }
            }
        }
    }
}
