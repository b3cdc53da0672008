//! The random numbers of one row.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Streams of rows of queries, and those of what all rows share, have these bits set.
const QUERY: u64 = 1 << 63;
const SHARED: u64 = 1 << 62;

/// Rows drawn from many.
pub(crate) struct Draw(Stream);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        // No row of queries has this number.
        Draw(Stream::numbered(seed, u64::MAX))
    }

    /// `count` of the numbers below `end`, at most all of them: all different, ascending.
    pub(crate) fn distinct(&mut self, end: usize, count: usize) -> Vec<usize> {
        let mut chosen = BTreeSet::new();
        // Floyd's way: every set of so many numbers is as likely as any other.
        for last in end - count.min(end)..end {
            let one = self.0.below(last as u64 + 1);
            let one = usize::try_from(one).expect("below a number of that type");
            if !chosen.insert(one) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().collect()
    }
}

/// Random numbers that depend on the seed and on what they are for.
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// The numbers of a row.
    pub(super) fn of_row(seed: u64, row: u64, is_query: bool) -> Self {
        Self::numbered(seed, row | if is_query { QUERY } else { 0 })
    }

    /// The numbers of something that all rows share.
    pub(super) fn shared(seed: u64, what: u64) -> Self {
        Self::numbered(seed, what | SHARED)
    }

    fn numbered(seed: u64, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(number);
        Stream(generator)
    }

    /// A number below `end`, which is not zero: close enough to uniform for any matrix.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// Near the normal distribution: mean 0, standard deviation 1, from -6 to 6.
    ///
    /// The sum of twelve uniform numbers of 16 bits. It needs additions only, which are the same on
    /// every machine, where logarithms and cosines are not.
    #[expect(clippy::cast_possible_truncation, reason = "rounded, to the nearest")]
    pub(super) fn normal(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..3 {
            let mut bits = self.0.next_u64();
            for _ in 0..4 {
                sum += f64::from((bits & 0xffff) as u16);
                bits >>= 16;
            }
        }
        // Twelve times the middle of the range, which is not a whole number.
        ((sum - 12.0 * 32_767.5) / 65_536.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_rows_are_different_and_depend_on_the_seed() {
        let draw = |seed, end, count| Draw::new(seed).distinct(end, count);
        let some = draw(1, 1_000, 100);
        assert_eq!(some.len(), 100);
        assert!(some.is_sorted_by(|a, b| a < b) && some[99] < 1_000);
        assert_eq!(some, draw(1, 1_000, 100));
        assert_ne!(some, draw(2, 1_000, 100));
        assert_eq!(draw(1, 5, 9), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut stream = Stream::shared(1, 1);
        let numbers: Vec<f64> = (0..20_000).map(|_| stream.normal().into()).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
