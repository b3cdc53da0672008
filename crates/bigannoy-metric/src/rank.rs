//! Neighbors, and the order in which they are ranked.

use std::collections::BinaryHeap;

use crate::Metric;

/// One answer: an item and how far it is from the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// The item, counted from 0: row `item + 1` of the reference in R's counting.
    pub item: u32,
    /// The distance as the metric reports it (see [`Metric::reported`]); under [`Metric::Dot`] the
    /// inner product, of which more is nearer.
    pub distance: f32,
}

/// A [`Neighbor`] whose distance has double precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WideNeighbor {
    /// The item, counted from 0.
    pub item: u32,
    /// The distance.
    pub distance: f64,
}

impl From<Neighbor> for WideNeighbor {
    fn from(neighbor: Neighbor) -> Self {
        WideNeighbor { item: neighbor.item, distance: neighbor.distance.into() }
    }
}

/// A comparable distance and an item in one integer: smaller ranks first.
///
/// Ranked by distance, then by item. The two zeros are equal, and a NaN, which only a damaged file
/// can produce, ranks behind every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RankKey(u64);

impl RankKey {
    /// The key of `item` at the comparable distance `comparable`.
    #[must_use]
    pub fn new(comparable: f32, item: u32) -> Self {
        RankKey(u64::from(order_bits(comparable)) << 32 | u64::from(item))
    }

    /// The item.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the item")]
    pub fn item(self) -> u32 {
        self.0 as u32
    }

    /// The comparable distance; a negative zero comes back as a positive one.
    #[must_use]
    pub fn comparable(self) -> f32 {
        let bits = (self.0 >> 32) as u32;
        let sign = 1 << 31;
        if bits == u32::MAX {
            f32::NAN
        } else if bits & sign != 0 {
            f32::from_bits(bits ^ sign)
        } else {
            f32::from_bits(!bits)
        }
    }

    /// The neighbor that this key stands for.
    #[must_use]
    pub fn neighbor(self, metric: Metric) -> Neighbor {
        Neighbor { item: self.item(), distance: metric.reported(self.comparable()) }
    }
}

/// Bits of a float that compare as unsigned integers the way the floats compare.
fn order_bits(value: f32) -> u32 {
    if value.is_nan() {
        return u32::MAX;
    }
    let bits = (value + 0.0).to_bits(); // -0.0 + 0.0 is +0.0
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// Keeps the `k` best keys of those that it is shown.
///
/// Memory: `k` keys, grown as they come. Cost of a key that does not make it: one comparison.
#[derive(Clone, Debug)]
pub struct TopK {
    k: usize,
    worst_first: BinaryHeap<RankKey>,
}

impl TopK {
    /// An empty selection of at most `k` keys.
    #[must_use]
    pub fn new(k: usize) -> Self {
        TopK { k, worst_first: BinaryHeap::new() }
    }

    /// Empties the selection and sets a new `k`.
    pub fn reset(&mut self, k: usize) {
        self.k = k;
        self.worst_first.clear();
    }

    /// Shows `key`: it stays if it is among the `k` best so far.
    pub fn push(&mut self, key: RankKey) {
        if self.worst_first.len() < self.k {
            self.worst_first.push(key);
        } else if let Some(mut worst) = self.worst_first.peek_mut()
            && key < *worst
        {
            *worst = key;
        }
    }

    /// The worst of the selected keys, once there are `k`: what is not better does not make it.
    #[must_use]
    pub fn limit(&self) -> Option<RankKey> {
        self.worst_first.peek().copied().filter(|_| self.worst_first.len() >= self.k)
    }

    /// Takes the selected keys, best first, and leaves the selection empty.
    pub fn drain_sorted(&mut self) -> Vec<RankKey> {
        std::mem::take(&mut self.worst_first).into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_are_equal_and_nan_is_last() {
        assert_eq!(RankKey::new(-0.0, 3), RankKey::new(0.0, 3));
        assert!(RankKey::new(f32::NAN, 0) > RankKey::new(f32::INFINITY, u32::MAX));
        assert!(RankKey::new(-1e-7, 9) < RankKey::new(0.0, 1));
        assert!(RankKey::new(f32::NAN, 0).comparable().is_nan());
    }

    #[test]
    fn ties_go_to_the_lower_item() {
        let mut best = TopK::new(2);
        for item in [5, 1, 9, 0] {
            best.push(RankKey::new(1.0, item));
        }
        let items: Vec<u32> = best.drain_sorted().into_iter().map(RankKey::item).collect();
        assert_eq!(items, [0, 1]);
    }

    #[test]
    fn a_selection_of_nothing_stays_empty() {
        let mut none = TopK::new(0);
        none.push(RankKey::new(1.0, 1));
        assert!(none.drain_sorted().is_empty());
    }

    proptest! {
        #[test]
        fn keys_order_like_distance_then_item(
            a in any::<f32>(), b in any::<f32>(), i in any::<u32>(), j in any::<u32>(),
        ) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            let expected = a.partial_cmp(&b).expect("no NaN here").then(i.cmp(&j));
            prop_assert_eq!(RankKey::new(a, i).cmp(&RankKey::new(b, j)), expected);
            prop_assert_eq!(RankKey::new(a, i).comparable(), a);
            prop_assert_eq!(RankKey::new(a, i).item(), i);
        }

        #[test]
        fn the_best_k_of_any_sequence(
            distances in proptest::collection::vec(0u8..20, 0..60), k in 0usize..12,
        ) {
            let mut keys: Vec<RankKey> = (0u32..)
                .zip(&distances)
                .map(|(item, &distance)| RankKey::new(f32::from(distance), item))
                .collect();
            let mut best = TopK::new(k);
            keys.iter().rev().for_each(|&key| best.push(key));
            keys.sort_unstable();
            keys.truncate(k);
            prop_assert_eq!(best.drain_sorted(), keys);
        }
    }
}
