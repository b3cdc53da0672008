//! The metrics of exact search, and their values in double precision.

use std::fmt;
use std::str::FromStr;

use bigannoy_metric::kernel::LANES;
use bigannoy_metric::{Metric, wide};

/// How the distance of two vectors is measured by exact search.
///
/// All sums are those of [`bigannoy_metric::wide`]: one `f64` accumulator in index order.
/// `|v|` is `sqrt(sum(v * v))`. Neighbors are ranked by the value that is reported, equal ones by
/// row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExactMetric {
    /// `sqrt(sum((q - r)^2))`.
    Euclidean,
    /// `sum((q - r)^2)`.
    SquaredEuclidean,
    /// `sqrt(max(0, 2 - 2 cos))` with `cos = sum(q * r) / (|q| * |r|)`, from 0 to 2, as Annoy
    /// reports it. Where a length is zero `cos` is taken as 0.
    Angular,
    /// `max(0, 1 - cos)`, from 0 to 2; `cos` as under angular.
    Cosine,
    /// `sum(abs(q - r))`.
    Manhattan,
    /// `sum(q * r)`, the inner product: a similarity. Larger is nearer, and neighbors come in
    /// descending order.
    Dot,
}

impl ExactMetric {
    /// Every metric, in the order in which they are documented.
    pub const ALL: [ExactMetric; 6] = [
        ExactMetric::Euclidean,
        ExactMetric::SquaredEuclidean,
        ExactMetric::Angular,
        ExactMetric::Cosine,
        ExactMetric::Manhattan,
        ExactMetric::Dot,
    ];

    /// The metric's name, in lower case: those of Annoy, and `sqeuclidean` and `cosine` as bigKNN
    /// has them.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExactMetric::Euclidean => "euclidean",
            ExactMetric::SquaredEuclidean => "sqeuclidean",
            ExactMetric::Angular => "angular",
            ExactMetric::Cosine => "cosine",
            ExactMetric::Manhattan => "manhattan",
            ExactMetric::Dot => "dot",
        }
    }

    /// Exact search under an index's metric; `None` for hamming, whose vectors are bits.
    #[must_use]
    pub fn of(metric: Metric) -> Option<Self> {
        match metric {
            Metric::Euclidean => Some(ExactMetric::Euclidean),
            Metric::Angular => Some(ExactMetric::Angular),
            Metric::Manhattan => Some(ExactMetric::Manhattan),
            Metric::Dot => Some(ExactMetric::Dot),
            _ => None,
        }
    }

    /// Whether larger values are nearer: under dot alone.
    #[must_use]
    pub fn is_similarity(self) -> bool {
        self == ExactMetric::Dot
    }

    /// The value that is reported for `a` and `b`, in double precision.
    ///
    /// # Panics
    /// If they have different lengths.
    #[must_use]
    pub fn distance(self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            ExactMetric::Euclidean => wide::squared_l2(a, b).sqrt(),
            ExactMetric::SquaredEuclidean => wide::squared_l2(a, b),
            ExactMetric::Angular | ExactMetric::Cosine => {
                self.of_cosine(wide::dot(a, b), length(a), length(b))
            }
            ExactMetric::Manhattan => wide::l1(a, b),
            ExactMetric::Dot => wide::dot(a, b),
        }
    }

    /// Whether lengths of vectors enter into the value.
    pub(crate) fn wants_lengths(self) -> bool {
        matches!(self, ExactMetric::Angular | ExactMetric::Cosine)
    }

    /// [`ExactMetric::distance`] between `a` and several rows: the same bits. The lengths are looked
    /// at where [`ExactMetric::wants_lengths`].
    pub(crate) fn distances<T: Copy + Into<f64>>(
        self,
        a: &[f64],
        a_length: f64,
        rows: &[&[T]; LANES],
        lengths: &[f64; LANES],
    ) -> [f64; LANES] {
        match self {
            ExactMetric::Euclidean => wide::squared_l2_lanes(a, rows).map(f64::sqrt),
            ExactMetric::SquaredEuclidean => wide::squared_l2_lanes(a, rows),
            ExactMetric::Angular | ExactMetric::Cosine => {
                let products = wide::dot_lanes(a, rows);
                std::array::from_fn(|lane| self.of_cosine(products[lane], a_length, lengths[lane]))
            }
            ExactMetric::Manhattan => wide::l1_lanes(a, rows),
            ExactMetric::Dot => wide::dot_lanes(a, rows),
        }
    }

    fn of_cosine(self, product: f64, a_length: f64, b_length: f64) -> f64 {
        let lengths = a_length * b_length;
        let cosine = if lengths > 0.0 { product / lengths } else { 0.0 };
        let (value, angular) = match self {
            ExactMetric::Angular => (2.0 - 2.0 * cosine, true),
            _ => (1.0 - cosine, false),
        };
        // Not `max`, which would make a zero of NaN, the value of vectors that overflow.
        let value = if value < 0.0 { 0.0 } else { value };
        if angular { value.sqrt() } else { value }
    }
}

/// The length of a vector.
pub(crate) fn length(vector: &[f64]) -> f64 {
    wide::dot(vector, vector).sqrt()
}

impl fmt::Display for ExactMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A metric name that exact search does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown metric {name:?}: expected one of euclidean, sqeuclidean, angular, cosine, manhattan, \
     dot"
)]
pub struct UnknownExactMetric {
    /// The name as given.
    pub name: String,
}

impl FromStr for ExactMetric {
    type Err = UnknownExactMetric;

    /// Reads a name exactly as [`ExactMetric::name`] writes it.
    fn from_str(name: &str) -> Result<Self, UnknownExactMetric> {
        ExactMetric::ALL
            .into_iter()
            .find(|metric| metric.name() == name)
            .ok_or_else(|| UnknownExactMetric { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for metric in ExactMetric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
            let message = "l2".parse::<ExactMetric>().unwrap_err().to_string();
            assert!(message.contains(metric.name()), "{message}");
        }
        for metric in Metric::OF_NUMBERS {
            assert_eq!(ExactMetric::of(metric).unwrap().name(), metric.name());
        }
        assert_eq!(ExactMetric::of(Metric::Hamming), None);
    }

    #[test]
    fn values_of_known_pairs() {
        let value = |metric: ExactMetric, a: [f64; 2], b: [f64; 2]| metric.distance(&a, &b);
        assert_eq!(value(ExactMetric::Euclidean, [1.0, 2.0], [4.0, 6.0]), 5.0);
        assert_eq!(value(ExactMetric::SquaredEuclidean, [1.0, 2.0], [4.0, 6.0]), 25.0);
        assert_eq!(value(ExactMetric::Manhattan, [1.0, 2.0], [4.0, 6.0]), 7.0);
        assert_eq!(value(ExactMetric::Dot, [1.0, 2.0], [-4.0, 1.0]), -2.0);
        assert_eq!(value(ExactMetric::Angular, [1.0, 0.0], [-3.0, 0.0]), 2.0);
        assert_eq!(value(ExactMetric::Cosine, [1.0, 0.0], [-3.0, 0.0]), 2.0);
        assert_eq!(value(ExactMetric::Cosine, [1.0, 0.0], [5.0, 0.0]), 0.0);
        assert_eq!(value(ExactMetric::Angular, [0.0, 0.0], [0.0, 0.0]), 2f64.sqrt());
        assert_eq!(value(ExactMetric::Cosine, [0.0, 0.0], [1.0, 0.0]), 1.0);
    }
}
