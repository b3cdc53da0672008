//! Matrices as they can be given.

use std::fmt;
use std::path::{Path, PathBuf};

use bigannoy_descriptor::Descriptor;
use bigannoy_matrix::{BigMatrix, DenseRows, FileRows, RowFloat, RowSource, StorageError};
use bigannoy_storage::FileIdentity;

use crate::Error;
use crate::describe::{self, Reference};
use crate::resume::check_finished;

/// A matrix to be read, in one of the forms in which it can be given.
///
/// Whatever takes a matrix takes `impl Into<Input>`: a `&BigMatrix`, a `&Descriptor`, a path, or
/// `&DenseRows`; with the feature `ndarray` also a reference to an array or view of two dimensions, of
/// `f32` or `f64`. For any other [`RowSource`] use [`Input::rows`].
#[derive(Clone, Copy)]
pub struct Input<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    Rows(&'a dyn RowSource),
    Live(&'a BigMatrix),
    Descriptor(&'a Descriptor),
    Path(&'a Path),
    Unmapped(&'a Path),
}

impl<'a> Input<'a> {
    /// Any rows: an attached matrix, rows in memory, or a source of one's own.
    #[must_use]
    pub fn rows(rows: &'a dyn RowSource) -> Self {
        Input(Form::Rows(rows))
    }

    /// The matrix of the descriptor file at `path`, read with system calls rather than mapped: for
    /// network file systems, and for files that others may shorten, which is an error then and not
    /// the end of the process. See [`FileRows`].
    #[must_use]
    pub fn unmapped(path: &'a Path) -> Self {
        Input(Form::Unmapped(path))
    }

    /// The rows, attached if they are not yet.
    pub(crate) fn open(self) -> Result<OpenInput<'a>, Error> {
        let attached = |matrix| OpenRows::Attached(Box::new(matrix));
        let (rows, descriptor) = match self.0 {
            Form::Rows(rows) => (OpenRows::Given(rows), None),
            Form::Live(matrix) => (OpenRows::Live(matrix), None),
            Form::Descriptor(descriptor) => {
                (attached(BigMatrix::attach_descriptor(descriptor)?), None)
            }
            Form::Path(path) => {
                check_finished(path)?;
                (attached(BigMatrix::attach(path)?), Some(path))
            }
            Form::Unmapped(path) => {
                check_finished(path)?;
                (OpenRows::Unmapped(Box::new(FileRows::open(path)?)), Some(path))
            }
        };
        Ok(OpenInput { rows, descriptor })
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Rows(rows) => f.debug_tuple("Rows").field(&rows.name()).finish(),
            Form::Live(matrix) => f.debug_tuple("Live").field(&matrix.name()).finish(),
            Form::Descriptor(descriptor) => f.debug_tuple("Descriptor").field(descriptor).finish(),
            Form::Path(path) => f.debug_tuple("Path").field(&path).finish(),
            Form::Unmapped(path) => f.debug_tuple("Unmapped").field(&path).finish(),
        }
    }
}

/// Rows that can be read.
pub(crate) struct OpenInput<'a> {
    rows: OpenRows<'a>,
    /// The descriptor file, where the matrix was given as one.
    descriptor: Option<&'a Path>,
}

enum OpenRows<'a> {
    Given(&'a dyn RowSource),
    Live(&'a BigMatrix),
    Attached(Box<BigMatrix>),
    Unmapped(Box<FileRows>),
}

impl OpenInput<'_> {
    pub(crate) fn rows(&self) -> &dyn RowSource {
        match &self.rows {
            OpenRows::Given(rows) => *rows,
            OpenRows::Live(matrix) => *matrix,
            OpenRows::Attached(matrix) => matrix.as_ref(),
            OpenRows::Unmapped(rows) => rows.as_ref(),
        }
    }

    /// What the sidecar of an index over these rows says of them.
    pub(crate) fn describe(&self, hash: String) -> Reference {
        let element_type = match &self.rows {
            OpenRows::Given(_) => None,
            OpenRows::Live(matrix) => Some(matrix.element_type()),
            OpenRows::Attached(matrix) => Some(matrix.element_type()),
            OpenRows::Unmapped(rows) => Some(rows.descriptor().element_type()),
        };
        let rows = self.rows();
        let path = self.descriptor.map(|path| path.display().to_string());
        Reference {
            name: path.unwrap_or_else(|| rows.name()),
            shape: describe::shape(rows.nrows(), rows.ncols()),
            element_type: element_type.map(|element_type| element_type.to_string()),
            hash,
        }
    }

    /// Whether `file` is the descriptor or holds numbers of the matrix, as far as it is known.
    pub(crate) fn consists_of(&self, file: &Path) -> Result<bool, StorageError> {
        let has_data = self.rows().has_data_in(file)?;
        let is_descriptor = match self.descriptor {
            Some(path) => FileIdentity::of_path(path)? == FileIdentity::of_path(file)?,
            None => false,
        };
        Ok(is_descriptor || has_data)
    }
}

impl<'a> From<&'a BigMatrix> for Input<'a> {
    fn from(matrix: &'a BigMatrix) -> Self {
        Input(Form::Live(matrix))
    }
}

impl<'a, T: RowFloat> From<&'a DenseRows<'a, T>> for Input<'a> {
    fn from(rows: &'a DenseRows<'a, T>) -> Self {
        Input::rows(rows)
    }
}

/// An array or a view of one, in any order of memory.
#[cfg(feature = "ndarray")]
impl<'a, S> From<&'a ndarray::ArrayBase<S, ndarray::Ix2>> for Input<'a>
where
    S: ndarray::Data<Elem: RowFloat> + Sync,
{
    fn from(array: &'a ndarray::ArrayBase<S, ndarray::Ix2>) -> Self {
        Input::rows(array)
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

impl<'a> From<&'a String> for Input<'a> {
    fn from(path: &'a String) -> Self {
        Input(Form::Path(Path::new(path)))
    }
}

impl<'a> From<&'a dyn RowSource> for Input<'a> {
    fn from(rows: &'a dyn RowSource) -> Self {
        Input::rows(rows)
    }
}
