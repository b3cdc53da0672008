//! Matrices in files.

use std::fs;
use std::path::Path;

use bigannoy_matrix::{BigMatrix, Descriptor, Element};

/// Elements that a coordinate can be rounded to.
pub trait FromFloat: Element {
    /// The value nearest to `value`, in hundredths or tenths where the type has no fractions.
    fn from_float(value: f32) -> Self;
}

impl FromFloat for f64 {
    fn from_float(value: f32) -> Self {
        value.into()
    }
}

impl FromFloat for f32 {
    fn from_float(value: f32) -> Self {
        value
    }
}

impl FromFloat for i32 {
    #[expect(clippy::cast_possible_truncation, reason = "coordinates are small")]
    fn from_float(value: f32) -> Self {
        (100.0 * value) as i32
    }
}

impl FromFloat for i16 {
    #[expect(clippy::cast_possible_truncation, reason = "coordinates are small")]
    fn from_float(value: f32) -> Self {
        (100.0 * value) as i16
    }
}

impl FromFloat for i8 {
    #[expect(clippy::cast_possible_truncation, reason = "what is too large is cut to the largest")]
    fn from_float(value: f32) -> Self {
        (10.0 * value).clamp(-127.0, 127.0) as i8
    }
}

impl FromFloat for u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is too large is cut to the largest"
    )]
    fn from_float(value: f32) -> Self {
        (10.0 * value + 128.0).clamp(0.0, 255.0) as u8
    }
}

/// An attached matrix whose files vanish with it.
#[derive(Debug)]
pub struct StoredMatrix<T> {
    /// The matrix, attached for reading.
    pub matrix: BigMatrix,
    /// What is in its files, column-major.
    pub elements: Vec<T>,
    // After the matrix, so that it is let go before its files are removed.
    _directory: tempfile::TempDir,
}

impl<T: FromFloat> StoredMatrix<T> {
    /// Writes `rows` (row-major, `ncols` to a row) as a matrix, in one file or in one for each
    /// column, and attaches it.
    ///
    /// # Panics
    /// If the directory for temporary files does not take it.
    #[must_use]
    pub fn write(rows: &[f32], ncols: usize, separated: bool) -> Self {
        let nrows = rows.len() / ncols;
        let mut elements = Vec::with_capacity(rows.len());
        for col in 0..ncols {
            elements.extend(rows.iter().skip(col).step_by(ncols).map(|&v| T::from_float(v)));
        }
        let directory = tempfile::tempdir().expect("a directory for temporary files");
        let data = directory.path().join("m.bin");
        if separated {
            for (col, column) in elements.chunks_exact(nrows).enumerate() {
                put(&directory.path().join(format!("m.bin_column_{col}")), column);
            }
        } else {
            put(&data, &elements);
        }
        // The directory is not used: data is looked for beside the descriptor.
        let descriptor = Descriptor::file_backed("m.bin", "", T::TYPE, nrows as u64, ncols as u64)
            .separated(separated)
            .build()
            .expect("a matrix with rows and columns");
        let path = directory.path().join("m.desc");
        fs::write(&path, descriptor.to_text()).expect("room for the descriptor");
        let matrix = BigMatrix::attach(&path).expect("descriptor and data were just written");
        StoredMatrix { matrix, elements, _directory: directory }
    }
}

fn put<T: Element>(path: &Path, elements: &[T]) {
    fs::write(path, bytemuck::cast_slice(elements)).expect("room for the data");
}
