//! The upper levels of trees, which several trees grow in one pass over the items.
//!
//! The items of a set near the root lie all over the index, and reading them one by one waits for
//! memory. Here a level of several trees is grown at once: planes are chosen for all its sets, then
//! all items are read in the order in which they lie, and while some are near the processor, each
//! tree tells the sides on which they are.

use bigannoy_format::Layout;
use bigannoy_metric::Metric;
use bigannoy_metric::folded::{Chunk, Strided, n_chunks, pad};

use crate::items::Items;
use crate::random::SetKey;
use crate::rows::{Rows, most_near};
use crate::split::{SAMPLE, Splitter, is_lopsided};

/// Sets that a level of a crown has at most.
const MOST_SETS: usize = 4096;
/// Items that are looked at for one tree after the other.
const BLOCK: usize = 64;

/// The upper splits of a tree, and its items in the order in which they were split.
#[derive(Debug)]
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

impl Crown {
    /// That of a tree over items `0..n_items` whose root is to be split as all others.
    pub(crate) fn none(n_items: u32) -> Self {
        Crown { ids: (0..n_items).collect(), splits: Vec::new() }
    }
}

/// A tree whose crown is growing.
#[derive(Debug)]
pub(crate) struct Young {
    splitter: Splitter,
    crown: Crown,
    /// The set of the current level in which each item is.
    places: Vec<u16>,
    level: Vec<LevelSet>,
    /// For each set of the level, padded, its plane's normal; its offset; and the first of its sides
    /// in the next level, itself if it is not split.
    normals: Vec<Chunk>,
    offsets: Vec<f32>,
    below: Vec<u16>,
    margins: Vec<f32>,
}

/// A set of the current level.
#[derive(Clone, Copy, Debug)]
struct LevelSet {
    key: SetKey,
    /// Where its items begin in the crown's ids, and how many they are.
    first: usize,
    count: usize,
    /// Which side of which split it is.
    parent: Option<(usize, usize)>,
    /// Its split, if it has one.
    split: Option<usize>,
}

impl LevelSet {
    fn new(key: SetKey, first: usize, count: usize, parent: Option<(usize, usize)>) -> Self {
        LevelSet { key, first, count, parent, split: None }
    }
}

impl Young {
    pub(crate) fn new(splitter: Splitter, n_items: u32) -> Self {
        let crown = Crown::none(n_items);
        let level = vec![LevelSet::new(SetKey::ROOT, 0, crown.ids.len(), None)];
        let places = vec![0; crown.ids.len()];
        let (normals, margins) = (Vec::new(), Vec::new());
        let (offsets, below) = (Vec::new(), Vec::new());
        Young { splitter, crown, places, level, normals, offsets, below, margins }
    }

    /// The crown, and what splits the sets below it.
    pub(crate) fn into_parts(self) -> (Crown, Splitter) {
        (self.crown, self.splitter)
    }

    /// Chooses planes for the sets of the level that are too large to be copied. Tells whether the
    /// pass over all items is worth while for them.
    fn choose_planes(&mut self, items: Items<'_>) -> bool {
        let layout = items.layout();
        let size = n_chunks(layout.dim());
        let large = |set: &LevelSet| set.count > smallest_split(layout);
        let in_large: usize = self.level.iter().filter(|set| large(set)).map(|set| set.count).sum();
        if in_large < self.places.len().div_ceil(4) || self.level.len() > MOST_SETS / 2 {
            return false;
        }
        self.normals.clear();
        self.normals.resize(self.level.len() * size, Chunk::default());
        self.offsets.clear();
        self.below.clear();
        let mut below = 0;
        for (set, padded) in self.level.iter_mut().zip(self.normals.chunks_exact_mut(size)) {
            self.below.push(below);
            // Items of a set that is not split stay on its side 0.
            self.offsets.push(-1.0);
            below += 1;
            if !large(set) {
                continue;
            }
            below += 1;
            let ids = &self.crown.ids[set.first..][..set.count];
            let split = self.crown.splits.len();
            let mut normal = vec![0.0; layout.dim()];
            let mut offset = 0.0;
            // Without a plane, all items stay on one side, and are told apart later.
            if self.splitter.choose(Rows::Far(items), ids, set.key) {
                let plane = crate::grow::SplitSets::plane(&self.splitter);
                normal.copy_from_slice(plane.normal);
                pad(plane.normal, padded);
                offset = plane.offset;
                if let Some(last) = self.offsets.last_mut() {
                    *last = offset;
                }
            }
            set.split = Some(split);
            self.crown.splits.push(CrownSplit { normal, offset, zeros: 0, below: [None; 2] });
            if let Some((parent, side)) = set.parent {
                self.crown.splits[parent].below[side] = Some(split);
            }
        }
        true
    }

    /// Moves the items from `first` on, whose vectors these are, to the sets of the next level.
    fn pass(&mut self, first: usize, count: usize, vectors: Strided<'_>) {
        let places = &mut self.places[first..first + count];
        self.margins.clear();
        self.margins.extend(places.iter().map(|&place| self.offsets[usize::from(place)]));
        let code = self.splitter.code();
        code.add_own_products(&self.normals, places, vectors, &mut self.margins);
        let mut within = false;
        for (place, &margin) in places.iter_mut().zip(&self.margins) {
            within |= margin == 0.0;
            *place = self.below[usize::from(*place)] + u16::from(margin > 0.0);
        }
        if within {
            self.toss(first);
        }
    }

