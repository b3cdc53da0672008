//! Rows in memory, in double precision.

use std::ops::Range;

use bigannoy_matrix::{RowError, RowSource, par_copy_rows_f64};
use rayon::prelude::*;

use crate::ExactMetric;
use crate::metric::length;

/// About so many rows tell what rows are like.
const SAMPLE: usize = 4096;

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

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// The number in the matrix of a row of the block.
    pub(crate) fn number(&self, at: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "rows were counted before")]
        let first = self.rows.start as u32;
        first + at
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Rows that tell what all are like, each with its length where the metric wants it.
    pub(crate) fn sample(&self) -> impl Iterator<Item = (&[f64], f64)> {
        let step = (self.len() / SAMPLE).max(1);
        (0..self.len()).step_by(step).map(|at| (self.row(at), self.length(at)))
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
