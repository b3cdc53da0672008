//! The records of all items.

use std::fmt;
use std::ops::Range;

use bigannoy_pages::Pages;

use crate::{Kernel, Shape};

/// A record for each item.
///
/// Memory: [`Shape::record_bytes`] for each item, in pages of the system that are asked to be huge
/// ones, since records are read in no order.
pub struct Sketch {
    shape: Shape,
    n_items: u32,
    /// Bytes of a record.
    size: usize,
    records: Pages<u8>,
}

impl Sketch {
    /// Records of `n_items` items of which nothing is known yet: their bounds exclude nothing.
    ///
    /// `None` where the system has not the memory.
    #[must_use]
    pub fn new(shape: Shape, n_items: u32) -> Option<Self> {
        let size = shape.record_bytes();
        let records = Pages::new(size.checked_mul(n_items as usize)?)?;
        Some(Sketch { shape, n_items, size, records })
    }

    /// Metric and dimension.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The number of items.
    #[must_use]
    pub fn n_items(&self) -> u32 {
        self.n_items
    }

    /// Bytes that the records take.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.records.len()
    }

    /// The records in pieces of up to `items` items, to be written by as many threads as one likes.
    ///
    /// # Panics
    /// If `items` is 0.
    pub fn pieces_mut(&mut self, items: usize) -> impl Iterator<Item = Piece<'_>> {
        assert!(items > 0, "a piece of no items");
        let (shape, size) = (self.shape, self.size);
        let pieces = self.records.chunks_mut(items * size);
        let starts = (0u32..).step_by(items);
        let kernel = Kernel::new();
        starts.zip(pieces).map(move |(first, records)| Piece { shape, kernel, first, records })
    }

    /// The record of `item`.
    ///
    /// # Panics
    /// If `item >= n_items`.
    #[inline]
    pub(crate) fn record(&self, item: u32) -> &[u8] {
        &self.records[item as usize * self.size..][..self.size]
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sketch")
            .field("shape", &self.shape)
            .field("n_items", &self.n_items)
            .finish_non_exhaustive()
    }
}

/// The records of consecutive items, to be written.
#[derive(Debug)]
pub struct Piece<'a> {
    shape: Shape,
    kernel: Kernel,
    first: u32,
    records: &'a mut [u8],
}

impl Piece<'_> {
    /// The items of this piece.
    #[must_use]
    pub fn items(&self) -> Range<u32> {
        #[expect(clippy::cast_possible_truncation, reason = "items have 32 bits")]
        let count = (self.records.len() / self.shape.record_bytes()) as u32;
        self.first..self.first + count
    }

    /// Makes the record of `item`, whose vector this is. Cost: about a nanosecond an element.
    ///
    /// `squared_length` is the stored one under angular, as distances will be computed with it
    /// (see [`bigannoy_metric::Prepared::comparable`]). An item that is not set, as a gap in the ids,
    /// gets bounds that exclude nothing.
    ///
    /// # Panics
    /// If `item` is not in this piece, or `vector` has another dimension.
    pub fn set(&mut self, item: u32, vector: &[f32], squared_length: Option<f32>) {
        let items = self.items();
        assert!(items.contains(&item), "item {item} of {items:?}");
        let size = self.shape.record_bytes();
        let record = &mut self.records[(item - self.first) as usize * size..][..size];
        record.fill(0);
        self.kernel.write_item(self.shape, record, vector, squared_length);
    }
}
