//! Many trees at once, handed over in order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use rayon::ThreadPool;

use crate::crown::{Young, grow_crowns};
use crate::grow::{Tree, grow};
use crate::items::Items;
use crate::memory::Memory;
use crate::random::TreeRandom;
use crate::split::Splitter;
use crate::{BuildError, IndexBuilder};

/// Grows all trees in `pool` and gives the records of each to `take`, tree after tree.
pub(crate) fn grow_all(
    builder: &IndexBuilder<'_>,
    items: Items<'_>,
    n_items: u32,
    memory: Memory,
    pool: &ThreadPool,
    mut take: impl FnMut(usize, Vec<u32>) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let trees = builder.n_trees();
    let mut largest = 0;
    // Set where the caller gave no flag to set: an error here stops the trees still growing.
    let own_stop = AtomicBool::new(false);
    let (seed, kernel) = (builder.seed_value(), builder.kernel_value());
    let stop = || own_stop.load(Ordering::Relaxed) || builder.is_interrupted();
    let stop = &stop;
    pool.in_place_scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let start = |first: usize, count: usize| {
            let sender = sender.clone();
            scope.spawn(move |scope| {
                let crowns = catch_unwind(AssertUnwindSafe(|| {
                    let splitter =
                        |tree| Splitter::new(TreeRandom::new(seed, tree)).with_code(kernel);
                    let young = |tree| Young::new(splitter(tree));
                    let mut young: Vec<Young> = (first..first + count).map(young).collect();
                    grow_crowns(items, n_items, &mut young, stop).then_some(young)
                }));
                let young = match crowns {
                    Ok(Some(young)) => young,
                    // Nobody listens any more after an error.
                    Ok(None) => return drop(sender.send((first, Ok(None)))),
                    Err(panic) => return drop(sender.send((first, Err(panic)))),
                };
                for (tree, young) in (first..).zip(young) {
                    let sender = sender.clone();
                    scope.spawn(move |_| {
                        let grown = catch_unwind(AssertUnwindSafe(|| {
                            let (crown, mut splitter) = young.into_parts(n_items);
                            grow(items, crown, &mut splitter, stop)
                        }));
                        let _ = sender.send((tree, grown));
                    });
                }
            });
        };
        let mut started = 0;
        let mut waiting: BTreeMap<usize, Tree> = BTreeMap::new();
        let mut next = 0;
        while next < trees {
            let most = memory.trees(largest);
            let together = memory.together(most);
            while started < trees && started - next + together.min(trees - started) <= most {
                let count = together.min(trees - started);
                start(started, count);
                started += count;
            }
            let (tree, grown) = receiver.recv().expect("a sender is kept here");
            let result = match grown {
                Ok(Some(grown)) => {
                    largest = largest.max(size_of_val(&grown.records[..]) as u64);
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
