//! How long single queries take.

/// The times of single queries, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    /// Ascending.
    seconds: Vec<f64>,
}

impl Latency {
    /// Of the given times; `None` where there is none.
    #[must_use]
    pub fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.sort_unstable_by(f64::total_cmp);
        (!seconds.is_empty()).then_some(Latency { seconds })
    }

    /// The time that `percent` percent of the queries do not exceed, by the nearest rank: the
    /// shortest at 0, the longest at 100.
    ///
    /// # Panics
    /// If `percent` is not within 0 and 100.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among the queries"
    )]
    pub fn percentile(&self, percent: f64) -> f64 {
        assert!((0.0..=100.0).contains(&percent), "{percent} percent");
        let rank = (percent / 100.0 * self.seconds.len() as f64).ceil() as usize;
        self.seconds[rank.saturating_sub(1)]
    }

    /// How many queries were timed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seconds.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_taken() {
        let latency = Latency::of((1..=200).rev().map(f64::from).collect()).unwrap();
        let at = |percent| latency.percentile(percent);
        assert_eq!(
            [at(0.0), at(50.0), at(95.0), at(99.0), at(100.0)],
            [1.0, 100.0, 190.0, 198.0, 200.0]
        );
        assert_eq!(latency.count(), 200);
        assert_eq!(Latency::of(vec![3.0]).unwrap().percentile(50.0), 3.0);
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
