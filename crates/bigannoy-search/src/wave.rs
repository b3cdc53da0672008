//! The walk in waves: the items that Annoy's order would gather, without keeping to it.
//!
//! Annoy takes subtrees by priority, the smallest margin on the way there, and stops in the midst of
//! one priority. Which leaves that gives does not depend on the order above that priority. So all
//! records above some floor are visited, in whatever order has most of them under way at once: eight
//! margins are computed side by side, and records are asked for long before their turn. While too
//! few items are found the floor is lowered, to the best of the subtrees put off. In the end the
//! leaves of the last wave are sorted, and for those that share the priority at which Annoy stops, its
//! own order is gone through: among equals the largest number first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bigannoy_format::{DamagedRecord, Forest, NodeId, Record, Split};
use bigannoy_metric::Prepared;
use bigannoy_metric::kernel::{self, LANES};

use crate::ordered::most_visits;
use crate::scratch::{Priority, Scratch, lesser};
use crate::walk::Walk;

/// Records that are asked for before they are visited.
const AHEAD: usize = 24;
/// Subtrees that a wave begins with at least: fewer would leave lanes empty.
const LEAST_RELEASED: usize = LANES;
/// The part of what was put off that a wave begins with at most. The farther the floor is lowered at
/// once, the more leaves there are below each subtree: with a tenth it is one or two, with a half ten.
const MOST_RELEASED: usize = 10;
/// The part of what was put off that a wave begins with at least: every wave goes through all of it. Where a
/// filter admits next to nothing, hardly any leaf brings the end nearer, and without this the work would grow
/// with the square of the subtrees.
const PART_RELEASED: usize = 64;

/// How many subtrees a wave begins with, of so many that were put off, where `wanted` are likely to do.
pub(crate) fn released(wanted: usize, put_off: usize) -> usize {
    let least = LEAST_RELEASED.max(put_off / PART_RELEASED);
    wanted.min(put_off / MOST_RELEASED).max(least).min(put_off)
}

/// A subtree and its priority in one integer. Node numbers have 31 bits; the bit between says that
/// the priority is that of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subtree(u64);

const INHERITED: u64 = 1 << 31;

pub(crate) const NO_SPLIT: Split<'static> =
    Split { normal: &[], offset: 0.0, children: [NodeId(0); 2] };

impl Subtree {
    fn new(priority: Priority, node: NodeId, inherited: bool) -> Self {
        Subtree(priority.key() | u64::from(inherited) << 31 | u64::from(node.0))
    }

    fn priority(self) -> Priority {
        Priority::of_key(self.0)
    }

    fn node(self) -> NodeId {
        NodeId((self.0 & (INHERITED - 1)) as u32)
    }

    fn is_inherited(self) -> bool {
        self.0 & INHERITED != 0
    }

    /// The two subtrees below a split, on whose plane's side 1 the query is by `margin`.
    fn children(self, split: &Split<'_>, margin: f32) -> [Subtree; 2] {
        let nearest = self.priority();
        [(1, margin), (0, -margin)].map(|(child, margin)| {
            let priority = Priority::of_margin(lesser(nearest.margin(), margin));
            Subtree::new(priority, split.children[child], priority == nearest)
        })
    }
}

/// A leaf, and how many of its items count.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    subtree: Subtree,
    count: u32,
}

/// Buffers of the walk in waves: eight or sixteen bytes for each record visited.
#[derive(Debug, Default)]
pub(crate) struct Waves {
    /// What the current wave visits, in order of discovery.
    wave: Vec<Subtree>,
    /// Children below the floor.
    put_off: Vec<Subtree>,
    leaves: Vec<Leaf>,
    /// Nodes of one priority, where the last wave is gone through in order.
    equals: BinaryHeap<u32>,
    /// Subtrees that were looked at to begin waves, all queries together.
    #[cfg(test)]
    pub(crate) sifted: usize,
}

