//! The checksums of the fixtures: `tests/fixtures/CHECKSUMS.md5`.
//!
//! The file has the format of `md5sum`, so `md5sum -c CHECKSUMS.md5` reads it too. It covers
//! every file under `tests/fixtures` but itself and the README; a file that it does not list is
//! as much a fault as one that changed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Error, ErrorKind, Read, Result};
use std::path::Path;

use md5::{Digest, Md5};

/// The name of the checksum file in the folder of the fixtures.
pub const MANIFEST: &str = "CHECKSUMS.md5";

/// Files at the top of the folder that are no fixtures.
const NOT_FIXTURES: [&str; 2] = [MANIFEST, "README.md"];

/// A way in which the fixtures differ from their checksums. The path is seen from the folder of
/// the fixtures and has `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Listed, and there is no such file.
    Missing(String),
    /// Listed with another checksum than the file has.
    Changed(String),
    /// The file is there and not listed.
    Unlisted(String),
    /// The checksum file is not as [`write_manifest`] would have written it.
    Malformed(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "missing: {path}"),
            Self::Changed(path) => write!(f, "changed: {path}"),
            Self::Unlisted(path) => write!(f, "not listed in {MANIFEST}: {path}"),
            Self::Malformed(what) => write!(f, "{MANIFEST}: {what}"),
        }
    }
}

/// The md5 of a file as 32 lower-case hexadecimal digits, as `tools::md5sum` of R gives it.
///
/// # Errors
/// If the file cannot be read.
pub fn md5_hex(path: impl AsRef<Path>) -> Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let digits =
        |byte: u8| [byte >> 4, byte & 15].map(|d| char::from(b"0123456789abcdef"[d as usize]));
    Ok(hasher.finalize().iter().flat_map(|&byte| digits(byte)).collect())
}

/// Holds the files under `dir` against the checksums that `dir` keeps. No fault, no difference.
///
/// # Errors
/// If a file or folder cannot be read, or a file name is not UTF-8 or holds a line break or a
/// backslash.
pub fn check_manifest(dir: impl AsRef<Path>) -> Result<Vec<Fault>> {
    let dir = dir.as_ref();
    let text = match fs::read_to_string(dir.join(MANIFEST)) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Ok(vec![Fault::Missing(MANIFEST.to_owned())]);
        }
        Err(e) => return Err(e),
    };
    let (listed, mut faults) = parse(&text);
    let found = sums(dir)?;
    for (path, sum) in &listed {
        match found.get(path) {
            None => faults.push(Fault::Missing(path.clone())),
            Some(other) if other != sum => faults.push(Fault::Changed(path.clone())),
            Some(_) => {}
        }
    }
    let unlisted = found.keys().filter(|path| !listed.contains_key(*path));
    faults.extend(unlisted.cloned().map(Fault::Unlisted));
    Ok(faults)
}

