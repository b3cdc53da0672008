//! Rows in memory, in double precision.

use std::ops::Range;

use bigannoy_matrix::{RowError, RowSource, par_copy_rows_f64};
use rayon::prelude::*;

use crate::ExactMetric;
use crate::metric::length;

/// Some rows of a matrix, and what the metric wants to know of them.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Which rows of the matrix.
    pub(crate) rows: Range<usize>,
    dim: usize,
    /// Row-major.
    values: Vec<f64>,
    /// The length of each row, where the metric wants it.
    lengths: Vec<f64>,
}

impl Block {
    /// Replaces the block by other rows; memory is kept.
    pub(crate) fn read(
        &mut self,
        source: &dyn RowSource,
        rows: Range<usize>,
        metric: ExactMetric,
    ) -> Result<(), RowError> {
        self.dim = source.ncols();
        self.values.resize(rows.len() * self.dim, 0.0);
        par_copy_rows_f64(source, rows.clone(), &mut self.values)?;
        self.rows = rows;
        if metric.wants_lengths() {
            self.values.par_chunks_exact(self.dim).map(length).collect_into_vec(&mut self.lengths);
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row, counted from the first of the block.
    pub(crate) fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.dim..][..self.dim]
    }

    /// Its length; 0 where the metric does not want it.
    pub(crate) fn length(&self, at: usize) -> f64 {
        self.lengths.get(at).copied().unwrap_or_default()
    }
}
