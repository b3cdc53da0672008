//! What a right answer looks like.

use bigannoy_format::Forest;
use bigannoy_metric::{Neighbor, Prepared, RankKey};

/// The place of `item` among the neighbors of `query`.
fn key(forest: Forest<'_>, query: &Prepared<'_>, item: u32) -> RankKey {
    RankKey::new(forest.comparable(query, item), item)
}

/// Asserts that `found` are distinct items of the index, at most `k`, at the distances from
/// `query` that they have, and in the order of these.
///
/// The order is that of comparable distances: two of them may be one when the root is taken.
pub(super) fn assert_ranked(
    forest: Forest<'_>,
    query: &Prepared<'_>,
    k: usize,
    found: &[Neighbor],
) {
    let metric = forest.shape().layout().metric();
    assert!(found.len() <= k, "{} neighbors for k = {k}", found.len());
    let mut last = None;
    for neighbor in found {
        assert!(neighbor.item < forest.shape().n_items(), "no item {}", neighbor.item);
        assert!(forest.is_present(neighbor.item), "item {} is a gap", neighbor.item);
        let key = key(forest, query, neighbor.item);
        let distance = key.neighbor(metric).distance;
        assert_eq!(
            neighbor.distance.to_bits(),
            distance.to_bits(),
            "item {} at {} instead of {distance}",
            neighbor.item,
            neighbor.distance,
        );
        // Keys hold the item, so that rising ones are of distinct items.
        assert!(last < Some(key), "item {} is out of order", neighbor.item);
        last = Some(key);
    }
}

/// The `k` items of the index that are nearest to `query`, found by looking at all of them.
pub(super) fn nearest(
    forest: Forest<'_>,
    query: &Prepared<'_>,
    k: usize,
    exclude: Option<u32>,
) -> Vec<Neighbor> {
    let metric = forest.shape().layout().metric();
    let items = 0..forest.shape().n_items();
    let items = items.filter(|&item| Some(item) != exclude && forest.is_present(item));
    let mut keys: Vec<RankKey> = items.map(|item| key(forest, query, item)).collect();
    keys.sort_unstable();
    keys.truncate(k);
    keys.into_iter().map(|key| key.neighbor(metric)).collect()
}
