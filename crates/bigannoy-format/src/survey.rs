//! The shape of an index's trees, without looking at its items.

use crate::verify::Steps;
use crate::{Forest, NodeId, Record, Spread, VerifyError};

/// What [`Forest::survey`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ForestSurvey {
    /// Trees.
    pub n_trees: u32,
    /// Inner nodes of all trees.
    pub splits: u64,
    /// Leaves of all trees. An item that is the child of a split is a leaf of one item.
    pub leaves: u64,
    /// Those of them that are such an item, and no record of a tree.
    pub lone_items: u64,
    /// Items in a leaf. A root that is a leaf claims the gaps in the ids too.
    pub leaf_size: Spread,
    /// Splits on the way from the root to an item; the mean is over all items of all trees.
    pub depth: Spread,
}

impl Forest<'_> {
    /// Walks through all trees and tells their shape. Checks what a search checks, which is that the
    /// walk stays within the file and ends: see [`Forest::verify`] for more.
    ///
    /// `go_on` is asked from time to time, with how many of how many steps are done, whether to go on.
    ///
    /// Cost: the beginning of each record of a tree is read once, in a tree after the other; no item
    /// is, but its first word. Memory: as many entries as the deepest tree has levels.
    ///
    /// # Errors
    /// [`VerifyError`]: the first damage met, or `go_on` said no.
    pub fn survey(
        &self,
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<ForestSurvey, VerifyError> {
        let shape = self.shape();
        let records = u64::from(shape.n_nodes() - shape.n_items());
        let mut roots = shape.roots();
        // Trees of one leaf cannot be told from their copies, but there are as many.
        if let Some(&root) = roots.first()
            && let Record::Leaf(_) = self.record(root)?
        {
            let trees = (shape.n_nodes() - shape.n_items()) as usize / 2;
            roots = &roots[..roots.len().min(trees)];
        }
        let mut steps = Steps::new(records, go_on);
        let (mut splits, mut leaves, mut lone_items) = (0u64, 0u64, 0u64);
        let (mut places, mut depths) = (0u64, 0u64);
        let (mut sizes, mut levels) = ((u32::MAX, 0), (u32::MAX, 0));
        let mut open: Vec<(NodeId, u32)> = Vec::new();
        for &root in roots {
            open.push((root, 0));
            while let Some((id, depth)) = open.pop() {
                let size = if id.0 < shape.n_items() {
                    u32::from(self.is_present(id.0))
                } else {
                    steps.step()?;
                    if steps.done() > records {
                        let problem = "is reached although all records of trees were seen before";
                        return Err(self.damaged(id, problem).into());
                    }
                    let record = self.record(id)?;
                    if let Some(children) = record.children() {
                        splits += 1;
                        open.extend(children.map(|child| (child, depth + 1)));
                        continue;
                    }
                    let Record::Leaf(items) = record else { continue };
                    #[expect(clippy::cast_possible_truncation, reason = "at most n_items")]
                    let size = items.len() as u32;
                    size
                };
                // A gap, which stands beside the only item under a root.
                if size == 0 {
                    continue;
                }
                leaves += 1;
                lone_items += u64::from(id.0 < shape.n_items());
                places += u64::from(size);
                depths += u64::from(size) * u64::from(depth);
                sizes = (sizes.0.min(size), sizes.1.max(size));
                levels = (levels.0.min(depth), levels.1.max(depth));
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "fewer than records")]
        let n_trees = roots.len() as u32;
        Ok(ForestSurvey {
            n_trees,
            splits,
            leaves,
            lone_items,
            leaf_size: Spread::new(sizes, places, leaves),
            depth: Spread::new(levels, depths, places),
        })
    }
}
