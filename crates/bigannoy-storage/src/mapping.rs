//! Files as slices of bytes.

use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use memmap2::{Mmap, MmapMut, MmapOptions};

use crate::lease::Lease;
use crate::open_file::LEAST_AHEAD;
use crate::{Access, FileIdentity, OpenFile, StorageError};

/// The bytes of a file, for reading. The first byte is aligned to a page.
///
/// Cheap to make whatever the size: pages are read when they are touched. See the crate's "Trust".
#[derive(Debug)]
pub struct Mapping {
    // Dropped in this order: see `Lease`. Nobody borrows the bytes by then.
    lease: Lease,
    /// `None` for no bytes: not every system maps an empty range.
    map: Option<Mmap>,
    path: PathBuf,
}

impl Mapping {
    /// Maps the whole file at `path`.
    ///
    /// # Errors
    /// [`StorageError`]: no such file, not a file, in use for writing in this process, or the
    /// system will not map it.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let file = OpenFile::open(path, Access::ReadOnly)?;
        Self::new(&file, file.len_bytes()?)
    }

    /// Maps the first `len_bytes` of the file at `path`, which may be longer.
    ///
    /// # Errors
    /// As [`Mapping::open`], and [`StorageError::TooShort`] where fewer bytes are there.
    pub fn open_prefix(path: &Path, len_bytes: u64) -> Result<Self, StorageError> {
        OpenFile::open(path, Access::ReadOnly)?.map(len_bytes)
    }

    /// Maps the first `len_bytes` of `file`, which has as many.
    pub(crate) fn new(file: &OpenFile, len_bytes: u64) -> Result<Self, StorageError> {
        let path = file.path();
        let lease = Lease::read(file.identity().clone(), path)?;
        let map = if len_bytes == 0 {
            None
        } else {
            let options = options(len_bytes, path)?;
            // SAFETY: the mapped bytes must not change or vanish while they are borrowed.
            // - By us: the lease refuses a mapping for writing of this file in this process, and
            //   nothing in this crate shortens a file.
            // - By others: we cannot know. The crate's "Trust" makes it the caller's promise, as
            //   for every mapped file; any bit pattern is a valid byte.
            #[expect(unsafe_code, reason = "mapping a file cannot be checked by the compiler")]
            let map = unsafe { options.map(file.file()) };
            Some(map.map_err(StorageError::io("map", path))?)
        };
        Ok(Mapping { lease, map, path: path.to_path_buf() })
    }

    /// Reads the whole mapping into memory ahead of use, as far as there is memory, and waits for it.
    /// Where the system cannot do that, it is only asked to begin.
    ///
    /// # Errors
    /// [`StorageError::Io`] where the system refuses, or the file cannot be read.
    pub fn prefault(&self) -> Result<(), StorageError> {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            match map.advise(memmap2::Advice::PopulateRead) {
                // Before Linux 5.14.
                Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {}
                done => return done.map_err(StorageError::io("read ahead", &self.path)),
            }
            map.advise(memmap2::Advice::WillNeed)
                .map_err(StorageError::io("read ahead", &self.path))?;
        }
        Ok(())
    }

    /// Begins to read `bytes` of the mapping into memory, where the system can do that, and does not
    /// wait for it. A hint: it changes no answer and cannot fail. What lies behind the end is cut, and less than
    /// 4 KiB is left alone: see [`OpenFile::will_need`].
    pub fn will_need(&self, bytes: Range<usize>) {
        #[cfg(unix)]
        read_ahead(self.map.as_ref(), bytes, |map, offset, len| {
            map.advise_range(memmap2::Advice::WillNeed, offset, len)
        });
        #[cfg(not(unix))]
        let _ = bytes;
    }

    /// The path that was mapped.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is mapped, whatever stands at its path by now.
    #[must_use]
    pub fn identity(&self) -> &FileIdentity {
        self.lease.file()
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&[])
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The bytes of a file, for reading and writing. The first byte is aligned to a page.
///
/// What is written is seen at once by every other process that has the file mapped, and reaches
/// the disk when the system chooses or at [`MappingMut::flush`]. Writing to a part of a file that
/// has no place on the disk yet ends the process if the disk is full: [`crate::reserve`] it first.
#[derive(Debug)]
pub struct MappingMut {
    // Dropped in this order, as in `Mapping`.
    lease: Lease,
    map: Option<MmapMut>,
    path: PathBuf,
}

impl MappingMut {
    /// Maps the first `len_bytes` of the file at `path`, which may be longer.
    ///
    /// # Errors
    /// [`StorageError`]: no such file, not a file, too short, not writable, mapped in this process
    /// already, or the system will not map it.
    pub fn open_prefix(path: &Path, len_bytes: u64) -> Result<Self, StorageError> {
        OpenFile::open(path, Access::ReadWrite)?.map_mut(len_bytes)
    }

    /// Maps the first `len_bytes` of `file`, which has as many.
    pub(crate) fn new(file: &OpenFile, len_bytes: u64) -> Result<Self, StorageError> {
        let path = file.path();
        let lease = Lease::write(file.identity().clone(), path)?;
        let map = if len_bytes == 0 {
            None
        } else {
            let options = options(len_bytes, path)?;
            // SAFETY: the mapped bytes must not change or vanish while they are borrowed.
            // - By us: the lease refuses any other mapping of this file in this process, and
            //   nothing in this crate shortens a file.
            // - By others: we cannot know. The crate's "Trust" makes it the caller's promise, as
            //   for every mapped file; any bit pattern is a valid byte.
            #[expect(unsafe_code, reason = "mapping a file cannot be checked by the compiler")]
            let map = unsafe { options.map_mut(file.file()) };
            Some(map.map_err(StorageError::io("map for writing", path))?)
        };
        Ok(MappingMut { lease, map, path: path.to_path_buf() })
    }

