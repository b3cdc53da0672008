//! Rows and queries on one grid, whose differences are summed without their signs.

use std::ops::Range;

use super::encode::MOST_DIM;
use super::{GROUP, Hit, QueryBounds, QueryLimits, RowTest, ScanKernel};
use crate::StrictError;

/// Rows that lie together.
pub const GRID_STRIP: usize = BLOCK * BLOCKS;
/// Rows whose sums are made together.
pub(super) const BLOCK: usize = 8;
/// Of which a strip has so many.
const BLOCKS: usize = 4;
/// Elements of a row that lie together.
pub(super) const EIGHT: usize = 8;

/// What sums begin with, less what the row's codes lose.
const BIAS: u32 = 1 << 26;
/// What they begin with where there is no row: more than any limit.
const NO_ROW: u32 = 1 << 30;
/// And for a row that nothing is known of, so that they stay below any limit.
const UNKNOWN: u32 = 0;

/// The largest code.
const MOST: f64 = 255.0;
/// Values that tell how far codes should reach.
const SAMPLE: usize = 1 << 13;
/// Rows that tell where the middle of a column is.
const SAMPLE_ROWS: usize = 512;
/// The narrowest and the widest reach, and the magnitude of a middle that is kept.
const LEAST_REACH: f64 = 1e-150;
const MOST_REACH: f64 = 1e150;

const _: () = assert!(MOST_DIM as u64 * 255 < 1 << 24);

/// What codes of rows and queries stand for: whole numbers from 0 to 255 in steps of one size in all columns,
/// about the middle of each.
#[derive(Clone, Debug)]
pub struct Grid {
    /// What 0 stands for in each column.
    lows: Vec<f64>,
    /// How many steps there are in 1.
    inverse: f64,
}

impl Grid {
    /// A grid for rows like these, of `dim` elements. Any grid is right for any rows; one that was made for
    /// others excludes few.
    #[must_use]
    pub fn new<'a>(dim: usize, rows: impl IntoIterator<Item = &'a [f64]>) -> Self {
        let rows: Vec<&[f64]> = rows.into_iter().collect();
        let some = |most: usize| rows.iter().step_by(rows.len().div_ceil(most.max(1)).max(1));
        let mut middles: Vec<f64> = Vec::with_capacity(dim);
        let mut column: Vec<f64> = Vec::new();
        for z in 0..dim {
            column.clear();
            column.extend(some(SAMPLE_ROWS).map(|row| row[z]));
            let middle = column.len() / 2;
            let middle = match column.get(middle) {
                Some(_) => *column.select_nth_unstable_by(middle, f64::total_cmp).1,
                None => 0.0,
            };
            middles.push(if middle.abs() <= MOST_REACH { middle } else { 0.0 });
        }
        let deviations = some(SAMPLE / dim.max(1)).flat_map(|row| {
            row.iter().zip(&middles).map(|(x, middle)| (x - middle).abs().min(MOST_REACH))
        });
        let reach = reach(deviations.collect()).clamp(LEAST_REACH, MOST_REACH);
        let lows = middles.into_iter().map(|middle| middle - reach).collect();
        Grid { lows, inverse: MOST / (2.0 * reach) }
    }

    /// Writes the codes of a vector, and returns at least what they lose, in steps: NaN where the vector has
    /// a NaN.
    fn encode(&self, vector: &[f64], codes: &mut [u8]) -> f64 {
        assert_eq!(vector.len(), self.lows.len(), "a vector of the grid's dimension");
        let mut sums = [0.0; EIGHT];
        let (eights, rest) = vector.as_chunks::<EIGHT>();
        let (lows, last_lows) = self.lows.as_chunks::<EIGHT>();
        let (codes, last) = codes[..vector.len()].as_chunks_mut::<EIGHT>();
        for ((codes, x), low) in codes.iter_mut().zip(eights).zip(lows) {
            for lane in 0..EIGHT {
                let lost;
                (codes[lane], lost) = self.code(x[lane], low[lane]);
                sums[lane] += lost;
            }
        }
        for ((sum, code), (x, low)) in sums.iter_mut().zip(last).zip(rest.iter().zip(last_lows)) {
            let lost;
            (*code, lost) = self.code(*x, *low);
            *sum += lost;
        }
        #[expect(clippy::cast_precision_loss, reason = "a dimension")]
        let dim = vector.len() as f64;
        // Far more than the rounding of the sums, and of each element.
        sums.iter().sum::<f64>() * (1.0 + 1e-10) + dim * 1e-13
    }

    #[inline]
    fn code(&self, x: f64, low: f64) -> (u8, f64) {
        // From 1.5 * 2^52 on, doubles are whole numbers, and their low bits count them.
        const SHIFT: f64 = 6_755_399_441_055_744.0;
        let steps = ((x - low) * self.inverse).clamp(0.0, MOST);
        let shifted = steps + SHIFT;
        (shifted.to_bits().to_le_bytes()[0], (steps - (shifted - SHIFT)).abs())
    }
}

