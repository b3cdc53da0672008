//! What codes prove about distances, and why.
//!
//! Let `u = 2^-24` be the rounding of an `f32` operation. A row `x` has codes with `r >= |x - x'|`, a query
//! `q` with `p >= |q - q'|`; `x' = s c`, `q' = t b`, with a whole number `b·c`. Both may have been moved by
//! a vector `m`, which changes no distances and, where rows alone are moved, not the order of products.
//!
//! **Distances.** A row whose computed squared distance is at most `C` has
//! `|q - x|^2 (1 - relative) - absolute <= C`, by [`StrictError`], and so `|q - x| <= H` with
//! `H^2 = (C + absolute) / (1 - relative)`. By the triangle inequality `|q' - x'| <= H + p + r`. With
//! `N = H + p` and `|q' - x'|^2 = |q'|^2 - 2 t s (b·c) + |x'|^2`, divided by `t`, that is
//!
//! `2 s (b·c) - (|x'|^2 - r^2) / t + 2 r N / t >= (|q'|^2 - N^2) / t`,
//!
//! the test of [`scan`](super). In `f32` its left side is off by less than `8 u` of the magnitudes of
//! its terms, which are at most `(2 |x'|^2 + 2 r^2 + |q'|^2 + N^2) / t`, since `2 a b <= a^2 + b^2`. `64 u`
//! of that is paid for in `A` and `gamma`.
//!
//! **Products.** The query was not moved, and a computed product `q·(x + m)` is off by at most `relative` of
//! `|q| |x + m|` and `absolute`. A row with at least `-C` has
//! `q·x >= -C - q·m - relative |q| (|x'| + r + |m|) - absolute`, and `q·x <= q'·x' + |q| r + p |x'|`, so that
//! `s (b·c) + alpha |x'| + beta r >= gamma` with `alpha = (p + relative |q|) / t`,
//! `beta = |q| (1 + relative) / t` and `gamma = (-C - q·m - relative |q| |m| - absolute) / t`.
//!
//! **Differences.** Codes stand for whole steps of `h`, and both vectors were moved into the range of codes, which
//! brings no two values further apart. With `r >= |x - x'| / h` and `p >= |q - q'| / h`, summed over all elements of what was
//! moved, a row whose computed distance is at most `C` has a sum of differences of codes of at most
//! `(C + absolute) / (1 - relative) / h + p + r`; `r` is rounded up, and the rest down, since the sum is whole. As whole
//! numbers below `2^24` none of that is rounded in `f32`.
//!
//! Whatever is out of range gets a limit that every row passes.

use super::{Coded, Hit, RowTest};
use crate::StrictError;
use crate::bound::U;

/// What is paid for roundings in `f32`.
const PAID: f64 = 64.0 * U;
/// A factor that makes up for some dozens of roundings in `f64`.
const MORE: f64 = 1.0 + 1e-13;
/// Distances from here on exclude nothing.
const FAR: f64 = 1e13;
/// Whole numbers below are the same in `f32`.
const WHOLE: f64 = 16_777_216.0;

impl RowTest {
    /// What the test takes from a row for [`QueryBounds::distances`].
    #[must_use]
    pub fn for_distances(row: &Coded) -> Self {
        let (squares, lost_squares) = (row.length * row.length, row.residual * row.residual);
        let paid = PAID * (squares + lost_squares);
        RowTest {
            scale: 2.0 * row.scale,
            a: up(lost_squares - squares + paid),
            b: up(2.0 * row.residual),
        }
    }

    /// What the test takes from a row for [`QueryBounds::products`].
    #[must_use]
    pub fn for_products(row: &Coded) -> Self {
        RowTest { scale: row.scale, a: up(row.length), b: up(row.residual) }
    }
}

/// What a row has to come to for one query.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The factor of the row's first bound.
    pub alpha: f32,
    /// The factor of the row's second bound.
    pub beta: f32,
    /// The limit. No row passes NaN.
    pub gamma: f32,
}

impl Limit {
    /// A limit that no row passes.
    pub const NONE: Limit = Limit { alpha: 0.0, beta: 0.0, gamma: f32::NAN };

    /// Whether a row that passed an earlier limit of the same query does not pass this one: by the
    /// [value](super::Hit::value) that it had, and what its codes lose.
    #[inline]
    #[must_use]
    pub fn excludes(&self, value: f32, lost: f32) -> bool {
        value + self.beta * lost < self.gamma
    }
}

/// What is known of a query that has codes, and what follows for rows.
#[derive(Clone, Copy, Debug)]
pub struct QueryBounds {
    scale: f64,
    error: StrictError,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The squared length of the codes, and the length of what they lose.
    Distances { squares: f64, lost: f64 },
    /// `alpha` and `beta` before they are divided, and `q·m`.
    Products { alpha: f64, beta: f64, moved: f64 },
    /// What codes lose, in steps.
    Differences { lost: f64 },
}

