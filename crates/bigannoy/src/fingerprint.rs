//! What a matrix held, in a few digits.

use std::sync::atomic::{AtomicBool, Ordering};

use bigannoy_matrix::{RowError, RowSource};

/// Values that are read at a time.
const BLOCK_VALUES: usize = 1 << 16;

/// A hash of the values of all rows: BLAKE3 over them as little-endian doubles, row after row, in 64
/// hexadecimal digits.
///
/// It is the same for the same values, whatever type they are stored as and however they are laid
/// out, and another where any of them has changed. `None` where `stop` became true. Cost: one pass
/// over the rows. Memory: half a MiB, or a row.
///
/// # Errors
/// [`RowError`]: a value is missing or not finite, or the rows cannot be read.
pub(crate) fn fingerprint(
    rows: &dyn RowSource,
    stop: &dyn Fn() -> bool,
) -> Result<Option<String>, RowError> {
    let (nrows, ncols) = (rows.nrows(), rows.ncols());
    let block_rows = (BLOCK_VALUES / ncols.max(1)).max(1);
    let mut values = Vec::new();
    let mut hasher = blake3::Hasher::new();
    for start in (0..nrows).step_by(block_rows) {
        if stop() {
            return Ok(None);
        }
        let end = nrows.min(start + block_rows);
        rows.will_need(end..nrows.min(end + block_rows));
        values.resize((end - start) * ncols, 0.0);
        rows.copy_rows_f64(start..end, &mut values)?;
        hasher.update(bytemuck::cast_slice(&values));
    }
    Ok(Some(hasher.finalize().to_hex().to_string()))
}

/// Does `work`, and takes the fingerprint of `rows` on a thread of its own meanwhile, while the rows
/// are in memory. `None` where the work failed.
pub(crate) fn meanwhile<T, E: From<RowError>>(
    rows: &dyn RowSource,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<(T, String), E> {
    /// Also when the work panics.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let taking = scope.spawn(|| fingerprint(rows, &|| failed.load(Ordering::Relaxed)));
        let stop = Stop(&failed);
        // What is wrong with the rows is told by the work, which reads them too.
        let done = work()?;
        std::mem::forget(stop);
        let taken = taking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((done, taken.expect("it is only stopped where the work fails")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_matrix::DenseRows;

    fn of(rows: &dyn RowSource) -> String {
        fingerprint(rows, &|| false).unwrap().unwrap()
    }

    #[test]
    fn values_count_and_neither_type_nor_layout() {
        let narrow: Vec<f32> =
            (0..200_000).map(|at| f32::from(u16::try_from(at % 65_000).unwrap()) / 4.0).collect();
        let values: Vec<f64> = narrow.iter().copied().map(f64::from).collect();
        let rows = of(&DenseRows::row_major(&values, 2));
        assert_eq!(of(&DenseRows::row_major(&narrow, 2)), rows);
        let turned: Vec<f64> =
            (0..2).flat_map(|col| values[col..].iter().step_by(2).copied()).collect();
        assert_eq!(of(&DenseRows::column_major(&turned, 100_000)), rows);
        assert_eq!(rows.len(), 64);

        let mut changed = values.clone();
        changed[131_071] = f64::from_bits(changed[131_071].to_bits() ^ 1); // less than `f32` tells
        assert_ne!(of(&DenseRows::row_major(&changed, 2)), rows);
        assert_eq!(fingerprint(&DenseRows::row_major(&values, 2), &|| true).unwrap(), None);
    }

    #[test]
    fn work_that_fails_tells_why_and_the_rows_do_not() {
        let rows = [1.0, f64::NAN];
        let rows = DenseRows::row_major(&rows, 2);
        let failed = meanwhile(&rows, || Err::<(), _>(Fault("first".to_owned())));
        assert_eq!(failed.unwrap_err().0, "first");
        let failed = meanwhile(&rows, || Ok::<(), Fault>(()));
        assert!(failed.unwrap_err().0.contains("row 1, column 2"));
    }

    #[derive(Debug)]
    struct Fault(String);
    impl From<RowError> for Fault {
        fn from(error: RowError) -> Self {
            Fault(error.to_string())
        }
    }
}
