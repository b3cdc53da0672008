//! Files that appear whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::open_file::refuse_special;
use crate::{Claim, PendingCommit, StorageError, hidden};

/// What to do where a file stands under the name of a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and fail with [`StorageError::Exists`].
    #[default]
    Refuse,
    /// Replace it, if it is a regular file or a link; a link's target stays as it is. Whoever has the
    /// old file open or mapped keeps the old bytes.
    Replace,
}

impl Existing {
    /// Whether what stands at `path`, if anything does, lets a new file have that name: for a look
    /// ahead of the work. The commit looks again.
    ///
    /// # Errors
    /// [`StorageError::Exists`] where nothing is to be replaced; [`StorageError::NotRegular`] where
    /// a directory, pipe, socket or device would have to be; [`StorageError::Io`] where it cannot be
    /// found out.
    pub fn check(self, path: &Path) -> Result<(), StorageError> {
        let found = match path.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StorageError::io("create", path)(error)),
        };
        match self {
            // A dangling link counts.
            Existing::Refuse => Err(StorageError::Exists { path: path.to_path_buf() }),
            Existing::Replace if found.is_symlink() => Ok(()),
            Existing::Replace => refuse_special(path, &found),
        }
    }
}

/// A file being written under a temporary name in the directory of its target.
///
/// [`NewFile::commit`] brings the bytes to the disk and gives the file its name in one step. If it
/// is dropped before that, the temporary file is removed; if the process is killed, a file named
/// `.<target>.bigannoy-<pid>-<n>.tmp` stays behind (of a target's name that is longer than 50
/// characters its beginning and a hash), and nothing under the target's name. The next file for the
/// same target removes it. Only one file at a time is written for a target: see [`Claim`].
#[derive(Debug)]
pub struct NewFile {
    // Dropped in this order: some systems remove no file that is open.
    file: File,
    place: Place,
}

/// A [`NewFile`] that is not held open, as many can be in the making at once. It is written to
/// through its temporary path, and dropped it is removed just so.
#[derive(Debug)]
pub struct ClosedNewFile {
    place: Place,
}

/// Where a file stands, and where it will.
#[derive(Debug)]
struct Place {
    temporary: PathBuf,
    target: PathBuf,
    /// Renamed, or left to somebody else: nothing is to be removed.
    settled: bool,
    /// Held until the file is gone or has its name, unless the caller holds it.
    _claim: Option<Claim>,
}

impl NewFile {
    /// Begins a file that will stand at `target`. Its mode follows the umask. What killed processes
    /// have left of files for the same target is removed.
    ///
    /// # Errors
    /// [`StorageError::Busy`] where another process is writing such a file;
    /// [`StorageError::Io`] where the directory does not exist or may not be written to.
    pub fn create(target: &Path) -> Result<Self, StorageError> {
        let claim = Claim::take(target)?;
        if PendingCommit::find(target)?.is_none() {
            claim.remove_leftovers([target])?;
        }
        Self::under(target, Some(claim))
    }

    /// Begins a file whose target is claimed, by `claim` or by the caller.
    pub(crate) fn under(target: &Path, claim: Option<Claim>) -> Result<Self, StorageError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary = hidden::temporary(target, std::process::id(), number)?;
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    let target = target.to_path_buf();
                    let place = Place { temporary, target, settled: false, _claim: claim };
                    return Ok(NewFile { file, place });
                }
                // Left by a killed process that had our number: take the next name.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StorageError::io("create", target)(error)),
            }
        }
    }

    /// The file, for reading and writing in other ways than [`Write`] and [`Seek`].
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the file stands until it is committed.
    #[must_use]
    pub fn temporary_path(&self) -> &Path {
        &self.place.temporary
    }

    /// Where the file will stand.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.place.target
    }

    /// Closes the file, which stays unfinished.
    #[must_use]
    pub fn close(self) -> ClosedNewFile {
        ClosedNewFile { place: self.place }
    }

    /// Brings the bytes to the disk. [`NewFile::commit`] does it too; doing it before leaves the
    /// commit a short step, for files that are to appear together.
    ///
    /// # Errors
    /// [`StorageError::Io`]: the disk will not take it.
    pub fn sync(&self) -> Result<(), StorageError> {
        self.file.sync_all().map_err(StorageError::io("write", &self.place.target))
    }

    /// Brings the file to the disk and gives it its name.
    ///
    /// The name itself is on the disk too when this returns, where the system can do that.
    ///
    /// # Errors
    /// As [`Existing::check`] where something stands there that may not be replaced;
    /// [`StorageError::Io`] where the disk or the directory will not take it. What stood at the
    /// target is untouched then, and the temporary file is removed.
    pub fn commit(mut self, existing: Existing) -> Result<(), StorageError> {
        self.sync()?;
        drop(self.file);
        self.place.publish(existing)
    }
}

