//! The header of a file.

use std::io::{self, Read, Write};

use crate::literal::{self, Fields};
use crate::{Dtype, NpyError};

/// The longest header that is read, in bytes, without the part before it that says how long it is.
pub const MAX_HEADER_BYTES: usize = 0xffff;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The magic and the version.
const PREFIX: usize = MAGIC.len() + 2;
/// What is written ends at a multiple of this, so that the numbers can be mapped.
const ALIGNMENT: usize = 64;
/// So many digits the first extent could have without the header growing.
const GROWTH_DIGITS: usize = 21;

/// What a file says of its numbers: type, shape, order, and where they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    dtype: Dtype,
    rows: usize,
    cols: usize,
    fortran_order: bool,
    data_offset: usize,
}

impl NpyHeader {
    /// The header of a matrix of `rows` x `cols` numbers, column after column where
    /// `fortran_order`, else row after row. Either extent can be 0.
    ///
    /// # Errors
    /// [`NpyError::TooLarge`]: no file could hold them.
    pub fn new(
        dtype: Dtype,
        rows: usize,
        cols: usize,
        fortran_order: bool,
    ) -> Result<Self, NpyError> {
        let mut header = NpyHeader { dtype, rows, cols, fortran_order, data_offset: 0 };
        header.data_offset = header.to_bytes().len();
        header.checked_file_len()?;
        Ok(header)
    }

    /// Reads the header at the beginning of `bytes`, which may be the whole file.
    ///
    /// Cost: that of the header, whatever the length of `bytes`.
    ///
    /// # Errors
    /// [`NpyError`]: not a header, or not one of a matrix; see the crate's "What is read".
    pub fn parse(bytes: &[u8]) -> Result<Self, NpyError> {
        let start = MAGIC.len().min(bytes.len());
        if bytes[..start] != MAGIC[..start] {
            return Err(NpyError::Magic);
        }
        let cut = |expected| NpyError::Truncated { expected, found: bytes.len() };
        let &[major, minor] = bytes.get(MAGIC.len()..PREFIX).ok_or_else(|| cut(PREFIX))? else {
            return Err(cut(PREFIX));
        };
        let size_of_length = match (major, minor) {
            (1, 0) => 2,
            (2 | 3, 0) => 4,
            _ => return Err(NpyError::Version { major, minor }),
        };
        let text_at = PREFIX + size_of_length;
        let length = bytes.get(PREFIX..text_at).ok_or_else(|| cut(text_at))?;
        let length = length.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        if length > MAX_HEADER_BYTES {
            return Err(NpyError::HeaderLength { found: length });
        }
        let data_offset = text_at + length;
        let text = bytes.get(text_at..data_offset).ok_or_else(|| cut(data_offset))?;

        let Fields { dtype, shape, fortran_order } = literal::parse(text, text_at)?;
        let (rows, cols) = match shape[..] {
            [rows] => (rows, 1),
            [rows, cols] => (rows, cols),
            _ => return Err(NpyError::Dimensions { found: shape.len() }),
        };
        let header = NpyHeader { dtype, rows, cols, fortran_order, data_offset };
        header.checked_file_len()?;
        Ok(header)
    }

