//! Who in this process has which file mapped: many readers or one writer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{FileIdentity, StorageError};

/// Mappings alive, by file. A count of readers, or `WRITER`.
static HELD: Mutex<Option<HashMap<FileIdentity, usize>>> = Mutex::new(None);
const WRITER: usize = usize::MAX;

/// The right to have a file mapped; given back on drop.
#[derive(Debug)]
pub(crate) struct Lease(FileIdentity);

/// The right to read a file without a map: as long as it lives, the file cannot be mapped for
/// writing in this process. See [`crate::OpenFile::lease`].
#[derive(Debug)]
pub struct ReadLease(Lease);

impl ReadLease {
    pub(crate) fn new(file: FileIdentity, path: &Path) -> Result<Self, StorageError> {
        Lease::read(file, path).map(ReadLease)
    }

    /// The file that is leased.
    #[must_use]
    pub fn file(&self) -> &FileIdentity {
        self.0.file()
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
