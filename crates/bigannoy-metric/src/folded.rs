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
pub struct Folded(Code);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
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

/// A function of [`Folded`] that runs the chosen code.
macro_rules! choose {
    ($(#[$doc:meta])* $name:ident($($vector:ident),+) -> $result:ty) => {
        impl Folded {
            $(#[$doc])*
            ///
            /// # Panics
            /// If a vector is shorter than the first one; longer ones are cut.
            #[must_use]
            pub fn $name(self, $($vector: &[f32],)+ rows: &[&[f32]; LANES]) -> $result {
                match self.0 {
                    Code::Portable => portable::$name($($vector,)+ rows),
                    #[cfg(target_arch = "x86_64")]
                    Code::Avx2 => {
                        // SAFETY: the processor must have AVX2.
                        // - `Code::Avx2` is made in `Folded::new` alone, which has asked for it.
                        #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                        unsafe {
                            avx2::$name($($vector,)+ rows)
                        }
                    }
                }
            }
        }
    };
}

choose! {
    /// The inner products of `a` and each row.
    dots(a) -> [f32; LANES]
}
choose! {
    /// The inner products of `p` and each row, and those of `q`.
    dots_of_two(p, q) -> [[f32; LANES]; 2]
}
choose! {
    /// The squared Euclidean distances from `p` to each row, and those from `q`.
    squared_l2_of_two(p, q) -> [[f32; LANES]; 2]
}
choose! {
    /// The sums of absolute differences between `p` and each row, and those of `q`.
    l1_of_two(p, q) -> [[f32; LANES]; 2]
}

/// A vector cut into chunks of eight.
struct Chunks<'a> {
    whole: &'a [[f32; WIDTH]],
    /// The last eight elements, some of which are in `whole`; all zero where nothing is left.
    rest: [f32; WIDTH],
}

impl<'a> Chunks<'a> {
    #[inline]
    fn of(vector: &'a [f32]) -> Self {
        let (whole, left) = vector.as_chunks::<WIDTH>();
        let rest = match vector.last_chunk::<WIDTH>() {
            Some(last) if !left.is_empty() => *last,
            Some(_) => [0.0; WIDTH],
            None => std::array::from_fn(|at| vector.get(at).copied().unwrap_or(0.0)),
        };
        Chunks { whole, rest }
    }
}

/// Which lanes of [`Chunks::rest`] count, for vectors of `dim` elements: all bits or none.
fn mask(dim: usize) -> [f32; WIDTH] {
    let left = dim % WIDTH;
    // The left elements stand at the end, or at the beginning where there are no others.
    let counts = |at: usize| if dim < WIDTH { at < left } else { at >= WIDTH - left };
    std::array::from_fn(|at| f32::from_bits(if left > 0 && counts(at) { u32::MAX } else { 0 }))
}

