//! An index on its way to the disk.

use std::io::{self, Write};
use std::path::Path;

use bigannoy_build::{BuildReport, ForestStore};
use bigannoy_storage::{Access, Claim, ClosedNewFile, Mapping, NewFile, OpenFile, StorageError};
use md5::{Digest, Md5};

use crate::describe::Written;
use crate::ends::ends;

/// Writes an index under a temporary name, and takes its md5 on the way.
pub(crate) struct IndexFile {
    file: NewFile,
    digest: Md5,
    written: u64,
}

impl IndexFile {
    /// Begins the index that `claim` is for.
    pub(crate) fn create(claim: &Claim) -> Result<Self, StorageError> {
        let file = claim.new_file(claim.target())?;
        Ok(IndexFile { file, digest: Md5::new(), written: 0 })
    }

    /// What the sidecar has to say of the file, which is complete.
    pub(crate) fn written<'p>(
        &self,
        report: BuildReport,
        path: &'p Path,
    ) -> Result<Written<'p>, StorageError> {
        let file = OpenFile::open(self.file.temporary_path(), Access::ReadOnly)?;
        let md5 = hex(&self.digest.clone().finalize());
        Ok(Written { report, path, md5, ends: ends(&file)?, modified: file.modified()? })
    }

    /// Closes the file, which stays unfinished.
    pub(crate) fn close(self) -> ClosedNewFile {
        self.file.close()
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
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
