//! What codes prove about comparable distances, and why.
//!
//! Let `u = 2^-24` be the rounding of an `f32` operation, `v = 2^-53` that of an `f64` operation. Items
//! and queries are moved by a vector `m` near the mean of the middles, which changes neither distances nor,
//! under dot, the order of items. Under angular they are divided by their lengths before. An item
//! `x` so moved has codes with `r >= |x - x'|`, a query `q` with `p >= |q - q'|`; `x' = s c`, `q' = t b`.
//!
//! **Squared distances** (euclidean, angular). An item whose comparable distance is at most `C` has
//! `|q - x|^2 (1 - relative) - absolute <= C`, by [`StrictError`], and so `|q - x| <= H` with
//! `H^2 = (C + absolute) / (1 - relative)`. By the triangle inequality `|q' - x'| <= H + p + r`. With
//! `N = H + p` and `|q' - x'|^2 = |q'|^2 - 2 t s (b·c) + |x'|^2`, divided by `t`, that is
//!
//! `2 s (b·c) - (|x'|^2 - r^2) / t + 2 r N / t >= (|q'|^2 - N^2) / t`,
//!
//! the test of [`bigannoy_sketch::scan`]. In `f32` its left side is off by less than `8 u` of the
//! magnitudes of its terms, which are at most `(2 |x'|^2 + 2 r^2 + |q'|^2 + N^2) / t`, since
//! `2 a b <= a^2 + b^2`. `64 u` of that is paid for in `A` and `gamma`.
//!
//! **Products** (dot). The comparable distance is `-q·x` of vectors that were not moved, summed with an error of
//! at most `relative` of `|q| |x + m|` and `absolute`. An item with at most `C` has
//! `q·x >= -C - q·m - relative |q| (|x'| + r + |m|) - absolute`, and `q·x <= q'·x' + |q| r + p |x'|`, so that
//! `s (b·c) + alpha |x'| + beta r >= gamma` with `alpha = (p + relative |q|) / t`,
//! `beta = |q| (1 + relative) / t` and `gamma = (-C - q·m - relative |q| |m| - absolute) / t`.
//!
//! Whatever is out of range has no codes: such items pass every test, such queries are compared with
//! every item of their cells.

use bigannoy_metric::Metric;
use bigannoy_sketch::scan::{Coded, RowTest};
use bigannoy_sketch::{StrictError, certain_length};

const U: f64 = 1.0 / 16_777_216.0;
const V: f64 = f64::EPSILON / 2.0;
/// What is paid for roundings in `f32`.
const PAID: f64 = 64.0 * U;
/// A factor that makes up for some dozens of roundings in `f64`.
const MORE: f64 = 1.0 + 1e-13;
/// Limits from here on exclude nothing.
const FAR: f64 = 1e13;

/// How items and queries become vectors with codes.
#[derive(Clone, Debug)]
pub(super) struct Space {
    metric: Metric,
    error: StrictError,
    moved_by: Vec<f64>,
}

impl Space {
    /// The space of an index, whose items are moved by a vector near their mean. `None` where there are
    /// no codes.
    pub(super) fn new(metric: Metric, moved_by: Vec<f64>) -> Option<Self> {
        let error = StrictError::new(metric, moved_by.len())?;
        let sane = moved_by.iter().all(|x| x.abs() < 1e30);
        let moved_by = if sane { moved_by } else { vec![0.0; moved_by.len()] };
        Some(Space { metric, error, moved_by })
    }

    /// Writes what an item's vector becomes to `out`, and returns by how much it may be off, as a
    /// length; infinity where nothing is known.
    pub(super) fn place_item(
        &self,
        vector: &[f32],
        squared_length: Option<f32>,
        out: &mut [f64],
    ) -> f64 {
        let factor = if self.metric == Metric::Angular {
            let Some(length) = certain_length(vector, squared_length) else { return f64::INFINITY };
            1.0 / length
        } else {
            1.0
        };
        let mut squares = 0.0;
        for ((out, &x), m) in out.iter_mut().zip(vector).zip(&self.moved_by) {
            *out = f64::from(x) * factor - m;
            squares += *out * *out;
        }
        let moving = 2.0 * V * squares.sqrt();
        if self.metric != Metric::Angular {
            return moving;
        }
        // The length has `dim / 2 + 2` roundings, each element three more.
        #[expect(clippy::cast_precision_loss, reason = "a dimension")]
        let dim = self.moved_by.len() as f64;
        (dim + 16.0) * V + moving
    }

