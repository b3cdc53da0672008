//! From a descriptor to mapped data.

use std::path::Path;

use bigannoy_descriptor::Descriptor;
use bigannoy_storage::{Access, OpenFile};

use crate::big_matrix::{Bytes, Segments};
use crate::locate::Located;
use crate::{AttachError, BigMatrix};

impl BigMatrix {
    /// Attaches the matrix of the descriptor file at `path`, for reading.
    ///
    /// The data is looked for in the descriptor's own directory, as R does, whatever directory the
    /// descriptor names. Shared memory of a running R session is attached by its name, as an
    /// observer: nothing of the session is changed, it may end meanwhile, and the numbers stay
    /// readable here. Cost: independent of the size; no number is read.
    ///
    /// # Errors
    /// [`AttachError`]: the descriptor cannot be read, its data is missing or too short, or its
    /// window lies outside of the data.
    pub fn attach(path: impl AsRef<Path>) -> Result<Self, AttachError> {
        attach_path(path.as_ref(), Access::ReadOnly)
    }

    /// Attaches the matrix of the descriptor file at `path`, for reading and writing.
    ///
    /// # Errors
    /// As [`BigMatrix::attach`]; and the data is not writable, or attached in this process already.
    pub fn attach_mut(path: impl AsRef<Path>) -> Result<Self, AttachError> {
        attach_path(path.as_ref(), Access::ReadWrite)
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
}

fn attach_path(path: &Path, access: Access) -> Result<BigMatrix, AttachError> {
    attach(&Descriptor::read(path)?, Some(path.display().to_string()), access)
}

fn attach(
    descriptor: &Descriptor,
    name: Option<String>,
    access: Access,
) -> Result<BigMatrix, AttachError> {
    let located = Located::new(descriptor, name, access)?;
    let map = |file: &OpenFile| match access {
        Access::ReadOnly => file.map(located.file_bytes).map(Bytes::ReadOnly),
        Access::ReadWrite => file.map_mut(located.file_bytes).map(Bytes::ReadWrite),
    };
    let segments = if descriptor.is_separated() {
        let columns = descriptor.col_offset()..descriptor.col_offset() + descriptor.ncols();
        let columns = columns.map(|column| {
            if column == descriptor.col_offset() {
                return map(&located.first);
            }
            map(&located.place.open(Some(column), access)?)
        });
        columns.collect::<Result<_, _>>().map(Segments::Separated)
    } else {
        let skip = located.skip_bytes;
        map(&located.first).map(|bytes| Segments::Contiguous { bytes, skip })
    };
    let Located { name, descriptor, nrows, ncols, total_rows, row_offset, .. } = located;
    let segments = segments.map_err(|source| AttachError::Data { matrix: name.clone(), source })?;
    Ok(BigMatrix { descriptor, name, nrows, ncols, total_rows, row_offset, segments })
}
