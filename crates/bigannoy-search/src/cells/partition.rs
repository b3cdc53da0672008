//! Which item is in which cell.

use bigannoy_format::{DamagedRecord, Forest, NodeId, Record};
use bigannoy_metric::RankKey;

use super::centres::{Centres, Nearness, key, mean};
use super::spread::Spread;
use crate::SearchError;

/// Items of a subtree that becomes one cell, times this, squared, are all items at least.
const MOST_IN_ROOT: f64 = 0.8;
/// But so many may be in one.
const LEAST_MOST: usize = 32;
/// How often items move to the nearest middle.
const ROUNDS: usize = 3;
/// Cells near its own among which an item's nearest is looked for.
const NEAR: usize = 48;

/// All items, each in one cell.
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

impl Partition {
    /// Cells for all items of the index: subtrees of its first tree, from where items have moved to the
    /// nearest middle a few times. The same for each number of threads.
    pub(super) fn new(forest: Forest<'_>, spread: Spread<'_>) -> Result<Self, SearchError> {
        let (starts, items) = subtrees(forest, most_items(forest.shape().n_items()))?;
        let nearness = Nearness::of_items(forest.shape().layout().metric());
        let mut partition = Partition::with(forest, nearness, starts, items, spread)?;
        for _ in 0..ROUNDS {
            partition = partition.moved(forest, nearness, spread)?;
        }
        Ok(partition)
    }

    fn with(
        forest: Forest<'_>,
        nearness: Nearness,
        starts: Vec<u32>,
        items: Vec<u32>,
        spread: Spread<'_>,
    ) -> Result<Self, SearchError> {
        let cell = |at: usize| &items[starts[at] as usize..starts[at + 1] as usize];
        let centres = spread.over(starts.len() - 1, |at| mean(nearness, forest, cell(at)))?;
        let centres = Centres::new(forest.shape().layout().dim(), &centres);
        Ok(Partition { starts, items, centres })
    }

    /// The cells after each item has moved to the nearest of the middles near its own.
    fn moved(
        &self,
        forest: Forest<'_>,
        nearness: Nearness,
        spread: Spread<'_>,
    ) -> Result<Self, SearchError> {
        let moved = spread.over(self.len(), |cell| {
            let near = self.near(nearness, cell);
            let found = self.centres.pick(&near).nearest(nearness, forest, self.items(cell));
            found.into_iter().map(|at| near[at as usize]).collect::<Vec<u32>>()
        })?;
        let mut cell_of = vec![u32::MAX; forest.shape().n_items() as usize];
        let mut counts = vec![0u32; self.len()];
        for (cell, moved) in moved.iter().enumerate() {
            for (&item, &to) in self.items(cell).iter().zip(moved) {
                cell_of[item as usize] = to;
                counts[to as usize] += 1;
            }
        }
        // Cells that nothing is left of go.
        let mut next = vec![0; self.len()];
        let (mut starts, mut end) = (Vec::with_capacity(self.starts.len()), 0);
        for (next, count) in next.iter_mut().zip(counts) {
            *next = end;
            if count > 0 {
                starts.push(end);
            }
            end += count;
        }
        starts.push(end);
        let mut items = vec![0; self.items.len()];
        for (item, &cell) in (0u32..).zip(&cell_of) {
            if let Some(next) = next.get_mut(cell as usize) {
                items[*next as usize] = item;
                *next += 1;
            }
        }
        Partition::with(forest, nearness, starts, items, spread)
    }

    /// The cells whose middles are nearest to that of `cell`, itself first unless others have the same.
    fn near(&self, nearness: Nearness, cell: usize) -> Vec<u32> {
        let centre = self.centres.vector(cell);
        let mut keys: Vec<RankKey> = Vec::with_capacity(self.len());
        self.centres.scores(nearness, &[&centre], &mut Vec::new(), |_, scores| {
            keys.extend((0u32..).zip(scores).map(|(cell, score)| key(score, cell)));
        });
        if keys.len() > NEAR {
            keys.select_nth_unstable(NEAR);
            keys.truncate(NEAR);
        }
        keys.sort_unstable();
        keys.into_iter().map(RankKey::item).collect()
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
