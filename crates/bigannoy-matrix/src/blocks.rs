//! Rows read block by block, by several threads at once.

use std::ops::Range;

use rayon::prelude::*;

use crate::{ReadRows, RowError, RowFloat, RowSource, ValuePolicy};

/// Copies `rows` as [`RowSource::copy_rows`] does, in pieces that the threads of the current rayon pool
/// share. The result does not depend on them. Cost: one pass over the rows, no memory of its own
/// beside what `rows` takes for each thread.
///
/// # Errors
/// As [`RowSource::copy_rows`]: the first fault in row order.
///
/// # Panics
/// As [`RowSource::copy_rows`].
pub fn par_copy_rows(
    source: &dyn RowSource,
    rows: Range<usize>,
    out: &mut [f32],
) -> Result<(), RowError> {
    in_pieces(source, rows, out, |rows, out| source.copy_rows(rows, out))
}

/// Copies `rows` as [`RowSource::copy_rows_f64`] does, shared by threads as in [`par_copy_rows`].
///
/// # Errors
/// As [`RowSource::copy_rows_f64`]: the first fault in row order.
///
/// # Panics
/// As [`RowSource::copy_rows`].
pub fn par_copy_rows_f64(
    source: &dyn RowSource,
    rows: Range<usize>,
    out: &mut [f64],
) -> Result<(), RowError> {
    in_pieces(source, rows, out, |rows, out| source.copy_rows_f64(rows, out))
}

/// Reads `rows` as [`ReadRows::read_rows`] does, shared by threads as in [`par_copy_rows`].
///
/// # Errors
/// As [`ReadRows::read_rows`]: the first fault in row order.
///
/// # Panics
/// As [`ReadRows::read_rows`].
pub fn par_read_rows<F: RowFloat>(
    source: &impl ReadRows,
    rows: Range<usize>,
    policy: ValuePolicy,
    out: &mut [F],
) -> Result<(), RowError> {
    in_pieces(source, rows, out, |rows, out| source.read_rows(rows, policy, out))
}

/// How many rows of a block of `rows` each of `threads` threads takes at a time: as many as are best
/// for `source`, and no more than leave some for all. At least 1.
#[must_use]
pub fn piece_rows(source: &dyn RowSource, rows: usize, threads: usize) -> usize {
    source.piece_rows().clamp(1, rows.div_ceil(threads.max(1)).max(1))
}

fn in_pieces<F: Send>(
    source: &dyn RowSource,
    rows: Range<usize>,
    out: &mut [F],
    read: impl Fn(Range<usize>, &mut [F]) -> Result<(), RowError> + Sync,
) -> Result<(), RowError> {
    let ncols = source.ncols();
    assert!(rows.end <= source.nrows(), "rows {rows:?} of {}", source.nrows());
    assert_eq!(out.len(), rows.len() * ncols, "room for exactly the rows asked for");
    if out.is_empty() {
        return Ok(());
    }
    let piece_rows = piece_rows(source, rows.len(), rayon::current_num_threads());
    // Collected before looked at, so that the first fault is the one reported.
    let pieces: Vec<Result<(), RowError>> = out
        .par_chunks_mut(piece_rows * ncols)
        .enumerate()
        .map(|(piece, out)| {
            let first = rows.start + piece * piece_rows;
            read(first..first + out.len() / ncols, out)
        })
        .collect();
    pieces.into_iter().collect()
}

/// All rows of a source, block by block in order: memory is needed for a block, not for the matrix.
///
/// While a block is read, the source is told of the next one, so that a slow disk can fetch it.
///
/// ```
/// use bigannoy_matrix::{DenseRows, RowBlocks};
///
/// let values: Vec<f64> = (0..10).map(f64::from).collect();
/// let rows = DenseRows::column_major(&values, 5); // 5 x 2
/// let mut blocks = RowBlocks::new(&rows, 2);
/// let mut sums = Vec::new();
/// while let Some(block) = blocks.next_block()? {
///     sums.extend(block.values.chunks_exact(2).map(|row| row[0] + row[1]));
///     assert_eq!(block.rows.end, sums.len());
/// }
/// assert_eq!(sums, [5.0, 7.0, 9.0, 11.0, 13.0]);
/// # Ok::<(), bigannoy_matrix::RowError>(())
/// ```
pub struct RowBlocks<'a> {
    source: &'a dyn RowSource,
    block_rows: usize,
    next: usize,
    values: Vec<f32>,
}

/// Rows that were read.
#[derive(Debug)]
pub struct RowBlock<'a> {
    /// Which rows, counted from 0.
    pub rows: Range<usize>,
    /// Their values, row-major.
    pub values: &'a [f32],
}

impl<'a> RowBlocks<'a> {
    /// Begins with the first row. The last block can have fewer than `block_rows` rows.
    ///
    /// # Panics
    /// If `block_rows` is 0.
    #[must_use]
    pub fn new(source: &'a dyn RowSource, block_rows: usize) -> Self {
        assert!(block_rows > 0, "blocks of at least one row");
        RowBlocks { source, block_rows, next: 0, values: Vec::new() }
    }

    /// Reads the next block, `None` after the last one.
    ///
    /// # Errors
    /// As [`RowSource::copy_rows`]. The same block is tried again by the next call.
    pub fn next_block(&mut self) -> Result<Option<RowBlock<'_>>, RowError> {
        let (start, nrows) = (self.next, self.source.nrows());
        if start >= nrows {
            return Ok(None);
        }
        let end = nrows.min(start.saturating_add(self.block_rows));
        self.source.will_need(end..nrows.min(end.saturating_add(self.block_rows)));
        self.values.resize((end - start) * self.source.ncols(), 0.0);
        par_copy_rows(self.source, start..end, &mut self.values)?;
        self.next = end;
        Ok(Some(RowBlock { rows: start..end, values: &self.values }))
    }
}

impl std::fmt::Debug for RowBlocks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowBlocks")
            .field("source", &self.source.name())
            .field("block_rows", &self.block_rows)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DenseRows;

    #[test]
    fn blocks_put_together_are_the_rows() {
        let values: Vec<f32> = (0..3000u16).map(f32::from).collect();
        let rows = DenseRows::row_major(&values, 3);
        for block_rows in [1, 7, 256, 999, 1000, usize::MAX] {
            let mut blocks = RowBlocks::new(&rows, block_rows);
            let mut all = Vec::new();
            while let Some(block) = blocks.next_block().unwrap() {
                assert_eq!(block.rows.start * 3, all.len());
                all.extend_from_slice(block.values);
            }
            assert_eq!(all, values, "{block_rows}");
        }
    }

    #[test]
    fn the_first_fault_is_reported_whichever_thread_met_it() {
        let mut values = vec![0.0f32; 2000];
        for at in [1999, 401, 801] {
            values[at] = f32::NAN;
        }
        let rows = DenseRows::row_major(&values, 2);
        let mut blocks = RowBlocks::new(&rows, 10_000);
        for _ in 0..2 {
            let error = blocks.next_block().unwrap_err();
            let RowError::Value { row, column, .. } = error else { panic!("{error}") };
            assert_eq!((row, column), (200, 1));
        }
        let none: [f32; 0] = [];
        assert!(RowBlocks::new(&DenseRows::row_major(&none, 2), 5).next_block().unwrap().is_none());
    }
}
