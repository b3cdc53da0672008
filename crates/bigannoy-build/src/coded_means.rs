//! Two centroids of a sample in codes, and the plane between them.

use bigannoy_metric::Folded;
use bigannoy_metric::coded::{CodedRows, Codes, Line, WIDTH, decode};

use crate::codes::LENGTH;
use crate::means::{ROUNDS, is_uneven, move_to_median, starts};
use crate::random::TreeRandom;

/// Centroids that are nearer to each other, in steps of codes, are too near to be told apart well.
const LEAST_GAP: f32 = 256.0;

/// Some of the rows of a slice, in codes of one scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodedSample<'a> {
    pub(crate) rows: CodedRows<'a>,
    /// The numbers of those that count, at least two.
    pub(crate) picks: &'a [u32],
    /// Whether only directions count: rows are equally long, and planes go through the origin.
    pub(crate) directions: bool,
    /// Whether they are all of a set, whose margins are wanted.
    pub(crate) is_whole: bool,
}

/// What is computed for the codes of a register.
type Of<T> = [T; WIDTH];

/// Two centroids of a coded sample; its buffers are used again from set to set.
///
/// Lengths are in steps of the codes. Sums of rows are whole numbers, exact in any order.
#[derive(Debug, Default)]
pub(crate) struct CodedMeans {
    /// For each row of the sample, `offset + plane · row`.
    margins: Vec<f32>,
    /// Room for margins in order.
    ordered: Vec<f32>,
    /// The numbers of the rows on either side.
    zeros: Vec<u32>,
    ones: Vec<u32>,
    /// The sum of all rows, and of those on side 1.
    total: Vec<Of<i32>>,
    sum: Vec<Of<i32>>,
    p: Vec<Of<f32>>,
    q: Vec<Of<f32>>,
    plane: Vec<Of<f32>>,
    length: f32,
    offset: f32,
    coded: Vec<Codes>,
}

impl CodedMeans {
    /// Starts at two rows of the sample and moves to the middle of the rows that are nearer, a few
    /// times.
    pub(crate) fn run(&mut self, code: Folded, sample: CodedSample<'_>, random: &mut TreeRandom) {
        for vector in [&mut self.p, &mut self.q, &mut self.plane] {
            vector.resize(sample.rows.size, [0.0; WIDTH]);
        }
        self.coded.resize(sample.rows.size, Codes::default());
        let starts = starts(sample.picks.len(), random);
        for (centroid, at) in [&mut self.p, &mut self.q].into_iter().zip(starts) {
            let row = sample.rows.row(sample.picks[at] as usize);
            for (values, codes) in centroid.iter_mut().zip(row) {
                *values = codes.0.map(f32::from);
            }
        }
        for round in 0..ROUNDS {
            self.find_plane(code, sample);
            self.find_margins(code, sample);
            if !self.move_centroids(code, sample, round) {
                return;
            }
        }
        self.find_plane(code, sample);
        if sample.is_whole {
            self.find_margins(code, sample);
        }
    }

    /// Finds the plane between the centroids.
    fn find_plane(&mut self, code: Folded, sample: CodedSample<'_>) {
        let CodedMeans { p, q, plane, coded, .. } = self;
        let squared = code.difference(p.as_flattened(), q.as_flattened(), plane.as_flattened_mut());
        self.length = squared.sqrt();
        self.offset = 0.0;
        if !sample.directions {
            for (q, p) in q.iter_mut().zip(p) {
                *q = std::array::from_fn(|at| (p[at] + q[at]) * 0.5);
            }
            self.offset = -code.dot(plane.as_flattened(), q.as_flattened());
        }
        let by = if self.length > 0.0 { LENGTH / self.length } else { 0.0 };
        code.encode(plane.as_flattened(), by, coded);
    }

    /// Finds the margins of all rows under the plane.
    fn find_margins(&mut self, code: Folded, sample: CodedSample<'_>) {
        let CodedMeans { margins, coded, length, offset, .. } = self;
        let line = Line { by: *length / LENGTH, offset: *offset };
        margins.resize(sample.picks.len(), 0.0);
        code.coded_margins((coded, line), sample.rows, sample.picks, margins);
    }

