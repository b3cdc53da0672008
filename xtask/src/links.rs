//! `cargo xtask links`: checks where the links in the Markdown files point to.
//!
//! Files and folders have to exist, anchors have to be headings of the file they point into.
//! Addresses on the web are looked at, not visited.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::markdown;
use crate::run::{Failure, Outcome, outcome, root};

/// Documents that have to be there.
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/fixtures/README.md"];

/// What a path leads to.
enum Entry {
    Folder,
    File(Vec<u8>),
}

/// Checks every document, and the README of each crate that has one.
pub(crate) fn links() -> Outcome {
    let root = root();
    let lookup = |path: &Path| {
        let full = root.join(path);
        if full.is_dir() { Some(Entry::Folder) } else { fs::read(full).ok().map(Entry::File) }
    };
    let mut documents: Vec<PathBuf> = DOCUMENTS.iter().map(PathBuf::from).collect();
    let crates = fs::read_dir(root.join("crates"))
        .map_err(|e| Failure::from(format!("cannot read crates: {e}")))?;
    let mut readmes: Vec<PathBuf> = crates
        .filter_map(|entry| {
            Some(Path::new("crates").join(entry.ok()?.file_name()).join("README.md"))
        })
        .filter(|path| root.join(path).is_file())
        .collect();
    readmes.sort();
    documents.append(&mut readmes);

    let mut faults = Vec::new();
    let mut count = 0;
    for document in &documents {
        let name = document.display();
        match fs::read_to_string(root.join(document)) {
            Err(e) => faults.push(format!("cannot read {name}: {e}")),
            Ok(text) => {
                for (line, target) in markdown::links(&text) {
                    count += 1;
                    if let Some(fault) = fault(document, &target, &lookup) {
                        faults.push(format!("{name}:{line}: `{target}`: {fault}"));
                    }
                }
            }
        }
    }
    if faults.is_empty() {
        println!("links: {count} in {} files, all of them good", documents.len());
    }
    outcome(faults)
}

/// What is wrong with a link from `document` to `target`, if anything is. Paths are seen from
/// the root of the repository.
fn fault(document: &Path, target: &str, lookup: &dyn Fn(&Path) -> Option<Entry>) -> Option<String> {
    if let Some(rest) = target.strip_prefix("https://").or(target.strip_prefix("http://")) {
        return (!is_web_address(rest)).then(|| "not a web address".to_owned());
    }
    if let Some(address) = target.strip_prefix("mailto:") {
        return (!address.contains('@')).then(|| "not a mail address".to_owned());
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    if path.contains(':') {
        return Some("neither a path nor a web address".to_owned());
    }
    if path.starts_with('/') {
        return Some("an absolute path".to_owned());
    }
    if target.is_empty() {
        return Some("an empty link".to_owned());
    }
    let Some(path) = decoded(path) else { return Some("a `%` that stands for nothing".to_owned()) };
    let path = if path.is_empty() {
        document.to_path_buf()
    } else {
        let Some(path) = resolved(document, &path) else {
            return Some("leaves the repository".to_owned());
        };
        path
    };
    let Some(entry) = lookup(&path) else { return Some("no such file or folder".to_owned()) };
    let anchor = anchor?;
    let is_there = match entry {
        Entry::Folder => false,
        Entry::File(bytes) if path.extension() == Some(OsStr::new("md")) => {
            markdown::anchors(&String::from_utf8_lossy(&bytes)).contains(anchor)
        }
        Entry::File(bytes) => {
            let lines = String::from_utf8_lossy(&bytes).lines().count();
            line_numbers(anchor).is_some_and(|last| (1..=lines).contains(&last))
        }
    };
    (!is_there).then(|| format!("no such place in {}", path.display()))
}

/// Whether `rest`, what follows `https://`, is a host and perhaps a path.
fn is_web_address(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = !host.is_empty()
        && !host.starts_with(['.', '-'])
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'));
    is_host && !rest.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`'))
}

/// The last line named by an anchor such as `L3` or `L3-L7`.
fn line_numbers(anchor: &str) -> Option<usize> {
    let number = |part: &str| part.strip_prefix('L')?.parse::<usize>().ok();
    match anchor.split_once('-') {
        None => number(anchor),
        Some((first, last)) => {
            number(last).filter(|last| number(first).is_some_and(|f| f <= *last))
        }
    }
}

/// `path` with every `%20` and the like replaced by the byte it stands for.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

/// Where `path` leads from the folder of `document`; `None` if that is outside the repository.
fn resolved(document: &Path, path: &str) -> Option<PathBuf> {
    let mut out = document.parent()?.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(path: &Path) -> Option<Entry> {
        match path.to_str()? {
            "" | "crates" | "crates/x" => Some(Entry::Folder),
            "README.md" => Some(Entry::File(b"# Top\n## Two words\n".to_vec())),
            "crates/x/README.md" => Some(Entry::File(b"# X\n".to_vec())),
            "crates/x/a b.rs" => Some(Entry::File(b"1\n2\n3\n".to_vec())),
            _ => None,
        }
    }

    fn from(document: &str, target: &str) -> Option<String> {
        fault(Path::new(document), target, &lookup)
    }

    #[test]
    fn good_links() {
        for target in [
            "crates/",
            "crates/x/README.md#x",
            "#two-words",
            "./README.md",
            "crates/x/a%20b.rs#L2",
            "crates/x/a b.rs#L1-L3",
            "https://example.org",
            "https://example.org/a_(b)?c=d#e",
            "mailto:a@example.org",
        ] {
            assert_eq!(from("README.md", target), None, "{target}");
        }
        assert_eq!(from("crates/x/README.md", "../../README.md#top"), None);
        assert_eq!(from("crates/x/README.md", "../.."), None);
    }

    #[test]
    fn bad_links() {
        for (target, says) in [
            ("", "empty"),
            ("nowhere.md", "no such file"),
            ("#three", "no such place in README.md"),
            ("crates/x/README.md#y", "no such place"),
            ("crates#x", "no such place"),
            ("crates/x/a b.rs#L4", "no such place"),
            ("crates/x/a b.rs#L0", "no such place"),
            ("crates/x/a b.rs#L3-L2", "no such place"),
            ("../README.md", "leaves the repository"),
            ("/etc/passwd", "absolute"),
            ("a%2", "stands for nothing"),
            ("a%+1", "stands for nothing"),
            ("ftp://example.org", "neither"),
            ("https://", "not a web address"),
            ("https://exa mple.org", "not a web address"),
            ("mailto:me", "not a mail address"),
        ] {
            let fault = from("README.md", target);
            assert!(fault.as_ref().is_some_and(|f| f.contains(says)), "{target}: {fault:?}");
        }
    }
}
