//! Where the fixtures are, and copies of them that a test may write to.

use std::ffi::OsString;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folder of this package.
pub(crate) fn package_dir() -> PathBuf {
    // At run time cargo names the checkout that is tested; the built-in path may be another one.
    env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.join("fixtures").is_dir())
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")))
}

/// The folder that holds every fixture.
#[must_use]
pub fn fixtures_dir() -> PathBuf {
    package_dir().join("fixtures")
}

/// The fixture at `path`, seen from [`fixtures_dir`]: `fixture("annoy/seed/ref.desc")`.
///
/// # Panics
/// If there is no such file or folder: the test names a fixture that does not exist.
#[must_use]
pub fn fixture(path: impl AsRef<Path>) -> PathBuf {
    let full = fixtures_dir().join(path);
    assert!(full.exists(), "there is no fixture {}", full.display());
    full
}

/// Reads a JSON file, for instance the answers that belong to a fixture.
///
/// # Panics
/// If the file cannot be read or is not JSON.
#[must_use]
pub fn read_json(path: impl AsRef<Path>) -> serde_json::Value {
    let path = path.as_ref();
    let text = fs::read(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Copies the descriptor `<stem>.desc` and its data into `into_dir`, and returns the new
/// descriptor.
///
/// The data is `<stem>.bin`, or every `<stem>.bin_column_<number>` of a separated matrix. A
/// window whose descriptor is named differently from its data has to be copied by hand.
///
/// # Errors
/// If a file cannot be read or written, or the descriptor has no data by those names.
pub fn copy_matrix(desc_path: impl AsRef<Path>, into_dir: impl AsRef<Path>) -> Result<PathBuf> {
    let (desc_path, into_dir) = (desc_path.as_ref(), into_dir.as_ref());
    let wrong = |what| Error::new(ErrorKind::NotFound, format!("{}: {what}", desc_path.display()));
    let desc_name = desc_path.file_name().ok_or_else(|| wrong("not a file"))?;
    let stem = desc_path.file_stem().ok_or_else(|| wrong("not a file"))?;
    let dir = desc_path.parent().ok_or_else(|| wrong("not in a folder"))?;

    let mut data_name = stem.to_os_string();
    data_name.push(".bin");
    let mut data: Vec<OsString> = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if name == data_name || is_column_of(&name, &data_name) {
            data.push(name);
        }
    }
    if data.is_empty() {
        return Err(wrong("no data file `<stem>.bin` or `<stem>.bin_column_*` next to it"));
    }
    for name in &data {
        fs::copy(dir.join(name), into_dir.join(name))?;
    }
    let copy = into_dir.join(desc_name);
    fs::copy(desc_path, &copy)?;
    Ok(copy)
}

/// Whether `name` is `<data_name>_column_<number>`.
fn is_column_of(name: &OsString, data_name: &OsString) -> bool {
    let (Some(name), Some(data_name)) = (name.to_str(), data_name.to_str()) else { return false };
    name.strip_prefix(data_name)
        .and_then(|rest| rest.strip_prefix("_column_"))
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn copies_one_file_or_all_columns() {
        let dir = tempfile::tempdir().unwrap();
        let copy = copy_matrix(fixture("annoy/seed/ref.desc"), dir.path()).unwrap();
        assert_eq!(copy, dir.path().join("ref.desc"));
        assert_eq!(names(dir.path()), ["ref.bin", "ref.desc"]);

        let dir = tempfile::tempdir().unwrap();
        copy_matrix(fixture("v1/clusters/query.desc"), dir.path()).unwrap();
        assert_eq!(names(dir.path()).len(), 1 + 16);
    }

    #[test]
    fn a_descriptor_without_data_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let e = copy_matrix(fixture("bigmemory/shared_text/contig.desc"), dir.path());
        assert_eq!(e.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn only_numbered_columns_belong_to_a_matrix() {
        let is = |name: &str| is_column_of(&name.into(), &"x.bin".into());
        assert!(is("x.bin_column_0"));
        assert!(is("x.bin_column_12"));
        assert!(!is("x.bin_column_"));
        assert!(!is("x.bin_column_1.bak"));
        assert!(!is("xx.bin_column_1"));
    }
}
