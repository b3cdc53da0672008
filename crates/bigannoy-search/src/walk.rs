//! The walk through the trees, and the ranking of what it finds.

use std::hint::black_box;

use bigannoy_format::{DamagedRecord, Forest, ForestShape, Record};
use bigannoy_metric::kernel::{self, LANES};
use bigannoy_metric::{ItemSet, Metric, Prepared, RankKey, TopK};

use crate::scratch::{Priority, Scratch};

/// Candidates whose records are asked for together. Items lie scattered over the file: reading a
/// word of each line of each record, before anything is computed, has the processor fetch many of
/// them at once instead of waiting for one after the other.
const GROUP: usize = 64;
/// Words in a cache line.
const LINE_WORDS: usize = 16;

/// One query, ready to walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'a> {
    /// Neighbors wanted.
    pub(crate) k: usize,
    /// How many admitted items to gather, repetitions included, before ranking; may be overshot by a
    /// leaf. None: every item is ranked, and no tree looked at.
    pub(crate) search_k: Option<usize>,
    /// The items that may be neighbors, where not all may. Others count for nothing: they are neither
    /// ranked nor do they use up the budget.
    pub(crate) admit: Option<&'a ItemSet>,
    /// An item that is not to be among the neighbors, though it counts as one gathered.
    pub(crate) exclude: Option<u32>,
}

impl Walk<'_> {
    /// Finds the neighbors of `query`, which has the index's metric and dimension, best first.
    pub(crate) fn run(
        &self,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        scratch: &mut Scratch,
    ) -> Result<Vec<RankKey>, DamagedRecord> {
        scratch.best.reset(self.k);
        if let Some(search_k) = self.search_k {
            scratch.candidates.clear();
            self.gather(forest, query, search_k, scratch)?;
            for group in scratch.candidates.items().chunks(GROUP) {
                self.rank(forest, query, group, &mut scratch.best);
            }
        } else {
            let n_items = forest.shape().n_items();
            let mut admitted = (0..n_items).filter(|&item| self.admits(item));
            let mut group = Vec::with_capacity(GROUP);
            loop {
                group.clear();
                group.extend(admitted.by_ref().take(GROUP));
                if group.is_empty() {
                    break;
                }
                self.rank(forest, query, &group, &mut scratch.best);
            }
        }
        Ok(scratch.best.drain_sorted())
    }

    fn admits(&self, item: u32) -> bool {
        self.admit.is_none_or(|admit| admit.contains(item))
    }

    /// Walks down all trees at once, nearest subtree first, until enough items are gathered.
    fn gather(
        &self,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        search_k: usize,
        scratch: &mut Scratch,
    ) -> Result<(), DamagedRecord> {
        let Scratch { queue, candidates, .. } = scratch;
        queue.clear();
        let nearest = match forest.shape().layout().metric() {
            Metric::Hamming => Priority::NO_WRONG_TURN,
            _ => Priority::of_margin(f32::INFINITY),
        };
        for &root in forest.shape().roots() {
            queue.push(nearest, root);
        }
        let mut gathered = 0;
        let mut visits = most_visits(forest.shape());
        while gathered < search_k
            && let Some((priority, node)) = queue.pop()
        {
            if node.0 >= forest.shape().n_items() {
                if visits == 0 {
                    let problem = "is reached more often than trees can reach it";
                    return Err(forest.damaged(node, problem));
                }
                visits -= 1;
            }
            match forest.record(node)? {
                Record::Item(item) => {
                    if self.admits(item) {
                        candidates.insert(item);
                        gathered += 1;
                    }
                }
                Record::Leaf(items) => {
                    let Some(admit) = self.admit else {
                        for &item in items {
                            candidates.insert(item);
                        }
                        gathered += items.len();
                        continue;
                    };
                    for &item in items.iter().filter(|&&item| admit.contains(item)) {
                        candidates.insert(item);
                        gathered += 1;
                    }
                }
                Record::Split(split) => {
                    let nearest = priority.margin();
                    let margin = split.offset + kernel::dot(split.normal, query.vector());
                    for (child, margin) in [(1, margin), (0, -margin)] {
                        let priority = Priority::of_margin(lesser(nearest, margin));
                        queue.push(priority, split.children[child]);
                    }
                }
                Record::BitSplit(split) => {
                    let side = split.side(query.bits());
                    queue.push(priority, split.children[side]);
                    queue.push(priority.after_wrong_turn(), split.children[1 - side]);
                }
            }
        }
        Ok(())
    }

    /// Ranks a group of at most [`GROUP`] candidates by distance, several at a time.
    fn rank(&self, forest: Forest<'_>, query: &Prepared<'_>, group: &[u32], best: &mut TopK) {
        let mut present = [0; GROUP];
        let mut count = 0;
        let mut touched = 0;
        for &item in group {
            let record = forest.item_record(item);
            touched ^= record.iter().step_by(LINE_WORDS).fold(0, |all, word| all ^ word);
            if record[0] == 1 && Some(item) != self.exclude {
                present[count] = item;
                count += 1;
            }
        }
        black_box(touched);
        if forest.shape().layout().metric() == Metric::Hamming {
            for &item in &present[..count] {
                best.push(RankKey::new(query.comparable_bits(forest.bits(item)), item));
            }
            return;
        }
        let (batches, rest) = present[..count].as_chunks::<LANES>();
        for batch in batches {
            let vectors = batch.map(|item| forest.vector(item));
            let lengths = batch.map(|item| forest.squared_length(item));
            let distances = query.comparable_lanes(&vectors, &lengths);
            for (&item, distance) in batch.iter().zip(distances) {
                best.push(RankKey::new(distance, item));
            }
        }
        for &item in rest {
            let distance = query.comparable(forest.vector(item), forest.squared_length(item));
            best.push(RankKey::new(distance, item));
        }
    }
}

/// How many tree records a walk through undamaged trees visits at most.
///
/// Each has one parent, and is visited twice where its root could not be told from the copy. With
/// that the queue is bounded too, and with it the visits to items: a split adds two entries.
fn most_visits(shape: &ForestShape) -> u64 {
    2 * u64::from(shape.n_nodes() - shape.n_items())
}

/// The smaller of the two, and `bound` where `margin` is not a number.
fn lesser(bound: f32, margin: f32) -> f32 {
    if margin < bound { margin } else { bound }
}
