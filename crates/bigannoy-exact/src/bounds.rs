//! What codes prove about distances, and why.
//!
//! Let `u = 2^-24` be the rounding of an `f32` operation, `v = 2^-53` that of an `f64` operation. Rows and
//! queries are moved by a vector `m` near the mean of the rows, which makes them shorter and changes
//! neither distances nor, under dot, the order of rows. Under angular and cosine they are divided by
//! their lengths before. A row `x` so moved has codes with `r >= |x - x'|`, a query `q` with
//! `p >= |q - q'|`; `x' = s c`, `q' = t b`.
//!
//! **Lengths** (all metrics but dot). The *key* is the true distance `|q - x|`; that of vectors of length 1 is `sqrt(2 - 2 cos)`. By
//! the triangle inequality it lies within `p + r` of `|q' - x'|`, where
//! `|q' - x'|^2 = |q'|^2 - 2 t s (b·c) + |x'|^2` with a whole number `b·c`. The reported value is a sum
//! with `dim` roundings: squared, it is within `relative` of the squared key and `absolute` beside. A row whose key is at most `H - p` has
//! `|q' - x'| <= H + r`, which divided by `t` is
//!
//! `2 s (b·c) - (|x'|^2 - r^2) / t + 2 r H / t >= (|q'|^2 - H^2) / t`,
//!
//! the test of [`bigannoy_sketch::scan`]. In `f32` its left side is off by less than `8 u` of the magnitudes of
//! its terms, which are at most `(2 |x'|^2 + 2 r^2 + |q'|^2 + H^2) / t`, since `2 a b <= a^2 + b^2`. `64 u` of
//! that is paid for in `A` and `gamma`.
//!
//! **Products** (dot). The key is `-q·x`, with a query that was not moved. `|q·x - q'·x'| <= |q| r + p |x'|`, and
//! the reported sum is within `(dim + 8) 2 v` of `|q| |x + m|`. The test is
//! `s (b·c) + alpha |x'| + beta r >= gamma`, `gamma` the least `q·x / t` wanted.
//!
//! Whatever is out of range has no codes: such rows pass every test, such queries are compared with
//! every row.

use bigannoy_sketch::scan::{Coded, RowTest};

use crate::ExactMetric;
use crate::metric::length;

const U: f64 = 1.0 / 16_777_216.0;
const V: f64 = f64::EPSILON / 2.0;
/// What is paid for roundings in `f32`.
const PAID: f64 = 64.0 * U;
/// A factor that makes up for some dozens of roundings in `f64`.
const MORE: f64 = 1.0 + 1e-13;
/// Limits from here on exclude nothing.
const FAR: f64 = 1e13;

/// How rows and queries become vectors with codes.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    metric: ExactMetric,
    mean: Vec<f64>,
    mean_length: f64,
}

