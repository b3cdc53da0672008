//! POSIX shared memory: bytes under a name that several processes know.
//!
//! A segment is a file that no disk holds. It lives until its name is removed and the last process
//! has unmapped it, whoever made it and whether or not that process still runs.

use std::path::PathBuf;

use crate::{Access, FileIdentity, MappingMut, OpenFile, StorageError};

impl OpenFile {
    /// Opens the shared-memory segment `name`, which has no leading slash.
    ///
    /// Nothing of the segment is changed by that, nor by mapping it: whoever counts its users does
    /// not learn of us.
    ///
    /// # Errors
    /// [`StorageError::NoSegment`] where there is none, [`StorageError::SegmentName`] for a name
    /// that none can have, [`StorageError::NotRegular`], [`StorageError::Io`] with the system's
    /// reason, and [`StorageError::Unsupported`] on systems other than Linux.
    pub fn open_segment(name: &[u8], access: Access) -> Result<Self, StorageError> {
        system::open(name, segment_path(name)?, access)
    }
}

/// Where the segment `name` is seen among the files, for messages and for listing it.
///
/// # Errors
/// [`StorageError::SegmentName`] for a name that no segment can have: empty, `.` or `..`, of more
/// than 255 bytes, or with a slash or a zero byte in it.
pub fn segment_path(name: &[u8]) -> Result<PathBuf, StorageError> {
    let impossible = name.is_empty()
        || name == b"."
        || name == b".."
        || name.len() > 255
        || name.iter().any(|byte| matches!(byte, b'/' | 0));
    if impossible {
        return Err(StorageError::SegmentName { name: shown(name) });
    }
    Ok(system::path(name))
}

/// A name that no segment has: 32 random hexadecimal digits in five groups, as in R.
///
/// # Errors
/// [`StorageError::Io`] where the system has no random numbers; [`StorageError::Unsupported`] on
/// systems other than Linux.
pub fn new_segment_name() -> Result<String, StorageError> {
    let digits = format!("{:032x}", u128::from_ne_bytes(system::random()?));
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
    Ok(groups.join("-"))
}

/// A new shared-memory segment, whose name is removed when this is dropped.
///
/// Processes that have it mapped by then keep the bytes; nobody can open it any more. A process
/// that is killed removes nothing: the segment stays until [`remove_segment`] or a restart.
#[derive(Debug)]
pub struct Segment {
    name: Vec<u8>,
    /// What stands under the name if nobody has taken it meanwhile. The segment is not kept open: a
    /// matrix of many columns has many.
    identity: FileIdentity,
}

impl Segment {
    /// Makes the segment `name` of `len_bytes` zero bytes, all of which have their place in memory.
    /// Its mode is 0644 less the umask, as R's are: others may look, none but us may write.
    ///
    /// # Errors
    /// [`StorageError::Exists`] where there is one of that name already; else as
    /// [`OpenFile::open_segment`], and no memory. No segment has been left then.
    pub fn create(name: &[u8], len_bytes: u64) -> Result<Self, StorageError> {
        let file = system::create(name, segment_path(name)?)?;
        let segment = Segment { name: name.to_vec(), identity: file.identity().clone() };
        // Without this, too little memory would show as a bus error at the first write.
        crate::reserve(file.file(), file.path(), len_bytes)?;
        Ok(segment)
    }

    /// Its bytes, for writing.
    ///
    /// # Errors
    /// As [`OpenFile::open_segment`] and [`OpenFile::map_mut`]; [`StorageError::Replaced`] where
    /// another segment has taken the name.
    pub fn map_mut(&self) -> Result<MappingMut, StorageError> {
        let file = OpenFile::open_segment(&self.name, Access::ReadWrite)?;
        if *file.identity() != self.identity {
            return Err(StorageError::Replaced { path: file.path().to_path_buf() });
        }
        file.map_mut(file.len_bytes()?)
    }

    /// Its name, without a leading slash.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // Not if another has taken the name meanwhile: that one is not ours to remove. Looked at
        // without opening it, which can fail for want of a free descriptor.
        let ours = segment_path(&self.name)
            .and_then(|path| FileIdentity::of_path(&path))
            .is_ok_and(|now| now == self.identity);
        if ours {
            // It may have been removed by others, which is as good.
            let _ = remove_segment(&self.name);
        }
    }
}

