//! The random choices of one tree.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A tree's own stream of random numbers: the same whatever other trees draw.
#[derive(Clone, Debug)]
pub(crate) struct TreeRandom(ChaCha8Rng);

/// A set of items by its way down from the root, which says where in its tree's stream the draws for
/// it begin: whichever set is split first, each gets the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetKey(u64);

impl SetKey {
    /// All items.
    pub(crate) const ROOT: SetKey = SetKey(0);

    /// One side of the set's split.
    pub(crate) fn side(self, side: usize) -> SetKey {
        SetKey(mixed(self.0, side as u64))
    }

    /// Where the draws begin that halve the set.
    pub(crate) fn halving(self) -> SetKey {
        SetKey(mixed(self.0, 2))
    }

    /// Where the draws begin of the sample that chooses the set's upper levels.
    pub(crate) fn upper(self) -> SetKey {
        SetKey(mixed(self.0, 1 << 40))
    }

    /// Tosses for an item of the set, which has the number `item` in the index.
    pub(crate) fn toss(self, item: u32) -> bool {
        mixed(self.0, 3 + u64::from(item)) >> 63 == 1
    }
}

/// One of many keys that follow from a key: the output function of `SplitMix64`, which is one to one,
/// over steps of its increment.
fn mixed(key: u64, step: u64) -> u64 {
    let mut z = key.wrapping_add((step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

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

    /// Goes to the block of 16 words that a set's draws begin with.
    pub(crate) fn begin(&mut self, set: SetKey) {
        self.0.set_word_pos(u128::from(set.0) << 4);
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
            random.begin(SetKey::ROOT);
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
    fn sets_have_draws_of_their_own_in_any_order() {
        let mut random = TreeRandom::new(1, 0);
        let sets =
            [SetKey::ROOT, SetKey::ROOT.side(0), SetKey::ROOT.side(1), SetKey::ROOT.halving()];
        let mut draws = |set| -> [u32; 40] {
            random.begin(set);
            std::array::from_fn(|_| random.below(u32::MAX))
        };
        let first = sets.map(&mut draws);
        let mut again = [3, 1, 2, 0].map(|at| draws(sets[at]));
        again.swap(0, 3);
        assert_eq!(first, again);
        for (at, set) in first.iter().enumerate() {
            assert!(first[at + 1..].iter().all(|other| other[..4] != set[..4]));
        }
        let heads = (0..1000).filter(|&item| SetKey::ROOT.side(1).toss(item)).count();
        assert!((400..600).contains(&heads), "{heads}");
    }

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
