//! What can go wrong with a file.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file could not be read, mapped or written. Every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "open", "map", …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk, or a limit set for the process, has no room for the file.
    #[error(
        "cannot reserve {needed} bytes for {}{}",
        path.display(),
        free.map_or_else(String::new, |free| format!(", where {free} are free"))
    )]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// Bytes that it needs, those it has included.
        needed: u64,
        /// Bytes that the file system has left, where it is the one that refused.
        free: Option<u64>,
        /// The system's reason.
        source: io::Error,
    },
    /// The path leads to something that is not a regular file.
    #[error("{} is {found}, expected a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What stands there: "a directory", "a pipe", …
        found: &'static str,
    },
    /// The file is shorter than it has to be.
    #[error(
        "{} has {found} bytes, expected at least {expected}: the file was cut, or the description \
         of it is of another file",
        path.display()
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Bytes that have to be there.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The file is mapped by this process already, and one of the two mappings is for writing.
    #[error(
        "{} is in use for {held} in this process and cannot be opened for {wanted}: drop the other \
         matrix first",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// What it is mapped for.
        held: &'static str,
        /// What it was asked for.
        wanted: &'static str,
    },
    /// Another file has taken the path of one that is mapped.
    #[error("{} was replaced by another file while it was in use", path.display())]
    Replaced {
        /// The path.
        path: PathBuf,
    },
    /// A file stands where a new one was to be made.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else is writing a file to that path.
    #[error(
        "{} is being written by {}: try again when that has ended{}",
        path.display(),
        process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}")),
        lock.as_ref().map_or_else(String::new, |lock| format!(
            "; where it was killed, {} has to be removed, since this file system has no locks",
            lock.display()
        )),
    )]
    Busy {
        /// The path.
        path: PathBuf,
        /// The number of the process that writes, where it is known.
        process: Option<u32>,
        /// The file that stands for the right to write, where the file system has no locks.
        lock: Option<PathBuf>,
    },
    /// The list of files that were to get their names together cannot be understood.
    #[error("{}: line {line}: {problem}", path.display())]
    CommitList {
        /// The list.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no shared memory of that name.
    #[error(
        "there is no shared memory named {name:?}: the process that held it has ended or let it go"
    )]
    NoSegment {
        /// The segment's name.
        name: String,
    },
    /// A name that no shared memory can have.
    #[error(
        "{name:?} is no name of shared memory: expected 1 to 255 bytes without a slash or zero byte"
    )]
    SegmentName {
        /// The name.
        name: String,
    },
    /// This system's shared memory is not known here.
    #[error("shared memory ({name:?}) is supported on Linux only, not on this system")]
    Unsupported {
        /// The segment's name.
        name: String,
    },
}

impl StorageError {
    /// Wraps a system error with what was tried on which file: for `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
        move |source| StorageError::Io { action, path: path.to_path_buf(), source }
    }

    /// The file that the error is about, or the name of the shared memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            StorageError::Io { path, .. }
            | StorageError::NoSpace { path, .. }
            | StorageError::NotRegular { path, .. }
            | StorageError::TooShort { path, .. }
            | StorageError::InUse { path, .. }
            | StorageError::Replaced { path }
            | StorageError::Busy { path, .. }
            | StorageError::CommitList { path, .. }
            | StorageError::Exists { path } => path,
            StorageError::NoSegment { name }
            | StorageError::SegmentName { name }
            | StorageError::Unsupported { name } => Path::new(name),
        }
    }
}