/// Half of what codes should reach over, so that least is lost of deviations like these: beyond the reach
/// what is beyond, and within it a quarter of a step on average.
#[expect(clippy::cast_precision_loss, reason = "counts of some thousands")]
fn reach(mut deviations: Vec<f64>) -> f64 {
    deviations.sort_unstable_by(f64::total_cmp);
    let count = deviations.len();
    // What is far beyond most others tells rows apart wherever it is cut.
    let usual = &deviations[..count - count / 16];
    let (sum, squares) =
        usual.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    // Of few large values among many small ones, about the large ones.
    let far = 8.0 * squares / sum;
    if far > 0.0 {
        for deviation in &mut deviations {
            *deviation = deviation.min(far);
        }
    }
    let mut sum = 0.0;
    let mut up_to = vec![0.0];
    up_to.extend(deviations.iter().map(|deviation| {
        sum += deviation;
        sum
    }));
    let loss = |reach: f64, beyond: usize| {
        let quarter = reach / (2.0 * MOST);
        let small = deviations.partition_point(|&deviation| deviation <= quarter);
        let cut = sum - up_to[count - beyond] - reach * beyond as f64;
        cut + up_to[small] + quarter * (count - small) as f64
    };
    let beyond = std::iter::successors(Some(0), |&beyond| Some(2 * beyond + 1));
    let reaches = beyond
        .take_while(|&beyond| beyond <= count / 2 && beyond < count)
        .map(|beyond| (deviations[count - 1 - beyond], beyond))
        .filter(|&(reach, _)| reach > 0.0);
    let best = reaches.min_by(|a, b| loss(a.0, a.1).total_cmp(&loss(b.0, b.1)));
    best.map_or(0.0, |(reach, _)| reach)
}

/// The codes of up to [`GROUP`] queries on a grid.
#[derive(Clone, Debug)]
pub struct GridQueries {
    /// For each eight elements, the codes of each query.
    pub(super) words: Vec<[[u8; EIGHT]; GROUP]>,
}

impl GridQueries {
    /// The codes of some queries, and what follows for distances that are computed with such an error:
    /// `None` where a query has a NaN.
    ///
    /// # Panics
    /// If there are more than [`GROUP`] queries, or one is not of the grid's dimension.
    #[must_use]
    pub fn new<'a>(
        grid: &Grid,
        queries: impl IntoIterator<Item = &'a [f64]>,
        error: StrictError,
    ) -> (Self, [Option<QueryBounds>; GROUP]) {
        let mut codes = vec![0; grid.lows.len().next_multiple_of(EIGHT)];
        let mut words = vec![[[0; EIGHT]; GROUP]; codes.len() / EIGHT];
        let mut bounds = [None; GROUP];
        for (at, query) in queries.into_iter().enumerate() {
            let lost = grid.encode(query, &mut codes);
            bounds[at] = QueryBounds::differences(1.0 / grid.inverse, lost, error);
            for (word, eight) in words.iter_mut().zip(codes.as_chunks::<EIGHT>().0) {
                word[at] = *eight;
            }
        }
        (GridQueries { words }, bounds)
    }
}

/// Eight elements of each row of a block, a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [[u8; EIGHT]; BLOCK]);

/// Rows in codes on a grid, 32 by 32.
///
/// Memory, for `dim` elements: `dim` rounded up to a multiple of 8, and 4 bytes, for each row; rows are
/// rounded up to a multiple of 32.
#[derive(Clone, Debug, Default)]
pub struct GridRows {
    dim: usize,
    rows: usize,
    lines: Vec<Line>,
    /// What sums of each row begin with.
    starts: Vec<[u32; BLOCK]>,
}

impl GridRows {
    /// Makes room for other rows; memory is kept. All codes are undefined until they are set.
    ///
    /// # Panics
    /// If `dim` is 0 or more than [`QueryCodes::MOST_DIM`](super::QueryCodes::MOST_DIM).
    pub fn resize(&mut self, dim: usize, rows: usize) {
        assert!((1..=MOST_DIM).contains(&dim), "{dim} dimensions");
        (self.dim, self.rows) = (dim, rows);
        let blocks = self.strips() * BLOCKS;
        self.lines.resize(blocks * dim.div_ceil(EIGHT), Line([[0; EIGHT]; BLOCK]));
        self.starts.clear();
        self.starts.resize(blocks, [NO_ROW; BLOCK]);
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many strips there are.
    #[must_use]
    pub fn strips(&self) -> usize {
        self.rows.div_ceil(GRID_STRIP)
    }

    /// The rows in pieces of up to `strips` strips, to be set by as many threads as one likes.
    ///
    /// # Panics
    /// If `strips` is 0, or there are no rows.
    pub fn pieces_mut(&mut self, strips: usize) -> impl Iterator<Item = GridPiece<'_>> {
        let (dim, rows, blocks) = (self.dim, self.rows, strips * BLOCKS);
        let eights = dim.div_ceil(EIGHT);
        self.lines.chunks_mut(blocks * eights).zip(self.starts.chunks_mut(blocks)).enumerate().map(
            move |(at, (lines, starts))| {
                let first = at * strips * GRID_STRIP;
                let rows = first..rows.min(first + strips * GRID_STRIP);
                GridPiece { codes: vec![0; eights * EIGHT], rows, lines, starts }
            },
        )
    }

