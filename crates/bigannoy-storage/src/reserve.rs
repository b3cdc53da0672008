//! Space on the disk, asked for in advance.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::StorageError;

/// Gives the first `len_bytes` of `file` a place on the disk, and the file at least that length.
///
/// What is in the file stays; new bytes are zero. Without this a file can have a length but no
/// blocks, and writing to its mapping ends the process when the disk turns out to be full. Where
/// the system or the file system cannot reserve, the new part of the file is written with zeros; what
/// was a hole before stays one there.
///
/// # Errors
/// [`StorageError::NoSpace`] where there is none, [`StorageError::Io`] for other reasons. The file may
/// have grown.
pub fn reserve(file: &File, path: &Path, len_bytes: u64) -> Result<(), StorageError> {
    if len_bytes == 0 {
        return Ok(());
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        loop {
            return match fallocate(file, FallocateFlags::empty(), 0, len_bytes) {
                Ok(()) => Ok(()),
                Err(Errno::INTR) => continue,
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                    write_zeros(file, path, len_bytes)
                }
                Err(errno) => Err(refused(file, path, len_bytes, errno.into())),
            };
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    write_zeros(file, path, len_bytes)
}

/// Appends zeros until the file has `len_bytes`.
fn write_zeros(file: &File, path: &Path, len_bytes: u64) -> Result<(), StorageError> {
    use std::io::{Seek, SeekFrom, Write};
    let zeros = [0u8; 1 << 14];
    let write = || {
        let mut file = file;
        let mut end = file.seek(SeekFrom::End(0))?;
        while end < len_bytes {
            let piece = usize::try_from(len_bytes - end).unwrap_or(usize::MAX).min(zeros.len());
            file.write_all(&zeros[..piece])?;
            end += piece as u64;
        }
        Ok(())
    };
    write().map_err(|error| refused(file, path, len_bytes, error))
}

/// The error of a reservation of `needed` bytes.
fn refused(file: &File, path: &Path, needed: u64, source: io::Error) -> StorageError {
    match source.kind() {
        ErrorKind::StorageFull => {
            let path = path.to_path_buf();
            StorageError::NoSpace { path, needed, free: free_bytes(file), source }
        }
        ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded => {
            StorageError::NoSpace { path: path.to_path_buf(), needed, free: None, source }
        }
        _ => StorageError::io("reserve space for", path)(source),
    }
}

/// What the file system of `file` has left, where it tells.
fn free_bytes(file: &File) -> Option<u64> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    {
        let free = rustix::fs::fstatvfs(file).ok()?;
        Some(free.f_bavail.saturating_mul(free.f_frsize))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let _ = file;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_lengthen_and_keep_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        for (name, way) in [
            ("reserved", reserve as fn(&File, &Path, u64) -> Result<(), StorageError>),
            ("zeros", write_zeros),
        ] {
            let path = directory.path().join(name);
            std::fs::write(&path, b"abc").unwrap();
            let file = File::options().read(true).write(true).open(&path).unwrap();
            way(&file, &path, 70_000).unwrap();
            way(&file, &path, 2).unwrap(); // never shortens
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(bytes.len(), 70_000, "{name}");
            assert_eq!(&bytes[..3], b"abc");
            assert!(bytes[3..].iter().all(|&byte| byte == 0));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_space_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("huge");
        let file = File::create(&path).unwrap();
        let error = reserve(&file, &path, 1 << 62).unwrap_err();
        assert_eq!(error.path(), path);
        assert!(matches!(error, StorageError::NoSpace { needed, .. } if needed == 1 << 62));
        assert!(error.to_string().contains("cannot reserve 4611686018427387904 bytes"), "{error}");
    }
}
