//! Finds nearest neighbors in an Annoy index.
//!
//! An [`Index`] is any bytes in Annoy's layout, owned or mapped, with the metric and dimension that
//! the bytes do not tell. The answers are Annoy's: the same items in the same order for the same
//! file, query and search budget.
//!
//! ```
//! use bigannoy_format::Layout;
//! use bigannoy_metric::Metric;
//! use bigannoy_search::Index;
//!
//! let layout = Layout::new(Metric::Euclidean, 1)?;
//! let mut words = Vec::new();
//! layout.push_item(&mut words, &[0.5]);
//! layout.push_item(&mut words, &[2.5]);
//! layout.push_leaf(&mut words, 2, &[0, 1]);
//! layout.push_leaf(&mut words, 2, &[0, 1]);
//! let bytes: &[u8] = bytemuck::cast_slice(&words);
//!
//! let index = Index::open(bytes, layout)?;
//! let nearest = index.query(2).by_vector(&[2.0])?;
//! assert_eq!((nearest[0].item, nearest[0].distance), (1, 0.5));
//! assert_eq!((nearest[1].item, nearest[1].distance), (0, 1.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! Reads no file and no matrix: queries are rows of `f32` in memory. Blocks of queries run on the
//! rayon pool in which they are called; the answers do not depend on it.
//!
//! # Trust
//! The bytes may be damaged or hostile. Every record is checked when it is visited, so the worst
//! that happens is [`SearchError::Damaged`] or useless neighbors. A walk ends when the budget is used
//! up, and at the latest when it has visited more records than undamaged trees could have led it to.
//!
//! # Source
//! The search is that of Annoy 1.17.3 (`src/annoylib.h`), re-stated.
#![forbid(unsafe_code)]

mod budget;
mod cells;
mod coarse;
mod error;
mod index;
mod interrupt;
mod ordered;
mod query;
mod rank;
mod scratch;
mod sketched;
mod strategy;
mod trees;
mod walk;
mod wave;

pub use bigannoy_sketch::Kernel;
pub use budget::Budget;
pub use error::SearchError;
pub use index::Index;
pub use query::Query;
pub use sketched::{GATHERED_PER_ITEM, Sketching};
pub use strategy::{Strategy, UnknownStrategy};
