//! Blocks of queries, read on all threads.

use std::ops::Range;

use bigannoy_matrix::{RowError, RowFloat, RowSource, par_copy_rows, par_copy_rows_f64};

use super::Run;
use crate::Error;

/// The queries of a block, row-major; those that are skipped are NaN.
#[derive(Default)]
pub(super) struct Vectors {
    pub(super) single: Vec<f32>,
    /// With all digits, where candidates are ranked anew.
    pub(super) double: Vec<f64>,
}

/// A type that rows are read as.
pub(super) trait Read: RowFloat {
    fn copy(source: &dyn RowSource, rows: Range<usize>, out: &mut [Self]) -> Result<(), RowError>;

    fn par_copy(
        source: &dyn RowSource,
        rows: Range<usize>,
        out: &mut [Self],
    ) -> Result<(), RowError>;
}

impl Read for f32 {
    fn copy(source: &dyn RowSource, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError> {
        source.copy_rows(rows, out)
    }

    fn par_copy(
        source: &dyn RowSource,
        rows: Range<usize>,
        out: &mut [f32],
    ) -> Result<(), RowError> {
        par_copy_rows(source, rows, out)
    }
}

impl Read for f64 {
    fn copy(source: &dyn RowSource, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        source.copy_rows_f64(rows, out)
    }

    fn par_copy(
        source: &dyn RowSource,
        rows: Range<usize>,
        out: &mut [f64],
    ) -> Result<(), RowError> {
        par_copy_rows_f64(source, rows, out)
    }
}

impl Run<'_> {
    /// Reads a block of rows. Those with faulty values become NaN if they are to be skipped.
    pub(super) fn read<F: Read>(
        &self,
        rows: &dyn RowSource,
        block: Range<usize>,
        vectors: &mut Vec<F>,
    ) -> Result<(), Error> {
        rows.will_need(block.end..block.end.saturating_add(block.len()));
        vectors.resize(block.len() * self.index.dim(), F::default());
        let read = self.in_pool(|| match F::par_copy(rows, block.clone(), vectors) {
            Err(RowError::Value { .. }) if self.options.skip_missing => {
                copy_or_skip(rows, block, vectors)
            }
            read => read,
        });
        Ok(read?)
    }
}

/// Copies `rows`, and makes those NaN that have a faulty value: they are found by halving.
fn copy_or_skip<F: Read>(
    source: &dyn RowSource,
    rows: Range<usize>,
    out: &mut [F],
) -> Result<(), RowError> {
    match F::copy(source, rows.clone(), out) {
        Err(RowError::Value { .. }) if rows.len() > 1 => {
            let half = rows.len() / 2;
            let (first, second) = out.split_at_mut(half * source.ncols());
            let middle = rows.start + half;
            let (first, second) = rayon::join(
                || copy_or_skip(source, rows.start..middle, first),
                || copy_or_skip(source, middle..rows.end, second),
            );
            first.and(second)
        }
        Err(RowError::Value { .. }) => {
            out.fill(F::from_f64(f64::NAN));
            Ok(())
        }
        copied => copied,
    }
}
