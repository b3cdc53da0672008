//! New matrices, which R attaches.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use bigannoy_descriptor::{ByteString, Descriptor, DescriptorBuilder, ElementType};
use bigannoy_storage::{
    Claim, ClosedNewFile, Existing, MappingMut, NewFile, PendingCommit, StorageError,
    commit_together,
};

use crate::locate::column_path;
use crate::{BigMatrix, CreateError, Element, MatrixMut, ViewError};

/// Separated columns that can be created: systems allow some 65,000 maps in a process, and R maps
/// every column too.
const MOST_COLUMNS: usize = 60_000;

/// Type, shape and names of a matrix to be created.
#[derive(Clone, Debug)]
pub struct MatrixSpec {
    element_type: ElementType,
    nrows: usize,
    ncols: usize,
    separated: bool,
    row_names: Option<Vec<ByteString>>,
    col_names: Option<Vec<ByteString>>,
}

impl MatrixSpec {
    /// A matrix of `nrows` x `ncols` elements, both at least 1, in one file, without names.
    #[must_use]
    pub fn new(element_type: ElementType, nrows: usize, ncols: usize) -> Self {
        MatrixSpec {
            element_type,
            nrows,
            ncols,
            separated: false,
            row_names: None,
            col_names: None,
        }
    }

    /// Puts each column into a file of its own. Default: all in one.
    #[must_use]
    pub fn separated(mut self, separated: bool) -> Self {
        self.separated = separated;
        self
    }

