//! Which of two ways to halve a set leaves more of the largest products where a search begins.

use bigannoy_metric::Folded;

use crate::means::Sample;

/// Rows whose directions stand for queries.
const ASKED: usize = 16;
/// The products of each that count.
const BEST: usize = 2;

/// Room for lengths, products with one row, and the order of the rows.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    lengths: Vec<f32>,
    products: Vec<f32>,
    order: Vec<u32>,
}

impl Reach {
    /// Whether more of the largest products are on the query's side of a plane than among the items
    /// that are longer than the median. Rows of the `sample` stand for queries.
    ///
    /// The `sample` has directions, `squares` the squared lengths that belong to them, and `margins`
    /// are those under the plane.
    pub(crate) fn is_more_by_plane(
        &mut self,
        code: Folded,
        sample: Sample<'_>,
        squares: &[f32],
        median: f32,
        margins: &[f32],
    ) -> bool {
        let count = squares.len();
        let asks = ASKED.min(count);
        self.lengths.clear();
        self.lengths.extend(squares.iter().map(|square| square.sqrt()));
        let (mut by_plane, mut by_length) = (0, 0);
        for ask in 0..asks {
            let asked = ask * count / asks;
            let row = sample.picks[asked] as usize;
            self.products.clear();
            self.products.resize(count, 0.0);
            let query = &sample.rows[row * sample.size..][..sample.size];
            code.add_products(query, sample.rows, sample.picks, &mut self.products);
            for (product, length) in self.products.iter_mut().zip(&self.lengths) {
                *product *= length;
            }
            let others = (0..).take(count).filter(|&at| at as usize != asked);
            self.order.clear();
            self.order.extend(others);
            let best = BEST.min(self.order.len());
            if best < self.order.len() {
                let product = |at: u32| self.products[at as usize];
                self.order.select_nth_unstable_by(best, |&a, &b| {
                    product(b).total_cmp(&product(a)).then(a.cmp(&b))
                });
            }
            for &at in &self.order[..best] {
                let (margin, square) = (margins[at as usize], squares[at as usize]);
                by_plane += usize::from((margin > 0.0) == (margins[asked] > 0.0));
                by_length += usize::from(square > median);
            }
        }
        by_plane > by_length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_metric::folded::{Chunk, n_chunks, pad};

    /// Whether a plane through the first axis tells more, of directions in the plane.
    fn is_more(rows: &[([f32; 2], f32)], median: f32) -> bool {
        let size = n_chunks(2);
        let mut padded = vec![Chunk::default(); rows.len() * size];
        for ((direction, _), padded) in rows.iter().zip(padded.chunks_exact_mut(size)) {
            pad(direction, padded);
        }
        let picks: Vec<u32> = (0..).take(rows.len()).collect();
        let sample = Sample { rows: &padded, picks: &picks, size, directions: true };
        let squares: Vec<f32> = rows.iter().map(|row| row.1).collect();
        let margins: Vec<f32> = rows.iter().map(|row| row.0[0]).collect();
        let codes = Folded::all().into_iter();
        let tell =
            |code| Reach::default().is_more_by_plane(code, sample, &squares, median, &margins);
        let told: Vec<bool> = codes.map(tell).collect();
        assert!(told.iter().all(|more| *more == told[0]));
        told[0]
    }

    #[test]
    fn clusters_are_told_apart_by_planes_and_scattered_directions_by_length() {
        // Two clusters that point away from each other, of short and of long vectors.
        let ten = (1u8..=10).map(|i| (if i > 5 { [1.0, 0.0] } else { [-1.0, 0.0] }, f32::from(i)));
        let clusters: Vec<_> =
            ten.map(|(direction, length)| (direction, length * length)).collect();
        assert!(is_more(&clusters, 25.0));
        // All nearly in one direction on both sides of the plane: only lengths tell them apart.
        let close: Vec<_> =
            clusters.iter().flat_map(|row| [([0.01, 1.0], row.1), ([-0.01, 1.0], row.1)]).collect();
        assert!(!is_more(&close, 25.0));
        // Where both tell as much, lengths.
        assert!(!is_more(&[([1.0, 0.0], 4.0), ([1.0, 0.0], 4.0)], 1.0));
    }
}
