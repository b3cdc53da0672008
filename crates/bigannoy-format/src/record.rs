//! What one record says.

use bigannoy_metric::bits;

/// The number of a record: its place in the file, counted from 0. Items come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A record, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Record<'a> {
    /// An item of the index.
    Item(u32),
    /// A leaf: the items below it, each less than the number of items. Ids may be listed twice or
    /// belong to gaps in files with gaps; see [`crate::Forest::is_present`].
    Leaf(&'a [u32]),
    /// An inner node under any metric but hamming.
    Split(Split<'a>),
    /// An inner node under hamming.
    BitSplit(BitSplit),
}

impl Record<'_> {
    /// The children of an inner node.
    #[must_use]
    pub fn children(&self) -> Option<[NodeId; 2]> {
        match self {
            Record::Split(split) => Some(split.children),
            Record::BitSplit(split) => Some(split.children),
            Record::Item(_) | Record::Leaf(_) => None,
        }
    }
}

/// An inner node: a plane and the subtrees on its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split<'a> {
    /// The plane's normal.
    pub normal: &'a [f32],
    /// The plane's offset: `offset + normal · x` is positive on the side of child 1. Zero for
    /// angular. Under dot it is what a release of Annoy adds for a query: the square of the normal's
    /// extra coordinate.
    pub offset: f32,
    /// The children, both with smaller numbers than this record.
    pub children: [NodeId; 2],
}

/// An inner node of a hamming index: a bit and the subtrees of items that have it not, or have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitSplit {
    /// The bit, in Annoy's numbering: bit `b` belongs to the 64-bit word `b / 64` and is counted
    /// from its most significant one.
    pub bit: u32,
    /// The children, both with smaller numbers than this record: 0 without the bit, 1 with it.
    pub children: [NodeId; 2],
}

impl BitSplit {
    /// The component of a vector that the bit stands for, counted from 0. Beyond the last one it
    /// is a bit that fills up a word and is never set.
    #[must_use]
    pub fn component(self) -> usize {
        (self.bit ^ 63) as usize
    }

    /// The number, 0 or 1, of the child on whose side packed bits are (see
    /// [`bigannoy_metric::bits`]).
    ///
    /// # Panics
    /// If there are fewer bits than an item of the index has.
    #[must_use]
    pub fn side(self, words: &[u32]) -> usize {
        usize::from(bits::is_set(words, self.component()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_count_from_the_most_significant_of_each_word() {
        let component = |bit| BitSplit { bit, children: [NodeId(0); 2] }.component();
        assert_eq!([0, 63, 64, 127].map(component), [63, 0, 127, 64]);
        let split = BitSplit { bit: 63 - 40, children: [NodeId(0); 2] };
        assert_eq!((split.side(&[0, 1 << 8]), split.side(&[!0, !(1 << 8)])), (1, 0));
    }
}