impl Space {
    /// The space for rows like these, each with its length where the metric wants it.
    pub(crate) fn new<'a>(
        metric: ExactMetric,
        dim: usize,
        rows: impl Iterator<Item = (&'a [f64], f64)>,
    ) -> Self {
        let (mut mean, mut count) = (vec![0.0; dim], 0.0);
        for (row, length) in rows {
            let divisor = if metric.wants_lengths() { length } else { 1.0 };
            if divisor > 0.0 {
                mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / divisor);
                count += 1.0;
            }
        }
        for mean in &mut mean {
            *mean /= f64::max(count, 1.0);
        }
        let mean_length = self::length(&mean);
        // Any vector would do, as long as it is one of ordinary numbers.
        if mean_length.is_nan() || mean_length > 1e100 {
            return Space { metric, mean: vec![0.0; dim], mean_length: 0.0 };
        }
        Space { metric, mean, mean_length }
    }

    fn is_dot(&self) -> bool {
        self.metric == ExactMetric::Dot
    }

    #[expect(clippy::cast_precision_loss, reason = "a dimension")]
    fn dim(&self) -> f64 {
        self.mean.len() as f64
    }

    /// Writes the vector of a row to `out`, and returns by how much it may be off, as a length;
    /// NaN or infinity where that is not known.
    pub(crate) fn place_row(&self, row: &[f64], length: f64, out: &mut [f64]) -> f64 {
        let mut squares = 0.0;
        if self.metric.wants_lengths() {
            if !(1e-100..1e100).contains(&length) {
                return f64::INFINITY;
            }
            let inverse = 1.0 / length;
            for ((out, x), mean) in out.iter_mut().zip(row).zip(&self.mean) {
                *out = x * inverse - mean;
                squares += *out * *out;
            }
            // The length has `dim / 2 + 2` roundings, each element three more.
            (self.dim() + 16.0) * V + 2.0 * V * squares.sqrt()
        } else {
            for ((out, x), mean) in out.iter_mut().zip(row).zip(&self.mean) {
                *out = x - mean;
                squares += *out * *out;
            }
            2.0 * V * squares.sqrt()
        }
    }

    /// Writes the vector of a query to `out`, and returns by how much it may be off.
    pub(crate) fn place_query(&self, query: &[f64], length: f64, out: &mut [f64]) -> f64 {
        if self.is_dot() {
            out.copy_from_slice(query);
            return 0.0;
        }
        self.place_row(query, length, out)
    }

    /// What the test takes from a row.
    pub(crate) fn row_test(&self, row: &Coded) -> RowTest {
        let (length, lost) = (row.length, row.residual);
        if self.is_dot() {
            return RowTest { scale: row.scale, a: up(length), b: up(lost) };
        }
        let (squares, lost_squares) = (length * length, lost * lost);
        let paid = PAID * (squares + lost_squares);
        RowTest { scale: 2.0 * row.scale, a: up(lost_squares - squares + paid), b: up(2.0 * lost) }
    }

    /// What bounds for a query need; `None` where the query has no direction or no codes.
    pub(crate) fn bounds(&self, query: &[f64], coded: &Coded, error: f64) -> Option<Bounds> {
        if coded.length == 0.0 || !error.is_finite() {
            return None;
        }
        let (t, dim) = (f64::from(coded.scale), self.dim());
        let lost = (coded.residual + error) * MORE;
        let bounds = if self.is_dot() {
            let length = length(query) * MORE;
            let moved: f64 = query.iter().zip(&self.mean).map(|(q, m)| q * m).sum();
            let rounding = (dim + 8.0) * 2.0 * V;
            let absolute = 4.0 * rounding * length * self.mean_length + 1e-280;
            Bounds {
                t,
                lost: lost + rounding * length,
                length: length * (1.0 + rounding),
                squares: 0.0,
                moved,
                kind: Kind::Products,
                relative: 0.0,
                absolute,
            }
        } else {
            let (kind, relative, absolute) = match self.metric {
                ExactMetric::SquaredEuclidean => {
                    (Kind::Squares(1.0), (dim + 8.0) * 2.0 * V, 1e-280)
                }
                ExactMetric::Angular => (Kind::Roots, 16.0 * V, (dim + 32.0) * 8.0 * V),
                ExactMetric::Cosine => (Kind::Squares(2.0), 16.0 * V, (dim + 32.0) * 8.0 * V),
                _ => (Kind::Roots, (dim + 8.0) * 2.0 * V, 1e-280),
            };
            let length = coded.length;
            let squares = length * length;
            Bounds { t, lost, length, squares, moved: 0.0, kind, relative, absolute }
        };
        Some(bounds)
    }
}

/// Rounded to `f32`, not down.
fn up(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what this is about")]
    let rounded = value as f32;
    if f64::from(rounded) < value { rounded.next_up() } else { rounded }
}

/// How the reported value is made of the key.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It is the key.
    Roots,
    /// It is the square of the key, divided.
    Squares(f64),
    /// It is the key, with its sign changed.
    Products,
}

/// What is known of a query, and what follows for keys of rows. Smaller keys are nearer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    t: f64,
    /// What the codes lose; under dot, with what roundings relative to the row's length cost.
    lost: f64,
    /// The query's length; that of its codes where they are bounded.
    length: f64,
    /// `|q'|^2`.
    squares: f64,
    /// Dot: the product with the mean.
    moved: f64,
    kind: Kind,
    relative: f64,
    absolute: f64,
}

impl Bounds {
    /// No row whose reported value is as good as `reported` has a greater key.
    pub(crate) fn limit_of(&self, reported: f64) -> f64 {
        if !reported.is_finite() {
            return f64::INFINITY;
        }
        let squares = match self.kind {
            Kind::Products => {
                let key = -reported + self.moved;
                return key + self.absolute + 1e-14 * (reported.abs() + self.moved.abs());
            }
            Kind::Roots => reported * reported,
            Kind::Squares(times) => reported * times,
        };
        ((squares + self.absolute) / (1.0 - self.relative)).sqrt() * MORE
    }

    /// `alpha`, `beta` and `gamma` of the test that all rows with keys of at most `limit` pass.
    pub(crate) fn test(&self, limit: f64) -> (f32, f32, f32) {
        let inverse = 1.0 / self.t;
        if let Kind::Products = self.kind {
            let least = -limit;
            let alpha = (self.lost + PAID * (self.length + self.lost)) * inverse;
            let beta = self.length * (1.0 + PAID) * inverse;
            let gamma =
                if limit < FAR * FAR { least - PAID * least.abs() } else { f64::NEG_INFINITY };
            return (up(alpha), up(beta), -up(-gamma * inverse));
        }
        if limit.is_nan() || limit > FAR {
            return (up(inverse), 0.0, f32::NEG_INFINITY);
        }
        let near = (limit + self.lost) * MORE;
        let gamma = self.squares - near * near - PAID * (self.squares + near * near);
        (up(inverse), up(near * inverse), -up(-gamma * inverse))
    }
}
