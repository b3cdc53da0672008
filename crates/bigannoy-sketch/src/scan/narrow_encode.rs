//! From vectors of few dimensions to codes, in single precision.

use super::Coded;

/// The largest dimension: rounding moves a vector by half of its root at most, which is 4.
pub(super) const MOST_DIM: usize = 64;

/// A vector of up to 64 elements, filled up with zeros.
pub type Vector = [f32; MOST_DIM];

/// Sums are kept in so many parts, which a register holds.
const PARTS: usize = 8;

/// What codes may come to: the largest magnitude of one, and the length of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    largest: f32,
    longest: f32,
}

/// For rows and for queries.
pub(super) const ROW: Range = Range { largest: 63.0, longest: 140.0 };
pub(super) const QUERY: Range = Range { largest: 127.0, longest: 234.0 };

// Sums of products fit in 16 bits.
const _: () = assert!(ROW.longest * QUERY.longest <= 32_767.0);

/// Magnitudes whose squares and quotients stay clear of both ends of `f32`.
const SANE: std::ops::RangeInclusive<f32> = 1e-9..=1e9;

/// The rounding of an operation.
const U: f64 = f32::EPSILON as f64 / 2.0;

/// What scale a vector needs, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    by_largest: f32,
    by_length: f32,
    /// The vector's length.
    pub(super) length: f32,
}

impl Scale {
    /// The scale at which all codes of a vector are within their range, however they are rounded.
    /// `None` where nothing can be certain: magnitudes beyond 1e9 or below 1e-9, all zeros excepted.
    #[inline]
    pub(super) fn of(vector: &Vector, range: Range) -> Option<Self> {
        let (mut largest, mut squares) = ([0.0f32; PARTS], [0.0f32; PARTS]);
        for eight in vector.as_chunks::<PARTS>().0 {
            for ((largest, squares), x) in largest.iter_mut().zip(&mut squares).zip(eight) {
                *largest = if x.abs() > *largest { x.abs() } else { *largest };
                *squares += x * x;
            }
        }
        let largest = largest.into_iter().fold(0.0, f32::max);
        // A NaN shows in the sum of squares, not in the largest.
        let length = squares.iter().sum::<f32>().sqrt();
        if length == 0.0 && largest == 0.0 {
            return Some(Scale { by_largest: 0.0, by_length: 1e-12, length });
        }
        if !SANE.contains(&largest) || length.is_nan() {
            return None;
        }
        // Rounding adds 4 to the length at most.
        let by_length = length / (range.longest - 4.5);
        Some(Scale { by_largest: largest / range.largest, by_length, length })
    }

    pub(super) fn get(self) -> f32 {
        self.by_largest.max(self.by_length)
    }

    /// How much larger the scale is than the length alone would make it, 1 at least.
    pub(super) fn standing_out(self) -> f32 {
        f32::max(self.by_largest / self.by_length, 1.0)
    }
}

/// Makes the codes of `vector`, which is off by at most `error` (as a length) from what is meant, at a
/// scale that is at least its own.
#[inline]
pub(super) fn encode(
    vector: &Vector,
    scale: f32,
    error: f64,
    range: Range,
) -> ([i8; MOST_DIM], Coded) {
    // From 1.5 * 2^23 on, numbers are whole, and their low bits count them.
    const SHIFT: f32 = 12_582_912.0;
    let inverse = 1.0 / scale;
    let mut codes = [0; MOST_DIM];
    let (mut squares, mut lost) = ([0.0f32; PARTS], [0.0f32; PARTS]);
    for (codes, eight) in
        codes.as_chunks_mut::<PARTS>().0.iter_mut().zip(vector.as_chunks::<PARTS>().0)
    {
        for at in 0..PARTS {
            let x = eight[at];
            let shifted = (x * inverse).clamp(-range.largest, range.largest) + SHIFT;
            #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
            let low = shifted.to_bits() as i8;
            codes[at] = low;
            let whole = shifted - SHIFT;
            squares[at] += whole * whole;
            let rest = x - scale * whole;
            lost[at] += rest * rest;
        }
    }
    // Whole numbers below 2^24 are summed without rounding.
    let squares: f32 = squares.iter().sum();
    debug_assert!(squares <= range.longest * range.longest, "codes that fit at their scale");
    let lost: f32 = lost.iter().sum();
    let length = f64::from(scale) * f64::from(squares).sqrt();
    // The sum is off by some dozens of roundings of its own, and by those of `scale * whole`; squares below the
    // range of `f32` are lost to it.
    let residual = f64::from(lost).sqrt() * (1.0 + 64.0 * U) + 3.0 * U * length + 1e-18 + error;
    (codes, Coded { scale, length, residual })
}

