//! Vectors in 16-bit codes, and sums and inner products of these: whole numbers, the same on every processor.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::Folded;
use crate::folded::run;

/// Codes of a register.
pub const WIDTH: usize = 16;

/// Sixteen elements of a coded vector. What is left behind the last whole sixteen is at the end of a register
/// that begins with zeros; a vector shorter than sixteen ends with them. See [`decode`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(32))]
pub struct Codes(pub [i16; WIDTH]);

/// Registers of a coded vector of `dim` elements.
#[must_use]
pub fn n_codes(dim: usize) -> usize {
    dim.div_ceil(WIDTH)
}

/// Puts the elements of a coded vector in order: what is computed for each code, for each element.
///
/// # Panics
/// If `coded` has not as many values as there are codes in [`n_codes`] registers.
pub fn decode<T: Copy>(coded: &[T], vector: &mut [T]) {
    assert_eq!(coded.len(), n_codes(vector.len()) * WIDTH, "a value for each code");
    let whole = vector.len() / WIDTH * WIDTH;
    let left = vector.len() - whole;
    let first = if whole == 0 { 0 } else { coded.len() - left };
    vector[..whole].copy_from_slice(&coded[..whole]);
    vector[whole..].copy_from_slice(&coded[first..first + left]);
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
    /// The codes of a row, which is counted from 0.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    #[must_use]
    pub fn row(self, at: usize) -> &'a [Codes] {
        &self.codes[at * self.size..][..self.size]
    }
}

/// What makes a margin of a product of codes: `product * by + offset`, each step rounded by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// What a product counts for.
    pub by: f32,
    /// The margin of a product of zero.
    pub offset: f32,
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

    /// Writes the codes of `vector - origin`, as [`Folded::encode`] does, and returns its squared length.
    ///
    /// # Panics
    /// If the two have different lengths, or `codes` is not [`n_codes`] of that.
    pub fn encode_difference(
        self,
        vector: &[f32],
        origin: &[f32],
        by: f32,
        codes: &mut [Codes],
    ) -> f32 {
        assert_eq!(vector.len(), origin.len(), "vectors of one length");
        assert_eq!(codes.len(), n_codes(vector.len()), "as many registers as the vector fills");
        run!(self, encode_difference(vector, origin, by, codes))
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

    /// The margins under `plane` of the rows that `picks` names: by `line`, of their inner products, which
    /// have to fit in 32 bits in the end.
    ///
    /// # Panics
    /// If there are not as many margins as picks, or no row of a picked number.
    pub fn coded_margins(
        self,
        (plane, line): (&[Codes], Line),
        rows: CodedRows<'_>,
        picks: &[u32],
        margins: &mut [f32],
    ) {
        assert_eq!(picks.len(), margins.len(), "a margin for each pick");
        assert_eq!(plane.len(), rows.size, "vectors of one length");
        run!(self, margins(plane, line, rows, picks, margins));
    }

    /// Adds the rows that `picks` names to `total`, element by element. Sums wrap around.
    ///
    /// # Panics
    /// If `total` has not an element for each code of a row, or there is no row of a picked number.
    pub fn add_coded_rows(self, rows: CodedRows<'_>, picks: &[u32], total: &mut [[i32; WIDTH]]) {
        assert_eq!(total.len(), rows.size, "a sum for each code");
        run!(self, add_rows(rows, picks, total));
    }

    /// Multiplies codes and adds the products, all in registers, `rounds` times: the limit of what this code computes
    /// with codes on this processor, to hold it against. Returns how many products that were, and a number that
    /// stands for the sums; `None` for the portable code, which is what a compiler makes of it.
    #[must_use]
    pub fn most_coded_products(self, rounds: u32) -> Option<(u64, i32)> {
        run!(self, most_products(rounds))
    }
}

/// Masks of no bit and of all: from `n` on, one that leaves the last `n` elements of a register.
static NONE_THEN_ALL: [u32; 2 * WIDTH] = {
    let mut masks = [0; 2 * WIDTH];
    let mut at = WIDTH;
    while at < 2 * WIDTH {
        masks[at] = u32::MAX;
        at += 1;
    }
    masks
};

/// The mask of the last `left` elements of a register.
#[inline]
fn mask(left: usize) -> [u32; WIDTH] {
    *NONE_THEN_ALL[left..].first_chunk().expect("no more elements than a register has")
}

/// A vector shorter than a register, filled up with zeros.
#[cold]
fn filled(vector: &[f32]) -> [f32; WIDTH] {
    std::array::from_fn(|at| vector.get(at).copied().unwrap_or(0.0))
}

