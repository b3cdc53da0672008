//! From an npy file to a matrix.

use bigannoy::matrix::{MatrixSpec, NewMatrix};
use bigannoy::npy::{Dtype, MAX_HEADER_BYTES, NpyError, NpyHeader};
use bigannoy::storage::{Access, OpenFile, StorageError};
use bigannoy::{BigMatrix, ElementType};

use super::args::Import;
use super::import::DOUBLE_CAN;
use super::number::{Misfit, Number};
use super::place::Place;
use super::stored::{Bool, Stored};
use super::{block_rows, for_type};
use crate::failure::Failure;
use crate::watch::Work;

pub(super) fn run(arguments: &Import, mut work: Work) -> Result<BigMatrix, Failure> {
    let name = arguments.input.display();
    let unusable = |error: NpyError| format!("cannot import {name}: {error}");
    let file = OpenFile::open(&arguments.input, Access::ReadOnly)?;
    let bytes = file.len_bytes()?;
    let header = NpyHeader::parse(&beginning(&file, bytes)?).map_err(unusable)?;
    header.check_file_len(bytes).map_err(unusable)?;
    let (rows, cols) = (header.rows(), header.cols());
    if rows == 0 || cols == 0 {
        return Err(format!("cannot import {name}: {rows} x {cols} numbers, expected some").into());
    }

    let element_type = arguments.element_type.unwrap_or(natural_type(header.dtype()));
    let spec = MatrixSpec::new(element_type, rows, cols).separated(arguments.separated);
    let mut new = NewMatrix::create(&arguments.descriptor, &spec)?;
    work.begin(rows as u64 * cols as u64, "values");
    let array = Array { name: name.to_string(), header: &header, file: &file, work: &work };
    for_type!(element_type, T => match header.dtype() {
        Dtype::Bool => array.fill::<Bool, T>(&mut new),
        Dtype::I8 => array.fill::<i8, T>(&mut new),
        Dtype::U8 => array.fill::<u8, T>(&mut new),
        Dtype::I16 => array.fill::<i16, T>(&mut new),
        Dtype::I32 => array.fill::<i32, T>(&mut new),
        Dtype::I64 => array.fill::<i64, T>(&mut new),
        Dtype::F32 => array.fill::<f32, T>(&mut new),
        Dtype::F64 => array.fill::<f64, T>(&mut new),
    })?;
    Ok(new.finish()?)
}

/// As many of the file's bytes as any header has.
fn beginning(file: &OpenFile, file_bytes: u64) -> Result<Vec<u8>, StorageError> {
    /// Magic, version and length stand before what is counted as the header.
    const LONGEST: usize = 12 + MAX_HEADER_BYTES;
    let mut bytes = vec![0; usize::try_from(file_bytes).map_or(LONGEST, |all| all.min(LONGEST))];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// The type that holds the numbers of a file, or with luck those of eight-byte integers.
fn natural_type(dtype: Dtype) -> ElementType {
    match dtype {
        Dtype::I8 => ElementType::Char,
        Dtype::Bool | Dtype::U8 => ElementType::Raw,
        Dtype::I16 => ElementType::Short,
        Dtype::I32 | Dtype::I64 => ElementType::Integer,
        Dtype::F32 => ElementType::Float,
        Dtype::F64 => ElementType::Double,
    }
}

/// The numbers of a file, which is read and not mapped: where others cut it meanwhile, that is an
/// ordinary error.
struct Array<'a> {
    name: String,
    header: &'a NpyHeader,
    file: &'a OpenFile,
    work: &'a Work,
}

