//! Two centroids of a sample, and the plane between them.

use bigannoy_metric::Folded;
use bigannoy_metric::folded::{Chunk, unpad};

use crate::random::TreeRandom;

/// Times that the centroids move to the middle of the rows on their side.
const ROUNDS: usize = 2;

/// A sample of a set, padded, and two centroids in it; its buffers are used again from set to set.
#[derive(Debug, Default)]
pub(crate) struct TwoMeans {
    /// Rows, one behind the other, as long as `total`.
    rows: Vec<Chunk>,
    /// The numbers of all rows, and of those on side 1.
    all: Vec<u32>,
    ones: Vec<u32>,
    /// For each row, `offset + plane · row`.
    margins: Vec<f32>,
    total: Vec<Chunk>,
    p: Vec<Chunk>,
    q: Vec<Chunk>,
    plane: Vec<Chunk>,
    offset: f32,
}

impl TwoMeans {
    /// Begins a sample of `count` rows of `n_chunks` chunks; gives the rows, to be filled.
    pub(crate) fn sample(&mut self, count: usize, n_chunks: usize) -> &mut [Chunk] {
        self.rows.resize(count * n_chunks, Chunk::default());
        if self.all.len() != count {
            self.all.clear();
            self.all.extend((0..).take(count));
        }
        for vector in [&mut self.total, &mut self.p, &mut self.q, &mut self.plane] {
            vector.clear();
            vector.resize(n_chunks, Chunk::default());
        }
        &mut self.rows
    }

    /// The sample is filled.
    pub(crate) fn filled(&mut self, code: Folded) {
        self.total.fill(Chunk::default());
        code.add_rows(&self.rows, &self.all, &mut self.total);
    }

    /// Starts at two rows of the sample and moves to the middle of the rows that are nearer, a few
    /// times. Of directions the lengths do not count, and the plane goes through the origin.
    pub(crate) fn run(&mut self, code: Folded, directions: bool, random: &mut TreeRandom) {
        let size = self.total.len();
        #[expect(clippy::cast_possible_truncation, reason = "a sample of numbered items")]
        let count = self.all.len() as u32;
        let first = random.below(count);
        let second = random.below(count - 1);
        let second = second + u32::from(second >= first);
        self.p.copy_from_slice(&self.rows[first as usize * size..][..size]);
        self.q.copy_from_slice(&self.rows[second as usize * size..][..size]);
        for round in 0..=ROUNDS {
            self.find_margins(code, directions);
            if round == ROUNDS || !self.move_centroids(code, directions) {
                break;
            }
        }
    }

    /// Finds the plane between the centroids and the margins of all rows.
    fn find_margins(&mut self, code: Folded, directions: bool) {
        for ((plane, p), q) in self.plane.iter_mut().zip(&self.p).zip(&self.q) {
            *plane = each(p, q, |p, q| p - q);
        }
        self.offset = 0.0;
        if !directions {
            let middle: &mut [Chunk] = &mut self.q;
            for (q, p) in middle.iter_mut().zip(&self.p) {
                *q = each(p, q, |p, q| (p + q) * 0.5);
            }
            self.offset = -product(code, &self.plane, middle);
        }
        self.margins.clear();
        self.margins.resize(self.all.len(), self.offset);
        code.add_products(&self.plane, &self.rows, &self.all, &mut self.margins);
    }

    /// Moves the centroids. Tells whether both have rows.
    fn move_centroids(&mut self, code: Folded, directions: bool) -> bool {
        self.ones.resize(self.all.len(), 0);
        let mut ones = 0;
        for (row, margin) in (0..).zip(&self.margins) {
            self.ones[ones] = row;
            ones += usize::from(*margin > 0.0);
        }
        self.ones.truncate(ones);
        if ones == 0 || ones == self.all.len() {
            return false;
        }
        self.p.fill(Chunk::default());
        code.add_rows(&self.rows, &self.ones, &mut self.p);
        for ((q, p), total) in self.q.iter_mut().zip(&self.p).zip(&self.total) {
            *q = each(total, p, |total, p| total - p);
        }
        for (centroid, rows) in [(&mut self.p, ones), (&mut self.q, self.all.len() - ones)] {
            #[expect(clippy::cast_precision_loss, reason = "samples are small")]
            let rows = rows as f32;
            let length = if directions { product(code, centroid, centroid).sqrt() } else { rows };
            // What has no direction stays where it is.
            let shrink = if length > 0.0 { 1.0 / length } else { 1.0 };
            scale(centroid, shrink);
        }
        true
    }

    /// The margins of the sample's rows under the plane of the last run.
    pub(crate) fn margins(&self) -> &[f32] {
        &self.margins
    }

    /// Writes the plane of the last run, its normal of length 1. `None`, and zeros, if there is none:
    /// where the centroids are equal, or too far apart for a number.
    pub(crate) fn plane(&mut self, code: Folded, normal: &mut [f32]) -> Option<f32> {
        let length = product(code, &self.plane, &self.plane).sqrt();
        let offset = self.offset / length;
        if length > 0.0 && length.is_finite() && offset.is_finite() {
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

/// Element by element.
fn each(x: &Chunk, y: &Chunk, of: impl Fn(f32, f32) -> f32) -> Chunk {
    let mut result = Chunk::default();
    for ((result, x), y) in result.0.iter_mut().zip(x.0).zip(y.0) {
        *result = of(x, y);
    }
    result
}

/// Multiplies a padded vector.
pub(crate) fn scale(vector: &mut [Chunk], by: f32) {
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
