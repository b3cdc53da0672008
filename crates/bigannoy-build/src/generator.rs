//! Ways to make the random choices of a build.

use std::fmt;
use std::str::FromStr;

use bigannoy_metric::Metric;

use crate::DEFAULT_SEED;

/// How planes are chosen, and so which bytes come out.
///
/// All give indexes in Annoy's layout, which Annoy reads and searches. What decides between the first two:
///
/// | | [`Generator::Default`] | [`Generator::Annoy`] |
/// | --- | --- | --- |
/// | file | this crate's own | byte for byte that of `RcppAnnoy` for the same rows, metric, trees and seed |
/// | trees grow | side by side, on all threads | one after the other; threads share the larger sets |
/// | recall at equal budgets | Annoy's, within a tenth of a point, or up to two points above it, under euclidean and angular, and more above it where some items are far away; under dot far above it, on word vectors, tight clusters and scattered vectors alike | Annoy's |
/// | seed when none is set | 42 | Annoy's own, 1234567890987654321 |
///
/// Take [`Generator::Annoy`] to reproduce an index that others published, or its checksum, or
/// [`Generator::AnnoyFused`] where that was made on ARM, and [`Generator::Default`] for everything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Generator {
    /// This crate's own choices. Name: `default`.
    #[default]
    Default,
    /// The choices of Annoy 1.17.1 to 1.17.3, built without fused multiply-add and vector
    /// extensions and with one thread, as in `RcppAnnoy` 0.0.18 and later on x86-64. Name: `annoy`.
    /// Where values of about 1e37 make a plane's offset NaN, its sign, which IEEE 754 leaves open, may be another.
    ///
    /// A negative seed of R or Python is given as its two's complement in 64 bits:
    /// `(-5i64).cast_unsigned()`.
    Annoy,
    /// The same choices in the arithmetic of Annoy 1.17.3 where its compiler fuses each multiplication with
    /// the addition that follows it. Name: `annoy-fused`.
    ///
    /// These are the bytes of GCC 12 at `-O2` for 64-bit ARM, under all metrics. Clang for Apple's
    /// processors, which made the indexes in `bigANNOY`'s documentation, gives the same below 16
    /// dimensions except under dot, where it fuses one operation less. From 16 dimensions on, its release
    /// 19 leaves some products unfused, and other releases others: no index of more dimensions is
    /// published that could tell. On processors without a fused multiply-add the build takes longer.
    AnnoyFused,
}

impl Generator {
    /// Every generator.
    pub const ALL: [Generator; 3] = [Generator::Default, Generator::Annoy, Generator::AnnoyFused];

    /// The generator's name, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Generator::Default => "default",
            Generator::Annoy => "annoy",
            Generator::AnnoyFused => "annoy-fused",
        }
    }

    /// What sidecars call the generator: the name of the definition of the bytes that it gives under
    /// `metric`. A definition never changes; a new one would have a new name.
    #[must_use]
    pub fn recorded_name(self, metric: Metric) -> &'static str {
        match (self, metric) {
            (Generator::Default, Metric::Dot) => "chacha8-8",
            (Generator::Default, _) => "chacha8-11",
            (Generator::Annoy, _) => "annoy",
            (Generator::AnnoyFused, _) => "annoy-fused",
        }
    }

    /// The seed of a build for which none was set.
    #[must_use]
    pub fn default_seed(self) -> u64 {
        match self {
            Generator::Default => DEFAULT_SEED,
            Generator::Annoy | Generator::AnnoyFused => 1_234_567_890_987_654_321,
        }
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name of no [`Generator`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown generator {name:?}: expected one of default, annoy, annoy-fused")]
pub struct UnknownGenerator {
    /// The name as given.
    pub name: String,
}

impl FromStr for Generator {
    type Err = UnknownGenerator;

    /// Reads a name exactly as [`Generator::name`] writes it.
    fn from_str(name: &str) -> Result<Self, UnknownGenerator> {
        Generator::ALL
            .into_iter()
            .find(|generator| generator.name() == name)
            .ok_or_else(|| UnknownGenerator { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for generator in Generator::ALL {
            assert_eq!(generator.to_string().parse(), Ok(generator));
        }
        let error = "chacha8-10".parse::<Generator>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown generator \"chacha8-10\": expected one of default, annoy, annoy-fused"
        );
    }
}
