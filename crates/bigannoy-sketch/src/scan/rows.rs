//! The rows of a block in codes.

use std::ops::Range;

use super::encode::{Coded, Encoder, FOUR, OFFSET};
use super::{Hit, QueryCodes, QueryLimits, ScanKernel};

/// Rows that lie together.
pub const STRIP: usize = 16;

/// Four elements of each row of a strip, a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [[u8; FOUR]; STRIP]);

/// The three numbers of each row of a strip.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Tests {
    pub(super) scale: [f32; STRIP],
    pub(super) a: [f32; STRIP],
    pub(super) b: [f32; STRIP],
}

impl Tests {
    pub(super) fn of(&self, lane: usize) -> RowTest {
        RowTest { scale: self.scale[lane], a: self.a[lane], b: self.b[lane] }
    }
}

/// What the test takes from a row: see the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowTest {
    /// The factor of the product of codes, `S`.
    pub scale: f32,
    /// The first bound, `A`.
    pub a: f32,
    /// The second bound, `B`.
    pub b: f32,
}

/// Rows in codes, sixteen by sixteen.
///
/// Memory, for `dim` elements: `dim` rounded up to a multiple of 4, and 12 bytes, for each row; rows are rounded up to a
/// multiple of 16.
#[derive(Clone, Debug, Default)]
pub struct RowCodes {
    dim: usize,
    rows: usize,
    lines: Vec<Line>,
    tests: Vec<Tests>,
}

impl RowCodes {
    /// Makes room for other rows; memory is kept. All codes are undefined until they are set.
    ///
    /// # Panics
    /// If `dim` is 0 or more than [`QueryCodes::MOST_DIM`].
    pub fn resize(&mut self, dim: usize, rows: usize) {
        assert!((1..=QueryCodes::MOST_DIM).contains(&dim), "{dim} dimensions");
        (self.dim, self.rows) = (dim, rows);
        let strips = rows.div_ceil(STRIP);
        self.lines.resize(strips * dim.div_ceil(FOUR), Line([[OFFSET; FOUR]; STRIP]));
        let none = [0.0; STRIP];
        self.tests.resize(strips, Tests { scale: none, a: none, b: none });
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

    /// The rows in pieces of up to `strips` strips, to be set by as many threads as one likes.
    ///
    /// # Panics
    /// If `strips` is 0, or there are no rows.
    pub fn pieces_mut(&mut self, strips: usize) -> impl Iterator<Item = RowPiece<'_>> {
        let (dim, rows, groups) = (self.dim, self.rows, self.dim.div_ceil(FOUR));
        self.lines.chunks_mut(strips * groups).zip(self.tests.chunks_mut(strips)).enumerate().map(
            move |(at, (lines, tests))| {
                let first = at * strips * STRIP;
                let rows = first..rows.min(first + strips * STRIP);
                RowPiece { encoder: Encoder::rows(dim), rows, groups, lines, tests }
            },
        )
    }

    /// Adds to `hits` the pairs of a query and a row of `strips` that pass the test. The rows that fill
    /// up the last strip may be among them, with numbers from [`RowCodes::len`] on.
    ///
    /// Cost: a little more than a cycle a pair in up to 64 dimensions where there is AVX2.
    ///
    /// # Panics
    /// If `queries` have another dimension, or there are no such strips.
    pub fn scan(
        &self,
        kernel: ScanKernel,
        strips: Range<usize>,
        queries: &QueryCodes,
        limits: &QueryLimits,
        hits: &mut Vec<Hit>,
    ) {
        let groups = self.dim.div_ceil(FOUR);
        assert_eq!(queries.words.len(), groups, "queries of the rows' dimension");
        let lines = &self.lines[strips.start * groups..strips.end * groups];
        let tests = &self.tests[strips.clone()];
        kernel.scan(lines, tests, strips.start, queries, limits, hits);
    }
}

/// Consecutive rows whose codes are to be set.
#[derive(Debug)]
pub struct RowPiece<'a> {
    encoder: Encoder,
    rows: Range<usize>,
    groups: usize,
    lines: &'a mut [Line],
    tests: &'a mut [Tests],
}

impl RowPiece<'_> {
    /// The rows of this piece.
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Makes the codes of `row`, whose vector is `vector`, off by at most `error` as a length. `test`
    /// says what the test takes from a row of which that much is known.
    ///
    /// A row without codes passes every test but that against NaN, as long as `alpha` is above zero.
    ///
    /// # Panics
    /// If `row` is not in this piece, or the vector has another dimension.
    pub fn set(
        &mut self,
        row: usize,
        vector: &[f64],
        error: f64,
        test: impl FnOnce(&Coded) -> RowTest,
    ) {
        assert!(self.rows.contains(&row), "row {row} of {:?}", self.rows);
        let at = row - self.rows.start;
        let (strip, lane) = (at / STRIP, at % STRIP);
        let known = self.encoder.encode(vector, error).as_ref().map(test);
        let RowTest { scale, a, b } =
            known.unwrap_or(RowTest { scale: 0.0, a: f32::INFINITY, b: 0.0 });
        let tests = &mut self.tests[strip];
        (tests.scale[lane], tests.a[lane], tests.b[lane]) = (scale, a, b);
        let lines = &mut self.lines[strip * self.groups..][..self.groups];
        for (line, four) in lines.iter_mut().zip(self.encoder.groups()) {
            line.0[lane] = four.map(|c| OFFSET.wrapping_add_signed(c));
        }
    }
}
