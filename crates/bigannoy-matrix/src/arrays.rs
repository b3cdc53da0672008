//! Arrays of the crate `ndarray` as rows.

use std::ops::Range;

use ndarray::{ArrayBase, Axis, Data, Ix2, Slice};

use crate::dense::refuse_faults;
use crate::{RowError, RowFloat, RowSource};

/// Arrays of two dimensions and their views, in any order of memory, with any strides: a row of the
/// array is a row, as in `DenseRows`.
impl<S> RowSource for ArrayBase<S, Ix2>
where
    S: Data<Elem: RowFloat> + Sync,
{
    fn nrows(&self) -> usize {
        ArrayBase::nrows(self)
    }

    fn ncols(&self) -> usize {
        ArrayBase::ncols(self)
    }

    fn name(&self) -> String {
        "array in memory".to_owned()
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError> {
        read(self, rows, out)
    }

    fn copy_rows_f64(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        read(self, rows, out)
    }

    fn is_single_precision(&self) -> bool {
        S::Elem::IS_SINGLE
    }

    fn copy_rows_with_missing(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        copy(self, rows, out);
        Ok(())
    }
}

fn copy<S, F>(array: &ArrayBase<S, Ix2>, rows: Range<usize>, out: &mut [F])
where
    S: Data<Elem: RowFloat> + Sync,
    F: RowFloat,
{
    let ncols = array.ncols();
    assert!(rows.end <= array.nrows(), "rows {rows:?} of {}", array.nrows());
    assert_eq!(out.len(), rows.len() * ncols, "room for exactly the rows asked for");
    // In the order of rows, whatever that of memory.
    let values = array.slice_axis(Axis(0), Slice::from(rows));
    for (out, &value) in out.iter_mut().zip(&values) {
        *out = F::from_f64(value.into());
    }
}

fn read<S, F>(array: &ArrayBase<S, Ix2>, rows: Range<usize>, out: &mut [F]) -> Result<(), RowError>
where
    S: Data<Elem: RowFloat> + Sync,
    F: RowFloat,
{
    let first = rows.start;
    copy(array, rows, out);
    refuse_faults(&*out, array.ncols(), first, array, |row, column| array[[row, column]].into())
}