/// Removes the name of a segment; says whether there was one. Who has it mapped keeps its bytes.
///
/// # Errors
/// [`StorageError::Io`] with the system's reason; else as [`OpenFile::open_segment`].
pub fn remove_segment(name: &[u8]) -> Result<bool, StorageError> {
    system::remove(name, &segment_path(name)?)
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::OsString;
    use std::fs::File;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Path, PathBuf};

    use rustix::fs::Mode;
    use rustix::io::Errno;
    use rustix::rand::GetRandomFlags;
    use rustix::shm::{self, OFlags};

    use super::shown;
    use crate::open_file::refuse_special;
    use crate::{Access, OpenFile, StorageError};

    pub(super) fn path(name: &[u8]) -> PathBuf {
        let mut path = b"/dev/shm/".to_vec();
        path.extend_from_slice(name);
        PathBuf::from(OsString::from_vec(path))
    }

    pub(super) fn random() -> Result<[u8; 16], StorageError> {
        let mut bytes = [0; 16];
        match rustix::rand::getrandom(&mut bytes[..], GetRandomFlags::empty()) {
            // So few bytes come whole or not at all.
            Ok(_) => Ok(bytes),
            Err(errno) => {
                Err(StorageError::io("read random numbers for", Path::new("a name"))(errno.into()))
            }
        }
    }

    pub(super) fn open(
        name: &[u8],
        path: PathBuf,
        access: Access,
    ) -> Result<OpenFile, StorageError> {
        // Opening a pipe would wait for its other end; a link could lead anywhere.
        match path.symlink_metadata() {
            Ok(metadata) => refuse_special(&path, &metadata)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StorageError::NoSegment { name: shown(name) });
            }
            Err(error) => return Err(StorageError::io("open", &path)(error)),
        }
        let (flags, action) = match access {
            Access::ReadOnly => (OFlags::RDONLY, "open"),
            Access::ReadWrite => (OFlags::RDWR, "open for writing"),
        };
        match shm::open(name, flags, Mode::empty()) {
            Ok(descriptor) => OpenFile::new(File::from(descriptor), path),
            Err(Errno::NOENT) => Err(StorageError::NoSegment { name: shown(name) }),
            Err(errno) => Err(StorageError::io(action, &path)(errno.into())),
        }
    }

    pub(super) fn create(name: &[u8], path: PathBuf) -> Result<OpenFile, StorageError> {
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
        match shm::open(name, OFlags::CREATE | OFlags::EXCL | OFlags::RDWR, mode) {
            Ok(descriptor) => OpenFile::new(File::from(descriptor), path),
            Err(Errno::EXIST) => Err(StorageError::Exists { path }),
            Err(errno) => Err(StorageError::io("create", &path)(errno.into())),
        }
    }

    pub(super) fn remove(name: &[u8], path: &Path) -> Result<bool, StorageError> {
        match shm::unlink(name) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(StorageError::io("remove", path)(errno.into())),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::{Path, PathBuf};

    use super::shown;
    use crate::{Access, OpenFile, StorageError};

    fn unsupported(name: &[u8]) -> StorageError {
        StorageError::Unsupported { name: shown(name) }
    }

    pub(super) fn path(name: &[u8]) -> PathBuf {
        PathBuf::from(shown(name))
    }

    pub(super) fn random() -> Result<[u8; 16], StorageError> {
        Err(unsupported(b"a new name"))
    }

    pub(super) fn open(
        name: &[u8],
        _path: PathBuf,
        _access: Access,
    ) -> Result<OpenFile, StorageError> {
        Err(unsupported(name))
    }

    pub(super) fn create(name: &[u8], _path: PathBuf) -> Result<OpenFile, StorageError> {
        Err(unsupported(name))
    }

    pub(super) fn remove(name: &[u8], _path: &Path) -> Result<bool, StorageError> {
        Err(unsupported(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_names_are_refused() {
        for name in [&b""[..], b".", b"..", b"a/b", b"/a", b"a\0b", &[b'n'; 256]] {
            let error = OpenFile::open_segment(name, Access::ReadOnly).unwrap_err();
            assert!(matches!(error, StorageError::SegmentName { .. }), "{error}");
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[test]
    fn elsewhere_segments_are_refused_by_name() {
        let error = OpenFile::open_segment(b"x", Access::ReadOnly).unwrap_err();
        assert!(matches!(error, StorageError::Unsupported { .. }), "{error}");
    }

    #[cfg(target_os = "linux")]
    mod on_linux {
        use super::*;

        /// A name that no other process uses.
        fn name(what: &str) -> Vec<u8> {
            format!("bigannoy-test-{what}-{}", new_segment_name().unwrap()).into_bytes()
        }

        #[test]
        fn a_segment_is_seen_by_its_name_until_it_is_dropped() {
            let name = name("life");
            let segment = Segment::create(&name, 10_000).unwrap();
            let error = Segment::create(&name, 1).unwrap_err();
            assert!(matches!(error, StorageError::Exists { .. }), "{error}");

            let mut writer = segment.map_mut().unwrap();
            assert!(writer.iter().all(|&byte| byte == 0));
            writer.bytes_mut()[9_999] = 7;
            writer.reserve().unwrap();
            let observer = OpenFile::open_segment(&name, Access::ReadOnly).unwrap();
            assert!(matches!(observer.map(10_000), Err(StorageError::InUse { .. })));
            drop(writer);
            assert!(matches!(observer.map(10_001), Err(StorageError::TooShort { .. })));
            let seen = observer.map(10_000).unwrap();
            drop(segment);
            assert_eq!(seen[9_999], 7); // the bytes outlive the name
            let error = OpenFile::open_segment(&name, Access::ReadOnly).unwrap_err();
            assert!(matches!(error, StorageError::NoSegment { .. }), "{error}");
            assert!(!remove_segment(&name).unwrap());
        }

        #[test]
        fn a_name_that_another_has_taken_is_left_to_it() {
            let name = name("taken");
            let first = Segment::create(&name, 1).unwrap();
            assert!(remove_segment(&name).unwrap());
            let second = Segment::create(&name, 2).unwrap();
            drop(first);
            let there = OpenFile::open_segment(&name, Access::ReadOnly).unwrap();
            assert_eq!(there.len_bytes().unwrap(), 2);
            drop(second);
        }

        #[test]
        fn more_memory_than_there_is_leaves_no_segment() {
            let name = name("huge");
            let error = Segment::create(&name, 1 << 60).unwrap_err();
            assert_eq!(error.path(), segment_path(&name).unwrap());
            assert!(!remove_segment(&name).unwrap());
        }

        #[test]
        fn new_names_differ_and_look_as_in_r() {
            let [first, second] = [(); 2].map(|()| new_segment_name().unwrap());
            assert_ne!(first, second);
            let groups: Vec<usize> = first.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12]);
            assert!(first.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()));
        }

        #[test]
        fn what_is_no_segment_is_not_opened() {
            let name = name("link");
            let path = segment_path(&name).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
            let error = OpenFile::open_segment(&name, Access::ReadOnly).unwrap_err();
            std::fs::remove_file(&path).unwrap();
            assert!(matches!(error, StorageError::NotRegular { .. }), "{error}");
        }
    }
}
