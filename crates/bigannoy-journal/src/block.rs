//! A block of answers, as bytes.

use bigannoy_metric::{Neighbor, NeighborBlock, WideNeighbor};

use crate::Shape;

/// Bytes before the rows of a block.
pub(crate) const FIXED: usize = 40;
/// Bytes of the hash behind a block.
pub(crate) const HASH: usize = 16;

/// The most neighbors that a block of more than one row has places for: 2²⁴. A reader takes memory for
/// one block, whatever a journal says.
pub(crate) const MOST_PLACES: u64 = 1 << 24;

/// The answers to some queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Their neighbors.
    pub neighbors: NeighborBlock,
    /// Queries with fewer than `k` of them, though they were answered.
    pub short_rows: u64,
    /// Queries that were not answered.
    pub skipped_rows: u64,
}

/// What a block says of itself before its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    first: u64,
    rows: u64,
    found: u64,
    short_rows: u64,
    skipped_rows: u64,
}

impl Fixed {
    /// Reads it, and refuses what no block that begins with query `first` can say.
    pub(crate) fn parse(bytes: &[u8; FIXED], shape: Shape, first: u64) -> Option<Self> {
        let number = |at: usize| {
            let bytes = bytes[8 * at..8 * at + 8].try_into().unwrap_or_default();
            u64::from_le_bytes(bytes)
        };
        let fixed = Fixed {
            first: number(0),
            rows: number(1),
            found: number(2),
            short_rows: number(3),
            skipped_rows: number(4),
        };
        let most = fixed.rows.checked_mul(u64::from(shape.k))?;
        let fits = fixed.first == first
            && fixed.rows > 0
            && fixed.rows <= shape.n_query.checked_sub(first)?
            && fixed.found <= most
            && (fixed.rows == 1 || most <= MOST_PLACES)
            && fixed.short_rows.checked_add(fixed.skipped_rows)? <= fixed.rows;
        fits.then_some(fixed)
    }

    pub(crate) fn rows(self) -> u64 {
        self.rows
    }

    /// Bytes of the rows; `None` where no file could have them.
    pub(crate) fn body(self, shape: Shape) -> Option<u64> {
        let neighbor = if shape.double { 12 } else { 8 };
        self.rows.checked_mul(4)?.checked_add(self.found.checked_mul(neighbor)?)
    }

    /// Reads the rows from `body`, which has just their bytes.
    pub(crate) fn block(self, shape: Shape, body: &[u8]) -> Option<Block> {
        let rows = usize::try_from(self.rows).ok()?;
        let k = usize::try_from(shape.k).ok()?;
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap_or_default());
        let (counts, neighbors) = body.split_at_checked(rows.checked_mul(4)?)?;
        let counts: Vec<usize> = counts.chunks_exact(4).map(|count| word(count) as usize).collect();
        let total = counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count))?;
        if counts.iter().any(|&count| count > k) || total as u64 != self.found {
            return None;
        }
        let (items, distances) = neighbors.split_at_checked(total.checked_mul(4)?)?;
        if items.chunks_exact(4).any(|item| word(item) >= shape.n_items) {
            return None;
        }
        let mut items = items.chunks_exact(4).map(word);
        let mut block =
            if shape.double { NeighborBlock::double(rows, k) } else { NeighborBlock::new(rows, k) };
        let mut distances = distances.chunks_exact(if shape.double { 8 } else { 4 });
        for (mut row, count) in block.rows_mut().zip(counts) {
            let pairs = (0..count).map_while(|_| items.next().zip(distances.next()));
            if shape.double {
                row.fill_wide(pairs.map(|(item, distance)| {
                    let distance = f64::from_le_bytes(distance.try_into().unwrap_or_default());
                    WideNeighbor { item, distance }
                }));
            } else {
                row.fill(pairs.map(|(item, distance)| {
                    let distance = f32::from_le_bytes(distance.try_into().unwrap_or_default());
                    Neighbor { item, distance }
                }));
            }
        }
        let Fixed { short_rows, skipped_rows, .. } = self;
        Some(Block { neighbors: block, short_rows, skipped_rows })
    }
}

impl Block {
    /// The bytes, without the hash, of a block that begins with query `first`.
    pub(crate) fn to_bytes(&self, first: u64) -> Vec<u8> {
        let block = &self.neighbors;
        let found: usize = block.rows().map(<[Neighbor]>::len).sum();
        let size = if block.is_double() { 12 } else { 8 };
        let mut bytes = Vec::with_capacity(FIXED + 4 * block.nrows() + size * found + HASH);
        let numbers =
            [first, block.nrows() as u64, found as u64, self.short_rows, self.skipped_rows];
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        for row in block.rows() {
            #[expect(clippy::cast_possible_truncation, reason = "at most k, which has 32 bits")]
            let count = row.len() as u32;
            bytes.extend(count.to_le_bytes());
        }
        block.rows().flatten().for_each(|near| bytes.extend(near.item.to_le_bytes()));
        if block.is_double() {
            let distances = (0..block.nrows()).flat_map(|row| block.wide_row(row));
            distances.for_each(|near| bytes.extend(near.distance.to_le_bytes()));
        } else {
            block.rows().flatten().for_each(|near| bytes.extend(near.distance.to_le_bytes()));
        }
        bytes
    }
}
