//! From an npy file to a matrix.

use bigannoy::matrix::{MatrixSpec, NewMatrix};
use bigannoy::npy::{Dtype, NpyError, NpyHeader};
use bigannoy::storage::Mapping;
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
    let file = Mapping::open(&arguments.input)?;
    let header = NpyHeader::parse(&file).map_err(unusable)?;
    header.check_file_len(file.len() as u64).map_err(unusable)?;
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

/// The numbers of a file.
struct Array<'a> {
    name: String,
    header: &'a NpyHeader,
    file: &'a [u8],
    work: &'a Work,
}

impl Array<'_> {
    fn fill<S: Stored, T: Number>(&self, new: &mut NewMatrix) -> Result<(), Failure> {
        let numbers = S::split(&self.file[self.header.data_offset()..]);
        let (rows, cols) = (self.header.rows(), self.header.cols());
        let step = block_rows(if self.header.fortran_order() {
            size_of::<S::Bytes>()
        } else {
            size_of::<S::Bytes>().saturating_mul(cols)
        });
        let mut view = new.view_mut::<T>()?;
        if self.header.fortran_order() {
            for (col, numbers) in numbers.chunks_exact(rows).enumerate() {
                let column = view.column_mut(col);
                for first in (0..rows).step_by(step) {
                    let block = first..rows.min(first + step);
                    let numbers = numbers[block.clone()].iter();
                    self.carry::<S, T>(numbers, &mut column[block.clone()], first, col)?;
                    self.work.advance(block.len() as u64)?;
                }
            }
        } else {
            // A block of rows stays in cache while its columns are taken out of it one by one.
            for first in (0..rows).step_by(step) {
                let block = first..rows.min(first + step);
                let numbers = &numbers[block.start * cols..block.end * cols];
                for col in 0..cols {
                    let numbers = numbers[col..].iter().step_by(cols);
                    self.carry::<S, T>(
                        numbers,
                        &mut view.column_mut(col)[block.clone()],
                        first,
                        col,
                    )?;
                }
                self.work.advance((block.len() * cols) as u64)?;
            }
        }
        Ok(())
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
