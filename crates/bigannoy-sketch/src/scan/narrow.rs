//! Rows of few dimensions: whole sums in 16 bits, and one test for a strip.

use std::ops::Range;

use super::encode::{Coded, OFFSET};
use super::narrow_encode::{MOST_DIM, QUERY, ROW, Scale, Vector, encode, narrow_vector};
use super::{GROUP, Hit, QueryLimits, RowTest, ScanKernel};

/// Rows that lie together.
pub const NARROW_STRIP: usize = 32;
/// Elements of a row that lie together.
const PAIR: usize = 2;
/// Two elements of each row of a strip, a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [[u8; PAIR]; NARROW_STRIP]);

/// What all rows of a strip stay below: the factor of products, and the largest of both bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct StripTest {
    pub(super) inverse: f32,
    pub(super) a: f32,
    pub(super) b: f32,
}

const NOTHING: RowTest = RowTest { scale: 0.0, a: f32::INFINITY, b: 0.0 };

/// Two elements of each query, twice.
pub(super) type Words = [[i8; 2 * PAIR]; GROUP];

/// The codes of up to [`GROUP`] queries for [`NarrowRows`].
#[derive(Clone, Debug)]
pub struct NarrowQueries {
    /// For each two elements the codes of each query, twice.
    pub(super) words: Vec<Words>,
    /// What sums begin with, modulo 2^16.
    pub(super) starts: [i16; GROUP],
}

impl NarrowQueries {
    /// As [`QueryCodes::new`](super::QueryCodes::new), in up to [`NarrowRows::MOST_DIM`] dimensions.
    ///
    /// # Panics
    /// If there are more than [`GROUP`] queries, one has another length, or `dim` is too large.
    #[must_use]
    pub fn new<'a>(
        dim: usize,
        queries: impl IntoIterator<Item = &'a [f64]>,
    ) -> (Self, [Option<Coded>; GROUP]) {
        assert!((1..=NarrowRows::MOST_DIM).contains(&dim), "{dim} dimensions");
        let mut words = vec![[[0; 2 * PAIR]; GROUP]; dim.div_ceil(PAIR)];
        let (mut starts, mut coded) = ([0; GROUP], [None; GROUP]);
        for (at, query) in queries.into_iter().enumerate() {
            assert_eq!(query.len(), dim, "a query of the rows' dimension");
            let (vector, rounded) = narrow_vector(query);
            let Some(scale) = Scale::of(&vector, QUERY) else { continue };
            let (codes, of_query) = encode(&vector, scale.get(), rounded, QUERY);
            coded[at] = Some(of_query);
            for (word, pair) in words.iter_mut().zip(codes.as_chunks::<PAIR>().0) {
                word[at] = [pair[0], pair[1], pair[0], pair[1]];
            }
            starts[at] = start(&codes);
        }
        (NarrowQueries { words, starts }, coded)
    }

    /// Puts a query of another group into a place of this one.
    ///
    /// # Panics
    /// If one of both groups has no such place, or they have different dimensions.
    pub fn take(&mut self, place: usize, from: &NarrowQueries, lane: usize) {
        assert_eq!(from.words.len(), self.words.len(), "groups of one dimension");
        self.starts[place] = from.starts[lane];
        for (to, from) in self.words.iter_mut().zip(&from.words) {
            to[place] = from[lane];
        }
    }
}

/// What makes up for the offset that rows are stored with, modulo 2^16.
fn start(codes: &[i8]) -> i16 {
    let sum: i32 = codes.iter().map(|&b| i32::from(b)).sum();
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^16")]
    let start = (-i32::from(OFFSET) * sum) as i16;
    start
}

/// Rows of up to 64 dimensions in codes, 32 by 32: the same test as that of
/// [`RowCodes`](super::RowCodes), found sooner.
///
/// All rows of a strip have one scale, and rows are put into an order in which those of a strip are of
/// about the same length, so that one limit for products does for all 32 and four queries' sums are
/// compared as they are, in 16 bits. Only where one passes, the test of that row is looked at.
///
/// Memory: `dim` rounded up to a multiple of 2, and 17 bytes, for each row; rows are rounded up to
/// a multiple of 32.
#[derive(Clone, Debug, Default)]
pub struct NarrowRows {
    /// Pairs of elements, each a line of a strip.
    pairs: usize,
    /// Which row is where.
    order: Vec<u32>,
    lines: Vec<Line>,
    strips: Vec<StripTest>,
    tests: Vec<RowTest>,
}

/// Where a row belongs: rows should be given in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NarrowPlace(u64);

impl NarrowPlace {
    /// The place of the row with this vector, filled up with zeros, which is off by at most `error`: by how much
    /// its largest element stands out, then by its length; those without codes come last.
    #[must_use]
    pub fn new(vector: &Vector, error: f64) -> Self {
        let scale = if error.is_finite() { Scale::of(vector, ROW) } else { None };
        let Some(scale) = scale else { return NarrowPlace(u64::MAX) };
        // Rows whose scale their length decides are alike; of others some steps.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 3, times 8"
        )]
        let class = (scale.standing_out() * 8.0) as u64;
        NarrowPlace(class << 32 | u64::from(scale.length.to_bits()))
    }
}

