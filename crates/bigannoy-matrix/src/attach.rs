//! From a descriptor to mapped data.

use std::path::{Path, PathBuf};

use bigannoy_descriptor::{ByteString, Descriptor, Storage};
use bigannoy_storage::{Mapping, MappingMut, StorageError};

use crate::big_matrix::{Bytes, Segments, display};
use crate::{AttachError, BigMatrix};

#[derive(Clone, Copy)]
enum Access {
    ReadOnly,
    ReadWrite,
}

impl BigMatrix {
    /// Attaches the matrix of the descriptor file at `path`, for reading.
    ///
    /// The data is looked for in the descriptor's own directory, as R does, whatever directory the
    /// descriptor names. Cost: independent of the size; no number is read.
    ///
    /// # Errors
    /// [`AttachError`]: the descriptor cannot be read, its data is missing or too short, or its
    /// window lies outside of the data.
    pub fn attach(path: impl AsRef<Path>) -> Result<Self, AttachError> {
        Self::attach_path(path.as_ref(), Access::ReadOnly)
    }

    /// Attaches the matrix of the descriptor file at `path`, for reading and writing.
    ///
    /// # Errors
    /// As [`BigMatrix::attach`]; and the data is not writable, or attached in this process already.
    pub fn attach_mut(path: impl AsRef<Path>) -> Result<Self, AttachError> {
        Self::attach_path(path.as_ref(), Access::ReadWrite)
    }

    /// Attaches the matrix that `descriptor` describes, for reading.
    ///
    /// The data is looked for in the directory that the descriptor names, relative to the working
    /// directory. [`Descriptor::read`] has set that to the directory of the file it read, and so
    /// has [`BigMatrix::descriptor`].
    ///
    /// # Errors
    /// As [`BigMatrix::attach`]; and the descriptor names no directory.
    pub fn attach_descriptor(descriptor: &Descriptor) -> Result<Self, AttachError> {
        attach(descriptor, None, Access::ReadOnly)
    }

    /// Attaches the matrix that `descriptor` describes, for reading and writing.
    ///
    /// # Errors
    /// As [`BigMatrix::attach_descriptor`]; and the data is not writable, or attached in this
    /// process already.
    pub fn attach_descriptor_mut(descriptor: &Descriptor) -> Result<Self, AttachError> {
        attach(descriptor, None, Access::ReadWrite)
    }

    fn attach_path(path: &Path, access: Access) -> Result<Self, AttachError> {
        attach(&Descriptor::read(path)?, Some(display(path)), access)
    }
}

fn attach(
    descriptor: &Descriptor,
    name: Option<String>,
    access: Access,
) -> Result<BigMatrix, AttachError> {
    let (filename, dirname) = match descriptor.storage() {
        Storage::FileBacked { filename, dirname } => (filename, dirname.as_ref()),
        Storage::SharedMemory { name } => {
            return Err(AttachError::SharedMemory { name: name.to_string_lossy().into_owned() });
        }
    };
    let dirname = dirname.ok_or_else(|| AttachError::NoDirectory {
        filename: filename.to_string_lossy().into_owned(),
    })?;
    let base = data_path(dirname, filename)?;
    let name = name.unwrap_or_else(|| display(&base));
    let unusable = |source| AttachError::Data { matrix: name.clone(), source };

    // The length of a data file helps to repair totals that R wrote wrongly: see
    // `Descriptor::stored_shape_for`.
    let separated = descriptor.is_separated();
    let first = if separated { column_path(&base, descriptor.col_offset()) } else { base.clone() };
    let found = std::fs::metadata(&first)
        .map_err(|error| unusable(StorageError::io("open", &first)(error)))?
        .len();
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
    // With the file as long as it has to be, every extent of the window fits in memory.
    let to_usize = |extent: u64| usize::try_from(extent).map_err(|_| too_large());

    let map = |path: &Path| match access {
        Access::ReadOnly => Mapping::open_prefix(path, file_bytes).map(Bytes::ReadOnly),
        Access::ReadWrite => MappingMut::open_prefix(path, file_bytes).map(Bytes::ReadWrite),
    };
    let segments = if separated {
        let columns = descriptor.col_offset()..descriptor.col_offset() + descriptor.ncols();
        let columns = columns.map(|column| map(&column_path(&base, column)));
        Segments::Separated(columns.collect::<Result<_, _>>().map_err(unusable)?)
    } else {
        let bytes = map(&base).map_err(unusable)?;
        let skip = descriptor.data_bytes(total_rows, descriptor.col_offset());
        Segments::Contiguous { bytes, skip: to_usize(skip.ok_or_else(too_large)?)? }
    };
    // Totals that R wrote wrongly are written rightly from here on.
    let repaired = match descriptor.stored_shape() {
        Ok(written) if written == (total_rows, total_cols) => descriptor.clone(),
        _ => descriptor
            .clone()
            .with_stored_shape(total_rows, total_cols)
            .expect("the window lies within the shape that was found"),
    };
    Ok(BigMatrix {
        name: name.clone(),
        nrows: to_usize(descriptor.nrows())?,
        ncols: to_usize(descriptor.ncols())?,
        total_rows: to_usize(total_rows)?,
        row_offset: to_usize(descriptor.row_offset())?,
        segments,
        descriptor: repaired,
    })
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
