//! The loops over records, for each processor.

use bigannoy_metric::{Metric, fetch_ahead};

use crate::bound::{Terms, WIDTH, of_products, of_squares};
use crate::planes::{self, Losses, Margins, PlaneTerms};
use crate::record::{Shape, UNKNOWN};
use crate::sketch::Sketch;
use crate::table::Pairs;

/// How many items ahead records are asked for: they come from the last cache or from memory, while
/// two or three nanoseconds are spent on each.
const AHEAD: usize = 24;

/// Code for the arithmetic of records, in one of several ways that give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Code);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// Runs a function of `portable`, or of `avx2` where the code is for that.
macro_rules! run {
    ($kernel:expr, $name:ident($($argument:expr),+)) => {
        match $kernel.0 {
            Code::Portable => portable::$name($($argument),+),
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => {
                // SAFETY: the processor must have AVX2.
                // - `Code::Avx2` is made in `Kernel::new` alone, which has asked for it.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    avx2::$name($($argument),+)
                }
            }
        }
    };
}

impl Kernel {
    /// The fastest code on this processor.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Kernel(Code::Avx2);
        }
        Kernel(Code::Portable)
    }

    /// Each code that this processor can run, the portable one first: to compare them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Kernel(Code::Portable)];
        if Self::new() != all[0] {
            all.push(Self::new());
        }
        all
    }

    /// What the code is made for: `portable` or `avx2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Code::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => "avx2",
        }
    }

    /// See [`crate::SketchQuery::bounds`].
    pub(crate) fn bounds(self, job: &Job<'_>, lower: &mut [f32], upper: &mut [f32]) {
        run!(self, bounds(job, lower, upper));
    }

    /// See [`crate::PlaneQuery::margins`].
    #[inline]
    pub(crate) fn margins(self, job: &PlanesJob<'_>) -> Margins {
        run!(self, margins(job))
    }

    /// See [`crate::PlaneQuery::all_margins`].
    pub(crate) fn table(self, job: &TableJob<'_>, margins: &mut [Margins]) {
        run!(self, table(job, margins));
    }

    /// See [`Shape::write`].
    #[inline]
    pub(crate) fn write_item(
        self,
        shape: Shape,
        record: &mut [u8],
        vector: &[f32],
        squared_length: Option<f32>,
    ) {
        run!(self, write_item(shape, record, vector, squared_length));
    }

    /// See [`planes::write`].
    #[inline]
    pub(crate) fn write_plane(
        self,
        losses: &Losses,
        record: &mut [u8],
        normal: &[f32],
        offset: f32,
        word: u32,
    ) {
        run!(self, write_plane(losses, record, normal, offset, word));
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

/// One query and the items whose bounds it wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) shape: Shape,
    /// As many as a record has bytes.
    pub(crate) codes: &'a [i16],
    pub(crate) terms: &'a Terms,
    pub(crate) sketch: &'a Sketch,
    pub(crate) items: &'a [u32],
}

/// One query and eight planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanesJob<'a> {
    /// As many as fit in a record.
    pub(crate) codes: &'a [i16],
    pub(crate) terms: &'a PlaneTerms,
    pub(crate) records: [&'a [u8]; WIDTH],
}

/// One query and a table of planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableJob<'a> {
    /// The first so many pairs are the query's.
    pub(crate) codes: &'a [i16],
    pub(crate) terms: &'a PlaneTerms,
    /// Pairs in a group.
    pub(crate) pairs: usize,
    pub(crate) groups: &'a [Pairs],
    pub(crate) tails: &'a [[[u32; WIDTH]; 4]],
}

/// What is read of eight records: products with the query's codes, and their last four words in columns.
pub(crate) type Read = ([f32; WIDTH], [[u32; WIDTH]; 4]);

