//! Copies of the items of a small set, close together.

use bigannoy_format::Layout;

use crate::items::Items;

/// Sets whose records take no more bytes than this are copied: first into what a last-level cache
/// holds, then into what a core's own cache holds.
///
/// Below these sizes every level of a tree reads from the copy instead of from all over the items,
/// which is most of what growing a tree waits for.
const STAGES: [usize; 2] = [8 << 20, 512 << 10];

/// The copies that a growing tree is working on, each a part of the one before.
#[derive(Debug, Default)]
pub(crate) struct NearItems {
    copies: Vec<Copy>,
    /// Memory of copies that were given up.
    spare: Vec<Copy>,
}

#[derive(Debug, Default)]
struct Copy {
    records: Vec<u32>,
    /// The number in the index of each item of the copy.
    numbers: Vec<u32>,
}

impl NearItems {
    /// Whether a set of `count` items is due to be copied.
    pub(crate) fn is_due(&self, count: usize, layout: Layout) -> bool {
        STAGES.get(self.copies.len()).is_some_and(|&most| count * layout.record_bytes() <= most)
    }

    /// The items that sets are numbered in: those of the innermost copy, or all.
    pub(crate) fn items<'a>(&'a self, all: Items<'a>) -> Items<'a> {
        match self.copies.last() {
            Some(copy) => Items::new(&copy.records, all.layout(), &[]),
            None => all,
        }
    }

    /// The number in the index of an item of the current set.
    pub(crate) fn number(&self, item: u32) -> u32 {
        match self.copies.last() {
            Some(copy) => copy.numbers[item as usize],
            None => item,
        }
    }

    /// Copies the items of `set` and numbers it anew, from 0 on in the same order.
    pub(crate) fn enter(&mut self, all: Items<'_>, set: &mut [u32]) {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.records.clear();
        copy.numbers.clear();
        let from = self.items(all);
        for (item, number) in set.iter_mut().zip(0..) {
            copy.records.extend_from_slice(from.record(*item));
            copy.numbers.push(self.number(*item));
            *item = number;
        }
        self.copies.push(copy);
    }

    /// Gives up the innermost copy: its set is done.
    pub(crate) fn leave(&mut self) {
        self.spare.extend(self.copies.pop());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_metric::Metric;

    #[test]
    fn copies_of_copies_keep_vectors_and_numbers() {
        let layout = Layout::new(Metric::Euclidean, 1).unwrap();
        let mut words = Vec::new();
        for value in [10.0, 11.0, 12.0, 13.0, 14.0] {
            layout.push_item(&mut words, &[value]);
        }
        let all = Items::new(&words, layout, &[]);
        let mut near = NearItems::default();
        assert!(near.is_due(5, layout) && !near.is_due(1 << 20, layout));

        let mut set = [1, 3, 4];
        near.enter(all, &mut set);
        assert_eq!(set, [0, 1, 2]);
        assert_eq!((near.items(all).vector(2), near.number(2)), (&[14.0][..], 4));

        let mut part = [1, 2];
        near.enter(all, &mut part);
        assert_eq!((near.items(all).vector(0), near.number(0)), (&[13.0][..], 3));
        assert!(!near.is_due(2, layout));
        near.leave();
        assert_eq!(near.number(0), 1);
        near.leave();
        assert_eq!(near.items(all).vector(0), [10.0]);
    }
}
