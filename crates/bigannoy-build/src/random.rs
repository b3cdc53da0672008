//! The random choices of one tree.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A tree's own stream of random numbers: the same whatever other trees draw.
#[derive(Debug)]
pub(crate) struct TreeRandom(ChaCha8Rng);

impl TreeRandom {
    /// The stream of tree `tree` (counted from 0) under `seed`.
    ///
    /// The key is the seed in little-endian order, filled up with a fixed text, so that it
    /// does not depend on how a library spreads small seeds.
    pub(crate) fn new(seed: u64, tree: usize) -> Self {
        let mut key = *b"........bigannoy forest key, v01";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(tree as u64);
        TreeRandom(generator)
    }

    /// A number below `n`: the upper half of a 32-bit draw times `n`.
    ///
    /// Numbers are not quite equally likely; the difference is below one part in `2^32 / n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changing these numbers changes every index that will be built.
    #[test]
    fn the_streams_are_pinned() {
        let draws = |seed, tree| -> [u32; 4] {
            let mut random = TreeRandom::new(seed, tree);
            std::array::from_fn(|_| random.below(1_000_000))
        };
        assert_eq!([draws(42, 0), draws(42, 1), draws(99, 0)], PINNED);
    }

    const PINNED: [[u32; 4]; 3] = [
        [74_848, 205_470, 654_285, 391_558],
        [568_646, 293_864, 904_727, 955_470],
        [25_563, 741_738, 340_885, 340_967],
    ];

    #[test]
    fn numbers_stay_below_their_limit_and_reach_it() {
        let mut random = TreeRandom::new(1, 0);
        let mut seen = [false; 7];
        for _ in 0..1000 {
            seen[random.below(7) as usize] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(random.below(1), 0);
    }
}
