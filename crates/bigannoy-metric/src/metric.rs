//! The metrics and their names.

use std::fmt;
use std::str::FromStr;

/// How the distance of two vectors is measured.
///
/// The names are those of Annoy and bigANNOY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// `sqrt(sum((q - r)^2))`.
    Euclidean,
    /// `sqrt(2 (1 - cos(q, r)))`, from 0 (same direction) to 2 (opposite). Lengths do not matter;
    /// a vector of zeros is at `sqrt(2)` from everything, itself included.
    Angular,
    /// `sum(abs(q - r))`.
    Manhattan,
    /// `sum(q * r)`, the inner product. What is reported as the distance is a similarity: larger is
    /// nearer, neighbors come in descending order, and a vector need not be its own nearest one.
    Dot,
    /// The number of components in which two vectors of bits differ. A component of a vector of
    /// numbers is a set bit where it is greater than 0.5.
    Hamming,
}

impl Metric {
    /// Every metric, in the order in which they are documented.
    pub const ALL: [Metric; 5] =
        [Metric::Euclidean, Metric::Angular, Metric::Manhattan, Metric::Dot, Metric::Hamming];

    /// The metrics whose items are vectors of numbers: all but hamming, whose items are bits.
    pub const OF_NUMBERS: [Metric; 4] =
        [Metric::Euclidean, Metric::Angular, Metric::Manhattan, Metric::Dot];

    /// The metric's name, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Euclidean => "euclidean",
            Metric::Angular => "angular",
            Metric::Manhattan => "manhattan",
            Metric::Dot => "dot",
            Metric::Hamming => "hamming",
        }
    }

    /// Whether what is reported as the distance is a similarity: larger is nearer, and neighbors
    /// come in descending order. True of [`Metric::Dot`] alone.
    #[must_use]
    pub fn is_similarity(self) -> bool {
        self == Metric::Dot
    }

    /// The distance that users see, from the comparable one that ranking uses.
    ///
    /// For euclidean and angular it is the square of the reported one, and where rounding leaves it
    /// a little below zero, zero is reported. For manhattan and hamming it is the reported one. For
    /// dot it is the inner product with its sign changed.
    #[must_use]
    pub fn reported(self, comparable: f32) -> f32 {
        match self {
            // `max` would turn a NaN into 0; a NaN distance stays one.
            Metric::Euclidean | Metric::Angular if comparable < 0.0 => 0.0,
            Metric::Euclidean | Metric::Angular => comparable.sqrt(),
            Metric::Manhattan | Metric::Hamming => comparable,
            // Not `-comparable`, which would make a negative zero of a zero.
            Metric::Dot => 0.0 - comparable,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A metric name that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMetric {
    /// The name as given.
    pub name: String,
}

impl fmt::Display for UnknownMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown metric {:?}: expected one of", self.name)?;
        for (position, metric) in Metric::ALL.into_iter().enumerate() {
            write!(f, "{}{metric}", if position == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownMetric {}

impl FromStr for Metric {
    type Err = UnknownMetric;

    /// Reads a name exactly as [`Metric::name`] writes it.
    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        Metric::ALL
            .into_iter()
            .find(|metric| metric.name() == name)
            .ok_or_else(|| UnknownMetric { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
        }
        let error = "Euclidean".parse::<Metric>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown metric \"Euclidean\": expected one of euclidean, angular, manhattan, dot, hamming"
        );
    }

    #[test]
    fn reported_clamps_rounding_below_zero_and_keeps_nan() {
        assert_eq!(Metric::Angular.reported(-1e-7), 0.0);
        assert_eq!(Metric::Euclidean.reported(9.0), 3.0);
        for metric in Metric::ALL {
            assert!(metric.reported(f32::NAN).is_nan());
            assert_eq!(metric.reported(0.0).to_bits(), 0);
        }
        assert_eq!(Metric::Manhattan.reported(9.0), 9.0);
        assert_eq!(Metric::Hamming.reported(9.0), 9.0);
        assert_eq!(Metric::Dot.reported(-9.0), 9.0);
    }
}
