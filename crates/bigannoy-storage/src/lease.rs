//! Who in this process has which file mapped: many readers or one writer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::{FileIdentity, OpenFile, StorageError};

/// Mappings alive, by file. A count of readers, or `WRITER`.
static HELD: Mutex<Option<HashMap<FileIdentity, usize>>> = Mutex::new(None);
const WRITER: usize = usize::MAX;

/// The right to have a file mapped; given back on drop.
///
/// Whoever has the file open or mapped gives it back first: a file that nobody has any more may be
/// gone, and its number that of a new one.
#[derive(Debug)]
pub(crate) struct Lease(FileIdentity);

/// The right to read a file without a map: as long as it lives, the file cannot be mapped for
/// writing in this process. See [`crate::OpenFile::lease`].
///
/// It does not hold the file open. Where the file was closed and is gone, a new one that gets its number
/// cannot be mapped for writing either, until the lease is given back.
#[derive(Debug)]
pub struct ReadLease {
    lease: Lease,
    made: Option<SystemTime>,
}

impl ReadLease {
    pub(crate) fn new(file: &OpenFile) -> Result<Self, StorageError> {
        let lease = Lease::read(file.identity().clone(), file.path())?;
        Ok(ReadLease { lease, made: file.made()? })
    }

    /// The file that is leased.
    #[must_use]
    pub fn file(&self) -> &FileIdentity {
        self.lease.file()
    }

    /// Whether `file` is the one that is leased. Where the file system says when files were made, this
    /// tells it from a later one of the same number too.
    ///
    /// # Errors
    /// [`StorageError::Io`] with the system's reason.
    pub fn is_of(&self, file: &OpenFile) -> Result<bool, StorageError> {
        let is_later = match (self.made, file.made()?) {
            (Some(leased), Some(made)) => leased != made,
            _ => false,
        };
        Ok(self.file() == file.identity() && !is_later)
    }
}

fn held() -> MutexGuard<'static, Option<HashMap<FileIdentity, usize>>> {
    // The map is consistent between any two statements, so a panic elsewhere did not damage it.
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lease {
    pub(crate) fn read(file: FileIdentity, path: &Path) -> Result<Self, StorageError> {
        let mut guard = held();
        let count = guard.get_or_insert_default().entry(file.clone()).or_insert(0);
        if *count == WRITER {
            return Err(in_use(path, "writing", "reading"));
        }
        *count += 1;
        Ok(Lease(file))
    }

    pub(crate) fn write(file: FileIdentity, path: &Path) -> Result<Self, StorageError> {
        let mut guard = held();
        let count = guard.get_or_insert_default().entry(file.clone()).or_insert(0);
        if *count != 0 {
            let held = if *count == WRITER { "writing" } else { "reading" };
            return Err(in_use(path, held, "writing"));
        }
        *count = WRITER;
        Ok(Lease(file))
    }
}

fn in_use(path: &Path, held: &'static str, wanted: &'static str) -> StorageError {
    StorageError::InUse { path: path.to_path_buf(), held, wanted }
}

impl Lease {
    /// The file that is leased.
    pub(crate) fn file(&self) -> &FileIdentity {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut guard = held();
        let map = guard.get_or_insert_default();
        if let Some(count) = map.get_mut(&self.0) {
            *count = if *count == WRITER { 0 } else { *count - 1 };
            if *count == 0 {
                map.remove(&self.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::thread;

    #[cfg(unix)]
    use crate::{Access, OpenFile};
    use crate::{Mapping, MappingMut};

    /// Maps `count` files one after the other, each of which has lost its name by then.
    fn map_nameless(directory: &Path, name: &str, count: usize) {
        for number in 0..count {
            let path = directory.join(format!("{name}-{number}"));
            fs::write(&path, [1; 8]).unwrap();
            let mapping = Mapping::open(&path).unwrap();
            fs::remove_file(&path).unwrap();
            assert_eq!(&*mapping, &[1; 8]);
        }
    }

    /// A system gives the number of a file that nobody has any more to the next new one, which must
    /// not be taken for the old one while that is being let go.
    #[test]
    fn a_new_file_is_not_taken_for_one_that_was_just_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        thread::scope(|scope| {
            for thread in ["a", "b", "c"] {
                scope.spawn(move || map_nameless(directory, thread, 2_000));
            }
            for number in 0..2_000 {
                let path = directory.join(format!("new-{number}"));
                fs::write(&path, [2; 8]).unwrap();
                drop(MappingMut::open_prefix(&path, 8).unwrap());
                fs::remove_file(&path).unwrap();
            }
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_later_file_of_the_same_number_is_not_the_one_that_is_leased() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, b"old").unwrap();
        let open = || OpenFile::open(&path, Access::ReadOnly).unwrap();
        let lease = open().lease().unwrap();
        assert!(lease.is_of(&open()).unwrap());
        // The clock of a file system may be slower than we are, or there is none.
        for _ in 0..10_000 {
            fs::remove_file(&path).unwrap();
            fs::write(&path, b"new").unwrap();
            if open().identity() != lease.file() || open().made().unwrap() != lease.made {
                assert!(!lease.is_of(&open()).unwrap());
                return;
            }
        }
    }
}
