//! The upper levels of trees, which several trees grow in one pass over the items.
//!
//! All items are read once in the order in which they lie, and while some are near the processor, they
//! go down the planes that each tree has chosen by a sample.

use std::ops::Range;

use bigannoy_metric::Folded;

use crate::descent::{BLOCK, Block};
use crate::items::Items;
use crate::random::{SetKey, TreeRandom};
use crate::split::Splitter;
use crate::upper::{Crown, Upper, is_due};

/// Items that one thread sends down before it looks whether another one has nothing to do.
const PIECE: usize = 1 << 14;

/// A tree in the works.
#[derive(Debug)]
pub(crate) struct Young {
    random: TreeRandom,
    upper: Upper,
    /// The part of the crown in which each item is.
    parts: Vec<u16>,
    crown: Crown,
}

impl Young {
    pub(crate) fn new(random: TreeRandom) -> Self {
        Young { random, upper: Upper::default(), parts: Vec::new(), crown: Crown::default() }
    }

    /// The beginning of another tree, in the memory of this one.
    pub(crate) fn renew(&mut self, random: TreeRandom) {
        self.random = random;
        self.upper = Upper::default();
    }

    /// Where the tree's random numbers come from.
    pub(crate) fn random(&self) -> TreeRandom {
        self.random.clone()
    }

    /// The crown over all items, whose leaves hold so many at most.
    pub(crate) fn finish(&mut self, leaf_capacity: usize, n_items: u32) -> &mut Crown {
        let Young { upper, parts, crown, .. } = self;
        crown.ids.clear();
        if upper.is_empty() {
            crown.ids.extend(0..n_items);
            crown.splits.clear();
        } else {
            crown.ids.resize(n_items as usize, 0);
            #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
            let item = |place| place as u32;
            crown.splits =
                std::mem::take(upper).arrange(leaf_capacity, parts, &item, &mut crown.ids);
        }
        crown
    }
}

/// Chooses the planes of a tree's crown over all `items`.
pub(crate) fn choose_crown(
    items: Items<'_>,
    n_items: u32,
    Young { random, upper, parts, .. }: &mut Young,
    splitter: &mut Splitter,
) {
    let count = n_items as usize;
    if !is_due(items.layout(), count) {
        return;
    }
    splitter.renew(random.clone());
    #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
    let item = |place| place as u32;
    *upper = Upper::choose(splitter, items, (count, &item), SetKey::ROOT);
    if !upper.is_empty() {
        parts.resize(count, 0);
    }
}

/// Sends all items down past the planes that were chosen for several trees, in the pool of the thread that calls.
/// Tells whether all arrived: `stop` can end it early.
pub(crate) fn send_down(
    code: Folded,
    items: Items<'_>,
    n_items: u32,
    trees: &mut [Young],
    stop: &(dyn Fn() -> bool + Sync),
) -> bool {
    let count = n_items as usize;
    let ways = trees.iter_mut().filter(|young| !young.upper.is_empty());
    let ways: Vec<Way<'_>> =
        ways.map(|Young { upper, parts, .. }| Way { upper, parts: &mut parts[..count] }).collect();
    ways.is_empty() || descend(&Pass { code, items, stop }, 0..count, ways)
}

/// What is the same for all items that go down.
struct Pass<'a> {
    code: Folded,
    items: Items<'a>,
    stop: &'a (dyn Fn() -> bool + Sync),
}

/// Where some items go down in a tree, and the parts in which they arrive.
struct Way<'a> {
    upper: &'a Upper,
    parts: &'a mut [u16],
}

/// Sends items down in all trees, halves of them on other threads where these have nothing else to do. Tells
/// whether all arrived.
fn descend(pass: &Pass<'_>, items: Range<usize>, mut ways: Vec<Way<'_>>) -> bool {
    if items.len() > PIECE {
        let middle = (items.len() / 2).next_multiple_of(BLOCK);
        let mut behind = Vec::with_capacity(ways.len());
        for Way { upper, parts } in &mut ways {
            let (before, after) = std::mem::take(parts).split_at_mut(middle);
            *parts = before;
            behind.push(Way { upper, parts: after });
        }
        let middle = items.start + middle;
        let (before, after) = rayon::join(
            || descend(pass, items.start..middle, ways),
            || descend(pass, middle..items.end, behind),
        );
        return before && after;
    }
    if (pass.stop)() {
        return false;
    }
    let mut block = Block::new();
    for first in items.clone().step_by(BLOCK) {
        let end = items.end.min(first + BLOCK);
        #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
        let [first_item, end_item, behind] =
            [first, end, items.end.min(end + BLOCK)].map(|item| item as u32);
        block.fill(pass.code, pass.items, first_item..end_item);
        // What follows in order the processor asks for by itself, but not across pages.
        (end_item..behind).for_each(|item| pass.items.fetch(item));
        for Way { upper, parts } in &mut ways {
            let parts = &mut parts[first - items.start..end - items.start];
            upper.descend(pass.code, (&mut block, pass.items), parts);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    use bigannoy_format::Layout;
    use bigannoy_metric::Metric;

    use crate::grow::grow;
    use crate::tree::Tree;

    #[test]
    fn crowns_that_grow_together_are_those_of_single_trees() {
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
                let random = || TreeRandom::new(3, 1);
                let mut splitter = Splitter::new(random());
                let records = |tree: Option<Tree>| -> Vec<u32> {
                    tree.expect("nothing stops it").parts().flatten().copied().collect()
                };
                let none = &mut Crown::none(ITEMS);
                let plain = records(grow(items, none, &mut splitter, &|| false));
                let mut young = [Young::new(random()), Young::new(TreeRandom::new(9, 9))];
                young[1].renew(random());
                // The second time in the memory of the first.
                for _ in 0..2 {
                    for young in &mut young {
                        choose_crown(items, ITEMS, young, &mut splitter);
                    }
                    assert!(send_down(splitter.code(), items, ITEMS, &mut young, &|| false));
                    for young in &mut young {
                        let crown = young.finish(layout.leaf_capacity(), ITEMS);
                        assert!(equal > 0 || crown.splits.is_empty() == (metric == Metric::Dot));
                        splitter.renew(random());
                        let tree = grow(items, crown, &mut splitter, &|| false);
                        assert!(records(tree) == plain, "{metric}, {equal}");
                        young.renew(random());
                    }
                }
            }
        }
    }

    #[test]
    fn a_crown_stops_when_it_is_told_to() {
        let layout = Layout::new(Metric::Euclidean, 1).unwrap();
        let mut words = Vec::new();
        for item in 0..60_000u16 {
            layout.push_item(&mut words, &[f32::from(item)]);
        }
        let items = Items::new(&words, layout, &[]);
        let mut young = [Young::new(TreeRandom::new(3, 1))];
        let mut splitter = Splitter::new(TreeRandom::new(3, 1));
        choose_crown(items, 60_000, &mut young[0], &mut splitter);
        assert!(!send_down(Folded::new(), items, 60_000, &mut young, &|| true));
    }
}
