//! Reads and writes the descriptors that R's `bigmemory` keeps next to its matrices.
//!
//! A descriptor says where the numbers of a matrix are, of which type they are and how they are
//! laid out; it holds no numbers itself. This crate turns one into a checked [`Descriptor`], and a
//! [`Descriptor`] into one that R attaches, as a text or in R's binary form (RDS). It opens no
//! data file and evaluates no R code: a text is read as a literal, an RDS as plain values, and
//! anything else is refused.
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
//! assert_eq!(Descriptor::parse(&whole.to_rds())?, whole);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Containers
//! [`Container::detect`] tells by the first bytes what is read, as R does. An RDS is read in
//! versions 2 and 3 of the format, in big-endian (XDR), little-endian and ASCII form, compressed
//! with gzip, bzip2 or xz or not at all. Compact sequences and other short forms (ALTREP) are
//! spelled out; functions, calls, environments, pointers and the like are refused with their type
//! and the offset of their byte. Names are kept byte for byte whatever encoding they are marked to
//! be in, since bigmemory does not look at the mark either. [`Descriptor::to_rds`] writes XDR of
//! version 3 in gzip.
//!
//! # Features
//! `bzip2` and `xz`, both on by default, read descriptors that are compressed so; without them
//! these are refused by name. All decoders are written in Rust.
//!
//! # Limits
//! - Extents go up to [`MAX_EXTENT`], files up to [`MAX_FILE_BYTES`], nesting up to [`MAX_DEPTH`]
//!   calls or items. A descriptor holds at most [`MAX_STRINGS`] strings in vectors, which is how
//!   names are written, and at most [`MAX_VALUES`] other values, ranges such as `1:10` spelled out.
//! - What is compressed expands to at most [`MAX_EXPANDED_BYTES`], and beyond
//!   [`FREE_EXPANDED_BYTES`] to at most [`MAX_EXPANSION`] times its own length. The dictionary of
//!   xz goes up to 64 MiB, as its presets do.
//! - Memory follows from these: a compressed file of 128 KiB or less, whatever is in it, takes at
//!   most some 200 MiB while it is read, and no file takes more than some 1.5 GiB. Time is in
//!   proportion to what there is to read.
//! - A stored extent of 2³¹ or more may have lost its upper bits when R wrote it. The length of
//!   the data file brings them back: see [`Descriptor::stored_shape_for`].
//!
//! # Source
//! Fields follow `describe` and `attach.big.matrix` of `bigmemory` 4.6.4; the literals follow
//! R's parser (`gram.y`), the layout of the written text R's `dput` (`deparse.c`), and the binary
//! form R's `serialize.c` and `altclasses.c`, 4.2.2.
#![forbid(unsafe_code)]

mod builder;
mod byte_string;
mod container;
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
mod position;
mod rds;
mod read;
mod value;
mod writer;

pub use builder::{DescriptorBuilder, DescriptorError};
pub use byte_string::ByteString;
pub use container::Container;
pub use descriptor::{Descriptor, Storage};
pub use element_type::ElementType;
pub use error::ParseError;
pub use extent::{Axis, MAX_EXTENT, WindowError};
pub use field::Field;
pub use parser::{MAX_DEPTH, MAX_STRINGS, MAX_VALUES};
pub use position::Position;
pub use rds::{FREE_EXPANDED_BYTES, MAX_EXPANDED_BYTES, MAX_EXPANSION};
pub use read::{MAX_FILE_BYTES, ReadError};
