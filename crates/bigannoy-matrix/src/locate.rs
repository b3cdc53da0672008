//! From a descriptor to the files or segments that hold the numbers.

use std::path::{Path, PathBuf};

use bigannoy_descriptor::{ByteString, Descriptor, Storage};
use bigannoy_storage::{Access, OpenFile, StorageError};

use crate::AttachError;

/// A matrix whose data was found and whose shape was made sure of.
#[derive(Debug)]
pub(crate) struct Located {
    /// What the matrix is called in messages.
    pub(crate) name: String,
    /// As given, with totals that R wrote wrongly put right.
    pub(crate) descriptor: Descriptor,
    pub(crate) place: Place,
    /// The file of everything, or of the window's first column.
    pub(crate) first: OpenFile,
    pub(crate) nrows: usize,
    pub(crate) ncols: usize,
    /// Rows of the whole stored matrix.
    pub(crate) total_rows: usize,
    pub(crate) row_offset: usize,
    /// Bytes that each file must have.
    pub(crate) file_bytes: u64,
    /// Contiguous: bytes before the window's first column.
    pub(crate) skip_bytes: usize,
}

/// Where data is. A separated matrix has a file or segment for each stored column, whose name has
/// `_column_` and the column's number, from 0, appended.
#[derive(Debug)]
pub(crate) enum Place {
    Files(PathBuf),
    Segments(Vec<u8>),
}

impl Place {
    fn of(storage: &Storage) -> Result<Self, AttachError> {
        match storage {
            Storage::SharedMemory { name } => Ok(Place::Segments(name.as_bytes().to_vec())),
            Storage::FileBacked { filename, dirname } => {
                let dirname = dirname.as_ref().ok_or_else(|| AttachError::NoDirectory {
                    filename: filename.to_string_lossy().into_owned(),
                })?;
                data_path(dirname, filename).map(Place::Files)
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Place::Files(base) => base.display().to_string(),
            Place::Segments(name) => format!("shared memory {}", String::from_utf8_lossy(name)),
        }
    }

    /// Opens the only file, or that of a stored column counted from 0.
    pub(crate) fn open(
        &self,
        column: Option<u64>,
        access: Access,
    ) -> Result<OpenFile, StorageError> {
        match (self, column) {
            (Place::Files(base), None) => OpenFile::open(base, access),
            (Place::Files(base), Some(column)) => {
                OpenFile::open(&column_path(base, column), access)
            }
            (Place::Segments(name), None) => OpenFile::open_segment(name, access),
            (Place::Segments(name), Some(column)) => {
                OpenFile::open_segment(&column_segment(name, column), access)
            }
        }
    }
}

impl Located {
    /// Finds the data of the matrix that `descriptor` describes. `name` is the descriptor's path, if
    /// it has one.
    pub(crate) fn new(
        descriptor: &Descriptor,
        name: Option<String>,
        access: Access,
    ) -> Result<Self, AttachError> {
        let place = Place::of(descriptor.storage())?;
        let name = name.unwrap_or_else(|| place.name());
        let unusable = |source| AttachError::Data { matrix: name.clone(), source };
        let first_column = descriptor.is_separated().then(|| descriptor.col_offset());
        let first = place.open(first_column, access).map_err(unusable)?;
        // The length of the data helps to repair totals that R wrote wrongly.
        let found = first.len_bytes().map_err(unusable)?;
        let (total_rows, total_cols) = descriptor
            .stored_shape_for(found)
            .map_err(|window| AttachError::Window { matrix: name.clone(), window })?;
        let too_large = || AttachError::TooLarge {
            matrix: name.clone(),
            rows: total_rows,
            cols: total_cols,
            element_type: descriptor.element_type(),
        };
        let file_bytes = descriptor.data_bytes(total_rows, total_cols).ok_or_else(too_large)?;
        first.expect_len(file_bytes).map_err(unusable)?;
        // With the file as long as it has to be, every extent of the window fits in memory.
        let to_usize = |extent: u64| usize::try_from(extent).map_err(|_| too_large());
        let skip = if descriptor.is_separated() {
            0
        } else {
            descriptor.data_bytes(total_rows, descriptor.col_offset()).ok_or_else(too_large)?
        };
        // Totals that R wrote wrongly are written rightly from here on.
        let repaired = match descriptor.stored_shape() {
            Ok(written) if written == (total_rows, total_cols) => descriptor.clone(),
            _ => descriptor
                .clone()
                .with_stored_shape(total_rows, total_cols)
                .expect("the window lies within the shape that was found"),
        };
        Ok(Located {
            nrows: to_usize(descriptor.nrows())?,
            ncols: to_usize(descriptor.ncols())?,
            total_rows: to_usize(total_rows)?,
            row_offset: to_usize(descriptor.row_offset())?,
            skip_bytes: to_usize(skip)?,
            descriptor: repaired,
            file_bytes,
            first,
            place,
            name,
        })
    }
}

/// Directory and name, put together as R does, with a separator if there is none.
fn data_path(dirname: &ByteString, filename: &ByteString) -> Result<PathBuf, AttachError> {
    let mut path = dirname.as_bytes().to_vec();
    let separated =
        path.is_empty() || path.ends_with(b"/") || cfg!(windows) && path.ends_with(b"\\");
    if !separated {
        path.push(b'/');
    }
    path.extend_from_slice(filename.as_bytes());
    let no_name = || AttachError::FileName { filename: filename.to_string_lossy().into_owned() };
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        if path.contains(&0) {
            return Err(no_name());
        }
        Ok(PathBuf::from(std::ffi::OsString::from_vec(path)))
    }
    #[cfg(not(unix))]
    String::from_utf8(path).map(PathBuf::from).map_err(|_| no_name())
}

/// The file of one column of a separated matrix, counted from 0.
pub(crate) fn column_path(base: &Path, column: u64) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(format!("_column_{column}"));
    PathBuf::from(name)
}

/// The segment of one column of a separated matrix, counted from 0.
pub(crate) fn column_segment(name: &[u8], column: u64) -> Vec<u8> {
    [name, format!("_column_{column}").as_bytes()].concat()
}
