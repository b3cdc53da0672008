//! The best of the rows that were compared.

use std::collections::BinaryHeap;

use bigannoy_metric::WideNeighbor;

use crate::ExactMetric;

/// A distance and a row; smaller ranks first: nearer, then lower row. NaN ranks behind every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    order: u64,
    row: u32,
}

const SIGN: u64 = 1 << 63;

impl Key {
    /// The key of a row at `distance`, as the metric reports it.
    pub(crate) fn new(metric: ExactMetric, distance: f64, row: u32) -> Self {
        let smaller_is_nearer = if metric.is_similarity() { -distance } else { distance };
        Key { order: order_bits(smaller_is_nearer), row }
    }

    pub(crate) fn neighbor(self, metric: ExactMetric) -> WideNeighbor {
        let value = from_order_bits(self.order);
        // `0.0 - value` and not `-value`, which would make a negative zero of a zero.
        let distance = if metric.is_similarity() { 0.0 - value } else { value };
        WideNeighbor { item: self.row, distance }
    }
}

/// Bits of a number that compare as unsigned integers the way the numbers compare.
fn order_bits(value: f64) -> u64 {
    if value.is_nan() {
        return u64::MAX;
    }
    let bits = (value + 0.0).to_bits(); // -0.0 + 0.0 is +0.0
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn from_order_bits(order: u64) -> f64 {
    match order {
        u64::MAX => f64::NAN,
        order if order & SIGN != 0 => f64::from_bits(order ^ SIGN),
        order => f64::from_bits(!order),
    }
}

/// The `k` best rows so far for one query.
///
/// Memory: 16 bytes for each place, grown as rows come. Cost of a row that does not make it: one
/// comparison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nearest {
    k: usize,
    worst_first: BinaryHeap<Key>,
}

impl Nearest {
    pub(crate) fn new(k: usize) -> Self {
        Nearest { k, worst_first: BinaryHeap::new() }
    }

    pub(crate) fn push(&mut self, key: Key) {
        if self.worst_first.len() < self.k {
            self.worst_first.push(key);
        } else if let Some(mut worst) = self.worst_first.peek_mut()
            && key < *worst
        {
            *worst = key;
        }
    }

    /// The last of the `k` best, where there are that many.
    pub(crate) fn worst(&self) -> Option<Key> {
        if self.worst_first.len() < self.k { None } else { self.worst_first.peek().copied() }
    }

    /// Whether there are none yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.worst_first.is_empty()
    }

    /// Keeps those whose row `wanted` is true of.
    pub(crate) fn retain(&mut self, wanted: impl Fn(u32) -> bool) {
        self.worst_first.retain(|key| wanted(key.row));
    }

    /// How many are no further than `last`.
    pub(crate) fn up_to(&self, last: Key) -> usize {
        self.worst_first.iter().filter(|&&key| key <= last).count()
    }

    /// Takes over what another selection found among other rows.
    pub(crate) fn merge(&mut self, other: Nearest) {
        other.worst_first.into_iter().for_each(|key| self.push(key));
    }

    /// The rows, best first.
    pub(crate) fn into_sorted(self) -> Vec<Key> {
        self.worst_first.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_are_equal_and_nan_is_last() {
        let key = |distance, row| Key::new(ExactMetric::Euclidean, distance, row);
        assert_eq!(key(-0.0, 3), key(0.0, 3));
        assert!(key(f64::NAN, 0) > key(f64::INFINITY, u32::MAX));
        assert!(key(f64::NAN, 0).neighbor(ExactMetric::Euclidean).distance.is_nan());
        let dot = Key::new(ExactMetric::Dot, 0.0, 1).neighbor(ExactMetric::Dot);
        assert_eq!(dot.distance.to_bits(), 0);
    }

    proptest! {
        #[test]
        fn keys_order_like_distance_then_row(
            a in any::<f64>(), b in any::<f64>(), i in any::<u32>(), j in any::<u32>(),
        ) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            for metric in [ExactMetric::Euclidean, ExactMetric::Dot] {
                let nearer = a.partial_cmp(&b).expect("no NaN here");
                let nearer = if metric.is_similarity() { nearer.reverse() } else { nearer };
                let (key_a, key_b) = (Key::new(metric, a, i), Key::new(metric, b, j));
                prop_assert_eq!(key_a.cmp(&key_b), nearer.then(i.cmp(&j)));
                prop_assert_eq!(key_a.neighbor(metric), WideNeighbor { item: i, distance: a });
            }
        }

        #[test]
        fn the_best_k_of_two_selections(
            distances in proptest::collection::vec(0u8..20, 0..60), k in 0usize..12,
        ) {
            let mut keys: Vec<Key> = (0u32..)
                .zip(&distances)
                .map(|(row, &distance)| Key::new(ExactMetric::Manhattan, distance.into(), row))
                .collect();
            let mut halves = [Nearest::new(k), Nearest::new(k)];
            keys.iter().rev().enumerate().for_each(|(at, &key)| halves[at % 2].push(key));
            let [mut best, other] = halves;
            best.merge(other);
            keys.sort_unstable();
            keys.truncate(k);
            prop_assert_eq!(best.into_sorted(), keys);
        }
    }
}