impl Array<'_> {
    fn fill<S: Stored, T: Number>(&self, new: &mut NewMatrix) -> Result<(), Failure> {
        let (rows, cols) = (self.header.rows(), self.header.cols());
        let size = size_of::<S::Bytes>();
        let piece = block_rows(size);
        let mut view = new.view_mut::<T>()?;
        let mut bytes = Vec::new();
        if self.header.fortran_order() {
            for col in 0..cols {
                for first in (0..rows).step_by(piece) {
                    let block = first..rows.min(first + piece);
                    let numbers = self.read::<S>(col * rows + first, block.len(), &mut bytes)?;
                    let out = &mut view.column_mut(col)[block];
                    self.carry::<S, T>(numbers.iter(), out, first, col)?;
                    self.work.advance(out.len() as u64)?;
                }
            }
        } else {
            // A block of rows stays in cache while its columns are taken out of it one by one. Of
            // a row that is larger than a block, it is a piece.
            let step = block_rows(size.saturating_mul(cols));
            let width = if step == 1 { piece.min(cols) } else { cols };
            for first in (0..rows).step_by(step) {
                let block = first..rows.min(first + step);
                for left in (0..cols).step_by(width) {
                    let width = width.min(cols - left);
                    let count = block.len() * width;
                    let numbers = self.read::<S>(first * cols + left, count, &mut bytes)?;
                    for at in 0..width {
                        let col = left + at;
                        let numbers = numbers[at..].iter().step_by(width);
                        let out = &mut view.column_mut(col)[block.clone()];
                        self.carry::<S, T>(numbers, out, first, col)?;
                    }
                    self.work.advance(count as u64)?;
                }
            }
        }
        Ok(())
    }

    /// Reads `count` numbers, of which the first has so many before it in the file.
    fn read<'b, S: Stored>(
        &self,
        before: usize,
        count: usize,
        bytes: &'b mut Vec<u8>,
    ) -> Result<&'b [S::Bytes], StorageError> {
        let size = size_of::<S::Bytes>();
        bytes.resize(count * size, 0);
        // The header was compared with the file's length, which is less than 2^63.
        let at = self.header.data_offset() as u64 + before as u64 * size as u64;
        self.file.read_at(at, bytes)?;
        Ok(S::split(bytes))
    }

    /// Carries over a piece of a column, which begins at row `first`.
    fn carry<'n, S: Stored<Bytes: 'n>, T: Number>(
        &self,
        numbers: impl Iterator<Item = &'n S::Bytes>,
        out: &mut [T],
        first: usize,
        col: usize,
    ) -> Result<(), String> {
        for (at, (out, &bytes)) in out.iter_mut().zip(numbers).enumerate() {
            match T::stored(S::cell(bytes)) {
                Ok(value) => *out = value,
                Err(misfit) => return Err(self.refuse::<S, T>(bytes, misfit, first + at, col)),
            }
        }
        Ok(())
    }

    #[cold]
    fn refuse<S: Stored, T: Number>(
        &self,
        bytes: S::Bytes,
        misfit: Misfit,
        row: usize,
        col: usize,
    ) -> String {
        let cell = S::cell(bytes);
        let place = Place { of: &self.name, row, col, line: None };
        let hint = if f64::stored(cell).is_ok() { DOUBLE_CAN } else { "" };
        place.refuse(&cell, misfit, T::TYPE) + hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of doubles, which are counted from 0 in the order of the file.
    fn file(rows: usize, cols: usize, fortran_order: bool) -> (tempfile::TempDir, NpyHeader) {
        let directory = tempfile::tempdir().unwrap();
        let header = NpyHeader::new(Dtype::F64, rows, cols, fortran_order).unwrap();
        let mut bytes = header.to_bytes();
        bytes.extend((0u32..).take(rows * cols).flat_map(|number| f64::from(number).to_le_bytes()));
        std::fs::write(directory.path().join("in.npy"), bytes).unwrap();
        (directory, header)
    }

    #[test]
    fn a_file_that_is_cut_while_it_is_read_is_an_error() {
        for fortran_order in [false, true] {
            let (directory, header) = file(100_000, 3, fortran_order);
            let path = directory.path().join("in.npy");
            let input = OpenFile::open(&path, Access::ReadOnly).unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_len(2_000_000).unwrap();
            let work = Work::new().unwrap();
            let array = Array { name: String::new(), header: &header, file: &input, work: &work };
            let spec = MatrixSpec::new(ElementType::Double, 100_000, 3);
            let mut new = NewMatrix::create(directory.path().join("m.desc"), &spec).unwrap();
            let message = array.fill::<f64, f64>(&mut new).unwrap_err().to_string();
            assert!(message.contains("in.npy"), "{message}");
            assert!(message.contains("2000000"), "{message}");
        }
    }

    #[test]
    fn rows_larger_than_a_block_are_read_in_pieces() {
        let (rows, cols) = (2, 150_000);
        let (directory, header) = file(rows, cols, false);
        let input = OpenFile::open(&directory.path().join("in.npy"), Access::ReadOnly).unwrap();
        let work = Work::new().unwrap();
        let array = Array { name: String::new(), header: &header, file: &input, work: &work };
        let spec = MatrixSpec::new(ElementType::Integer, rows, cols);
        let mut new = NewMatrix::create(directory.path().join("m.desc"), &spec).unwrap();
        array.fill::<f64, i32>(&mut new).unwrap();
        let matrix = new.finish().unwrap();
        let view = matrix.view::<i32>().unwrap();
        for (col, expected) in (0i32..150_000).enumerate() {
            assert_eq!(view.column(col), [expected, expected + 150_000]);
        }
    }
}
