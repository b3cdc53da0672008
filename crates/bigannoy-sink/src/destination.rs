//! Matrices that results are written to.

use std::path::{Path, PathBuf};

use bigannoy_descriptor::Descriptor;
use bigannoy_matrix::{
    AttachError, BigMatrix, CreateError, Element, ElementType, MatrixMut, MatrixSpec, NewMatrix,
};

use bigannoy_storage::{Claim, PendingCommit};

use crate::new_files::real_place;
use crate::{ResultShape, SinkError};

/// A matrix that results are to be written to, in one of the forms in which it can be given.
#[derive(Debug)]
pub struct Destination<'a>(Form<'a>);

#[derive(Debug)]
enum Form<'a> {
    Live(&'a mut BigMatrix),
    Descriptor(Descriptor),
    Path(PathBuf),
    Create(PathBuf),
    PathOrCreate(PathBuf),
}

impl<'a> Destination<'a> {
    /// An attached matrix. It must have been attached for writing.
    pub fn live(matrix: &'a mut BigMatrix) -> Self {
        Destination(Form::Live(matrix))
    }

    /// The matrix that `descriptor` describes.
    #[must_use]
    pub fn descriptor(descriptor: &Descriptor) -> Self {
        Destination(Form::Descriptor(descriptor.clone()))
    }

    /// The matrix of the descriptor file at `path`.
    pub fn path(path: impl AsRef<Path>) -> Self {
        Destination(Form::Path(path.as_ref().to_path_buf()))
    }

    /// A new matrix with its descriptor at `path`, of the shape of the result. It appears when the
    /// result is complete. Neither it nor its data file may exist.
    pub fn create(path: impl AsRef<Path>) -> Self {
        Destination(Form::Create(path.as_ref().to_path_buf()))
    }

    /// The matrix of the descriptor file at `path` if there is one, else a new one.
    pub fn path_or_create(path: impl AsRef<Path>) -> Self {
        Destination(Form::PathOrCreate(path.as_ref().to_path_buf()))
    }

    /// The descriptor file, where the matrix was given by one.
    pub(crate) fn descriptor_path(&self) -> Option<&Path> {
        match &self.0 {
            Form::Path(path) | Form::Create(path) | Form::PathOrCreate(path) => Some(path),
            Form::Live(_) | Form::Descriptor(_) => None,
        }
    }

    /// The same destination; where a new matrix is wanted and one is there, that one.
    pub(crate) fn replacing(self) -> Self {
        match self.0 {
            Form::Create(path) => Self::path_or_create(path),
            form => Destination(form),
        }
    }

    /// The files that a new matrix will have, in a directory known without links; none for one that
    /// exists.
    pub(crate) fn new_files(&self) -> Result<Vec<PathBuf>, SinkError> {
        let path = match &self.0 {
            Form::Create(path) => path,
            Form::PathOrCreate(path) if !is_there(path) => path,
            _ => return Ok(Vec::new()),
        };
        let place = |path: &Path| real_place(path).map_err(CreateError::from);
        Ok(vec![place(path)?, place(&path.with_extension("bin"))?])
    }

