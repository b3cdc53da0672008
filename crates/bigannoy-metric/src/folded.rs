//! Sums over vectors in eight lanes: a second fixed arithmetic, for choosing where to split.
//!
//! Where the bits of a sum need not be those of other programs, eight partial sums that are added
//! up in the end fill a vector register, which one strict sum cannot. The order is fixed, so that
//! every processor computes the same bits:
//!
//! * Element `i` of the whole chunks of eight goes to lane `i % 8`, chunk after chunk. What is left
//!   behind them is part of the last eight elements, whose first one goes to lane 0; those of them
//!   that were taken already count as zero. A vector shorter than eight is filled up with zeros.
//! * In the end lanes 0 to 3 take lanes 4 to 7, then lanes 0 and 1 take lanes 2 and 3, then lane 0
//!   takes lane 1.
//! * Each multiplication, addition and subtraction is rounded by itself.
//!
//! [`Folded::new`] looks once for the fastest code that the processor has.

use crate::kernel::LANES;

/// Lanes of a sum.
const WIDTH: usize = 8;
/// Computes sums in eight lanes, in one of several ways that give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded(pub(crate) Code);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Folded {
    /// The fastest code on this processor.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Folded(Code::Avx2);
        }
        Folded(Code::Portable)
    }

    /// Each code that this processor can run, the portable one first: to compare them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Folded(Code::Portable)];
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
}

impl Default for Folded {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a function of `portable`, or of `avx2` beside it where the code is for that.
macro_rules! run {
    ($folded:expr, $name:ident($($argument:expr),+)) => {
        match $folded.0 {
            $crate::folded::Code::Portable => portable::$name($($argument),+),
            #[cfg(target_arch = "x86_64")]
            $crate::folded::Code::Avx2 => {
                // SAFETY: the processor must have AVX2.
                // - `Code::Avx2` is made in `Folded::new` alone, which has asked for it.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    avx2::$name($($argument),+)
                }
            }
        }
    };
}
pub(crate) use run;

impl Folded {
    /// The inner product of `a` and `b`.
    ///
    /// # Panics
    /// If `b` is shorter than `a`; a longer one is cut.
    #[must_use]
    pub fn dot(self, a: &[f32], b: &[f32]) -> f32 {
        run!(self, dot(a, b))
    }

    /// Writes `a - b` and returns its squared length.
    ///
    /// # Panics
    /// If the three have different lengths.
    pub fn difference(self, a: &[f32], b: &[f32], difference: &mut [f32]) -> f32 {
        assert_eq!(b.len(), a.len(), "vectors of one length");
        assert_eq!(difference.len(), a.len(), "room for a difference");
        run!(self, difference(a, b, difference))
    }

    /// The inner products of `a` and each row.
    ///
    /// # Panics
    /// If a row is shorter than `a`; longer ones are cut.
    #[must_use]
    pub fn dots(self, a: &[f32], rows: &[&[f32]; LANES]) -> [f32; LANES] {
        run!(self, dots(a, rows))
    }

    /// Adds to each sum the inner product of `plane` with the row that `picks` names for it.
    ///
    /// `rows` are padded vectors, one behind the other, as long as `plane`: see [`pad`].
    ///
    /// # Panics
    /// If there are not as many sums as picks, or no row of a picked number.
    pub fn add_products(self, plane: &[Chunk], rows: &[Chunk], picks: &[u32], sums: &mut [f32]) {
        assert_eq!(picks.len(), sums.len(), "a sum for each pick");
        run!(self, add_products(plane, rows, picks, sums));
    }

    /// Adds the rows that `picks` names to `total`, element by element, in the order of the picks.
    ///
    /// # Panics
    /// If there is no row of a picked number.
    pub fn add_rows(self, rows: &[Chunk], picks: &[u32], total: &mut [Chunk]) {
        run!(self, add_rows(rows, picks, total));
    }

    /// The sum of all elements, in as many lanes as keep the processor busy: how fast vectors can be read at
    /// all, to hold other sums against. The order, and so the bits, differ from code to code.
    #[must_use]
    pub fn total(self, chunks: &[Chunk]) -> f32 {
        run!(self, total(chunks))
    }

