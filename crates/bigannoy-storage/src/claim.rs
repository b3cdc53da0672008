//! Who may write to a path: one at a time, among all processes.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::{FileIdentity, NewFile, PendingCommit, StorageError, hidden};

/// The right to put a file at a path. While it is held, no other process, and nothing else in this
/// one, gets the same right: who comes second is refused with [`StorageError::Busy`].
///
/// It is a lock of the system on the hidden file `.<name>.bigannoy.lock` beside the path. The lock
/// ends with the process that holds it, however that ends; the file is removed with the claim, and
/// where a process was killed by the next one. Where the file system has no locks, the file itself
/// stands for the claim, and after a kill has to be removed by hand; the error says which.
#[derive(Debug)]
pub struct Claim {
    target: PathBuf,
    lock: PathBuf,
    file: File,
}

/// The longest process number that is looked for in a lock file.
const MOST_DIGITS: u64 = 20;

impl Claim {
    /// Takes the right to put a file at `target`.
    ///
    /// # Errors
    /// [`StorageError::Busy`] where somebody has it; [`StorageError::Io`] where the directory does
    /// not exist or may not be written to.
    pub fn take(target: &Path) -> Result<Self, StorageError> {
        Self::take_by(target, File::try_lock)
    }

    fn take_by(
        target: &Path,
        try_lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Self, StorageError> {
        let lock = hidden::beside(target, ".lock")?;
        loop {
            let (file, is_new) =
                open(&lock).map_err(|error| StorageError::io("create", target)(error))?;
            match try_lock(&file) {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy(target, &file, None)),
                Err(TryLockError::Error(error)) if is_unsupported(&error) => {
                    if !is_new {
                        return Err(busy(target, &file, Some(lock)));
                    }
                }
                Err(TryLockError::Error(error)) => {
                    return Err(StorageError::io("lock", &lock)(error));
                }
            }
            // Whoever held it removes the file on letting go: what was locked may be nameless by
            // now, and another file locked under the name.
            let is_there = match FileIdentity::of_path(&lock) {
                Ok(there) => there == FileIdentity::of_open(&file, &lock)?,
                Err(_) => false,
            };
            if is_there {
                tell_process(&file);
                return Ok(Claim { target: target.to_path_buf(), lock, file });
            }
        }
    }

    /// The path that is claimed.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Begins a file under this claim, at its path or at one that it stands for, such as those of a
    /// matrix's columns. Nobody else may begin files there without the claim.
    ///
    /// # Errors
    /// As [`NewFile::create`], but for [`StorageError::Busy`].
    pub fn new_file(&self, target: &Path) -> Result<NewFile, StorageError> {
        NewFile::under(target, None)
    }

    /// Removes the temporary files that killed processes have left of `targets`, all in the
    /// directory of the claim and covered by it, and of the list of their renames; returns how many
    /// there were. Cost: the directory is
    /// listed once.
    ///
    /// # Errors
    /// [`StorageError::Io`] where the directory cannot be listed. A file that may not be removed
    /// stays: it belongs to somebody else, and is in nobody's way.
    pub fn remove_leftovers<'t>(
        &self,
        targets: impl IntoIterator<Item = &'t Path>,
    ) -> Result<usize, StorageError> {
        // Of a matrix there may be as many as columns.
        let mut stems: HashSet<String> =
            targets.into_iter().map(hidden::stem).collect::<Result<_, _>>()?;
        // A list of renames is a new file too, which may not have got its name.
        stems.insert(hidden::stem(&PendingCommit::list_path(&self.target)?)?);
        let directory = hidden::directory(&self.target);
        let failed = |error| StorageError::io("list the directory of", &self.target)(error);
        let mut removed = 0;
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if hidden::stem_of_temporary(&name).is_some_and(|stem| stems.contains(stem)) {
                removed += usize::from(std::fs::remove_file(directory.join(name)).is_ok());
            }
        }
        Ok(removed)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is locked, so that nobody takes a file that is about to go. Where it cannot be
        // removed it stays, and the next one locks it.
        let _ = std::fs::remove_file(&self.lock);
        // Closing the file would do; elsewhere a child process may have inherited it.
        let _ = self.file.unlock();
    }
}

