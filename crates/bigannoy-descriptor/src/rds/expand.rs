//! What a compressed RDS holds, up to a limit.

use std::io::Read;

use flate2::bufread::GzDecoder;

use crate::{Container, ParseError, Position};

/// Bytes to which a compressed RDS may expand, 256 MiB: as much as a file may hold that is not
/// compressed.
pub const MAX_EXPANDED_BYTES: u64 = crate::MAX_FILE_BYTES;

/// Times its own length to which a compressed RDS may expand beyond [`FREE_EXPANDED_BYTES`].
/// Names that R writes shrink to a tenth or so; only files made to harm become 128 times larger.
pub const MAX_EXPANSION: u64 = 128;

/// Bytes to which a compressed RDS of any length may expand, 16 MiB.
pub const FREE_EXPANDED_BYTES: u64 = 16 << 20;

/// Memory that the xz decoder may take: its presets need up to 64 MiB and a little more.
#[cfg(feature = "xz")]
const XZ_MEMORY_KIB: u32 = 66 << 10;

/// Bytes that `compressed` bytes may become.
pub(super) fn limit(compressed: usize) -> u64 {
    let grown = (compressed as u64).saturating_mul(MAX_EXPANSION);
    grown.clamp(FREE_EXPANDED_BYTES, MAX_EXPANDED_BYTES)
}

/// The content of a compressed RDS; other containers are not to be given.
pub(super) fn expand(container: Container, bytes: &[u8]) -> Result<Vec<u8>, ParseError> {
    let limit = limit(bytes.len());
    let mut content = Content { container, limit, expanded: Vec::new() };
    let rest = match container {
        Container::Bzip2 => bzip2(&mut content, bytes)?,
        Container::Xz => xz(&mut content, bytes)?,
        _ => {
            let mut decoder = GzDecoder::new(bytes);
            content.fill(&mut decoder)?;
            decoder.into_inner()
        }
    };
    if rest.is_empty() {
        Ok(content.expanded)
    } else {
        Err(content.damaged("other bytes follow its end".to_owned()))
    }
}

#[cfg(feature = "bzip2")]
fn bzip2<'a>(content: &mut Content, bytes: &'a [u8]) -> Result<&'a [u8], ParseError> {
    let mut decoder = bzip2::bufread::BzDecoder::new(bytes);
    content.fill(&mut decoder)?;
    Ok(decoder.into_inner())
}

#[cfg(not(feature = "bzip2"))]
fn bzip2<'a>(content: &mut Content, _: &'a [u8]) -> Result<&'a [u8], ParseError> {
    Err(ParseError::Unsupported { container: content.container, feature: "bzip2" })
}

#[cfg(feature = "xz")]
fn xz<'a>(content: &mut Content, bytes: &'a [u8]) -> Result<&'a [u8], ParseError> {
    let mut decoder = lzma_rust2::XzReader::new_mem_limit(bytes, false, XZ_MEMORY_KIB);
    content.fill(&mut decoder)?;
    Ok(decoder.into_inner())
}

#[cfg(not(feature = "xz"))]
fn xz<'a>(content: &mut Content, _: &'a [u8]) -> Result<&'a [u8], ParseError> {
    Err(ParseError::Unsupported { container: content.container, feature: "xz" })
}

/// Expanded bytes, and what is known of where they come from.
struct Content {
    container: Container,
    limit: u64,
    expanded: Vec<u8>,
}

impl Content {
    /// Everything that `decoder` gives.
    fn fill(&mut self, decoder: &mut impl Read) -> Result<(), ParseError> {
        let read = decoder.take(self.limit + 1).read_to_end(&mut self.expanded);
        read.map_err(|error| self.damaged(error.to_string()))?;
        let at = Position::Byte(self.limit);
        let Self { container, limit, .. } = *self;
        if self.expanded.len() as u64 > limit {
            return Err(ParseError::TooLarge { at, container, limit });
        }
        Ok(())
    }

    fn damaged(&self, reason: String) -> ParseError {
        let at = Position::Byte(self.expanded.len() as u64);
        ParseError::Damaged { at, container: self.container, reason }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{FREE_EXPANDED_BYTES, MAX_EXPANDED_BYTES, expand, limit};
    use crate::{Container, ParseError};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn limits_grow_with_the_length_of_the_compressed_data() {
        assert_eq!(limit(0), FREE_EXPANDED_BYTES);
        assert_eq!(limit(1 << 20), 128 << 20);
        assert_eq!(limit(usize::MAX), MAX_EXPANDED_BYTES);
    }

    #[test]
    fn little_data_may_become_16_mib_and_no_more() {
        let most = usize::try_from(FREE_EXPANDED_BYTES).unwrap();
        let zeros = vec![0; most + 1];
        assert_eq!(expand(Container::Gzip, &gzip(&zeros[..most])).unwrap().len(), most);
        let error = expand(Container::Gzip, &gzip(&zeros)).unwrap_err();
        assert!(matches!(error, ParseError::TooLarge { limit: FREE_EXPANDED_BYTES, .. }));
        let message = "byte 16777216: cannot expand a gzip-compressed RDS: becomes larger than \
                       16777216 bytes";
        assert_eq!(error.to_string(), message);
    }

    /// `X` and a line feed, with a dictionary of 1.5 GiB (`0x25`) in the header of the block.
    #[cfg(feature = "xz")]
    const LARGE_DICTIONARY: &[u8] = b"\xfd7zXZ\0\0\x01i\x22\xde6\x02\0!\x01%\0\0\0;x{A\
        \x01\0\x01X\x0a\0\0\0\xbd,n\xd3\0\x01\x16\x02\xd0a\x10\xd2\x90B\x99\x0d\x01\0\0\0\0\x01YZ";

    #[test]
    #[cfg(feature = "xz")]
    fn the_dictionary_of_xz_is_limited() {
        let error = expand(Container::Xz, LARGE_DICTIONARY).unwrap_err();
        assert!(matches!(error, ParseError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("memory"), "{error}");
        // The largest preset asks for 64 MiB.
        let mut bytes = LARGE_DICTIONARY.to_vec();
        bytes[16] = 0x1c;
        bytes[20..24].copy_from_slice(b"\x10\xcf\x58\xcc");
        assert_eq!(expand(Container::Xz, &bytes).unwrap(), b"X\n");
    }

    #[test]
    fn what_follows_the_compressed_data_is_refused() {
        let mut bytes = gzip(b"abc");
        assert_eq!(expand(Container::Gzip, &bytes).unwrap(), b"abc");
        bytes.push(0);
        let error = expand(Container::Gzip, &bytes).unwrap_err();
        let message = "byte 3: cannot expand a gzip-compressed RDS: other bytes follow its end";
        assert_eq!(error.to_string(), message);
    }
}
