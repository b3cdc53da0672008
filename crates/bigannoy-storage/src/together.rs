//! Files that get their names together, or none does.
//!
//! No system renames two files at once. So before the first is renamed, a list of all that is to be
//! renamed is brought to the disk under the name of a hidden file. Whoever finds the list knows
//! what has been done, since a file that still has its temporary name has not been renamed, and can
//! do the rest.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::new_file::{rename, sync_directory};
use crate::{Claim, ClosedNewFile, Existing, StorageError, hidden};

/// Gives `files` their names, in their order, so that a process killed meanwhile leaves either none
/// of them under its name, or a list by which [`PendingCommit`] gives them the rest of the names.
///
/// `claim` is held for the target by which the list is found. The bytes of all files are brought to
/// the disk first. The temporary names and the list's are in the directories of the targets.
///
/// # Errors
/// As [`Existing::check`] where something stands at one of the targets that may not be replaced;
/// [`StorageError::Io`] where the disk or a directory will not take it. Nothing is changed
/// then, save where the second or a later file could not replace what is there: the list stays then,
/// and the rest can be done.
pub fn commit_together(
    claim: &Claim,
    files: Vec<ClosedNewFile>,
    existing: Existing,
) -> Result<(), StorageError> {
    files.iter().try_for_each(ClosedNewFile::sync)?;
    if existing == Existing::Refuse {
        files.iter().try_for_each(|file| existing.check(file.target()))?;
    }
    let list = PendingCommit {
        path: PendingCommit::list_path(claim.target())?,
        existing,
        renames: files.iter().map(Rename::of).collect::<Result<_, _>>()?,
    };
    let mut text = claim.new_file(&list.path)?;
    text.write_all(list.to_text().as_bytes()).map_err(StorageError::io("write", claim.target()))?;
    text.commit(Existing::Replace)?;

    let mut files = files.into_iter();
    let mut done: Vec<PathBuf> = Vec::new();
    while let Some(mut file) = files.next() {
        let target = file.target().to_path_buf();
        match file.publish(existing) {
            Ok(()) => done.push(target),
            Err(error) if existing == Existing::Replace && !done.is_empty() => {
                std::iter::once(file).chain(files).for_each(ClosedNewFile::keep);
                return Err(error);
            }
            Err(error) => {
                list.remove()?;
                for file in done {
                    // Ours: it was not there a moment ago.
                    std::fs::remove_file(&file).map_err(StorageError::io("remove", &file))?;
                }
                return Err(error);
            }
        }
    }
    list.remove()
}

/// How the name of a list ends.
const END: &str = ".commit";

/// The first line of a list.
const HEAD: &str = "bigannoy files to be renamed together, 1";

/// Files that a killed process was about to give their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCommit {
    path: PathBuf,
    existing: Existing,
    renames: Vec<Rename>,
}

/// A file that is to be renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Where it is, unless that was done already.
    pub temporary: PathBuf,
    /// Where it goes.
    pub target: PathBuf,
}

impl Rename {
    fn of(file: &ClosedNewFile) -> Result<Self, StorageError> {
        // The next process may have another working directory.
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(StorageError::io("find the directory of", path))
        };
        Ok(Rename { temporary: absolute(file.temporary_path())?, target: absolute(file.target())? })
    }

    /// Whether it still has its temporary name.
    ///
    /// # Errors
    /// [`StorageError::Io`] where that cannot be found out.
    pub fn is_to_be_done(&self) -> Result<bool, StorageError> {
        exists(&self.temporary)
    }
}

fn exists(path: &Path) -> Result<bool, StorageError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::io("look at", path)(error)),
    }
}

impl PendingCommit {
    /// Looks for a list beside `target`, for which the claim was held. Whoever holds that claim now
    /// may finish or discard it: the process that wrote it has ended. To others it tells what the
    /// files are, and may change at any moment.
    ///
    /// # Errors
    /// [`StorageError`]: the list is there and cannot be read or understood.
    pub fn find(target: &Path) -> Result<Option<Self>, StorageError> {
        let path = Self::list_path(target)?;
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StorageError::io("read", &path)(error)),
        };
        let directory = std::path::absolute(hidden::directory(target))
            .map_err(StorageError::io("find the directory of", target))?;
        let (existing, renames) = parse(&bytes, &directory).map_err(|(line, problem)| {
            StorageError::CommitList { path: path.clone(), line, problem }
        })?;
        Ok(Some(PendingCommit { path, existing, renames }))
    }

    /// Where a list stands that is found beside `target`.
    pub(crate) fn list_path(target: &Path) -> Result<PathBuf, StorageError> {
        hidden::beside(target, END)
    }

    /// The files, in the order in which they get their names.
    #[must_use]
    pub fn renames(&self) -> &[Rename] {
        &self.renames
    }

    /// Gives the rest of the files their names.
    ///
    /// # Errors
    /// [`StorageError`]: something stands in the way that was not there when it began, or the
    /// directory will not take it. The list stays then.
    pub fn finish(self) -> Result<(), StorageError> {
        for file in &self.renames {
            if file.is_to_be_done()? {
                rename(&file.temporary, &file.target, self.existing)?;
                sync_directory(&file.target);
            }
        }
        self.remove()
    }

    /// Removes the list, and the files that still have their temporary names.
    ///
    /// # Errors
    /// [`StorageError::Io`]: something could not be removed.
    pub fn discard(self) -> Result<(), StorageError> {
        self.remove()?;
        for file in &self.renames {
            remove(&file.temporary)?;
        }
        Ok(())
    }

    fn remove(&self) -> Result<(), StorageError> {
        remove(&self.path)?;
        sync_directory(&self.path);
        Ok(())
    }

    /// Names of files in the list's directory stand without it, so that the directory can be moved.
    fn to_text(&self) -> String {
        let directory = std::path::absolute(hidden::directory(&self.path)).unwrap_or_default();
        let shown = |path: &Path| {
            let name = path.file_name().filter(|_| path.parent() == Some(&directory));
            escape(name.unwrap_or(path.as_os_str()).as_encoded_bytes())
        };
        let existing = match self.existing {
            Existing::Refuse => "refuse",
            Existing::Replace => "replace",
        };
        let mut lines = vec![HEAD.to_owned(), existing.to_owned()];
        lines.extend(
            self.renames
                .iter()
                .map(|file| format!("{} {}", shown(&file.temporary), shown(&file.target))),
        );
        lines.push("end\n".to_owned());
        lines.join("\n")
    }
}