    /// Writes what a query becomes to `out`, and returns by how much it may be off.
    pub(super) fn place_query(&self, query: &[f32], out: &mut [f64]) -> f64 {
        if self.metric == Metric::Dot {
            out.iter_mut().zip(query).for_each(|(out, &q)| *out = q.into());
            return 0.0;
        }
        self.place_item(query, None, out)
    }

    /// What the test takes from an item.
    pub(super) fn row_test(&self, item: &Coded) -> RowTest {
        let (length, lost) = (item.length, item.residual);
        if self.metric == Metric::Dot {
            return RowTest { scale: item.scale, a: up(length), b: up(lost) };
        }
        let (squares, lost_squares) = (length * length, lost * lost);
        let paid = PAID * (squares + lost_squares);
        RowTest { scale: 2.0 * item.scale, a: up(lost_squares - squares + paid), b: up(2.0 * lost) }
    }

    /// What limits for a query need; `None` where the query has no direction or no codes.
    pub(super) fn bounds(&self, query: &[f32], coded: &Coded, error: f64) -> Option<Bounds> {
        if coded.length == 0.0 || !error.is_finite() {
            return None;
        }
        let t = f64::from(coded.scale);
        let lost = (coded.residual + error) * MORE;
        let StrictError { relative, absolute } = self.error;
        if self.metric != Metric::Dot {
            let squares = coded.length * coded.length;
            return Some(Bounds::Squares { t, lost, squares, relative, absolute });
        }
        let length = |vector: &mut dyn Iterator<Item = f64>| {
            vector.map(|x| x * x).sum::<f64>().sqrt() * MORE
        };
        let moved_by = length(&mut self.moved_by.iter().copied());
        let length = length(&mut query.iter().map(|&q| f64::from(q)));
        let moved: f64 = query.iter().zip(&self.moved_by).map(|(&q, m)| f64::from(q) * m).sum();
        // Twice, for the sum that `moved` is.
        let absolute = absolute + 2.0 * relative * length * moved_by;
        let (alpha, beta) = (lost + relative * length, length * (1.0 + relative));
        Some(Bounds::Products { t, alpha: alpha * MORE, beta, moved, absolute })
    }
}

/// Rounded to `f32`, not down.
fn up(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what this is about")]
    let rounded = value as f32;
    if f64::from(rounded) < value { rounded.next_up() } else { rounded }
}

/// What is known of a query: see the module.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds {
    Squares { t: f64, lost: f64, squares: f64, relative: f64, absolute: f64 },
    Products { t: f64, alpha: f64, beta: f64, moved: f64, absolute: f64 },
}

/// `alpha`, `beta` and `gamma` of a test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) alpha: f32,
    pub(super) beta: f32,
    pub(super) gamma: f32,
}

impl Bounds {
    /// The test that all items pass whose comparable distance is at most `comparable`.
    pub(super) fn limit(&self, comparable: f32) -> Limit {
        let comparable = f64::from(comparable);
        match *self {
            Bounds::Squares { t, lost, squares, relative, absolute } => {
                let inverse = 1.0 / t;
                let reach = ((comparable.max(0.0) + absolute) / (1.0 - relative)).sqrt();
                let near = (reach * MORE + lost) * MORE;
                if near.is_nan() || near > FAR {
                    return Limit { alpha: up(inverse), beta: 0.0, gamma: f32::NEG_INFINITY };
                }
                let gamma = squares - near * near - PAID * (squares + near * near);
                let gamma = -up(-gamma * inverse);
                Limit { alpha: up(inverse), beta: up(near * inverse), gamma }
            }
            Bounds::Products { t, alpha, beta, moved, absolute } => {
                let inverse = 1.0 / t;
                let least = -comparable - moved - absolute;
                let least = least - 1e-14 * (comparable.abs() + moved.abs());
                let gamma = if least.abs() < FAR * FAR {
                    -up(-(least - PAID * least.abs()) * inverse)
                } else {
                    f32::NEG_INFINITY
                };
                let alpha = up((alpha + PAID * (alpha + beta)) * inverse);
                Limit { alpha, beta: up(beta * (1.0 + PAID) * inverse), gamma }
            }
        }
    }
}