/// The loops, for a kind of register and what it can do.
macro_rules! loops {
    ($register:ty, $(#[$feature:meta])*) => {
        /// The sum over all chunks of what `$term` makes of those of a vector and of a row.
        macro_rules! sum {
            ($a:expr, $row:expr, $mask:expr, $term:ident) => {{
                let (a, row): (&Chunks<'_>, &Chunks<'_>) = ($a, $row);
                let mut sum = zero();
                for (x, y) in a.whole.iter().zip(row.whole) {
                    sum = add(sum, $term(load(*x), load(*y)));
                }
                if let Some(mask) = $mask {
                    sum = add(sum, and($term(load(a.rest), load(row.rest)), load(mask)));
                }
                fold(sum)
            }};
        }

        /// Both sums of `$term`, from two vectors to each row.
        macro_rules! of_two {
            ($p:expr, $q:expr, $rows:expr, $term:ident) => {{
                let dim = $p.len();
                let (p, q) = (Chunks::of($p), Chunks::of(&$q[..dim]));
                let mask = (dim % WIDTH != 0).then(|| super::mask(dim));
                let mut sums = [[0.0; LANES]; 2];
                for (lane, row) in $rows.iter().enumerate() {
                    let row = Chunks::of(&row[..dim]);
                    sums[0][lane] = sum!(&p, &row, mask, $term);
                    sums[1][lane] = sum!(&q, &row, mask, $term);
                }
                sums
            }};
        }

        $(#[$feature])*
        pub(super) fn dots(a: &[f32], rows: &[&[f32]; LANES]) -> [f32; LANES] {
            let dim = a.len();
            let a = Chunks::of(a);
            let mask = (dim % WIDTH != 0).then(|| super::mask(dim));
            let mut sums = [0.0; LANES];
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = sum!(&a, &Chunks::of(&row[..dim]), mask, product);
            }
            sums
        }

        $(#[$feature])*
        pub(super) fn dots_of_two(
            p: &[f32],
            q: &[f32],
            rows: &[&[f32]; LANES],
        ) -> [[f32; LANES]; 2] {
            of_two!(p, q, rows, product)
        }

        $(#[$feature])*
        pub(super) fn squared_l2_of_two(
            p: &[f32],
            q: &[f32],
            rows: &[&[f32]; LANES],
        ) -> [[f32; LANES]; 2] {
            of_two!(p, q, rows, squared_difference)
        }

        $(#[$feature])*
        pub(super) fn l1_of_two(
            p: &[f32],
            q: &[f32],
            rows: &[&[f32]; LANES],
        ) -> [[f32; LANES]; 2] {
            of_two!(p, q, rows, difference)
        }

        $(#[$feature])*
        #[inline]
        fn squared_difference(x: $register, y: $register) -> $register {
            let difference = sub(x, y);
            product(difference, difference)
        }
    };
}

mod portable {
    use super::{Chunks, LANES, WIDTH};

    type Register = [f32; WIDTH];

    loops!(Register,);

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
    fn sub(x: Register, y: Register) -> Register {
        std::array::from_fn(|lane| x[lane] - y[lane])
    }

    #[inline]
    fn product(x: Register, y: Register) -> Register {
        std::array::from_fn(|lane| x[lane] * y[lane])
    }

    #[inline]
    fn difference(x: Register, y: Register) -> Register {
        std::array::from_fn(|lane| (x[lane] - y[lane]).abs())
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
        _mm256_add_ps, _mm256_and_ps, _mm256_andnot_ps, _mm256_castps256_ps128,
        _mm256_extractf128_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_sub_ps,
    };

    use super::{Chunks, LANES, WIDTH};

    loops!(__m256, #[target_feature(enable = "avx2")]);

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
    fn sub(x: __m256, y: __m256) -> __m256 {
        _mm256_sub_ps(x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn product(x: __m256, y: __m256) -> __m256 {
        _mm256_mul_ps(x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn difference(x: __m256, y: __m256) -> __m256 {
        _mm256_andnot_ps(_mm256_set1_ps(-0.0), _mm256_sub_ps(x, y))
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
    fn defined(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = [0.0f32; WIDTH];
        let whole = a.len() / WIDTH * WIDTH;
        for at in 0..whole {
            lanes[at % WIDTH] += term(a[at], b[at]);
        }
        if whole < a.len() {
            let start = a.len().saturating_sub(WIDTH);
            for (lane, sum) in lanes.iter_mut().enumerate() {
                let at = start + lane;
                *sum += if (whole..a.len()).contains(&at) { term(a[at], b[at]) } else { 0.0 };
            }
        }
        for half in [4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        lanes[0]
    }

    proptest! {
        #[test]
        fn every_code_gives_the_bits_of_the_definition(
            dim in 0usize..70,
            values in proptest::collection::vec(-1e6f32..1e6, 70 * (LANES + 2)),
        ) {
            let row = |i: usize| &values[i * 70..i * 70 + dim];
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| row(lane + 2));
            let (p, q) = (row(0), row(1));
            for code in Folded::all() {
                let dots = code.dots(p, &rows);
                let two = [
                    code.dots_of_two(p, q, &rows),
                    code.squared_l2_of_two(p, q, &rows),
                    code.l1_of_two(p, q, &rows),
                ];
                for lane in 0..LANES {
                    let dot = |a| defined(a, rows[lane], |x, y| x * y).to_bits();
                    let l2 = |a| defined(a, rows[lane], |x, y| (x - y) * (x - y)).to_bits();
                    let l1 = |a| defined(a, rows[lane], |x, y| (x - y).abs()).to_bits();
                    prop_assert_eq!(dots[lane].to_bits(), dot(p), "{}", code.name());
                    let found = two.map(|sums| [sums[0][lane].to_bits(), sums[1][lane].to_bits()]);
                    prop_assert_eq!(
                        found, [[dot(p), dot(q)], [l2(p), l2(q)], [l1(p), l1(q)]], "{}", code.name()
                    );
                }
            }
        }
    }
}
