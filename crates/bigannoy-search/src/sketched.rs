//! The short copies of an index: whether to make them, and keeping them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use bigannoy_format::Forest;
use bigannoy_metric::Metric;
use bigannoy_sketch::{Shape, Sketch};
use rayon::prelude::*;

use crate::cells::KeptCells;
use crate::scratch::Scratch;
use crate::trees::Trees;

/// Whether a search uses short copies of the index: sketches of the items, and trees whose planes are
/// short. The answers do not depend on it.
///
/// A sketch takes 64 bytes of memory for an item of up to 52 dimensions, 128 up to 116 and so on, and
/// lets a search read only a few dozen items for each query. There are none under manhattan and hamming.
/// Short trees take 148 bytes for an inner node of 25 to 56 dimensions (84 for fewer, 276 up to 120),
/// and spare reading most planes. There are none under hamming. Either is made when it is first needed,
/// by all threads of the pool, in the time of reading the index a few times, and is kept with the
/// [`Index`](crate::Index).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sketching {
    /// Makes a sketch as soon as the searches of this index, with what is left of the batch in hand (see
    /// [`Query::to_come`](crate::Query::to_come)), are to gather [`GATHERED_PER_ITEM`] times as many
    /// candidates as there are items; and short trees as soon as they are to visit each inner node three
    /// times on average. A batch that is large enough begins with making them, one that is not never makes
    /// them half-way.
    #[default]
    Auto,
    /// Makes both at once.
    Always,
    /// Neither makes nor uses any.
    Never,
}

/// See [`Sketching::Auto`]. Making a record costs about as much as it spares of three candidates.
pub const GATHERED_PER_ITEM: u64 = 3;

/// Visits to splits, for each split, from which on the trees are made short. Making the record of one
/// costs about as much as it spares of three visits.
const VISITS_PER_SPLIT: u64 = 3;

/// What searches have to do: of one query, and how many queries there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    /// Items that a query gathers.
    pub(crate) search_k: usize,
    /// Queries that are answered now.
    pub(crate) n_query: usize,
    /// Queries that are answered now or later.
    pub(crate) to_come: usize,
}

/// Items that a thread makes records of at a time.
const PIECE: usize = 2048;

/// What is kept with an index from one search to the next.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    sketch: Later<Sketch>,
    trees: Later<Trees>,
    pub(crate) cells: KeptCells,
    scratches: Mutex<Vec<Scratch>>,
}

/// Something that is made as soon as it pays.
#[derive(Debug)]
struct Later<T> {
    /// None where it could not be made.
    made: OnceLock<Option<T>>,
    being_made: AtomicBool,
    /// What was to be done so far.
    work: AtomicU64,
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        let (being_made, work) = (AtomicBool::new(false), AtomicU64::new(0));
        Later { made: OnceLock::new(), being_made, work }
    }
}

impl<T> Later<T> {
    /// It, for a search that costs `each` for a query; made where the queries to come and what came before
    /// are `enough`.
    ///
    /// Where another thread is about to make it, none: waiting for it might never end, if that thread
    /// waits for this one.
    fn get(
        &self,
        choice: Sketching,
        batch: Batch,
        each: u64,
        enough: u64,
        make: impl FnOnce() -> Option<T>,
    ) -> Option<&T> {
        let pays = match choice {
            Sketching::Never => return None,
            Sketching::Always => true,
            Sketching::Auto => {
                let work = |queries: usize| each.saturating_mul(queries as u64);
                let before = self.work.fetch_add(work(batch.n_query), Ordering::Relaxed);
                before.saturating_add(work(batch.to_come.max(batch.n_query))) >= enough
            }
        };
        if let Some(made) = self.made.get() {
            return made.as_ref();
        }
        if !pays || self.being_made.swap(true, Ordering::AcqRel) {
            return None;
        }
        self.made.get_or_init(make).as_ref()
    }
}

impl Kept {
    /// The sketch for a batch.
    pub(crate) fn sketch(
        &self,
        choice: Sketching,
        forest: Forest<'_>,
        batch: Batch,
    ) -> Option<&Sketch> {
        let layout = forest.shape().layout();
        let shape = Shape::new(layout.metric(), layout.dim())?;
        let enough = GATHERED_PER_ITEM * u64::from(forest.shape().n_items());
        self.sketch.get(choice, batch, batch.search_k as u64, enough, || make(shape, forest))
    }

    /// The trees in short, for a batch.
    pub(crate) fn trees(
        &self,
        choice: Sketching,
        forest: Forest<'_>,
        batch: Batch,
    ) -> Option<&Trees> {
        let shape = forest.shape();
        if shape.layout().metric() == Metric::Hamming {
            return None;
        }
        let leaf = shape.layout().leaf_capacity();
        let leaves = u64::from(shape.n_items()) / leaf as u64 + 1;
        let depth = u64::from(leaves.ilog2()) + 1;
        let each = depth * shape.roots().len() as u64 + (batch.search_k / leaf) as u64;
        let enough = u64::from(shape.n_nodes() - shape.n_items()) / 2 * VISITS_PER_SPLIT;
        self.trees.get(choice, batch, each, enough, || Trees::new(forest))
    }

    /// Buffers of an earlier query, or new ones.
    pub(crate) fn scratch(&self, n_items: u32) -> Lent<'_> {
        let mut kept = self.scratches.lock().unwrap_or_else(PoisonError::into_inner);
        Lent { scratch: kept.pop().or_else(|| Some(Scratch::new(n_items))), kept: self }
    }
}

/// Buffers that go back when they are no longer needed.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    scratch: Option<Scratch>,
    kept: &'a Kept,
}

impl Lent<'_> {
    pub(crate) fn get(&mut self) -> &mut Scratch {
        self.scratch.as_mut().expect("taken only when dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut kept = self.kept.scratches.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(self.scratch.take());
    }
}

fn make(shape: Shape, forest: Forest<'_>) -> Option<Sketch> {
    let mut sketch = Sketch::new(shape, forest.shape().n_items())?;
    let pieces: Vec<_> = sketch.pieces_mut(PIECE).collect();
    pieces.into_par_iter().for_each(|mut piece| {
        for item in piece.items() {
            if forest.is_present(item) {
                piece.set(item, forest.vector(item), forest.squared_length(item));
            }
        }
    });
    Some(sketch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_decides_at_its_start() {
        let batch = |n_query, to_come| Batch { search_k: 10, n_query, to_come };
        let make = || Some(());
        // Enough is known at the start.
        let later = Later::default();
        assert!(later.get(Sketching::Auto, batch(4, 10), 10, 100, make).is_some());
        // It is not enough, and no block of it changes that.
        let later = Later::default();
        for left in [9, 6, 3] {
            assert!(later.get(Sketching::Auto, batch(3, left), 10, 100, make).is_none());
        }
        // But with another query of the same index it is.
        assert!(later.get(Sketching::Auto, batch(1, 1), 10, 100, make).is_some());
        // Who says nothing of what is to come is taken at what is there.
        let later = Later::default();
        assert!(later.get(Sketching::Auto, batch(9, 0), 10, 100, make).is_none());
        assert!(later.get(Sketching::Auto, batch(1, 0), 10, 100, make).is_some());
    }
}
