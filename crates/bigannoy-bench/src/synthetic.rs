//! Data made from a seed: the same numbers on every machine.

mod shape;
mod stream;

use std::ops::Range;
use std::path::Path;

use bigannoy::matrix::{MatrixSpec, NewMatrix, RowError};
use bigannoy::{BigMatrix, ElementType, Error, RowSource};

use shape::Form;
pub use shape::{Shape, UnknownShape};
pub(crate) use stream::Draw;
use stream::Stream;

/// Rows that are written at a time.
const BLOCK_BYTES: usize = 8 << 20;

/// A matrix that is made rather than read: row by row, in any order, from a seed.
///
/// Every row has a stream of random numbers of its own, and only operations that IEEE 754 defines
/// are used, so a row is the same bits whatever was made before it, on every processor. Values are
/// `f32`.
///
/// ```
/// use bigannoy::RowSource;
/// use bigannoy_bench::{Shape, Synthetic};
///
/// let rows = Synthetic::reference(Shape::Clustered, 1_000, 20, 42);
/// let mut one = vec![0.0; 20];
/// rows.copy_rows(7..8, &mut one)?;
/// # Ok::<(), bigannoy::matrix::RowError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Synthetic {
    form: Form,
    nrows: usize,
    ncols: usize,
    seed: u64,
    is_query: bool,
}

impl Synthetic {
    /// `nrows` x `ncols` values of the given shape.
    ///
    /// # Panics
    /// If there are no rows or no columns.
    #[must_use]
    pub fn reference(shape: Shape, nrows: usize, ncols: usize, seed: u64) -> Self {
        assert!(nrows > 0 && ncols > 0, "a matrix has rows and columns");
        Synthetic {
            form: Form::new(shape, nrows, ncols, seed),
            nrows,
            ncols,
            seed,
            is_query: false,
        }
    }

    /// `nrows` more rows of the same distribution, none of them drawn for the reference: queries to
    /// it. Only under [`Shape::Duplicates`] are they equal to rows of the reference.
    ///
    /// # Panics
    /// If `nrows` is 0.
    #[must_use]
    pub fn queries(&self, nrows: usize) -> Self {
        assert!(nrows > 0, "a matrix has rows");
        Synthetic { nrows, is_query: true, ..self.clone() }
    }

    /// All rows, one after the other.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f32> {
        let mut rows = vec![0.0; self.nrows * self.ncols];
        self.fill(0, &mut rows);
        rows
    }

    /// Writes the rows into a new matrix of doubles with its descriptor at `path`, block by block:
    /// it can be larger than memory.
    ///
    /// `go_on` is asked before each block, with the rows done and the rows in all.
    ///
    /// # Errors
    /// [`Error`]: something stands at `path` or beside it, there is no room, or `go_on` said no.
    /// Nothing has been left on the disk then.
    pub fn write(
        &self,
        path: &Path,
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<BigMatrix, Error> {
        let spec = MatrixSpec::new(ElementType::Double, self.nrows, self.ncols);
        let mut new = NewMatrix::create(path, &spec)?;
        let mut view = new.view_mut::<f64>()?;
        let block = (BLOCK_BYTES / (4 * self.ncols)).clamp(1, self.nrows);
        let mut rows = vec![0.0; block * self.ncols];
        for start in (0..self.nrows).step_by(block) {
            if !go_on(start as u64, self.nrows as u64) {
                let written = format!("{} was not written", path.display());
                return Err(Error::Interrupted { written });
            }
            let count = block.min(self.nrows - start);
            let rows = &mut rows[..count * self.ncols];
            self.fill(start, rows);
            for col in 0..self.ncols {
                let column = &mut view.column_mut(col)[start..start + count];
                for (value, row) in column.iter_mut().zip(rows.chunks_exact(self.ncols)) {
                    *value = row[col].into();
                }
            }
        }
        Ok(new.finish()?)
    }

    /// Rows from `start` on, as many as `out` has room for.
    fn fill(&self, start: usize, out: &mut [f32]) {
        use rayon::prelude::*;
        out.par_chunks_exact_mut(self.ncols).enumerate().for_each(|(at, row)| {
            let mut stream = Stream::of_row(self.seed, (start + at) as u64, self.is_query);
            self.form.row(&mut stream, row);
        });
    }
}

impl RowSource for Synthetic {
    fn nrows(&self) -> usize {
        self.nrows
    }

    fn ncols(&self) -> usize {
        self.ncols
    }

    fn name(&self) -> String {
        format!("synthetic {} rows", self.form.shape())
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError> {
        assert!(rows.end <= self.nrows, "rows {rows:?} of {}", self.nrows);
        assert_eq!(out.len(), rows.len() * self.ncols, "room for exactly the rows asked for");
        self.fill(rows.start, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checksum that has to stay: published figures depend on these numbers.
    fn checksum(rows: &[f32]) -> u64 {
        rows.iter().fold(0xcbf2_9ce4_8422_2325, |sum, value| {
            (sum ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    #[test]
    fn numbers_are_pinned() {
        let sums: Vec<u64> = Shape::ALL
            .iter()
            .flat_map(|&shape| {
                let reference = Synthetic::reference(shape, 300, 7, 42);
                [checksum(&reference.to_vec()), checksum(&reference.queries(20).to_vec())]
            })
            .collect();
        assert_eq!(sums, PINNED);
    }

    const PINNED: [u64; 8] = [
        2_892_882_097_029_645_813,
        9_929_575_867_592_452_373,
        13_403_722_374_890_596_181,
        16_934_797_803_779_020_181,
        8_193_107_149_504_544_462,
        1_438_247_266_729_015_671,
        16_095_164_356_468_393_653,
        2_112_363_034_250_406_357,
    ];

    #[test]
    fn a_row_does_not_depend_on_what_was_made_before() {
        for shape in Shape::ALL {
            let rows = Synthetic::reference(shape, 50, 5, 7);
            let all = rows.to_vec();
            for row in [49, 0, 13] {
                let mut one = vec![0.0; 5];
                rows.copy_rows(row..row + 1, &mut one).unwrap();
                assert_eq!(one, all[row * 5..][..5], "{shape}, row {row}");
            }
        }
    }

    #[test]
    fn other_seeds_and_queries_are_other_rows() {
        let first = Synthetic::reference(Shape::Normal, 10, 4, 1);
        assert_ne!(first.to_vec(), Synthetic::reference(Shape::Normal, 10, 4, 2).to_vec());
        assert_ne!(first.to_vec(), first.queries(10).to_vec());
    }

    #[test]
    fn a_written_matrix_holds_the_rows() {
        let directory = tempfile::tempdir().unwrap();
        let rows = Synthetic::reference(Shape::Manifold, 123, 11, 3);
        let matrix = rows.write(&directory.path().join("m.desc"), &mut |_, _| true).unwrap();
        let mut stored = vec![0.0; 123 * 11];
        matrix.copy_rows(0..123, &mut stored).unwrap();
        assert_eq!(stored, rows.to_vec());
    }

    #[test]
    fn an_interrupted_matrix_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let rows = Synthetic::reference(Shape::Normal, 10, 2, 3);
        let stopped = rows.write(&directory.path().join("m.desc"), &mut |_, _| false);
        assert!(matches!(stopped, Err(Error::Interrupted { .. })));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
