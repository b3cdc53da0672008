//! Searches with every setting, into every destination, to every end.

mod answers;
mod cells;
mod destinations;
mod endings;
mod products;
mod reranked;
mod resumed;
mod tails;
mod words;

use std::ops::Range;
use std::path::Path;

use bigannoy::matrix::{DenseRows, RowError};
use bigannoy::{BuildOptions, Index, Metric, RowSource};

/// Rows of small whole numbers, with which every sum is exact in either precision; some rows are
/// there twice.
pub(crate) struct Rows {
    values: Vec<f64>,
    ncols: usize,
}

impl Rows {
    pub(crate) fn new(nrows: usize, ncols: usize, seed: u32) -> Self {
        let mut state = seed;
        let mut values: Vec<f64> = (0..nrows * ncols)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state >> 25) - 64.0
            })
            .collect();
        for row in (9..nrows).step_by(10) {
            values.copy_within((row - 9) * ncols..(row - 8) * ncols, row * ncols);
        }
        Rows { values, ncols }
    }

    pub(crate) fn dense(&self) -> DenseRows<'_, f64> {
        DenseRows::row_major(&self.values, self.ncols)
    }

    pub(crate) fn row(&self, row: usize) -> DenseRows<'_, f64> {
        DenseRows::row_major(&self.values[row * self.ncols..][..self.ncols], self.ncols)
    }

    pub(crate) fn index(&self, dir: &Path, metric: Metric) -> Index {
        let options = BuildOptions::new(metric).trees(4).overwrite(true);
        bigannoy::build(&self.dense(), dir.join(metric.name()), &options).unwrap()
    }
}

/// Rows that tell when they are read.
pub(crate) struct Watched<'a, F> {
    rows: DenseRows<'a, f64>,
    on_read: F,
}

impl<'a, F: Fn(Range<usize>) + Sync> Watched<'a, F> {
    pub(crate) fn new(rows: DenseRows<'a, f64>, on_read: F) -> Self {
        Watched { rows, on_read }
    }
}

impl<F: Fn(Range<usize>) + Sync> RowSource for Watched<'_, F> {
    fn nrows(&self) -> usize {
        self.rows.nrows()
    }

    fn ncols(&self) -> usize {
        self.rows.ncols()
    }

    fn name(&self) -> String {
        "watched rows".to_owned()
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError> {
        (self.on_read)(rows.clone());
        self.rows.copy_rows(rows, out)
    }

    fn copy_rows_f64(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.rows.copy_rows_f64(rows, out)
    }
}