    /// Adds to `hits` the pairs of a query and a row of `strips` that pass the test. The product of a hit is the
    /// sum of differences with its sign changed.
    ///
    /// Cost: about two cycles a pair in 50 dimensions where there is AVX2.
    ///
    /// # Panics
    /// If `queries` have another dimension, or there are no such strips.
    pub fn scan(
        &self,
        kernel: ScanKernel,
        strips: Range<usize>,
        queries: &GridQueries,
        limits: &QueryLimits,
        hits: &mut Vec<Hit>,
    ) {
        let eights = self.dim.div_ceil(EIGHT);
        assert_eq!(queries.words.len(), eights, "queries of the rows' dimension");
        let blocks = strips.start * BLOCKS..strips.end * BLOCKS;
        let lines = &self.lines[blocks.start * eights..blocks.end * eights];
        let starts = &self.starts[blocks.clone()];
        let below = limits.gamma.map(below);
        kernel.grid(lines, starts, queries, below, |at, query, lane, sum| {
            let start = starts[at][lane];
            let row = (blocks.start + at) * BLOCK + lane;
            #[expect(clippy::cast_possible_truncation, reason = "rows are counted in 31 bits")]
            let (query, row) = (query as u32, row as u32);
            let product = start.cast_signed() - sum.cast_signed();
            hits.push(Hit { query, row, product, test: test(start) });
        });
    }
}

/// What sums stay below that reach a limit; no sum is below that of a NaN.
fn below(gamma: f32) -> u32 {
    if gamma.is_nan() {
        return 0;
    }
    // Sums are whole, and less than 2^24 without what rows lose.
    let most = (-gamma).clamp(-33_554_432.0, 268_435_456.0);
    #[expect(clippy::cast_possible_truncation, reason = "2^28 at most")]
    let whole = most as i32;
    #[expect(clippy::cast_precision_loss, reason = "it is the same number, where it matters")]
    let most = if whole as f32 > most { whole - 1 } else { whole };
    BIAS.wrapping_add_signed(most + 1)
}

/// What the test takes from a row.
fn test(start: u32) -> RowTest {
    if start == UNKNOWN {
        return RowTest { scale: 1.0, a: f32::INFINITY, b: 0.0 };
    }
    #[expect(clippy::cast_precision_loss, reason = "half a step for each element at most")]
    let lost = BIAS.saturating_sub(start) as f32;
    RowTest { scale: 1.0, a: 0.0, b: lost }
}

/// Consecutive rows whose codes are to be set.
#[derive(Debug)]
pub struct GridPiece<'a> {
    codes: Vec<u8>,
    rows: Range<usize>,
    lines: &'a mut [Line],
    starts: &'a mut [[u32; BLOCK]],
}

impl GridPiece<'_> {
    /// The rows of this piece.
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Makes the codes of `row`, whose vector is `vector`. A row with a NaN passes every test but that
    /// against NaN.
    ///
    /// # Panics
    /// If `row` is not in this piece, or the vector has another dimension.
    pub fn set(&mut self, row: usize, grid: &Grid, vector: &[f64]) {
        assert!(self.rows.contains(&row), "row {row} of {:?}", self.rows);
        let lost = grid.encode(vector, &mut self.codes).ceil();
        let at = row - self.rows.start;
        let (block, lane) = (at / BLOCK, at % BLOCK);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "half a step for each of 65,536 elements at most"
        )]
        let start = if lost.is_nan() { UNKNOWN } else { BIAS - lost as u32 };
        self.starts[block][lane] = start;
        let eights = self.codes.as_chunks::<EIGHT>().0;
        let lines = &mut self.lines[block * eights.len()..][..eights.len()];
        for (line, eight) in lines.iter_mut().zip(eights) {
            line.0[lane] = *eight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_reach_as_far_as_most_values_do() {
        let usual: Vec<f64> = (0..10_000).map(|at| f64::from(at) / 1e4).collect();
        let all = reach(usual.clone());
        assert!((0.9..=1.0).contains(&all), "{all}");
        // Neither what is far away nor what is always the same matters.
        let with = |other: f64, count: usize| [usual.clone(), vec![other; count]].concat();
        let far = reach(with(1e100, 5));
        assert!((0.9..=5.5).contains(&far), "{far}");
        let same = reach(with(0.0, 300_000));
        assert!((0.9..=1.0).contains(&same), "{same}");
        assert_eq!(reach(vec![0.0; 10]), 0.0);
        assert_eq!(reach(vec![]), 0.0);
        assert_eq!(reach(vec![3.0]), 3.0);
    }

    #[test]
    fn limits_are_whole_sums() {
        assert_eq!(below(f32::NAN), 0);
        assert_eq!(below(-10.0), BIAS + 11);
        assert_eq!(below(0.0), BIAS + 1);
        assert_eq!(below(2.5), BIAS - 2);
        assert!(below(f32::NEG_INFINITY) < NO_ROW && below(f32::NEG_INFINITY) > BIAS + (1 << 24));
        assert!(below(f32::MAX) > UNKNOWN + (1 << 24));
    }
}
