//! Strings as R keeps them: bytes, usually but not always UTF-8.

use std::borrow::Cow;
use std::fmt;

/// A string of R: bytes that are UTF-8 nearly always, but need not be.
///
/// Names written in a latin1 locale, for instance, arrive as single bytes. They are kept as they
/// are, so that they can be written back and compared exactly.
///
/// `Display` shows bytes that are not UTF-8 as U+FFFD, `Debug` as `\xe9`.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteString(Vec<u8>);

impl ByteString {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, or `None` where the bytes are not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text, with U+FFFD in place of what is not UTF-8.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The bytes, owned.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_string_lossy())
    }
}

impl fmt::Debug for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str("\"")
    }
}

impl AsRef<[u8]> for ByteString {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for ByteString {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for ByteString {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&[u8]> for ByteString {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Vec<u8>> for ByteString {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl PartialEq<str> for ByteString {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for ByteString {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::ByteString;

    #[test]
    fn bytes_outside_utf8_are_kept_and_shown() {
        let name = ByteString::from(&b"caf\xe9\"\n"[..]);
        assert_eq!(name.as_bytes(), b"caf\xe9\"\n");
        assert_eq!(name.as_str(), None);
        assert_eq!(name.to_string(), "caf\u{fffd}\"\n");
        assert_eq!(format!("{name:?}"), r#""caf\xe9\"\n""#);
    }

    #[test]
    fn text_is_kept_as_utf8() {
        let name = ByteString::from("日本");
        assert_eq!(name.as_str(), Some("日本"));
        assert_eq!(format!("{name:?}"), "\"日本\"");
        assert_eq!(name, "日本");
        assert_eq!(name.len(), 6);
    }
}
