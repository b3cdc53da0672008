//! Sums over vectors, in strict order, one at a time or several side by side.
//!
//! A strict sum is a chain of dependent additions and cannot be spread over the lanes of a vector
//! register. Eight chains that belong to eight different vectors can: they keep the adders busy
//! and, just as important, eight cache misses in flight. On rows that are not in cache that made
//! eight chains two to eight times faster than one, and faster than a 16-lane reordered sum.

use crate::{Rounding, Separate};

/// How many vectors the side-by-side functions take.
pub const LANES: usize = 8;

/// The inner product, in index order.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_as::<Separate>(a, b)
}

/// [`dot`], rounded as `A` says. To be called within [`Rounding::run`].
///
/// # Panics
/// If the lengths differ.
#[must_use]
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that the caller is for")]
pub fn dot_as<A: Rounding>(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different length");
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        sum = A::multiply_add(*x, *y, sum);
    }
    sum
}

/// The squared Euclidean distance, in index order.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn squared_l2(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different length");
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        let difference = x - y;
        sum += difference * difference;
    }
    sum
}

/// The Manhattan distance: the sum of the differences without their signs, in index order.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn l1(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different length");
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        sum += (x - y).abs();
    }
    sum
}

/// [`dot`] of `a` with each row: the same bits, [`LANES`] at once.
///
/// # Panics
/// If a row is shorter than `a`; longer ones are cut.
#[must_use]
pub fn dot_lanes(a: &[f32], rows: &[&[f32]; LANES]) -> [f32; LANES] {
    dot_lanes_as::<Separate>(a, rows)
}

/// [`dot_lanes`], rounded as `A` says. To be called within [`Rounding::run`].
///
/// # Panics
/// If a row is shorter than `a`; longer ones are cut.
#[must_use]
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that the caller is for")]
pub fn dot_lanes_as<A: Rounding>(a: &[f32], rows: &[&[f32]; LANES]) -> [f32; LANES] {
    let rows: [&[f32]; LANES] = std::array::from_fn(|lane| &rows[lane][..a.len()]);
    let mut sums = [0.0; LANES];
    for (z, x) in a.iter().enumerate() {
        for lane in 0..LANES {
            sums[lane] = A::multiply_add(*x, rows[lane][z], sums[lane]);
        }
    }
    sums
}

/// [`squared_l2`] between `a` and each row: the same bits, [`LANES`] at once.
///
/// # Panics
/// If a row is shorter than `a`; longer ones are cut.
#[must_use]
pub fn squared_l2_lanes(a: &[f32], rows: &[&[f32]; LANES]) -> [f32; LANES] {
    let rows: [&[f32]; LANES] = std::array::from_fn(|lane| &rows[lane][..a.len()]);
    let mut sums = [0.0; LANES];
    for (z, x) in a.iter().enumerate() {
        for lane in 0..LANES {
            let difference = x - rows[lane][z];
            sums[lane] += difference * difference;
        }
    }
    sums
}

/// [`l1`] between `a` and each row: the same bits, [`LANES`] at once.
///
/// # Panics
/// If a row is shorter than `a`; longer ones are cut.
#[must_use]
pub fn l1_lanes(a: &[f32], rows: &[&[f32]; LANES]) -> [f32; LANES] {
    let rows: [&[f32]; LANES] = std::array::from_fn(|lane| &rows[lane][..a.len()]);
    let mut sums = [0.0; LANES];
    for (z, x) in a.iter().enumerate() {
        for lane in 0..LANES {
            sums[lane] += (x - rows[lane][z]).abs();
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_run_in_index_order_without_fusing() {
        // 1e8 swallows the 1.0 that follows it; any other order would keep it.
        assert_eq!(dot(&[1e8, 1.0, -1e8], &[1.0, 1.0, 1.0]), 0.0);
        assert_eq!(dot(&[1e8, -1e8, 1.0], &[1.0, 1.0, 1.0]), 1.0);
        // A fused multiply-add would leave the rounding error of 0.1 * 10 here, not zero.
        assert_eq!(dot(&[0.1, -1.0], &[10.0, 1.0]), 0.0);
        assert_eq!(squared_l2(&[3.0, 0.0], &[0.0, 4.0]), 25.0);
        assert_eq!(l1(&[3.0, 0.0], &[0.0, 4.0]), 7.0);
        assert_eq!(l1(&[1e8, 1.0], &[0.0, 0.0]), 1e8);
        assert_eq!(dot(&[], &[]), 0.0);
    }

    proptest! {
        #[test]
        fn lanes_give_the_bits_of_single_sums(
            dim in 0usize..70,
            values in proptest::collection::vec(-1e6f32..1e6, 70 * (LANES + 1)),
        ) {
            let row = |i: usize| &values[i * 70..i * 70 + dim];
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| row(lane + 1));
            let dots = dot_lanes(row(0), &rows);
            let squares = squared_l2_lanes(row(0), &rows);
            let sums = l1_lanes(row(0), &rows);
            for lane in 0..LANES {
                prop_assert_eq!(dots[lane].to_bits(), dot(row(0), rows[lane]).to_bits());
                prop_assert_eq!(squares[lane].to_bits(), squared_l2(row(0), rows[lane]).to_bits());
                prop_assert_eq!(sums[lane].to_bits(), l1(row(0), rows[lane]).to_bits());
            }
        }
    }
}
