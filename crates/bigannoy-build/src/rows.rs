//! The items of sets: where they lie in the index, or copied close together.

use bigannoy_format::Layout;
use bigannoy_metric::folded::{Chunk, n_chunks, pad, unpad};
use bigannoy_metric::kernel::LANES;
use bigannoy_metric::{Folded, Metric};

use crate::items::Items;
use crate::means::scale_to_direction;

/// Sets whose padded vectors take no more bytes than this are copied, once: what a core's own cache
/// and its share of the last one hold. Below it, every level of a tree reads from the copy instead of
/// from all over the items.
const NEAR_BYTES: usize = 1 << 20;
/// Batches of far items that are asked for together: so many misses are waited for at once.
const AHEAD: usize = 8;
/// Bytes of far items that are asked for while others are copied.
const FETCHED_BYTES: usize = 8 << 10;

/// The items of a set, padded, and what else splits need of them.
#[derive(Debug, Default)]
pub(crate) struct NearRows {
    /// Under angular of length 1.
    pub(crate) vectors: Vec<Chunk>,
    /// The number in the index of each.
    numbers: Vec<u32>,
    /// The squared length of each, under dot.
    squared_lengths: Vec<f32>,
    entered: bool,
}

/// Where the items of a set are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    /// In the index, a record each.
    Far(Items<'a>),
    /// In a copy.
    Near(&'a NearRows, Layout),
}

/// The most items of a set that is copied.
pub(crate) fn most_near(layout: Layout) -> usize {
    NEAR_BYTES / (size_of::<Chunk>() * n_chunks(layout.dim()))
}

impl NearRows {
    /// The items that sets are numbered in.
    pub(crate) fn rows<'a>(&'a self, all: Items<'a>) -> Rows<'a> {
        if self.entered { Rows::Near(self, all.layout()) } else { Rows::Far(all) }
    }

    /// The number in the index of an item of the current set.
    pub(crate) fn number(&self, item: u32) -> u32 {
        if self.entered { self.numbers[item as usize] } else { item }
    }

    /// Copies the items of `set` and numbers it anew, from 0 on in the same order, if it is small
    /// enough and no part of a copy.
    pub(crate) fn enter(&mut self, all: Items<'_>, set: &mut [u32]) -> bool {
        if self.entered || set.len() > most_near(all.layout()) {
            return false;
        }
        self.fill(all, set);
        true
    }

    /// Copies the items of `set`, however many, and numbers it anew.
    pub(crate) fn fill(&mut self, all: Items<'_>, set: &mut [u32]) {
        let layout = all.layout();
        let size = n_chunks(layout.dim());
        self.vectors.resize(set.len() * size, Chunk::default());
        self.numbers.clear();
        self.numbers.extend_from_slice(set);
        self.squared_lengths.clear();
        let ahead = (FETCHED_BYTES / layout.record_bytes()).clamp(1, AHEAD * LANES);
        for &item in set.iter().take(ahead) {
            all.fetch(item);
        }
        for (at, vector) in self.vectors.chunks_exact_mut(size).enumerate() {
            if let Some(&next) = set.get(at + ahead) {
                all.fetch(next);
            }
            let item = set[at];
            pad(all.vector(item), vector);
            match (layout.metric(), all.squared_length(item)) {
                (Metric::Angular, Some(squared)) => scale_to_direction(vector, squared),
                (_, squared) => self.squared_lengths.extend(squared),
            }
        }
        for (item, number) in set.iter_mut().zip(0..) {
            *item = number;
        }
        self.entered = true;
    }

    /// Whether there is a copy.
    pub(crate) fn is_entered(&self) -> bool {
        self.entered
    }

    /// Gives up the copy: its set is done.
    pub(crate) fn leave(&mut self) {
        self.entered = false;
    }
}

impl Rows<'_> {
    pub(crate) fn layout(&self) -> Layout {
        match self {
            Rows::Far(items) => items.layout(),
            Rows::Near(_, layout) => *layout,
        }
    }

    /// The number in the index of an item.
    pub(crate) fn number(&self, item: u32) -> u32 {
        match self {
            Rows::Far(_) => item,
            Rows::Near(rows, _) => rows.number(item),
        }
    }

    /// The squared length of an item under dot, and of a far one under angular.
    pub(crate) fn squared_length(&self, item: u32) -> Option<f32> {
        match self {
            Rows::Far(items) => items.squared_length(item),
            Rows::Near(rows, _) => rows.squared_lengths.get(item as usize).copied(),
        }
    }

    /// Brings far items into the cache.
    pub(crate) fn touch(&self, items: &[u32]) {
        if let Rows::Far(all) = self {
            all.touch(items);
        }
    }

    /// Copies an item's vector.
    pub(crate) fn copy(&self, item: u32, vector: &mut [f32]) {
        match self {
            Rows::Far(items) => vector.copy_from_slice(items.vector(item)),
            Rows::Near(rows, layout) => {
                let size = n_chunks(layout.dim());
                unpad(&rows.vectors[item as usize * size..][..size], vector);
            }
        }
    }

    /// Adds to each margin the inner product of `normal` with the item of `set`. `padded` is room.
    pub(crate) fn add_products(
        &self,
        code: Folded,
        normal: &[f32],
        padded: &mut Vec<Chunk>,
        set: &[u32],
        margins: &mut [f32],
    ) {
        match self {
            Rows::Near(rows, layout) => {
                padded.resize(n_chunks(layout.dim()), Chunk::default());
                pad(normal, padded);
                code.add_products(padded, &rows.vectors, set, margins);
            }
            Rows::Far(items) => {
                for (at, (some, margins)) in
                    set.chunks(LANES).zip(margins.chunks_mut(LANES)).enumerate()
                {
                    if at % AHEAD == 0 {
                        items.touch(&set[at * LANES..set.len().min((at + AHEAD) * LANES)]);
                    }
                    // As many as there are, filled up with the first one.
                    let batch = std::array::from_fn(|lane| *some.get(lane).unwrap_or(&some[0]));
                    let products = code.dots(normal, &items.vectors(&batch));
                    for (margin, product) in margins.iter_mut().zip(products) {
                        *margin += product;
                    }
                }
            }
        }
    }
}
