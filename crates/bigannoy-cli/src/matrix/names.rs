//! Names of rows and columns.

use std::path::Path;

use bigannoy::BigMatrix;
use bigannoy::descriptor::ByteString;
use bigannoy::storage::{Access, OpenFile, StorageError};

use crate::plain;

/// The lines of a file.
pub(super) fn lines(path: &Path) -> Result<Vec<ByteString>, StorageError> {
    let mut text = Vec::new();
    let mut file = OpenFile::open(path, Access::ReadOnly)?.into_file();
    std::io::Read::read_to_end(&mut file, &mut text).map_err(StorageError::io("read", path))?;
    // The end of the last line begins no other.
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let line = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).into();
    Ok(if text.is_empty() {
        Vec::new()
    } else {
        text.split(|&byte| byte == b'\n').map(line).collect()
    })
}

/// The names of the rows, which were asked for.
pub(super) fn rows(matrix: &BigMatrix) -> Result<&[ByteString], String> {
    matrix.row_names().ok_or_else(|| lacking(matrix, "row names", "--row-names"))
}

/// The names of the columns, which were asked for.
pub(super) fn cols(matrix: &BigMatrix) -> Result<&[ByteString], String> {
    matrix.col_names().ok_or_else(|| lacking(matrix, "column names", "--header"))
}

fn lacking(matrix: &BigMatrix, names: &str, option: &str) -> String {
    format!("{} has no {names}: leave out {option}", matrix.name())
}

/// A name, or without names its number from 1. Nothing in it moves a terminal's cursor.
pub(super) fn label(names: Option<&[ByteString]>, at: usize) -> String {
    match names.and_then(|names| names.get(at)) {
        None => (at + 1).to_string(),
        Some(name) => plain::text(name.as_bytes()),
    }
}
