//! Annoy's `.ann` files, byte by byte, and the sidecar file that says what an index is.
//!
//! An `.ann` file has no header: it is an array of records of one size, items first, then the
//! records of the trees, then a copy of every root. Its metric and dimension must be known from
//! elsewhere, normally from the [`Sidecar`]. This crate works on bytes that are in memory already
//! and opens no file.
//!
//! ```
//! use bigannoy_format::{ForestShape, Layout, Record};
//! use bigannoy_metric::Metric;
//!
//! // Two items of one dimension and one tree, whose root is a leaf; then the copy of the root.
//! let layout = Layout::new(Metric::Euclidean, 1)?;
//! let mut words = Vec::new();
//! layout.push_item(&mut words, &[0.5]);
//! layout.push_item(&mut words, &[2.5]);
//! layout.push_leaf(&mut words, 2, &[0, 1]);
//! layout.push_leaf(&mut words, 2, &[0, 1]);
//!
//! let bytes = bytemuck::cast_slice(&words);
//! let shape = ForestShape::read(bytes, layout)?;
//! assert_eq!(shape.n_items(), 2);
//! let forest = shape.over(bytes);
//! let Record::Leaf(items) = forest.record(shape.roots()[0])? else { panic!() };
//! assert_eq!(items, [0, 1]);
//! assert_eq!(forest.vector(1), [2.5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Trust
//! [`ForestShape::read`] looks at the end of the file only, whatever its size. Every record is checked
//! when it is read: [`Forest::record`] refuses a child that does not come before its parent, so that
//! a walk down a damaged file ends, and a leaf that names items which are not there.
//! [`Forest::verify`] looks at everything; [`Forest::survey`] only tells the shape of the trees.
//!
//! # Source
//! The layouts are those of Annoy 1.17.3; euclidean, angular and manhattan files are the same in all
//! its versions. For the others see [`Variant`].
#![forbid(unsafe_code)]

mod dcf;
mod detect;
mod error;
mod forest;
mod layout;
mod record;
mod sidecar;
mod survey;
mod verify;

pub use dcf::{DcfError, DcfField, is_field_name, parse_dcf, write_dcf};
pub use error::{DamagedRecord, OpenError};
pub use forest::{Forest, ForestShape};
pub use layout::{Layout, LayoutError, MAX_NODES, UnknownVariant, Variant};
pub use record::{BitSplit, NodeId, Record, Split};
pub use sidecar::{Sidecar, SidecarError};
pub use survey::ForestSurvey;
pub use verify::{ForestReport, Spread, VerifyError};
