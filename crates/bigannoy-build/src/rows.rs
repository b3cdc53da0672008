//! The items of sets: where they lie in the index, or copied close together.

use bigannoy_format::Layout;
use bigannoy_metric::coded::{Codes, n_codes};
use bigannoy_metric::folded::{Chunk, n_chunks, pad, unpad};
use bigannoy_metric::kernel::LANES;
use bigannoy_metric::{Folded, Metric};

use crate::coded_set::{CodedSet, Refined};
use crate::items::Items;

/// Sets whose codes take no more bytes than this are copied, once: what a core's own cache holds, also under dot, where
/// the copy is of vectors and twice as large. Below it, every level of a tree reads from the copy instead of from all over
/// the items.
const NEAR_BYTES: usize = 512 << 10;
/// Batches of far items that are asked for together: so many misses are waited for at once.
const AHEAD: usize = 8;

/// The items of a set, and what else splits need of them.
#[derive(Debug, Default)]
pub(crate) struct NearRows {
    /// The number in the index of each.
    numbers: Vec<u32>,
    /// Under metrics other than dot, the items.
    coded: CodedSet,
    /// Under dot, the items, padded, and the squared length of each: how long they are there compared with
    /// others depends on the set that is split, so that no codes fit for all.
    vectors: Vec<Chunk>,
    squared_lengths: Vec<f32>,
    entered: bool,
}

/// Where the vectors of a set's items are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    /// In the index, a record each.
    Far(Items<'a>),
    /// In a copy.
    Near(&'a NearRows, Layout),
}

/// The most items of a set that is copied.
pub(crate) fn most_near(layout: Layout) -> usize {
    NEAR_BYTES / (size_of::<Codes>() * n_codes(layout.dim()))
}

impl NearRows {
    /// The number in the index of an item of the current set.
    pub(crate) fn number(&self, item: u32) -> u32 {
        if self.entered { self.numbers[item as usize] } else { item }
    }

    /// Copies the items of `set` and numbers it anew, from 0 on in the same order, if it is small
    /// enough and no part of a copy.
    pub(crate) fn enter(&mut self, code: Folded, all: Items<'_>, set: &mut [u32]) -> bool {
        if self.entered || set.len() > most_near(all.layout()) {
            return false;
        }
        self.fill(code, all, set);
        true
    }

    /// Copies the items of `set`, however many, and numbers it anew.
    pub(crate) fn fill(&mut self, code: Folded, all: Items<'_>, set: &mut [u32]) {
        self.numbers.clear();
        self.numbers.extend_from_slice(set);
        match all.layout().metric() {
            Metric::Dot => self.copy(all),
            Metric::Angular => self.coded.take_directions(code, all, &self.numbers),
            _ => self.coded.take_differences(code, all, &self.numbers),
        }
        for (item, number) in set.iter_mut().zip(0..) {
            *item = number;
        }
        self.entered = true;
    }

    fn copy(&mut self, all: Items<'_>) {
        let size = n_chunks(all.layout().dim());
        self.vectors.resize(self.numbers.len() * size, Chunk::default());
        self.squared_lengths.clear();
        for (item, vector) in all.fetched(&self.numbers).zip(self.vectors.chunks_exact_mut(size)) {
            pad(all.vector(item), vector);
            self.squared_lengths.extend(all.squared_length(item));
        }
    }

    /// The items in codes, which are there under metrics other than dot.
    pub(crate) fn coded(&self) -> &CodedSet {
        &self.coded
    }

    /// Codes the items of a set anew, in smaller steps, where these are much smaller: see [`CodedSet::refine`].
    pub(crate) fn refine(&mut self, code: Folded, all: Items<'_>, set: &[u32]) -> Refined {
        self.coded.refine(code, (all, &self.numbers), set)
    }

    /// The numbers in the index of items of the copy.
    pub(crate) fn numbers(&self, set: &[u32]) -> Vec<u32> {
        set.iter().map(|&item| self.numbers[item as usize]).collect()
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
