//! Places in a descriptor.

use std::fmt;

/// A place in a descriptor.
///
/// `Display` shows `line:column` for texts and `byte offset` for RDS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Position {
    /// A place in a text, both numbers from 1.
    Text {
        /// The line.
        line: u32,
        /// The column, in bytes.
        column: u32,
    },
    /// A byte of an RDS, from 0: of the stream as it is after expansion, where it is compressed.
    Byte(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { line, column } => write!(f, "{line}:{column}"),
            Self::Byte(offset) => write!(f, "byte {offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn positions_say_what_they_count() {
        assert_eq!(Position::Text { line: 3, column: 14 }.to_string(), "3:14");
        assert_eq!(Position::Byte(0).to_string(), "byte 0");
    }
}