impl Walk<'_> {
    /// Gathers what [`Walk::gather_in_order`] would, where planes split.
    ///
    /// # Errors
    /// [`DamagedRecord`]: a record that the walk in order may or may not come to. The candidates are
    /// then as they were.
    pub(crate) fn gather_in_waves(
        &self,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        search_k: usize,
        scratch: &mut Scratch,
    ) -> Result<(), DamagedRecord> {
        let Scratch { waves, candidates, .. } = scratch;
        waves.begin(forest);
        let capacity = forest.shape().layout().leaf_capacity();
        let mut floor = Priority::of_margin(first_floor(forest, search_k));
        let mut visits = most_visits(forest.shape());
        // Leaves of the waves before the last, which are gathered anyway, and their items.
        let mut sure = 0;
        let mut gathered = 0;
        loop {
            waves.run(self, forest, query, floor, &mut visits)?;
            let found: usize = waves.leaves[sure..].iter().map(|leaf| leaf.count as usize).sum();
            if gathered + found >= search_k || waves.put_off.is_empty() {
                break;
            }
            gathered += found;
            sure = waves.leaves.len();
            // Half of what is likely to be needed: each subtree has more leaves than one.
            let average = if gathered == 0 { capacity } else { gathered.div_ceil(sure) };
            floor = waves.release((search_k - gathered) / (2 * average));
        }
        waves.cut(self, forest, query, search_k, sure, gathered)?;
        for leaf in &waves.leaves {
            match forest.record(leaf.subtree.node())? {
                Record::Item(item) => self.take(&[item], candidates),
                Record::Leaf(items) => self.take(items, candidates),
                // Only leaves were put among the leaves.
                Record::Split(_) | Record::BitSplit(_) => 0,
            };
        }
        Ok(())
    }

    /// How many of a leaf's items the budget is charged for.
    pub(crate) fn count(&self, items: &[u32]) -> usize {
        match self.admit {
            None => items.len(),
            Some(admit) => items.iter().filter(|&&item| admit.contains(item)).count(),
        }
    }
}

/// The floor to begin with.
pub(crate) fn first_floor(forest: Forest<'_>, search_k: usize) -> f32 {
    // Where half of the leaves on the query's side of every plane are needed, as leaves are filled, one
    // wave to all of them is cheaper than many small ones to those that are.
    let capacity = forest.shape().layout().leaf_capacity();
    let near = capacity.saturating_mul(forest.shape().roots().len());
    if search_k >= near / 3 { 0.0 } else { f32::INFINITY }
}

impl Waves {
    fn begin(&mut self, forest: Forest<'_>) {
        self.put_off.clear();
        self.leaves.clear();
        self.wave.clear();
        let nearest = Priority::of_margin(f32::INFINITY);
        let roots = forest.shape().roots().iter();
        self.wave.extend(roots.map(|&root| Subtree::new(nearest, root, false)));
    }

    /// Begins a wave with the best of the subtrees put off, as many as [`released`] says, and those of the
    /// same priority as the last of them. Returns the new floor.
    fn release(&mut self, wanted: usize) -> Priority {
        #[cfg(test)]
        {
            self.sifted += self.put_off.len();
        }
        let count = released(wanted, self.put_off.len());
        let best_first = |a: &Subtree, b: &Subtree| b.cmp(a);
        let (_, last, _) = self.put_off.select_nth_unstable_by(count - 1, best_first);
        let floor = last.priority();
        self.wave.clear();
        self.wave.extend(self.put_off.drain(..count));
        let wave = &mut self.wave;
        self.put_off.retain(|&subtree| {
            let equal = subtree.priority() >= floor;
            if equal {
                wave.push(subtree);
            }
            !equal
        });
        floor
    }

