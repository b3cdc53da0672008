//! What every sink does.

use std::path::PathBuf;

use bigannoy_descriptor::Descriptor;
use bigannoy_metric::NeighborBlock;

use crate::SinkError;

/// The shape of a whole result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResultShape {
    /// Queries: rows of the result.
    pub n_query: usize,
    /// Neighbors for each query: columns of the result.
    pub k: usize,
    /// Whether distances have double precision: all blocks are such then (see
    /// [`NeighborBlock::is_double`]). A search in an index has those of `f32`, an exact one and one
    /// that ranks its candidates anew has more.
    pub double: bool,
}

impl ResultShape {
    /// A result of `n_query` rows of `k` neighbors, with distances of `f32`.
    #[must_use]
    pub const fn new(n_query: usize, k: usize) -> Self {
        ResultShape { n_query, k, double: false }
    }

    /// Sets whether distances have double precision.
    #[must_use]
    pub fn double(mut self, double: bool) -> Self {
        self.double = double;
        self
    }

    /// An empty block for `nrows` rows of the result.
    #[must_use]
    pub fn block(self, nrows: usize) -> NeighborBlock {
        if self.double {
            NeighborBlock::double(nrows, self.k)
        } else {
            NeighborBlock::new(nrows, self.k)
        }
    }
}

/// Takes the neighbors of all queries, in the order of the queries.
///
/// Distances are what the metric of the index reports. Under dot that is the inner product, a
/// similarity, and the neighbors of a query come in descending order of it.
///
/// [`NeighborSink::begin`] is called once and before anything is searched; then
/// [`NeighborSink::write`] once for each block; and [`NeighborSink::finish`] if all of it went well.
/// A sink that is dropped without being finished must not leave anything new that looks complete.
pub trait NeighborSink {
    /// The file by which the result is found once it is complete, for a sink that has not begun: what
    /// has been answered can be kept beside it, for going on after a kill. Default: there is none.
    fn result_path(&self) -> Option<PathBuf> {
        None
    }

    /// Allows the sink to replace what stands under the names of its new files: whoever calls this,
    /// before [`NeighborSink::begin`], knows that a process which was killed had just put the same
    /// result there. Default: nothing to do.
    fn replace_existing(&mut self) {}

    /// Prepares for a result of this shape. What can be refused is refused here, with nothing
    /// changed.
    ///
    /// # Errors
    /// [`SinkError`]: the result cannot be taken.
    fn begin(&mut self, shape: ResultShape) -> Result<(), SinkError>;

    /// Takes the next rows.
    ///
    /// # Errors
    /// [`SinkError`]: the rows could not be kept; the search ends.
    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError>;

    /// Makes the result last, all rows having been written.
    ///
    /// # Errors
    /// [`SinkError`]: the result is not complete.
    fn finish(&mut self) -> Result<(), SinkError>;

    /// Where ids and distances are, once the result is finished. Default: only the sink knows.
    fn kept(&self) -> Kept {
        Kept::default()
    }
}

/// Where a result is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// The ids.
    pub index: Place,
    /// The distances.
    pub distance: Place,
}

/// Where a part of a result is.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// Where only the sink knows.
    #[default]
    Elsewhere,
    /// Nowhere: it was not wanted.
    Nowhere,
    /// In memory, with the sink.
    Memory,
    /// In the matrix that is described.
    Matrix(Box<Descriptor>),
    /// In this file.
    File(PathBuf),
}