/// Eight items at a time, the records of later ones asked for.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
fn in_groups(
    job: &Job<'_>,
    lower: &mut [f32],
    upper: &mut [f32],
    read: impl Fn([&[u8]; WIDTH]) -> Read,
) {
    let Job { sketch, items, .. } = *job;
    for &item in items.iter().take(AHEAD) {
        fetch_ahead(sketch.record(item));
    }
    let mut ahead = items.iter().skip(AHEAD);
    let groups = items.chunks(WIDTH).zip(lower.chunks_mut(WIDTH)).zip(upper.chunks_mut(WIDTH));
    for ((items, lower), upper) in groups {
        for &item in ahead.by_ref().take(WIDTH) {
            fetch_ahead(sketch.record(item));
        }
        // The last group is filled up with its first item.
        let mut group = [items[0]; WIDTH];
        match items.first_chunk::<WIDTH>() {
            Some(items) => group = *items,
            None => group[..items.len()].copy_from_slice(items),
        }
        let mut records = [sketch.record(group[0]); WIDTH];
        for lane in 1..WIDTH {
            records[lane] = sketch.record(group[lane]);
        }
        let (products, [_, scales, residuals, third]) = read(records);
        let [scales, third] = [scales, third].map(|words| words.map(f32::from_bits));
        let residuals = residuals.map(|word| f32::from_bits(word ^ UNKNOWN));
        let (low, high) = if job.shape.metric() == Metric::Dot {
            of_products(job.terms, products, scales, residuals, third)
        } else {
            of_squares(job.terms, products, scales, residuals, third)
        };
        if let (Some(lower), Some(upper)) = (lower.first_chunk_mut(), upper.first_chunk_mut()) {
            (*lower, *upper) = (low, high);
        } else {
            lower.copy_from_slice(&low[..items.len()]);
            upper.copy_from_slice(&high[..items.len()]);
        }
    }
}

mod portable {
    use super::{Job, Margins, PlanesJob, Read, Shape, TableJob, WIDTH, in_groups};

    pub(super) use super::planes::write as write_plane;

    pub(super) fn bounds(job: &Job<'_>, lower: &mut [f32], upper: &mut [f32]) {
        in_groups(job, lower, upper, |records| {
            read(records, |record| {
                let codes: &[i8] = bytemuck::cast_slice(record);
                let product = |(&c, &b): (&i8, &i16)| i32::from(c) * i32::from(b);
                codes.iter().zip(job.codes).map(product).sum()
            })
        });
    }

