//! Bytes to numbers and strings, in each of the three encodings.

use crate::error::{ParseError, quote};
use crate::{Position, lexer};

/// How numbers and strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Big-endian.
    Xdr,
    /// Little-endian; R on another machine would write its own order.
    Native,
    /// Words between blanks, and strings with escapes.
    Ascii,
}

/// The bits by which R tells `NA` from other values that are not a number.
const NA_LOW_WORD: u64 = 1954;

/// Reads from the front to the end, each byte once.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    bytes: &'a [u8],
    next: usize,
    encoding: Encoding,
}

impl<'a> Stream<'a> {
    /// A stream at byte `next`.
    pub(super) fn new(bytes: &'a [u8], next: usize, encoding: Encoding) -> Self {
        Self { bytes, next, encoding }
    }

    /// Where the next number or string starts.
    pub(super) fn at(&mut self) -> Position {
        if self.encoding == Encoding::Ascii {
            let rest = &self.bytes[self.next..];
            self.next += rest.iter().take_while(|&&byte| is_blank(byte)).count();
        }
        Position::Byte(self.next as u64)
    }

    /// Bytes that are left.
    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.next
    }

    /// Numbers that can be left, where each takes `bytes` in the binary encodings.
    pub(super) fn room(&self, bytes: usize) -> usize {
        self.remaining() / if self.encoding == Encoding::Ascii { 2 } else { bytes }
    }

    /// A 32-bit number; `NA` is the smallest.
    pub(super) fn int(&mut self) -> Result<i32, ParseError> {
        match self.encoding {
            Encoding::Xdr => Ok(i32::from_be_bytes(self.array("4 bytes of a number")?)),
            Encoding::Native => Ok(i32::from_le_bytes(self.array("4 bytes of a number")?)),
            Encoding::Ascii => self.word("a whole number of 32 bits", |word| match word {
                b"NA" => Some(i32::MIN),
                _ => std::str::from_utf8(word).ok()?.parse().ok(),
            }),
        }
    }

    /// A double, `None` for `NA`.
    pub(super) fn real(&mut self) -> Result<Option<f64>, ParseError> {
        let value = match self.encoding {
            Encoding::Xdr => f64::from_be_bytes(self.array("8 bytes of a number")?),
            Encoding::Native => f64::from_le_bytes(self.array("8 bytes of a number")?),
            Encoding::Ascii => {
                return self.word("a number", |word| match word {
                    b"NA" => Some(None),
                    b"NaN" => Some(Some(f64::NAN)),
                    b"Inf" => Some(Some(f64::INFINITY)),
                    b"-Inf" => Some(Some(f64::NEG_INFINITY)),
                    [b'-', digits @ ..] => lexer::number(digits).map(|value| Some(-value)),
                    digits => lexer::number(digits).map(Some),
                });
            }
        };
        let missing = value.is_nan() && value.to_bits() & 0xffff_ffff == NA_LOW_WORD;
        Ok((!missing).then_some(value))
    }

    /// A string of `len` bytes after its escapes.
    pub(super) fn bytes(&mut self, len: usize) -> Result<Vec<u8>, ParseError> {
        if self.encoding != Encoding::Ascii || len == 0 {
            return self.take(len, "the bytes of a string").map(<[u8]>::to_vec);
        }
        self.at();
        let mut content = Vec::new();
        while content.len() < len {
            let byte = self.byte()?;
            content.push(if byte == b'\\' { self.escaped()? } else { byte });
        }
        Ok(content)
    }

    /// Whether nothing is left but blanks between words.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.at();
        self.remaining() == 0
    }

    fn escaped(&mut self) -> Result<u8, ParseError> {
        let at = self.at();
        Ok(match self.byte()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'v' => 0x0b,
            b'b' => 0x08,
            b'r' => b'\r',
            b'f' => 0x0c,
            b'a' => 0x07,
            digit @ b'0'..=b'7' => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    match self.bytes.get(self.next) {
                        Some(digit @ b'0'..=b'7') => value = value * 8 + u32::from(digit - b'0'),
                        _ => break,
                    }
                    self.next += 1;
                }
                let expected = "at most 377 in octal";
                u8::try_from(value)
                    .map_err(|_| ParseError::syntax(at, expected, format!("{value:o}")))?
            }
            other => other,
        })
    }

    fn byte(&mut self) -> Result<u8, ParseError> {
        self.take(1, "the bytes of a string").map(|byte| byte[0])
    }

    fn take(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], ParseError> {
        let rest = &self.bytes[self.next..];
        let taken = rest.get(..len).ok_or_else(|| {
            let found = format!("{} bytes before the end", rest.len());
            ParseError::syntax(Position::Byte(self.next as u64), expected, found)
        })?;
        self.next += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], ParseError> {
        let taken = self.take(N, expected)?;
        Ok(taken.try_into().expect("as many bytes were taken"))
    }

    /// The next word as `read` understands it. As in R, a blank has to follow.
    fn word<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, ParseError> {
        let at = self.at();
        let rest = &self.bytes[self.next..];
        let Some(len) = rest.iter().position(|&byte| is_blank(byte)) else {
            let found = "the end of the stream".to_owned();
            return Err(ParseError::syntax(at, "a number and a blank", found));
        };
        self.next += len;
        let word = &rest[..len];
        read(word).ok_or_else(|| ParseError::syntax(at, expected, quote(word)))
    }
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::{Encoding, Stream};

    #[test]
    fn numbers_in_every_encoding() {
        let mut stream = Stream::new(b"\x80\0\0\0\x7f\xf0\0\0\0\0\x07\xa2\x40", 0, Encoding::Xdr);
        assert_eq!(stream.int(), Ok(i32::MIN));
        assert_eq!(stream.real(), Ok(None));
        assert_eq!(stream.remaining(), 1);
        assert!(stream.int().is_err());
        let mut stream = Stream::new(b"\xff\0\0\0\0\0\0\0\0\0\xf8\x3f", 0, Encoding::Native);
        assert_eq!(stream.int(), Ok(255));
        assert_eq!(stream.real(), Ok(Some(1.5)));
        assert!(stream.is_at_end());
        let words = b"NA\n-7\nNA\n-Inf 1e+05\n-0x1.8p+1\n0.1\n 2147483648\n12";
        let mut stream = Stream::new(words, 0, Encoding::Ascii);
        assert_eq!((stream.int(), stream.int()), (Ok(i32::MIN), Ok(-7)));
        assert_eq!((stream.real(), stream.real()), (Ok(None), Ok(Some(f64::NEG_INFINITY))));
        assert_eq!((stream.real(), stream.real()), (Ok(Some(1e5)), Ok(Some(-3.0))));
        assert_eq!(stream.real(), Ok(Some(0.1)));
        let error = stream.int().unwrap_err().to_string();
        let message = "expected a whole number of 32 bits, found \"2147483648\"";
        assert_eq!(error, format!("byte 35: {message}"));
        let error = stream.int().unwrap_err().to_string();
        assert!(error.ends_with("found the end of the stream"), "{error}");
    }

    #[test]
    fn strings_with_escapes() {
        let mut stream = Stream::new(br" a\tb\040\303\251\'\\0 ", 0, Encoding::Ascii);
        assert_eq!(stream.bytes(8).unwrap(), "a\tb é'\\".as_bytes());
        assert_eq!(stream.bytes(0).unwrap(), b"");
        assert_eq!(stream.bytes(1).unwrap(), b"0");
        assert!(stream.bytes(1).is_err());
        assert!(Stream::new(br"\777", 0, Encoding::Ascii).bytes(1).is_err());
        let mut stream = Stream::new(b" \\n", 0, Encoding::Xdr);
        assert_eq!(stream.bytes(3).unwrap(), b" \\n");
    }
}
