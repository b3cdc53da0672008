//! Cuts of sets that have a few items far away from the others, or many equal ones.

use bigannoy_metric::folded::{Chunk, n_chunks, pad};

use super::{GOOD_BALANCE, Splitter, larger_share, n_ones, tell_sides, try_planes};
use crate::items::Items;
use crate::means::Sample;
use crate::random::SetKey;
use crate::rows::Rows;

/// Items of a sample that may be taken for the middle of its core.
const CANDIDATES: usize = 8;

impl Splitter {
    /// Cuts a set of which planes between centroids leave almost all items on one side, since one centroid stays with
    /// items far away, or is where the other is: by a plane across the half of a sample that lies closest together. It goes where it leaves as
    /// many items on either side, if it does not come near that by itself. Tells whether enough are on both.
    ///
    /// Not for planes that have to go through zero.
    pub(super) fn cut_core(&mut self, items: Items<'_>, set: &[u32], key: SetKey) -> bool {
        let rows = Rows::Far(items);
        self.random.begin(key);
        let sampled = self.draw_sample(set);
        self.copy_sample(rows, (!sampled).then_some(set));
        let dim = rows.layout().dim();
        let size = n_chunks(dim);
        let core = self.core(items, if sampled { None } else { Some(set) });
        if core.is_empty() {
            return false;
        }
        let Splitter { code, means, random, copied, counted, normal, padded, margins, .. } = self;
        let sample = Sample { rows: copied, picks: &core, size, directions: false };
        means.begin(*code, sample);
        try_planes(core.len(), || {
            means.run(*code, sample, random);
            n_ones(means.margins())
        });
        normal.resize(dim, 0.0);
        let Some(offset) = means.plane(*code, normal) else { return false };
        padded.resize(size, Chunk::default());
        pad(normal, padded);
        margins.clear();
        margins.resize(counted.len(), offset);
        code.add_products(padded, copied, counted, margins);
        self.offset = offset;
        if larger_share(n_ones(margins), margins.len()) > GOOD_BALANCE {
            let Some(shift) = middle(margins) else { return false };
            self.offset -= shift;
            for margin in &mut *margins {
                *margin -= shift;
            }
        }
        if !self.offset.is_finite() {
            return false;
        }
        if sampled {
            margins.clear();
            margins.resize(set.len(), self.offset);
            rows.add_products(*code, normal, padded, set, margins);
        }
        tell_sides(margins, |at| key.toss(rows.number(set[at])), &mut self.sides);
        self.is_balanced()
    }

    /// The rows of a sample, of a whole set or of the items drawn, that make its core: the half that lies nearest to one of
    /// its items, which is the one that has its half nearest. Of items that are equal to that one, one counts; none if all are.
    fn core(&mut self, items: Items<'_>, set: Option<&[u32]>) -> Vec<u32> {
        let sample = set.unwrap_or(&self.drawn);
        self.vector.resize(items.layout().dim(), 0.0);
        let mut nearest: Vec<(f32, u32)> = Vec::new();
        for candidate in sample.iter().step_by(sample.len().div_ceil(CANDIDATES)) {
            let from = items.vector(*candidate);
            let mut distances: Vec<(f32, u32)> = (sample.iter().zip(0..))
                .map(|(&item, row)| {
                    (self.code.difference(items.vector(item), from, &mut self.vector), row)
                })
                .collect();
            distances.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let equal = distances.iter().take_while(|(distance, _)| *distance == 0.0).count();
            if equal == distances.len() {
                return Vec::new();
            }
            distances.drain(..equal.saturating_sub(1));
            distances.truncate(distances.len().div_ceil(2).max(2));
            if nearest.is_empty() || distances.last() < nearest.last() {
                nearest = distances;
            }
        }
        let mut core: Vec<u32> = nearest.into_iter().map(|(_, row)| row).collect();
        core.sort_unstable();
        core
    }
}

/// A value between two of the margins that leaves about as many of them below as above. `None` if all are equal.
fn middle(margins: &[f32]) -> Option<f32> {
    let mut ordered = margins.to_vec();
    ordered.sort_unstable_by(f32::total_cmp);
    let half = ordered.len() / 2;
    let mut steps =
        (1..ordered.len()).filter(|&at| ordered[at - 1] < ordered[at]).collect::<Vec<_>>();
    steps.sort_by_key(|at| at.abs_diff(half));
    let &at = steps.first()?;
    Some(ordered[at - 1] * 0.5 + ordered[at] * 0.5)
}

#[cfg(test)]
mod tests {
    use bigannoy_metric::Metric;

    use super::super::tests::stored;
    use super::*;
    use crate::random::TreeRandom;

    #[test]
    fn the_middle_is_the_step_nearest_to_the_half() {
        assert_eq!(middle(&[3.0, 1.0, 2.0, 4.0]), Some(2.5));
        assert_eq!(middle(&[0.0, 0.0, 0.0, 0.0, 8.0, 9.0]), Some(4.0));
        assert_eq!(middle(&[7.0; 5]), None);
    }

    #[test]
    fn items_far_away_do_not_keep_the_others_together() {
        for metric in [Metric::Euclidean, Metric::Manhattan] {
            // Two of 300 are far away, in opposite directions.
            let mut vectors: Vec<[f32; 2]> =
                (0u16..300).map(|i| [f32::from(i % 17), f32::from(i % 19)]).collect();
            vectors[50] = [1e6, 0.0];
            vectors[200] = [-1e7, 1e6];
            let (layout, words, squares) = stored(metric, &vectors);
            let items = Items::new(&words, layout, &squares);
            for count in [200, 300] {
                let set: Vec<u32> = (0..count).collect();
                for tree in 0..5 {
                    let mut splitter = Splitter::new(TreeRandom::new(1, tree));
                    assert!(splitter.cut_core(items, &set, SetKey::ROOT));
                    let ones = splitter.sides.iter().filter(|&&side| side).count();
                    assert!(larger_share(ones, set.len()) < 0.8, "{ones} of {count}");
                    // The plane in the file is the one that tells the sides.
                    let margin = |item: u32| {
                        let normal = &splitter.normal;
                        let vector = items.vector(item);
                        splitter.offset + normal[0] * vector[0] + normal[1] * vector[1]
                    };
                    let agree = set.iter().zip(&splitter.sides);
                    let agree = agree.filter(|&(&item, side)| (margin(item) > 0.0) == *side);
                    assert!(agree.count() >= set.len() - 3);
                }
            }
        }
    }

    #[test]
    fn items_that_are_all_equal_are_not_cut() {
        let (layout, words, squares) = stored(Metric::Euclidean, &[[3.0, 4.0]; 300]);
        let items = Items::new(&words, layout, &squares);
        let set: Vec<u32> = (0..300).collect();
        let mut splitter = Splitter::new(TreeRandom::new(1, 0));
        assert!(!splitter.cut_core(items, &set, SetKey::ROOT));
        assert!(!splitter.cut_core(items, &set[..2], SetKey::ROOT));
    }
}