    /// Moves the centroids. Tells whether both have rows.
    fn move_centroids(&mut self, code: Folded, sample: CodedSample<'_>, round: usize) -> bool {
        let CodedMeans { margins, ordered, zeros, ones, total, sum, p, q, .. } = self;
        let count = sample.picks.len();
        let mut n_ones = code.part(sample.picks, margins, zeros, ones);
        if !sample.directions && is_uneven(n_ones, count) && move_to_median(margins, ordered) {
            n_ones = code.part(sample.picks, margins, zeros, ones);
        }
        if n_ones == 0 || n_ones == count {
            return false;
        }
        let add = |rows: &[u32], sum: &mut Vec<Of<i32>>| {
            sum.clear();
            sum.resize(sample.rows.size, [0; WIDTH]);
            code.add_coded_rows(sample.rows, rows, sum);
        };
        add(&ones[..n_ones], sum);
        if round == 0 {
            add(&zeros[..count - n_ones], total);
            for (total, sum) in total.iter_mut().zip(&*sum) {
                *total = std::array::from_fn(|at| total[at] + sum[at]);
            }
        }
        for ((p, q), (sum, total)) in p.iter_mut().zip(&mut *q).zip(sum.iter().zip(&*total)) {
            #[expect(clippy::cast_precision_loss, reason = "rounded, as it is everywhere")]
            for (at, (p, q)) in p.iter_mut().zip(q).enumerate() {
                *p = sum[at] as f32;
                *q = (total[at] - sum[at]) as f32;
            }
        }
        for (centroid, rows) in [(p, n_ones), (q, count - n_ones)] {
            let centroid = centroid.as_flattened_mut();
            let by = if sample.directions {
                let length = code.dot(centroid, centroid).sqrt();
                // What has no direction stays where it is.
                if length > 0.0 { LENGTH / length } else { 1.0 }
            } else {
                #[expect(clippy::cast_precision_loss, reason = "samples are small")]
                let rows = rows as f32;
                1.0 / rows
            };
            for value in centroid {
                *value *= by;
            }
        }
        true
    }

    /// The margins of the sample's rows under the plane of the last run, if they are a whole set.
    pub(crate) fn margins(&self) -> &[f32] {
        &self.margins
    }

    /// The middle between the centroids of the last run, in steps from where the codes begin. Not of directions.
    pub(crate) fn middle(&self, middle: &mut [f32]) {
        decode(self.q.as_flattened(), middle);
    }

    /// Replaces the plane of the last run by one through the codes of `normal`, of length 1, which lies `offset`
    /// steps from where the codes begin.
    pub(crate) fn turn(&mut self, code: Folded, normal: &[f32], offset: f32) {
        code.encode(normal, LENGTH, &mut self.coded);
        (self.length, self.offset) = (1.0, offset);
    }

    /// Whether the centroids are far enough from each other for codes to tell them apart.
    pub(crate) fn is_clear(&self) -> bool {
        self.length >= LEAST_GAP
    }

    /// The plane of the last run in codes, with what makes margins of products.
    pub(crate) fn coded_plane(&self) -> (&[Codes], Line) {
        (&self.coded, Line { by: self.length / LENGTH, offset: self.offset })
    }

    /// Writes the normal of the plane of the last run, of length 1, and returns the plane's offset in
    /// steps from where the codes begin.
    pub(crate) fn plane(&self, normal: &mut [f32]) -> f32 {
        decode(self.plane.as_flattened(), normal);
        for value in normal {
            *value /= self.length;
        }
        self.offset / self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SetKey;
    use bigannoy_metric::coded::n_codes;

    /// Rows of `dim` codes of about the length that they may have, in two clusters or in one.
    fn rows(dim: usize, apart: f32) -> Vec<Codes> {
        let code = Folded::new();
        let mut codes = vec![Codes::default(); 40 * n_codes(dim)];
        for (row, codes) in codes.chunks_exact_mut(n_codes(dim)).enumerate() {
            let value = |at| f32::from(u8::try_from((row * 31 + at * 7) % 13).unwrap());
            let mut vector: Vec<f32> = (0..dim).map(value).collect();
            vector[0] += if row % 2 == 0 { apart } else { 0.0 };
            code.encode(&vector, 1.0, codes);
        }
        codes
    }

    #[test]
    fn clusters_end_up_on_two_sides_of_a_plane_between_them() {
        for dim in [1, 9, 50, 200] {
            let codes = rows(dim, 30_000.0);
            let size = n_codes(dim);
            let picks: Vec<u32> = (0..40).collect();
            let sample = CodedSample {
                rows: CodedRows { codes: &codes, size },
                picks: &picks,
                directions: false,
                is_whole: true,
            };
            let runs = Folded::all().into_iter().map(|code| {
                let mut random = TreeRandom::new(5, 0);
                random.begin(SetKey::ROOT);
                let mut means = CodedMeans::default();
                let mut normal = vec![0.0; dim];
                // From the same cluster, centroids can part within it.
                while !(means.is_clear() && means.length > 20_000.0) {
                    means.run(code, sample, &mut random);
                }
                let offset = means.plane(&mut normal);
                (means.margins().to_vec(), normal, offset)
            });
            let runs: Vec<_> = runs.collect();
            assert!(runs.iter().all(|run| *run == runs[0]));
            let (margins, normal, offset) = &runs[0];
            assert!(margins.iter().enumerate().all(|(row, margin)| {
                (*margin > 0.0) == ((row % 2 == 0) == (margins[0] > 0.0))
            }));
            assert!((normal[0].abs() - 1.0).abs() < 1e-3 && (offset.abs() - 15_000.0).abs() < 20.0);
        }
    }

    #[test]
    fn rows_within_some_steps_are_not_clear() {
        let codes = rows(50, 0.0);
        let picks: Vec<u32> = (0..40).collect();
        let rows = CodedRows { codes: &codes, size: n_codes(50) };
        let sample = CodedSample { rows, picks: &picks, directions: false, is_whole: true };
        let mut means = CodedMeans::default();
        means.run(Folded::new(), sample, &mut TreeRandom::new(5, 0));
        assert!(!means.is_clear());
    }
}
