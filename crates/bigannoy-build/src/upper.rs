//! Several levels of a tree at once, by planes that one sample chooses.
//!
//! Whoever splits a large set level by level goes through all its items at each level. Here a sample
//! is split instead, down to sets that are small enough to be copied near the processor; then each
//! item of the set goes all the way down past the planes, while it is in a register or near one.

use bigannoy_format::Layout;
use bigannoy_metric::coded::{Codes, n_codes};
use bigannoy_metric::{Folded, Metric};

use crate::descent::{Block, Descent, END};
use crate::grow::{SplitSets, partition};
use crate::items::Items;
use crate::random::SetKey;
use crate::rows::most_near;
use crate::split::{SAMPLE, Splitter, is_lopsided};

/// How many items of a set the sample has at least, if the set is split with the others.
const LEAST: usize = 128;
/// The same for vectors so long that what fits in a leaf is not copied: the sample is much of the work there, and its planes
/// are those above leaves.
const LEAST_LONG: usize = 64;
/// The sample takes no more bytes than this, unless it would be too small to be one.
const SAMPLE_BYTES: usize = 24 << 20;

/// The upper splits of a tree, and its items in the order in which they were split.
#[derive(Debug, Default)]
pub(crate) struct Crown {
    /// The items of each set together, in a set in ascending order; side 0 before side 1.
    pub(crate) ids: Vec<u32>,
    /// The splits, the root's first. None where the root is to be split as all others.
    pub(crate) splits: Vec<CrownSplit>,
}

/// A split of a crown.
#[derive(Debug)]
pub(crate) struct CrownSplit {
    pub(crate) normal: Vec<f32>,
    pub(crate) offset: f32,
    /// How many items are on side 0.
    pub(crate) zeros: usize,
    /// The splits of the sides, where the crown has them.
    pub(crate) below: [Option<usize>; 2],
}

impl CrownSplit {
    /// The same where the first split of the crown has another number than 0.
    pub(crate) fn numbered_from(mut self, first: usize) -> Self {
        self.below = self.below.map(|below| below.map(|split| first + split));
        self
    }
}

impl Crown {
    /// That of a tree over items `0..n_items` whose root is to be split as all others.
    pub(crate) fn none(n_items: u32) -> Self {
        Crown { ids: (0..n_items).collect(), splits: Vec::new() }
    }
}

/// The planes of a set's upper levels, which cut it in parts.
#[derive(Debug, Default)]
pub(crate) struct Upper {
    splits: Vec<CrownSplit>,
    /// The planes of the splits.
    descent: Descent,
    /// For each split, the first part of each side, and the first part behind them.
    parts: Vec<[usize; 3]>,
    n_parts: usize,
}

/// A part of the sample, and which side of which split it is.
struct Sampled {
    first: usize,
    count: usize,
    key: SetKey,
    side_of: Option<(usize, usize)>,
}

/// Sets of no more items than this are split one by one.
pub(crate) fn smallest_split(layout: Layout) -> usize {
    // The sample knows sizes to a twentieth; beyond the eighth a part would be split once more.
    (most_near(layout) / 8 * 7).max(layout.leaf_capacity()).max(SAMPLE)
}

/// A set is split with the others if the sample has more items of it than this.
fn least(layout: Layout) -> usize {
    if most_near(layout) < layout.leaf_capacity() { LEAST_LONG } else { LEAST }
}

/// Whether a set of `count` items is cut by planes that one sample chooses. Under dot none is, because
/// what is split there depends on the lengths in the whole set.
pub(crate) fn is_due(layout: Layout, count: usize) -> bool {
    layout.metric() != Metric::Dot && count > smallest_split(layout).max(most_near(layout))
}

/// How many of `count` items are drawn: enough that every set to be split is well represented, or
/// as many as there is room for.
fn sample_size(layout: Layout, count: usize) -> usize {
    let wanted =
        (count as u64 * (least(layout) as u64 + 1)).div_ceil(smallest_split(layout) as u64);
    let room = SAMPLE_BYTES / sampled_bytes(layout);
    usize::try_from(wanted).unwrap_or(room).min(room).max(2 * SAMPLE).min(count)
}

/// Bytes of an item of a sample: its vector, numbers, margin, and room to part it from others.
fn sampled_bytes(layout: Layout) -> usize {
    size_of::<Codes>() * n_codes(layout.dim()) + 20
}

/// Bytes of the sample of a set of `count` items.
pub(crate) fn sample_bytes(layout: Layout, count: usize) -> usize {
    if !is_due(layout, count) {
        return 0;
    }
    sample_size(layout, count) * sampled_bytes(layout)
}

