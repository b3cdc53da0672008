//! How much of the exact answer an approximate one found.

use std::collections::HashSet;

use bigannoy_metric::NeighborBlock;

/// How far, relative to it, a distance may lie above the `k`-th exact one and still count as equal,
/// when [`RecallOptions::tolerance`] is not called: distances of `f32` are off by about that much.
pub const DEFAULT_TOLERANCE: f64 = 1e-5;

/// The neighbors of one query, nearest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ranked<'a> {
    /// The neighbors' rows, however they are counted; `None` where there is no neighbor.
    pub ids: &'a [Option<u32>],
    /// The distance of each, of the same length, or nothing where distances are not known. A
    /// distance that is NaN is not known.
    pub distances: &'a [f64],
}

/// How recall is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecallOptions {
    k: usize,
    tolerance: f64,
    similarity: bool,
}

impl RecallOptions {
    /// Recall at `k`, everything else at its default.
    #[must_use]
    pub fn new(k: usize) -> Self {
        RecallOptions { k, tolerance: DEFAULT_TOLERANCE, similarity: false }
    }

    /// Sets how far, relative to it, a distance may lie above the `k`-th exact one and still count as
    /// equal: 0 where both sides have the same arithmetic. Default: [`DEFAULT_TOLERANCE`].
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets whether larger values are nearer, as under dot. Default: no.
    #[must_use]
    pub fn similarity(mut self, similarity: bool) -> Self {
        self.similarity = similarity;
        self
    }

    /// The `k` of recall at `k`.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }
}

/// What was found for one query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryRecall {
    /// How many of the first `k` neighbors of the exact answer there are; fewer than `k` where fewer
    /// than `k` neighbors exist.
    pub sought: usize,
    /// How many of them were found, ties included; never more than `sought`.
    pub found: usize,
    /// How many of those found are not in the exact answer by their id and as near as its last one.
    pub tied: usize,
    /// How many of the first `k` places of the approximate answer are empty.
    pub missing: usize,
    /// The sum of the distances found over the sum of as many exact ones: 1 where all are as near as
    /// they can be. `None` where distances are not known, nothing was found or sought, or the exact ones
    /// sum up to zero or less and the others do not sum up to the same.
    pub ratio: Option<f64>,
}

impl QueryRecall {
    /// Compares the answers to one query.
    ///
    /// A neighbor counts that is among the first `k` of `exact` by its id, or, where both sides have
    /// distances, that is as near as the last of those. Each id counts once.
    #[must_use]
    pub fn new(approximate: Ranked<'_>, exact: Ranked<'_>, options: &RecallOptions) -> Self {
        let k = options.k;
        let first = |all: &Ranked<'_>| -> Vec<(u32, f64)> {
            let mut seen = HashSet::new();
            let distance = |at: usize| all.distances.get(at).copied().unwrap_or(f64::NAN);
            let places = all.ids.iter().take(k).enumerate();
            let known = places.filter_map(|(at, id)| id.map(|id| (id, distance(at))));
            known.filter(|(id, _)| seen.insert(*id)).collect()
        };
        let (found, sought) = (first(&approximate), first(&exact));
        let ids: HashSet<u32> = sought.iter().map(|(id, _)| *id).collect();
        let last = sought.last().map_or(f64::NAN, |(_, distance)| *distance);
        let slack = options.tolerance * last.abs();
        let near = |distance: f64| {
            if options.similarity { distance >= last - slack } else { distance <= last + slack }
        };
        let by_id = found.iter().filter(|(id, _)| ids.contains(id)).count();
        let by_distance =
            found.iter().filter(|(id, distance)| !ids.contains(id) && near(*distance)).count();
        let tied = by_distance.min(sought.len() - by_id);
        QueryRecall {
            sought: sought.len(),
            found: by_id + tied,
            tied,
            missing: k - approximate.ids.iter().take(k).flatten().count(),
            ratio: ratio(&found, &sought),
        }
    }

    /// The share that was found; 1 where there was nothing to find.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of neighbors")]
    pub fn recall(&self) -> f64 {
        if self.sought == 0 { 1.0 } else { self.found as f64 / self.sought as f64 }
    }
}