    /// Names the rows: as many names as rows.
    #[must_use]
    pub fn row_names(mut self, names: impl IntoIterator<Item: Into<ByteString>>) -> Self {
        self.row_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Names the columns: as many names as columns.
    #[must_use]
    pub fn col_names(mut self, names: impl IntoIterator<Item: Into<ByteString>>) -> Self {
        self.col_names = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

impl MatrixSpec {
    pub(crate) fn element_type(&self) -> ElementType {
        self.element_type
    }

    pub(crate) fn shape(&self) -> (u64, u64) {
        (self.nrows as u64, self.ncols as u64)
    }

    /// Completes a descriptor of this shape, and tells the bytes of the data, or of each column
    /// where separated. `path` is what the matrix is called in messages.
    pub(crate) fn describe(
        &self,
        builder: DescriptorBuilder,
        path: &Path,
    ) -> Result<(Descriptor, u64), CreateError> {
        if self.separated && self.ncols > MOST_COLUMNS {
            let (path, cols, most) = (path.to_path_buf(), self.ncols, MOST_COLUMNS);
            return Err(CreateError::TooManyColumns { path, cols, most });
        }
        let mut builder = builder.separated(self.separated);
        if let Some(names) = &self.row_names {
            builder = builder.row_names(names.iter().cloned());
        }
        if let Some(names) = &self.col_names {
            builder = builder.col_names(names.iter().cloned());
        }
        let descriptor = builder
            .build()
            .map_err(|source| CreateError::Spec { path: path.to_path_buf(), source })?;
        let (rows, cols) = self.shape();
        let bytes = descriptor
            .data_bytes(rows, cols)
            .filter(|&bytes| i64::try_from(bytes).is_ok())
            .ok_or_else(|| CreateError::TooLarge {
                path: path.to_path_buf(),
                rows,
                cols,
                element_type: self.element_type,
            })?;
        Ok((descriptor, bytes))
    }
}

/// Writes the text of a descriptor to a file that is not yet under its name.
pub(crate) fn write_text(text: &mut NewFile, descriptor: &Descriptor) -> Result<(), StorageError> {
    let written = text.write_all(&descriptor.to_text());
    written.map_err(|error| StorageError::io("write", text.target())(error))
}

/// A matrix that is being created: it has its place on the disk, but no name yet.
///
/// [`NewMatrix::finish`] gives it one, data first and descriptor last, so that nobody ever finds a
/// descriptor without data. Dropped before that, it leaves nothing. What a killed process leaves is
/// removed, or given its names if it was complete, by the next [`NewMatrix::create`] for the same
/// descriptor.
#[derive(Debug)]
pub struct NewMatrix {
    descriptor: Descriptor,
    path: PathBuf,
    nrows: usize,
    ncols: usize,
    // Dropped in this order: the claims go when nothing is left that they are for.
    /// All columns, or each column.
    pieces: Vec<Piece>,
    /// To the descriptor, and to the data file or those of the columns.
    claims: [Claim; 2],
}

/// A data file in the making.
#[derive(Debug)]
struct Piece {
    // Dropped in this order: the mapping goes before the file that it maps.
    map: MappingMut,
    data: ClosedNewFile,
}

impl Piece {
    fn create(claim: &Claim, path: &Path, bytes: u64) -> Result<Self, StorageError> {
        let data = claim.new_file(path)?;
        bigannoy_storage::reserve(data.file(), path, bytes)?;
        // Closed: a matrix of many columns must not hold a file open for each of them.
        let data = data.close();
        let map = MappingMut::open_prefix(data.temporary_path(), bytes)?;
        Ok(Piece { map, data })
    }
}

impl NewMatrix {
    /// Begins a file-backed matrix of zeros with its descriptor at `descriptor_path`.
    ///
    /// The data goes beside it, under the same name with the extension `bin`; each column of a
    /// separated matrix has `_column_` and its number, from 0, after that. Its space on the disk is
    /// reserved here: writing the numbers cannot fail later.
    ///
    /// # Errors
    /// [`CreateError`]: another process is creating it; a file stands at one of the paths (also at those of columns, which R would
    /// overwrite), the shape is empty or too large, names and shape do not agree, the directory is
    /// not there, or there is no space. Nothing has been left on the disk then.
    pub fn create(
        descriptor_path: impl AsRef<Path>,
        spec: &MatrixSpec,
    ) -> Result<Self, CreateError> {
        let path = descriptor_path.as_ref();
        let data_path = path.with_extension("bin");
        let data_name = data_path
            .file_name()
            .filter(|_| data_path != path)
            .ok_or_else(|| CreateError::Path { path: path.to_path_buf() })?;
        let (nrows, ncols) = spec.shape();
        let directory = std::path::absolute(path)
            .map_err(StorageError::io("find the directory of", path))?
            .parent()
            .map_or_else(OsString::new, |parent| parent.as_os_str().to_owned());
        let builder = Descriptor::file_backed(
            byte_string(data_name),
            byte_string(&directory),
            spec.element_type,
            nrows,
            ncols,
        );
        let (descriptor, bytes) = spec.describe(builder, path)?;

        let files: Vec<PathBuf> = if spec.separated {
            (0..ncols).map(|column| column_path(&data_path, column)).collect()
        } else {
            vec![data_path.clone()]
        };
        if files.iter().any(|file| file == path) {
            return Err(CreateError::Path { path: path.to_path_buf() });
        }
        let claims = [Claim::take(path)?, Claim::take(&data_path)?];
        if let Some(complete) = PendingCommit::find(path)? {
            complete.finish()?;
        }
        let all = || [path].into_iter().chain(files.iter().map(PathBuf::as_path));
        for file in all() {
            // A dangling link counts: R would follow it.
            match file.symlink_metadata() {
                Ok(_) => return Err(StorageError::Exists { path: file.to_path_buf() }.into()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(StorageError::io("create", file)(error).into()),
            }
        }
        claims[0].remove_leftovers(all())?;
        let pieces = files.iter().map(|file| Piece::create(&claims[1], file, bytes));
        Ok(NewMatrix {
            descriptor,
            path: path.to_path_buf(),
            nrows: spec.nrows,
            ncols: spec.ncols,
            pieces: pieces.collect::<Result<_, _>>()?,
            claims,
        })
    }

    /// The numbers, for writing. They are zero to begin with.
    ///
    /// # Errors
    /// [`ViewError::ElementType`] where the matrix holds another type.
    pub fn view_mut<T: Element>(&mut self) -> Result<MatrixMut<'_, T>, ViewError> {
        let found = self.descriptor.element_type();
        if found != T::TYPE {
            let matrix = self.path.display().to_string();
            return Err(ViewError::ElementType { matrix, expected: T::TYPE, found });
        }
        let columns =
            self.pieces.iter_mut().map(|piece| bytemuck::cast_slice_mut(piece.map.bytes_mut()));
        if self.descriptor.is_separated() {
            return MatrixMut::from_columns(columns.collect());
        }
        // A contiguous matrix is one piece.
        let data = columns.last().unwrap_or_default();
        MatrixMut::column_major(data, self.nrows, self.ncols, self.nrows)
    }

    /// The descriptor that will be written.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Brings the numbers to the disk and gives data and descriptor their names.
    ///
    /// Attaches the finished matrix for reading; drop it to attach it otherwise.
    ///
    /// # Errors
    /// [`CreateError`]: a file has appeared at one of the paths meanwhile, or the disk will not take
    /// it. Nothing of the new matrix has been left then, save under [`CreateError::Attach`]: the
    /// matrix is finished there, and only could not be attached.
    pub fn finish(self) -> Result<BigMatrix, CreateError> {
        let NewMatrix { descriptor, path, pieces, claims, .. } = self;
        let mut files = Vec::new();
        for Piece { map, data } in pieces {
            map.flush()?;
            drop(map);
            files.push(data);
        }
        let mut text = claims[0].new_file(&path)?;
        write_text(&mut text, &descriptor)?;
        files.push(text.close());
        commit_together(&claims[0], files, Existing::Refuse)?;
        drop(claims);
        Ok(BigMatrix::attach(&path)?)
    }
}

fn byte_string(name: &std::ffi::OsStr) -> ByteString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        name.as_bytes().to_vec().into()
    }
    #[cfg(not(unix))]
    name.to_string_lossy().into_owned().into()
}
