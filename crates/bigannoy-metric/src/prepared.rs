//! One vector made ready to be compared with many.

use std::borrow::Cow;

use crate::kernel::{self, LANES};
use crate::{Metric, bits};

/// The angular distance that ranking uses, `2 - 2 cos`, from two squared lengths and a product.
///
/// The square root is taken in `f32` and the quotient in `f64`, as Annoy does. Where the product
/// of the squared lengths is not positive (a vector of zeros) the result is 2.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the result is defined as rounded to f32")]
pub fn angular_comparable(squared_a: f32, squared_b: f32, product: f32) -> f32 {
    let lengths = squared_a * squared_b;
    if lengths > 0.0 {
        (2.0 - 2.0 * f64::from(product) / f64::from(lengths.sqrt())) as f32
    } else {
        2.0
    }
}

/// A vector with what its metric wants to know about it in advance.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    metric: Metric,
    /// Empty where only bits are known.
    vector: &'a [f32],
    /// Angular: the squared length. Otherwise unused.
    squared_length: f32,
    /// Hamming: the bits of the vector. Otherwise empty.
    bits: Cow<'a, [u32]>,
}

impl<'a> Prepared<'a> {
    /// Prepares `vector`. Costs one inner product for angular, a packing of the bits for hamming,
    /// nothing for the others.
    #[must_use]
    pub fn new(metric: Metric, vector: &'a [f32]) -> Self {
        let squared_length = match metric {
            Metric::Angular => kernel::dot(vector, vector),
            _ => 0.0,
        };
        let bits = match metric {
            Metric::Hamming => Cow::Owned(bits::pack(vector)),
            _ => Cow::Borrowed(&[][..]),
        };
        Prepared { metric, vector, squared_length, bits }
    }

    /// Prepares a vector of [`Metric::Hamming`] that is packed already (see [`bits`]).
    #[must_use]
    pub fn of_bits(words: &'a [u32]) -> Self {
        Prepared {
            metric: Metric::Hamming,
            vector: &[],
            squared_length: 0.0,
            bits: Cow::Borrowed(words),
        }
    }

    /// The vector as given; empty for one that was given as bits.
    #[must_use]
    pub fn vector(&self) -> &'a [f32] {
        self.vector
    }

    /// The vector's bits under [`Metric::Hamming`]; empty under any other metric.
    #[must_use]
    pub fn bits(&self) -> &[u32] {
        &self.bits
    }

    /// The comparable distance to `other`: smaller is nearer, [`Metric::reported`] makes it the
    /// documented one.
    ///
    /// `squared_length` is the squared length of `other` where it is stored; `None`, and also a
    /// stored zero (which files older than Annoy 1.11 have), lets it be computed. Only angular
    /// looks at it. For hamming, [`Prepared::comparable_bits`] saves packing `other`.
    ///
    /// # Panics
    /// If `other` has another length.
    #[must_use]
    pub fn comparable(&self, other: &[f32], squared_length: Option<f32>) -> f32 {
        match self.metric {
            Metric::Euclidean => kernel::squared_l2(self.vector, other),
            Metric::Angular => angular_comparable(
                self.squared_length,
                known_or_computed(other, squared_length),
                kernel::dot(self.vector, other),
            ),
            Metric::Manhattan => kernel::l1(self.vector, other),
            Metric::Dot => -kernel::dot(self.vector, other),
            Metric::Hamming => self.comparable_bits(&bits::pack(other)),
        }
    }

    /// The number of bits in which a vector under [`Metric::Hamming`] and the packed `other` differ.
    ///
    /// # Panics
    /// If `other` has another length than [`Prepared::bits`].
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^24 bits, more than an index has")]
    pub fn comparable_bits(&self, other: &[u32]) -> f32 {
        bits::differing(&self.bits, other) as f32
    }

    /// [`Prepared::comparable`] for [`LANES`] vectors at once: the same bits, sooner.
    ///
    /// # Panics
    /// If a vector of `others` is shorter than this one.
    #[must_use]
    pub fn comparable_lanes(
        &self,
        others: &[&[f32]; LANES],
        squared_lengths: &[Option<f32>; LANES],
    ) -> [f32; LANES] {
        match self.metric {
            Metric::Euclidean => kernel::squared_l2_lanes(self.vector, others),
            Metric::Angular => {
                let products = kernel::dot_lanes(self.vector, others);
                std::array::from_fn(|lane| {
                    angular_comparable(
                        self.squared_length,
                        known_or_computed(others[lane], squared_lengths[lane]),
                        products[lane],
                    )
                })
            }
            Metric::Manhattan => kernel::l1_lanes(self.vector, others),
            Metric::Dot => kernel::dot_lanes(self.vector, others).map(|product| -product),
            Metric::Hamming => others.map(|other| self.comparable(other, None)),
        }
    }
}

