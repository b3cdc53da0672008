//! The answers to a block of queries.

use crate::Neighbor;

/// Up to `k` neighbors for each of a number of queries, nearest first.
///
/// Nearest first means ascending distances, and under [`crate::Metric::Dot`], whose distances are
/// inner products, descending ones. Row `i` belongs to query `i` of the block. A row may hold fewer than `k` neighbors: a search with
/// a small budget need not find more. Memory: `nrows * k` neighbors, in one piece.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeighborBlock {
    k: usize,
    /// `nrows * k` places, of which the first `found[row]` of each row are taken.
    places: Vec<Neighbor>,
    found: Vec<u32>,
}

/// One row of a [`NeighborBlock`], to be filled. Rows of one block can be filled by many threads.
#[derive(Debug)]
pub struct RowMut<'a> {
    places: &'a mut [Neighbor],
    found: &'a mut u32,
}

impl RowMut<'_> {
    /// Replaces the row by the first `k` of `neighbors`.
    pub fn fill(&mut self, neighbors: impl IntoIterator<Item = Neighbor>) {
        *self.found = 0;
        for (place, neighbor) in self.places.iter_mut().zip(neighbors) {
            *place = neighbor;
            *self.found += 1;
        }
    }
}

impl NeighborBlock {
    /// A block of `nrows` rows of up to `k` neighbors, all empty.
    ///
    /// # Panics
    /// If `nrows * k` overflows, or `k` does not fit in 32 bits.
    #[must_use]
    pub fn new(nrows: usize, k: usize) -> Self {
        assert!(u32::try_from(k).is_ok(), "k = {k} does not fit in 32 bits");
        let places = nrows.checked_mul(k).expect("rows times k fits in memory");
        let empty = Neighbor { item: u32::MAX, distance: f32::NAN };
        NeighborBlock { k, places: vec![empty; places], found: vec![0; nrows] }
    }

    /// How many neighbors a row can hold.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// How many rows, that is queries, there are.
    #[must_use]
    pub fn nrows(&self) -> usize {
        self.found.len()
    }

    /// The neighbors of query `row` (counted from 0), nearest first: at most `k`.
    ///
    /// # Panics
    /// If `row >= nrows`.
    #[must_use]
    pub fn row(&self, row: usize) -> &[Neighbor] {
        &self.places[row * self.k..][..self.found[row] as usize]
    }

    /// All rows in order.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Neighbor]> {
        (0..self.nrows()).map(|row| self.row(row))
    }

    /// All rows in order, to be filled.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = RowMut<'_>> {
        // With k = 0 there are no places to cut into chunks, and nothing that a row could take.
        let mut places = self.places.as_mut_slice();
        let k = self.k;
        self.found.iter_mut().map(move |found| {
            let (row, rest) = std::mem::take(&mut places).split_at_mut(k);
            places = rest;
            RowMut { places: row, found }
        })
    }

    /// How many rows hold fewer than `k` neighbors.
    #[must_use]
    pub fn short_rows(&self) -> usize {
        self.found.iter().filter(|&&found| (found as usize) < self.k).count()
    }

    /// Appends the rows of `other`.
    ///
    /// # Panics
    /// If the two have different `k`.
    pub fn append(&mut self, other: &NeighborBlock) {
        assert_eq!(self.k, other.k, "blocks of different k");
        self.places.extend_from_slice(&other.places);
        self.found.extend_from_slice(&other.found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbors(items: &[u32]) -> Vec<Neighbor> {
        items.iter().map(|&item| Neighbor { item, distance: 0.5 }).collect()
    }

    #[test]
    fn rows_are_filled_cut_at_k_and_counted() {
        let mut block = NeighborBlock::new(3, 2);
        for (mut row, items) in block.rows_mut().zip([&[1u32, 2, 3][..], &[4], &[]]) {
            row.fill(neighbors(items));
        }
        let items: Vec<Vec<u32>> =
            block.rows().map(|row| row.iter().map(|n| n.item).collect()).collect();
        assert_eq!(items, [vec![1, 2], vec![4], vec![]]);
        assert_eq!(block.short_rows(), 2);
    }

    #[test]
    fn appending_keeps_rows_in_order() {
        let mut first = NeighborBlock::new(1, 2);
        first.rows_mut().for_each(|mut row| row.fill(neighbors(&[7])));
        let mut all = NeighborBlock::new(0, 2);
        all.append(&first);
        all.append(&first);
        assert_eq!(all.nrows(), 2);
        assert_eq!(all.row(1), first.row(0));
    }

    #[test]
    fn a_block_of_no_neighbors_has_rows() {
        let mut block = NeighborBlock::new(4, 0);
        block.rows_mut().for_each(|mut row| row.fill(neighbors(&[1])));
        assert_eq!(block.rows().filter(|row| row.is_empty()).count(), 4);
        assert_eq!(block.short_rows(), 0);
    }
}
