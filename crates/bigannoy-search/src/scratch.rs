//! Memory that a thread uses for one query after the other.

use std::collections::BinaryHeap;

use bigannoy_format::NodeId;
use bigannoy_metric::TopK;

use crate::coarse::Coarse;
use crate::rank::Sieve;
use crate::wave::Waves;

/// Buffers of one thread: subtrees to visit, the candidates, the marks of visited items.
///
/// Memory: a bit for each item of the index; and buffers for the largest query so far. That one filled
/// them with at most 60 bytes for each record visited and 16 for each candidate, and as they grow by
/// doubling, they hold up to twice as much.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) queue: Queue,
    pub(crate) waves: Waves,
    pub(crate) coarse: Coarse,
    pub(crate) candidates: Candidates,
    pub(crate) sieve: Sieve,
    pub(crate) best: TopK,
}

impl Scratch {
    pub(crate) fn new(n_items: u32) -> Self {
        Scratch {
            queue: Queue::default(),
            waves: Waves::default(),
            coarse: Coarse::default(),
            candidates: Candidates {
                marks: vec![0; (n_items as usize).div_ceil(64)],
                items: Vec::new(),
                len: 0,
            },
            sieve: Sieve::default(),
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

    /// The upper half of an integer that orders by priority first.
    pub(crate) fn key(self) -> u64 {
        u64::from(self.0) << 32
    }

    /// The priority in the upper half of `key`.
    pub(crate) fn of_key(key: u64) -> Self {
        Priority((key >> 32) as u32)
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
        self.0.push(priority.key() | u64::from(node.0));
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is the node")]
    pub(crate) fn pop(&mut self) -> Option<(Priority, NodeId)> {
        self.0.pop().map(|key| (Priority::of_key(key), NodeId(key as u32)))
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

/// The smaller of the two, and `bound` where `margin` is not a number.
pub(crate) fn lesser(bound: f32, margin: f32) -> f32 {
    if margin < bound { margin } else { bound }
}

/// Items found so far, each once.
#[derive(Debug)]
pub(crate) struct Candidates {
    marks: Vec<u64>,
    /// The first `len` are candidates, what is behind them is anything.
    items: Vec<u32>,
    len: usize,
}

impl Candidates {
    /// Takes in those of `items` that are not there already.
    pub(crate) fn extend(&mut self, items: &[u32]) {
        // Every item is written and only new ones are counted: whether one is new is anybody's
        // guess, the processor's too.
        let most = self.len + items.len();
        if self.items.len() < most {
            self.items.resize(most.next_power_of_two(), 0);
        }
        let mut len = self.len;
        for &item in items {
            let (word, bit) = (item as usize / 64, 1 << (item % 64));
            let marks = &mut self.marks[word];
            self.items[len] = item;
            len += usize::from(*marks & bit == 0);
            *marks |= bit;
        }
        self.len = len;
    }

    /// Takes `item` in unless it is there already.
    pub(crate) fn insert(&mut self, item: u32) {
        self.extend(&[item]);
    }

    /// Takes `item` out, where it is.
    pub(crate) fn remove(&mut self, item: u32) {
        let (word, bit) = (item as usize / 64, 1 << (item % 64));
        if self.marks[word] & bit != 0
            && let Some(at) = self.items().iter().position(|&other| other == item)
        {
            self.marks[word] &= !bit;
            self.len -= 1;
            self.items[at] = self.items[self.len];
        }
    }

    pub(crate) fn items(&self) -> &[u32] {
        &self.items[..self.len]
    }

    pub(crate) fn clear(&mut self) {
        // Where the marks are few to the candidates, wiping all is quicker.
        if self.len > self.marks.len() / 16 {
            self.marks.fill(0);
        } else {
            for &item in &self.items[..self.len] {
                self.marks[item as usize / 64] = 0;
            }
        }
        self.len = 0;
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
        candidates.extend(&[99, 3, 99]);
        candidates.extend(&[64, 3]);
        assert_eq!(candidates.items(), [99, 3, 64]);
        candidates.remove(3);
        candidates.remove(5);
        assert_eq!(candidates.items(), [99, 64]);
        candidates.insert(3);
        assert_eq!(candidates.items(), [99, 64, 3]);
        candidates.clear();
        candidates.insert(3);
        assert_eq!(candidates.items(), [3]);
    }
}
