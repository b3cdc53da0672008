//! What codes prove about distances, and why.
//!
//! Let `v = 2^-53` be the rounding of an `f64` operation. Under all metrics but manhattan rows and queries are
//! moved by a vector `m` near the mean of the rows, which makes them shorter and changes neither distances nor,
//! under dot, the order of rows. Under angular and cosine they are divided by their lengths before.
//!
//! **Distances** (euclidean, angular and their squares). The reported value follows from the true distance `|q - x|`; that of
//! vectors of length 1 is `sqrt(2 - 2 cos)`. It is a sum with `dim` roundings: squared, it is within
//! `relative` of the squared distance and `absolute` beside.
//!
//! **Products** (dot). The query is not moved; the reported sum is within `(dim + 8) 2 v` of `|q| |x + m|`.
//!
//! **Differences** (manhattan). Each difference is rounded once, and `dim` of them are added, none negative: the
//! reported sum is within `(dim + 8) 2 v` of the true one.
//!
//! What follows for codes is told in [`bigannoy_sketch::scan`]. Whatever is out of range has no codes:
//! such rows pass every test, such queries are compared with every row.

use bigannoy_sketch::StrictError;
use bigannoy_sketch::scan::{
    Coded, Hit, Limit, NarrowRows, NarrowVector, QueryBounds, RowTest, narrowing_error,
};

use crate::ExactMetric;
use crate::metric::length;

const V: f64 = f64::EPSILON / 2.0;

/// How sums in double precision come out.
fn sum_error(dim: usize) -> StrictError {
    #[expect(clippy::cast_precision_loss, reason = "a dimension")]
    let dim = dim as f64;
    StrictError { relative: (dim + 8.0) * 2.0 * V, absolute: 1e-280 }
}

/// How distances under manhattan come out: no difference is too small for a double.
pub(crate) fn grid_error(dim: usize) -> StrictError {
    StrictError { absolute: 0.0, ..sum_error(dim) }
}

/// How rows and queries become vectors with codes for products.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    metric: ExactMetric,
    mean: Vec<f64>,
}

impl Moved {
    /// The space for rows like these, each with its length where the metric wants it.
    pub(crate) fn new(
        metric: ExactMetric,
        dim: usize,
        rows: impl Iterator<Item = (Vec<f64>, f64)>,
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
            mean = vec![0.0; dim];
        }
        Moved { metric, mean }
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
            self.direction_error() + 2.0 * V * squares.sqrt()
        } else {
            for ((out, x), mean) in out.iter_mut().zip(row).zip(&self.mean) {
                *out = x - mean;
                squares += *out * *out;
            }
            2.0 * V * squares.sqrt()
        }
    }

    /// The vector of a row in single precision, and by how much it may be off.
    pub(crate) fn place_narrow_row<T: Copy + Into<f64>>(
        &self,
        row: &[T],
        length: f64,
    ) -> (NarrowVector, f64) {
        let (mut factor, mut error) = (1.0, 0.0);
        if self.metric.wants_lengths() {
            if !(1e-100..1e100).contains(&length) {
                return ([0.0; NarrowRows::MOST_DIM], f64::INFINITY);
            }
            (factor, error) = (1.0 / length, self.direction_error());
        }
        let mut vector = [0.0; NarrowRows::MOST_DIM];
        for ((out, &x), mean) in vector.iter_mut().zip(row).zip(&self.mean) {
            #[expect(clippy::cast_possible_truncation, reason = "what is lost is told")]
            let moved = (x.into() * factor - mean) as f32;
            *out = moved;
        }
        // That in double precision is far less, and there is room for it.
        (vector, error + narrowing_error(&vector))
    }

    /// How far what is divided by its length may be from length 1: the length has `dim / 2 + 2` roundings, each
    /// element three more.
    fn direction_error(&self) -> f64 {
        (self.dim() + 16.0) * V
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
        if self.is_dot() { RowTest::for_products(row) } else { RowTest::for_distances(row) }
    }

    /// What limits for a query need; `None` where the query has no direction or no codes.
    pub(crate) fn bounds(&self, query: &[f64], coded: &Coded, off: f64) -> Option<Bounds> {
        let of_sums = sum_error(self.mean.len());
        let of_cosines =
            StrictError { relative: 16.0 * V, absolute: (self.dim() + 32.0) * 8.0 * V };
        let (kind, error) = match self.metric {
            ExactMetric::Dot => {
                let vector = query.iter().copied();
                let bounds = QueryBounds::products(coded, vector, &self.mean, of_sums)?;
                return Some(Bounds { kind: Kind::Products, bounds });
            }
            ExactMetric::SquaredEuclidean => (Kind::Squares(1.0), of_sums),
            ExactMetric::Angular => (Kind::Roots, of_cosines),
            ExactMetric::Cosine => (Kind::Squares(2.0), of_cosines),
            _ => (Kind::Roots, of_sums),
        };
        Some(Bounds { kind, bounds: QueryBounds::distances(coded, off, error)? })
    }
}

/// How the reported value is made.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It is the distance.
    Roots,
    /// It is the square of the distance, divided.
    Squares(f64),
    /// It is the product.
    Products,
    /// It is the sum of differences.
    Differences,
}

/// What is known of a query, and what follows for rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    kind: Kind,
    bounds: QueryBounds,
}

impl Bounds {
    /// For sums of differences.
    pub(crate) fn of_sums(bounds: QueryBounds) -> Self {
        Bounds { kind: Kind::Differences, bounds }
    }

    /// The test that all rows pass whose reported value is as good as `reported`; all rows, where that is
    /// NaN.
    pub(crate) fn limit(&self, reported: f64) -> Limit {
        self.bounds.limit(match self.kind {
            Kind::Roots => reported * reported,
            Kind::Squares(times) => reported * times,
            Kind::Products => -reported,
            Kind::Differences => reported,
        })
    }

    /// About where a row is that passed, likely, not certain: less is nearer.
    pub(crate) fn estimate(&self, hit: &Hit) -> f64 {
        self.bounds.estimate(hit)
    }

    /// The value that would be reported for a row of which an estimate is right.
    pub(crate) fn reported(&self, estimate: f64) -> f64 {
        match self.kind {
            Kind::Roots => estimate.max(0.0).sqrt(),
            Kind::Squares(times) => estimate.max(0.0) / times,
            Kind::Products => -estimate,
            Kind::Differences => estimate,
        }
    }
}