    /// Opens the matrix, or begins a new one of type `new_type`, and checks that it can hold the
    /// result.
    pub(crate) fn open(
        self,
        shape: ResultShape,
        new_type: ElementType,
        accepts: &'static [ElementType],
        expected: &'static str,
    ) -> Result<OpenDestination<'a>, SinkError> {
        let attached = |matrix: Result<BigMatrix, AttachError>| {
            matrix.map(|matrix| Matrix::Attached(Box::new(matrix)))
        };
        let create = |path: &Path| {
            let spec = MatrixSpec::new(new_type, shape.n_query, shape.k);
            let new = Box::new(NewMatrix::create(path, &spec)?);
            let name = path.display().to_string();
            Ok(OpenDestination { matrix: Matrix::New(new), name })
        };
        let matrix = match self.0 {
            Form::Live(matrix) => Matrix::Live(matrix),
            Form::Descriptor(descriptor) => {
                attached(BigMatrix::attach_descriptor_mut(&descriptor))?
            }
            Form::Path(path) | Form::PathOrCreate(path) if is_settled(&path)? => {
                attached(BigMatrix::attach_mut(path))?
            }
            Form::Create(path) | Form::PathOrCreate(path) => return create(&path),
            Form::Path(path) => attached(BigMatrix::attach_mut(path))?,
        };
        let open = OpenDestination { name: matrix.existing().name().to_owned(), matrix };
        open.check(shape, accepts, expected)?;
        Ok(open)
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether a descriptor is there, once a matrix has its names whose process was killed while it gave
/// them.
fn is_settled(path: &Path) -> Result<bool, SinkError> {
    if PendingCommit::find(path)?.is_some() {
        let _claim = Claim::take(path)?;
        if let Some(complete) = PendingCommit::find(path)? {
            complete.finish()?;
        }
    }
    Ok(is_there(path))
}

/// A destination that fits the result.
#[derive(Debug)]
pub(crate) struct OpenDestination<'a> {
    matrix: Matrix<'a>,
    name: String,
}

#[derive(Debug)]
enum Matrix<'a> {
    Live(&'a mut BigMatrix),
    Attached(Box<BigMatrix>),
    New(Box<NewMatrix>),
}

impl Matrix<'_> {
    /// The matrix, unless it is new.
    fn existing(&self) -> &BigMatrix {
        match self {
            Matrix::Live(matrix) => matrix,
            Matrix::Attached(matrix) => matrix,
            Matrix::New(_) => unreachable!("new matrices are made to fit and not looked at"),
        }
    }
}

impl OpenDestination<'_> {
    fn check(
        &self,
        shape: ResultShape,
        accepts: &'static [ElementType],
        expected: &'static str,
    ) -> Result<(), SinkError> {
        let matrix = self.matrix.existing();
        let destination = || self.name.clone();
        if !accepts.contains(&matrix.element_type()) {
            let found = matrix.element_type();
            return Err(SinkError::ElementType { destination: destination(), found, expected });
        }
        if (matrix.nrows(), matrix.ncols()) != (shape.n_query, shape.k) {
            return Err(SinkError::Shape {
                destination: destination(),
                found_rows: matrix.nrows(),
                found_cols: matrix.ncols(),
                expected_rows: shape.n_query,
                expected_cols: shape.k,
            });
        }
        if !matrix.is_writable() {
            return Err(SinkError::ReadOnly { destination: destination() });
        }
        Ok(())
    }

    /// Gives the whole matrix its place on the disk: a matrix made by R may be a file of holes.
    pub(crate) fn reserve(&self) -> Result<(), SinkError> {
        match &self.matrix {
            Matrix::New(_) => Ok(()), // has its place already
            existing => existing
                .existing()
                .reserve()
                .map_err(|source| SinkError::Write { destination: self.name.clone(), source }),
        }
    }

    pub(crate) fn element_type(&self) -> ElementType {
        match &self.matrix {
            Matrix::New(new) => new.descriptor().element_type(),
            existing => existing.existing().element_type(),
        }
    }

    pub(crate) fn view_mut<T: Element>(&mut self) -> Result<MatrixMut<'_, T>, SinkError> {
        Ok(match &mut self.matrix {
            Matrix::Live(matrix) => matrix.view_mut()?,
            Matrix::Attached(matrix) => matrix.view_mut()?,
            Matrix::New(new) => new.view_mut()?,
        })
    }

    /// Makes what was written last, and tells where it is.
    pub(crate) fn finish(self) -> Result<Descriptor, SinkError> {
        let write = |source| SinkError::Write { destination: self.name.clone(), source };
        match self.matrix {
            Matrix::New(new) => Ok(new.finish()?.descriptor().clone()),
            Matrix::Live(matrix) => {
                matrix.flush().map_err(write)?;
                Ok(matrix.descriptor().clone())
            }
            Matrix::Attached(matrix) => {
                matrix.flush().map_err(write)?;
                Ok(matrix.descriptor().clone())
            }
        }
    }
}
