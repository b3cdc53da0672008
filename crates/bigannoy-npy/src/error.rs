//! Why a file cannot be read as `.npy`, or a header not be written.

use crate::{Dtype, MAX_HEADER_BYTES};

/// Why bytes are not a header, or a header not one of a matrix. Offsets count from the beginning
/// of the file, from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The file is something else.
    #[error("not an npy file: expected it to begin with \"\\x93NUMPY\"")]
    Magic,
    /// A version that is not known.
    #[error("version {major}.{minor} of the npy format, expected 1.0, 2.0 or 3.0")]
    Version {
        /// The first number.
        major: u8,
        /// The second number.
        minor: u8,
    },
    /// The file ends in its header.
    #[error("the header is cut: {found} bytes, expected at least {expected}")]
    Truncated {
        /// Bytes that have to be there.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// A header longer than any that describes a matrix.
    #[error("a header of {found} bytes, expected at most {MAX_HEADER_BYTES}")]
    HeaderLength {
        /// The length in bytes.
        found: usize,
    },
    /// The header is not the literal that it has to be.
    #[error("header, byte {at} of the file: expected {expected}")]
    Syntax {
        /// Where.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The header lacks a key.
    #[error("the header has no key {key:?}")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// Numbers of another type or byte order, or no numbers.
    #[error(
        "descr is {found}, expected one of |b1, |i1, |u1, <i2, <i4, <i8, <f4, <f8 (convert the \
         array with `astype`)"
    )]
    Dtype {
        /// The type as the header has it, at most 60 bytes of it, with control characters escaped
        /// as in `\n` and `\u{1b}`.
        found: String,
    },
    /// Neither a vector nor a matrix.
    #[error("an array of {found} dimensions, expected 1 or 2")]
    Dimensions {
        /// The number of dimensions.
        found: usize,
    },
    /// More numbers than a file can hold.
    #[error("{rows} x {cols} numbers of type {dtype} are more than 2^63 bytes")]
    TooLarge {
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
        /// Type of a number.
        dtype: Dtype,
    },
    /// The file is longer or shorter than its header says.
    #[error("{found} bytes, expected {expected} by the header")]
    FileLength {
        /// Bytes that have to be there, the header's included.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
}