impl QueryBounds {
    /// Bounds of distances, for a query with these codes, whose vector is off by at most `off` (as a length)
    /// from what is meant. A squared distance `d` is computed as `d (1 - relative) - absolute` at
    /// least.
    ///
    /// `None` where the codes or `off` say nothing: all codes are zero, or `off` is not finite.
    #[must_use]
    pub fn distances(query: &Coded, off: f64, error: StrictError) -> Option<Self> {
        let lost = known_loss(query, off)?;
        let kind = Kind::Distances { squares: query.length * query.length, lost };
        Some(QueryBounds { scale: query.scale.into(), error, kind })
    }

    /// Bounds of products of `vector`, which has these codes, with rows that were moved by `moved_by`
    /// before they got theirs. Products with rows as they were are computed with an error of at most
    /// `relative` of the product of both lengths, and `absolute`.
    ///
    /// `None` where all codes are zero.
    #[must_use]
    pub fn products(
        query: &Coded,
        vector: impl Iterator<Item = f64> + Clone,
        moved_by: &[f64],
        error: StrictError,
    ) -> Option<Self> {
        let lost = known_loss(query, 0.0)?;
        let length = |squares: f64| squares.sqrt() * MORE;
        let moved_length = length(moved_by.iter().map(|m| m * m).sum());
        let moved: f64 = vector.clone().zip(moved_by).map(|(q, m)| q * m).sum();
        let length = length(vector.map(|q| q * q).sum());
        let StrictError { relative, absolute } = error;
        let kind = Kind::Products {
            alpha: (lost + relative * length) * MORE,
            beta: length * (1.0 + relative),
            moved,
        };
        // More than once, for the sum that `moved` is.
        let absolute = absolute + 4.0 * relative * length * moved_length;
        let error = StrictError { relative, absolute };
        Some(QueryBounds { scale: query.scale.into(), error, kind })
    }

    /// Bounds of sums of differences, for a query whose codes on a grid of such steps lose at most
    /// `lost` steps. A sum `d` is computed as `d (1 - relative) - absolute` at least.
    pub(super) fn differences(step: f64, lost: f64, error: StrictError) -> Option<Self> {
        let kind = Kind::Differences { lost };
        (!lost.is_nan()).then_some(QueryBounds { scale: step, error, kind })
    }

    /// About what [`QueryBounds::limit`] is asked for, of a row with such codes: likely, not certain. Infinity
    /// where the row has none.
    #[must_use]
    pub fn estimate(&self, hit: &Hit) -> f64 {
        let test = &hit.test;
        if !test.a.is_finite() {
            return f64::INFINITY;
        }
        let product = self.scale * f64::from(test.scale) * f64::from(hit.product);
        match self.kind {
            // What codes lose points anywhere, so that its squares are too much; of the row's, `a` knows.
            Kind::Distances { squares, lost } => {
                squares - lost * lost - product - f64::from(test.a)
            }
            Kind::Products { moved, .. } => -product - moved,
            Kind::Differences { .. } => -product,
        }
    }

    /// The limit that all rows pass whose computed squared distance, product with its sign changed, or sum of
    /// differences is at most `most`: all rows, where that is NaN.
    #[must_use]
    pub fn limit(&self, most: f64) -> Limit {
        let inverse = 1.0 / self.scale;
        let StrictError { relative, absolute } = self.error;
        match self.kind {
            Kind::Distances { squares, lost } => {
                // Not `max`, which would make a zero of NaN.
                let most = if most < 0.0 { 0.0 } else { most };
                let reach = ((most + absolute) / (1.0 - relative)).sqrt() * MORE;
                let near = (reach + lost) * MORE;
                if near.is_nan() || near > FAR {
                    return Limit { alpha: up(inverse), beta: 0.0, gamma: f32::NEG_INFINITY };
                }
                let gamma = squares - near * near - PAID * (squares + near * near);
                let (beta, gamma) = (up(near * inverse), down(gamma * inverse));
                Limit { alpha: up(inverse), beta, gamma }
            }
            Kind::Products { alpha, beta, moved } => {
                let least = -most - moved - absolute - 1e-14 * (most.abs() + moved.abs());
                let gamma = if least.abs() < FAR * FAR {
                    down((least - PAID * least.abs()) * inverse)
                } else {
                    f32::NEG_INFINITY
                };
                let alpha = up((alpha + PAID * (alpha + beta)) * inverse);
                Limit { alpha, beta: up(beta * (1.0 + PAID) * inverse), gamma }
            }
            Kind::Differences { lost } => {
                let most = if most < 0.0 { 0.0 } else { most };
                let near = ((most + absolute) / (1.0 - relative) * inverse + lost) * MORE;
                let whole = near.floor();
                // A NaN is not less.
                let gamma = if whole < WHOLE { down(-whole) } else { f32::NEG_INFINITY };
                Limit { alpha: 1.0, beta: 1.0, gamma }
            }
        }
    }
}

fn known_loss(query: &Coded, off: f64) -> Option<f64> {
    (query.length != 0.0 && off.is_finite()).then_some((query.residual + off) * MORE)
}

/// Rounded to `f32`, not down.
fn up(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what this is about")]
    let rounded = value as f32;
    if f64::from(rounded) < value { rounded.next_up() } else { rounded }
}

/// Rounded to `f32`, not up.
fn down(value: f64) -> f32 {
    -up(-value)
}
