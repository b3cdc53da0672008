//! Vectors in 16-bit codes, and inner products of these: whole numbers, the same on every processor.

use crate::Folded;
use crate::folded::run;

/// Codes of a register.
const WIDTH: usize = 16;
/// Products that are computed side by side.
const FOUR: usize = 4;

/// Sixteen elements of a coded vector, which ends with zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(32))]
pub struct Codes(pub [i16; WIDTH]);

/// Registers of a coded vector of `dim` elements.
#[must_use]
pub fn n_codes(dim: usize) -> usize {
    dim.div_ceil(WIDTH)
}

/// Coded vectors, all in the same number of registers, one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct CodedRows<'a> {
    /// The registers.
    pub codes: &'a [Codes],
    /// How many a vector has: [`n_codes`] of its length.
    pub size: usize,
}

impl<'a> CodedRows<'a> {
    #[inline]
    fn row(self, at: u16) -> &'a [Codes] {
        &self.codes[usize::from(at) * self.size..][..self.size]
    }
}

impl Folded {
    /// Writes the codes of a vector: each element times `by`, to the nearest whole number, to the even one
    /// of two. What a code cannot hold becomes the largest or smallest; what is beyond 2^31 then, or not a
    /// number, any.
    ///
    /// # Panics
    /// If `codes` is not [`n_codes`] of the vector's length.
    pub fn encode(self, vector: &[f32], by: f32, codes: &mut [Codes]) {
        assert_eq!(codes.len(), n_codes(vector.len()), "as many registers as the vector fills");
        run!(self, encode(vector, by, codes));
    }

    /// The inner product of a plane and a row for each of `pairs`, which has their numbers in this
    /// order. It may wrap around on the way; the end has to fit.
    ///
    /// # Panics
    /// If there are not as many products as pairs, or no plane or row of a number.
    pub fn coded_products(
        self,
        planes: CodedRows<'_>,
        rows: CodedRows<'_>,
        pairs: &[[u16; 2]],
        products: &mut [i32],
    ) {
        assert_eq!(pairs.len(), products.len(), "a product for each pair");
        assert_eq!(planes.size, rows.size, "vectors of one length");
        run!(self, products(planes, rows, pairs, products));
    }
}

mod portable {
    use super::{CodedRows, Codes, WIDTH};

    pub(super) fn encode(vector: &[f32], by: f32, codes: &mut [Codes]) {
        for (values, codes) in vector.chunks(WIDTH).zip(codes) {
            codes.0 = [0; WIDTH];
            for (value, code) in values.iter().zip(&mut codes.0) {
                #[expect(clippy::cast_possible_truncation, reason = "codes end where they end")]
                let nearest = (value * by).round_ties_even() as i16;
                *code = nearest;
            }
        }
    }

