//! Why a text or an RDS is not a usable descriptor.

use crate::{Container, Field, Position};

/// Why a text or an RDS could not be used as a descriptor.
///
/// Messages start with the [`Position`] and `: ` wherever there is a place to point at.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The descriptor is compressed in a way that this build does not read.
    #[error("this is {container} descriptor; the cargo feature `{feature}` reads it")]
    Unsupported {
        /// What holds the descriptor.
        container: Container,
        /// The feature of this crate that would have read it.
        feature: &'static str,
    },
    /// The compressed data around an RDS is cut short or damaged.
    #[error("{at}: cannot expand {container}: {reason}")]
    Damaged {
        /// Where the expanded stream ends.
        at: Position,
        /// What holds the descriptor.
        container: Container,
        /// What is wrong with it.
        reason: String,
    },
    /// The compressed data around an RDS becomes too large: see [`MAX_EXPANDED_BYTES`] and
    /// [`MAX_EXPANSION`].
    ///
    /// [`MAX_EXPANDED_BYTES`]: crate::MAX_EXPANDED_BYTES
    /// [`MAX_EXPANSION`]: crate::MAX_EXPANSION
    #[error("{at}: cannot expand {container}: becomes larger than {limit} bytes")]
    TooLarge {
        /// Where the expanded stream went beyond the limit.
        at: Position,
        /// What holds the descriptor.
        container: Container,
        /// The number of bytes that are allowed for data of this length.
        limit: u64,
    },
    /// The text stops being the literal of a descriptor, or the RDS its serialization.
    #[error("{at}: expected {expected}, found {found}")]
    Syntax {
        /// The first byte that does not fit, or the item that starts there.
        at: Position,
        /// What could have stood there.
        expected: &'static str,
        /// What stands there, quoted and shortened.
        found: String,
    },
    /// Calls, parentheses and braces, or the items of an RDS, stand deeper within each other than
    /// [`MAX_DEPTH`].
    ///
    /// [`MAX_DEPTH`]: crate::MAX_DEPTH
    #[error("{at}: nested deeper than {limit} levels")]
    TooDeep {
        /// The opening or item that went too deep.
        at: Position,
        /// The number of levels allowed.
        limit: u32,
    },
    /// The descriptor holds more values than [`MAX_VALUES`], strings aside.
    ///
    /// [`MAX_VALUES`]: crate::MAX_VALUES
    #[error("{at}: more than {limit} numbers and elements of lists")]
    TooManyValues {
        /// The value or range that went beyond.
        at: Position,
        /// The number of values allowed in one descriptor.
        limit: usize,
    },
    /// The vectors of the descriptor hold more strings than [`MAX_STRINGS`].
    ///
    /// [`MAX_STRINGS`]: crate::MAX_STRINGS
    #[error("{at}: more than {limit} strings")]
    TooManyStrings {
        /// The string that is too much.
        at: Position,
        /// The number of strings allowed.
        limit: usize,
    },
    /// An object, but of another class.
    #[error("{at}: expected class \"big.matrix.descriptor\", found {found}")]
    Class {
        /// Where the class stands.
        at: Position,
        /// The class that stands there, quoted and shortened.
        found: String,
    },
    /// A field without which nothing can be found is absent or `NULL`.
    #[error("{at}: the description has no {field}")]
    MissingField {
        /// The field.
        field: Field,
        /// Where the description starts.
        at: Position,
    },
    /// A field holds a value of another type or length.
    #[error("{at}: {field}: expected {expected}, found {found}")]
    WrongType {
        /// The field.
        field: Field,
        /// Where the value stands.
        at: Position,
        /// What the field should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A field holds `NA`.
    #[error("{at}: {field}: expected {expected}, found NA")]
    MissingValue {
        /// The field.
        field: Field,
        /// Where the value stands.
        at: Position,
        /// What the field should hold.
        expected: &'static str,
    },
    /// An extent or offset that no matrix has: negative, zero rows or columns, not finite, or
    /// above [`MAX_EXTENT`].
    ///
    /// [`MAX_EXTENT`]: crate::MAX_EXTENT
    #[error("{at}: {field}: expected {expected}, found {found}")]
    OutOfRange {
        /// The field.
        field: Field,
        /// Where the value stands.
        at: Position,
        /// The values that make sense.
        expected: &'static str,
        /// The value itself.
        found: f64,
    },
    /// `type` or `sharedType` holds a word without a meaning.
    #[error("{at}: {field}: expected {expected}, found {found}")]
    UnknownName {
        /// The field.
        field: Field,
        /// Where the value stands.
        at: Position,
        /// The words that mean something.
        expected: &'static str,
        /// The word that stands there, quoted and shortened.
        found: String,
    },
}

const _: () = assert!(size_of::<ParseError>() <= 64);

impl ParseError {
    /// The place in the text or in the RDS, or `None` where neither was looked into.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match *self {
            Self::Unsupported { .. } => None,
            Self::Damaged { at, .. }
            | Self::TooLarge { at, .. }
            | Self::Syntax { at, .. }
            | Self::TooDeep { at, .. }
            | Self::TooManyValues { at, .. }
            | Self::TooManyStrings { at, .. }
            | Self::Class { at, .. }
            | Self::MissingField { at, .. }
            | Self::WrongType { at, .. }
            | Self::MissingValue { at, .. }
            | Self::OutOfRange { at, .. }
            | Self::UnknownName { at, .. } => Some(at),
        }
    }

    pub(crate) fn syntax(at: Position, expected: &'static str, found: String) -> Self {
        Self::Syntax { at, expected, found }
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
    use super::{ParseError, quote};
    use crate::Container;

    #[test]
    fn what_this_build_does_not_read_is_named() {
        let error = ParseError::Unsupported { container: Container::Xz, feature: "xz" };
        let message = "this is an xz-compressed RDS descriptor; the cargo feature `xz` reads it";
        assert_eq!(error.to_string(), message);
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
