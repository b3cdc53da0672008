//! A forest taken apart.

use bigannoy_format::{Forest, NodeId, Record};

/// Asserts that the forest passes its own verification, that every record can be read and that every
/// tree reaches every item exactly once. Returns the levels of the deepest tree.
pub(super) fn assert_whole(forest: Forest<'_>) -> u32 {
    let shape = forest.shape();
    let verified = forest.verify(&mut |_, _| true);
    assert!(verified.is_ok(), "{verified:?}");
    for id in (0..shape.n_nodes()).map(NodeId) {
        assert!(forest.record(id).is_ok(), "{:?}", forest.record(id));
    }
    for &root in shape.roots() {
        let mut reached = vec![0u32; shape.n_items() as usize];
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            match forest.record(node).expect("read above") {
                Record::Item(item) => reached[item as usize] += 1,
                Record::Leaf(items) => items.iter().for_each(|&item| reached[item as usize] += 1),
                record => open.extend(record.children().into_iter().flatten()),
            }
        }
        assert!(reached.iter().all(|&times| times == 1), "tree {root:?} reaches {reached:?}");
    }
    verified.expect("looked at above").depth.max
}
