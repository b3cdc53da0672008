//! What one record says.

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
    /// An inner node.
    Split(Split<'a>),
}

/// An inner node: a plane and the subtrees on its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split<'a> {
    /// The plane's normal.
    pub normal: &'a [f32],
    /// The plane's offset: `offset + normal · x` is positive on the side of child 1. Zero for
    /// metrics without one.
    pub offset: f32,
    /// The children, both with smaller numbers than this record.
    pub children: [NodeId; 2],
}