fn known_or_computed(vector: &[f32], squared_length: Option<f32>) -> f32 {
    match squared_length {
        Some(known) if known != 0.0 => known,
        _ => kernel::dot(vector, vector),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn angular_values_of_known_pairs() {
        let reported = |a: &[f32], b: &[f32]| {
            Metric::Angular.reported(Prepared::new(Metric::Angular, a).comparable(b, None))
        };
        assert_eq!(reported(&[1.0, 0.0], &[3.0, 0.0]), 0.0);
        assert_eq!(reported(&[1.0, 0.0], &[0.0, 2.0]), 2f32.sqrt());
        assert_eq!(reported(&[1.0, 0.0], &[-1.0, 0.0]), 2.0);
        assert_eq!(reported(&[0.0, 0.0], &[0.0, 0.0]), 2f32.sqrt());
    }

    #[test]
    fn a_stored_length_of_zero_is_computed_again() {
        let query = Prepared::new(Metric::Angular, &[1.0, 0.0]);
        assert_eq!(query.comparable(&[2.0, 0.0], Some(0.0)), 0.0);
        assert_eq!(query.comparable(&[2.0, 0.0], Some(4.0)), 0.0);
    }

    #[test]
    fn values_of_known_pairs_under_the_other_metrics() {
        let reported = |metric: Metric, a: &[f32], b: &[f32]| {
            metric.reported(Prepared::new(metric, a).comparable(b, None))
        };
        assert_eq!(reported(Metric::Euclidean, &[1.0, 2.0], &[4.0, 6.0]), 5.0);
        assert_eq!(reported(Metric::Manhattan, &[1.0, 2.0], &[4.0, 6.0]), 7.0);
        assert_eq!(reported(Metric::Dot, &[1.0, 2.0], &[4.0, 6.0]), 16.0);
        assert_eq!(reported(Metric::Dot, &[1.0, 2.0], &[-4.0, 0.0]), -4.0);
        assert_eq!(reported(Metric::Dot, &[1.0, 0.0], &[0.0, 1.0]).to_bits(), 0);
        assert_eq!(reported(Metric::Hamming, &[1.0, 0.5, 0.0], &[0.6, 0.51, -1.0]), 1.0);
    }

    proptest! {
        #[test]
        fn packed_and_loose_bits_compare_equal(
            pairs in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..200),
        ) {
            let side = |of: fn(&(bool, bool)) -> bool| -> Vec<f32> {
                pairs.iter().map(|pair| f32::from(u8::from(of(pair)))).collect()
            };
            let (a, b) = (side(|pair| pair.0), side(|pair| pair.1));
            let count = pairs.iter().filter(|(a, b)| a != b).count();
            let count = f32::from(u8::try_from(count).unwrap());
            let (packed_a, packed_b) = (bits::pack(&a), bits::pack(&b));
            let query = Prepared::new(Metric::Hamming, &a);
            prop_assert_eq!(query.comparable(&b, None), count);
            prop_assert_eq!(query.comparable_bits(&packed_b), count);
            prop_assert_eq!(Prepared::of_bits(&packed_a).comparable_bits(&packed_b), count);
        }

        #[test]
        fn lanes_equal_single_comparisons(
            values in proptest::collection::vec(-1e3f32..1e3, 9 * (LANES + 1)),
            metric in proptest::sample::select(&Metric::ALL[..]),
        ) {
            let row = |i: usize| &values[i * 9..(i + 1) * 9];
            let query = Prepared::new(metric, row(0));
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| row(lane + 1));
            let many = query.comparable_lanes(&rows, &[None; LANES]);
            for lane in 0..LANES {
                prop_assert_eq!(many[lane].to_bits(), query.comparable(rows[lane], None).to_bits());
            }
        }
    }
}
