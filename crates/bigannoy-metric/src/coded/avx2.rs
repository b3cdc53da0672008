//! The loops for processors that have AVX2.

use std::arch::x86_64::{
    __m256, __m256i, _mm_add_epi32, _mm256_add_epi32, _mm256_add_ps, _mm256_and_ps,
    _mm256_castsi256_si128, _mm256_cvtepi32_ps, _mm256_cvtps_epi32, _mm256_extracti128_si256,
    _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_mul_ps, _mm256_packs_epi32,
    _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_setzero_si256, _mm256_sub_ps, _mm256_unpackhi_epi16,
    _mm256_unpacklo_epi16,
};

use super::{CodedRows, Codes, Line, WIDTH, filled, fold, mask};

/// Products of pairs that are computed side by side.
const FOUR: usize = 4;
/// Products with one plane that are computed side by side.
const EIGHT: usize = 8;
/// Sums that do not wait for each other, where the limit is measured: enough to keep every unit busy, and as many
/// as fit in registers.
const CHAINS: usize = 14;
/// Registers of codes whose sums are kept in registers at a time.
const STRIPE: usize = 4;

#[target_feature(enable = "avx2")]
pub(super) fn encode(vector: &[f32], by: f32, codes: &mut [Codes]) {
    let by = _mm256_set1_ps(by);
    let (whole, left) = vector.as_chunks::<WIDTH>();
    for (codes, values) in codes.iter_mut().zip(whole) {
        codes.0 = coded(bytemuck::must_cast(*values), by);
    }
    if let Some(codes) = codes.get_mut(whole.len()) {
        codes.0 = coded(last_of(vector, left.len()), by);
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn encode_difference(
    vector: &[f32],
    origin: &[f32],
    by: f32,
    codes: &mut [Codes],
) -> f32 {
    let by = _mm256_set1_ps(by);
    let mut sums = _mm256_setzero_ps();
    let mut encode = |x: [__m256; 2], y: [__m256; 2], codes: &mut Codes| {
        let difference = [_mm256_sub_ps(x[0], y[0]), _mm256_sub_ps(x[1], y[1])];
        codes.0 = coded(difference, by);
        for half in difference {
            sums = _mm256_add_ps(sums, _mm256_mul_ps(half, half));
        }
    };
    let ((xs, left), ys) = (vector.as_chunks::<WIDTH>(), origin.as_chunks::<WIDTH>().0);
    for ((codes, x), y) in codes.iter_mut().zip(xs).zip(ys) {
        encode(bytemuck::must_cast(*x), bytemuck::must_cast(*y), codes);
    }
    if let Some(codes) = codes.get_mut(xs.len()) {
        encode(last_of(vector, left.len()), last_of(origin, left.len()), codes);
    }
    fold(bytemuck::must_cast(sums))
}

/// The last `left` elements of a vector. Masked, not overwritten: what was written in parts could not be
/// read whole at once.
#[inline]
#[target_feature(enable = "avx2")]
fn last_of(vector: &[f32], left: usize) -> [__m256; 2] {
    let Some(last) = vector.last_chunk::<WIDTH>() else {
        return bytemuck::must_cast(filled(vector));
    };
    let last: [__m256; 2] = bytemuck::must_cast(*last);
    let mask: [__m256; 2] = bytemuck::must_cast(mask(left));
    [_mm256_and_ps(last[0], mask[0]), _mm256_and_ps(last[1], mask[1])]
}

/// The codes of sixteen values. Halves are packed one by one: their quarters are put in order afterwards.
#[inline]
#[target_feature(enable = "avx2")]
fn coded([low, high]: [__m256; 2], by: __m256) -> [i16; WIDTH] {
    let low = _mm256_cvtps_epi32(_mm256_mul_ps(low, by));
    let high = _mm256_cvtps_epi32(_mm256_mul_ps(high, by));
    let both = _mm256_packs_epi32(low, high);
    bytemuck::must_cast(_mm256_permute4x64_epi64::<0b11_01_10_00>(both))
}

/// Calls a function that is made for each number of registers up to eight, or the last one.
macro_rules! of_size {
    ($size:expr, $sized:ident($($argument:expr),+), $any:expr) => {
        of_size!(1 2 3 4 5 6 7 8: $size, $sized($($argument),+), $any)
    };
    ($($known:literal)+: $size:expr, $sized:ident $arguments:tt, $any:expr) => {
        match $size {
            $($known => of_size!(@ $sized::<$known> $arguments),)+
            _ => $any,
        }
    };
    (@ $sized:ident::<$known:literal>($($argument:expr),+)) => {
        $sized::<$known>($($argument),+)
    };
}

#[target_feature(enable = "avx2")]
pub(super) fn products(
    planes: CodedRows<'_>,
    rows: CodedRows<'_>,
    pairs: &[[u16; 2]],
    products: &mut [i32],
) {
    of_size!(planes.size, products_of(planes.codes, rows.codes, pairs, products), {
        for (product, &[plane, row]) in products.iter_mut().zip(pairs) {
            let one = lanes(planes.row(plane.into()), rows.row(row.into()));
            *product = folded([one; FOUR])[0];
        }
    });
}

/// [`products`] of vectors of `N` registers.
#[target_feature(enable = "avx2")]
fn products_of<const N: usize>(
    planes: &[Codes],
    rows: &[Codes],
    pairs: &[[u16; 2]],
    products: &mut [i32],
) {
    let (planes, rows) = (planes.as_chunks::<N>().0, rows.as_chunks::<N>().0);
    macro_rules! lanes {
        ($pair:expr) => {{
            let [plane, row] = $pair.map(usize::from);
            lanes(&planes[plane], &rows[row])
        }};
    }
    let (pairs, pairs_left) = pairs.as_chunks::<FOUR>();
    let (fours, left) = products.as_chunks_mut::<FOUR>();
    for (four, pairs) in fours.iter_mut().zip(pairs) {
        *four = folded([lanes!(pairs[0]), lanes!(pairs[1]), lanes!(pairs[2]), lanes!(pairs[3])]);
    }
    for (product, pair) in left.iter_mut().zip(pairs_left) {
        *product = folded([lanes!(pair); FOUR])[0];
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn margins(
    plane: &[Codes],
    line: Line,
    rows: CodedRows<'_>,
    picks: &[u32],
    margins: &mut [f32],
) {
    of_size!(rows.size, margins_of(plane, line, rows.codes, picks, margins), {
        for (margin, &pick) in margins.iter_mut().zip(picks) {
            let one = lanes(plane, rows.row(pick as usize));
            *margin = on_line([one; EIGHT], line)[0];
        }
    });
}

/// [`margins`] of vectors of `N` registers.
#[target_feature(enable = "avx2")]
fn margins_of<const N: usize>(
    plane: &[Codes],
    line: Line,
    rows: &[Codes],
    picks: &[u32],
    margins: &mut [f32],
) {
    let (plane, rows) = (&plane.as_chunks::<N>().0[0], rows.as_chunks::<N>().0);
    let (picks, picks_left) = picks.as_chunks::<EIGHT>();
    let (eights, left) = margins.as_chunks_mut::<EIGHT>();
    for (eight, picks) in eights.iter_mut().zip(picks) {
        let mut batch = [&rows[0]; EIGHT];
        for (row, &pick) in batch.iter_mut().zip(picks) {
            *row = &rows[pick as usize];
        }
        let mut sums = [_mm256_setzero_si256(); EIGHT];
        for (at, codes) in plane.iter().enumerate() {
            for (sum, row) in sums.iter_mut().zip(batch) {
                *sum = _mm256_add_epi32(*sum, product(codes, &row[at]));
            }
        }
        *eight = on_line(sums, line);
    }
    for (margin, &pick) in left.iter_mut().zip(picks_left) {
        *margin = on_line([lanes(plane, &rows[pick as usize]); EIGHT], line)[0];
    }
}

/// The margins that belong to products, each in lanes that are to be added up.
#[inline]
#[target_feature(enable = "avx2")]
fn on_line(sums: [__m256i; EIGHT], line: Line) -> [f32; EIGHT] {
    let pairs = |at: usize| _mm256_hadd_epi32(sums[at], sums[at + 1]);
    let first = _mm256_hadd_epi32(pairs(0), pairs(2));
    let second = _mm256_hadd_epi32(pairs(4), pairs(6));
    let low = _mm256_permute2x128_si256::<0x20>(first, second);
    let high = _mm256_permute2x128_si256::<0x31>(first, second);
    let products = _mm256_cvtepi32_ps(_mm256_add_epi32(low, high));
    let scaled = _mm256_mul_ps(products, _mm256_set1_ps(line.by));
    bytemuck::must_cast(_mm256_add_ps(scaled, _mm256_set1_ps(line.offset)))
}

#[target_feature(enable = "avx2")]
pub(super) fn add_rows(rows: CodedRows<'_>, picks: &[u32], total: &mut [[i32; WIDTH]]) {
    let mut first = 0;
    for stripe in total.chunks_mut(STRIPE) {
        let of = (rows, first);
        match stripe.len() {
            1 => add_stripe::<1>(of, picks, stripe),
            2 => add_stripe::<2>(of, picks, stripe),
            3 => add_stripe::<3>(of, picks, stripe),
            _ => add_stripe::<STRIPE>(of, picks, stripe),
        }
        first += STRIPE;
    }
}

/// Adds `N` registers of each row, from register `first` on. Two rows at a time: what stands in
/// the same place of both is brought side by side, widened and added by one instruction.
#[inline]
#[target_feature(enable = "avx2")]
fn add_stripe<const N: usize>(
    (rows, first): (CodedRows<'_>, usize),
    picks: &[u32],
    total: &mut [[i32; WIDTH]],
) {
    let ones = _mm256_set1_epi16(1);
    let zeros = [Codes::default(); N];
    let row = |pick: u32| -> &[Codes] { &rows.codes[pick as usize * rows.size + first..][..N] };
    let mut sums = [[_mm256_setzero_si256(); 2]; N];
    let mut add = |one: &[Codes], other: &[Codes]| {
        for ((sums, one), other) in sums.iter_mut().zip(one).zip(other) {
            let (one, other) = (bytemuck::must_cast(one.0), bytemuck::must_cast(other.0));
            let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(one, other), ones);
            let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(one, other), ones);
            *sums = [_mm256_add_epi32(sums[0], low), _mm256_add_epi32(sums[1], high)];
        }
    };
    let (pairs, left) = picks.as_chunks::<2>();
    for &[one, other] in pairs {
        add(row(one), row(other));
    }
    for &pick in left {
        add(row(pick), &zeros);
    }
    for (total, [low, high]) in total.iter_mut().zip(sums) {
        // Unpacking goes by halves of a register.
        let sums: [i32; WIDTH] = bytemuck::must_cast([
            _mm256_permute2x128_si256::<0x20>(low, high),
            _mm256_permute2x128_si256::<0x31>(low, high),
        ]);
        for (total, sum) in total.iter_mut().zip(sums) {
            *total = total.wrapping_add(sum);
        }
    }
}

/// The inner product of two vectors, in eight lanes that are to be added up.
#[inline]
#[target_feature(enable = "avx2")]
fn lanes(plane: &[Codes], row: &[Codes]) -> __m256i {
    let mut sum = _mm256_setzero_si256();
    for (x, y) in plane.iter().zip(row) {
        sum = _mm256_add_epi32(sum, product(x, y));
    }
    sum
}

/// The sums over all lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn folded([a, b, c, d]: [__m256i; FOUR]) -> [i32; FOUR] {
    let all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    let (low, high) = (_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all));
    bytemuck::must_cast(_mm_add_epi32(low, high))
}

#[inline]
#[target_feature(enable = "avx2")]
fn product(x: &Codes, y: &Codes) -> __m256i {
    _mm256_madd_epi16(bytemuck::must_cast(x.0), bytemuck::must_cast(y.0))
}

/// Each step needs the one before it in its chain, so that none can be left out.
#[target_feature(enable = "avx2")]
#[expect(clippy::unnecessary_wraps, reason = "as the portable code, which has none")]
pub(super) fn most_products(rounds: u32) -> Option<(u64, i32)> {
    let mut sums = [bytemuck::must_cast([1i32; WIDTH / 2]); CHAINS];
    let codes = _mm256_set1_epi16(3);
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(*sum, codes));
        }
    }
    let lanes: [[i32; WIDTH / 2]; CHAINS] = sums.map(bytemuck::must_cast);
    let sum = lanes.as_flattened().iter().fold(0i32, |all, &sum| all.wrapping_add(sum));
    Some((u64::from(rounds) * (CHAINS * WIDTH) as u64, sum))
}
