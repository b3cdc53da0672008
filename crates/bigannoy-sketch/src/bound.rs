//! The bounds, and why they hold.
//!
//! Let `u = 2^-24`, the rounding of an `f32` operation, and `γ(n) = n u / (1 - n u)`, which bounds the
//! product of `n` of them. An item `x` was replaced by `x' = s c`, a query `q` by `q' = t b`, with `c`
//! and `b` whole numbers; `r >= |x - x'|` and `ρ >= |q - q'|` were measured.
//!
//! **Euclidean.** The true distance lies within `r + ρ` of `|q' - x'|`, by the triangle inequality.
//! `|q' - x'|² = |q'|² - 2 t s (b·c) + |x'|²`, where `b·c` is a whole number, computed exactly.
//! In `f32` each of the three terms is off by at most three roundings, and the two additions by one
//! each of at most `2 (|q'|² + |x'|²)`: together less than 12 `u` of `|q'|² + |x'|²`. The distance that
//! ranking uses is a strict sum of `dim` squares, none negative: `γ(dim + 2)` of the true square
//! at most, and where squares vanish, `dim` times the smallest float.
//!
//! **Angular.** The same for `q / |q|` and `x / |x|`, whose squared distance is `2 - 2 cos`. What ranking
//! uses has the inner product off by `γ(dim)` of `|q| |x|`, and the root of the product of squared
//! lengths by half of both their errors and two roundings: in sum a constant.
//!
//! **Dot.** `q·x - q'·x' = q·(x - x') + (q - q')·x'`, at most `|q| r + ρ |x'|` by Cauchy's inequality; the
//! strict sum is off by `γ(dim) |q| |x|`, and `|x| <= |x'| + r`.
//!
//! What is rounded on the way is always paid for with more than it can be: three quarters of what the squares
//! of a distance are given, 9 of 12 `u`, are needed at most.

use bigannoy_metric::Metric;

/// Items whose bounds are computed together.
pub(crate) const WIDTH: usize = 8;

pub(crate) const U: f64 = 1.0 / 16_777_216.0;
/// Eight roundings, as a factor.
pub(crate) const EIGHT: f32 = 8.0 / 16_777_216.0;

/// What `n` roundings can come to, relative to the result.
pub(crate) fn gamma(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a dimension")]
    let n = n as f64 * U;
    n / (1.0 - n)
}

/// `value` as `f32`, rounded up and a little more.
pub(crate) fn up(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what this is about")]
    let rounded = (value * (1.0 + 4.0 * U)) as f32;
    rounded
}

/// How far a squared length that some strict sum gave may be from the true one, relative to it.
pub(crate) fn stored_length_error(dim: usize) -> f64 {
    gamma(dim + 4)
}

/// How far the comparable distance that strict sums in `f32` give may be from the true one.
///
/// Where the true squared distance is `d` (under angular that of vectors divided by their lengths), the
/// comparable one is at least `d (1 - relative) - absolute`. Under dot it is within `relative` of the
/// product of both lengths, and `absolute` beside.
#[derive(Clone, Copy, Debug)]
pub struct StrictError {
    /// Relative to the distance; under dot to the product of the lengths.
    pub relative: f64,
    /// Beside that.
    pub absolute: f64,
}

impl StrictError {
    /// The error in `dim` dimensions, for vectors in the range in which something can be certain; under
    /// angular for those with a [`certain_length`](crate::certain_length). `None` where there are no
    /// sketches.
    #[must_use]
    pub fn new(metric: Metric, dim: usize) -> Option<Self> {
        let terms = match metric {
            Metric::Euclidean => Terms::euclidean(dim),
            Metric::Angular => Terms::angular(dim),
            Metric::Dot => {
                let relative = gamma(dim) + 16.0 * U;
                return Some(StrictError { relative, absolute: vanished(dim).into() });
            }
            _ => return None,
        };
        Some(StrictError { relative: terms.relative.into(), absolute: terms.absolute.into() })
    }
}

/// What the bounds take from a query.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// Twice `t`; under dot `t`.
    pub(crate) scale: f32,
    /// `|q'|²`; unused under dot.
    pub(crate) squares: f32,
    /// Euclidean, angular: `ρ`. Dot: what a unit of `|x'|` costs.
    pub(crate) lost: f32,
    /// Dot: what a unit of `r` costs.
    pub(crate) length: f32,
    /// Relative error of the strict sum, and of what is done after it.
    pub(crate) relative: f32,
    /// Absolute error of the strict sum.
    pub(crate) absolute: f32,
}