/// The sum of eight lanes.
#[inline]
fn fold(lanes: [f32; WIDTH / 2]) -> f32 {
    let four: [f32; 4] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn products_at_the_limit_are_counted_and_done() {
        for code in Folded::all() {
            let Some((none, before)) = code.most_coded_products(0) else {
                assert_eq!(code.name(), "portable");
                continue;
            };
            let (some, after) = code.most_coded_products(5).unwrap();
            assert_eq!((none, some % 5, some % WIDTH as u64), (0, 0, 0));
            // Sums are smaller than a code in the beginning: each step makes them four times themselves.
            assert!(some > 0 && after == 1024 * before, "{before}, {after}");
        }
    }

    proptest! {
        #[test]
        fn every_code_gives_the_same_codes_and_products(
            dim in 1usize..150,
            values in proptest::collection::vec(-1e3f32..1e3, 150 * 9),
            by in 0.0f32..40.0,
            pairs in proptest::collection::vec([0u16..9, 0u16..9], 0..23),
        ) {
            let size = n_codes(dim);
            let vector = |i: usize| &values[i * 150..i * 150 + dim];
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
                let mut in_order = vec![0; dim];
                decode(&flat, &mut in_order);
                for (code, value) in in_order.iter().zip(vector(at)) {
                    let wanted = (value * by).clamp(-32_768.0, 32_767.0);
                    prop_assert!((f32::from(*code) - wanted).abs() <= 0.5, "{code} for {wanted}");
                }
                let zeros = |codes: &[i16]| codes.iter().filter(|code| **code == 0).count();
                prop_assert_eq!(zeros(&flat), zeros(&in_order) + size * WIDTH - dim);
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

        #[test]
        fn differences_are_coded_and_measured_alike(
            dim in 1usize..70,
            values in proptest::collection::vec(-1e3f32..1e3, 140),
            by in 0.0f32..40.0,
        ) {
            let (vector, origin) = (&values[..dim], &values[70..70 + dim]);
            let differences: Vec<f32> = vector.iter().zip(origin).map(|(x, y)| x - y).collect();
            let mut padded = vec![0.0; n_codes(dim) * WIDTH];
            // Lanes take elements as they stand in registers.
            let left = dim % WIDTH;
            let whole = dim - left;
            let first = if whole == 0 || left == 0 { whole } else { padded.len() - left };
            padded[..whole].copy_from_slice(&differences[..whole]);
            padded[first..first + left].copy_from_slice(&differences[whole..]);
            let mut lanes = [0.0; 8];
            for (at, value) in padded.iter().enumerate() {
                lanes[at % 8] += value * value;
            }
            for code in Folded::all() {
                let mut codes = vec![Codes([7; WIDTH]); n_codes(dim)];
                let squared = code.encode_difference(vector, origin, by, &mut codes);
                prop_assert_eq!(squared.to_bits(), fold(lanes).to_bits());
                let mut expected = vec![Codes::default(); n_codes(dim)];
                code.encode(&differences, by, &mut expected);
                prop_assert_eq!(codes, expected);
            }
        }

        #[test]
        fn margins_and_sums_are_those_of_whole_numbers(
            size in 1usize..11,
            codes in proptest::collection::vec(-2000i16..2000, 11 * WIDTH * 9),
            by in 0.0f32..40.0,
            offset in -1e6f32..1e6,
            picks in proptest::collection::vec(0u32..8, 0..40),
        ) {
            let all: Vec<Codes> = codes.as_chunks().0.iter().map(|&codes| Codes(codes)).collect();
            let (rows, plane) = (CodedRows { codes: &all[..8 * size], size }, &all[8 * size..][..size]);
            let flat = |codes: &[Codes]| -> Vec<i32> {
                codes.iter().flat_map(|codes| codes.0.map(i32::from)).collect()
            };
            let row = |pick: u32| flat(rows.row(pick as usize));
            for code in Folded::all() {
                let mut margins = vec![5.0; picks.len()];
                let line = Line { by, offset };
                code.coded_margins((plane, line), rows, &picks, &mut margins);
                for (margin, &pick) in margins.iter().zip(&picks) {
                    let products = row(pick).into_iter().zip(flat(plane)).map(|(x, y)| x * y);
                    #[expect(clippy::cast_precision_loss, reason = "rounded, as it is everywhere")]
                    let product = products.sum::<i32>() as f32;
                    prop_assert_eq!(*margin, product * by + offset);
                }
                let mut total = vec![[1; WIDTH]; size];
                code.add_coded_rows(rows, &picks, &mut total);
                for (at, sum) in total.as_flattened().iter().enumerate() {
                    let expected: i32 = picks.iter().map(|&pick| row(pick)[at]).sum();
                    prop_assert_eq!(*sum, 1 + expected);
                }
            }
        }
    }
}
