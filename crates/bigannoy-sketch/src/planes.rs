//! Planes in 16-bit codes, and on which side of them a query certainly is.
//!
//! Let `u = 2^-24`, and `γ(n)` what `n` roundings come to. A plane's normal `n` was replaced by
//! `n' = s c`, a query `q` by `q' = t b`, each element off by half a step and a little: `|n - n'| <= r`
//! follows from `s`, and `|q - q'| <= κ |q|` holds for every query. With
//! `n·q - n'·q' = n·(q - q') + (n - n')·q'` and Cauchy's inequality, the true inner product is within
//! `|q| (κ |n| + (1 + κ) r)` of `n'·q'`. The margin as it is defined, a strict sum and then the offset, is off
//! by `γ(dim) |n| |q|` and one rounding of the sum; the arithmetic here by less than eight roundings
//! of `|n'| |q'|` and of the offset; and adding an error to a margin by one of either. So what a unit of
//! `|q|` costs is known of each plane beforehand, and is stored with it.
//!
//! `b·c` is a sum in 32 bits: `b` and `c` are not longer than [`MOST_LENGTH`], so that by Cauchy's
//! inequality its end fits, and on the way it may wrap around.

use std::fmt;
use std::ops::Range;

use bigannoy_metric::fetch_ahead;
use bigannoy_pages::Pages;

use crate::bound::{self, EIGHT, U, WIDTH};
use crate::kernel::{Kernel, PlanesJob, Read, TableJob};
use crate::record::{LANES, LINE, SANE, Shape, UNKNOWN, largest_magnitude, squares_of};
use crate::table::PlaneTable;

/// Bytes at the end of a record that are no codes: what a unit costs, scale, offset, a word.
const TAIL: usize = 16;
/// The largest magnitude of a code.
const MOST_CODE: f32 = 32_767.0;
/// The length of a vector of codes at most.
const MOST_LENGTH: f64 = 46_340.0;
/// What a code loses at most, in steps: a half, and less than a hundredth by rounding a value of up to
/// 32767 steps three times.
const LOSS: f64 = 0.51;
/// Offsets whose sums with inner products stay clear of the ends of `f32`.
const MOST_OFFSET: f32 = 1e30;

/// A record for each plane, with a word of the caller's.
///
/// | bytes of a record | hold |
/// | --- | --- |
/// | `0..2 * dim` | the codes `c` of the normal, `i16` |
/// | up to 16 before the end | zeros |
/// | the last 16 | three `f32`: what a unit of the query's length costs, with the bits of infinity flipped, the scale `s`, the offset; and the word |
///
/// Memory: 128 bytes a plane from 25 to 56 dimensions, 64 for fewer, 256 up to 120, in pages of the system
/// that are asked to be huge ones.
pub struct Planes {
    dim: usize,
    count: u32,
    /// Bytes of a record.
    size: usize,
    records: Pages<u8>,
}

impl Planes {
    /// Records of `count` planes in `dim` dimensions, of which nothing is known yet: margins of zero with
    /// infinite errors.
    ///
    /// `None` where the system has not the memory, or `dim` is 0 or larger than
    /// [`Shape::MAX_DIM`].
    #[must_use]
    pub fn new(dim: usize, count: u32) -> Option<Self> {
        if !(1..=Shape::MAX_DIM).contains(&dim) {
            return None;
        }
        let size = record_bytes(dim);
        let records = Pages::new(size.checked_mul(count as usize)?)?;
        Some(Planes { dim, count, size, records })
    }

    /// The number of planes.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The records in pieces of up to `planes` planes, to be written by as many threads as one likes.
    ///
    /// # Panics
    /// If `planes` is 0.
    pub fn pieces_mut(&mut self, planes: usize) -> impl Iterator<Item = PlanePiece<'_>> {
        assert!(planes > 0, "a piece of no planes");
        let (dim, size) = (self.dim, self.size);
        let pieces = self.records.chunks_mut(planes * size);
        let starts = (0u32..).step_by(planes);
        let (losses, kernel) = (Losses::new(dim), Kernel::new());
        starts.zip(pieces).map(move |(first, records)| PlanePiece {
            losses,
            kernel,
            first,
            records,
        })
    }

    /// Has the processor fetch the record of `plane`, if there is one, while it goes on with other work.
    #[inline]
    pub fn fetch_ahead(&self, plane: u32) {
        if plane < self.count {
            fetch_ahead(self.record(plane));
        }
    }

    /// The number of dimensions.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    #[inline]
    pub(crate) fn record(&self, plane: u32) -> &[u8] {
        &self.records[plane as usize * self.size..][..self.size]
    }
}

impl fmt::Debug for Planes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planes")
            .field("dim", &self.dim)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// Bytes in a record: a multiple of 64.
pub(crate) fn record_bytes(dim: usize) -> usize {
    (2 * dim + TAIL).next_multiple_of(LINE)
}

