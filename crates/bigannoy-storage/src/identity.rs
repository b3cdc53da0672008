//! Which file a path leads to.

use std::fs::File;
#[cfg(unix)]
use std::fs::Metadata;
use std::path::Path;

use crate::StorageError;

/// Tells files apart whatever path leads to them: links and different spellings are the same file.
///
/// On Unix also from a file that is gone and whose number a new one has got, where the file system
/// says when a file was made, and as exactly as it says that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity(Inner);

#[cfg(unix)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Inner {
    device: u64,
    number: u64,
    made: Option<std::time::SystemTime>,
}
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
            let metadata = std::fs::metadata(path).map_err(StorageError::io("look at", path))?;
            Ok(Self::of_metadata(&metadata))
        }
        #[cfg(not(unix))]
        path.canonicalize().map(FileIdentity).map_err(StorageError::io("look at", path))
    }

    /// The identity of `file`, which was opened at `path`.
    pub(crate) fn of_open(file: &File, path: &Path) -> Result<Self, StorageError> {
        #[cfg(unix)]
        {
            let metadata = file.metadata().map_err(StorageError::io("look at", path))?;
            Ok(Self::of_metadata(&metadata))
        }
        #[cfg(not(unix))]
        {
            let _ = file;
            Self::of_path(path)
        }
    }

    #[cfg(unix)]
    fn of_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let (device, number) = (metadata.dev(), metadata.ino());
        FileIdentity(Inner { device, number, made: metadata.created().ok() })
    }
}
