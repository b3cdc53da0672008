//! The stored items, as trees read them.

use bigannoy_format::Layout;
use bigannoy_metric::Metric;
use bigannoy_metric::kernel::LANES;

/// All items of the index that is being built: one record each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Items<'a> {
    words: &'a [u32],
    layout: Layout,
}

impl<'a> Items<'a> {
    pub(crate) fn new(bytes: &'a [u8], layout: Layout) -> Self {
        Items { words: bytemuck::cast_slice(bytes), layout }
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    pub(crate) fn vector(&self, item: u32) -> &'a [f32] {
        let size = self.layout.record_words();
        let record = &self.words[item as usize * size..][..size];
        bytemuck::cast_slice(&record[self.layout.vector_word()..])
    }

    /// The squared length of an item under the angular metric, `None` under others.
    pub(crate) fn squared_length(&self, item: u32) -> Option<f32> {
        let size = self.layout.record_words();
        (self.layout.metric() == Metric::Angular)
            .then(|| f32::from_bits(self.words[item as usize * size + 1]))
    }

    pub(crate) fn vectors(&self, items: &[u32; LANES]) -> [&'a [f32]; LANES] {
        items.map(|item| self.vector(item))
    }
}
