//! The walk in Annoy's own order: one record after the other, the nearest subtree first.
//!
//! This is the definition. [`crate::wave`] finds the same items sooner where planes split and nothing
//! is damaged.

use bigannoy_format::{DamagedRecord, Forest, ForestShape, Record};
use bigannoy_metric::{Metric, Prepared, kernel};

use crate::scratch::{Priority, Scratch, lesser};
use crate::walk::Walk;

impl Walk<'_> {
    /// Walks down all trees at once, nearest subtree first, until enough items are gathered.
    pub(crate) fn gather_in_order(
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
                Record::Item(item) => gathered += self.take(&[item], candidates),
                Record::Leaf(items) => gathered += self.take(items, candidates),
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
}

/// How many tree records a walk through undamaged trees visits at most.
///
/// Each has one parent, and is visited twice where its root could not be told from the copy. With
/// that the queue is bounded too, and with it the visits to items: a split adds two entries.
pub(crate) fn most_visits(shape: &ForestShape) -> u64 {
    2 * u64::from(shape.n_nodes() - shape.n_items())
}
