//! Typed columns, for writing.

use crate::view::{fits, same_length};
use crate::{Element, ViewError};

/// A borrowed column-major matrix of elements of type `T` that can be written to.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    columns: Columns<'a, T>,
    nrows: usize,
    ncols: usize,
}

#[derive(Debug)]
enum Columns<'a, T> {
    Contiguous { data: &'a mut [T], ld: usize },
    Separated(Vec<&'a mut [T]>),
}

impl<'a, T: Element> MatrixMut<'a, T> {
    /// Views `data` as a matrix whose element `(row, col)` is `data[row + col * ld]`.
    ///
    /// # Errors
    /// [`ViewError::Shape`] where the last element would be outside of `data`, or `ld < nrows`.
    pub fn column_major(
        data: &'a mut [T],
        nrows: usize,
        ncols: usize,
        ld: usize,
    ) -> Result<Self, ViewError> {
        if !fits(data.len(), nrows, ncols, ld) {
            return Err(ViewError::Shape { found: data.len(), nrows, ncols, ld });
        }
        Ok(MatrixMut { columns: Columns::Contiguous { data, ld }, nrows, ncols })
    }

    /// Views slices of one length as the columns of a matrix.
    ///
    /// # Errors
    /// [`ViewError::Ragged`] where a column is longer or shorter than the first.
    pub fn from_columns(columns: Vec<&'a mut [T]>) -> Result<Self, ViewError> {
        let nrows = columns.first().map_or(0, |column| column.len());
        same_length(columns.iter().map(|column| column.len()))?;
        Ok(MatrixMut { nrows, ncols: columns.len(), columns: Columns::Separated(columns) })
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
    pub fn column_mut(&mut self, col: usize) -> &mut [T] {
        assert!(col < self.ncols, "column {col} of {}", self.ncols);
        match &mut self.columns {
            Columns::Contiguous { data, ld } => &mut data[col * *ld..][..self.nrows],
            Columns::Separated(columns) => columns[col],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_touches_the_window_only() {
        let mut data = [0i32; 8];
        let mut matrix = MatrixMut::column_major(&mut data[1..], 2, 2, 4).unwrap();
        assert_eq!((matrix.nrows(), matrix.ncols()), (2, 2));
        matrix.column_mut(0).fill(1);
        matrix.column_mut(1).fill(2);
        assert_eq!(data, [0, 1, 1, 0, 0, 2, 2, 0]);

        let (mut a, mut b) = ([0u8; 2], [0u8; 2]);
        MatrixMut::from_columns(vec![&mut a, &mut b]).unwrap().column_mut(1)[0] = 9;
        assert_eq!((a, b), ([0, 0], [9, 0]));
    }
}
