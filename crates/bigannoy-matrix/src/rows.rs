//! Rows of `f32`, which is what trees are made of, and of `f64`, for distances with all digits.

use std::ops::Range;
use std::path::Path;

use bigannoy_storage::StorageError;

use crate::{RowError, RowFloat, ValuePolicy};

/// A matrix whose rows can be read as `f32` or `f64`, and which is told what to make of values that
/// are no finite numbers.
pub trait ReadRows: RowSource {
    /// Reads `rows` (counted from 0) into `out`, row-major; `policy` says what becomes of values
    /// that are no finite numbers.
    ///
    /// # Errors
    /// [`RowError::Value`] with the first value, in row order, that is refused; [`RowError::Data`]
    /// where the data cannot be read. What `out` holds then is not defined.
    ///
    /// # Panics
    /// If `rows` ends after `nrows`, or `out` does not have room for exactly these rows.
    fn read_rows<F: RowFloat>(
        &self,
        rows: Range<usize>,
        policy: ValuePolicy,
        out: &mut [F],
    ) -> Result<(), RowError>;
}

/// A matrix whose rows can be read as `f32`, whatever its stored type.
///
/// This is all that building and searching know of their input.
pub trait RowSource: Sync {
    /// Number of rows (items, or queries).
    fn nrows(&self) -> usize;

    /// Number of columns (dimensions).
    fn ncols(&self) -> usize;

    /// What the matrix is called in messages: the path of its file, or what else tells it apart.
    fn name(&self) -> String;

    /// Copies `rows` (counted from 0) to `out`, row-major, each value rounded to `f32`.
    ///
    /// # Errors
    /// [`RowError::Value`] with the first value, in row order, that is missing, not finite, or not
    /// finite in 32 bits; [`RowError::Data`] where the data cannot be read. What `out` holds then
    /// is not defined.
    ///
    /// # Panics
    /// If `rows` ends after `nrows`, or `out` does not have room for exactly these rows.
    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError>;

    /// Copies `rows` (counted from 0) to `out`, row-major, each value with all digits that it has.
    ///
    /// Default: what [`RowSource::copy_rows`] gives, which is all where the matrix has no more than
    /// `f32` holds. The matrices of this crate give what they store.
    ///
    /// # Errors
    /// As [`RowSource::copy_rows`]; where a source gives what it stores, values too large for 32
    /// bits are none.
    ///
    /// # Panics
    /// As [`RowSource::copy_rows`].
    fn copy_rows_f64(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        let mut narrow = vec![0.0; out.len()];
        self.copy_rows(rows, &mut narrow)?;
        out.iter_mut().zip(narrow).for_each(|(out, value)| *out = value.into());
        Ok(())
    }

    /// Whether `f32` holds every value as it is, so that [`RowSource::copy_rows`] gives all that
    /// [`RowSource::copy_rows_f64`] does. Default: no, which is always right, and costs memory.
    fn is_single_precision(&self) -> bool {
        false
    }

    /// Copies `rows` (counted from 0) to `out`, row-major, where values need not be numbers: NaN for
    /// what is missing, NaN and infinities as they are. For matrices of results, in which a neighbor
    /// may be missing.
    ///
    /// Default: as [`RowSource::copy_rows_f64`], which refuses them. The matrices of this crate and
    /// rows in memory keep them.
    ///
    /// # Errors
    /// [`RowError::Data`] where the data cannot be read; those of [`RowSource::copy_rows_f64`] where
    /// it is the default.
    ///
    /// # Panics
    /// As [`RowSource::copy_rows`].
    fn copy_rows_with_missing(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.copy_rows_f64(rows, out)
    }

    /// How many rows are best copied at a time where several threads share the work: a hint too.
    ///
    /// Default: as many as have 64 Ki values, within 64 and 4,096. Their 256 KiB stay near a core
    /// while a strip of columns after the other is written, and each column is read for long enough
    /// that the processor sees what comes next.
    fn piece_rows(&self) -> usize {
        ((1 << 16) / self.ncols().max(1)).clamp(64, 4096)
    }

    /// Whether `file` holds any of these rows, whatever its path says. Who writes to a file asks
    /// this before. Default: no, as for rows in memory.
    ///
    /// # Errors
    /// [`StorageError::Io`] where `file` is not there.
    fn has_data_in(&self, file: &Path) -> Result<bool, StorageError> {
        let _ = file;
        Ok(false)
    }

    /// Tells that `rows` will be copied soon, so that the source may begin to fetch them.
    ///
    /// A hint: it does not wait, changes no answer, and does nothing unless a source makes it. Rows
    /// behind the last are ignored.
    fn will_need(&self, rows: Range<usize>) {
        let _ = rows;
    }
}