    pub(super) fn products(
        planes: CodedRows<'_>,
        rows: CodedRows<'_>,
        pairs: &[[u16; 2]],
        products: &mut [i32],
    ) {
        for (product, &[plane, row]) in products.iter_mut().zip(pairs) {
            let registers = planes.row(plane).iter().zip(rows.row(row));
            let elements = registers.flat_map(|(x, y)| x.0.into_iter().zip(y.0));
            *product =
                elements.fold(0i32, |sum, (x, y)| sum.wrapping_add(i32::from(x) * i32::from(y)));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_add_epi32, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtps_epi32,
        _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_mul_ps,
        _mm256_packs_epi32, _mm256_permute4x64_epi64, _mm256_set1_ps, _mm256_setzero_si256,
    };

    use super::{CodedRows, Codes, FOUR, WIDTH};

    #[target_feature(enable = "avx2")]
    pub(super) fn encode(vector: &[f32], by: f32, codes: &mut [Codes]) {
        let by = _mm256_set1_ps(by);
        let nearest =
            |values: [f32; 8]| _mm256_cvtps_epi32(_mm256_mul_ps(bytemuck::must_cast(values), by));
        // Halves are packed one by one: their quarters are put in order afterwards.
        let packed = |[low, high]: [[f32; 8]; 2]| -> [i16; WIDTH] {
            let both = _mm256_packs_epi32(nearest(low), nearest(high));
            bytemuck::must_cast(_mm256_permute4x64_epi64::<0b11_01_10_00>(both))
        };
        let (whole, left) = vector.as_chunks::<WIDTH>();
        for (values, codes) in whole.iter().zip(&mut *codes) {
            codes.0 = packed(bytemuck::must_cast(*values));
        }
        if !left.is_empty() {
            let mut values = [0.0; WIDTH];
            values[..left.len()].copy_from_slice(left);
            codes[whole.len()].0 = packed(bytemuck::must_cast(values));
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn products(
        planes: CodedRows<'_>,
        rows: CodedRows<'_>,
        pairs: &[[u16; 2]],
        products: &mut [i32],
    ) {
        // Short vectors in loops of known length.
        macro_rules! of_size {
            ($($size:literal)+) => {
                match planes.size {
                    $($size => sized::<$size>(
                        planes.codes.as_chunks().0,
                        rows.codes.as_chunks().0,
                        pairs,
                        products,
                    ),)+
                    _ => {
                        for (product, &[plane, row]) in products.iter_mut().zip(pairs) {
                            let one = lanes(planes.row(plane), rows.row(row));
                            *product = folded([one; FOUR])[0];
                        }
                    }
                }
            };
        }
        of_size!(1 2 3 4 5 6 7 8);
    }

    /// [`products`] of vectors of `N` registers.
    #[target_feature(enable = "avx2")]
    fn sized<const N: usize>(
        planes: &[[Codes; N]],
        rows: &[[Codes; N]],
        pairs: &[[u16; 2]],
        products: &mut [i32],
    ) {
        macro_rules! lanes {
            ($pair:expr) => {{
                let [plane, row] = $pair.map(usize::from);
                lanes(&planes[plane], &rows[row])
            }};
        }
        let (pairs, pairs_left) = pairs.as_chunks::<FOUR>();
        let (fours, left) = products.as_chunks_mut::<FOUR>();
        for (four, pairs) in fours.iter_mut().zip(pairs) {
            *four =
                folded([lanes!(pairs[0]), lanes!(pairs[1]), lanes!(pairs[2]), lanes!(pairs[3])]);
        }
        for (product, pair) in left.iter_mut().zip(pairs_left) {
            *product = folded([lanes!(pair); FOUR])[0];
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_code_gives_the_same_codes_and_products(
            dim in 1usize..70,
            values in proptest::collection::vec(-1e3f32..1e3, 70 * 9),
            by in 0.0f32..40.0,
            pairs in proptest::collection::vec([0u16..9, 0u16..9], 0..23),
        ) {
            let size = n_codes(dim);
            let vector = |i: usize| &values[i * 70..i * 70 + dim];
            let coded = Folded::all().into_iter().map(|code| {
                let mut codes = vec![Codes([7; WIDTH]); 9 * size];
                for (at, row) in codes.chunks_exact_mut(size).enumerate() {
                    code.encode(vector(at), by, row);
                }
                let rows = CodedRows { codes: &codes, size };
                let mut products = vec![5; pairs.len()];
                code.coded_products(rows, rows, &pairs, &mut products);
                (codes, products)
            });
            let coded: Vec<_> = coded.collect();
            prop_assert!(coded.iter().all(|other| *other == coded[0]));
            let (codes, products) = &coded[0];
            for (at, row) in codes.chunks_exact(size).enumerate() {
                let flat: Vec<i16> = row.iter().flat_map(|codes| codes.0).collect();
                for (code, value) in flat.iter().zip(vector(at)) {
                    let wanted = (value * by).clamp(-32_768.0, 32_767.0);
                    prop_assert!((f32::from(*code) - wanted).abs() <= 0.5, "{code} for {wanted}");
                }
                prop_assert!(flat[dim..].iter().all(|code| *code == 0));
            }
            let flat: Vec<i64> = codes.iter().flat_map(|codes| codes.0.map(i64::from)).collect();
            let row = |at: u16| &flat[usize::from(at) * size * WIDTH..][..size * WIDTH];
            for (product, &[plane, pick]) in products.iter().zip(&pairs) {
                let exact: i64 = row(plane).iter().zip(row(pick)).map(|(x, y)| x * y).sum();
                // On the way it may wrap around.
                #[expect(clippy::cast_possible_truncation, reason = "that is what is tested")]
                let wrapped = exact as i32;
                prop_assert_eq!(*product, wrapped);
            }
        }
    }
}