/// What codes lose, as far as it depends on the dimension alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Losses {
    pub(crate) dim: usize,
    /// The root of the dimension.
    root: f64,
    /// The length of a vector in steps at most. Rounding makes codes longer by half a step for each element,
    /// and the scale is rounded too.
    longest: f64,
    /// What the codes of a query lose at most, for a unit of its length.
    query: f64,
    /// What a margin that is a strict sum and the arithmetic here are off, for a unit of the lengths' product.
    roundings: f64,
}

impl Losses {
    pub(crate) fn new(dim: usize) -> Self {
        let root = root(dim);
        let longest = MOST_LENGTH - 0.6 * root;
        let query = LOSS * root / longest.min(f64::from(MOST_CODE));
        Losses { dim, root, longest, query, roundings: bound::gamma(dim + 2) + 16.0 * U }
    }

    /// The scale of the codes of a vector whose largest magnitude and squared length these are.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
    fn scale(&self, largest: f32, squares: f64) -> f32 {
        let scale = f64::from(largest / MOST_CODE);
        #[expect(clippy::cast_possible_truncation, reason = "rounded; the codes are made from it")]
        let scale = scale.max(squares.sqrt() / self.longest * (1.0 + 1e-6)) as f32;
        scale
    }
}

fn root(dim: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a dimension")]
    let dim = dim as f64;
    dim.sqrt()
}

/// The nearest code of a value in steps of the scale, or the one beside it where two are as near but for
/// rounding.
#[inline(always)]
fn code(steps: f32) -> i16 {
    // From 1.5 * 2^23 on floats are whole numbers, and their low bits count them.
    const SHIFT: f32 = 12_582_912.0;
    let steps = steps.clamp(-MOST_CODE, MOST_CODE);
    #[expect(clippy::cast_possible_truncation, reason = "at most 32767")]
    let code = ((steps + SHIFT).to_bits().cast_signed() - SHIFT.to_bits().cast_signed()) as i16;
    code
}

/// The records of consecutive planes, to be written.
#[derive(Debug)]
pub struct PlanePiece<'a> {
    losses: Losses,
    kernel: Kernel,
    first: u32,
    records: &'a mut [u8],
}

impl PlanePiece<'_> {
    /// The planes of this piece.
    #[must_use]
    pub fn planes(&self) -> Range<u32> {
        #[expect(clippy::cast_possible_truncation, reason = "planes have 32 bits")]
        let count = (self.records.len() / record_bytes(self.losses.dim)) as u32;
        self.first..self.first + count
    }

    /// Makes the record of `plane`: where `offset + normal · x` is positive and where negative. Of
    /// values that are not finite or out of range nothing is known but the word. Cost: about a
    /// nanosecond an element.
    ///
    /// # Panics
    /// If `plane` is not in this piece, or `normal` has another dimension.
    pub fn set(&mut self, plane: u32, normal: &[f32], offset: f32, word: u32) {
        let planes = self.planes();
        assert!(planes.contains(&plane), "plane {plane} of {planes:?}");
        assert_eq!(normal.len(), self.losses.dim, "a normal of the planes' dimension");
        let size = record_bytes(self.losses.dim);
        let record = &mut self.records[(plane - self.first) as usize * size..][..size];
        record.fill(0);
        self.kernel.write_plane(&self.losses, record, normal, offset, word);
    }
}

/// Writes what is known of a plane over `record`, which holds zeros.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
pub(crate) fn write(losses: &Losses, record: &mut [u8], normal: &[f32], offset: f32, word: u32) {
    let (codes, tail) = record.split_at_mut(record.len() - TAIL);
    let known = write_codes(losses, codes, normal).filter(|_| offset.abs() <= MOST_OFFSET);
    let (scale, cost, offset) = match known {
        Some((scale, cost)) => (scale, cost, offset),
        None => (0.0, f32::INFINITY, 0.0),
    };
    let words = [cost.to_bits() ^ UNKNOWN, scale.to_bits(), offset.to_bits(), word];
    for (place, word) in tail.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

/// Writes the codes of a normal; tells their scale and what a unit of a query's length costs.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
fn write_codes(losses: &Losses, codes: &mut [u8], normal: &[f32]) -> Option<(f32, f32)> {
    let largest = largest_magnitude(normal);
    if !(largest == 0.0 || SANE.contains(&largest)) {
        return None;
    }
    let squares = squares_of(normal);
    let scale = losses.scale(largest, squares);
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let (chunks, rest) = normal.as_chunks::<LANES>();
    let (places, last) = codes[..2 * normal.len()].as_chunks_mut::<{ 2 * LANES }>();
    for (place, chunk) in places.iter_mut().zip(chunks) {
        *place = bytemuck::must_cast(chunk.map(|x| code(x * inverse).to_le()));
    }
    for (place, &x) in last.as_chunks_mut::<2>().0.iter_mut().zip(rest) {
        *place = code(x * inverse).to_le_bytes();
    }
    let length = squares.sqrt();
    let lost = LOSS * losses.root * f64::from(scale) + 1e-10 * length;
    let (loss, roundings) = (losses.query, losses.roundings);
    let cost = lost * (1.0 + loss) + (length + 2.0 * lost) * (loss + roundings);
    Some((scale, bound::up(cost)))
}

/// What margins take from a query.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlaneTerms {
    /// `t`.
    scale: f32,
    /// `|q|`, or a little more; never zero, so that what is unknown stays so.
    length: f32,
    /// What vanishes where products are too small for a float.
    absolute: f32,
}

