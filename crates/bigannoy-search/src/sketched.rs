//! The sketch of an index: whether to make one, and keeping it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use bigannoy_format::Forest;
use bigannoy_sketch::{Shape, Sketch};
use rayon::prelude::*;

use crate::scratch::Scratch;

/// Whether a search uses 8-bit sketches of the items. The answers do not depend on it.
///
/// A sketch takes 64 bytes of memory for an item of up to 52 dimensions, 128 up to 116 and so on, and
/// lets a search read only a few dozen items for each query. It is made when it is first needed, by
/// all threads of the pool, in about as much time as is needed to read the items once, and is kept with
/// the [`Index`](crate::Index). There are none under manhattan and hamming.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sketching {
    /// Makes one as soon as the searches of this index, this one included, are to gather
    /// [`GATHERED_PER_ITEM`] times as many candidates as there are items.
    #[default]
    Auto,
    /// Makes one at once.
    Always,
    /// Neither makes nor uses one.
    Never,
}

/// See [`Sketching::Auto`]. Making a record costs about as much as five distances computed from the
/// file.
pub const GATHERED_PER_ITEM: u64 = 4;

/// Items that a thread makes records of at a time.
const PIECE: usize = 2048;

/// What is kept with an index from one search to the next.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// None where the system has not the memory.
    sketch: OnceLock<Option<Sketch>>,
    being_made: AtomicBool,
    gathered: AtomicU64,
    scratches: Mutex<Vec<Scratch>>,
}

impl Kept {
    /// The sketch for a search that gathers `candidates`.
    ///
    /// Where another thread is about to make it, none: waiting for it might never end, if that thread
    /// waits for this one.
    pub(crate) fn sketch(
        &self,
        choice: Sketching,
        forest: Forest<'_>,
        candidates: u64,
    ) -> Option<&Sketch> {
        let layout = forest.shape().layout();
        let shape = Shape::new(layout.metric(), layout.dim())?;
        let pays = match choice {
            Sketching::Never => return None,
            Sketching::Always => true,
            Sketching::Auto => {
                let before = self.gathered.fetch_add(candidates, Ordering::Relaxed);
                let enough = GATHERED_PER_ITEM * u64::from(forest.shape().n_items());
                before.saturating_add(candidates) >= enough
            }
        };
        if let Some(sketch) = self.sketch.get() {
            return sketch.as_ref();
        }
        if !pays || self.being_made.swap(true, Ordering::AcqRel) {
            return None;
        }
        self.sketch.get_or_init(|| make(shape, forest)).as_ref()
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
