//! NumPy's `.npy` files: the header that says what the numbers after it are, read and written.
//!
//! A file is a header and then nothing but numbers, row after row or column after column.
//! [`NpyHeader`] says of which [`Dtype`] they are, how many, in which order, and at which byte they
//! begin. The crate works on bytes: it opens no files and reads no numbers.
//!
//! ```
//! use bigannoy_npy::{Dtype, NpyHeader};
//!
//! let header = NpyHeader::new(Dtype::F32, 3, 2, true)?;
//! let mut file = header.to_bytes();
//! file.extend([1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|value| value.to_le_bytes()));
//!
//! let read = NpyHeader::parse(&file)?;
//! assert_eq!(read, header);
//! read.check_file_len(file.len() as u64)?;
//! assert_eq!(file[read.data_offset()..][..4], 1.0f32.to_le_bytes());
//! # Ok::<(), bigannoy_npy::NpyError>(())
//! ```
//!
//! # What is read
//! Versions 1.0, 2.0 and 3.0; arrays of one dimension, which are one column, or two; little-endian
//! numbers of the types in [`Dtype`]. Everything else is refused with what was found: big-endian
//! numbers, structures, objects, text, other dimensions. The header is read as a literal and never
//! evaluated: its three keys in any order and spacing, in either kind of quotes.
//!
//! # Limits
//! Headers of up to [`MAX_HEADER_BYTES`], which is all that version 1.0 can have. (NumPy itself
//! stops at 10,000, unless told that the file can be trusted, because it hands the header to
//! Python's parser.)
//!
//! # Source
//! The description of the format in NumPy's manual, "NEP 1" and `numpy.lib.format`. What is written
//! is what NumPy 2 writes, byte for byte.
#![forbid(unsafe_code)]

mod dtype;
mod error;
mod header;
mod literal;

pub use dtype::Dtype;
pub use error::NpyError;
pub use header::{MAX_HEADER_BYTES, NpyHeader};
