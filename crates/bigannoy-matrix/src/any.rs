//! A view whose element type is known only at run time.

use std::ops::Range;

use bigannoy_descriptor::ElementType;

use crate::transpose::{STRIP, Transposition};
use crate::{Element, MatrixRef, RowError, RowFloat, ValuePolicy};

/// A [`MatrixRef`] of any of the six element types.
#[derive(Clone, Debug)]
pub enum AnyMatrixRef<'a> {
    /// Type `char`.
    Char(MatrixRef<'a, i8>),
    /// Type `short`.
    Short(MatrixRef<'a, i16>),
    /// Type `raw`.
    Raw(MatrixRef<'a, u8>),
    /// Type `integer`.
    Integer(MatrixRef<'a, i32>),
    /// Type `float`.
    Float(MatrixRef<'a, f32>),
    /// Type `double`.
    Double(MatrixRef<'a, f64>),
}

/// Runs `$body` with `$matrix` bound to the typed view, whatever its type.
macro_rules! for_any {
    ($any:expr, $matrix:ident => $body:expr) => {
        match $any {
            AnyMatrixRef::Char($matrix) => $body,
            AnyMatrixRef::Short($matrix) => $body,
            AnyMatrixRef::Raw($matrix) => $body,
            AnyMatrixRef::Integer($matrix) => $body,
            AnyMatrixRef::Float($matrix) => $body,
            AnyMatrixRef::Double($matrix) => $body,
        }
    };
}

impl AnyMatrixRef<'_> {
    /// The type of the elements.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        match self {
            AnyMatrixRef::Char(_) => ElementType::Char,
            AnyMatrixRef::Short(_) => ElementType::Short,
            AnyMatrixRef::Raw(_) => ElementType::Raw,
            AnyMatrixRef::Integer(_) => ElementType::Integer,
            AnyMatrixRef::Float(_) => ElementType::Float,
            AnyMatrixRef::Double(_) => ElementType::Double,
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn nrows(&self) -> usize {
        for_any!(self, matrix => matrix.nrows())
    }

    /// Number of columns.
    #[must_use]
    pub fn ncols(&self) -> usize {
        for_any!(self, matrix => matrix.ncols())
    }

    /// Reads rows as [`crate::ReadRows::read_rows`] does.
    pub(crate) fn read_rows<F: RowFloat>(
        &self,
        rows: Range<usize>,
        policy: ValuePolicy,
        out: &mut [F],
        name: impl FnOnce() -> String,
    ) -> Result<(), RowError> {
        for_any!(self, matrix => transpose(matrix, rows, policy, out, name))
    }
}

fn transpose<T: Element, F: RowFloat>(
    matrix: &MatrixRef<'_, T>,
    rows: Range<usize>,
    policy: ValuePolicy,
    out: &mut [F],
    name: impl FnOnce() -> String,
) -> Result<(), RowError> {
    let mut turned = Transposition::new(out, rows.len(), matrix.ncols(), policy);
    for strip in Transposition::<F>::strips(matrix.ncols()) {
        let mut columns: [&[T]; STRIP] = [&[]; STRIP];
        for (place, col) in columns.iter_mut().zip(strip.clone()) {
            *place = &matrix.column(col)[rows.clone()];
        }
        turned.put(0, strip.start, &columns[..strip.len()]);
    }
    turned.finish(rows.start, name)
}
