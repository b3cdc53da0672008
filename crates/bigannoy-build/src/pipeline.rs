//! Many trees at once, handed over in order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use rayon::ThreadPool;

use crate::grow::{Tree, grow};
use crate::items::Items;
use crate::random::TreeRandom;
use crate::split::Splitter;
use crate::{BuildError, IndexBuilder};

/// Grows all trees in `pool` and gives the records of each to `take`, tree after tree.
///
/// One tree more than there are threads is in the works at any time, so that none waits while
/// another is being written; no more, so that memory does not grow with the number of trees.
pub(crate) fn grow_all(
    builder: &IndexBuilder<'_>,
    items: Items<'_>,
    n_items: u32,
    pool: &ThreadPool,
    mut take: impl FnMut(usize, Vec<u32>) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let trees = builder.n_trees();
    let ahead = pool.current_num_threads() + 1;
    // Set where the caller gave no flag to set: an error here stops the trees still growing.
    let own_stop = AtomicBool::new(false);
    let seed = builder.seed_value();
    pool.in_place_scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let start = |tree: usize| {
            let sender = sender.clone();
            let own_stop = &own_stop;
            scope.spawn(move |_| {
                let stop = || own_stop.load(Ordering::Relaxed) || builder.is_interrupted();
                let grown = catch_unwind(AssertUnwindSafe(|| {
                    let random = TreeRandom::new(seed, tree);
                    let mut splitter =
                        Splitter::new(items.layout().dim(), n_items as usize, random);
                    grow(items, n_items, &mut splitter, &stop)
                }));
                // Nobody listens any more after an error.
                let _ = sender.send((tree, grown));
            });
        };
        (0..trees.min(ahead)).for_each(start);

        let mut waiting: BTreeMap<usize, Tree> = BTreeMap::new();
        let mut next = 0;
        while next < trees {
            let (tree, grown) = receiver.recv().expect("a sender is kept here");
            let result = match grown {
                Ok(Some(grown)) => {
                    waiting.insert(tree, grown);
                    Ok(())
                }
                Ok(None) => Err(BuildError::Interrupted),
                Err(panic) => {
                    own_stop.store(true, Ordering::Relaxed);
                    resume_unwind(panic)
                }
            };
            let result = result.and_then(|()| {
                while let Some(Tree { records }) = waiting.remove(&next) {
                    take(next, records)?;
                    next += 1;
                    if next + ahead <= trees {
                        start(next + ahead - 1);
                    }
                }
                Ok(())
            });
            if result.is_err() {
                own_stop.store(true, Ordering::Relaxed);
                return result;
            }
        }
        Ok(())
    })
}
