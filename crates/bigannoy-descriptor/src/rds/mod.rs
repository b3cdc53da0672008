//! The binary form of descriptors: what R's `saveRDS` writes.
//!
//! Lengths are compared with the bytes that are there before anything is made for them, and
//! nothing is evaluated. The format is that of R's `serialize.c`.

mod altrep;
mod expand;
mod item;
mod reader;
mod stream;
mod writer;

use crate::error::{ParseError, quote};
use crate::value::Instance;
use crate::{Container, Position};
use reader::Reader;
use stream::{Encoding, Stream};

pub use expand::{FREE_EXPANDED_BYTES, MAX_EXPANDED_BYTES, MAX_EXPANSION};
pub(crate) use writer::write;

/// Versions of the format with which R writes objects: 2 until R 3.5, 3 since.
const VERSIONS: [i32; 2] = [2, 3];

/// Reads an RDS that holds one object and nothing else.
pub(crate) fn parse(container: Container, bytes: &[u8]) -> Result<Instance, ParseError> {
    match container {
        Container::Gzip | Container::Bzip2 | Container::Xz => {
            instance(&expand::expand(container, bytes)?)
        }
        Container::Xdr | Container::Native | Container::Ascii => instance(bytes),
    }
}

/// The object in an uncompressed stream.
fn instance(bytes: &[u8]) -> Result<Instance, ParseError> {
    let encoding = match Container::detect(bytes) {
        Some(Container::Xdr) => Encoding::Xdr,
        Some(Container::Native) => Encoding::Native,
        Some(Container::Ascii) => Encoding::Ascii,
        _ => {
            let found = quote(&bytes[..bytes.len().min(2)]);
            return Err(ParseError::syntax(Position::Byte(0), "the start of an RDS", found));
        }
    };
    let mut stream = Stream::new(bytes, 2, encoding);
    header(&mut stream)?;
    let mut reader = Reader::new(stream);
    let instance = reader.instance()?;
    reader.finish()?;
    Ok(instance)
}

/// The version, the R that wrote the stream, the oldest R that reads it, and in version 3 the
/// encoding of strings without a mark, which are bytes to us.
fn header(stream: &mut Stream<'_>) -> Result<(), ParseError> {
    let at = stream.at();
    let version = stream.int()?;
    if !VERSIONS.contains(&version) {
        let expected = "version 2 or 3 of the format";
        return Err(ParseError::syntax(at, expected, version.to_string()));
    }
    stream.int()?;
    stream.int()?;
    if version == 3 {
        let at = stream.at();
        let len = stream.int()?;
        let name = usize::try_from(len).ok().filter(|&len| len <= stream.remaining());
        let expected = "the length of an encoding's name";
        let name = name.ok_or_else(|| ParseError::syntax(at, expected, len.to_string()))?;
        stream.bytes(name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::instance;

    #[test]
    fn what_is_no_stream_is_refused_where_it_ends_to_be_one() {
        let cases: [(&[u8], &str); 8] = [
            (b"", "byte 0: expected the start of an RDS, found \"\""),
            (b"new(", "byte 0: expected the start of an RDS, found \"ne\""),
            (b"\x1f\x8b\x08", "byte 0: expected the start of an RDS, found \"\\u{1f}\\x8b\""),
            (b"X\n\0\0", "byte 2: expected 4 bytes of a number, found 2 bytes before the end"),
            (b"X\n\0\0\0\x04", "byte 2: expected version 2 or 3 of the format, found 4"),
            (b"A\n3\n0\n0\n", "byte 8: expected a number and a blank, found the end of the stream"),
            (b"A\n3\n0\n0\n9\nUTF", "byte 8: expected the length of an encoding's name, found 9"),
            (b"B\n\x02\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0", "found an environment (type 4)"),
        ];
        for (bytes, message) in cases {
            let error = instance(bytes).unwrap_err().to_string();
            assert!(error.ends_with(message), "{error}, not {message}");
        }
    }
}
