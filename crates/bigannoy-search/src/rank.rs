//! The ranking of what was found.

use bigannoy_format::{Forest, NodeId};
use bigannoy_metric::kernel::LANES;
use bigannoy_metric::{Metric, Prepared, RankKey, TopK};
use bigannoy_sketch::{Kernel, Sketch, SketchQuery};

/// Candidates whose distances are computed while the records of later ones are on their way.
const AHEAD: usize = 16;
/// Candidates whose bounds are computed at a time.
const PIECE: usize = 256;

/// Ranks `items` by distance, several at a time. Gaps in the ids are no neighbors.
pub(crate) fn exactly(
    forest: Forest<'_>,
    query: &Prepared<'_>,
    items: impl IntoIterator<Item = u32>,
    best: &mut TopK,
) {
    // A ring of records that are under way.
    let mut items = items.into_iter();
    let mut ring = [0; AHEAD];
    let mut waiting = 0;
    for (place, item) in ring.iter_mut().zip(items.by_ref()) {
        forest.fetch_ahead(NodeId(item));
        *place = item;
        waiting += 1;
    }
    let mut present = [0; LANES];
    let mut count = 0;
    let mut at = 0;
    while waiting > 0 {
        let item = ring[at % AHEAD];
        if let Some(next) = items.next() {
            forest.fetch_ahead(NodeId(next));
            ring[at % AHEAD] = next;
        } else {
            waiting -= 1;
        }
        at += 1;
        if forest.is_present(item) {
            present[count] = item;
            count += 1;
        }
        if count == LANES {
            lanes(forest, query, &present, best);
            count = 0;
        }
    }
    for &item in &present[..count] {
        best.push(RankKey::new(forest.comparable(query, item), item));
    }
}

fn lanes(forest: Forest<'_>, query: &Prepared<'_>, items: &[u32; LANES], best: &mut TopK) {
    if forest.shape().layout().metric() == Metric::Hamming {
        for &item in items {
            best.push(RankKey::new(query.comparable_bits(forest.bits(item)), item));
        }
        return;
    }
    let vectors = items.map(|item| forest.vector(item));
    let lengths = items.map(|item| forest.squared_length(item));
    let distances = query.comparable_lanes(&vectors, &lengths);
    for (&item, distance) in items.iter().zip(distances) {
        best.push(RankKey::new(distance, item));
    }
}

/// Throws out candidates that are certain not to be among the nearest, by their sketches.
#[derive(Debug, Default)]
pub(crate) struct Sieve {
    query: Option<SketchQuery>,
    /// The least upper bounds so far: no candidate whose lower bound is beyond them is needed.
    upper: Option<TopK>,
    /// What is left: items and their lower bounds.
    left: Vec<(u32, f32)>,
}

impl Sieve {
    /// Begins with a query that wants `k` neighbors. `false` where nothing is certain of it.
    pub(crate) fn begin(
        &mut self,
        sketch: &Sketch,
        kernel: Kernel,
        vector: &[f32],
        k: usize,
    ) -> bool {
        let query = match &mut self.query {
            Some(query) if query.shape() == sketch.shape() && query.kernel() == kernel => query,
            other => other.insert(SketchQuery::new(sketch.shape(), kernel)),
        };
        self.upper.get_or_insert_with(|| TopK::new(k)).reset(k);
        self.left.clear();
        query.set(vector)
    }

    /// Takes in candidates, each of which is given once.
    pub(crate) fn add(&mut self, sketch: &Sketch, items: &[u32]) {
        let (Some(query), Some(best)) = (&self.query, &mut self.upper) else { return };
        let (mut lower, mut upper) = ([0.0; PIECE], [0.0; PIECE]);
        let mut limit = best.limit().map_or(f32::INFINITY, RankKey::comparable);
        for items in items.chunks(PIECE) {
            let (lower, upper) = (&mut lower[..items.len()], &mut upper[..items.len()]);
            query.bounds(sketch, items, lower, upper);
            for (&item, (&lower, &upper)) in items.iter().zip(lower.iter().zip(upper.iter())) {
                if upper < limit {
                    best.push(RankKey::new(upper, item));
                    limit = best.limit().map_or(f32::INFINITY, RankKey::comparable);
                }
                if may_be_within(lower, limit) {
                    self.left.push((item, lower));
                }
            }
        }
    }

    /// The candidates that may be among the nearest.
    pub(crate) fn left(&mut self) -> impl Iterator<Item = u32> + '_ {
        let limit = self.upper.as_ref().and_then(TopK::limit);
        let limit = limit.map_or(f32::INFINITY, RankKey::comparable);
        let left = self.left.iter().filter(move |&&(_, lower)| may_be_within(lower, limit));
        left.map(|&(item, _)| item)
    }
}

/// Whether what is at least `lower` may be at most `limit`. A lower bound that is not a number says
/// nothing.
fn may_be_within(lower: f32, limit: f32) -> bool {
    lower <= limit || lower.is_nan()
}