fn ratio(found: &[(u32, f64)], sought: &[(u32, f64)]) -> Option<f64> {
    let both = found.len().min(sought.len());
    if both == 0 {
        return None;
    }
    let sum = |all: &[(u32, f64)]| all[..both].iter().map(|(_, distance)| distance).sum::<f64>();
    let (found, sought) = (sum(found), sum(sought));
    match found / sought {
        _ if found == sought => Some(1.0),
        ratio if sought > 0.0 && !ratio.is_nan() => Some(ratio),
        _ => None,
    }
}

/// Recall at `k` of many queries.
///
/// ```
/// use bigannoy_exact::{Ranked, Recall, RecallOptions};
///
/// let mut recall = Recall::new(RecallOptions::new(2));
/// let found = [Some(7), Some(9)];
/// recall.push(Ranked { ids: &found, ..Ranked::default() }, Ranked { ids: &found, ..Ranked::default() });
/// recall.push(
///     Ranked { ids: &[Some(7), Some(3)], distances: &[0.5, 1.0] },
///     Ranked { ids: &[Some(7), Some(1)], distances: &[0.5, 1.0] }, // 1 and 3 are equally near
/// );
/// recall.push(
///     Ranked { ids: &[Some(7), None], distances: &[0.5, f64::NAN] },
///     Ranked { ids: &[Some(7), Some(1)], distances: &[0.5, 1.0] },
/// );
/// assert_eq!(recall.mean(), (1.0 + 1.0 + 0.5) / 3.0);
/// assert_eq!(recall.percentile(0.0), 0.5);
/// assert_eq!((recall.tied(), recall.missing()), (1, 1));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recall {
    options: RecallOptions,
    queries: Vec<QueryRecall>,
}

impl Recall {
    /// Of no queries yet.
    #[must_use]
    pub fn new(options: RecallOptions) -> Self {
        Recall { options, queries: Vec::new() }
    }

    /// Adds a query: see [`QueryRecall::new`].
    pub fn push(&mut self, approximate: Ranked<'_>, exact: Ranked<'_>) {
        self.queries.push(QueryRecall::new(approximate, exact, &self.options));
    }

    /// Adds all queries of two blocks, row by row, with the distances that they have.
    ///
    /// # Panics
    /// If they have different numbers of rows.
    pub fn push_blocks(&mut self, approximate: &NeighborBlock, exact: &NeighborBlock) {
        assert_eq!(approximate.nrows(), exact.nrows(), "answers to the same queries");
        let columns = |block: &NeighborBlock, row| -> (Vec<Option<u32>>, Vec<f64>) {
            block.wide_row(row).map(|near| (Some(near.item), near.distance)).unzip()
        };
        for row in 0..exact.nrows() {
            let (found, exact) = (columns(approximate, row), columns(exact, row));
            self.push(
                Ranked { ids: &found.0, distances: &found.1 },
                Ranked { ids: &exact.0, distances: &exact.1 },
            );
        }
    }

    /// How recall is counted.
    #[must_use]
    pub fn options(&self) -> &RecallOptions {
        &self.options
    }

    /// The queries, in the order in which they were added.
    #[must_use]
    pub fn queries(&self) -> &[QueryRecall] {
        &self.queries
    }

