//! Why a text is not a usable descriptor.

use std::fmt;

use crate::Field;
use crate::value::Position;

/// A binary form in which R also keeps descriptors, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// gzip around RDS: what R writes when it is asked for a binary descriptor.
    Gzip,
    /// bzip2 around RDS.
    Bzip2,
    /// xz around RDS.
    Xz,
    /// RDS in big-endian (XDR) form, uncompressed.
    Xdr,
    /// RDS in the byte order of the machine, uncompressed.
    Native,
    /// RDS in decimal digits.
    Ascii,
}

impl Container {
    /// The container that starts with these bytes, or `None` where they are no known one.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        let starts: [(&[u8], Self); 6] = [
            (b"\x1f\x8b", Self::Gzip),
            (b"BZh", Self::Bzip2),
            (b"\xfd7zXZ\0", Self::Xz),
            (b"X\n", Self::Xdr),
            (b"B\n", Self::Native),
            (b"A\n", Self::Ascii),
        ];
        starts.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, found)| found)
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gzip => "a gzip-compressed RDS",
            Self::Bzip2 => "a bzip2-compressed RDS",
            Self::Xz => "an xz-compressed RDS",
            Self::Xdr => "an uncompressed XDR RDS",
            Self::Native => "an uncompressed native RDS",
            Self::Ascii => "an ASCII RDS",
        })
    }
}

/// Why a text could not be used as a descriptor.
///
/// Lines and columns count from 1, columns in bytes. Messages start with `line:column: ` wherever
/// there is a place to point at.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// These are not the bytes of a text but of R's binary form.
    #[error("this is {container} descriptor; only text descriptors are read by this version")]
    Container {
        /// What it is instead.
        container: Container,
    },
    /// The text stops being the literal of a descriptor.
    #[error("{line}:{column}: expected {expected}, found {found}")]
    Syntax {
        /// Line of the first byte that does not fit.
        line: u32,
        /// Column of that byte.
        column: u32,
        /// What could have stood there.
        expected: &'static str,
        /// What stands there, quoted and shortened.
        found: String,
    },
    /// Calls, parentheses and braces stand deeper within each other than [`MAX_DEPTH`].
    ///
    /// [`MAX_DEPTH`]: crate::MAX_DEPTH
    #[error("{line}:{column}: nested deeper than {limit} levels")]
    TooDeep {
        /// Line of the opening that went too deep.
        line: u32,
        /// Column of that opening.
        column: u32,
        /// The number of levels allowed.
        limit: u32,
    },
    /// The lists and ranges of the text hold more values than [`MAX_VALUES`].
    ///
    /// [`MAX_VALUES`]: crate::MAX_VALUES
    #[error("{line}:{column}: lists and ranges hold more than {limit} values")]
    TooManyValues {
        /// Line of the value or range that went beyond.
        line: u32,
        /// Column of that value or range.
        column: u32,
        /// The number of values allowed in one text.
        limit: usize,
    },
    /// An object, but of another class.
    #[error("{line}:{column}: expected class \"big.matrix.descriptor\", found {found}")]
    Class {
        /// Line of the class.
        line: u32,
        /// Column of the class.
        column: u32,
        /// The class that stands there, quoted and shortened.
        found: String,
    },
    /// A field without which nothing can be found is absent or `NULL`.
    #[error("{line}:{column}: the description has no {field}")]
    MissingField {
        /// The field.
        field: Field,
        /// Line on which the description starts.
        line: u32,
        /// Column at which the description starts.
        column: u32,
    },
    /// A field holds a value of another type or length.
    #[error("{line}:{column}: {field}: expected {expected}, found {found}")]
    WrongType {
        /// The field.
        field: Field,
        /// Line of the value.
        line: u32,
        /// Column of the value.
        column: u32,
        /// What the field should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A field holds `NA`.
    #[error("{line}:{column}: {field}: expected {expected}, found NA")]
    MissingValue {
        /// The field.
        field: Field,
        /// Line of the value.
        line: u32,
        /// Column of the value.
        column: u32,
        /// What the field should hold.
        expected: &'static str,
    },
    /// An extent or offset that no matrix has: negative, zero rows or columns, not finite, or
    /// above [`MAX_EXTENT`].
    ///
    /// [`MAX_EXTENT`]: crate::MAX_EXTENT
    #[error("{line}:{column}: {field}: expected {expected}, found {found}")]
    OutOfRange {
        /// The field.
        field: Field,
        /// Line of the value.
        line: u32,
        /// Column of the value.
        column: u32,
        /// The values that make sense.
        expected: &'static str,
        /// The value itself.
        found: f64,
    },
    /// `type` or `sharedType` holds a word without a meaning.
    #[error("{line}:{column}: {field}: expected {expected}, found {found}")]
    UnknownName {
        /// The field.
        field: Field,
        /// Line of the value.
        line: u32,
        /// Column of the value.
        column: u32,
        /// The words that mean something.
        expected: &'static str,
        /// The word that stands there, quoted and shortened.
        found: String,
    },
}

const _: () = assert!(size_of::<ParseError>() <= 64);

impl ParseError {
    /// `(line, column)` of the place in the text, both from 1, or `None` where the bytes are no
    /// text at all.
    #[must_use]
    pub fn position(&self) -> Option<(u32, u32)> {
        match *self {
            Self::Container { .. } => None,
            Self::Syntax { line, column, .. }
            | Self::TooDeep { line, column, .. }
            | Self::TooManyValues { line, column, .. }
            | Self::Class { line, column, .. }
            | Self::MissingField { line, column, .. }
            | Self::WrongType { line, column, .. }
            | Self::MissingValue { line, column, .. }
            | Self::OutOfRange { line, column, .. }
            | Self::UnknownName { line, column, .. } => Some((line, column)),
        }
    }

    pub(crate) fn syntax(at: Position, expected: &'static str, found: String) -> Self {
        Self::Syntax { line: at.line, column: at.column, expected, found }
    }
}

/// Bytes shown in a message, at most; the rest becomes an ellipsis.
const SHOWN_BYTES: usize = 40;

/// `bytes` in double quotes, escaped and shortened, for a message.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let mut text = String::from("\"");
    for chunk in shown.utf8_chunks() {
        text.extend(chunk.valid().escape_debug());
        // A character cut in half by the limit is not worth showing.
        if shown.len() == bytes.len() || chunk.invalid().len() == 1 {
            text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        }
    }
    text.push_str(if shown.len() < bytes.len() { "…\"" } else { "\"" });
    text
}

#[cfg(test)]
mod tests {
    use super::{Container, ParseError, quote};

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        assert_eq!(Container::detect(b"\x1f\x8b\x08"), Some(Container::Gzip));
        assert_eq!(Container::detect(b"\xfd7zXZ\0\0"), Some(Container::Xz));
        assert_eq!(Container::detect(b"X\n\0"), Some(Container::Xdr));
        assert_eq!(Container::detect(b"new("), None);
        assert_eq!(Container::detect(b""), None);
        let error = ParseError::Container { container: Container::Gzip };
        assert_eq!(
            error.to_string(),
            "this is a gzip-compressed RDS descriptor; only text descriptors are read by this \
             version"
        );
        assert_eq!(error.position(), None);
    }

    #[test]
    fn quoted_text_is_escaped_and_short() {
        assert_eq!(quote(b"a\"b\n\xe9"), r#""a\"b\n\xe9""#);
        let long = quote(&[b'x'; 1000]);
        assert_eq!(long, format!("\"{}…\"", "x".repeat(40)));
        assert_eq!(quote("é".repeat(21).as_bytes()), format!("\"{}…\"", "é".repeat(20)));
    }
}
