//! How much is held at a time.

use bigannoy_format::Layout;
use bigannoy_metric::Metric;

use crate::upper::sample_bytes;
use crate::{BuildError, Generator};

/// Bytes of item records that are made before they are stored, where nothing else is said.
const BLOCK_BYTES: u64 = 4 << 20;
/// Trees in the works for each thread, and as many more, if there is room.
const OF_A_THREAD: usize = 4;
/// Bytes of a tree for each item, until larger ones have grown: those of half-full leaves and what is
/// above them, whatever the number of dimensions.
const TREE_BYTES: u64 = 20;
/// Bytes for each item of a tree in the works: its number, and its place in the upper levels.
const IN_WORKS: u64 = 6;
/// Bytes for each item of a tree that is being split: margins, sides, room to part them, lengths.
const BEING_SPLIT: u64 = 13;
/// The copy near the processor, and what does not depend on the rows.
const FOR_A_THREAD: u64 = 2 << 20;
/// The sample of two-means, for each dimension, with room for some vectors.
const SAMPLE_OF_DIMENSION: u64 = 1200;
/// For each item, and in all, what Annoy's generator takes.
const ANNOY_ITEM: u64 = 13;
const ANNOY_FIXED: u64 = 10 << 20;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// Bytes.
    pub(crate) budget: Option<u64>,
    pub(crate) block_rows: Option<usize>,
}

/// How much is held at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Rows that are read and stored together.
    pub(crate) block_rows: usize,
    /// Threads that work: as many as were asked for, or fewer, where the budget says so.
    pub(crate) threads: usize,
    budget: Option<u64>,
    n_items: u64,
    /// Bytes of the items' lengths.
    lengths: u64,
    /// Bytes that a thread keeps, whatever it does. One tree may be grown by several threads.
    for_a_thread: u64,
    /// Bytes of a tree that is being split, beside those of a tree in the works.
    splitting: u64,
}

impl Memory {
    /// Divides the budget between as many of `threads` threads as have enough of it. A block of rows takes its bytes three times: as rows, as records, and as the records before,
    /// which are stored meanwhile.
    pub(crate) fn plan(
        wishes: Wishes,
        layout: Layout,
        n_items: u32,
        threads: usize,
        generator: Generator,
    ) -> Result<Memory, BuildError> {
        let upper = sample_bytes(layout, n_items as usize) as u64;
        let n_items = u64::from(n_items);
        let row = 3 * layout.record_bytes() as u64;
        // Lengths are gathered in a vector that doubles, and then cut to size.
        let (gathered, lengths) = match (layout.metric(), generator) {
            (Metric::Dot, Generator::Default) => (12 * n_items, 4 * n_items),
            _ => (0, 0),
        };
        let sample = SAMPLE_OF_DIMENSION * layout.dim() as u64;
        let mut memory = Memory {
            block_rows: 1,
            threads,
            budget: wishes.budget,
            n_items,
            lengths,
            for_a_thread: FOR_A_THREAD + sample + upper,
            splitting: BEING_SPLIT * n_items + lengths,
        };
        let least_of_trees = match generator {
            Generator::Default => memory.of_trees(1, 1, 0),
            Generator::Annoy | Generator::AnnoyFused => {
                ANNOY_ITEM * n_items + ANNOY_FIXED + 4 * TREE_BYTES * n_items
            }
        };
        let rows = wishes.block_rows.unwrap_or(1) as u64;
        let least = least_of_trees.max(gathered + rows.min(n_items) * row);
        if let Some(asked) = wishes.budget.filter(|&budget| budget < least) {
            return Err(BuildError::Memory { asked, least });
        }
        let for_blocks = wishes.budget.map_or(u64::MAX, |budget| budget - gathered);
        let fitting = (for_blocks.min(3 * BLOCK_BYTES) / row).clamp(1, n_items);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        memory.block_rows = wishes.block_rows.unwrap_or(fitting);
        if let (Some(budget), Generator::Default) = (wishes.budget, generator) {
            let fits = |threads: &usize| memory.of_trees(*threads, 1, 0) <= budget;
            memory.threads = (1..=threads).rev().find(fits).unwrap_or(1);
        }
        Ok(memory)
    }