impl PlaneTerms {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
    pub(crate) fn margins(&self, (products, [cost, scale, offset, words]): Read) -> Margins {
        let (mut margins, mut errors) = ([0.0; WIDTH], [0.0; WIDTH]);
        for lane in 0..WIDTH {
            let offset = f32::from_bits(offset[lane]);
            let cost = f32::from_bits(cost[lane] ^ UNKNOWN);
            margins[lane] = products[lane] * (f32::from_bits(scale[lane]) * self.scale) + offset;
            let error = self.length * cost + offset.abs() * (2.0 * EIGHT);
            errors[lane] = error * (1.0 + EIGHT) + self.absolute;
        }
        Margins { margins, errors, words }
    }
}

/// How far a query is on the positive side of eight planes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Margins {
    /// Finite numbers near the margins.
    pub margins: [f32; WIDTH],
    /// How near: the margin, as [`bigannoy_metric::kernel::dot`] and then adding the offset give it, is at
    /// least `margins - errors` and at most `margins + errors`, in `f32`. Infinite where nothing is known, and
    /// then the margin may be NaN.
    pub errors: [f32; WIDTH],
    /// The planes' words.
    pub words: [u32; WIDTH],
}

/// A query in codes, to be compared with planes; it can be set again and again.
///
/// Memory: as much as a record.
#[derive(Clone, Debug)]
pub struct PlaneQuery {
    losses: Losses,
    kernel: Kernel,
    /// As many as fit in a record: zero where those are no codes.
    codes: Vec<i16>,
    terms: PlaneTerms,
}

impl PlaneQuery {
    /// A query of nothing yet: see [`PlaneQuery::set`].
    #[must_use]
    pub fn new(dim: usize, kernel: Kernel) -> Self {
        let codes = vec![0; record_bytes(dim) / 2];
        PlaneQuery { losses: Losses::new(dim), kernel, codes, terms: PlaneTerms::default() }
    }

    /// The number of dimensions.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.losses.dim
    }

    /// The code that computes margins.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Takes `vector` as the query. `false` where nothing can be proved of it, because its values are
    /// out of range: then it has no margins.
    ///
    /// # Panics
    /// If `vector` has another dimension.
    #[must_use]
    pub fn set(&mut self, vector: &[f32]) -> bool {
        assert_eq!(vector.len(), self.losses.dim, "a query of the planes' dimension");
        let largest = largest_magnitude(vector);
        if !(largest == 0.0 || SANE.contains(&largest)) {
            return false;
        }
        let squares = squares_of(vector);
        let scale = self.losses.scale(largest, squares);
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for (place, &x) in self.codes.iter_mut().zip(vector) {
            *place = code(x * inverse);
        }
        self.terms = PlaneTerms {
            scale,
            length: bound::up(squares.sqrt()).max(f32::MIN_POSITIVE),
            absolute: bound::vanished(self.losses.dim),
        };
        true
    }

    /// The margins of eight planes, which may be the same.
    ///
    /// # Panics
    /// If `planes` has another dimension, or there is no such plane.
    #[must_use]
    #[inline]
    pub fn margins(&self, planes: &Planes, which: &[u32; WIDTH]) -> Margins {
        assert_eq!(planes.dim, self.losses.dim, "planes of the query's dimension");
        let mut records: [&[u8]; WIDTH] = [&[]; WIDTH];
        for (record, &plane) in records.iter_mut().zip(which) {
            *record = planes.record(plane);
        }
        let (codes, terms) = (self.codes.as_slice(), &self.terms);
        self.kernel.margins(&PlanesJob { codes, terms, records })
    }

    /// The margins of all planes of `table`, eight by eight, in place of what is in `margins`. Those that fill
    /// up the last eight have no meaning.
    ///
    /// # Panics
    /// If `table` has another dimension.
    pub fn all_margins(&self, table: &PlaneTable, margins: &mut Vec<Margins>) {
        assert_eq!(table.dim(), self.losses.dim, "planes of the query's dimension");
        margins.resize(table.tails().len(), Margins::default());
        let (codes, terms, pairs) = (self.codes.as_slice(), &self.terms, table.dim().div_ceil(2));
        let (groups, tails) = (table.groups(), table.tails());
        self.kernel.table(&TableJob { codes, terms, pairs, groups, tails }, margins);
    }
}
