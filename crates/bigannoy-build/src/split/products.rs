//! Splits under dot: by length where lengths differ much, and otherwise by direction.

use bigannoy_metric::folded::n_chunks;

use super::{SAMPLE, Splitter};
use crate::means::Sample;
use crate::random::SetKey;
use crate::rows::Rows;

/// Under dot, a set is halved by length or cut by directions alone if the square of the longest is
/// more than this many times that of the median: if it is more than 1.5 times as long.
///
/// Where lengths differ more, the extra coordinates of most items are much larger than their
/// vectors, and planes through both tell little about inner products. On 20,000 items of 32 dimensions
/// whose lengths were spread log-normally (sigma 1), recall at 10 with a budget of 1,000 rose from
/// 0.01 to 0.99. On three smaller sets 1.25, 1.5 and 2 times did about equally well.
const WIDE_SPREAD: f32 = 2.25;
/// The preference for longer items, whose square readers add to a margin of zero: less than any
/// margin that matters, so that it decides only between ways that no plane tells apart.
const PREFERENCE: f32 = 1e-15;
/// The most that lengths count for, in preferences and in lengths of normals.
const MOST_WEIGHT: f32 = 1e5;

impl Splitter {
    /// Splits a set under dot.
    pub(super) fn split_products(&mut self, rows: Rows<'_>, set: &[u32], key: SetKey) {
        let wide = self.measure(rows, set);
        self.only_directions = wide.is_some();
        if let Some(median) = wide {
            if !self.cut_by_direction(rows, set, key, median) {
                self.halve_by_length(rows, set, median);
                return;
            }
        } else if !self.cut_rows(rows, set, key) {
            self.halve(rows.layout().dim(), set.len(), key);
            return;
        }
        let weight = weight(self.squared_radius.0, self.squared_radius.1);
        for normal in &mut self.normal {
            *normal *= weight;
        }
    }

    /// Takes in the lengths of a set under dot. Gives the square of the median where they differ much.
    /// The first set that it is shown is that of all items.
    fn measure(&mut self, rows: Rows<'_>, set: &[u32]) -> Option<f32> {
        squared_lengths(rows, set, &mut self.squares);
        let longest = self.squares.iter().copied().fold(0.0, f32::max);
        self.squared_radius = (self.squared_radius.0.max(longest), longest);
        let middle = (set.len() - 1) / 2;
        let (_, &mut median, _) = self.squares.select_nth_unstable_by(middle, f32::total_cmp);
        (longest > WIDE_SPREAD * median).then_some(median)
    }

    /// Cuts a set whose lengths differ much by directions alone, if that leaves more of the largest
    /// products where a search begins than halving it by length. Tells whether it did.
    fn cut_by_direction(&mut self, rows: Rows<'_>, set: &[u32], key: SetKey, median: f32) -> bool {
        if !self.choose(rows, set, key) {
            return false;
        }
        let sample = if set.len() <= SAMPLE { set } else { &self.drawn };
        squared_lengths(rows, sample, &mut self.squares);
        let (code, size) = (self.code, n_chunks(rows.layout().dim() + 1));
        let sample = Sample { rows: &self.copied, picks: &self.counted, size, directions: true };
        let margins = self.means.margins();
        self.reach.is_more_by_plane(code, sample, &self.squares, median, margins)
            && self.divide(rows, set, key)
    }

    /// Halves a set by length, under a plane that is zero; the longer half is on side 1.
    fn halve_by_length(&mut self, rows: Rows<'_>, set: &[u32], median: f32) {
        self.no_plane(rows.layout().dim());
        self.preference = PREFERENCE * weight(self.squared_radius.0, median);
        self.sides.clear();
        self.sides.extend(set.iter().map(|&item| rows.squared_length(item) > Some(median)));
    }
}

/// Puts the squares of the items' lengths where others were.
fn squared_lengths(rows: Rows<'_>, items: &[u32], squares: &mut Vec<f32>) {
    squares.clear();
    squares.extend(items.iter().filter_map(|&item| rows.squared_length(item)));
}

/// The coordinate that makes an item as long as the longest of its set.
pub(super) fn extra_of(squared_radius: f32, squared_length: Option<f32>) -> f32 {
    (squared_radius - squared_length.unwrap_or_default()).max(0.0).sqrt()
}

/// How many times as long the longest item of all is as others, within bounds.
fn weight(squared_of_longest: f32, squared: f32) -> f32 {
    let times = (squared_of_longest / squared).sqrt();
    // Not a number where both are zero, or beyond the range.
    if times > 1.0 { times.min(MOST_WEIGHT) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grow::SplitSets;
    use crate::items::Items;
    use crate::random::TreeRandom;
    use crate::split::tests::stored;
    use bigannoy_metric::{Metric, kernel};

    #[test]
    fn lengths_that_differ_much_are_cut_first_and_preferred() {
        let vectors: Vec<[f32; 2]> = (1u8..=20).map(|i| [f32::from(i), 0.0]).collect();
        let (layout, words, squares) = stored(Metric::Dot, &vectors);
        let items = Items::new(&words, layout, &squares);
        let mut splitter = Splitter::new(TreeRandom::new(5, 0));
        let all: Vec<u32> = (0..20).collect();
        splitter.split(items, &all, SetKey::ROOT);
        assert!(splitter.sides().iter().eq((0..20).map(|i| i >= 10).collect::<Vec<_>>().iter()));
        assert_eq!((splitter.plane().normal, splitter.plane().extra), (&[0.0, 0.0][..], 2e-15));
        // From 14 to 20 there is a plane; it is not lengthened, these being the longest of all.
        splitter.split(items, &all[13..], SetKey::ROOT);
        let length = |normal: &[f32]| kernel::dot(normal, normal).sqrt();
        assert_eq!(splitter.plane().extra, 0.0);
        assert!(length(splitter.plane().normal) <= 1.001);
        // Of other lengths but the same direction: planes tell them apart by the extra coordinate.
        let sides = splitter.sides().to_vec();
        assert!(sides.contains(&true) && sides.contains(&false), "{sides:?}");
        // Sets of shorter items have longer normals: 7 to 10 of 20, twice as long.
        splitter.split(items, &all[6..10], SetKey::ROOT);
        assert!(splitter.plane().extra == 0.0 && length(splitter.plane().normal) <= 2.001);
    }
}