    /// Tosses for the items of the last pass, from `first` on, that are within their planes.
    fn toss(&mut self, first: usize) {
        for (at, _) in self.margins.iter().enumerate().filter(|(_, margin)| **margin == 0.0) {
            let item = first + at;
            let place = self.places[item];
            // The set whose side 0 this is; those before it have sides before it.
            let set = self.below.partition_point(|&below| below <= place) - 1;
            #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
            let toss = self.level[set].key.toss(item as u32);
            self.places[item] = place + u16::from(toss);
        }
    }

    /// Makes the next level of where the items are now.
    fn finish_level(&mut self, layout: Layout) {
        let mut counts = vec![0usize; 2 * self.level.len()];
        for &place in &self.places {
            counts[usize::from(place)] += 1;
        }
        let mut next = Vec::with_capacity(2 * self.level.len());
        for (set, &below) in self.level.iter().zip(&self.below) {
            let Some(split) = set.split else {
                next.push(LevelSet::new(set.key, set.first, set.count, set.parent));
                continue;
            };
            let mut zeros = counts[usize::from(below)];
            if is_lopsided(zeros, set.count) {
                let sides = self.splitter.halve(layout.dim(), set.count, set.key);
                let ids = &self.crown.ids[set.first..][..set.count];
                for (&item, &side) in ids.iter().zip(sides) {
                    self.places[item as usize] = below + u16::from(side);
                }
                zeros = set.count - set.count / 2;
                self.crown.splits[split].normal.fill(0.0);
                self.crown.splits[split].offset = 0.0;
            }
            self.crown.splits[split].zeros = zeros;
            for (side, first, count) in
                [(0, set.first, zeros), (1, set.first + zeros, set.count - zeros)]
            {
                next.push(LevelSet::new(set.key.side(side), first, count, Some((split, side))));
            }
        }
        let mut ends: Vec<usize> = next.iter().map(|set| set.first).collect();
        for (item, &place) in (0..).zip(&self.places) {
            let end = &mut ends[usize::from(place)];
            self.crown.ids[*end] = item;
            *end += 1;
        }
        self.level = next;
    }
}

/// Sets of no more items than this are split below the crown.
fn smallest_split(layout: Layout) -> usize {
    most_near(layout).max(layout.leaf_capacity()).max(SAMPLE)
}

/// Grows the crowns of several trees over all `items`, level by level. Tells whether they are whole:
/// `stop` can end it early.
///
/// It changes no split: each is what it would be below the crown. Under dot there is no crown,
/// because what is split there depends on the lengths of the whole set.
pub(crate) fn grow_crowns(items: Items<'_>, trees: &mut [Young], stop: &dyn Fn() -> bool) -> bool {
    let layout = items.layout();
    if layout.metric() == Metric::Dot {
        return true;
    }
    loop {
        let mut growing: Vec<&mut Young> = Vec::new();
        for tree in &mut *trees {
            if stop() {
                return false;
            }
            if tree.choose_planes(items) {
                growing.push(tree);
            }
        }
        let Some(n_items) = growing.first().map(|tree| tree.places.len()) else {
            return true;
        };
        for first in (0..n_items).step_by(BLOCK) {
            let count = BLOCK.min(n_items - first);
            let vectors = items.strided(first, count);
            for tree in &mut growing {
                tree.pass(first, count, vectors);
            }
            if first % (1 << 16) == 0 && stop() {
                return false;
            }
        }
        for tree in &mut growing {
            tree.finish_level(layout);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::grow::grow;
    use crate::random::TreeRandom;

    #[test]
    fn a_crown_changes_no_split() {
        const ITEMS: u32 = 9000;
        for (metric, dim) in [(Metric::Euclidean, 50), (Metric::Angular, 61), (Metric::Dot, 50)] {
            // Of the second kind, most items are equal: no plane cuts them.
            for equal in [0, 7000] {
                let layout = Layout::new(metric, dim).unwrap();
                let mut random = TreeRandom::new(11, 0);
                let (mut words, mut squares) = (Vec::new(), Vec::new());
                for item in 0..ITEMS {
                    let value =
                        |_| f32::from(u16::try_from(random.below(60_000)).unwrap()) / 6e4 - 0.4;
                    let mut vector: Vec<f32> = (0..dim).map(value).collect();
                    if item < equal {
                        vector.fill(0.25);
                    }
                    layout.push_item(&mut words, &vector);
                    squares.push(vector.iter().map(|value| value * value).sum());
                }
                let items = Items::new(&words, layout, &squares);
                let new = || Splitter::new(TreeRandom::new(3, 1));
                let mut young = [Young::new(new(), ITEMS), Young::new(new(), ITEMS)];
                assert!(grow_crowns(items, &mut young, &|| false));
                let plain = grow(items, Crown::none(ITEMS), &mut new(), &|| false).unwrap();
                for young in young {
                    let (crown, mut splitter) = young.into_parts();
                    assert_eq!(crown.splits.is_empty(), metric == Metric::Dot);
                    let tree = grow(items, crown, &mut splitter, &|| false).unwrap();
                    assert!(tree.records == plain.records, "{metric}, {equal}");
                }
            }
        }
    }

    #[test]
    fn a_crown_stops_when_it_is_told_to() {
        let layout = Layout::new(Metric::Euclidean, 1).unwrap();
        let words = vec![0; 10 * layout.record_words()];
        let mut young = [Young::new(Splitter::new(TreeRandom::new(3, 1)), 10)];
        assert!(!grow_crowns(Items::new(&words, layout, &[]), &mut young, &|| true));
    }
}
