//! Memory that a thread uses for one query after the other.

use std::collections::BinaryHeap;

use bigannoy_format::NodeId;
use bigannoy_metric::TopK;

/// Buffers of one thread: the queue of subtrees, the candidates, the marks of visited items.
///
/// Memory: a bit for each item of the index, and what one query needs.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) queue: Queue,
    pub(crate) candidates: Candidates,
    pub(crate) best: TopK,
}

impl Scratch {
    pub(crate) fn new(n_items: u32) -> Self {
        Scratch {
            queue: Queue::default(),
            candidates: Candidates {
                marks: vec![0; (n_items as usize).div_ceil(64)],
                items: Vec::new(),
            },
            best: TopK::new(0),
        }
    }
}

/// How promising a subtree is: larger comes sooner.
///
/// Where planes split, it is the smallest margin on the way there, as a float whose bits compare as
/// integers do. Where bits split, it counts down the turns that led away from the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priority(u32);

impl Priority {
    /// Where bits split: every turn so far was towards the query.
    pub(crate) const NO_WRONG_TURN: Priority = Priority(u32::MAX);

    /// Margins are never NaN.
    pub(crate) fn of_margin(margin: f32) -> Self {
        Priority(order_bits(margin))
    }

    pub(crate) fn margin(self) -> f32 {
        from_order_bits(self.0)
    }

    /// No tree is deep enough to wrap.
    pub(crate) fn after_wrong_turn(self) -> Self {
        Priority(self.0.wrapping_sub(1))
    }
}

/// Subtrees still to be looked at, the most promising first, and among equal ones the largest
/// number.
#[derive(Debug, Default)]
pub(crate) struct Queue(BinaryHeap<u64>);

impl Queue {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn push(&mut self, priority: Priority, node: NodeId) {
        self.0.push(u64::from(priority.0) << 32 | u64::from(node.0));
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is the node")]
    pub(crate) fn pop(&mut self) -> Option<(Priority, NodeId)> {
        self.0.pop().map(|key| (Priority((key >> 32) as u32), NodeId(key as u32)))
    }
}

/// Bits that compare as the floats do; the two zeros are one. Margins are never NaN.
fn order_bits(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits(); // -0.0 + 0.0 is +0.0
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

fn from_order_bits(bits: u32) -> f32 {
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

/// Items found so far, each once.
#[derive(Debug)]
pub(crate) struct Candidates {
    marks: Vec<u64>,
    items: Vec<u32>,
}

impl Candidates {
    /// Takes `item` in unless it is there already.
    pub(crate) fn insert(&mut self, item: u32) {
        let (word, bit) = (item as usize / 64, 1 << (item % 64));
        if self.marks[word] & bit == 0 {
            self.marks[word] |= bit;
            self.items.push(item);
        }
    }

    pub(crate) fn items(&self) -> &[u32] {
        &self.items
    }

    pub(crate) fn clear(&mut self) {
        for &item in &self.items {
            self.marks[item as usize / 64] = 0;
        }
        self.items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_prefers_large_margins_then_large_numbers() {
        let mut queue = Queue::default();
        for (margin, node) in [(-1.0, 9), (0.0, 1), (-0.0, 2), (f32::INFINITY, 0), (-2.0, 5)] {
            queue.push(Priority::of_margin(margin), NodeId(node));
        }
        let order: Vec<(f32, u32)> = std::iter::from_fn(|| queue.pop())
            .map(|(priority, node)| (priority.margin(), node.0))
            .collect();
        assert_eq!(order, [(f32::INFINITY, 0), (0.0, 2), (0.0, 1), (-1.0, 9), (-2.0, 5)]);
    }

    #[test]
    fn a_wrong_turn_costs_its_place() {
        let mut queue = Queue::default();
        queue.push(Priority::NO_WRONG_TURN.after_wrong_turn(), NodeId(9));
        queue.push(Priority::NO_WRONG_TURN, NodeId(1));
        queue.push(Priority::NO_WRONG_TURN, NodeId(2));
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|(_, node)| node.0).collect();
        assert_eq!(order, [2, 1, 9]);
    }

    #[test]
    fn candidates_are_kept_once_and_forgotten() {
        let mut candidates = Scratch::new(100).candidates;
        for item in [99, 3, 99, 64, 3] {
            candidates.insert(item);
        }
        assert_eq!(candidates.items(), [99, 3, 64]);
        candidates.clear();
        candidates.insert(3);
        assert_eq!(candidates.items(), [3]);
    }
}
