//! An index that can be asked.

use bigannoy_format::{Forest, ForestShape, Layout, OpenError};

use std::sync::Arc;

use crate::Query;
use crate::sketched::Kept;

/// An index in memory or mapped, ready to be searched by any number of threads at once.
///
/// `D` holds the bytes, which must not change while the index lives and must begin at a multiple
/// of four bytes, as mapped files and vectors of `u32` do.
///
/// Memory beside the bytes: sketches of the items and short trees once they pay (see
/// [`crate::Sketching`]), and for as many threads as have searched at once their buffers: a bit for each
/// item, and what one query needs.
#[derive(Clone, Debug)]
pub struct Index<D> {
    data: D,
    shape: ForestShape,
    /// Shared with copies, whose bytes are the same.
    kept: Arc<Kept>,
}

impl<D: AsRef<[u8]>> Index<D> {
    /// Opens the index in `data`. Only its end is looked at; records are checked when visited. Where
    /// it may have any of a metric's record layouts, see [`Layout::detect`].
    ///
    /// # Errors
    /// [`OpenError`]: the bytes cannot be an index of this layout.
    pub fn open(data: D, layout: Layout) -> Result<Self, OpenError> {
        let shape = ForestShape::read(data.as_ref(), layout)?;
        Ok(Index { data, shape, kept: Arc::default() })
    }

    /// Metric, dimension, number of items and roots.
    #[must_use]
    pub fn shape(&self) -> &ForestShape {
        &self.shape
    }

    /// The records.
    #[must_use]
    pub fn forest(&self) -> Forest<'_> {
        self.shape.over(self.data.as_ref())
    }

    /// The bytes.
    #[must_use]
    pub fn data(&self) -> &D {
        &self.data
    }

    /// Begins a search for the `k` nearest neighbors.
    pub fn query(&self, k: usize) -> Query<'_> {
        Query::new(self.forest(), &self.kept, k)
    }
}
