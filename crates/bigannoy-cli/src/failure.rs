//! One message for all that went wrong.

use std::error::Error;
use std::fmt::{self, Write};
use std::io;

use crate::plain::Escaped;

/// A failure of any kind; shown as its message and those of its causes, in one line, whatever
/// names are in them.
#[derive(Debug)]
pub(crate) struct Failure(Box<dyn Error>);

impl<E: Into<Box<dyn Error>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.into())
    }
}

impl Failure {
    /// Whether standard output was closed by its reader.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        let first: &(dyn Error + 'static) = &*self.0;
        std::iter::successors(Some(first), |&error| error.source())
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Escaped(f);
        let mut shown = self.0.to_string();
        out.write_str(&shown)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Some errors repeat their cause's message.
            if !shown.ends_with(&message) {
                write!(out, ": {message}")?;
            }
            shown = message;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_names_are_in_it() {
        let failure = Failure::from("cannot open a\nerror: b\x1b[2J\x07: é");
        assert_eq!(failure.to_string(), "cannot open a\\nerror: b\\u{1b}[2J\\u{7}: é");
    }
}