fn remove(path: &Path) -> Result<(), StorageError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StorageError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// A name as one word of ASCII.
fn escape(name: &[u8]) -> String {
    let escaped = |&byte: &u8| match byte {
        b'%' => "%25".to_owned(),
        byte if byte.is_ascii_graphic() => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    };
    name.iter().map(escaped).collect()
}

fn unescape(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else if byte.is_ascii_graphic() {
            bytes.push(byte);
        } else {
            return None;
        }
    }
    if bytes.is_empty() || bytes.contains(&0) {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
    }
    #[cfg(not(unix))]
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

/// Reads a list; a fault is its line, counted from 1, and what is wrong with it.
fn parse(bytes: &[u8], directory: &Path) -> Result<(Existing, Vec<Rename>), (usize, &'static str)> {
    let text = std::str::from_utf8(bytes).map_err(|_| (1, "it is no text"))?;
    let mut lines = text.split('\n').zip(1..);
    let mut next = |problem| lines.next().ok_or((text.split('\n').count(), problem));
    if next("it is empty")?.0 != HEAD {
        return Err((1, "it is no list of files to be renamed that is known here"));
    }
    let existing = match next("it ends early")?.0 {
        "refuse" => Existing::Refuse,
        "replace" => Existing::Replace,
        _ => return Err((2, "expected refuse or replace")),
    };
    let mut renames = Vec::new();
    loop {
        let (line, number) = next("it ends early")?;
        if line == "end" {
            return Ok((existing, renames));
        }
        let names = line
            .split_once(' ')
            .and_then(|(temporary, target)| Some((unescape(temporary)?, unescape(target)?)));
        let (temporary, target) = names.ok_or((number, "expected two names"))?;
        let is_ours = |temporary: &Path, target: &Path| {
            let stem = hidden::stem(target).ok()?;
            let is_its = hidden::stem_of_temporary(temporary.file_name()?) == Some(&stem);
            Some(is_its && temporary.parent() == target.parent())
        };
        // What is not the temporary file of its target was not written here.
        if is_ours(&temporary, &target) != Some(true) {
            return Err((number, "expected a file's temporary name and its own"));
        }
        renames
            .push(Rename { temporary: directory.join(temporary), target: directory.join(target) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Scene(tempfile::TempDir);

    impl Scene {
        fn new() -> Self {
            Scene(tempfile::tempdir().unwrap())
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn files(&self, claim: &Claim, names: &[&str]) -> Vec<ClosedNewFile> {
            let file = |name: &&str| {
                let mut file = claim.new_file(&self.at(name)).unwrap();
                file.write_all(format!("new {name}").as_bytes()).unwrap();
                file.close()
            };
            names.iter().map(file).collect()
        }

        /// Names and contents, but for locks.
        fn contents(&self) -> Vec<(String, String)> {
            let entries = std::fs::read_dir(self.0.path()).unwrap();
            let mut files: Vec<_> = entries
                .map(|entry| {
                    let path = entry.unwrap().path();
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    (name, std::fs::read_to_string(&path).unwrap_or_default())
                })
                .filter(|(name, _)| !name.contains("bigannoy.lock"))
                .collect();
            files.sort();
            files
        }
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    const NEW: [(&str, &str); 2] = [("a", "new a"), ("b", "new b")];

    #[test]
    fn all_get_their_names_and_old_files_are_refused_or_replaced() {
        let scene = Scene::new();
        let claim = Claim::take(&scene.at("a")).unwrap();
        commit_together(&claim, scene.files(&claim, &["a", "b"]), Existing::Refuse).unwrap();
        assert_eq!(scene.contents(), pairs(&NEW));
        std::fs::write(scene.at("b"), "old").unwrap();
        std::fs::remove_file(scene.at("a")).unwrap();
        let refused = commit_together(&claim, scene.files(&claim, &["a", "b"]), Existing::Refuse);
        assert!(matches!(refused, Err(StorageError::Exists { path }) if path == scene.at("b")));
        assert_eq!(scene.contents(), pairs(&[("b", "old")]));
        commit_together(&claim, scene.files(&claim, &["a", "b"]), Existing::Replace).unwrap();
        assert_eq!(scene.contents(), pairs(&NEW));
        assert_eq!(PendingCommit::find(&scene.at("a")).unwrap(), None);
    }

    /// The state after a kill is made by hand: the list is there, and the first files have their names.
    #[test]
    fn what_a_killed_process_has_begun_is_finished_or_discarded() {
        for done in 0..=2 {
            for finish in [true, false] {
                let scene = Scene::new();
                let claim = Claim::take(&scene.at("a")).unwrap();
                let files = scene.files(&claim, &["a", "b"]);
                let list = PendingCommit {
                    path: hidden::beside(&scene.at("a"), END).unwrap(),
                    existing: Existing::Refuse,
                    renames: files.iter().map(|file| Rename::of(file).unwrap()).collect(),
                };
                std::fs::write(&list.path, list.to_text()).unwrap();
                for (at, mut file) in files.into_iter().enumerate() {
                    if at < done {
                        file.publish(Existing::Refuse).unwrap();
                    } else {
                        file.keep();
                    }
                }
                let found = PendingCommit::find(&scene.at("a")).unwrap().unwrap();
                assert_eq!(found, list);
                let left: Vec<bool> =
                    found.renames().iter().map(|file| file.is_to_be_done().unwrap()).collect();
                assert_eq!(left, [done < 1, done < 2]);
                if finish {
                    found.finish().unwrap();
                    assert_eq!(scene.contents(), pairs(&NEW));
                } else {
                    found.discard().unwrap();
                    assert_eq!(scene.contents(), pairs(&NEW[..done]));
                }
            }
        }
    }

    #[test]
    fn a_second_file_that_cannot_be_replaced_waits_for_its_name() {
        let scene = Scene::new();
        let claim = Claim::take(&scene.at("a")).unwrap();
        std::fs::create_dir(scene.at("b")).unwrap();
        let files = scene.files(&claim, &["a", "b"]);
        let error = commit_together(&claim, files, Existing::Replace).unwrap_err();
        assert_eq!(error.path(), scene.at("b"));
        let list = PendingCommit::find(&scene.at("a")).unwrap().unwrap();
        std::fs::remove_dir(scene.at("b")).unwrap();
        list.finish().unwrap();
        assert_eq!(scene.contents(), pairs(&NEW));
        // Of a first one that cannot be replaced nothing is left.
        std::fs::remove_file(scene.at("a")).unwrap();
        std::fs::create_dir(scene.at("a")).unwrap();
        let files = scene.files(&claim, &["a", "b"]);
        commit_together(&claim, files, Existing::Replace).unwrap_err();
        assert_eq!(scene.contents(), pairs(&[("a", ""), ("b", "new b")]));
    }

    #[test]
    fn a_list_that_is_none_is_refused_with_its_line() {
        let scene = Scene::new();
        let path = hidden::beside(&scene.at("a"), END).unwrap();
        for (text, expected) in [
            ("", "line 1: it is no list"),
            ("x\n", "line 1: it is no list"),
            (&format!("{HEAD}\nrefuse\n"), "line 3: expected two names"),
            (&format!("{HEAD}\nrefuse\n.a.bigannoy-1-0.tmp a"), "line 3: it ends early"),
            (&format!("{HEAD}\nnever\nend"), "line 2: expected refuse or replace"),
            // Nothing is renamed but temporary files of ours, to their own names.
            (&format!("{HEAD}\nreplace\nb a\nend"), "line 3: expected a file's temporary"),
            (&format!("{HEAD}\nreplace\n.a.bigannoy-1-0.tmp ../a\nend"), "line 3: expected"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = PendingCommit::find(&scene.at("a")).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_written_as_one_word(name in proptest::collection::vec(1..=255u8, 1..40)) {
            let word = escape(&name);
            prop_assert!(word.bytes().all(|byte| byte.is_ascii_graphic()));
            let read = unescape(&word).unwrap();
            #[cfg(unix)]
            prop_assert_eq!(read.as_os_str().as_encoded_bytes(), &name[..]);
        }

        #[test]
        fn any_bytes_are_a_list_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes, Path::new("/d"));
            let listed = [format!("{HEAD}\nreplace\n").as_bytes(), &bytes, b"\nend\n"].concat();
            for file in parse(&listed, Path::new("/d")).map_or_else(|_| Vec::new(), |list| list.1) {
                let stem = hidden::stem(&file.target).unwrap();
                let name = file.temporary.file_name().unwrap();
                prop_assert_eq!(hidden::stem_of_temporary(name), Some(stem.as_str()));
            }
        }
    }
}
