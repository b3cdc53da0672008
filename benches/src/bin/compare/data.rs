//! Rows of numbers in the files that people have them in.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use bigannoy::matrix::{MatrixSpec, NewMatrix};
use bigannoy::npy::{Dtype, NpyHeader};
use bigannoy::{BigMatrix, ElementType, RowSource};

use crate::{Failure, hdf5};

/// A matrix in memory, row after row.
pub(crate) struct Rows {
    pub(crate) values: Vec<f32>,
    pub(crate) ncols: usize,
}

impl Rows {
    /// Reads at most `most` rows of a `.desc`, `.npy` or `.fvecs` file, or of dataset `dataset` of a `.hdf5` file.
    pub(crate) fn read(path: &Path, dataset: &str, most: usize) -> Result<Self, Failure> {
        let rows = match path.extension().and_then(|ending| ending.to_str()) {
            Some("npy") => Self::read_npy(path, most),
            Some("fvecs") => Self::read_fvecs(path, most),
            Some("desc") => Self::read_matrix(path, most),
            Some("hdf5" | "h5") => hdf5::read(path, dataset, most),
            _ => Err("expected a name that ends in .desc, .npy, .fvecs or .hdf5".into()),
        };
        rows.map_err(told(path))
    }

    /// Reads what [`Rows::write_npy`] wrote.
    pub(crate) fn read_prepared(path: &Path) -> Result<Self, Failure> {
        Self::read_npy(path, usize::MAX).map_err(told(path))
    }

    fn read_matrix(path: &Path, most: usize) -> Result<Self, Failure> {
        let matrix = BigMatrix::attach(path)?;
        let count = matrix.nrows().min(most);
        let mut values = vec![0.0; count * matrix.ncols()];
        matrix.copy_rows(0..count, &mut values)?;
        Ok(Rows { values, ncols: matrix.ncols() })
    }

    fn read_npy(path: &Path, most: usize) -> Result<Self, Failure> {
        let mut file = BufReader::new(File::open(path)?);
        let header = NpyHeader::read_from(&mut file)?;
        if header.dtype() != Dtype::F32 || header.fortran_order() {
            return Err("expected float32 in C order; `bigannoy matrix import` takes others".into());
        }
        header.check_file_len(std::fs::metadata(path)?.len())?;
        let count = header.rows().min(most);
        let values = read_floats(&mut file, count * header.cols())?;
        Ok(Rows { values, ncols: header.cols() })
    }

    /// Every row is the number of its values, then these.
    fn read_fvecs(path: &Path, most: usize) -> Result<Self, Failure> {
        let bytes = std::fs::metadata(path)?.len();
        let mut file = BufReader::new(File::open(path)?);
        let mut word = [0; 4];
        let mut rows = Rows { values: Vec::new(), ncols: 0 };
        let mut done = 0;
        for row in 0..most {
            if done == bytes {
                break;
            }
            file.read_exact(&mut word)?;
            let ncols = usize::try_from(i32::from_le_bytes(word))?;
            if row == 0 && (ncols == 0 || bytes % (4 + 4 * ncols as u64) != 0) {
                return Err(format!("{bytes} bytes are no rows of {ncols} values").into());
            }
            if row > 0 && ncols != rows.ncols {
                return Err(
                    format!("row {} has {ncols} values, not {}", row + 1, rows.ncols).into()
                );
            }
            rows.ncols = ncols;
            rows.values.extend(read_floats(&mut file, ncols)?);
            done += 4 + 4 * ncols as u64;
        }
        Ok(rows)
    }

    pub(crate) fn nrows(&self) -> usize {
        self.values.len() / self.ncols.max(1)
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.ncols..][..self.ncols]
    }

    /// Writes them for NumPy.
    pub(crate) fn write_npy(&self, path: &Path) -> Result<(), Failure> {
        let header = NpyHeader::new(Dtype::F32, self.nrows(), self.ncols, false)?;
        let mut file = BufWriter::new(File::create(path)?);
        header.write_to(&mut file)?;
        file.write_all(bytemuck::cast_slice(&self.values))?;
        Ok(file.flush()?)
    }

    /// Writes them for R.
    pub(crate) fn write_matrix(&self, path: &Path) -> Result<(), Failure> {
        let spec = MatrixSpec::new(ElementType::Float, self.nrows(), self.ncols);
        let mut new = NewMatrix::create(path, &spec)?;
        let mut view = new.view_mut::<f32>()?;
        for col in 0..self.ncols {
            let column = view.column_mut(col);
            for (value, row) in column.iter_mut().zip(self.values.chunks_exact(self.ncols)) {
                *value = row[col];
            }
        }
        new.finish()?;
        Ok(())
    }
}

fn told(path: &Path) -> impl Fn(Failure) -> Failure {
    move |error| format!("cannot read {}: {error}", path.display()).into()
}

fn read_floats(file: &mut impl Read, count: usize) -> Result<Vec<f32>, Failure> {
    let mut values = vec![0.0_f32; count];
    file.read_exact(bytemuck::cast_slice_mut(&mut values))?;
    Ok(values)
}
