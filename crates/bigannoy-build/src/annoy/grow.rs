//! Trees one after the other, as one generator goes through all of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use bigannoy_metric::Rounding;
use rayon::ThreadPool;

use crate::annoy::split::AnnoySplitter;
use crate::grow::grow;
use crate::items::Items;
use crate::tree::Tree;
use crate::upper::Crown;
use crate::{BuildError, IndexBuilder};

/// Grows all trees in `pool` and gives the records of each to `take`, tree after tree.
///
/// `A` says how sums are rounded. A tree can only begin when the one before it has made its last draw; the next grows while one is
/// being taken.
pub(crate) fn grow_all<A: Rounding>(
    builder: &IndexBuilder<'_>,
    items: Items<'_>,
    n_items: u32,
    pool: &ThreadPool,
    mut take: impl FnMut(usize, &mut Tree) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let trees = builder.n_trees();
    let seed = builder.seed_value();
    // Set where the caller gave no flag to set: an error here stops the tree still growing.
    let own_stop = AtomicBool::new(false);
    let stop = || own_stop.load(Ordering::Relaxed) || builder.is_interrupted();
    pool.in_place_scope(|scope| {
        // Without room, so that no third tree is begun while one is taken and one waits.
        let (sender, receiver) = mpsc::sync_channel(0);
        let stop = &stop;
        scope.spawn(move |_| {
            let mut splitter = AnnoySplitter::<A>::new(seed, items.layout().dim());
            for _ in 0..trees {
                let mut crown = Crown::none(n_items);
                let Some(tree) = grow(items, &mut crown, &mut splitter, stop) else { return };
                // Room for the next tree's.
                drop(crown);
                if sender.send(tree).is_err() {
                    return; // nobody listens any more after an error
                }
            }
        });
        for tree in 0..trees {
            // Nothing comes after an interruption. A panic is passed on where the scope ends.
            let Ok(mut grown) = receiver.recv() else {
                return Err(BuildError::Interrupted);
            };
            if let Err(error) = take(tree, &mut grown) {
                own_stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    })
}