impl NarrowRows {
    /// The largest dimension.
    pub const MOST_DIM: usize = MOST_DIM;

    /// Makes room for other rows, in this order; memory is kept. All codes are undefined until set.
    ///
    /// # Panics
    /// If `dim` is 0 or more than [`NarrowRows::MOST_DIM`].
    pub fn resize(&mut self, dim: usize, order: impl IntoIterator<Item = u32>) {
        assert!((1..=Self::MOST_DIM).contains(&dim), "{dim} dimensions");
        self.pairs = dim.div_ceil(PAIR);
        self.order.clear();
        self.order.extend(order);
        let strips = self.order.len().div_ceil(NARROW_STRIP);
        self.lines.resize(strips * self.pairs, Line([[OFFSET; PAIR]; NARROW_STRIP]));
        self.strips.resize(strips, StripTest { inverse: 1.0, a: 0.0, b: 0.0 });
        self.tests.resize(strips * NARROW_STRIP, NOTHING);
    }

    /// How many strips there are.
    #[must_use]
    pub fn strips(&self) -> usize {
        self.strips.len()
    }

    /// The strips, each to be set, by as many threads as one likes.
    pub fn strips_mut(&mut self) -> impl Iterator<Item = NarrowStrip<'_>> {
        let lines = self.lines.chunks_mut(self.pairs.max(1));
        let tests = self.tests.chunks_mut(NARROW_STRIP);
        let parts =
            self.order.chunks(NARROW_STRIP).zip(lines).zip(self.strips.iter_mut().zip(tests));
        parts.map(|((rows, lines), (strip, tests))| NarrowStrip { rows, lines, strip, tests })
    }

    /// Adds to `hits` the pairs of a query and a row of some strips that pass the test.
    ///
    /// Cost: about a cycle a pair where there is AVX2.
    ///
    /// # Panics
    /// If `queries` have another dimension, or there are no such strips.
    pub fn scan(
        &self,
        kernel: ScanKernel,
        strips: Range<usize>,
        queries: &NarrowQueries,
        limits: &QueryLimits,
        hits: &mut Vec<Hit>,
    ) {
        let first = strips.start * NARROW_STRIP;
        let (order, tests) = (&self.order[first..], &self.tests[first..]);
        assert_eq!(queries.words.len(), self.pairs, "queries of the rows' dimension");
        let lines = &self.lines[strips.start * self.pairs..strips.end * self.pairs];
        let strips = &self.strips[strips];
        kernel.narrow(lines, strips, queries, limits, |strip, query, lane, sum| {
            let at = strip * NARROW_STRIP + lane;
            let Some(&row) = order.get(at) else { return };
            #[expect(clippy::cast_possible_truncation, reason = "one of four")]
            let number = query as u32;
            let hit = Hit { query: number, row, product: sum.into(), test: tests[at] };
            let value = hit.value(limits.alpha[query]);
            if value + limits.beta[query] * hit.test.b >= limits.gamma[query] {
                hits.push(hit);
            }
        });
    }
}

/// Rows that lie together, whose codes are to be set.
#[derive(Debug)]
pub struct NarrowStrip<'a> {
    rows: &'a [u32],
    lines: &'a mut [Line],
    strip: &'a mut StripTest,
    tests: &'a mut [RowTest],
}

impl NarrowStrip<'_> {
    /// The rows that will be asked for.
    #[must_use]
    pub fn rows(&self) -> &[u32] {
        self.rows
    }

    /// Makes the codes: `place` gives the vector of a row, filled up with zeros, and by how much it may be off;
    /// `test` says what the test takes from a row.
    pub fn set(
        &mut self,
        mut place: impl FnMut(u32) -> (Vector, f64),
        test: impl Fn(&Coded) -> RowTest,
    ) {
        let mut vectors = [([0.0; MOST_DIM], f64::INFINITY); NARROW_STRIP];
        let mut scale = 0.0f32;
        for (&row, placed) in self.rows.iter().zip(&mut vectors) {
            let (vector, error) = place(row);
            if let Some(needed) = Scale::of(&vector, ROW).filter(|_| error.is_finite()) {
                scale = scale.max(needed.get());
                *placed = (vector, error);
            }
        }
        let mut common = StripTest { inverse: 1.0, a: f32::NEG_INFINITY, b: 0.0 };
        self.lines.fill(Line([[OFFSET; PAIR]; NARROW_STRIP]));
        self.tests.fill(NOTHING);
        for (lane, (vector, error)) in vectors[..self.rows.len()].iter().enumerate() {
            if error.is_infinite() {
                common.a = f32::INFINITY;
                continue;
            }
            let (codes, coded) = encode(vector, scale, *error, ROW);
            let test = test(&coded);
            common.inverse = 1.0 / test.scale;
            common.a = common.a.max(test.a);
            common.b = common.b.max(test.b);
            self.tests[lane] = test;
            for (line, pair) in self.lines.iter_mut().zip(codes.as_chunks::<PAIR>().0) {
                line.0[lane] = pair.map(|c| OFFSET.wrapping_add_signed(c));
            }
        }
        *self.strip = common;
    }
}
