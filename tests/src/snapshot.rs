//! What a test says about a folder and about an error.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Result;
use std::path::Path;

/// Every file under `dir`, at any depth: its path seen from `dir`, and its bytes. Folders are in
/// it too, with a `/` at the end of the name and no bytes.
///
/// # Errors
/// If a file or folder cannot be read.
pub fn snapshot(dir: impl AsRef<Path>) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    collect(dir.as_ref(), "", &mut files)?;
    Ok(files)
}

fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            let folder = format!("{name}/");
            collect(&entry.path(), &folder, files)?;
            files.insert(folder, Vec::new());
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// How two snapshots differ, file by file; empty where they are equal.
#[must_use]
pub fn changes(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let new = after.keys().filter(|name| !before.contains_key(*name));
    let other = |name: &&String| after.get(*name).is_some_and(|bytes| *bytes != before[*name]);
    gone.map(|name| format!("{name} is gone"))
        .chain(new.map(|name| format!("{name} is new")))
        .chain(before.keys().filter(other).map(|name| format!("{name} has changed")))
        .collect()
}

/// The whole message of an error: its own and those of its sources, joined by `: `.
#[must_use]
pub fn message_chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message.push_str(": ");
        message.push_str(&error.to_string());
        source = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("folder")).unwrap();
        fs::write(path("folder/a"), "1").unwrap();
        fs::write(path("b"), "1").unwrap();
        let before = snapshot(&dir).unwrap();
        assert_eq!(before.keys().collect::<Vec<_>>(), ["b", "folder/", "folder/a"]);
        assert!(changes(&before, &snapshot(&dir).unwrap()).is_empty());

        fs::write(path("folder/a"), "2").unwrap();
        fs::remove_file(path("b")).unwrap();
        fs::write(path("c"), "").unwrap();
        let found = changes(&before, &snapshot(&dir).unwrap());
        assert_eq!(found, ["b is gone", "c is new", "folder/a has changed"]);
    }

    #[test]
    fn a_chain_holds_every_source() {
        let source = std::io::Error::other("the disk is full");
        let error = std::io::Error::other(Outer(source));
        assert_eq!(message_chain(&error), "cannot write: the disk is full");
    }

    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot write")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
}
