//! Two centroids of a sample, and the plane between them.

use bigannoy_metric::Folded;
use bigannoy_metric::folded::{Chunk, unpad};

use crate::random::TreeRandom;

/// Times that the centroids move to the middle of the rows on their side.
pub(crate) const ROUNDS: usize = 2;

/// Sides of which the larger has more than these per cent of a sample are uneven.
///
/// With 60 trees grew faster only in hundreds of dimensions without structure (in 784 in 0.074 s instead of 0.087), and
/// with 80 slower there (0.107 s); recall on word vectors was 0.624, 0.627 and 0.628.
const UNEVEN: usize = 70;

/// The least squared distance of two centroids that a plane is put between. Where squares are much smaller, what is
/// lost of each of them shows in their sum.
const LEAST_SQUARED: f32 = 1e-36;

/// Some of the rows of a slice, padded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    /// All rows, one behind the other.
    pub(crate) rows: &'a [Chunk],
    /// The numbers of those that count, at least two.
    pub(crate) picks: &'a [u32],
    /// Chunks of a row.
    pub(crate) size: usize,
    /// Whether only directions count: rows are equally long, and planes go through the origin.
    pub(crate) directions: bool,
}

/// Two centroids of a sample; its buffers are used again from set to set.
#[derive(Debug, Default)]
pub(crate) struct TwoMeans {
    /// The numbers of the rows on side 1.
    ones: Vec<u32>,
    /// For each row of the sample, `offset + plane · row`.
    margins: Vec<f32>,
    /// Room for margins in order.
    ordered: Vec<f32>,
    total: Vec<Chunk>,
    p: Vec<Chunk>,
    q: Vec<Chunk>,
    plane: Vec<Chunk>,
    offset: f32,
}

impl TwoMeans {
    /// Begins a sample.
    pub(crate) fn begin(&mut self, code: Folded, sample: Sample<'_>) {
        for vector in [&mut self.total, &mut self.p, &mut self.q, &mut self.plane] {
            vector.clear();
            vector.resize(sample.size, Chunk::default());
        }
        code.add_rows(sample.rows, sample.picks, &mut self.total);
    }

    /// Starts at two rows of the sample and moves to the middle of the rows that are nearer, a few
    /// times.
    pub(crate) fn run(&mut self, code: Folded, sample: Sample<'_>, random: &mut TreeRandom) {
        let starts = starts(sample.picks.len(), random);
        for (centroid, at) in [&mut self.p, &mut self.q].into_iter().zip(starts) {
            let row = sample.picks[at] as usize;
            centroid.copy_from_slice(&sample.rows[row * sample.size..][..sample.size]);
        }
        for round in 0..=ROUNDS {
            self.find_margins(code, sample);
            if round == ROUNDS || !self.move_centroids(code, sample) {
                break;
            }
        }
    }

    /// Finds the plane between the centroids and the margins of all rows.
    fn find_margins(&mut self, code: Folded, sample: Sample<'_>) {
        for ((plane, p), q) in self.plane.iter_mut().zip(&self.p).zip(&self.q) {
            *plane = each(p, q, |p, q| p - q);
        }
        self.offset = 0.0;
        if !sample.directions {
            let middle: &mut [Chunk] = &mut self.q;
            for (q, p) in middle.iter_mut().zip(&self.p) {
                *q = each(p, q, |p, q| (p + q) * 0.5);
            }
            self.offset = -product(code, &self.plane, middle);
        }
        self.margins.clear();
        self.margins.resize(sample.picks.len(), self.offset);
        code.add_products(&self.plane, sample.rows, sample.picks, &mut self.margins);
    }

    /// Moves the centroids. Tells whether both have rows.
    fn move_centroids(&mut self, code: Folded, sample: Sample<'_>) -> bool {
        let count = sample.picks.len();
        self.ones.resize(count, 0);
        let mut ones = self.take_ones(sample);
        if !sample.directions
            && is_uneven(ones, count)
            && move_to_median(&mut self.margins, &mut self.ordered)
        {
            self.ones.resize(count, 0);
            ones = self.take_ones(sample);
        }
        if ones == 0 || ones == count {
            return false;
        }
        self.p.fill(Chunk::default());
        code.add_rows(sample.rows, &self.ones, &mut self.p);
        for ((q, p), total) in self.q.iter_mut().zip(&self.p).zip(&self.total) {
            *q = each(total, p, |total, p| total - p);
        }
        for (centroid, rows) in [(&mut self.p, ones), (&mut self.q, count - ones)] {
            #[expect(clippy::cast_precision_loss, reason = "samples are small")]
            let rows = rows as f32;
            let length =
                if sample.directions { product(code, centroid, centroid).sqrt() } else { rows };
            // What has no direction stays where it is.
            let shrink = if length > 0.0 { 1.0 / length } else { 1.0 };
            scale(centroid, shrink);
        }
        true
    }