    /// Multiplies elements and adds the products, each step rounded by itself, all in registers, `rounds` times:
    /// the limit of inner products in this code on this processor, to hold them against. Returns how many products that
    /// were, and a number that stands for the sums; `None` for the portable code, which is what a compiler makes of it.
    #[must_use]
    pub fn most_products(self, rounds: u32) -> Option<(u64, f32)> {
        run!(self, most_products(rounds))
    }
}

/// Eight elements of a padded vector.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(32))]
pub struct Chunk(pub [f32; WIDTH]);

/// Chunks of a padded vector of `dim` elements.
#[must_use]
pub fn n_chunks(dim: usize) -> usize {
    dim.div_ceil(WIDTH)
}

/// Pads a vector with zeros to whole chunks: in front of what is left behind the last whole chunk,
/// or behind a vector that is shorter than one. So all sums are those of the vector itself.
///
/// # Panics
/// If `padded` is not [`n_chunks`] of the vector's length.
pub fn pad(vector: &[f32], padded: &mut [Chunk]) {
    let (whole, left) = vector.as_chunks::<WIDTH>();
    assert_eq!(padded.len(), n_chunks(vector.len()), "as many chunks as the vector fills");
    for (chunk, values) in padded.iter_mut().zip(whole) {
        chunk.0 = *values;
    }
    if !left.is_empty() {
        // Chosen, not overwritten: what was written in parts could not be read whole at once.
        let taken = if whole.is_empty() { 0 } else { WIDTH - left.len() };
        let last = last_of(vector);
        padded[whole.len()].0 = std::array::from_fn(|at| if at < taken { 0.0 } else { last[at] });
    }
}

/// The vector that was padded.
///
/// # Panics
/// If `padded` is not [`n_chunks`] of the vector's length.
pub fn unpad(padded: &[Chunk], vector: &mut [f32]) {
    assert_eq!(padded.len(), n_chunks(vector.len()), "as many chunks as the vector fills");
    let (whole, left) = vector.as_chunks_mut::<WIDTH>();
    for (values, chunk) in whole.iter_mut().zip(padded) {
        *values = chunk.0;
    }
    if let Some(last) = padded.last() {
        let first = if whole.is_empty() { 0 } else { WIDTH - left.len() };
        left.copy_from_slice(&last.0[first..first + left.len()]);
    }
}

/// The last elements of a vector, of which those behind whole chunks count, as [`mask`] says; a vector
/// shorter than a chunk filled up with zeros.
#[inline]
fn last_of(vector: &[f32]) -> [f32; WIDTH] {
    match vector.last_chunk::<WIDTH>() {
        Some(last) => *last,
        None => std::array::from_fn(|at| vector.get(at).copied().unwrap_or(0.0)),
    }
}

/// Which lanes of [`last_of`] vectors of `dim` elements count, all bits or none; `None` where there is nothing
/// behind whole chunks.
#[inline]
fn mask(dim: usize) -> Option<[f32; WIDTH]> {
    const N: u32 = 0;
    const A: u32 = u32::MAX;
    static ALL_AMONG_NONE: [u32; 3 * WIDTH] =
        [N, N, N, N, N, N, N, N, A, A, A, A, A, A, A, A, N, N, N, N, N, N, N, N];
    let left = dim % WIDTH;
    if left == 0 {
        return None;
    }
    // The left elements stand at the end, or at the beginning where there are no others.
    let first = if dim < WIDTH { 2 * WIDTH - left } else { left };
    ALL_AMONG_NONE[first..].first_chunk().map(|mask: &[u32; WIDTH]| bytemuck::must_cast(*mask))
}

