//! The answers to a block of queries.

use crate::{Neighbor, WideNeighbor};

/// Up to `k` neighbors for each of a number of queries, nearest first.
///
/// Nearest first means ascending distances, and under [`crate::Metric::Dot`], whose distances are
/// inner products, descending ones. Row `i` belongs to query `i` of the block. A row may hold fewer than `k` neighbors: a search with
/// a small budget need not find more. Memory: `nrows * k` neighbors, in one piece.
///
/// Distances are `f32`, as an index has them. Those that were computed in double precision are kept
/// in a block made with [`NeighborBlock::double`], beside the same distances rounded: such a block
/// serves whoever looks at [`NeighborBlock::row`] as any other does.
#[derive(Clone, Debug, Default)]
pub struct NeighborBlock {
    k: usize,
    /// `nrows * k` places, of which the first `found[row]` of each row are taken.
    places: Vec<Neighbor>,
    found: Vec<u32>,
    /// The distance of each place, in a block of double precision.
    doubles: Option<Vec<f64>>,
}

/// One row of a [`NeighborBlock`], to be filled. Rows of one block can be filled by many threads.
#[derive(Debug)]
pub struct RowMut<'a> {
    places: &'a mut [Neighbor],
    found: &'a mut u32,
    doubles: Option<&'a mut [f64]>,
}

impl RowMut<'_> {
    /// Replaces the row by the first `k` of `neighbors`.
    pub fn fill(&mut self, neighbors: impl IntoIterator<Item = Neighbor>) {
        *self.found = 0;
        for (place, neighbor) in self.places.iter_mut().zip(neighbors) {
            *place = neighbor;
            *self.found += 1;
        }
        if let Some(doubles) = &mut self.doubles {
            for (double, place) in doubles.iter_mut().zip(&self.places[..*self.found as usize]) {
                *double = place.distance.into();
            }
        }
    }

    /// Replaces the row by the first `k` of `neighbors`. A block that is not of double precision
    /// keeps the distances rounded.
    #[expect(clippy::cast_possible_truncation, reason = "the row has both, one of them rounded")]
    pub fn fill_wide(&mut self, neighbors: impl IntoIterator<Item = WideNeighbor>) {
        *self.found = 0;
        for (at, (place, wide)) in self.places.iter_mut().zip(neighbors).enumerate() {
            *place = Neighbor { item: wide.item, distance: wide.distance as f32 };
            if let Some(doubles) = &mut self.doubles {
                doubles[at] = wide.distance;
            }
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
        NeighborBlock { k, places: vec![empty; places], found: vec![0; nrows], doubles: None }
    }

    /// A block of `nrows` rows of up to `k` neighbors whose distances have double precision, all
    /// empty. Takes twice the memory of any other.
    ///
    /// # Panics
    /// As [`NeighborBlock::new`].
    #[must_use]
    pub fn double(nrows: usize, k: usize) -> Self {
        let block = Self::new(nrows, k);
        NeighborBlock { doubles: Some(vec![f64::NAN; nrows * k]), ..block }
    }

    /// Whether the distances have double precision.
    #[must_use]
    pub fn is_double(&self) -> bool {
        self.doubles.is_some()
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

    /// The distance of a neighbor with all digits that it has; in a block that is not of double
    /// precision, those of `f32`.
    ///
    /// # Panics
    /// If `row >= nrows`, or there is no neighbor of this rank (counted from 0) in the row.
    #[must_use]
    pub fn distance(&self, row: usize, rank: usize) -> f64 {
        let single = self.row(row)[rank].distance;
        self.doubles.as_ref().map_or(single.into(), |doubles| doubles[row * self.k + rank])
    }

    /// The neighbors of query `row` with all digits of their distances.
    ///
    /// # Panics
    /// If `row >= nrows`.
    #[must_use]
    pub fn wide_row(&self, row: usize) -> impl ExactSizeIterator<Item = WideNeighbor> {
        self.row(row).iter().enumerate().map(move |(rank, neighbor)| WideNeighbor {
            item: neighbor.item,
            distance: self.distance(row, rank),
        })
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
        let mut doubles = self.doubles.as_deref_mut();
        let k = self.k;
        self.found.iter_mut().map(move |found| {
            let (row, rest) = std::mem::take(&mut places).split_at_mut(k);
            places = rest;
            let doubles = doubles.as_mut().map(|doubles| {
                let (row, rest) = std::mem::take(doubles).split_at_mut(k);
                *doubles = rest;
                row
            });
            RowMut { places: row, found, doubles }
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
    /// If the two have different `k`, or one is of double precision and the other is not.
    pub fn append(&mut self, other: &NeighborBlock) {
        assert_eq!(self.k, other.k, "blocks of different k");
        assert_eq!(self.is_double(), other.is_double(), "blocks of different precision");
        if let (Some(doubles), Some(others)) = (&mut self.doubles, &other.doubles) {
            doubles.extend_from_slice(others);
        }
        self.places.extend_from_slice(&other.places);
        self.found.extend_from_slice(&other.found);
    }
}

/// Blocks are equal that have the same neighbors, at distances of the same precision.
impl PartialEq for NeighborBlock {
    fn eq(&self, other: &Self) -> bool {
        (self.k, self.is_double(), &self.found) == (other.k, other.is_double(), &other.found)
            && (0..self.nrows()).all(|row| self.wide_row(row).eq(other.wide_row(row)))
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
        assert_eq!(first, first.clone()); // the place that nothing was found for is no difference
        assert_ne!(all, first);
    }

    #[test]
    fn a_double_block_has_both_precisions() {
        let third = WideNeighbor { item: 8, distance: 1.0 / 3.0 };
        let mut block = NeighborBlock::double(2, 2);
        for (at, mut row) in block.rows_mut().enumerate() {
            if at == 0 { row.fill(neighbors(&[5])) } else { row.fill_wide([third]) }
        }
        let mut all = NeighborBlock::double(0, 2);
        all.append(&block);
        all.append(&block);
        assert_eq!(all.wide_row(2).collect::<Vec<_>>(), [neighbors(&[5])[0].into()]);
        assert_eq!(all.wide_row(3).collect::<Vec<_>>(), [third]);
        assert_eq!(all.row(3), [Neighbor { item: 8, distance: 1.0 / 3.0 }]);

        let mut single = NeighborBlock::new(1, 1);
        single.rows_mut().for_each(|mut row| row.fill_wide([third]));
        assert_eq!(single.wide_row(0).next().unwrap().distance, f64::from(1f32 / 3.0));
        assert!(!single.is_double());
    }

    #[test]
    fn a_block_of_no_neighbors_has_rows() {
        let mut block = NeighborBlock::new(4, 0);
        block.rows_mut().for_each(|mut row| row.fill(neighbors(&[1])));
        assert_eq!(block.rows().filter(|row| row.is_empty()).count(), 4);
        assert_eq!(block.short_rows(), 0);
    }
}
