//! What codes prove about comparable distances, and why.
//!
//! Let `v = 2^-53` be the rounding of an `f64` operation. Items and queries are moved by a vector near the
//! mean of the middles, which changes neither distances nor, under dot, the order of items. Under
//! angular they are divided by their lengths before. What Annoy's sums in `f32` may be off by is
//! [`StrictError`]; what follows for codes is told in [`bigannoy_sketch::scan`].
//!
//! Whatever is out of range has no codes: such items pass every test, such queries are compared with
//! every item of their cells.

use bigannoy_metric::Metric;
use bigannoy_sketch::scan::{Coded, QueryBounds, RowTest};
use bigannoy_sketch::{StrictError, certain_length};

const V: f64 = f64::EPSILON / 2.0;

/// How items and queries become vectors with codes.
#[derive(Clone, Debug)]
pub(super) struct Space {
    metric: Metric,
    error: StrictError,
    moved_by: Vec<f64>,
}

impl Space {
    /// The space of an index, whose items are moved by a vector near their mean. `None` where there are
    /// no codes.
    pub(super) fn new(metric: Metric, moved_by: Vec<f64>) -> Option<Self> {
        let error = StrictError::new(metric, moved_by.len())?;
        let sane = moved_by.iter().all(|x| x.abs() < 1e30);
        let moved_by = if sane { moved_by } else { vec![0.0; moved_by.len()] };
        Some(Space { metric, error, moved_by })
    }

    /// Writes what an item's vector becomes to `out`, and returns by how much it may be off, as a
    /// length; infinity where nothing is known.
    pub(super) fn place_item(
        &self,
        vector: &[f32],
        squared_length: Option<f32>,
        out: &mut [f64],
    ) -> f64 {
        let factor = if self.metric == Metric::Angular {
            let Some(length) = certain_length(vector, squared_length) else { return f64::INFINITY };
            1.0 / length
        } else {
            1.0
        };
        let mut squares = 0.0;
        for ((out, &x), m) in out.iter_mut().zip(vector).zip(&self.moved_by) {
            *out = f64::from(x) * factor - m;
            squares += *out * *out;
        }
        let moving = 2.0 * V * squares.sqrt();
        if self.metric != Metric::Angular {
            return moving;
        }
        // The length has `dim / 2 + 2` roundings, each element three more.
        #[expect(clippy::cast_precision_loss, reason = "a dimension")]
        let dim = self.moved_by.len() as f64;
        (dim + 16.0) * V + moving
    }

    /// Writes what a query becomes to `out`, and returns by how much it may be off.
    pub(super) fn place_query(&self, query: &[f32], out: &mut [f64]) -> f64 {
        if self.metric == Metric::Dot {
            out.iter_mut().zip(query).for_each(|(out, &q)| *out = q.into());
            return 0.0;
        }
        self.place_item(query, None, out)
    }

    /// What the test takes from an item.
    pub(super) fn row_test(&self, item: &Coded) -> RowTest {
        if self.metric == Metric::Dot {
            RowTest::for_products(item)
        } else {
            RowTest::for_distances(item)
        }
    }

    /// What limits for a query need; `None` where the query has no direction or no codes.
    pub(super) fn bounds(&self, query: &[f32], coded: &Coded, off: f64) -> Option<QueryBounds> {
        if self.metric == Metric::Dot {
            let vector = query.iter().map(|&q| f64::from(q));
            return QueryBounds::products(coded, vector, &self.moved_by, self.error);
        }
        QueryBounds::distances(coded, off, self.error)
    }
}
