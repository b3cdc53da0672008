//! The records of a tree, in the parts in which it grew.

use bigannoy_format::Layout;

/// A tree, or a subtree: every child before its parent and the root last, numbered from the number of items
/// on as if it were the first tree.
#[derive(Debug)]
pub(crate) struct Tree {
    parts: Vec<Part>,
    /// The root: a record, or an item where there is but one.
    root: u32,
}

#[derive(Debug)]
struct Part {
    records: Vec<u32>,
    /// What is to be added to the numbers of children that are records.
    shift: u32,
}

impl Tree {
    /// One that grew in one piece.
    pub(crate) fn whole(records: Vec<u32>, root: u32) -> Self {
        Tree { parts: vec![Part { records, shift: 0 }], root }
    }

    /// Joins the sides of a split, `first` being the one whose records come first, which is `side`. `split` is the
    /// record of the split, whose children are set here.
    pub(crate) fn joined(
        layout: Layout,
        n_items: u32,
        (first, side): (Tree, usize),
        mut second: Tree,
        mut split: Vec<u32>,
    ) -> Self {
        let shift = first.n_records(layout);
        let moved = if second.root < n_items { second.root } else { second.root + shift };
        layout.set_children(
            &mut split,
            if side == 0 { [first.root, moved] } else { [moved, first.root] },
        );
        for part in &mut second.parts {
            part.shift += shift;
        }
        let root = n_items + shift + second.n_records(layout);
        let mut parts = first.parts;
        parts.append(&mut second.parts);
        parts.push(Part { records: split, shift: 0 });
        Tree { parts, root }
    }

    /// How many records there are.
    pub(crate) fn n_records(&self, layout: Layout) -> u32 {
        let words: usize = self.parts.iter().map(|part| part.records.len()).sum();
        #[expect(clippy::cast_possible_truncation, reason = "the caller checks the file's limit")]
        let records = (words / layout.record_words()) as u32;
        records
    }

    /// Bytes of the records.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| size_of_val(&part.records[..]) as u64).sum()
    }

    /// Numbers the tree from where it really stands: its first record is record `first` of the index.
    pub(crate) fn renumber(&mut self, layout: Layout, n_items: u32, first: u32) {
        for Part { records, shift } in &mut self.parts {
            let by = first + *shift - n_items;
            for record in records.chunks_exact_mut(layout.record_words()) {
                if record[0] as usize > layout.leaf_capacity() {
                    let children = layout.children(record);
                    let moved =
                        children.map(|child| if child < n_items { child } else { child + by });
                    layout.set_children(record, moved);
                }
            }
        }
    }

    /// The records, part by part.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[u32]> {
        self.parts.iter().map(|part| &part.records[..])
    }

    /// The record of the root of a whole tree.
    pub(crate) fn root(&self, layout: Layout) -> &[u32] {
        let last = self.parts().last().unwrap_or_default();
        &last[last.len() - layout.record_words()..]
    }

    /// The memory of the larger parts.
    pub(crate) fn into_memory(self, layout: Layout) -> impl Iterator<Item = Vec<u32>> {
        let records = self.parts.into_iter().map(|part| part.records);
        records.filter(move |records| records.len() > layout.record_words())
    }
}