    /// The mean over all queries; NaN where there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        mean(self.queries.iter().map(QueryRecall::recall))
    }

    /// The mean of the ratios of distances that are known: see [`QueryRecall::ratio`].
    #[must_use]
    pub fn mean_ratio(&self) -> Option<f64> {
        let mean = mean(self.queries.iter().filter_map(|query| query.ratio));
        (!mean.is_nan()).then_some(mean)
    }

    /// The recall that `percent` percent of the queries do not exceed, by the nearest rank: the
    /// lowest at 0, the median at 50, the highest at 100. NaN where there are no queries.
    ///
    /// # Panics
    /// If `percent` is not within 0 and 100.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among the queries"
    )]
    pub fn percentile(&self, percent: f64) -> f64 {
        assert!((0.0..=100.0).contains(&percent), "{percent} percent");
        let mut all: Vec<f64> = self.queries.iter().map(QueryRecall::recall).collect();
        all.sort_unstable_by(f64::total_cmp);
        let rank = (percent / 100.0 * all.len() as f64).ceil() as usize;
        all.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// How many queries found all that they could.
    #[must_use]
    pub fn perfect(&self) -> usize {
        self.queries.iter().filter(|query| query.found == query.sought).count()
    }

    /// How many neighbors count for their distance alone, over all queries.
    #[must_use]
    pub fn tied(&self) -> usize {
        self.queries.iter().map(|query| query.tied).sum()
    }

    /// How many places of the approximate answers are empty, over all queries.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.queries.iter().map(|query| query.missing).sum()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of queries")]
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    sum / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(ids: &[u32]) -> Vec<Option<u32>> {
        ids.iter().copied().map(Some).collect()
    }

    fn of(
        approximate: (&[Option<u32>], &[f64]),
        exact: (&[Option<u32>], &[f64]),
        options: RecallOptions,
    ) -> QueryRecall {
        let ranked = |(ids, distances)| Ranked { ids, distances };
        QueryRecall::new(ranked(approximate), ranked(exact), &options)
    }

    #[test]
    fn ties_count_by_distance_and_only_there() {
        let exact = (&ids(&[1, 2, 3])[..], &[1.0, 2.0, 2.0][..]);
        let found = ids(&[1, 8, 9]);
        let at = |distances: &[f64], options| of((&found, distances), exact, options);
        let options = RecallOptions::new(3);
        assert_eq!(at(&[1.0, 2.0, 2.0], options).found, 3);
        assert_eq!(at(&[1.0, 2.0, 2.1], options).found, 2);
        assert_eq!(at(&[1.0, 2.0, 2.000_001], options).tied, 2);
        assert_eq!(at(&[1.0, 2.0, 2.000_001], options.tolerance(0.0)).tied, 1);
        assert_eq!(at(&[1.0, f64::NAN, f64::NAN], options).found, 1);
        assert_eq!(at(&[], options).found, 1);
        // Recall at 2: what comes after does not count, on either side.
        assert_eq!(at(&[1.0, 2.0, 2.0], RecallOptions::new(2)).found, 2);
        assert_eq!(at(&[], RecallOptions::new(2)).found, 1);
    }

    #[test]
    fn larger_is_nearer_under_a_similarity() {
        let exact = (&ids(&[1, 2])[..], &[5.0, -1.0][..]);
        let found = ids(&[1, 9]);
        let options = RecallOptions::new(2).similarity(true);
        assert_eq!(of((&found, &[5.0, -1.0]), exact, options).found, 2);
        assert_eq!(of((&found, &[5.0, -1.5]), exact, options).found, 1);
        assert_eq!(of((&found, &[5.0, -1.0]), exact, options).ratio, Some(1.0));
    }

    #[test]
    fn empty_places_and_repeated_ids_find_nothing() {
        let exact = (&ids(&[1, 2, 3])[..], &[][..]);
        let repeated = of((&ids(&[1, 1, 1]), &[]), exact, RecallOptions::new(3));
        assert_eq!((repeated.found, repeated.missing), (1, 0));
        let short = of((&[Some(1), None, None], &[]), exact, RecallOptions::new(3));
        assert_eq!((short.found, short.missing, short.sought), (1, 2, 3));
        let nothing = of((&[None], &[]), (&[None, None], &[]), RecallOptions::new(2));
        assert_eq!((nothing.recall(), nothing.missing, nothing.ratio), (1.0, 2, None));
        let few = of((&ids(&[1, 9]), &[]), (&[Some(1), None], &[]), RecallOptions::new(2));
        assert_eq!(few.recall(), 1.0);
    }

    #[test]
    fn ratios_of_distances() {
        let exact = (&ids(&[1, 2])[..], &[1.0, 2.0][..]);
        let ratio = |distances: &[f64]| {
            of((&ids(&[8, 9])[..distances.len()], distances), exact, RecallOptions::new(2)).ratio
        };
        assert_eq!(ratio(&[2.0, 4.0]), Some(2.0));
        assert_eq!(ratio(&[1.5]), Some(1.5)); // against the nearest alone
        assert_eq!(ratio(&[1.0, f64::NAN]), None);
        assert_eq!(ratio(&[]), None); // nothing found is not as near as can be
        let zero = (&ids(&[1])[..], &[0.0][..]);
        assert_eq!(of((&ids(&[9]), &[0.0]), zero, RecallOptions::new(1)).ratio, Some(1.0));
        assert_eq!(of((&ids(&[9]), &[1.0]), zero, RecallOptions::new(1)).ratio, None);
    }

    proptest! {
        #[test]
        fn a_known_permutation_has_the_recall_of_arithmetic(
            k in 1usize..30, kept in 0usize..30, turn in 0usize..30, queries in 1usize..5,
        ) {
            let kept = kept.min(k);
            let exact: Vec<u32> = (0..30).collect();
            // The first `kept` of the nearest `k` in some order, and others.
            let mut found: Vec<u32> = exact[..kept].to_vec();
            found.extend(100..100 + u32::try_from(k - kept).unwrap());
            found.rotate_left(turn % k);
            let mut recall = Recall::new(RecallOptions::new(k));
            for _ in 0..queries {
                recall.push(
                    Ranked { ids: &ids(&found), distances: &[] },
                    Ranked { ids: &ids(&exact), distances: &[] },
                );
            }
            let expected = f64::from(u32::try_from(kept).unwrap()) / f64::from(u32::try_from(k).unwrap());
            prop_assert!((recall.mean() - expected).abs() < 1e-12);
            prop_assert_eq!(recall.percentile(50.0), expected);
            prop_assert_eq!(recall.perfect(), if kept == k { queries } else { 0 });
        }

        #[test]
        fn no_input_finds_more_than_there_is(
            approximate in proptest::collection::vec(proptest::option::of(0u32..9), 0..12),
            exact in proptest::collection::vec(proptest::option::of(0u32..9), 0..12),
            distances in proptest::collection::vec(any::<f64>(), 0..12),
            others in proptest::collection::vec(any::<f64>(), 0..12),
            k in 0usize..12, similarity: bool, tolerance in any::<f64>(),
        ) {
            let options = RecallOptions::new(k).similarity(similarity).tolerance(tolerance);
            let query = of((&approximate, &distances), (&exact, &others), options);
            prop_assert!(query.found <= query.sought && query.sought <= k && query.tied <= query.found);
            prop_assert!((0.0..=1.0).contains(&query.recall()));
            let same = of((&exact, &others), (&exact, &others), options);
            prop_assert_eq!(same.recall(), 1.0);
        }
    }

    #[test]
    fn blocks_are_compared_row_by_row() {
        let block = |rows: [&[(u32, f64)]; 2]| {
            let mut block = NeighborBlock::double(2, 2);
            for (mut row, all) in block.rows_mut().zip(rows) {
                let wide = |&(item, distance)| bigannoy_metric::WideNeighbor { item, distance };
                row.fill_wide(all.iter().map(wide));
            }
            block
        };
        let exact = block([&[(0, 1.0), (1, 2.0)], &[(5, 0.0), (6, 3.0)]]);
        let found = block([&[(0, 1.0), (9, 2.0)], &[(6, 3.0)]]);
        let mut recall = Recall::new(RecallOptions::new(2));
        recall.push_blocks(&found, &exact);
        assert_eq!(recall.mean(), 0.75);
        assert_eq!((recall.tied(), recall.missing()), (1, 1));
    }

    #[test]
    fn percentiles_go_by_the_nearest_rank() {
        let mut recall = Recall::new(RecallOptions::new(4));
        assert!(recall.mean().is_nan() && recall.percentile(50.0).is_nan());
        assert_eq!(recall.mean_ratio(), None);
        for found in [4, 1, 3, 2] {
            let approximate: Vec<Option<u32>> =
                (0..4).map(|id| (id < found).then_some(id)).collect();
            recall.push(
                Ranked { ids: &approximate, distances: &[] },
                Ranked { ids: &ids(&[0, 1, 2, 3]), distances: &[] },
            );
        }
        let shares = [0.0, 25.0, 25.1, 50.0, 99.0, 100.0].map(|percent| recall.percentile(percent));
        assert_eq!(shares, [0.25, 0.25, 0.5, 0.5, 1.0, 1.0]);
        assert_eq!(recall.missing(), 6);
    }
}