/// Opens the lock file; tells whether it was made now.
fn open(lock: &Path) -> io::Result<(File, bool)> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            use std::os::unix::fs::OpenOptionsExt;
            // Neither through a link nor into a pipe, which somebody may have put there.
            options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
        }
        match options.clone().create_new(true).open(lock) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return Ok((made?, true)),
        }
        let opened = match options.open(lock) {
            // Left by another user. Who may only read it can lock it all the same.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                options.write(false).open(lock)
            }
            opened => opened,
        };
        match opened {
            // Removed in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return Ok((opened?, false)),
        }
    }
}

/// Leaves word of who holds the lock, for the message of whoever comes second.
fn tell_process(mut file: &File) {
    // Only a message is the poorer without it.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
}

fn busy(target: &Path, file: &File, lock: Option<PathBuf>) -> StorageError {
    let mut text = String::new();
    let read = file.take(MOST_DIGITS).read_to_string(&mut text);
    let process = read.ok().and_then(|_| text.parse().ok());
    StorageError::Busy { path: target.to_path_buf(), process, lock }
}

fn is_unsupported(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let unsupported = [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL];
        if unsupported.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
            return true;
        }
    }
    error.kind() == io::ErrorKind::Unsupported
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Existing;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_path_is_claimed_once_at_a_time_and_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let claim = Claim::take(&path).unwrap();
        let error = Claim::take(&path).unwrap_err();
        let expected = format!("x is being written by process {}", std::process::id());
        assert!(error.to_string().contains(&expected), "{error}");
        assert!(matches!(NewFile::create(&path), Err(StorageError::Busy { .. })));
        drop(Claim::take(&directory.path().join("y")).unwrap());
        claim.new_file(&path).unwrap().commit(Existing::Refuse).unwrap();
        drop(claim);
        assert_eq!(names(directory.path()), ["x"]);
        drop(Claim::take(&path).unwrap());
    }

    #[test]
    fn a_killed_process_holds_nothing_and_its_files_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for left in [
            ".x.bigannoy.lock",
            ".x.bigannoy-1-0.tmp",
            ".x.bigannoy-77777-123.tmp",
            "..x.bigannoy.commit.bigannoy-1-1.tmp",
        ] {
            std::fs::write(at(left), "4194304000").unwrap();
        }
        for kept in [".y.bigannoy-1-0.tmp", ".x.bigannoy-1-0.tmp.old", ".x.bigannoy-a-0.tmp"] {
            std::fs::write(at(kept), "").unwrap();
        }
        let claim = Claim::take(&at("x")).unwrap();
        assert_eq!(claim.remove_leftovers([at("x").as_path()]).unwrap(), 3);
        drop(claim);
        assert_eq!(names(directory.path()).len(), 3);
    }

    #[test]
    fn many_threads_have_it_one_after_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        let taken = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    use std::sync::atomic::Ordering::SeqCst;
                    while taken.load(SeqCst) < 200 {
                        let Ok(claim) = Claim::take(&path) else { continue };
                        assert_eq!(inside.fetch_add(1, SeqCst), 0);
                        taken.fetch_add(1, SeqCst);
                        inside.fetch_sub(1, SeqCst);
                        drop(claim);
                    }
                });
            }
        });
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn without_locks_the_file_stands_for_the_claim() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let none = |_: &File| Err(TryLockError::Error(io::ErrorKind::Unsupported.into()));
        let claim = Claim::take_by(&path, none).unwrap();
        let error = Claim::take_by(&path, none).unwrap_err().to_string();
        assert!(error.contains(".x.bigannoy.lock has to be removed"), "{error}");
        drop(claim);
        drop(Claim::take_by(&path, none).unwrap());
        assert!(names(directory.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("precious"), "text").unwrap();
        std::os::unix::fs::symlink(at("precious"), at(".x.bigannoy.lock")).unwrap();
        assert!(Claim::take(&at("x")).is_err());
        assert_eq!(std::fs::read(at("precious")).unwrap(), b"text");
    }
}
