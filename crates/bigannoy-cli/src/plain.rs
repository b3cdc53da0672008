//! Text that others chose, shown so that it stays on its line and moves no terminal's cursor.

use std::fmt;
use std::path::Path;

use bigannoy::descriptor::ByteString;

/// A name or value: as it is where it is plain text, else in quotes and escaped.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => format!("{:?}", ByteString::from(bytes)),
    }
}

/// A path, likewise.
pub(crate) fn path(path: &Path) -> String {
    text(path.as_os_str().as_encoded_bytes())
}

/// Passes text on with control characters escaped, for messages that have names in them.
pub(crate) struct Escaped<'a, 'f>(pub(crate) &'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(char::is_control) {
            let plain = piece.trim_end_matches(char::is_control);
            self.0.write_str(plain)?;
            write!(self.0, "{}", piece[plain.len()..].escape_debug())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_quoted_and_nothing_else() {
        assert_eq!(text("é \"x\"".as_bytes()), "é \"x\"");
        assert_eq!(text(b"a\nrows: 9"), "\"a\\nrows: 9\"");
        assert_eq!(text(b"\x1b[2J"), "\"\\u{1b}[2J\"");
        assert_eq!(text(b"caf\xe9"), "\"caf\\xe9\"");
        assert_eq!(path(Path::new("a/b c")), "a/b c");
        assert_eq!(path(Path::new("a\rb")), "\"a\\rb\"");
    }
}
