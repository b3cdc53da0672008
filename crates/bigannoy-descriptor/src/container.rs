//! The forms in which R keeps a descriptor in binary, told by their first bytes.

use std::fmt;

/// A binary form in which R keeps descriptors, told by its first bytes; other bytes are text.
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
    /// RDS in the byte order of the machine, uncompressed; read as little-endian.
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

#[cfg(test)]
mod tests {
    use super::Container;

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        assert_eq!(Container::detect(b"\x1f\x8b\x08"), Some(Container::Gzip));
        assert_eq!(Container::detect(b"BZh9"), Some(Container::Bzip2));
        assert_eq!(Container::detect(b"\xfd7zXZ\0\0"), Some(Container::Xz));
        assert_eq!(Container::detect(b"X\n\0"), Some(Container::Xdr));
        assert_eq!(Container::detect(b"B\n\x03"), Some(Container::Native));
        assert_eq!(Container::detect(b"A\n3\n"), Some(Container::Ascii));
        assert_eq!(Container::detect(b"new("), None);
        assert_eq!(Container::detect(b""), None);
    }
}
