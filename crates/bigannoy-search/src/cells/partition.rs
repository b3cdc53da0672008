//! Which item is in which cell.

use bigannoy_format::{DamagedRecord, Forest, NodeId, Record};
use bigannoy_metric::RankKey;

use super::centres::{Centres, Nearness, mean, spread_of};
use super::spread::Spread;
use crate::SearchError;

/// Items of a subtree that becomes one cell, times this, squared, are all items at least.
const MOST_IN_ROOT: f64 = 0.8;
/// But so many may be in one.
const LEAST_MOST: usize = 32;
/// How often middles move to the mean of the items that are nearest to them.
const ROUNDS: usize = 2;
/// One in so many items tells where middles move, unless cells are small.
const SAMPLED: usize = 4;
/// Cells with fewer items are looked at whole.
const LEAST_SAMPLED: usize = 64;
/// Middles near the mean of a subtree among which the nearest is looked for.
const NEAR: usize = 192;

/// All items, each in one cell: that of the nearest middle.
///
/// Memory: four bytes an item, and for each cell four bytes an element of its middle and eight more.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    /// Where each cell begins in `items`, and the end.
    starts: Vec<u32>,
    /// In ascending order within a cell.
    items: Vec<u32>,
    centres: Centres,
}

/// Subtrees of the first tree, from where cells begin.
struct Seeds<'a> {
    forest: Forest<'a>,
    nearness: Nearness,
    spread: Spread<'a>,
    /// As in a partition.
    starts: Vec<u32>,
    items: Vec<u32>,
    means: Vec<Vec<f32>>,
}

