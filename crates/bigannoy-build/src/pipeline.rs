//! Many trees at once, handed over in order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use bigannoy_metric::Folded;
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::apart::{Tools, grow_apart};
use crate::crown::{Young, choose_crown, send_down};
use crate::items::Items;
use crate::memory::Memory;
use crate::random::TreeRandom;
use crate::spare::Spare;
use crate::split::Splitter;
use crate::tree::Tree;
use crate::{BuildError, IndexBuilder};

/// What trees that grow at the same time share.
struct Shared {
    kernel: Folded,
    splitters: Spare<Splitter>,
    records: Spare<Vec<u32>>,
}

impl Tools for Shared {
    fn splitter(&self, random: TreeRandom) -> Splitter {
        let Some(mut splitter) = self.splitters.take() else {
            return Splitter::new(random).with_code(self.kernel);
        };
        splitter.renew(random);
        splitter
    }

    fn give_splitter(&self, splitter: Splitter) {
        self.splitters.give(splitter);
    }

    fn records(&self) -> Vec<u32> {
        self.records.take().unwrap_or_default()
    }
}

/// Grows all trees in `pool` and gives the records of each to `take`, tree after tree.
pub(crate) fn grow_all(
    builder: &IndexBuilder<'_>,
    items: Items<'_>,
    n_items: u32,
    memory: Memory,
    pool: &ThreadPool,
    mut take: impl FnMut(usize, &mut Tree) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let trees = builder.n_trees();
    let mut largest = 0;
    // Set where the caller gave no flag to set: an error here stops the trees still growing.
    let own_stop = AtomicBool::new(false);
    let (seed, kernel) = (builder.seed_value(), builder.kernel_value());
    let stop = || own_stop.load(Ordering::Relaxed) || builder.is_interrupted();
    let stop = &stop;
    let works = &Spare::new();
    let tools = &Shared { kernel, splitters: Spare::new(), records: Spare::new() };
    pool.in_place_scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let start = |first: usize, count: usize| {
            let sender = sender.clone();
            scope.spawn(move |scope| {
                let crowns = catch_unwind(AssertUnwindSafe(|| {
                    let new = |tree| {
                        let random = TreeRandom::new(seed, tree);
                        let Some(mut young) = works.take() else { return Young::new(random) };
                        Young::renew(&mut young, random);
                        young
                    };
                    let mut young: Vec<Young> = (first..first + count).map(new).collect();
                    let chosen = young.par_iter_mut().all(|young| {
                        let mut splitter = tools.splitter(young.random());
                        choose_crown(items, n_items, young, &mut splitter);
                        tools.give_splitter(splitter);
                        !stop()
                    });
                    let whole = chosen && send_down(kernel, items, n_items, &mut young, stop);
                    whole.then_some(young)
                }));
                let young = match crowns {
                    Ok(Some(young)) => young,
                    // Nobody listens any more after an error.
                    Ok(None) => return drop(sender.send((first, Ok(None)))),
                    Err(panic) => return drop(sender.send((first, Err(panic)))),
                };
                for (tree, mut young) in (first..).zip(young) {
                    let sender = sender.clone();
                    scope.spawn(move |_| {
                        let grown = catch_unwind(AssertUnwindSafe(|| {
                            let random = young.random();
                            let crown = young.finish(items.layout().leaf_capacity(), n_items);
                            let grown = grow_apart(items, crown, &random, tools, stop);
                            works.give(young);
                            grown
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
            while started < trees {
                let count = Memory::together(most, trees - started);
                if started - next + count > most {
                    break;
                }
                start(started, count);
                started += count;
            }
            let (tree, grown) = receiver.recv().expect("a sender is kept here");
            let result = match grown {
                Ok(Some(grown)) => {
                    largest = largest.max(grown.bytes());
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
                while let Some(mut tree) = waiting.remove(&next) {
                    take(next, &mut tree)?;
                    tree.into_memory(items.layout())
                        .for_each(|records| tools.records.give(records));
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
