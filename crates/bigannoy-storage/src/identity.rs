//! Which file a path leads to.

use std::fs::File;
use std::path::Path;

use crate::StorageError;

/// Tells files apart whatever path leads to them: links and different spellings are the same file.
///
/// The number of a file that is gone and that nobody has open or mapped may be that of a new one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity(Inner);

#[cfg(unix)]
type Inner = (u64, u64);
#[cfg(not(unix))]
type Inner = std::path::PathBuf;

impl FileIdentity {
    /// The identity of the file at `path`, following links.
    ///
    /// # Errors
    /// [`StorageError::Io`] where there is no such file, or it cannot be looked at.
    pub fn of_path(path: &Path) -> Result<Self, StorageError> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let metadata = std::fs::metadata(path).map_err(StorageError::io("look at", path))?;
            Ok(FileIdentity((metadata.dev(), metadata.ino())))
        }
        #[cfg(not(unix))]
        path.canonicalize().map(FileIdentity).map_err(StorageError::io("look at", path))
    }

    /// The identity of `file`, which was opened at `path`.
    pub(crate) fn of_open(file: &File, path: &Path) -> Result<Self, StorageError> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let metadata = file.metadata().map_err(StorageError::io("look at", path))?;
            Ok(FileIdentity((metadata.dev(), metadata.ino())))
        }
        #[cfg(not(unix))]
        {
            let _ = file;
            Self::of_path(path)
        }
    }
}