impl Partition {
    /// Cells for all items of the index: middles begin as the means of subtrees of the first tree, and
    /// move a few times. The same for each number of threads.
    pub(super) fn new(forest: Forest<'_>, spread: Spread<'_>) -> Result<Self, SearchError> {
        let seeds = Seeds::new(forest, spread)?;
        let dim = forest.shape().layout().dim();
        let mut centres = Centres::new(dim, &seeds.means);
        for _ in 0..ROUNDS {
            centres = seeds.moved(&centres)?;
        }
        let found = seeds.assigned(&centres, 1)?;
        let all = seeds.sorted(&centres, found);
        // Cells with nothing in them go.
        let kept: Vec<u32> = (0u32..)
            .zip(all.starts.windows(2))
            .filter(|(_, at)| at[0] < at[1])
            .map(|(cell, _)| cell)
            .collect();
        let mut starts: Vec<u32> = kept.iter().map(|&cell| all.starts[cell as usize]).collect();
        starts.extend(all.starts.last());
        let centres = centres.pick(&kept);
        let mut partition = Partition { starts, items: all.items, centres };
        if matches!(seeds.nearness, Nearness::Lifted(_)) {
            let spreads = seeds.spread.over(partition.len(), |cell| {
                spread_of(forest, partition.items(cell), &partition.centres.vector(cell))
            })?;
            partition.centres = partition.centres.with_spreads(&spreads);
        }
        Ok(partition)
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The items of a cell.
    pub(super) fn items(&self, cell: usize) -> &[u32] {
        &self.items[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }

    pub(super) fn centres(&self) -> &Centres {
        &self.centres
    }
}

/// Items by the middle that is nearest.
struct Sorted {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl<'a> Seeds<'a> {
    fn new(forest: Forest<'a>, spread: Spread<'a>) -> Result<Self, SearchError> {
        let (starts, items) = subtrees(forest, most_items(forest.shape().n_items()))?;
        let nearness = Nearness::of_items(forest);
        let mut seeds = Seeds { forest, nearness, spread, starts, items, means: Vec::new() };
        seeds.means =
            spread.over(seeds.len(), |at| mean(nearness, forest, &seeds.sample(at, SAMPLED)))?;
        Ok(seeds)
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// One in `step` of the items of a subtree, or all if these are few.
    fn sample(&self, at: usize, step: usize) -> Vec<u32> {
        let items = &self.items[self.starts[at] as usize..self.starts[at + 1] as usize];
        let step = if items.len() < LEAST_SAMPLED { 1 } else { step };
        items.iter().copied().step_by(step).collect()
    }

    /// For one in `step` items of each subtree, the item and the nearest of the middles near the
    /// subtree's mean.
    fn assigned(
        &self,
        centres: &Centres,
        step: usize,
    ) -> Result<Vec<Vec<(u32, u32)>>, SearchError> {
        self.spread.over(self.len(), |at| {
            let near = self.near(centres, at);
            let items = self.sample(at, step);
            let found = centres.pick(&near).nearest(self.nearness, self.forest, &items);
            items.into_iter().zip(found).map(|(item, at)| (item, near[at as usize])).collect()
        })
    }

    /// Middles that have moved to the mean of what is nearest to them, as far as a sample tells. Those to
    /// which nothing is nearest stay.
    fn moved(&self, centres: &Centres) -> Result<Centres, SearchError> {
        let found = self.assigned(centres, SAMPLED)?;
        let sorted = self.sorted(centres, found);
        let moved = self.spread.over(centres.len(), |cell| {
            let items =
                &sorted.items[sorted.starts[cell] as usize..sorted.starts[cell + 1] as usize];
            if items.is_empty() {
                return centres.middle(self.nearness, cell);
            }
            mean(self.nearness, self.forest, items)
        })?;
        Ok(Centres::new(self.forest.shape().layout().dim(), &moved))
    }

    /// What was found, middle by middle, items in ascending order.
    fn sorted(&self, centres: &Centres, found: Vec<Vec<(u32, u32)>>) -> Sorted {
        let mut cell_of = vec![u32::MAX; self.forest.shape().n_items() as usize];
        let mut next = vec![0u32; centres.len() + 1];
        for &(item, cell) in found.iter().flatten() {
            cell_of[item as usize] = cell;
            next[cell as usize + 1] += 1;
        }
        drop(found);
        for cell in 0..centres.len() {
            next[cell + 1] += next[cell];
        }
        let starts = next.clone();
        let mut items = vec![0; next[centres.len()] as usize];
        for (item, &cell) in (0u32..).zip(&cell_of) {
            if cell != u32::MAX {
                let next = &mut next[cell as usize];
                items[*next as usize] = item;
                *next += 1;
            }
        }
        Sorted { starts, items }
    }

    /// The middles that are nearest to the mean of a subtree, nearest first.
    fn near(&self, centres: &Centres, at: usize) -> Vec<u32> {
        let mut keys: Vec<RankKey> = Vec::with_capacity(centres.len());
        centres.scores(
            self.nearness.of_means(),
            &[&self.means[at]],
            &mut Vec::new(),
            |_, scores| {
                keys.extend((0u32..).zip(scores).map(|(cell, &score)| RankKey::new(score, cell)));
            },
        );
        if keys.len() > NEAR {
            keys.select_nth_unstable(NEAR);
            keys.truncate(NEAR);
        }
        keys.sort_unstable();
        keys.into_iter().map(RankKey::item).collect()
    }
}

/// How many items a subtree that becomes a cell may have: cells are to be some twice the root of the
/// number of items, so that choosing among cells and looking at their items cost about the same.
fn most_items(n_items: u32) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "less than the number of items"
    )]
    let most = (f64::from(n_items).sqrt() * MOST_IN_ROOT) as usize;
    most.max(LEAST_MOST)
}

/// What is left to do with a subtree.
enum Step {
    Enter(NodeId),
    /// All below is there: what there was before, of cells and of items.
    Leave([usize; 2]),
}

/// The items of the first tree, and where its subtrees with at most `most` items begin, with the end.
fn subtrees(forest: Forest<'_>, most: usize) -> Result<(Vec<u32>, Vec<u32>), DamagedRecord> {
    let shape = forest.shape();
    let root = *shape.roots().last().expect("an index has a root");
    // Each record of a tree is come to once.
    let mut visits = u64::from(shape.n_nodes()) + 1;
    let mut seen = vec![false; shape.n_items() as usize];
    let (mut starts, mut items) = (Vec::new(), Vec::new());
    let mut steps = vec![Step::Enter(root)];
    while let Some(step) = steps.pop() {
        let node = match step {
            Step::Leave([cells, before]) => {
                if items.len() > before && items.len() - before <= most {
                    starts.truncate(cells);
                    starts.push(before);
                }
                continue;
            }
            Step::Enter(node) => node,
        };
        visits = visits.checked_sub(1).ok_or_else(|| {
            forest.damaged(node, "is reached more often than a tree can reach it")
        })?;
        let before = items.len();
        let record = forest.record(node)?;
        if let Some(children) = record.children() {
            steps.push(Step::Leave([starts.len(), before]));
            steps.extend(children.map(Step::Enter));
            continue;
        }
        let found = match &record {
            Record::Item(item) => std::slice::from_ref(item),
            Record::Leaf(items) => items,
            Record::Split(_) | Record::BitSplit(_) => &[],
        };
        for &item in found {
            if forest.is_present(item) && !std::mem::replace(&mut seen[item as usize], true) {
                items.push(item);
            }
        }
        if items.len() > before {
            starts.push(before);
        }
    }
    let missing = (0u32..).zip(&seen).find(|&(item, seen)| !seen && forest.is_present(item));
    if let Some((item, _)) = missing {
        let row = u64::from(item) + 1;
        return Err(forest.damaged(root, format!("does not lead to item {row} (counted from 1)")));
    }
    let starts = without_crumbs(&starts, items.len(), most / 4);
    Ok((starts, items))
}

/// Where cells begin, with the end: neighbors that have up to `least` items together are one. Trees
/// that split off few items at a time would have too many cells otherwise.
fn without_crumbs(starts: &[usize], end: usize, least: usize) -> Vec<u32> {
    let mut kept: Vec<usize> = Vec::with_capacity(starts.len() + 1);
    for (at, &start) in starts.iter().enumerate() {
        let next = starts.get(at + 1).copied().unwrap_or(end);
        match kept.last() {
            Some(&last) if next - last <= least => {}
            _ => kept.push(start),
        }
    }
    kept.push(end);
    kept.into_iter().map(|start| u32::try_from(start).expect("no more than items")).collect()
}