/// The loops, for a kind of register and what it can do.
macro_rules! loops {
    ($register:ty, $(#[$feature:meta])*) => {
        /// What counts of the products of two vectors' last elements.
        #[inline]
        $(#[$feature])*
        fn last_product(a: &[f32], b: &[f32], mask: [f32; WIDTH]) -> $register {
            and(product(load(last_of(a)), load(last_of(b))), load(mask))
        }

        $(#[$feature])*
        pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
            let b = &b[..a.len()];
            let mut sum = zero();
            for (x, y) in a.as_chunks().0.iter().zip(b.as_chunks().0) {
                sum = add(sum, product(load(*x), load(*y)));
            }
            if let Some(mask) = mask(a.len()) {
                sum = add(sum, last_product(a, b, mask));
            }
            fold(sum)
        }

        $(#[$feature])*
        pub(super) fn difference(a: &[f32], b: &[f32], difference: &mut [f32]) -> f32 {
            let (whole, left) = difference.as_chunks_mut();
            let mut sum = zero();
            for ((to, x), y) in whole.iter_mut().zip(a.as_chunks().0).zip(b.as_chunks().0) {
                let of_chunk = subtract(load(*x), load(*y));
                *to = store(of_chunk);
                sum = add(sum, product(of_chunk, of_chunk));
            }
            if let Some(mask) = mask(a.len()) {
                let of_last = subtract(load(last_of(a)), load(last_of(b)));
                sum = add(sum, and(product(of_last, of_last), load(mask)));
                if whole.is_empty() {
                    left.copy_from_slice(&store(of_last)[..left.len()]);
                } else if let Some(last) = difference.last_chunk_mut() {
                    *last = store(of_last);
                }
            }
            fold(sum)
        }

        $(#[$feature])*
        pub(super) fn dots(a: &[f32], rows: &[&[f32]; LANES]) -> [f32; LANES] {
            rows.map(|row| dot(a, row))
        }

        $(#[$feature])*
        pub(super) fn add_products(
            plane: &[Chunk],
            rows: &[Chunk],
            picks: &[u32],
            sums: &mut [f32],
        ) {
            let size = plane.len();
            let row = |pick: u32| &rows[pick as usize * size..][..size];
            let (batches, rest) = picks.as_chunks::<LANES>();
            let (batches_of_sums, rest_of_sums) = sums.as_chunks_mut::<LANES>();
            for (sums, picks) in batches_of_sums.iter_mut().zip(batches) {
                let mut batch: [&[Chunk]; LANES] = [plane; LANES];
                for (slot, &pick) in batch.iter_mut().zip(picks) {
                    *slot = row(pick);
                }
                let mut lanes = [zero(); LANES];
                for (at, chunk) in plane.iter().enumerate() {
                    let chunk = load(chunk.0);
                    for (lanes, row) in lanes.iter_mut().zip(&batch) {
                        *lanes = add(*lanes, product(chunk, load(row[at].0)));
                    }
                }
                *sums = store(add(load(*sums), fold_each(lanes)));
            }
            for (sum, pick) in rest_of_sums.iter_mut().zip(rest) {
                let mut lanes = zero();
                for (chunk, own) in plane.iter().zip(row(*pick)) {
                    lanes = add(lanes, product(load(chunk.0), load(own.0)));
                }
                *sum += fold(lanes);
            }
        }

        $(#[$feature])*
        pub(super) fn add_rows(rows: &[Chunk], picks: &[u32], total: &mut [Chunk]) {
            let size = total.len();
            // Adds to `$n` chunks, whose sums stay in registers, from chunk `$first` on.
            macro_rules! block {
                ($n:literal, $first:expr, $total:expr) => {{
                    let (first, total): (usize, &mut [Chunk]) = ($first, $total);
                    let mut sums = [zero(); $n];
                    for (sum, chunk) in sums.iter_mut().zip(&*total) {
                        *sum = load(chunk.0);
                    }
                    for &pick in picks {
                        let row = &rows[pick as usize * size + first..][..$n];
                        for (sum, own) in sums.iter_mut().zip(row) {
                            *sum = add(*sum, load(own.0));
                        }
                    }
                    for (chunk, sum) in total.iter_mut().zip(sums) {
                        chunk.0 = store(sum);
                    }
                }};
            }
            let (blocks, rest) = total.as_chunks_mut::<8>();
            let first = blocks.len() * 8;
            for (block, total) in blocks.iter_mut().enumerate() {
                block!(8, block * 8, total);
            }
            match rest.len() {
                1 => block!(1, first, rest),
                2 => block!(2, first, rest),
                3 => block!(3, first, rest),
                4 => block!(4, first, rest),
                5 => block!(5, first, rest),
                6 => block!(6, first, rest),
                7 => block!(7, first, rest),
                _ => {}
            }
        }

        $(#[$feature])*
        pub(super) fn total(chunks: &[Chunk]) -> f32 {
            let mut sums = [zero(); CHAINS];
            let (blocks, rest) = chunks.as_chunks::<CHAINS>();
            for block in blocks {
                for (sum, chunk) in sums.iter_mut().zip(block) {
                    *sum = add(*sum, load(chunk.0));
                }
            }
            for (sum, chunk) in sums.iter_mut().zip(rest) {
                *sum = add(*sum, load(chunk.0));
            }
            let mut together = zero();
            for sum in sums {
                together = add(together, sum);
            }
            fold(together)
        }
    };
}

mod portable {
    use super::{Chunk, LANES, WIDTH, last_of, mask};

    type Register = [f32; WIDTH];

    /// Sums of a total that do not wait for each other: as many as fit in registers of four lanes.
    const CHAINS: usize = 6;

    loops!(Register,);

    pub(super) fn most_products(_: u32) -> Option<(u64, f32)> {
        None
    }

    #[inline]
    fn zero() -> Register {
        [0.0; WIDTH]
    }

    #[inline]
    fn load(values: [f32; WIDTH]) -> Register {
        values
    }

    #[inline]
    fn add(x: Register, y: Register) -> Register {
        std::array::from_fn(|lane| x[lane] + y[lane])
    }

    #[inline]
    fn subtract(x: Register, y: Register) -> Register {
        std::array::from_fn(|lane| x[lane] - y[lane])
    }

    #[inline]
    fn product(x: Register, y: Register) -> Register {
        std::array::from_fn(|lane| x[lane] * y[lane])
    }

    #[inline]
    fn store(values: Register) -> [f32; WIDTH] {
        values
    }

    #[inline]
    fn fold_each(sums: [Register; LANES]) -> Register {
        sums.map(fold)
    }

    #[inline]
    fn and(x: Register, mask: Register) -> Register {
        std::array::from_fn(|lane| f32::from_bits(x[lane].to_bits() & mask[lane].to_bits()))
    }

    #[inline]
    fn fold(sums: Register) -> f32 {
        let four: [f32; 4] = std::array::from_fn(|lane| sums[lane] + sums[lane + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_shuffle_ps,
        _mm256_add_ps, _mm256_and_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_mul_ps,
        _mm256_permute2f128_ps, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_sub_ps,
    };

    use super::{Chunk, LANES, WIDTH, last_of, mask};

    /// Sums that do not wait for each other: enough to keep every unit busy, and as many as fit in registers.
    const CHAINS: usize = 14;

    loops!(__m256, #[target_feature(enable = "avx2")]);

    /// Each step needs the one before it in its chain, so that none can be left out.
    #[target_feature(enable = "avx2")]
    #[expect(clippy::unnecessary_wraps, reason = "as the portable code, which has none")]
    pub(super) fn most_products(rounds: u32) -> Option<(u64, f32)> {
        let by = load([1.0 / 1_048_576.0; WIDTH]);
        let mut sums = [load([1.0; WIDTH]); CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = add(*sum, product(*sum, by));
            }
        }
        let sum = sums.into_iter().fold(0.0, |all, sum| all + fold(sum));
        Some((u64::from(rounds) * (CHAINS * WIDTH) as u64, sum))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn zero() -> __m256 {
        _mm256_setzero_ps()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(values: [f32; WIDTH]) -> __m256 {
        bytemuck::must_cast(values)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(x: __m256, y: __m256) -> __m256 {
        _mm256_add_ps(x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn subtract(x: __m256, y: __m256) -> __m256 {
        _mm256_sub_ps(x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn product(x: __m256, y: __m256) -> __m256 {
        _mm256_mul_ps(x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(values: __m256) -> [f32; WIDTH] {
        bytemuck::must_cast(values)
    }

    /// [`fold`] of each, with fewer steps: two, four and eight of them in one register.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn fold_each(sums: [__m256; LANES]) -> __m256 {
        let halves = |x, y| {
            let low = _mm256_permute2f128_ps::<0x20>(x, y);
            let high = _mm256_permute2f128_ps::<0x31>(x, y);
            _mm256_add_ps(low, high)
        };
        let quarters = |x, y| {
            let low = _mm256_shuffle_ps::<0b01_00_01_00>(x, y);
            let high = _mm256_shuffle_ps::<0b11_10_11_10>(x, y);
            _mm256_add_ps(low, high)
        };
        let eighths = |x, y| {
            let even = _mm256_shuffle_ps::<0b10_00_10_00>(x, y);
            let odd = _mm256_shuffle_ps::<0b11_01_11_01>(x, y);
            _mm256_add_ps(even, odd)
        };
        let pair = |first: usize| halves(sums[first], sums[first + 4]);
        eighths(quarters(pair(0), pair(1)), quarters(pair(2), pair(3)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn and(x: __m256, mask: __m256) -> __m256 {
        _mm256_and_ps(x, mask)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn fold(sums: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps::<1>(sums));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, element by element.
    fn defined(a: &[f32], b: &[f32]) -> f32 {
        let mut lanes = [0.0f32; WIDTH];
        let whole = a.len() / WIDTH * WIDTH;
        for at in 0..whole {
            lanes[at % WIDTH] += a[at] * b[at];
        }
        if whole < a.len() {
            let start = a.len().saturating_sub(WIDTH);
            for (lane, sum) in lanes.iter_mut().enumerate() {
                let at = start + lane;
                *sum += if (whole..a.len()).contains(&at) { a[at] * b[at] } else { 0.0 };
            }
        }
        for half in [4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        lanes[0]
    }

    #[test]
    fn products_at_the_limit_are_counted_and_done() {
        for code in Folded::all() {
            let Some((none, before)) = code.most_products(0) else {
                assert_eq!(code.name(), "portable");
                continue;
            };
            let (some, after) = code.most_products(9).unwrap();
            assert_eq!((none, some % 9, some % WIDTH as u64), (0, 0, 0));
            assert!(some > 0);
            // Each lane grows nine times, by a millionth of itself each.
            assert!((1.000_008..1.000_01).contains(&(after / before)), "{before}, {after}");
        }
    }

    proptest! {
        #[test]
        fn every_code_gives_the_bits_of_the_definition(
            dim in 0usize..70,
            values in proptest::collection::vec(-1e6f32..1e6, 70 * (LANES + 2)),
        ) {
            let row = |i: usize| &values[i * 70..i * 70 + dim];
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| row(lane + 2));
            let p = row(0);
            let mut differences = vec![0.0; dim];
            for code in Folded::all() {
                let squared = code.difference(p, row(1), &mut differences);
                prop_assert_eq!(squared.to_bits(), defined(&differences, &differences).to_bits());
                for ((difference, x), y) in differences.iter().zip(p).zip(row(1)) {
                    prop_assert_eq!(*difference, x - y);
                }
                let dots = code.dots(p, &rows);
                for lane in 0..LANES {
                    prop_assert_eq!(dots[lane].to_bits(), code.dot(p, rows[lane]).to_bits());
                    prop_assert_eq!(dots[lane].to_bits(), defined(p, rows[lane]).to_bits());
                }
            }
        }

        #[test]
        fn totals_have_every_element(values in proptest::collection::vec(-1000i16..1000, 0..400)) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let mut chunks = vec![Chunk::default(); n_chunks(values.len())];
            pad(&values, &mut chunks);
            for code in Folded::all() {
                prop_assert_eq!(code.total(&chunks), values.iter().sum::<f32>());
            }
        }

        #[test]
        fn padded_vectors_give_the_same_sums(
            dim in 1usize..150,
            count in 1usize..20,
            values in proptest::collection::vec(-1e3f32..1e3, 150 * 20),
            picked in proptest::collection::vec(0usize..20, 0..30),
        ) {
            let size = n_chunks(dim);
            let vector = |i: usize| &values[i * 150..i * 150 + dim];
            let mut rows = vec![Chunk::default(); count * size];
            for (at, padded) in rows.chunks_exact_mut(size).enumerate() {
                pad(vector(at), padded);
                let mut back = vec![0.0; dim];
                unpad(padded, &mut back);
                prop_assert_eq!(&back[..], vector(at));
            }
            let picks: Vec<u32> =
                picked.iter().map(|at| u32::try_from(at % count).unwrap()).collect();
            for code in Folded::all() {
                let mut sums = vec![1.5; picks.len()];
                code.add_products(&rows[..size], &rows, &picks, &mut sums);
                for (sum, &pick) in sums.iter().zip(&picks) {
                    prop_assert_eq!(*sum, 1.5 + defined(vector(0), vector(pick as usize)));
                }
                let mut total = rows[..size].to_vec();
                code.add_rows(&rows, &picks, &mut total);
                let mut added = vec![0.0; dim];
                unpad(&total, &mut added);
                for (at, sum) in added.iter().enumerate() {
                    let expected = picks.iter().fold(vector(0)[at], |sum, &pick| {
                        sum + vector(pick as usize)[at]
                    });
                    prop_assert_eq!(*sum, expected);
                }
            }
        }
    }
}