    /// Reads the header from the beginning of a file, and nothing after it.
    ///
    /// # Errors
    /// An I/O error of kind `InvalidData` with the [`NpyError`] in it, or the reader's own.
    pub fn read_from(reader: impl Read) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let mut bytes = Vec::new();
        let mut reader = reader.take(PREFIX as u64);
        loop {
            reader.read_to_end(&mut bytes)?;
            match Self::parse(&bytes) {
                // More is wanted, and the last request was met.
                Err(NpyError::Truncated { expected, found }) if reader.limit() == 0 => {
                    reader.set_limit((expected - found) as u64);
                }
                parsed => return parsed.map_err(invalid),
            }
        }
    }

    /// The header as it stands at the beginning of a file of version 1.0, which is enough for every
    /// matrix. Its length is a multiple of 64, whatever that of the header that was parsed.
    ///
    /// # Panics
    /// Never: no type, two numbers and blanks are longer than such a header can be.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let order = if self.fortran_order { "True" } else { "False" };
        let mut text = format!(
            "{{'descr': '{}', 'fortran_order': {order}, 'shape': ({}, {}), }}",
            self.dtype.descr(),
            self.rows,
            self.cols
        );
        // The extent along which an appended file grows.
        let growing = if self.fortran_order { self.cols } else { self.rows };
        let room = GROWTH_DIGITS.saturating_sub(growing.to_string().len());
        let text_at = PREFIX + 2;
        let end = (text_at + text.len() + room + 1).next_multiple_of(ALIGNMENT);
        let length = end - text_at;
        text.push_str(&" ".repeat(length - text.len() - 1));
        text.push('\n');

        let length = u16::try_from(length).expect("a type, two numbers and blanks");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    /// Writes the header as [`NpyHeader::to_bytes`] has it. The numbers follow.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_to(&self, mut writer: impl Write) -> io::Result<()> {
        writer.write_all(&self.to_bytes())
    }

    /// The type of the numbers.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Number of rows; of a vector, its length.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns; of a vector, 1.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Whether the numbers stand column after column, and not row after row.
    #[must_use]
    pub fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// The byte at which the numbers begin. Not always a multiple of anything: old files are not
    /// aligned.
    #[must_use]
    pub fn data_offset(&self) -> usize {
        self.data_offset
    }

    /// Bytes of the whole file, header and numbers; less than 2⁶³.
    ///
    /// # Panics
    /// Never: headers of larger files are refused.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.checked_file_len().expect("checked when the header was made")
    }

    /// Compares the length of the file with what the header says.
    ///
    /// # Errors
    /// [`NpyError::FileLength`] where it is not that: the file was cut, or something follows the
    /// array.
    pub fn check_file_len(&self, found: u64) -> Result<(), NpyError> {
        let expected = self.file_len();
        if found == expected { Ok(()) } else { Err(NpyError::FileLength { expected, found }) }
    }

    fn checked_file_len(&self) -> Result<u64, NpyError> {
        (self.rows as u64)
            .checked_mul(self.cols as u64)
            .and_then(|numbers| numbers.checked_mul(self.dtype.size_bytes() as u64))
            .and_then(|bytes| bytes.checked_add(self.data_offset as u64))
            .filter(|&bytes| i64::try_from(bytes).is_ok())
            .ok_or(NpyError::TooLarge { rows: self.rows, cols: self.cols, dtype: self.dtype })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_aligned_and_ends_a_line() {
        for extent in [0, 7, 1_000_000, usize::MAX] {
            let header = NpyHeader { rows: extent, cols: extent, ..sample() };
            let bytes = header.to_bytes();
            assert_eq!(bytes.len() % ALIGNMENT, 0);
            assert_eq!(bytes.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn shapes_beyond_any_file_are_refused() {
        for (rows, cols) in [(usize::MAX, 2), (1 << 60, 1), (1 << 32, 1 << 32)] {
            let error = NpyHeader::new(Dtype::F64, rows, cols, false).unwrap_err();
            assert_eq!(error, NpyError::TooLarge { rows, cols, dtype: Dtype::F64 });
        }
        assert!(NpyHeader::new(Dtype::F64, usize::MAX, 0, false).is_ok());
    }

    #[test]
    fn a_reader_is_left_at_the_first_number() {
        let mut file = sample().to_bytes();
        file.extend([1, 2, 3]);
        let mut reader = &file[..];
        assert_eq!(NpyHeader::read_from(&mut reader).unwrap(), sample());
        assert_eq!(reader, [1, 2, 3]);
        for cut in 0..sample().data_offset() {
            let error = NpyHeader::read_from(&file[..cut]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{cut}");
        }
    }

    fn sample() -> NpyHeader {
        NpyHeader::new(Dtype::I16, 5, 3, true).unwrap()
    }
}
