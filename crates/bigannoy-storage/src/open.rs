//! Opening files that really are files.

use std::fs::{File, Metadata, OpenOptions};
use std::path::Path;

use crate::StorageError;

/// Opens the regular file at `path`, for writing too where `writable` is set.
///
/// What is not a regular file is refused before it is opened: opening a pipe would wait for its
/// other end.
///
/// # Errors
/// [`StorageError::NotRegular`], or [`StorageError::Io`] with the system's reason.
pub fn open_regular(path: &Path, writable: bool) -> Result<File, StorageError> {
    let before = std::fs::metadata(path).map_err(StorageError::io("open", path))?;
    refuse_special(path, &before)?;
    let file = OpenOptions::new()
        .read(true)
        .write(writable)
        .open(path)
        .map_err(StorageError::io(if writable { "open for writing" } else { "open" }, path))?;
    // Another file may have taken the name in between.
    let after = file.metadata().map_err(StorageError::io("look at", path))?;
    refuse_special(path, &after)?;
    Ok(file)
}

fn refuse_special(path: &Path, metadata: &Metadata) -> Result<(), StorageError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(StorageError::NotRegular { path: path.to_path_buf(), found: kind(metadata) })
}

fn kind(metadata: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    if metadata.is_dir() { "a directory" } else { "not a file" }
}