    /// The bytes, for writing.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.map.as_deref_mut().unwrap_or(&mut [])
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// [`StorageError::Io`]: some of it may not be there.
    pub fn flush(&self) -> Result<(), StorageError> {
        match &self.map {
            Some(map) => map.flush().map_err(StorageError::io("write back", &self.path)),
            None => Ok(()),
        }
    }

    /// Gives every byte of the mapping a place on the disk (see [`crate::reserve`]).
    ///
    /// # Errors
    /// [`StorageError::Io`]: no space, most likely; [`StorageError::Replaced`] where another file
    /// has taken the path since.
    pub fn reserve(&self) -> Result<(), StorageError> {
        // Opened anew: a matrix of many columns must not hold a file open for each of them.
        let file = OpenFile::open(&self.path, Access::ReadWrite)?;
        if file.identity() != self.identity() {
            return Err(StorageError::Replaced { path: self.path.clone() });
        }
        crate::reserve(file.file(), &self.path, self.len() as u64)
    }

    /// Begins to read `bytes` of the mapping into memory: see [`Mapping::will_need`].
    pub fn will_need(&self, bytes: Range<usize>) {
        #[cfg(unix)]
        read_ahead(self.map.as_ref(), bytes, |map, offset, len| {
            map.advise_range(memmap2::Advice::WillNeed, offset, len)
        });
        #[cfg(not(unix))]
        let _ = bytes;
    }

    /// The path that was mapped.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is mapped, whatever stands at its path by now.
    #[must_use]
    pub fn identity(&self) -> &FileIdentity {
        self.lease.file()
    }
}

impl Deref for MappingMut {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&[])
    }
}

/// Calls `advise` with the part of `bytes` that is mapped, if any is.
#[cfg(unix)]
fn read_ahead<M: Deref<Target = [u8]>>(
    map: Option<&M>,
    bytes: Range<usize>,
    advise: impl FnOnce(&M, usize, usize) -> std::io::Result<()>,
) {
    let Some(map) = map else { return };
    let end = bytes.end.min(map.len());
    if bytes.start < end && end - bytes.start >= LEAST_AHEAD {
        // A system that will not read ahead reads when the bytes are touched.
        let _ = advise(map, bytes.start, end - bytes.start);
    }
}

fn options(len_bytes: u64, path: &Path) -> Result<MmapOptions, StorageError> {
    let len = usize::try_from(len_bytes).map_err(|_| StorageError::Io {
        action: "map",
        path: path.to_path_buf(),
        source: std::io::ErrorKind::FileTooLarge.into(),
    })?;
    let mut options = MmapOptions::new();
    options.len(len);
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    #[test]
    fn a_prefix_is_checked_against_the_file() {
        let (_directory, path) = file(b"abcd");
        assert_eq!(&*Mapping::open_prefix(&path, 4).unwrap(), b"abcd");
        assert_eq!(&*Mapping::open_prefix(&path, 0).unwrap(), b"");
        let error = Mapping::open_prefix(&path, 5).unwrap_err();
        assert!(matches!(error, StorageError::TooShort { expected: 5, found: 4, .. }), "{error}");
    }

    #[test]
    fn an_empty_file_is_no_bytes() {
        let (_directory, path) = file(b"");
        let mapping = Mapping::open(&path).unwrap();
        assert!(mapping.is_empty());
        mapping.prefault().unwrap();
        mapping.will_need(0..10);
    }

    #[test]
    fn reading_ahead_changes_nothing_and_ends_where_the_file_does() {
        let (_directory, path) = file(&[7; 10_000]);
        let mapping = Mapping::open(&path).unwrap();
        for bytes in [0..10_000, 5_000..5_001, 9_999..usize::MAX, 20_000..30_000] {
            mapping.will_need(bytes);
        }
        assert!(mapping.iter().all(|&byte| byte == 7));
    }

    #[test]
    fn one_writer_or_many_readers_whatever_the_path() {
        let (directory, path) = file(b"abcd");
        let link = directory.path().join("link");
        std::fs::hard_link(&path, &link).unwrap();
        let first = Mapping::open(&path).unwrap();
        let second = Mapping::open(&link).unwrap();
        let error = MappingMut::open_prefix(&link, 4).unwrap_err();
        assert!(matches!(error, StorageError::InUse { held: "reading", .. }), "{error}");
        drop((first, second));

        let mut writer = MappingMut::open_prefix(&link, 4).unwrap();
        assert!(matches!(Mapping::open(&path), Err(StorageError::InUse { held: "writing", .. })));
        assert!(MappingMut::open_prefix(&path, 4).is_err());
        writer.reserve().unwrap();
        writer.bytes_mut()[1] = b'B';
        writer.flush().unwrap();
        drop(writer);
        assert_eq!(&*Mapping::open(&path).unwrap(), b"aBcd");
    }

    #[test]
    fn what_is_not_a_file_is_named() {
        let (directory, path) = file(b"");
        let error = Mapping::open(directory.path()).unwrap_err();
        assert!(error.to_string().contains("is a directory, expected a regular file"), "{error}");
        let missing = path.with_file_name("missing");
        let error = Mapping::open(&missing).unwrap_err();
        assert_eq!(error.path(), missing);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_without_waiting_for_its_other_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let error = Mapping::open(&path).unwrap_err();
        assert!(matches!(error, StorageError::NotRegular { found: "a pipe", .. }), "{error}");
    }
}