/// A vector of up to 64 elements in single precision, and by how much that may move it, as a length.
///
/// # Panics
/// If it has more.
#[must_use]
pub fn narrow_vector(vector: &[f64]) -> (Vector, f64) {
    let mut single = [0.0; MOST_DIM];
    for (single, &x) in single[..vector.len()].iter_mut().zip(vector) {
        #[expect(clippy::cast_possible_truncation, reason = "what is lost is told")]
        let rounded = x as f32;
        *single = rounded;
    }
    let moved = narrowing_error(&single);
    (single, moved)
}

/// By how much rounding its elements to single precision may have moved a vector, as a length; infinity or NaN where that is
/// not known.
#[inline]
#[must_use]
pub fn narrowing_error(rounded: &Vector) -> f64 {
    // Half of the last place of each element, that of the smallest numbers included; and where squares are too small for
    // `f32`, so are their places.
    narrow_length(rounded) * U * 1.001 + 1e-30
}

/// The length of a vector, but for some dozens of roundings, or squares too small for `f32`.
#[inline]
fn narrow_length(vector: &Vector) -> f64 {
    let mut squares = [0.0f32; PARTS];
    for eight in vector.as_chunks::<PARTS>().0 {
        for (squares, x) in squares.iter_mut().zip(eight) {
            *squares += x * x;
        }
    }
    f64::from(squares.iter().sum::<f32>()).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn padded(vector: &[f32]) -> Vector {
        let mut padded = [0.0; MOST_DIM];
        padded[..vector.len()].copy_from_slice(vector);
        padded
    }

    proptest! {
        #[test]
        fn codes_stay_within_their_range_and_residuals_are_upper_bounds(
            vector in proptest::collection::vec(
                prop_oneof![-1.0f32..1.0, Just(1.0), Just(0.0), -1e-3f32..1e3, -1e-8f32..1e-8],
                1..=MOST_DIM),
            row: bool, more in 1.0f32..3.0,
        ) {
            let range = if row { ROW } else { QUERY };
            let vector = padded(&vector);
            let Some(scale) = Scale::of(&vector, range) else {
                prop_assert!(vector.iter().all(|x| x.abs() < 1e-9));
                return Ok(());
            };
            for scale in [scale.get(), scale.get() * more] {
                let (codes, coded) = encode(&vector, scale, 0.0, range);
                let (mut squares, mut lost) = (0.0, 0.0);
                for (&c, x) in codes.iter().zip(vector) {
                    prop_assert!(f32::from(c).abs() <= range.largest);
                    squares += f64::from(c) * f64::from(c);
                    lost += (f64::from(x) - f64::from(scale) * f64::from(c)).powi(2);
                }
                prop_assert!(squares.sqrt() <= f64::from(range.longest));
                prop_assert_eq!(f64::from(scale) * squares.sqrt(), coded.length);
                prop_assert!(lost.sqrt() <= coded.residual);
                prop_assert!(coded.residual <= lost.sqrt() * 1.001 + coded.length * 1e-6 + 1e-17);
            }
        }
    }

    #[test]
    fn what_rounding_to_single_precision_moves_is_told() {
        for vector in [vec![0.1, 1e9, -1.0 / 3.0], vec![1e-42, 3e-45], vec![1.0; MOST_DIM]] {
            let (single, moved) = narrow_vector(&vector);
            let squares = vector.iter().zip(single).map(|(x, y)| (x - f64::from(y)).powi(2));
            assert!(squares.sum::<f64>().sqrt() <= moved, "{vector:?}");
            assert!(
                moved
                    < 1e-7 * vector.iter().fold(0.0, |most: f64, x| most.max(x.abs())) * 8.0
                        + 1e-29
            );
        }
    }

    #[test]
    fn what_is_out_of_range_has_no_codes() {
        for bad in [f32::NAN, f32::INFINITY, 1e10, 1e-10] {
            assert!(Scale::of(&padded(&[0.0, bad, 0.0]), ROW).is_none(), "{bad}");
        }
        assert!(Scale::of(&padded(&[1.0, f32::NAN, 0.0]), ROW).is_none());
        let zeros = padded(&[]);
        let scale = Scale::of(&zeros, ROW).expect("zeros are known");
        let (codes, coded) = encode(&zeros, scale.get(), 0.0, ROW);
        assert!(codes == [0; MOST_DIM] && coded.length == 0.0 && coded.residual <= 1e-17);
    }
}