    /// Lists the rows on side 1, and tells how many there are.
    fn take_ones(&mut self, sample: Sample<'_>) -> usize {
        let mut ones = 0;
        for (row, margin) in sample.picks.iter().zip(&self.margins) {
            self.ones[ones] = *row;
            ones += usize::from(*margin > 0.0);
        }
        self.ones.truncate(ones);
        ones
    }

    /// The margins of the sample's rows under the plane of the last run.
    pub(crate) fn margins(&self) -> &[f32] {
        &self.margins
    }

    /// Writes the plane of the last run, its normal of length 1. `None`, and zeros, if there is none:
    /// where the centroids are equal, or so near to each other, or far from each other, that squares
    /// vanish or overflow.
    pub(crate) fn plane(&mut self, code: Folded, normal: &mut [f32]) -> Option<f32> {
        let squared = product(code, &self.plane, &self.plane);
        let length = squared.sqrt();
        let offset = self.offset / length;
        if (LEAST_SQUARED..=f32::MAX).contains(&squared) && offset.is_finite() {
            unpad(&self.plane, normal);
            for value in normal {
                *value /= length;
            }
            Some(offset)
        } else {
            normal.fill(0.0);
            None
        }
    }
}

/// Whether one side has so much more of the sample that centroids are to move to the middles of halves instead: a centroid
/// near the middle of everything would keep almost all, and the plane would go further and further from there.
pub(crate) fn is_uneven(ones: usize, count: usize) -> bool {
    ones.max(count - ones) * 100 > count * UNEVEN
}

/// Takes the median off the margins, so that about as many are above zero as are not. `ordered` is room. Tells whether it did: not
/// where none would be above, since half or more are equal.
pub(crate) fn move_to_median(margins: &mut [f32], ordered: &mut Vec<f32>) -> bool {
    ordered.clear();
    ordered.extend_from_slice(margins);
    let middle = (ordered.len() - 1) / 2;
    let (_, &mut median, above) = ordered.select_nth_unstable_by(middle, f32::total_cmp);
    let is_moved = median.is_finite() && above.iter().any(|&margin| margin > median);
    if is_moved {
        for margin in margins {
            *margin -= median;
        }
    }
    is_moved
}

/// Draws two of so many rows, which centroids start at.
pub(crate) fn starts(count: usize, random: &mut TreeRandom) -> [usize; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "a sample of numbered items")]
    let count = count as u32;
    let first = random.below(count);
    let second = random.below(count - 1);
    [first, second + u32::from(second >= first)].map(|at| at as usize)
}

/// Element by element.
fn each(x: &Chunk, y: &Chunk, of: impl Fn(f32, f32) -> f32) -> Chunk {
    let mut result = Chunk::default();
    for ((result, x), y) in result.0.iter_mut().zip(x.0).zip(y.0) {
        *result = of(x, y);
    }
    result
}

/// Makes a padded vector of this squared length one of length 1. A vector of zeros has no direction,
/// and one beyond the range gets none.
pub(crate) fn scale_to_direction(vector: &mut [Chunk], squared_length: f32) {
    let length = squared_length.sqrt();
    scale(vector, if length > 0.0 { 1.0 / length } else { 0.0 });
}

/// Multiplies a padded vector.
fn scale(vector: &mut [Chunk], by: f32) {
    for chunk in vector {
        for value in &mut chunk.0 {
            *value *= by;
        }
    }
}

/// The inner product of two padded vectors.
fn product(code: Folded, x: &[Chunk], y: &[Chunk]) -> f32 {
    let mut sum = [0.0];
    code.add_products(x, y, &[0], &mut sum);
    sum[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_move_to_their_median_unless_nothing_is_above_it() {
        let mut room = Vec::new();
        for (before, after) in [
            (vec![9.0, 1.0, 2.0, 3.0], Some(vec![7.0, -1.0, 0.0, 1.0])),
            (vec![5.0, 5.0, 5.0, -1.0], None),
            (vec![f32::NAN, f32::NAN, 1.0], None),
            (vec![4.0], None),
        ] {
            let mut margins = before.clone();
            let is_moved = move_to_median(&mut margins, &mut room);
            assert_eq!(is_moved, after.is_some(), "{before:?}");
            if let Some(after) = after {
                assert_eq!(margins, after);
            } else {
                assert_eq!(margins[0].to_bits(), before[0].to_bits());
            }
        }
    }
}
