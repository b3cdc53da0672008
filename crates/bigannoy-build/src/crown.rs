//! The upper levels of trees, which several trees grow in one pass over the items.
//!
//! All items are read once in the order in which they lie, and while some are near the processor, they
//! go down the planes that each tree has chosen by a sample.

use crate::items::Items;
use crate::random::SetKey;
use crate::rows::NearRows;
use crate::split::Splitter;
use crate::upper::{BLOCK, Crown, Upper, is_due};

/// A tree whose crown is growing.
#[derive(Debug)]
pub(crate) struct Young {
    splitter: Splitter,
    upper: Upper,
    /// The part of the crown in which each item is.
    parts: Vec<u16>,
}

impl Young {
    pub(crate) fn new(splitter: Splitter) -> Self {
        Young { splitter, upper: Upper::default(), parts: Vec::new() }
    }

    /// The crown over all items, and what splits the sets below it.
    pub(crate) fn into_parts(self, n_items: u32) -> (Crown, Splitter) {
        if self.upper.is_empty() {
            return (Crown::none(n_items), self.splitter);
        }
        let mut ids = vec![0; n_items as usize];
        #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
        let splits = self.upper.arrange(&self.parts, &|place| place as u32, &mut ids);
        (Crown { ids, splits }, self.splitter)
    }
}

/// Grows the crowns of several trees over all `items`. Tells whether they are whole: `stop` can end it
/// early.
pub(crate) fn grow_crowns(
    items: Items<'_>,
    n_items: u32,
    trees: &mut [Young],
    stop: &dyn Fn() -> bool,
) -> bool {
    let count = n_items as usize;
    let mut sample = NearRows::default();
    for Young { splitter, upper, parts } in &mut *trees {
        if stop() {
            return false;
        }
        if !is_due(items.layout(), count) {
            return true;
        }
        #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
        let all = (count, &|place| place as u32);
        *upper = Upper::choose(splitter, &mut sample, items, (all.0, all.1), SetKey::ROOT);
        if !upper.is_empty() {
            parts.resize(count, 0);
        }
    }
    drop(sample);
    let mut some = Vec::with_capacity(BLOCK);
    for first in (0..count).step_by(BLOCK) {
        let end = count.min(first + BLOCK);
        some.clear();
        #[expect(clippy::cast_possible_truncation, reason = "items are numbered")]
        some.extend(first as u32..end as u32);
        for Young { splitter, upper, parts } in &mut *trees {
            if !upper.is_empty() {
                upper.descend(splitter, items, &some, &mut parts[first..end]);
            }
        }
        if first % (1 << 16) == 0 && stop() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    use bigannoy_format::Layout;
    use bigannoy_metric::Metric;

    use crate::grow::grow;
    use crate::random::TreeRandom;

    #[test]
    fn crowns_that_grow_together_are_those_of_single_trees() {
        const ITEMS: u32 = 9000;
        for (metric, dim) in [(Metric::Euclidean, 50), (Metric::Angular, 61), (Metric::Dot, 50)] {
            // Of the second kind, most items are equal: no plane cuts them.
            for equal in [0, 7000] {
                let layout = Layout::new(metric, dim).unwrap();
                let mut random = TreeRandom::new(11, 0);
                let (mut words, mut squares) = (Vec::new(), Vec::new());
                for item in 0..ITEMS {
                    let value =
                        |_| f32::from(u16::try_from(random.below(60_000)).unwrap()) / 6e4 - 0.4;
                    let mut vector: Vec<f32> = (0..dim).map(value).collect();
                    if item < equal {
                        vector.fill(0.25);
                    }
                    layout.push_item(&mut words, &vector);
                    squares.push(vector.iter().map(|value| value * value).sum());
                }
                let items = Items::new(&words, layout, &squares);
                let new = || Splitter::new(TreeRandom::new(3, 1));
                let mut young = [Young::new(new()), Young::new(new())];
                assert!(grow_crowns(items, ITEMS, &mut young, &|| false));
                let plain = grow(items, Crown::none(ITEMS), &mut new(), &|| false).unwrap();
                for young in young {
                    let (crown, mut splitter) = young.into_parts(ITEMS);
                    assert!(equal > 0 || crown.splits.is_empty() == (metric == Metric::Dot));
                    let tree = grow(items, crown, &mut splitter, &|| false).unwrap();
                    assert!(tree.records == plain.records, "{metric}, {equal}");
                }
            }
        }
    }

    #[test]
    fn a_crown_stops_when_it_is_told_to() {
        let layout = Layout::new(Metric::Euclidean, 1).unwrap();
        let words = vec![0; 10 * layout.record_words()];
        let mut young = [Young::new(Splitter::new(TreeRandom::new(3, 1)))];
        assert!(!grow_crowns(Items::new(&words, layout, &[]), 10, &mut young, &|| true));
    }
}
