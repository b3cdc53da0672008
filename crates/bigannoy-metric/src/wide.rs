//! The sums of [`kernel`](crate::kernel) in double precision: the arithmetic of exact answers.
//!
//! One `f64` accumulator that starts at zero and takes the elements in index order, with a
//! separately rounded multiplication and addition: the same bits on every processor. As in
//! [`kernel`](crate::kernel), speed comes from several different sums side by side.

use crate::kernel::LANES;

/// The inner product, in index order.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum(a, b, product)
}

/// The squared Euclidean distance, in index order.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn squared_l2(a: &[f64], b: &[f64]) -> f64 {
    sum(a, b, squared_difference)
}

/// The Manhattan distance: the sum of the differences without their signs, in index order.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn l1(a: &[f64], b: &[f64]) -> f64 {
    sum(a, b, difference)
}

/// [`dot`] of `a` with each row: the same bits, [`LANES`] at once. Rows of `f32` are widened.
///
/// # Panics
/// If a row is shorter than `a`; longer ones are cut.
#[must_use]
pub fn dot_lanes<T: Copy + Into<f64>>(a: &[f64], rows: &[&[T]; LANES]) -> [f64; LANES] {
    sums(a, rows, product)
}

/// [`squared_l2`] between `a` and each row: the same bits, [`LANES`] at once.
///
/// # Panics
/// If a row is shorter than `a`; longer ones are cut.
#[must_use]
pub fn squared_l2_lanes<T: Copy + Into<f64>>(a: &[f64], rows: &[&[T]; LANES]) -> [f64; LANES] {
    sums(a, rows, squared_difference)
}

/// [`l1`] between `a` and each row: the same bits, [`LANES`] at once.
///
/// # Panics
/// If a row is shorter than `a`; longer ones are cut.
#[must_use]
pub fn l1_lanes<T: Copy + Into<f64>>(a: &[f64], rows: &[&[T]; LANES]) -> [f64; LANES] {
    sums(a, rows, difference)
}

#[inline]
fn product(x: f64, y: f64) -> f64 {
    x * y
}

#[inline]
fn squared_difference(x: f64, y: f64) -> f64 {
    let difference = x - y;
    difference * difference
}

#[inline]
fn difference(x: f64, y: f64) -> f64 {
    (x - y).abs()
}

#[inline]
fn sum(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    assert_eq!(a.len(), b.len(), "vectors of different length");
    let mut sum = 0.0;
    for (&x, &y) in a.iter().zip(b) {
        sum += term(x, y);
    }
    sum
}

#[inline]
fn sums<T: Copy + Into<f64>>(
    a: &[f64],
    rows: &[&[T]; LANES],
    term: impl Fn(f64, f64) -> f64,
) -> [f64; LANES] {
    let rows: [&[T]; LANES] = std::array::from_fn(|lane| &rows[lane][..a.len()]);
    let mut sums = [0.0; LANES];
    for (z, &x) in a.iter().enumerate() {
        for lane in 0..LANES {
            sums[lane] += term(x, rows[lane][z].into());
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
        // 1e17 swallows the 1.0 that follows it; any other order would keep it.
        assert_eq!(dot(&[1e17, 1.0, -1e17], &[1.0, 1.0, 1.0]), 0.0);
        assert_eq!(dot(&[1e17, -1e17, 1.0], &[1.0, 1.0, 1.0]), 1.0);
        // A fused multiply-add would leave the rounding error of 0.1 * 10 here, not zero.
        assert_eq!(dot(&[0.1, -1.0], &[10.0, 1.0]), 0.0);
        assert_eq!(squared_l2(&[3.0, 0.0], &[0.0, 4.0]), 25.0);
        assert_eq!(l1(&[3.0, 0.0], &[0.0, 4.0]), 7.0);
        assert_eq!(dot(&[], &[]), 0.0);
    }

    proptest! {
        #[test]
        fn lanes_give_the_bits_of_single_sums(
            dim in 0usize..70,
            values in proptest::collection::vec(-1e6f32..1e6, 70 * (LANES + 1)),
        ) {
            let row = |i: usize| &values[i * 70..i * 70 + dim];
            let wide = |i: usize| -> Vec<f64> { row(i).iter().copied().map(f64::from).collect() };
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| row(lane + 1));
            let a = wide(0);
            let (dots, squares) = (dot_lanes(&a, &rows), squared_l2_lanes(&a, &rows));
            let differences = l1_lanes(&a, &rows);
            for lane in 0..LANES {
                let b = wide(lane + 1);
                prop_assert_eq!(dots[lane].to_bits(), dot(&a, &b).to_bits());
                prop_assert_eq!(squares[lane].to_bits(), squared_l2(&a, &b).to_bits());
                prop_assert_eq!(differences[lane].to_bits(), l1(&a, &b).to_bits());
            }
        }
    }
}
