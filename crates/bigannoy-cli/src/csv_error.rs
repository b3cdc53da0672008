//! What the system said of CSV that could not be read or written.

use std::io;

/// What the system said of a line that could not be read or written.
pub(crate) fn system_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
