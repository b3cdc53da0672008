//! Rows of the reference in memory: in single precision where that holds all that the matrix has, which is half as
//! much to fetch, and in double precision otherwise.

use std::ops::Range;

use bigannoy_matrix::{RowError, RowSource};
use bigannoy_metric::fetch_ahead;
use bigannoy_metric::kernel::LANES;
use bigannoy_sketch::scan::NarrowVector;

use crate::ExactMetric;
use crate::block::{Block, widen};
use crate::bounds::Moved;

/// Some rows of the reference.
#[derive(Debug)]
pub(crate) enum Reference {
    Single(Block<f32>),
    Double(Block<f64>),
}

/// Does the same with a block of either kind.
macro_rules! either {
    ($self:ident, $block:ident => $result:expr) => {
        match $self {
            Reference::Single($block) => $result,
            Reference::Double($block) => $result,
        }
    };
}

impl Reference {
    /// No rows yet, of a matrix like `source`.
    pub(crate) fn of(source: &dyn RowSource) -> Self {
        if source.is_single_precision() {
            Reference::Single(Block::default())
        } else {
            Reference::Double(Block::default())
        }
    }

    /// Replaces the rows by others; memory is kept.
    pub(crate) fn read(
        &mut self,
        source: &dyn RowSource,
        rows: Range<usize>,
        metric: ExactMetric,
    ) -> Result<(), RowError> {
        either!(self, block => block.read(source, rows, metric))
    }

    /// Which rows of the matrix.
    pub(crate) fn rows(&self) -> Range<usize> {
        either!(self, block => block.rows.clone())
    }

    pub(crate) fn dim(&self) -> usize {
        either!(self, block => block.dim())
    }

    pub(crate) fn len(&self) -> usize {
        either!(self, block => block.len())
    }

    /// The number in the matrix of a row of the block.
    pub(crate) fn number(&self, at: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "rows were counted before")]
        let first = self.rows().start as u32;
        first + at
    }

    /// No more than so many rows that tell what all are like, each with its length where the metric wants it.
    pub(crate) fn sample(&self, most: usize) -> impl Iterator<Item = (Vec<f64>, f64)> {
        let step = self.len().div_ceil(most.max(1)).max(1);
        (0..self.len()).step_by(step).map(|at| {
            let mut row = Vec::new();
            self.widen(at, &mut row);
            (row, self.length(at))
        })
    }

    /// Writes a row, counted from the first of the block, to `out`.
    pub(crate) fn widen(&self, at: usize, out: &mut Vec<f64>) {
        either!(self, block => widen(block.row(at), out));
    }

    /// What a row becomes in few dimensions, and by how much it may be off.
    pub(crate) fn place_narrow(&self, space: &Moved, at: usize) -> (NarrowVector, f64) {
        either!(self, block => space.place_narrow_row(block.row(at), block.length(at)))
    }

    /// Its length; 0 where the metric does not want it.
    pub(crate) fn length(&self, at: usize) -> f64 {
        either!(self, block => block.length(at))
    }

    /// Asks for a row that will be compared soon.
    pub(crate) fn fetch_ahead(&self, at: usize) {
        either!(self, block => fetch_ahead(block.row(at)));
    }

    /// The values that are reported for a query and some rows.
    pub(crate) fn distances(
        &self,
        metric: ExactMetric,
        query: &[f64],
        length: f64,
        at: [usize; LANES],
    ) -> [f64; LANES] {
        either!(self, block => {
            let rows = at.map(|at| block.row(at));
            metric.distances(query, length, &rows, &at.map(|at| block.length(at)))
        })
    }
}