/// Records the present checksums of the files in the folder `under` of `dir`, such as `v1`, or of
/// all files if `under` is empty, and returns what was wrong with the old ones. Lines about other
/// files stay as they are, so recording a new fixture cannot hide that another one changed.
///
/// # Errors
/// As [`check_manifest`], and if the file cannot be written.
pub fn write_manifest(dir: impl AsRef<Path>, under: &str) -> Result<Vec<Fault>> {
    let dir = dir.as_ref();
    let is_under = |path: &str| {
        let rest = path.strip_prefix(under.trim_end_matches('/'));
        under.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let mut faults = check_manifest(dir)?;
    faults.retain(|fault| match fault {
        Fault::Missing(path) | Fault::Changed(path) | Fault::Unlisted(path) => is_under(path),
        Fault::Malformed(_) => true,
    });
    let mut recorded = match fs::read_to_string(dir.join(MANIFEST)) {
        Ok(text) => parse(&text).0,
        Err(e) if e.kind() == ErrorKind::NotFound => BTreeMap::new(),
        Err(e) => return Err(e),
    };
    recorded.retain(|path, _| !is_under(path));
    recorded.extend(sums(dir)?.into_iter().filter(|(path, _)| is_under(path)));
    let mut text = String::new();
    for (path, sum) in &recorded {
        text.extend([sum, "  ", path, "\n"]);
    }
    fs::write(dir.join(MANIFEST), text)?;
    Ok(faults)
}

/// Path and checksum of every line; lines that are wrong or out of order are faults.
fn parse(text: &str) -> (BTreeMap<String, String>, Vec<Fault>) {
    let mut listed = BTreeMap::new();
    let mut faults = Vec::new();
    let mut malformed = |number: usize, what: &str| {
        faults.push(Fault::Malformed(format!("line {number}: {what}")));
    };
    for (number, line) in (1..).zip(text.split_terminator('\n')) {
        let Some((sum, path)) = line.split_once("  ").filter(|(sum, _)| is_md5(sum)) else {
            malformed(number, "expected 32 hexadecimal digits, two spaces and a path");
            continue;
        };
        if listed.last_key_value().is_some_and(|(last, _): (&String, _)| path <= last.as_str()) {
            malformed(number, "out of order, or listed twice");
        }
        listed.insert(path.to_owned(), sum.to_owned());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push(Fault::Malformed("the last line has no end".to_owned()));
    }
    (listed, faults)
}

fn is_md5(sum: &str) -> bool {
    sum.len() == 32 && sum.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The checksum of every fixture under `dir`, by path.
fn sums(dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    walk(dir, "", &mut |path, full| {
        if !NOT_FIXTURES.contains(&path) {
            sums.insert(path.to_owned(), md5_hex(full)?);
        }
        Ok(())
    })?;
    Ok(sums)
}

/// Calls `visit` with every file under `dir`: its path seen from the start, and its full path.
fn walk(
    dir: &Path,
    prefix: &str,
    visit: &mut dyn FnMut(&str, &Path) -> io::Result<()>,
) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let full = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.contains(['\n', '\r', '\\'])) else {
            let message = format!("{} cannot be listed by that name", full.display());
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            walk(&full, &format!("{path}/"), visit)?;
        } else {
            visit(&path, &full)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (text, sum) in
            [("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72")]
        {
            fs::write(&path, text).unwrap();
            assert_eq!(md5_hex(&path).unwrap(), sum);
        }
    }

    #[test]
    fn every_difference_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::create_dir(dir.join("with space")).unwrap();
        fs::write(dir.join("README.md"), "not a fixture").unwrap();
        fs::write(dir.join("with space/é"), "1").unwrap();
        fs::write(dir.join("a"), "1").unwrap();
        assert_eq!(check_manifest(dir).unwrap(), [Fault::Missing(MANIFEST.to_owned())]);

        write_manifest(dir, "").unwrap();
        assert_eq!(check_manifest(dir).unwrap(), []);
        let text = fs::read_to_string(dir.join(MANIFEST)).unwrap();
        assert_eq!(
            text,
            "c4ca4238a0b923820dcc509a6f75849b  a\n\
             c4ca4238a0b923820dcc509a6f75849b  with space/é\n"
        );

        fs::write(dir.join("b"), "").unwrap();
        fs::write(dir.join("a"), "2").unwrap();
        fs::remove_file(dir.join("with space/é")).unwrap();
        let faults = [
            Fault::Changed("a".to_owned()),
            Fault::Missing("with space/é".to_owned()),
            Fault::Unlisted("b".to_owned()),
        ];
        assert_eq!(check_manifest(dir).unwrap(), faults);
        assert_eq!(write_manifest(dir, "").unwrap(), faults);
        assert_eq!(check_manifest(dir).unwrap(), []);
    }

    #[test]
    fn recording_one_folder_hides_no_change_in_another() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        for folder in ["v1", "v10"] {
            fs::create_dir(dir.join(folder)).unwrap();
            fs::write(dir.join(folder).join("a"), "1").unwrap();
        }
        write_manifest(dir, "").unwrap();
        for folder in ["v1", "v10"] {
            fs::write(dir.join(folder).join("a"), "2").unwrap();
        }
        assert_eq!(write_manifest(dir, "v1").unwrap(), [Fault::Changed("v1/a".to_owned())]);
        assert_eq!(check_manifest(dir).unwrap(), [Fault::Changed("v10/a".to_owned())]);
    }

    #[test]
    fn a_checksum_file_written_otherwise_is_malformed() {
        let a = "c4ca4238a0b923820dcc509a6f75849b  a\n";
        let b = "c4ca4238a0b923820dcc509a6f75849b  b\n";
        let faults = |text: &str| parse(text).1.len();
        assert_eq!(faults(""), 0);
        assert_eq!(faults(&format!("{a}{b}")), 0);
        assert_eq!(faults(&format!("{b}{a}")), 1);
        assert_eq!(faults(&format!("{a}{a}")), 1);
        assert_eq!(faults(a.trim_end()), 1);
        assert_eq!(faults(&a.replace("  ", " *")), 1);
        assert_eq!(faults(&a.replace('c', "C")), 1);
        assert_eq!(faults("\n"), 1);
        // A carriage return at the end belongs to the path, which then does not exist.
        assert_eq!(parse(&a.replace('\n', "\r\n")).0.into_keys().collect::<Vec<_>>(), ["a\r"]);
    }
}
