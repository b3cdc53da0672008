//! Matrices as they can be given.

use std::path::{Path, PathBuf};

use bigannoy_descriptor::Descriptor;
use bigannoy_matrix::{BigMatrix, DenseFloat, DenseRows, RowSource};

use crate::Error;

/// A matrix to be read, in one of the forms in which it can be given.
///
/// Whatever takes a matrix takes `impl Into<Input>`: a `&BigMatrix`, a `&Descriptor`, a path, or
/// `&DenseRows`. For any other [`RowSource`] use [`Input::rows`].
#[derive(Clone, Copy)]
pub struct Input<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    Rows(&'a dyn RowSource),
    Descriptor(&'a Descriptor),
    Path(&'a Path),
}

impl<'a> Input<'a> {
    /// Any rows: an attached matrix, rows in memory, or a source of one's own.
    #[must_use]
    pub fn rows(rows: &'a dyn RowSource) -> Self {
        Input(Form::Rows(rows))
    }

    /// The rows, attached if they are not yet.
    pub(crate) fn open(self) -> Result<OpenInput<'a>, Error> {
        Ok(match self.0 {
            Form::Rows(rows) => OpenInput::Given(rows),
            Form::Descriptor(descriptor) => {
                OpenInput::Attached(Box::new(BigMatrix::attach_descriptor(descriptor)?))
            }
            Form::Path(path) => OpenInput::Attached(Box::new(BigMatrix::attach(path)?)),
        })
    }
}

/// Rows that can be read.
pub(crate) enum OpenInput<'a> {
    Given(&'a dyn RowSource),
    Attached(Box<BigMatrix>),
}

impl OpenInput<'_> {
    pub(crate) fn rows(&self) -> &dyn RowSource {
        match self {
            OpenInput::Given(rows) => *rows,
            OpenInput::Attached(matrix) => matrix.as_ref(),
        }
    }
}

impl<'a> From<&'a BigMatrix> for Input<'a> {
    fn from(matrix: &'a BigMatrix) -> Self {
        Input::rows(matrix)
    }
}

impl<'a, T: DenseFloat> From<&'a DenseRows<'a, T>> for Input<'a> {
    fn from(rows: &'a DenseRows<'a, T>) -> Self {
        Input::rows(rows)
    }
}

impl<'a> From<&'a Descriptor> for Input<'a> {
    fn from(descriptor: &'a Descriptor) -> Self {
        Input(Form::Descriptor(descriptor))
    }
}

impl<'a> From<&'a Path> for Input<'a> {
    fn from(path: &'a Path) -> Self {
        Input(Form::Path(path))
    }
}

impl<'a> From<&'a PathBuf> for Input<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Input(Form::Path(path))
    }
}

impl<'a> From<&'a str> for Input<'a> {
    fn from(path: &'a str) -> Self {
        Input(Form::Path(Path::new(path)))
    }
}
