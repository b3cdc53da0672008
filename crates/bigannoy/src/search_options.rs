//! How a search is done.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bigannoy_metric::ItemSet;
use bigannoy_search::{Budget, SearchError, Sketching, Strategy};

use crate::progress::Watch;
use crate::{Journaling, Progress};

/// Queries that are read, answered and written at a time when [`SearchOptions::block_rows`] is not
/// called.
pub const DEFAULT_BLOCK_ROWS: usize = 1024;

/// How a search is done.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own, named by its setter")]
pub struct SearchOptions {
    pub(crate) k: usize,
    pub(crate) strategy: Strategy,
    pub(crate) budget: Budget,
    pub(crate) widen: bool,
    pub(crate) strict: bool,
    pub(crate) skip_missing: bool,
    pub(crate) include_self: bool,
    pub(crate) sketching: Sketching,
    pub(crate) prefault: Option<bool>,
    only: Option<Arc<ItemSet>>,
    except: Option<Arc<ItemSet>>,
    pub(crate) threads: Option<usize>,
    pub(crate) block_rows: usize,
    pub(crate) journaling: Journaling,
    pub(crate) watch: Watch,
}

impl SearchOptions {
    /// A search for the `k` nearest neighbors of each query, everything else at its default.
    #[must_use]
    pub fn new(k: usize) -> Self {
        SearchOptions {
            k,
            strategy: Strategy::default(),
            budget: Budget::default(),
            widen: false,
            strict: false,
            skip_missing: false,
            include_self: false,
            sketching: Sketching::default(),
            prefault: None,
            only: None,
            except: None,
            threads: None,
            block_rows: DEFAULT_BLOCK_ROWS,
            journaling: Journaling::default(),
            watch: Watch::default(),
        }
    }

    /// Sets how neighbors are looked for. Default: [`Strategy::Annoy`], whose answers are Annoy's.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets the budget: how many items are gathered from the trees before they are ranked. More
    /// give a higher recall and a longer search.
    ///
    /// Default: [`Budget::PerTree`], which is `k` times the number of trees, as in Annoy; `k + 1`
    /// times where each row of the index is left out of its own neighbors. Under
    /// [`Strategy::Cells`] a sixteenth of the items, and at least 100 times.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the budget to `search_k` items: [`Budget::Items`].
    #[must_use]
    pub fn search_k(self, search_k: usize) -> Self {
        self.budget(Budget::Items(search_k))
    }

    /// Compares each query with every item: [`Budget::Exhaustive`]. The answers are the exact ones.
    #[must_use]
    pub fn exhaustive(self) -> Self {
        self.budget(Budget::Exhaustive)
    }

    /// Sets whether a query that has found fewer than `k` neighbors is answered again with twice the
    /// budget, until it has `k` or everything was looked at. Default: no.
    #[must_use]
    pub fn widen(mut self, widen: bool) -> Self {
        self.widen = widen;
        self
    }

    /// Sets whether it is an error ([`crate::Error::ShortRow`]) that a query has fewer than `k`
    /// neighbors. The search ends before the block of this query is written, and no new destination
    /// appears. Queries that are skipped do not count. Default: no, what is not found is missing in
    /// the result.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets whether a query with a missing, infinite or too large value is answered with no
    /// neighbors, rather than refused. Default: refused, with row and column, before anything is
    /// written.
    #[must_use]
    pub fn skip_missing(mut self, skip: bool) -> Self {
        self.skip_missing = skip;
        self
    }

    /// Sets what becomes of a search into files that a killed or interrupted process has left
    /// unfinished, and whether this one can be gone on with. Default: [`Journaling::Keep`].
    #[must_use]
    pub fn journaling(mut self, journaling: Journaling) -> Self {
        self.journaling = journaling;
        self
    }

    /// Sets whether the index is read into memory first, where this search is the one that maps it.
    /// Default: as [`crate::OpenOptions::prefault`] said.
    #[must_use]
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = Some(prefault);
        self
    }

    /// Sets whether rows of the index that are searched for are among their own neighbors. Default:
    /// no. Rows that are given are never left out.
    #[must_use]
    pub fn include_self(mut self, include_self: bool) -> Self {
        self.include_self = include_self;
        self
    }

    /// Lets only these items be neighbors. The budget is spent on them alone, however few they are.
    /// Default: all items.
    ///
    /// `k` must not be more than the items that are left; where each row is left out of its own
    /// neighbors, not more than one less.
    #[must_use]
    pub fn only(mut self, items: impl Into<Arc<ItemSet>>) -> Self {
        self.only = Some(items.into());
        self
    }

    /// Lets these items not be neighbors, whatever [`SearchOptions::only`] says. Default: none.
    #[must_use]
    pub fn except(mut self, items: impl Into<Arc<ItemSet>>) -> Self {
        self.except = Some(items.into());
        self
    }

    /// The items of an index of `n_items` that may be neighbors; `None` where all may.
    pub(crate) fn admitted(&self, n_items: u32) -> Result<Option<Arc<ItemSet>>, SearchError> {
        for set in [&self.only, &self.except].into_iter().flatten() {
            if set.n_items() != n_items {
                return Err(SearchError::Filter { found: set.n_items(), expected: n_items });
            }
        }
        Ok(match (&self.only, &self.except) {
            (only, None) => only.clone(),
            (None, Some(except)) => Some(Arc::new(ItemSet::clone(except).complement())),
            (Some(only), Some(except)) => Some(Arc::new(ItemSet::clone(only).without(except))),
        })
    }

    /// Sets whether short copies of the items and trees, kept in memory with the open index, save reading
    /// most of it. The answers do not depend on it. Default: [`Sketching::Auto`], as soon as it pays.
    #[must_use]
    pub fn sketching(mut self, sketching: Sketching) -> Self {
        self.sketching = sketching;
        self
    }

    /// Sets how many threads work, at most [`crate::MAX_THREADS`]. The answers do not depend on it.
    /// Default: those of the rayon pool in which the call is made, normally one for each processor.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets how many queries are read, answered and written at a time, at most: fewer where a block
    /// would take more than 64 MiB. The answers do not depend on it. Default:
    /// [`DEFAULT_BLOCK_ROWS`].
    #[must_use]
    pub fn block_rows(mut self, block_rows: usize) -> Self {
        self.block_rows = block_rows;
        self
    }

    /// Calls `progress` after each block.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watch.progress = Some(Arc::new(progress));
        self
    }

    /// Ends the search soon after `interrupt` has become true, with
    /// [`crate::Error::SearchInterrupted`]: the queries that are being answered are the last, and
    /// those of their block are not written.
    #[must_use]
    pub fn interrupt(mut self, interrupt: Arc<AtomicBool>) -> Self {
        self.watch.interrupt = Some(interrupt);
        self
    }
}
