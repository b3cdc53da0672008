//! The corpus of descriptors made by R.

use std::fs;
use std::path::PathBuf;

/// A file of the corpus.
pub(crate) fn path(relative: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/bigmemory");
    PathBuf::from(root).join(relative)
}

/// The bytes of a file of the corpus.
pub(crate) fn bytes(relative: &str) -> Vec<u8> {
    let path = path(relative);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
