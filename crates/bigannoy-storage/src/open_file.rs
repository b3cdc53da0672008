//! Files that were opened and found to be files.

use std::fs::{File, Metadata, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::lease::ReadLease;
use crate::{FileIdentity, Mapping, MappingMut, StorageError};

/// Bytes that are worth a call for reading them ahead.
pub(crate) const LEAST_AHEAD: usize = 4 << 10;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Reading alone.
    #[default]
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// An open regular file or shared-memory segment: to be mapped, or to be read piece by piece.
///
/// A map made from it lives on when this is dropped.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    path: PathBuf,
    identity: FileIdentity,
}

impl OpenFile {
    /// Opens the regular file at `path`, following links.
    ///
    /// What is not a regular file is refused before it is opened: opening a pipe would wait for
    /// its other end.
    ///
    /// # Errors
    /// [`StorageError::NotRegular`], or [`StorageError::Io`] with the system's reason.
    pub fn open(path: &Path, access: Access) -> Result<Self, StorageError> {
        let before = std::fs::metadata(path).map_err(StorageError::io("open", path))?;
        refuse_special(path, &before)?;
        let writable = access == Access::ReadWrite;
        let mut options = OpenOptions::new();
        options.read(true).write(writable);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // A pipe could have taken the name since; this way it is not waited for.
            options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        }
        let file = options
            .open(path)
            .map_err(StorageError::io(if writable { "open for writing" } else { "open" }, path))?;
        Self::new(file, path.to_path_buf())
    }

    /// Takes over a file that was just opened at `path`: another may have taken the name since it
    /// was looked at.
    pub(crate) fn new(file: File, path: PathBuf) -> Result<Self, StorageError> {
        let metadata = file.metadata().map_err(StorageError::io("look at", &path))?;
        refuse_special(&path, &metadata)?;
        let identity = FileIdentity::of_open(&file, &path)?;
        Ok(OpenFile { file, path, identity })
    }

    /// The length in bytes, now.
    ///
    /// # Errors
    /// [`StorageError::Io`] with the system's reason.
    pub fn len_bytes(&self) -> Result<u64, StorageError> {
        Ok(self.file.metadata().map_err(StorageError::io("look at", &self.path))?.len())
    }

    /// When the file was last written to, as the system has it.
    ///
    /// # Errors
    /// [`StorageError::Io`] with the system's reason.
    pub fn modified(&self) -> Result<SystemTime, StorageError> {
        let metadata = self.file.metadata();
        metadata
            .and_then(|metadata| metadata.modified())
            .map_err(StorageError::io("look at", &self.path))
    }

    /// When the file was made; `None` where the file system does not say.
    pub(crate) fn made(&self) -> Result<Option<SystemTime>, StorageError> {
        let metadata = self.file.metadata().map_err(StorageError::io("look at", &self.path))?;
        Ok(metadata.created().ok())
    }

    /// Maps the first `len_bytes` for reading; there may be more.
    ///
    /// # Errors
    /// [`StorageError`]: fewer bytes are there, the file is mapped for writing in this process, or
    /// the system will not map it.
    pub fn map(&self, len_bytes: u64) -> Result<Mapping, StorageError> {
        self.expect_len(len_bytes)?;
        Mapping::new(self, len_bytes)
    }

    /// Maps the first `len_bytes` for writing; there may be more.
    ///
    /// # Errors
    /// As [`OpenFile::map`], where any other mapping in this process is in the way; and the file
    /// was not opened for writing.
    pub fn map_mut(&self, len_bytes: u64) -> Result<MappingMut, StorageError> {
        self.expect_len(len_bytes)?;
        MappingMut::new(self, len_bytes)
    }

    /// Reads `bytes` from `byte_offset` on, without a map and without moving any position.
    ///
    /// A file that has become too short meanwhile is an ordinary error here, where a mapped one
    /// would end the process.
    ///
    /// # Errors
    /// [`StorageError::TooShort`] where the file ends before, [`StorageError::Io`] with the
    /// system's reason. What `bytes` holds then is not defined.
    pub fn read_at(&self, byte_offset: u64, bytes: &mut [u8]) -> Result<(), StorageError> {
        let mut done = 0;
        while done < bytes.len() {
            match read_once(&self.file, byte_offset + done as u64, &mut bytes[done..]) {
                Ok(0) => {
                    return Err(StorageError::TooShort {
                        path: self.path.clone(),
                        expected: byte_offset + bytes.len() as u64,
                        found: byte_offset + done as u64,
                    });
                }
                Ok(read) => done += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StorageError::io("read", &self.path)(error)),
            }
        }
        Ok(())
    }

    /// Keeps the file from being mapped for writing in this process, as a map for reading would: for
    /// who reads with [`OpenFile::read_at`].
    ///
    /// # Errors
    /// [`StorageError::InUse`] where it is mapped for writing already.
    pub fn lease(&self) -> Result<ReadLease, StorageError> {
        ReadLease::new(self)
    }

    /// Begins to read `len_bytes` from `byte_offset` on into memory, where the system can do that,
    /// and does not wait for it. A hint: it changes no answer and cannot fail. Less than 4 KiB is left alone: few rows of
    /// many columns would take a call for each, and the system reads whole pages anyway.
    pub fn will_need(&self, byte_offset: u64, len_bytes: u64) {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        if let Some(len) = std::num::NonZeroU64::new(len_bytes)
            && len_bytes >= LEAST_AHEAD as u64
        {
            let advice = rustix::fs::Advice::WillNeed;
            // A system that will not read ahead reads when it is asked to.
            let _ = rustix::fs::fadvise(&self.file, byte_offset, Some(len), advice);
        }
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        let _ = (byte_offset, len_bytes);
    }

    /// Refuses a file of fewer than `len_bytes` bytes.
    ///
    /// # Errors
    /// [`StorageError::TooShort`], or [`StorageError::Io`] with the system's reason.
    pub fn expect_len(&self, len_bytes: u64) -> Result<(), StorageError> {
        let found = self.len_bytes()?;
        if found < len_bytes {
            return Err(StorageError::TooShort {
                path: self.path.clone(),
                expected: len_bytes,
                found,
            });
        }
        Ok(())
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it is, whatever its path.
    #[must_use]
    pub fn identity(&self) -> &FileIdentity {
        &self.identity
    }

    /// The file, for reading and writing in other ways.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

#[cfg(unix)]
fn read_once(file: &File, byte_offset: u64, bytes: &mut [u8]) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, byte_offset)
}

