//! Rows in memory.

use std::ops::Range;

use bigannoy_matrix::{RowError, RowFloat, RowSource, par_copy_rows, par_copy_rows_f64};
use rayon::prelude::*;

use crate::ExactMetric;
use crate::metric::length;

/// Some rows of a matrix, and what the metric wants to know of them.
#[derive(Debug, Default)]
pub(crate) struct Block<T> {
    /// Which rows of the matrix.
    pub(crate) rows: Range<usize>,
    dim: usize,
    /// Row-major.
    values: Vec<T>,
    /// The length of each row, where the metric wants it.
    lengths: Vec<f64>,
}

/// A number that rows are held in.
pub(crate) trait Value: RowFloat {
    /// Copies rows, shared by threads.
    fn copy_rows(
        source: &dyn RowSource,
        rows: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), RowError>;
}

impl Value for f32 {
    fn copy_rows(
        source: &dyn RowSource,
        rows: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), RowError> {
        par_copy_rows(source, rows, out)
    }
}

impl Value for f64 {
    fn copy_rows(
        source: &dyn RowSource,
        rows: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), RowError> {
        par_copy_rows_f64(source, rows, out)
    }
}

impl<T: Value> Block<T> {
    /// Replaces the block by other rows; memory is kept.
    pub(crate) fn read(
        &mut self,
        source: &dyn RowSource,
        rows: Range<usize>,
        metric: ExactMetric,
    ) -> Result<(), RowError> {
        self.dim = source.ncols();
        self.values.resize(rows.len() * self.dim, T::default());
        T::copy_rows(source, rows.clone(), &mut self.values)?;
        self.rows = rows;
        if metric.wants_lengths() {
            let rows = self.values.par_chunks_exact(self.dim);
            rows.map_init(Vec::new, |wide, row| {
                widen(row, wide);
                length(wide)
            })
            .collect_into_vec(&mut self.lengths);
        }
        Ok(())
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row, counted from the first of the block.
    pub(crate) fn row(&self, at: usize) -> &[T] {
        &self.values[at * self.dim..][..self.dim]
    }

    /// Its length; 0 where the metric does not want it.
    pub(crate) fn length(&self, at: usize) -> f64 {
        self.lengths.get(at).copied().unwrap_or_default()
    }
}

/// Writes a row in double precision to `out`.
pub(crate) fn widen<T: Value>(row: &[T], out: &mut Vec<f64>) {
    out.clear();
    out.extend(row.iter().map(|&x| -> f64 { x.into() }));
}
