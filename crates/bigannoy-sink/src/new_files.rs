//! Files of a result, which appear together when it is complete.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bigannoy_storage::{Claim, Existing, NewFile, PendingCommit, StorageError, commit_together};

use crate::SinkError;

/// One or more files in the making. Dropped, they leave nothing.
#[derive(Debug)]
pub(crate) struct NewFiles {
    // Dropped in this order: the claims go when nothing is left that they are for.
    files: Vec<BufWriter<NewFile>>,
    claims: Vec<Claim>,
    existing: Existing,
}

impl NewFiles {
    /// Begins a file at each of `paths`, where none may stand unless it is to be replaced.
    pub(crate) fn create(paths: &[&Path], existing: Existing) -> Result<Self, SinkError> {
        let mut places = Vec::new();
        for path in paths {
            let place = real_place(path)?;
            if places.contains(&place) {
                return Err(SinkError::SameDestination { path: place });
            }
            places.push(place);
        }
        let claims =
            paths.iter().map(|path| Claim::take(path)).collect::<Result<Vec<_>, StorageError>>()?;
        let mut files = Vec::new();
        for (path, claim) in paths.iter().zip(&claims) {
            // A process that was killed while it gave its files their names had all of them ready.
            if let Some(complete) = PendingCommit::find(path)? {
                complete.finish()?;
            }
            // Found now, and not after a long search.
            existing.check(path)?;
            claim.remove_leftovers([*path])?;
            files.push(BufWriter::new(claim.new_file(path)?));
        }
        Ok(NewFiles { files, claims, existing })
    }

    /// Appends `bytes` to a file.
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), SinkError> {
        let file = &mut self.files[at];
        file.write_all(bytes)
            .map_err(|error| StorageError::io("write", file.get_ref().target())(error).into())
    }

    /// Gives the files their names, the first one last.
    pub(crate) fn finish(self) -> Result<(), SinkError> {
        let mut files = Vec::new();
        for file in self.files.into_iter().rev() {
            let path = file.get_ref().target().to_path_buf();
            let file = file
                .into_inner()
                .map_err(|error| StorageError::io("write", &path)(error.into_error()))?;
            files.push(file.close());
        }
        commit_together(&self.claims[0], files, self.existing)?;
        Ok(())
    }
}

/// The path of a file that need not be there, in a directory known without links.
pub(crate) fn real_place(path: &Path) -> Result<PathBuf, StorageError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let directory =
        directory.canonicalize().map_err(StorageError::io("find the directory of", path))?;
    Ok(path.file_name().map_or_else(|| directory.clone(), |name| directory.join(name)))
}
