//! The stored items, as trees read them.

use std::hint::black_box;

use bigannoy_format::Layout;
use bigannoy_metric::kernel::LANES;
use bigannoy_metric::{Metric, fetch_whole_ahead};

/// Words in a cache line.
const LINE_WORDS: usize = 16;
/// Items, and bytes of them, that are asked for ahead at most.
const MOST_AHEAD: usize = 64;
const BYTES_AHEAD: usize = 8 << 10;

/// Items by number, a record each: all of the index that is being built, or copies of some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Items<'a> {
    words: &'a [u32],
    layout: Layout,
    /// Under dot, the squared length of each item; empty under other metrics.
    squared_lengths: &'a [f32],
}

impl<'a> Items<'a> {
    pub(crate) fn new(words: &'a [u32], layout: Layout, squared_lengths: &'a [f32]) -> Self {
        Items { words, layout, squared_lengths }
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    #[inline]
    pub(crate) fn vector(&self, item: u32) -> &'a [f32] {
        bytemuck::cast_slice(&self.record(item)[self.layout.vector_word()..])
    }

    /// The squared length of an item under angular, and under dot where lengths were measured; `None`
    /// under other metrics.
    pub(crate) fn squared_length(&self, item: u32) -> Option<f32> {
        match self.layout.metric() {
            Metric::Angular => Some(f32::from_bits(self.record(item)[1])),
            Metric::Dot => self.squared_lengths.get(item as usize).copied(),
            _ => None,
        }
    }

    /// The extra coordinate that the file has of an item under dot, zero under other metrics.
    pub(crate) fn extra(&self, item: u32) -> f32 {
        self.layout.extra_word().map_or(0.0, |word| f32::from_bits(self.record(item)[word]))
    }

    #[inline]
    pub(crate) fn record(&self, item: u32) -> &'a [u32] {
        let size = self.layout.record_words();
        &self.words[item as usize * size..][..size]
    }

    /// Brings items into the cache, all at once: reading a word of each line of theirs does not wait
    /// for another.
    pub(crate) fn touch(&self, items: &[u32]) {
        let lines = items.iter().flat_map(|&item| self.record(item).iter().step_by(LINE_WORDS));
        black_box(lines.fold(0, |all, word| all ^ word));
    }

    /// Has the processor fetch an item while it goes on.
    #[inline]
    pub(crate) fn fetch(&self, item: u32) {
        fetch_whole_ahead(self.record(item));
    }

    /// Gives the items of a set in its order, having asked for those that follow.
    pub(crate) fn fetched<'b>(self, set: &'b [u32]) -> impl Iterator<Item = u32> + use<'a, 'b> {
        let ahead = (BYTES_AHEAD / self.layout.record_bytes()).clamp(1, MOST_AHEAD);
        set.iter().take(ahead).for_each(|&item| self.fetch(item));
        set.iter().enumerate().map(move |(at, &item)| {
            if let Some(&next) = set.get(at + ahead) {
                self.fetch(next);
            }
            item
        })
    }

    #[inline]
    pub(crate) fn vectors(&self, items: &[u32; LANES]) -> [&'a [f32]; LANES] {
        std::array::from_fn(|lane| self.vector(items[lane]))
    }
}