    pub(super) fn margins(job: &PlanesJob<'_>) -> Margins {
        let read = read(job.records, |record| {
            let codes = record.as_chunks::<2>().0.iter().map(|&bytes| i16::from_le_bytes(bytes));
            let product = |(c, &b): (i16, &i16)| i32::from(c) * i32::from(b);
            codes.zip(job.codes).map(product).fold(0, i32::wrapping_add)
        });
        job.terms.margins(read)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rounding that the bounds take in")]
    pub(super) fn table(job: &TableJob<'_>, margins: &mut [Margins]) {
        let query = job.codes.as_chunks::<2>().0;
        let groups = job.groups.chunks_exact(job.pairs);
        for ((group, tails), margins) in groups.zip(job.tails).zip(margins) {
            let mut sums = [0_i32; WIDTH];
            for (pairs, b) in group.iter().zip(query) {
                for (sum, c) in sums.iter_mut().zip(pairs.0.as_chunks::<2>().0) {
                    let pair =
                        i32::from(c[0]) * i32::from(b[0]) + i32::from(c[1]) * i32::from(b[1]);
                    *sum = sum.wrapping_add(pair);
                }
            }
            *margins = job.terms.margins((sums.map(|sum| sum as f32), *tails));
        }
    }

    #[inline]
    pub(super) fn write_item(
        shape: Shape,
        record: &mut [u8],
        vector: &[f32],
        squared_length: Option<f32>,
    ) {
        shape.write(record, vector, squared_length);
    }

    #[expect(clippy::cast_precision_loss, reason = "a rounding that the bounds take in")]
    fn read(records: [&[u8]; WIDTH], product: impl Fn(&[u8]) -> i32) -> Read {
        let (mut sums, mut words) = ([0.0; WIDTH], [[0; WIDTH]; 4]);
        for (lane, record) in records.into_iter().enumerate() {
            sums[lane] = product(record) as f32;
            let tail = record.last_chunk::<16>().expect("a record is a line at least");
            for (column, word) in words.iter_mut().zip(tail.as_chunks::<4>().0) {
                column[lane] = u32::from_le_bytes(*word);
            }
        }
        (sums, words)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128, __m128i, __m256, __m256i, _mm_add_epi32, _mm256_add_epi32, _mm256_castpd_ps,
        _mm256_castps_pd, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps,
        _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_set_m128,
        _mm256_set_m128i, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_setzero_si256,
        _mm256_unpackhi_pd, _mm256_unpackhi_ps, _mm256_unpacklo_pd, _mm256_unpacklo_ps,
    };

    use super::{
        Job, Losses, Margins, Pairs, PlanesJob, Read, Shape, TableJob, WIDTH, in_groups, planes,
    };

    /// Codes that a register holds as 16-bit numbers.
    const CODES: usize = 16;

    #[target_feature(enable = "avx2")]
    pub(super) fn bounds(job: &Job<'_>, lower: &mut [f32], upper: &mut [f32]) {
        let (query, _) = job.codes.as_chunks::<CODES>();
        in_groups(job, lower, upper, |records| read_bytes(query, records));
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn margins(job: &PlanesJob<'_>) -> Margins {
        let (query, _) = job.codes.as_chunks::<CODES>();
        job.terms.margins(read_pairs(query, job.records))
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn write_item(
        shape: Shape,
        record: &mut [u8],
        vector: &[f32],
        squared_length: Option<f32>,
    ) {
        shape.write(record, vector, squared_length);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn write_plane(
        losses: &Losses,
        record: &mut [u8],
        normal: &[f32],
        offset: f32,
        word: u32,
    ) {
        planes::write(losses, record, normal, offset, word);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn table(job: &TableJob<'_>, margins: &mut [Margins]) {
        const FOUR: usize = 4;
        let query = &job.codes.as_chunks::<2>().0[..job.pairs];
        let (fours, last) = job.tails.as_chunks::<FOUR>();
        let (groups, last_groups) = job.groups.split_at(fours.len() * FOUR * job.pairs);
        let (margins, last_margins) = margins.split_at_mut(fours.len() * FOUR);
        let groups = groups.chunks_exact(FOUR * job.pairs);
        for ((groups, tails), margins) in groups.zip(fours).zip(margins.as_chunks_mut::<FOUR>().0) {
            table_groups(query, groups, job, tails, margins);
        }
        let groups = last_groups.chunks_exact(job.pairs);
        for ((group, tails), margins) in groups.zip(last).zip(last_margins) {
            table_groups(
                query,
                group,
                job,
                std::array::from_ref(tails),
                std::array::from_mut(margins),
            );
        }
    }

    /// So many groups of planes, which stand one after the other.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn table_groups<const N: usize>(
        query: &[[i16; 2]],
        groups: &[Pairs],
        job: &TableJob<'_>,
        tails: &[[[u32; WIDTH]; 4]; N],
        margins: &mut [Margins; N],
    ) {
        let mut sums = [_mm256_setzero_si256(); N];
        let size = query.len();
        assert_eq!(groups.len(), N * size, "as many groups");
        for (at, &pair) in query.iter().enumerate() {
            let b = _mm256_set1_epi32(bytemuck::must_cast(pair));
            for group in 0..N {
                let c: __m256i = bytemuck::must_cast(groups[group * size + at].0);
                sums[group] = _mm256_add_epi32(sums[group], _mm256_madd_epi16(c, b));
            }
        }
        for group in 0..N {
            let products = bytemuck::must_cast(_mm256_cvtepi32_ps(sums[group]));
            margins[group] = job.terms.margins((products, tails[group]));
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn read_bytes(query: &[[i16; CODES]], records: [&[u8]; WIDTH]) -> Read {
        // Loops rather than closures, here and below: a closure is not compiled for the processor.
        let mut lines: [&[[u8; CODES]]; WIDTH] = [&[]; WIDTH];
        for lane in 0..WIDTH {
            lines[lane] = &records[lane].as_chunks::<CODES>().0[..query.len()];
        }
        let mut sums = [_mm256_setzero_si256(); WIDTH];
        for (at, codes) in query.iter().enumerate() {
            let b: __m256i = bytemuck::must_cast(*codes);
            for lane in 0..WIDTH {
                let c: __m128i = bytemuck::must_cast(lines[lane][at]);
                sums[lane] =
                    _mm256_add_epi32(sums[lane], _mm256_madd_epi16(_mm256_cvtepi8_epi16(c), b));
            }
        }
        folded(sums, records)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn read_pairs(query: &[[i16; CODES]], records: [&[u8]; WIDTH]) -> Read {
        let mut lines: [&[[u8; 2 * CODES]]; WIDTH] = [&[]; WIDTH];
        for lane in 0..WIDTH {
            lines[lane] = &records[lane].as_chunks::<{ 2 * CODES }>().0[..query.len()];
        }
        let mut sums = [_mm256_setzero_si256(); WIDTH];
        for (at, codes) in query.iter().enumerate() {
            let b: __m256i = bytemuck::must_cast(*codes);
            for lane in 0..WIDTH {
                let c: __m256i = bytemuck::must_cast(lines[lane][at]);
                sums[lane] = _mm256_add_epi32(sums[lane], _mm256_madd_epi16(c, b));
            }
        }
        folded(sums, records)
    }

    /// The sums' sums, and the records' last words.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn folded(sums: [__m256i; WIDTH], records: [&[u8]; WIDTH]) -> Read {
        // Pairs are added three times: four sums in each half, then the halves.
        let pairs = [
            _mm256_hadd_epi32(sums[0], sums[1]),
            _mm256_hadd_epi32(sums[2], sums[3]),
            _mm256_hadd_epi32(sums[4], sums[5]),
            _mm256_hadd_epi32(sums[6], sums[7]),
        ];
        let low = _mm256_hadd_epi32(pairs[0], pairs[1]);
        let high = _mm256_hadd_epi32(pairs[2], pairs[3]);
        let low = _mm_add_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256::<1>(low));
        let high = _mm_add_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256::<1>(high));
        let products = _mm256_cvtepi32_ps(_mm256_set_m128i(high, low));

        // The last four words of each record: rows to columns. Lanes 4 to 7 stand in the upper halves.
        let mut rows = [_mm256_setzero_ps(); 4];
        for lane in 0..4 {
            rows[lane] = _mm256_set_m128(tail(records[lane + 4]), tail(records[lane]));
        }
        let low = [_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpacklo_ps(rows[2], rows[3])];
        let high = [_mm256_unpackhi_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[2], rows[3])];
        let columns = [
            bytemuck::must_cast(pairs_low(low[0], low[1])),
            bytemuck::must_cast(pairs_high(low[0], low[1])),
            bytemuck::must_cast(pairs_low(high[0], high[1])),
            bytemuck::must_cast(pairs_high(high[0], high[1])),
        ];
        (bytemuck::must_cast(products), columns)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn tail(record: &[u8]) -> __m128 {
        bytemuck::must_cast(*record.last_chunk::<16>().expect("a line at least"))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn pairs_low(x: __m256, y: __m256) -> __m256 {
        _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(x), _mm256_castps_pd(y)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn pairs_high(x: __m256, y: __m256) -> __m256 {
        _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(x), _mm256_castps_pd(y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of many magnitudes; the same in every run.
    fn vector(seed: u32, dim: usize) -> Vec<f32> {
        let mut state = seed;
        let value = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let magnitude = [1.0, 1e-3, 1e3, 1e-20][(state >> 3) as usize % 4];
            f32::from(u16::try_from(state >> 16).unwrap()) * magnitude - 20_000.0 * magnitude
        };
        (0..dim).map(value).collect()
    }

    #[test]
    fn every_code_writes_the_same_records() {
        for (seed, dim) in (0..200).zip((1..70).cycle()) {
            let mut vector = vector(seed, dim);
            if seed % 9 == 0 {
                vector[dim / 2] = [f32::NAN, f32::INFINITY, 1e16][seed as usize / 9 % 3];
            }
            for metric in [Metric::Euclidean, Metric::Angular, Metric::Dot] {
                let shape = Shape::new(metric, dim).unwrap();
                let written = Kernel::all().into_iter().map(|kernel| {
                    let mut record = vec![0; shape.record_bytes()];
                    kernel.write_item(shape, &mut record, &vector, None);
                    record
                });
                assert!(all_equal(written), "{metric} {vector:?}");
            }
            let losses = Losses::new(dim);
            let written = Kernel::all().into_iter().map(|kernel| {
                let mut record = vec![0; planes::record_bytes(dim)];
                kernel.write_plane(&losses, &mut record, &vector, 0.5, seed);
                record
            });
            assert!(all_equal(written), "{vector:?}");
        }
    }

    fn all_equal(mut all: impl Iterator<Item = Vec<u8>>) -> bool {
        let first = all.next();
        all.all(|other| Some(&other) == first.as_ref())
    }
}