impl ClosedNewFile {
    /// Where the file stands until it is committed.
    #[must_use]
    pub fn temporary_path(&self) -> &Path {
        &self.place.temporary
    }

    /// Where the file will stand.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.place.target
    }

    /// Takes over a file at `temporary` that [`ClosedNewFile::keep`] or a killed process has left.
    /// The caller holds the claim to `target`.
    #[must_use]
    pub fn adopt(temporary: PathBuf, target: PathBuf) -> Self {
        ClosedNewFile { place: Place { temporary, target, settled: false, _claim: None } }
    }

    /// Leaves the file where it is, unfinished, for [`ClosedNewFile::adopt`].
    pub fn keep(mut self) {
        self.place.settled = true;
    }

    /// Brings the file to the disk and gives it its name: see [`NewFile::commit`].
    ///
    /// # Errors
    /// As [`NewFile::commit`].
    pub fn commit(mut self, existing: Existing) -> Result<(), StorageError> {
        self.sync()?;
        self.place.publish(existing)
    }

    /// Brings the bytes to the disk.
    ///
    /// # Errors
    /// [`StorageError::Io`]: the disk will not take it.
    pub fn sync(&self) -> Result<(), StorageError> {
        let file = OpenOptions::new().read(true).write(true).open(&self.place.temporary);
        file.and_then(|file| file.sync_all()).map_err(StorageError::io("write", &self.place.target))
    }

    /// Gives the file, which is on the disk, its name.
    pub(crate) fn publish(&mut self, existing: Existing) -> Result<(), StorageError> {
        self.place.publish(existing)
    }
}

impl Place {
    /// Gives the file, which is on the disk, its name.
    fn publish(&mut self, existing: Existing) -> Result<(), StorageError> {
        rename(&self.temporary, &self.target, existing)?;
        self.settled = true;
        sync_directory(&self.target);
        Ok(())
    }
}

/// Renames, over what stands there if that is wanted.
pub(crate) fn rename(from: &Path, to: &Path, existing: Existing) -> Result<(), StorageError> {
    match existing {
        Existing::Replace => {
            // A rename would put a file in the place of a pipe or device, too.
            existing.check(to)?;
            std::fs::rename(from, to).map_err(|error| StorageError::io("replace", to)(error))
        }
        Existing::Refuse => rename_to_free_name(from, to),
    }
}

/// Renames, unless something stands there.
fn rename_to_free_name(from: &Path, to: &Path) -> Result<(), StorageError> {
    let exists = || StorageError::Exists { path: to.to_path_buf() };
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => return Err(exists()),
            // The file system does not know the flag: look first, then rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(StorageError::io("create", to)(errno.into())),
        }
    }
    if to.symlink_metadata().is_ok() {
        return Err(exists());
    }
    std::fs::rename(from, to).map_err(StorageError::io("create", to))
}

