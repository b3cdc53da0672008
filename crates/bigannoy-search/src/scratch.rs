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

/// Subtrees still to be looked at, the most promising first: the largest margin, and among equal
/// ones the largest number.
#[derive(Debug, Default)]
pub(crate) struct Queue(BinaryHeap<u64>);

impl Queue {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn push(&mut self, margin: f32, node: NodeId) {
        self.0.push(u64::from(order_bits(margin)) << 32 | u64::from(node.0));
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is the node")]
    pub(crate) fn pop(&mut self) -> Option<(f32, NodeId)> {
        self.0.pop().map(|key| (from_order_bits((key >> 32) as u32), NodeId(key as u32)))
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
            queue.push(margin, NodeId(node));
        }
        let order: Vec<(f32, u32)> =
            std::iter::from_fn(|| queue.pop()).map(|(margin, node)| (margin, node.0)).collect();
        assert_eq!(order, [(f32::INFINITY, 0), (0.0, 2), (0.0, 1), (-1.0, 9), (-2.0, 5)]);
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
