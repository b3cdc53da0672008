//! How sure a mean recall is that was found on a sample.

/// A mean over a sample of queries, and where the mean over all of them lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean over the sample.
    pub mean: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// The quantile of the normal distribution that leaves 2.5 percent on each side.
const QUANTILE: f64 = 1.959_963_984_540_054;

impl Interval {
    /// Of the recalls of a sample of queries with `k` neighbors each, with 95 percent confidence.
    ///
    /// Wilson's score interval. Each of the `k` neighbors of each query is a trial, but those of one
    /// query are alike, so trials count as the spread between queries says (the design effect of a
    /// sample of clusters): never fewer than there are queries, never more than there are neighbors.
    /// Where all recalls are the same, nothing is known of the spread, and every query counts once.
    ///
    /// # Panics
    /// If there are no recalls.
    #[must_use]
    pub fn of_recalls(recalls: &[f64], k: usize) -> Self {
        assert!(!recalls.is_empty(), "a sample has queries");
        let queries = recalls.len() as f64;
        let mean = recalls.iter().sum::<f64>() / queries;
        let squares = recalls.iter().map(|recall| (recall - mean).powi(2)).sum::<f64>();
        let spread = squares / (queries - 1.0).max(1.0);
        let trials = if spread > 0.0 {
            (queries * mean * (1.0 - mean) / spread).clamp(queries, queries * k as f64)
        } else {
            queries
        };
        let z2 = QUANTILE * QUANTILE / trials;
        let center = (mean + z2 / 2.0) / (1.0 + z2);
        let half = QUANTILE * (mean * (1.0 - mean) / trials + z2 / (4.0 * trials)).max(0.0).sqrt()
            / (1.0 + z2);
        Interval {
            mean,
            lower: (center - half).clamp(0.0, mean),
            upper: (center + half).clamp(mean, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_those_of_the_formula() {
        // Of single neighbors a recall is 0 or 1: Wilson's own case. 81 of 263, from the literature.
        let recalls: Vec<f64> = (0..263).map(|at| f64::from(u8::from(at < 81))).collect();
        let found = Interval::of_recalls(&recalls, 1);
        assert!((found.lower - 0.2553).abs() < 5e-4, "{found:?}");
        assert!((found.upper - 0.3662).abs() < 5e-4, "{found:?}");
    }

    #[test]
    fn more_queries_and_less_spread_make_it_narrower() {
        let sample = |queries: usize, step: f64| -> Interval {
            let recalls: Vec<f64> =
                (0..queries).map(|at| 0.9 + step * if at % 2 == 0 { 1.0 } else { -1.0 }).collect();
            Interval::of_recalls(&recalls, 10)
        };
        let width = |found: Interval| found.upper - found.lower;
        assert!(width(sample(1_000, 0.1)) < width(sample(100, 0.1)));
        assert!(width(sample(100, 0.1)) < width(sample(100, 0.3)));
    }

    #[test]
    fn equal_recalls_are_not_certainty() {
        let found = Interval::of_recalls(&[1.0; 100], 10);
        assert_eq!((found.mean, found.upper), (1.0, 1.0));
        assert!((0.95..0.97).contains(&found.lower), "{found:?}");
    }
}