impl Terms {
    /// The errors of strict sums under euclidean.
    pub(crate) fn euclidean(dim: usize) -> Self {
        Terms { relative: up(gamma(dim + 2)) + EIGHT, absolute: vanished(dim), ..Terms::default() }
    }

    /// Those under angular.
    pub(crate) fn angular(dim: usize) -> Self {
        let lengths = gamma(dim) + stored_length_error(dim) + 4.0 * U;
        let product = gamma(dim);
        let cosine = (lengths + product) / (1.0 - lengths);
        let absolute = up(2.02 * cosine + 8.0 * U);
        Terms { relative: EIGHT, absolute, ..Terms::default() }
    }

    /// Those under dot, for a query whose length is `length` and whose codes lose `lost`.
    pub(crate) fn dot(dim: usize, length: f64, lost: f64) -> Self {
        let strict = gamma(dim) + 16.0 * U;
        Terms {
            // Never zero, so that what is unknown of an item stays infinite.
            length: up(length * (1.0 + strict) + lost).max(f32::MIN_POSITIVE),
            lost: up((length + lost) * strict + lost),
            absolute: vanished(dim),
            ..Terms::default()
        }
    }
}

/// The length of `x - x'` at most, where `x` is divided by `length`; from the squares of the elements of
/// `length (x - x')`, summed in lanes, and `scaled`, the length of `x'`.
///
/// With an element's step rounded, and its product with a code, and their difference from the element, the
/// sum of `u` of `length |x'|` and of `γ(dim)` of what was found bounds what was lost; dividing the step by
/// `length` costs a rounding of `|x'|` once more. Squares that vanish are too small by less than
/// 1e-44 each.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
pub(crate) fn residual(squares: &[f32; WIDTH], dim: usize, length: f64, scaled: f64) -> f64 {
    let found: f64 = squares.iter().map(|&sum| f64::from(sum)).sum();
    #[expect(clippy::cast_precision_loss, reason = "a dimension")]
    let vanished = dim as f64 * 1e-44;
    let found = (found * (1.0 + 2.0 * gamma(dim + 4)) + vanished).sqrt();
    found / length + 4.0 * U * scaled
}

/// What `dim` products can come to that are too small for a float, with room to spare.
pub(crate) fn vanished(dim: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a dimension")]
    let dim = dim as f32;
    f32::MIN_POSITIVE * dim
}

/// Bounds of squared distances: `products` are `b·c`, `third` is `|x'|²`.
#[inline(always)]
pub(crate) fn of_squares(
    terms: &Terms,
    products: [f32; WIDTH],
    scales: [f32; WIDTH],
    residuals: [f32; WIDTH],
    third: [f32; WIDTH],
) -> ([f32; WIDTH], [f32; WIDTH]) {
    const BELOW: f32 = 1.0 - EIGHT;
    const ABOVE: f32 = 1.0 + EIGHT;
    let (mut lower, mut upper) = ([0.0; WIDTH], [0.0; WIDTH]);
    for lane in 0..WIDTH {
        let sum = terms.squares + third[lane];
        let squared = sum - products[lane] * (scales[lane] * terms.scale);
        let error = sum * (1.5 * EIGHT);
        let away = (residuals[lane] + terms.lost) * ABOVE;
        let near = positive(squared - error).sqrt() * BELOW - away;
        let far = positive(squared + error).sqrt() * ABOVE + away;
        let near = positive(near);
        let least = near * near * (1.0 - terms.relative) - terms.absolute;
        // What is unknown of an item may be anything, even less than zero.
        lower[lane] = if away < f32::INFINITY { least } else { f32::NEG_INFINITY };
        upper[lane] = far * far * (1.0 + terms.relative) + terms.absolute;
    }
    (lower, upper)
}

/// Bounds of inner products with their sign changed: `third` is `|x'|`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
pub(crate) fn of_products(
    terms: &Terms,
    products: [f32; WIDTH],
    scales: [f32; WIDTH],
    residuals: [f32; WIDTH],
    third: [f32; WIDTH],
) -> ([f32; WIDTH], [f32; WIDTH]) {
    let (mut lower, mut upper) = ([0.0; WIDTH], [0.0; WIDTH]);
    for lane in 0..WIDTH {
        let product = products[lane] * (scales[lane] * terms.scale);
        let error = terms.length * residuals[lane] + terms.lost * third[lane];
        let error = error * (1.0 + EIGHT) + terms.absolute;
        lower[lane] = -product - error;
        upper[lane] = -product + error;
    }
    (lower, upper)
}

/// The value, or zero where it is negative.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
fn positive(value: f32) -> f32 {
    if value > 0.0 { value } else { 0.0 }
}
