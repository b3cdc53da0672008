//! Writers whose errors say what was written to.

use std::io::{self, StdoutLock, Write};

/// A writer whose errors say what was written to.
pub(crate) struct Told<W> {
    out: W,
    what: String,
}

/// Standard output.
pub(crate) fn stdout() -> Told<StdoutLock<'static>> {
    Told::new(io::stdout().lock(), "to standard output")
}

impl<W> Told<W> {
    /// `what` follows "cannot write" in messages.
    pub(crate) fn new(out: W, what: impl Into<String>) -> Self {
        Told { out, what: what.into() }
    }

    fn tell(&self, error: &io::Error) -> io::Error {
        // The kind stays: a closed pipe is known by it.
        io::Error::new(error.kind(), format!("cannot write {}: {error}", self.what))
    }
}

impl<W: Write> Write for Told<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).map_err(|error| self.tell(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(|error| self.tell(&error))
    }
}
