//! Writing tables to files, in the form that the name of the file says.

use std::path::Path;

use crate::{ReportError, Table};

/// The forms of a table in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line of names, then a line for each row.
    Csv,
    /// An object for each row, one to a line.
    JsonLines,
}

impl Format {
    /// The form that the ending of `path` asks for: `.csv`, or `.jsonl`.
    ///
    /// # Errors
    /// [`ReportError::Ending`] for any other ending.
    pub fn of_path(path: &Path) -> Result<Self, ReportError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(Format::Csv),
            Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
            _ => {
                let path = path.to_path_buf();
                Err(ReportError::Ending { path, expected: ".csv or .jsonl" })
            }
        }
    }
}

/// Writes `table` to `path`, as CSV or JSON lines by the ending of the name. A file that is there is
/// replaced.
///
/// # Errors
/// [`ReportError`]: another ending, or the file cannot be written.
pub fn write_table(table: &Table, path: &Path) -> Result<(), ReportError> {
    let text = match Format::of_path(path)? {
        Format::Csv => table.to_csv(),
        Format::JsonLines => table.to_json_lines(),
    };
    write(path, text.as_bytes())
}

impl Table {
    /// Checks, ahead of the work, that [`write_table`] can write a table under this name, as far as
    /// the name and its directory tell.
    ///
    /// # Errors
    /// [`ReportError::Ending`], [`ReportError::Directory`].
    pub fn check_path(path: &Path) -> Result<(), ReportError> {
        Format::of_path(path)?;
        check_directory(path)
    }
}

/// Fails where the directory of a file is not there.
pub(crate) fn check_directory(path: &Path) -> Result<(), ReportError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if directory.is_dir() {
        return Ok(());
    }
    Err(ReportError::Directory { path: path.to_path_buf(), directory: directory.to_path_buf() })
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    std::fs::write(path, bytes)
        .map_err(|source| ReportError::Write { path: path.to_path_buf(), source })
}
