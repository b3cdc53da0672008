//! One tree, whatever it is that chooses the planes.

use std::ops::Range;

use crate::items::Items;
use crate::random::SetKey;
use crate::tree::Tree;
use crate::upper::{Crown, CrownSplit};

/// Chooses where to cut sets of items in two.
pub(crate) trait SplitSets {
    /// Copies the items of `set` close together if the set is of a size at which that is done, and
    /// numbers the set by the copy. Tells whether it did.
    fn approach(&mut self, items: Items<'_>, set: &mut [u32]) -> bool;

    /// Gives up the copy that was made last: its set is done.
    fn leave(&mut self);

    /// The number in the index of an item of the current set.
    fn number(&self, item: u32) -> u32;

    /// Splits the upper levels of a large `set` at once, which is called `key`, and orders it by its
    /// parts. Gives no split where the set is to be split by itself.
    fn split_upper(&mut self, items: Items<'_>, set: &mut [u32], key: SetKey) -> Vec<CrownSplit>;

    /// Splits `set`, which has at least two items and is called `key`. Both sides get some of them.
    fn split(&mut self, items: Items<'_>, set: &[u32], key: SetKey);

    /// The plane of the last split, as it goes into the file.
    fn plane(&self) -> Plane<'_>;

    /// For each item of the set that was split last, in order: is it on side 1?
    fn sides(&self) -> &[bool];
}

/// The plane `offset + normal · x = 0`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane<'a> {
    pub(crate) normal: &'a [f32],
    pub(crate) offset: f32,
    /// Under dot, what the record has for the extra coordinate.
    pub(crate) extra: f32,
}

/// What remains to be done, last entry first.
enum Task {
    /// Make a subtree of these ids and push its number to `done`.
    Grow { ids: Range<usize>, key: SetKey, crown: Option<usize> },
    /// A set is done that was copied: give up its copy.
    Leave,
    /// Both sides of the split on top of `splits` are done, the last-numbered of `done` being those
    /// of `second`: make its record.
    Join { second: usize },
}

/// What is known of a set before it grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    /// Splits of a crown.
    pub(crate) splits: &'a [CrownSplit],
    /// Which of these is the set's, if one is.
    pub(crate) split: Option<usize>,
    /// What the set is called.
    pub(crate) key: SetKey,
}

/// Grows a tree on from its crown, whose ids are out of order afterwards, in one piece. `None` if `stop` ended it
/// early.
pub(crate) fn grow(
    items: Items<'_>,
    Crown { ids, splits }: &mut Crown,
    splitter: &mut impl SplitSets,
    stop: &dyn Fn() -> bool,
) -> Option<Tree> {
    #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
    let n_items = ids.len() as u32;
    let split = (!splits.is_empty()).then_some(0);
    let plan = Plan { splits, split, key: SetKey::ROOT };
    let mut records = Vec::new();
    let root = grow_set(items, (n_items, ids), plan, splitter, stop, &mut records);
    root.map(|root| Tree::whole(records, root))
}

/// Grows a subtree of a set of some of `n_items` items, whose ids are out of order afterwards. Puts its
/// records into `records`, every child before its parent and the root last, numbered from the number of items
/// on as if it were the first tree. Gives the root's number, or the only item; `None` if `stop` ended
/// it early.
///
/// The smaller side of a split grows first. Nothing recurses on the machine's stack: a set of which
/// one in a hundred can be cut off is many levels deep.
pub(crate) fn grow_set(
    items: Items<'_>,
    (n_items, ids): (u32, &mut [u32]),
    plan: Plan<'_>,
    splitter: &mut impl SplitSets,
    stop: &dyn Fn() -> bool,
    records: &mut Vec<u32>,
) -> Option<u32> {
    let layout = items.layout();
    let capacity = layout.leaf_capacity();
    let planned = plan.splits.len();
    // Those that are planned on the way, numbered on.
    let mut later: Vec<CrownSplit> = Vec::new();
    let mut spare: Vec<u32> = Vec::new();
    records.clear();
    let mut splits: Vec<u32> = Vec::new();
    let mut done: Vec<u32> = Vec::new();
    let mut tasks = vec![Task::Grow { ids: 0..ids.len(), key: plan.key, crown: plan.split }];

    #[expect(clippy::cast_possible_truncation, reason = "the caller checks the file's limit")]
    let next_number =
        |records: &Vec<u32>| n_items.saturating_add((records.len() / layout.record_words()) as u32);
    while let Some(task) = tasks.pop() {
        match task {
            Task::Grow { ids: range, key, crown: split } => {
                let set = &mut ids[range.clone()];
                if set.len() == 1 && n_items > 1 {
                    done.push(splitter.number(set[0]));
                    continue;
                }
                #[expect(clippy::cast_possible_truncation, reason = "at most n_items")]
                let count = set.len() as u32;
                if set.len() <= capacity {
                    done.push(next_number(records));
                    for item in &mut *set {
                        *item = splitter.number(*item);
                    }
                    layout.push_leaf(records, count, set);
                    continue;
                }
                if stop() {
                    return None;
                }
                let split = split.or_else(|| {
                    let splits = splitter.split_upper(items, set, key);
                    let first = planned + later.len();
                    let root = (!splits.is_empty()).then_some(first);
                    later.extend(splits.into_iter().map(|split| split.numbered_from(first)));
                    root
                });
                let split = split
                    .map(|split| plan.splits.get(split).unwrap_or_else(|| &later[split - planned]));
                let (zeros, below) = if let Some(split) = split {
                    layout.push_split(&mut splits, count, &split.normal, split.offset);
                    (split.zeros, split.below)
                } else {
                    while splitter.approach(items, set) {
                        tasks.push(Task::Leave);
                    }
                    splitter.split(items, set, key);
                    let Plane { normal, offset, extra } = splitter.plane();
                    let split = splits.len();
                    layout.push_split(&mut splits, count, normal, offset);
                    layout.set_extra(&mut splits[split..], extra);
                    (partition(set, splitter.sides(), &mut spare), [None; 2])
                };
                let middle = range.start + zeros;
                let sides = [range.start..middle, middle..range.end];
                let side = |side: usize| Task::Grow {
                    ids: sides[side].clone(),
                    key: key.side(side),
                    crown: below[side],
                };
                // The second to grow goes on the stack first.
                let second = usize::from(sides[0].len() <= sides[1].len());
                tasks.push(Task::Join { second });
                tasks.push(side(second));
                tasks.push(side(1 - second));
            }
            Task::Leave => splitter.leave(),
            Task::Join { second } => {
                let mut children = [0; 2];
                children[second] = done.pop().expect("the second side is done");
                children[1 - second] = done.pop().expect("the first side is done");
                done.push(next_number(records));
                let split = splits.len() - layout.record_words();
                layout.set_children(&mut splits[split..], children);
                records.extend_from_slice(&splits[split..]);
                splits.truncate(split);
            }
        }
    }
    done.pop()
}

/// Brings the ids of side 0 to the front, both sides in their old order. Returns how many they are.
pub(crate) fn partition(ids: &mut [u32], sides: &[bool], spare: &mut Vec<u32>) -> usize {
    spare.resize(ids.len(), 0);
    let (mut zeros, mut ones) = (0, 0);
    // Written to both places, and kept in one: sides are as hard to foretell as coins.
    for (at, &side) in sides.iter().enumerate() {
        let id = ids[at];
        ids[zeros] = id;
        spare[ones] = id;
        zeros += usize::from(!side);
        ones += usize::from(side);
    }
    ids[zeros..].copy_from_slice(&spare[..ones]);
    zeros
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_format::Layout;
    use bigannoy_metric::{Folded, Metric};

    use crate::random::TreeRandom;
    use crate::split::Splitter;

    #[test]
    fn a_tree_is_the_same_with_every_code_that_the_processor_has() {
        let codes = Folded::all();
        assert_eq!((codes[0].name(), codes[codes.len() - 1]), ("portable", Folded::new()));
        for metric in Metric::OF_NUMBERS {
            for dim in [1, 7, 8, 50] {
                let layout = Layout::new(metric, dim).unwrap();
                let mut random = TreeRandom::new(3, dim);
                let (mut words, mut squares) = (Vec::new(), Vec::new());
                for _ in 0..3000 {
                    let value = |_| f32::from(u16::try_from(random.below(50_000)).unwrap()).sin();
                    let vector: Vec<f32> = (0..dim).map(value).collect();
                    layout.push_item(&mut words, &vector);
                    squares.push(vector.iter().map(|value| value * value).sum());
                }
                let items = Items::new(&words, layout, &squares);
                let trees = codes.iter().map(|&code| {
                    let mut splitter = Splitter::new(TreeRandom::new(7, 0)).with_code(code);
                    let mut crown = Crown::none(3000);
                    let tree = grow(items, &mut crown, &mut splitter, &|| false);
                    tree.expect("nothing stops it").parts().flatten().copied().collect()
                });
                let trees: Vec<Vec<u32>> = trees.collect();
                assert!(trees.iter().all(|tree| *tree == trees[0]), "{metric}, {dim}");
            }
        }
    }

    #[test]
    fn partition_keeps_the_order_on_both_sides() {
        let mut ids = [7, 3, 9, 1, 5];
        let zeros = partition(&mut ids, &[true, false, false, true, false], &mut Vec::new());
        assert_eq!((zeros, ids), (3, [3, 9, 5, 7, 1]));
    }
}