#[cfg(windows)]
fn read_once(file: &File, byte_offset: u64, bytes: &mut [u8]) -> std::io::Result<usize> {
    // Moves the file's position too, which nothing here goes by.
    std::os::windows::fs::FileExt::seek_read(file, bytes, byte_offset)
}

pub(crate) fn refuse_special(path: &Path, metadata: &Metadata) -> Result<(), StorageError> {
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
    if metadata.is_symlink() {
        "a symbolic link"
    } else if metadata.is_dir() {
        "a directory"
    } else {
        "not a file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_while_it_is_read_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"abcdef").unwrap();
        let file = OpenFile::open(&path, Access::ReadOnly).unwrap();
        let mut bytes = [0; 3];
        file.read_at(3, &mut bytes).unwrap();
        assert_eq!(&bytes, b"def");

        File::options().write(true).open(&path).unwrap().set_len(5).unwrap();
        let error = file.read_at(3, &mut bytes).unwrap_err();
        assert!(matches!(error, StorageError::TooShort { expected: 6, found: 5, .. }), "{error}");
        file.read_at(9, &mut []).unwrap();
        file.will_need(0, u64::MAX);
    }

    #[test]
    fn who_reads_without_a_map_keeps_writers_out_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"abcdef").unwrap();
        let file = OpenFile::open(&path, Access::ReadOnly).unwrap();
        let lease = file.lease().unwrap();
        assert_eq!(lease.file(), file.identity());
        let error = MappingMut::open_prefix(&path, 1).unwrap_err();
        assert!(matches!(error, StorageError::InUse { held: "reading", .. }), "{error}");
        drop(lease);
        let writer = MappingMut::open_prefix(&path, 1).unwrap();
        assert!(matches!(file.lease(), Err(StorageError::InUse { held: "writing", .. })));
        drop(writer);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_loops_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("file"), b"abc").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        let (file, link) = (at("file"), at("link"));
        let [file, link] =
            [file, link].map(|path| OpenFile::open(&path, Access::ReadOnly).unwrap());
        assert_eq!(file.identity(), link.identity());

        std::os::unix::fs::symlink(at("there"), at("back")).unwrap();
        std::os::unix::fs::symlink(at("back"), at("there")).unwrap();
        let error = OpenFile::open(&at("there"), Access::ReadOnly).unwrap_err();
        assert!(matches!(error, StorageError::Io { action: "open", .. }), "{error}");
        assert_eq!(error.path(), at("there"));
    }
}