    /// Bytes that so many threads take with so many trees in the works, if the largest yet has `largest`.
    fn of_trees(&self, threads: usize, trees: usize, largest: u64) -> u64 {
        let (split, trees) = (threads.min(trees) as u64, trees as u64);
        self.lengths
            + threads as u64 * self.for_a_thread
            + split * self.splitting
            + trees * tree_bytes(self.n_items, largest)
    }

    /// How many trees may be in the works at a time, if the largest yet has `largest` bytes.
    pub(crate) fn trees(&self, largest: u64) -> usize {
        let most = (self.threads + 1) * OF_A_THREAD;
        let Some(budget) = self.budget else { return most };
        let fits = |trees: &usize| self.of_trees(self.threads, *trees, largest) <= budget;
        (1..=most).rev().find(fits).unwrap_or(1)
    }

    /// How many trees' upper levels grow together: of `left` trees, where `most` may be in the works. Two such groups are in the
    /// works at a time, so that threads which one of them leaves without work find some in the other.
    pub(crate) fn together(most: usize, left: usize) -> usize {
        let groups = left.div_ceil((most / 2).max(1));
        left.div_ceil(groups.max(1)).max(1)
    }
}

/// Bytes of a tree in the works, if the largest yet has `largest`: its records in a vector that
/// doubles, and its upper splits.
fn tree_bytes(n_items: u64, largest: u64) -> u64 {
    IN_WORKS * n_items + 4 * largest.max(TREE_BYTES * n_items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(budget: Option<u64>, block_rows: Option<usize>) -> Result<Memory, BuildError> {
        let layout = Layout::new(Metric::Euclidean, 50).unwrap();
        let wishes = Wishes { budget, block_rows };
        Memory::plan(wishes, layout, 100_000, 2, Generator::Default)
    }

    #[test]
    fn more_memory_is_for_more_trees_and_larger_blocks() {
        let free = plan(None, None).unwrap();
        assert_eq!(free.trees(0), 12);
        assert_eq!(free.block_rows, 19_418);
        let BuildError::Memory { asked: 0, least } = plan(Some(0), None).unwrap_err() else {
            panic!("another error");
        };
        let mut before = (0, 0);
        for budget in [least, least + (16 << 20), least + (48 << 20), 1 << 30] {
            let memory = plan(Some(budget), None).unwrap();
            let now = (memory.trees(0), memory.block_rows);
            assert!(now.0 > before.0 && now.1 >= before.1, "{budget}: {now:?}, {before:?}");
            before = now;
        }
        assert_eq!(before, (12, 19_418));
        assert_eq!(plan(Some(least), None).unwrap().trees(0), 1);
        // A tree that was larger than thought leaves room for fewer.
        assert!(plan(Some(64 << 20), None).unwrap().trees(4 << 20) < 6);
        assert!(plan(Some(least - 1), None).is_err());
    }

    #[test]
    fn groups_are_equally_large_and_two_of_them_may_be_in_the_works() {
        for most in 1..30 {
            for trees in 1..60 {
                let (mut left, mut groups) = (trees, Vec::new());
                while left > 0 {
                    groups.push(Memory::together(most, left));
                    left -= groups[groups.len() - 1];
                }
                let (least, largest) = (groups[groups.len() - 1], groups[0]);
                assert!(
                    largest <= least + 1 && (2 * largest <= most || largest == 1),
                    "{groups:?}"
                );
            }
        }
        assert_eq!([10, 50, 3].map(|trees| Memory::together(12, trees)), [5, 6, 3]);
    }

    #[test]
    fn blocks_are_as_large_as_asked_for_and_count() {
        assert_eq!(plan(None, Some(1024)).unwrap().block_rows, 1024);
        let error = plan(Some(20 << 20), Some(1 << 40)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a memory budget of 20971520 bytes is too small for these settings: at least 64800000 are needed"
        );
    }
}