impl Upper {
    /// Chooses the planes for a set of `count` items, which `item` names by their places, and which is
    /// called `key`.
    pub(crate) fn choose(
        splitter: &mut Splitter,
        items: Items<'_>,
        (count, item): (usize, &dyn Fn(usize) -> u32),
        key: SetKey,
    ) -> Self {
        let layout = items.layout();
        let mut drawn = splitter.draw(count, sample_size(layout, count), key.upper());
        for place in &mut drawn {
            *place = item(*place as usize);
        }
        let mut sample = splitter.take_sample();
        sample.fill(splitter.code(), items, &mut drawn);
        // A part of the sample stands for so many times as many items.
        let smallest = smallest_split(layout) * drawn.len() / count;
        let mut upper = Upper::default();
        let mut spare = Vec::new();
        let mut parts = vec![Sampled { first: 0, count: drawn.len(), key, side_of: None }];
        let mut at = 0;
        while let Some(&Sampled { first, count, key, side_of }) = parts.get(at) {
            at += 1;
            let set = &mut drawn[first..first + count];
            let split = upper.splits.len();
            let is_split = count > smallest.max(least(layout))
                && split + 1 < usize::from(END)
                && splitter.cut((&mut sample, items), set, key);
            let next = if is_split { split } else { usize::from(END) + upper.n_parts };
            if let Some((parent, side)) = side_of {
                #[expect(clippy::cast_possible_truncation, reason = "splits are few")]
                let next = next as u16;
                upper.descent.lead(parent, side, next);
                upper.splits[parent].below[side] = is_split.then_some(split);
            }
            if !is_split {
                upper.n_parts += 1;
                continue;
            }
            let plane = splitter.plane();
            let (normal, offset) = (plane.normal.to_vec(), plane.offset);
            upper.descent.push(splitter.code(), (&normal, offset), key);
            upper.splits.push(CrownSplit { normal, offset, zeros: 0, below: [None; 2] });
            let zeros = partition(set, splitter.sides(), &mut spare);
            for (side, first, count) in [(0, first, zeros), (1, first + zeros, count - zeros)] {
                let side_of = Some((split, side));
                parts.push(Sampled { first, count, key: key.side(side), side_of });
            }
        }
        splitter.give_sample(sample);
        upper.number_parts();
        upper
    }

    /// Numbers the parts from side 0 to side 1.
    fn number_parts(&mut self) {
        let n_splits = self.splits.len();
        let mut sizes = vec![[1, 1]; n_splits];
        // Splits come after those above them.
        for split in (0..n_splits).rev() {
            for side in 0..2 {
                if let Some(below) = self.splits[split].below[side] {
                    sizes[split][side] = sizes[below][0] + sizes[below][1];
                }
            }
        }
        self.parts = vec![[0; 3]; n_splits];
        for (split, [zeros, ones]) in sizes.into_iter().enumerate() {
            let first = self.parts[split][0];
            let middle = first + zeros;
            self.parts[split] = [first, middle, middle + ones];
            for (side, first) in [(0, first), (1, middle)] {
                match self.splits[split].below[side] {
                    Some(below) => self.parts[below][0] = first,
                    #[expect(clippy::cast_possible_truncation, reason = "parts are few")]
                    None => self.descent.lead(split, side, END | first as u16),
                }
            }
        }
    }

    /// Whether there is no plane.
    pub(crate) fn is_empty(&self) -> bool {
        self.splits.is_empty()
    }

