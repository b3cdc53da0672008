//! An index on its way to the disk.

use std::io::{self, Write};
use std::path::Path;

use bigannoy_build::ForestStore;
use bigannoy_storage::{Existing, Mapping, NewFile, StorageError};
use md5::{Digest, Md5};

/// Writes an index under a temporary name, and takes its md5 on the way.
pub(crate) struct IndexFile {
    file: NewFile,
    digest: Md5,
    written: u64,
}

impl IndexFile {
    pub(crate) fn create(path: &Path) -> Result<Self, StorageError> {
        Ok(IndexFile { file: NewFile::create(path)?, digest: Md5::new(), written: 0 })
    }

    /// The md5 of what was written, in lower-case hexadecimal digits.
    pub(crate) fn md5_hex(&self) -> String {
        use std::fmt::Write;
        self.digest.clone().finalize().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// When the file was last written to.
    pub(crate) fn modified(&self) -> io::Result<std::time::SystemTime> {
        self.file.file().metadata()?.modified()
    }

    pub(crate) fn target(&self) -> &Path {
        self.file.target()
    }

    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.file.sync()
    }

    pub(crate) fn commit(self, existing: Existing) -> Result<(), StorageError> {
        self.file.commit(existing)
    }
}

impl ForestStore for IndexFile {
    type Items = Mapping;

    fn append(&mut self, records: &[u32]) -> io::Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(records);
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn items(&mut self) -> io::Result<Mapping> {
        Mapping::open_prefix(self.file.temporary_path(), self.written).map_err(io::Error::other)
    }
}