/// Brings the directory entry of `path` to the disk, where directories can be synced.
///
/// The file has its name and its bytes by now. A directory that may not be read, or a file system
/// that does not sync directories, is no reason to call it failed: after a power failure either the
/// old or the new file will stand there, whole.
pub(crate) fn sync_directory(path: &Path) {
    #[cfg(unix)]
    {
        if let Ok(directory) = File::open(hidden::directory(path)) {
            let _ = directory.sync_all();
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Errors tell how far the file has come.
impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|source| match self.file.stream_position() {
            Ok(start) if source.kind() != io::ErrorKind::Interrupted => {
                let count = bytes.len();
                let message = format!("{count} bytes after the first {start}: {source}");
                io::Error::new(source.kind(), message)
            }
            _ => source,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for NewFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.settled {
            // Nothing can be done if this fails, and nothing looks finished: the name says so.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = NewFile::create(&directory.path().join("x")).unwrap();
        file.write_all(b"half").unwrap();
        assert!(entries(directory.path())[0].starts_with(".x.bigannoy-"));
        assert_eq!(entries(directory.path()).len(), 2); // with the lock
        drop(file);
        assert!(entries(directory.path()).is_empty());
    }

    #[test]
    fn a_closed_file_is_finished_or_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let new = || NewFile::create(&path).unwrap().close();
        drop(new());
        assert!(entries(directory.path()).is_empty());
        let file = new();
        assert_eq!(file.target(), path);
        std::fs::write(file.temporary_path(), b"whole").unwrap();
        file.commit(Existing::Refuse).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert!(matches!(new().commit(Existing::Refuse), Err(StorageError::Exists { .. })));
        assert_eq!(entries(directory.path()), ["x"]);
    }

    #[test]
    fn an_existing_file_is_kept_or_replaced_as_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, b"old").unwrap();
        let mut refused = NewFile::create(&path).unwrap();
        refused.write_all(b"new").unwrap();
        let error = refused.commit(Existing::Refuse).unwrap_err();
        assert!(matches!(error, StorageError::Exists { .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");

        let mut replacing = NewFile::create(&path).unwrap();
        replacing.write_all(b"new").unwrap();
        replacing.commit(Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(entries(directory.path()), ["x"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_files_and_links_are_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let commit =
            |name: &str| NewFile::create(&at(name)).unwrap().commit(Existing::Replace).map(drop);
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        for name in ["pipe", "socket", "directory"] {
            let expected = format!("{name} is a {name}, expected a regular file");
            for found in [Existing::Replace.check(&at(name)), commit(name)] {
                let error = found.unwrap_err().to_string();
                assert!(error.ends_with(&expected), "{error}");
            }
            let error = Existing::Refuse.check(&at(name)).unwrap_err();
            assert!(matches!(error, StorageError::Exists { .. }), "{error}");
        }
        assert!(at("pipe").symlink_metadata().unwrap().file_type().is_fifo());

        // A link is replaced, wherever it leads.
        for target in ["pipe", "nothing"] {
            std::os::unix::fs::symlink(target, at("link")).unwrap();
            commit("link").unwrap();
            assert!(at("link").symlink_metadata().unwrap().is_file());
            std::fs::remove_file(at("link")).unwrap();
        }
        assert!(at("pipe").symlink_metadata().unwrap().file_type().is_fifo());
        assert_eq!(entries(directory.path()), ["directory", "pipe", "socket"]);
        Existing::Refuse.check(&at("nothing")).unwrap();
        Existing::Replace.check(&at("nothing")).unwrap();
    }

    #[test]
    fn a_missing_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("no/x");
        let error = NewFile::create(&path).unwrap_err();
        assert_eq!(error.path(), path);
    }

    #[test]
    fn a_target_can_have_the_longest_name_there_is() {
        let directory = tempfile::tempdir().unwrap();
        let name = "n".repeat(255);
        NewFile::create(&directory.path().join(&name)).unwrap().commit(Existing::Refuse).unwrap();
        assert_eq!(entries(directory.path()), [name]);
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_follows_the_umask() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        File::create(&plain).unwrap();
        let path = directory.path().join("x");
        NewFile::create(&path).unwrap().commit(Existing::Refuse).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }
}