    /// Tells the parts in which the items of a block are, in order.
    pub(crate) fn descend(&self, code: Folded, block: (&mut Block, Items<'_>), parts: &mut [u16]) {
        self.descent.go(code, block, parts);
    }

    /// Orders a set by the parts in which its items are, `parts[i]` being that of `item(i)`, and gives
    /// the splits. Planes are given up, and what was below them, where they leave almost all on one side,
    /// or where the sample took for larger what fits in a leaf.
    pub(crate) fn arrange(
        mut self,
        leaf_capacity: usize,
        parts: &[u16],
        item: &dyn Fn(usize) -> u32,
        ids: &mut [u32],
    ) -> Vec<CrownSplit> {
        let mut firsts = vec![0usize; self.n_parts + 1];
        for &part in parts {
            firsts[usize::from(part) + 1] += 1;
        }
        for part in 1..firsts.len() {
            firsts[part] += firsts[part - 1];
        }
        let mut ends = firsts.clone();
        for (place, &part) in parts.iter().enumerate() {
            let end = &mut ends[usize::from(part)];
            ids[*end] = item(place);
            *end += 1;
        }
        for split in 0..self.splits.len() {
            let [first, middle, end] = self.parts[split].map(|part| firsts[part]);
            self.splits[split].zeros = middle - first;
            if end - first <= leaf_capacity || is_lopsided(middle - first, end - first) {
                // Whoever splits the set anew, or makes a leaf of it, wants it in order.
                ids[first..end].sort_unstable();
                if split == 0 {
                    return Vec::new();
                }
                let above = self.splits[..split].iter_mut().flat_map(|above| &mut above.below);
                above.filter(|below| **below == Some(split)).for_each(|below| *below = None);
            }
        }
        self.splits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_metric::Folded;

    /// Four parts under three splits: one of all items, one of each side.
    fn three_splits() -> Upper {
        let split = |below| CrownSplit { normal: Vec::new(), offset: 0.0, zeros: 0, below };
        let mut upper = Upper {
            splits: vec![split([Some(1), Some(2)]), split([None; 2]), split([None; 2])],
            n_parts: 4,
            ..Upper::default()
        };
        for _ in 0..3 {
            upper.descent.push(Folded::new(), (&[1.0], 0.0), SetKey::ROOT);
        }
        upper.descent.lead(0, 0, 1);
        upper.descent.lead(0, 1, 2);
        upper.number_parts();
        upper
    }

    #[test]
    fn items_are_ordered_by_their_parts() {
        let upper = three_splits();
        let next = [0, 1, 2].map(|split| upper.descent.next(split));
        assert_eq!(next, [[1, 2], [END, END | 1], [END | 2, END | 3]]);
        assert_eq!(upper.parts, [[0, 2, 4], [0, 1, 2], [2, 3, 4]]);
        let mut ids = [0; 6];
        let splits =
            upper.arrange(1, &[3, 0, 1, 0, 2, 1], &|place| [5, 6, 7, 8, 9, 10][place], &mut ids);
        assert_eq!(ids, [6, 8, 7, 10, 9, 5]);
        assert_eq!([splits[0].zeros, splits[1].zeros, splits[2].zeros], [4, 2, 1]);
        assert_eq!(splits[0].below, [Some(1), Some(2)]);
    }

    #[test]
    fn planes_that_cut_next_to_nothing_off_are_given_up() {
        // The sample saw items on both sides of the second split; there are none.
        let item = |place: usize| [9, 3, 5, 4][place];
        let mut ids = [0; 4];
        let splits = three_splits().arrange(1, &[2, 1, 3, 1], &item, &mut ids);
        assert_eq!((splits[0].below, splits[0].zeros), ([None, Some(2)], 2));
        assert_eq!(ids, [3, 4, 9, 5]);
        // None on one side of the first: all are split anew, and in order.
        assert!(three_splits().arrange(1, &[1, 0, 1, 0], &item, &mut ids).is_empty());
        assert_eq!(ids, [3, 4, 5, 9]);
    }

    #[test]
    fn planes_of_what_fits_in_a_leaf_are_given_up() {
        let item = |place: usize| [9, 3, 5, 4, 8][place];
        let mut ids = [0; 5];
        let splits = three_splits().arrange(2, &[1, 0, 3, 2, 2], &item, &mut ids);
        assert_eq!((splits[0].below, splits[0].zeros), ([None, Some(2)], 2));
        assert_eq!(ids, [3, 9, 4, 8, 5]);
    }

    #[test]
    fn samples_are_large_enough_for_each_split_and_no_larger_than_there_is_room() {
        let layout = |dim| Layout::new(Metric::Euclidean, dim).unwrap();
        assert!(!is_due(layout(50), 4096) && is_due(layout(50), 4097));
        assert!(!is_due(Layout::new(Metric::Dot, 50).unwrap(), 1 << 20));
        assert_eq!((smallest_split(layout(50)), sample_size(layout(50), 390_000)), (3584, 14_038));
        assert_eq!(sample_size(layout(50), 1 << 30), (24 << 20) / 148);
        assert_eq!((smallest_split(layout(784)), sample_size(layout(784), 50_000)), (786, 4135));
        assert_eq!(sample_size(layout(20_000), 50_000), 2 * SAMPLE);
        assert_eq!(sample_bytes(layout(50), 4000), 0);
    }

    #[test]
    fn as_many_splits_as_there_can_be_lead_to_parts_that_differ() {
        // One below the other, as the most lopsided planes would be.
        let most = usize::from(END) - 1;
        let mut upper = Upper { n_parts: most + 1, ..Upper::default() };
        for split in 0..most {
            upper.descent.push(Folded::new(), (&[1.0], 0.0), SetKey::ROOT);
            let below = (split + 1 < most).then_some(split + 1);
            upper.splits.push(CrownSplit {
                normal: vec![1.0],
                offset: 0.0,
                zeros: 0,
                below: [None, below],
            });
        }
        upper.number_parts();
        assert_eq!(upper.parts[most - 1], [most - 1, most, most + 1]);
    }
}
