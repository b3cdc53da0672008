//! A tree whose sides grow on several threads, where these have nothing else to do.

use bigannoy_format::Layout;

use crate::grow::{Plan, grow_set};
use crate::items::Items;
use crate::random::{SetKey, TreeRandom};
use crate::split::Splitter;
use crate::tree::Tree;
use crate::upper::Crown;

/// Levels of a tree whose splits divide the work: the last threads at work wait for a quarter of a tree.
const LEVELS: u32 = 2;

/// Where trees take what they need to grow, and give it back.
pub(crate) trait Tools: Sync {
    /// What finds planes, with the random numbers of a tree.
    fn splitter(&self, random: TreeRandom) -> Splitter;

    /// Takes back what finds planes.
    fn give_splitter(&self, splitter: Splitter);

    /// Room for records.
    fn records(&self) -> Vec<u32>;
}

/// What is the same for all parts of a tree.
struct Job<'a> {
    items: Items<'a>,
    n_items: u32,
    random: &'a TreeRandom,
    tools: &'a dyn Tools,
    stop: &'a (dyn Fn() -> bool + Sync),
}

/// Grows a tree on from its crown, whose ids are out of order afterwards, in the pool of the thread that calls.
/// The records are the same as if it grew in one piece. `None` if `stop` ended it early.
pub(crate) fn grow_apart(
    items: Items<'_>,
    Crown { ids, splits }: &mut Crown,
    random: &TreeRandom,
    tools: &dyn Tools,
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Tree> {
    #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
    let n_items = ids.len() as u32;
    let split = (!splits.is_empty()).then_some(0);
    let plan = Plan { splits, split, key: SetKey::ROOT };
    grow_part(&Job { items, n_items, random, tools, stop }, ids, plan, LEVELS)
}

fn grow_part(job: &Job<'_>, ids: &mut [u32], plan: Plan<'_>, levels: u32) -> Option<Tree> {
    let Job { items, n_items, random, tools, stop } = *job;
    let layout = items.layout();
    let Some(split) = plan.split.filter(|_| levels > 0).map(|split| &plan.splits[split]) else {
        let mut splitter = tools.splitter(random.clone());
        let mut records = tools.records();
        let root = grow_set(items, (n_items, ids), plan, &mut splitter, stop, &mut records);
        tools.give_splitter(splitter);
        return root.map(|root| Tree::whole(records, root));
    };
    let count = ids.len();
    let (zeros, ones) = ids.split_at_mut(split.zeros);
    // The smaller side's records come first.
    let first = usize::from(zeros.len() > ones.len());
    let side = |ids: &mut [u32], side: usize| {
        let plan = Plan { split: split.below[side], key: plan.key.side(side), ..plan };
        grow_part(job, ids, plan, levels - 1)
    };
    let (zeros, ones) = rayon::join(|| side(zeros, 0), || side(ones, 1));
    let (zeros, ones) = (zeros?, ones?);
    let (one, other) = if first == 0 { (zeros, ones) } else { (ones, zeros) };
    let record = split_record(layout, count, &split.normal, split.offset);
    Some(Tree::joined(layout, n_items, (one, first), other, record))
}

/// The record of a split of `count` items.
fn split_record(layout: Layout, count: usize, normal: &[f32], offset: f32) -> Vec<u32> {
    let mut record = Vec::with_capacity(layout.record_words());
    #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
    layout.push_split(&mut record, count as u32, normal, offset);
    record
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bigannoy_metric::{Folded, Metric};

    use super::*;
    use crate::crown::{Young, choose_crown, send_down};
    use crate::grow::grow;

    struct New;

    impl Tools for New {
        fn splitter(&self, random: TreeRandom) -> Splitter {
            Splitter::new(random)
        }

        fn give_splitter(&self, _: Splitter) {}

        fn records(&self) -> Vec<u32> {
            vec![9; 5]
        }
    }

    /// Renumbered, as they go into a file.
    fn records(mut tree: Tree, layout: Layout, n_items: u32) -> (Vec<u32>, Vec<u32>) {
        tree.renumber(layout, n_items, n_items + 1000);
        (tree.parts().flatten().copied().collect(), tree.root(layout).to_vec())
    }

    #[test]
    fn a_tree_is_the_same_in_one_piece_and_on_some_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        // Of the third kind, most items are equal: no plane of the crown cuts them. The last have none.
        for (metric, count, equal, parts) in [
            (Metric::Euclidean, 40_000, 0, 7),
            (Metric::Angular, 20_000, 0, 7),
            (Metric::Euclidean, 20_000, 17_000, 5),
            (Metric::Dot, 3000, 0, 1),
            (Metric::Euclidean, 1, 0, 1),
        ] {
            let layout = Layout::new(metric, 20).unwrap();
            let mut random = TreeRandom::new(11, 0);
            let (mut words, mut squares) = (Vec::new(), Vec::new());
            for item in 0..count {
                let mut value = || f32::from(u16::try_from(random.below(60_000)).unwrap()) / 6e4;
                let mut vector: [f32; 20] = std::array::from_fn(|_| value() - 0.4);
                if item < equal {
                    vector.fill(0.25);
                }
                layout.push_item(&mut words, &vector);
                squares.push(vector.iter().map(|value| value * value).sum());
            }
            let items = Items::new(&words, layout, &squares);
            let random = TreeRandom::new(3, 1);
            let crown_of = |young: &mut Young| {
                choose_crown(items, count, young, &mut Splitter::new(random.clone()));
                let young = std::slice::from_mut(young);
                assert!(send_down(Folded::new(), items, count, young, &|| false));
            };
            let mut young = [(); 2].map(|()| Young::new(random.clone()));
            crown_of(&mut young[0]);
            pool.install(|| crown_of(&mut young[1]));
            let [one, other] = &mut young;
            let mut splitter = Splitter::new(random.clone());
            let crown = one.finish(layout.leaf_capacity(), count);
            let whole = grow(items, crown, &mut splitter, &|| false).unwrap();
            let crown = other.finish(layout.leaf_capacity(), count);
            let apart =
                pool.install(|| grow_apart(items, crown, &random, &New, &|| false)).unwrap();
            assert_eq!(apart.parts().count(), parts);
            assert_eq!(apart.bytes(), whole.bytes());
            assert!(records(apart, layout, count) == records(whole, layout, count), "{metric}");
        }
    }

    #[test]
    fn a_tree_that_is_stopped_in_one_of_its_parts_is_none() {
        let layout = Layout::new(Metric::Euclidean, 1).unwrap();
        let mut words = Vec::new();
        for item in 0..60_000u16 {
            layout.push_item(&mut words, &[f32::from(item)]);
        }
        let items = Items::new(&words, layout, &[]);
        let random = TreeRandom::new(3, 1);
        let mut young = [Young::new(random.clone())];
        choose_crown(items, 60_000, &mut young[0], &mut Splitter::new(random.clone()));
        assert!(send_down(Folded::new(), items, 60_000, &mut young, &|| false));
        let crown = young[0].finish(layout.leaf_capacity(), 60_000);
        assert!(!crown.splits.is_empty());
        let asked = AtomicUsize::new(0);
        let stop = || asked.fetch_add(1, Ordering::Relaxed) > 100;
        assert!(grow_apart(items, crown, &random, &New, &stop).is_none());
    }
}
