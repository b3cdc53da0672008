//! From a matrix to an npy file.

use std::io::Write;

use bigannoy::matrix::MatrixRef;
use bigannoy::npy::{Dtype, NpyHeader};
use bigannoy::{BigMatrix, ElementType};

use super::args::{Export, FloatType};
use super::import::DOUBLE_CAN;
use super::number::{Cell, Misfit, Number, Shown};
use super::place::Place;
use super::stored::Store;
use super::{block_rows, for_type};
use crate::failure::Failure;
use crate::watch::Work;

pub(super) fn write(
    matrix: &BigMatrix,
    arguments: &Export,
    out: impl Write,
    work: &Work,
) -> Result<(), Failure> {
    let mut array = Array { name: matrix.name(), c_order: arguments.c_order, out, work };
    for_type!(matrix.element_type(), T => {
        let view = matrix.view::<T>()?;
        match arguments.float_type {
            None => array.write::<T, T>(&view),
            Some(FloatType::Float) => array.write::<T, f32>(&view),
            Some(FloatType::Double) => array.write::<T, f64>(&view),
        }
    })
}

fn dtype(element_type: ElementType) -> Dtype {
    match element_type {
        ElementType::Char => Dtype::I8,
        ElementType::Raw => Dtype::U8,
        ElementType::Short => Dtype::I16,
        ElementType::Integer => Dtype::I32,
        ElementType::Float => Dtype::F32,
        ElementType::Double => Dtype::F64,
    }
}

/// The array that is being written.
struct Array<'a, W> {
    name: &'a str,
    c_order: bool,
    out: W,
    work: &'a Work,
}

impl<W: Write> Array<'_, W> {
    /// Writes a matrix of `S` as numbers of type `D`.
    fn write<S: Number, D: Number + Store>(
        &mut self,
        view: &MatrixRef<'_, S>,
    ) -> Result<(), Failure> {
        let (rows, cols) = (view.nrows(), view.ncols());
        NpyHeader::new(dtype(D::TYPE), rows, cols, !self.c_order)?.write_to(&mut self.out)?;
        let columns: Vec<&[S]> = (0..cols).map(|col| view.column(col)).collect();
        let mut numbers = Vec::new();
        if self.c_order {
            let step = block_rows(size_of::<D>().saturating_mul(cols));
            for first in (0..rows).step_by(step) {
                let block = first..rows.min(first + step);
                for row in block {
                    for (col, column) in columns.iter().enumerate() {
                        numbers.push(self.carry::<S, D>(column[row], row, col)?);
                    }
                }
                self.hand_over::<D>(&mut numbers)?;
            }
        } else {
            let step = block_rows(size_of::<D>());
            for (col, column) in columns.iter().enumerate() {
                for first in (0..rows).step_by(step) {
                    for (row, &value) in column.iter().enumerate().skip(first).take(step) {
                        numbers.push(self.carry::<S, D>(value, row, col)?);
                    }
                    self.hand_over::<D>(&mut numbers)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the numbers of a block, and empties it.
    fn hand_over<D: Store>(&mut self, numbers: &mut Vec<D::Bytes>) -> Result<(), Failure> {
        self.out.write_all(D::join(numbers))?;
        self.work.advance(numbers.len() as u64)?;
        numbers.clear();
        Ok(())
    }

    fn carry<S: Number, D: Number + Store>(
        &self,
        value: S,
        row: usize,
        col: usize,
    ) -> Result<D::Bytes, String> {
        let number = match value.cell() {
            Cell::Missing => D::NAN.ok_or(Misfit::NoNaN),
            cell => D::of_cell(cell),
        };
        number.map(D::bytes).map_err(|misfit| {
            let place = Place { of: &self.name, row, col, line: None };
            place.refuse(&Shown(value), misfit, D::TYPE) + DOUBLE_CAN
        })
    }
}