    /// Visits everything in the wave, and what is below it and not below the floor.
    fn run(
        &mut self,
        walk: &Walk<'_>,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        floor: Priority,
        visits: &mut u64,
    ) -> Result<(), DamagedRecord> {
        let n_items = forest.shape().n_items();
        let (mut next, mut asked) = (0, 0);
        let mut splits: [Split<'_>; LANES] = [NO_SPLIT; LANES];
        let mut subtrees = [Subtree(0); LANES];
        while next < self.wave.len() {
            let mut count = 0;
            while count < LANES && next < self.wave.len() {
                while asked < self.wave.len() && asked < next + AHEAD {
                    forest.fetch_ahead(self.wave[asked].node());
                    asked += 1;
                }
                let subtree = self.wave[next];
                next += 1;
                let node = subtree.node();
                if node.0 >= n_items {
                    if *visits == 0 {
                        return Err(forest.damaged(node, "is reached too often"));
                    }
                    *visits -= 1;
                }
                let items: &[u32] = match forest.record(node)? {
                    Record::Split(split) => {
                        (subtrees[count], splits[count]) = (subtree, split);
                        count += 1;
                        continue;
                    }
                    Record::Leaf(items) => items,
                    Record::Item(item) => &[item],
                    Record::BitSplit(_) => unreachable!("planes split"),
                };
                #[expect(clippy::cast_possible_truncation, reason = "fits in a record")]
                let count = walk.count(items) as u32;
                self.leaves.push(Leaf { subtree, count });
            }
            let splits = &splits[..count];
            let margins = margins_of(splits, query);
            for ((subtree, split), margin) in subtrees.iter().zip(splits).zip(margins) {
                for child in subtree.children(split, margin) {
                    if child.priority() >= floor {
                        self.wave.push(child);
                    } else {
                        self.put_off.push(child);
                    }
                }
            }
        }
        Ok(())
    }

    /// Leaves the leaves that Annoy gathers before it stops. Those before `sure` are `gathered` items
    /// and fewer than are sought.
    fn cut(
        &mut self,
        walk: &Walk<'_>,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        search_k: usize,
        sure: usize,
        mut gathered: usize,
    ) -> Result<(), DamagedRecord> {
        self.leaves[sure..].sort_unstable_by_key(|leaf| Reverse(leaf.subtree));
        let mut end = sure;
        while let Some(leaf) = self.leaves.get(end) {
            // All leaves of this priority.
            let priority = leaf.subtree.priority();
            let equal = self.leaves[end..].iter().take_while(|l| l.subtree.priority() == priority);
            let (leaves, items) =
                equal.fold((0, 0), |(n, sum), leaf| (n + 1, sum + leaf.count as usize));
            if gathered + items < search_k {
                gathered += items;
                end += leaves;
                continue;
            }
            self.leaves.truncate(if leaves == 1 { end + 1 } else { end });
            if leaves > 1 {
                self.equals_in_order(walk, forest, query, priority, search_k - gathered)?;
            }
            break;
        }
        Ok(())
    }

    /// Adds leaves of one priority in Annoy's order until they have `wanted` items.
    fn equals_in_order(
        &mut self,
        walk: &Walk<'_>,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        priority: Priority,
        wanted: usize,
    ) -> Result<(), DamagedRecord> {
        let entries = self.wave.iter().filter(|s| s.priority() == priority && !s.is_inherited());
        self.equals.clear();
        self.equals.extend(entries.map(|subtree| subtree.node().0));
        let leaves = &mut self.leaves;
        let leaf = |node: NodeId, _: &[u32]| {
            leaves.push(Leaf { subtree: Subtree::new(priority, node, false), count: 0 });
        };
        leaves_of_equals(walk, forest, query, priority, wanted, &mut self.equals, leaf)
    }
}

/// Goes through subtrees of one priority, and those below them of the same, in Annoy's order until
/// their leaves have `wanted` items: among equals the largest number first.
pub(crate) fn leaves_of_equals(
    walk: &Walk<'_>,
    forest: Forest<'_>,
    query: &Prepared<'_>,
    priority: Priority,
    wanted: usize,
    equals: &mut BinaryHeap<u32>,
    mut leaf: impl FnMut(NodeId, &[u32]),
) -> Result<(), DamagedRecord> {
    let mut found = 0;
    while found < wanted
        && let Some(node) = equals.pop()
    {
        let node = NodeId(node);
        let items: &[u32] = match forest.record(node)? {
            Record::Split(split) => {
                let [margin, ..] = margins_of(&[split], query);
                let children = Subtree::new(priority, node, false).children(&split, margin);
                let equal = children.iter().filter(|child| child.is_inherited());
                equals.extend(equal.map(|child| child.node().0));
                continue;
            }
            Record::Leaf(items) => items,
            Record::Item(item) => &[item],
            Record::BitSplit(_) => unreachable!("planes split"),
        };
        found += walk.count(items);
        leaf(node, items);
    }
    equals.clear();
    Ok(())
}

/// How far the query is on side 1 of each plane; of at most [`LANES`], the others repeat the last.
pub(crate) fn margins_of(splits: &[Split<'_>], query: &Prepared<'_>) -> [f32; LANES] {
    let mut margins = [0.0; LANES];
    if splits.len() > 2 {
        let last = splits.len() - 1;
        let normals = std::array::from_fn(|lane| splits[lane.min(last)].normal);
        margins = kernel::dot_lanes(query.vector(), &normals);
        for (margin, split) in margins.iter_mut().zip(splits) {
            *margin += split.offset;
        }
    } else {
        for (margin, split) in margins.iter_mut().zip(splits) {
            *margin = split.offset + kernel::dot(query.vector(), split.normal);
        }
    }
    margins
}

#[cfg(test)]
mod tests {
    use bigannoy_format::Layout;
    use bigannoy_metric::{ItemSet, Metric};
    use bigannoy_sketch::Kernel;

    use super::*;
    use crate::Index;
    use crate::trees::Trees;

    /// Planes that say nothing about the items, so that subtrees are put off by the thousand.
    fn grow(
        layout: Layout,
        words: &mut Vec<u32>,
        items: std::ops::Range<u32>,
        seed: &mut u32,
    ) -> u32 {
        let count = items.end - items.start;
        if count as usize <= layout.leaf_capacity() {
            layout.push_leaf(words, count, &items.collect::<Vec<_>>());
            return u32::try_from(words.len() / layout.record_words() - 1).unwrap();
        }
        let middle = items.start + u32::try_from(items.len()).unwrap() / 2;
        let children =
            [items.start..middle, middle..items.end].map(|half| grow(layout, words, half, seed));
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let offset = f32::from(u16::try_from(*seed >> 16).unwrap()) / 65536.0 - 0.5;
        layout.push_split(words, count, &[1.0, 0.0], offset);
        let at = words.len() - layout.record_words();
        layout.set_children(&mut words[at..], children);
        u32::try_from(at / layout.record_words()).unwrap()
    }

    #[test]
    fn the_work_of_a_search_for_few_items_grows_with_the_subtrees_not_with_their_square() {
        const ITEMS: u32 = 1 << 17;
        let layout = Layout::new(Metric::Euclidean, 2).unwrap();
        let mut words = Vec::new();
        for _ in 0..ITEMS {
            layout.push_item(&mut words, &[0.0, 0.0]);
        }
        grow(layout, &mut words, 0..ITEMS, &mut 7);
        let root = words[words.len() - layout.record_words()..].to_vec();
        words.extend(root);
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        let index = Index::open(bytes, layout).unwrap();
        let forest = index.forest();
        let trees = Trees::new(forest).unwrap();
        let wanted = [5, ITEMS / 3, ITEMS - 1];
        let admitted = ItemSet::from_fn(ITEMS, |item| wanted.contains(&item));
        let walk = Walk {
            k: 1,
            search_k: Some(10),
            admit: Some(&admitted),
            exclude: None,
            sketch: None,
            trees: None,
            kernel: Kernel::new(),
        };
        let query = Prepared::new(Metric::Euclidean, &[0.0, 0.0]);
        let mut scratch = Scratch::new(ITEMS);
        walk.gather_in_waves(forest, &query, 10, &mut scratch).unwrap();
        assert_eq!(scratch.candidates.items().len(), 3);
        scratch.candidates.clear();
        assert!(walk.gather_coarsely(forest, &trees, &query, 10, &mut scratch).unwrap());
        assert_eq!(scratch.candidates.items().len(), 3);
        // It is 9 for each split, all of which are visited; with eight subtrees a wave it would be 25, and
        // four times that with four times the splits.
        let splits = trees.planes().count() as usize;
        for sifted in [scratch.waves.sifted, scratch.coarse.sifted] {
            assert!(sifted > splits && sifted < 16 * splits, "{sifted} for {splits}");
        }
    }
}
