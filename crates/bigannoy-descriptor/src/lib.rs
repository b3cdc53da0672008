//! Reads and writes the text descriptors that R's `bigmemory` keeps next to its matrices.
//!
//! A descriptor says where the numbers of a matrix are, of which type they are and how they are
//! laid out; it holds no numbers itself. This crate turns such a text into a checked
//! [`Descriptor`], and a [`Descriptor`] into a text that R attaches. It opens no data file and
//! evaluates no R code: the text is read as a literal, and anything that would have to be
//! computed is refused.
//!
//! ```
//! use bigannoy_descriptor::{Descriptor, ElementType};
//!
//! let text = br#"new("big.matrix.descriptor", description = list(sharedType = "FileBacked",
//!     filename = "x.bin", dirname = "/data/", totalRows = 8L, totalCols = 4L,
//!     rowOffset = c(2, 3), colOffset = c(0, 4), nrow = 3, ncol = 4,
//!     rowNames = NULL, colNames = NULL, type = "double", separated = FALSE))"#;
//! let window = Descriptor::parse(text)?;
//! assert_eq!(window.shape(), (3, 4)); // rows 2..5 of the stored eight
//! assert_eq!(window.row_offset(), 2);
//! assert_eq!(window.stored_shape()?, (8, 4));
//!
//! let whole = Descriptor::file_backed("y.bin", "/data/", ElementType::Float, 8, 4).build()?;
//! assert_eq!(Descriptor::parse(&whole.to_text())?, whole);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! - Only the text form is read. The binary (RDS) form is recognized and refused by name.
//! - Extents go up to [`MAX_EXTENT`], files up to [`MAX_FILE_BYTES`], nesting up to [`MAX_DEPTH`]
//!   calls, and lists and ranges such as `1:10` up to [`MAX_VALUES`] values in one text. Vectors,
//!   which is how names are written, are as long as the text.
//! - A stored extent of 2³¹ or more may have lost its upper bits when R wrote it. The length of
//!   the data file brings them back: see [`Descriptor::stored_shape_for`].
//!
//! # Source
//! Fields follow `describe` and `attach.big.matrix` of `bigmemory` 4.6.4; the literals follow
//! R's parser (`gram.y`), and the layout of the written text R's `dput` (`deparse.c`), 4.2.2.
#![forbid(unsafe_code)]

mod builder;
mod byte_string;
mod descriptor;
mod element_type;
mod error;
mod escape;
mod extent;
mod field;
mod fields;
mod lexer;
mod literal;
mod number;
mod parser;
mod read;
mod value;
mod writer;

pub use builder::{DescriptorBuilder, DescriptorError};
pub use byte_string::ByteString;
pub use descriptor::{Descriptor, Storage};
pub use element_type::ElementType;
pub use error::{Container, ParseError};
pub use extent::{Axis, MAX_EXTENT, WindowError};
pub use field::Field;
pub use parser::{MAX_DEPTH, MAX_VALUES};
pub use read::{MAX_FILE_BYTES, ReadError};
