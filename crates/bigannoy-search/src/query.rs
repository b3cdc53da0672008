//! Questions to an index.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use bigannoy_format::Forest;
use bigannoy_metric::{ItemSet, Neighbor, NeighborBlock, Prepared, RankKey, RowMut};
use bigannoy_sketch::Kernel;
use bigannoy_sketch::scan::ScanKernel;
use rayon::prelude::*;

use crate::cells::Asked;
use crate::interrupt::Interrupt;
use crate::scratch::Scratch;
use crate::sketched::{Batch, Kept, Lent, Sketching};
use crate::walk::Walk;
use crate::{Budget, SearchError, Strategy};

/// Queries that a thread takes at a time.
const PIECE: usize = 16;

/// A search with its settings: begun with [`crate::Index::query`].
///
/// Neighbors come nearest first, equal distances by item. Under dot the distances are inner products
/// and come in descending order. There can be fewer than `k`: a search with a small budget need not
/// meet more, unless it may [widen](Query::widen).
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is searched until a query is given"]
pub struct Query<'a> {
    pub(crate) forest: Forest<'a>,
    pub(crate) shared: &'a Kept,
    strategy: Strategy,
    pub(crate) sketching: Sketching,
    to_come: usize,
    kernel: Kernel,
    pub(crate) scan: ScanKernel,
    pub(crate) k: usize,
    keep: usize,
    budget: Budget,
    pub(crate) widen: bool,
    pub(crate) admit: Option<&'a ItemSet>,
    include_self: bool,
    skip: bool,
    interrupt: Option<&'a AtomicBool>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(forest: Forest<'a>, shared: &'a Kept, k: usize) -> Self {
        Query {
            forest,
            shared,
            strategy: Strategy::default(),
            sketching: Sketching::default(),
            to_come: 0,
            kernel: Kernel::new(),
            scan: ScanKernel::new(),
            k,
            keep: k,
            budget: Budget::default(),
            widen: false,
            admit: None,
            include_self: false,
            skip: false,
            interrupt: None,
        }
    }

    /// Keeps the `keep` best items of those gathered where that is more than `k`: for who ranks them
    /// anew. Everything else goes by `k`, the budget too. Default: `k`.
    pub fn keep(mut self, keep: usize) -> Self {
        self.keep = keep;
        self
    }

    /// Sets how neighbors are looked for. Default: [`Strategy::Annoy`].
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets how many items are gathered from the trees before they are ranked. Default:
    /// [`Budget::PerTree`].
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the budget to `search_k` items: [`Budget::Items`].
    pub fn search_k(self, search_k: usize) -> Self {
        self.budget(Budget::Items(search_k))
    }

    /// Compares every item: [`Budget::Exhaustive`].
    pub fn exhaustive(self) -> Self {
        self.budget(Budget::Exhaustive)
    }

    /// Doubles the budget of a query, again and again, until it has `k` neighbors or everything was
    /// looked at. The answer is the one that this budget gives. Default: no.
    pub fn widen(mut self, widen: bool) -> Self {
        self.widen = widen;
        self
    }

    /// Sets whether short copies of the items and planes save reading most of them. The answers do not
    /// depend on it. Default: [`Sketching::Auto`].
    pub fn sketching(mut self, sketching: Sketching) -> Self {
        self.sketching = sketching;
        self
    }

    /// Says how many queries of a batch are still to be answered, those of the next call included, so that
    /// [`Sketching::Auto`] decides for the whole batch at its start. The answers do not depend on it. Default:
    /// those of the call.
    pub fn to_come(mut self, n_query: usize) -> Self {
        self.to_come = n_query;
        self
    }

    /// Sets the code that compares sketches. The answers do not depend on it. Default: the fastest
    /// on this processor.
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// Lets only these items be neighbors. Others count for nothing, so that the budget is spent on
    /// those that are admitted however few they are. Default: all are.
    ///
    /// `k` must not be more than the items admitted; where each row is left out of its own
    /// neighbors, not more than one less, for the sake of the rows that are admitted themselves.
    pub fn admit(mut self, items: &'a ItemSet) -> Self {
        self.admit = Some(items);
        self
    }

    /// Sets whether an item that is searched for is among its own neighbors. Default: no.
    pub fn include_self(mut self, include_self: bool) -> Self {
        self.include_self = include_self;
        self
    }

    /// Sets whether rows with a value that is not finite have no neighbors, rather than be refused.
    /// Default: no.
    pub fn skip_non_finite(mut self, skip: bool) -> Self {
        self.skip = skip;
        self
    }

    /// Ends the search of a block with [`SearchError::Interrupted`] soon after `interrupt` has become
    /// true: the queries that are being answered are the last. Default: nothing ends it.
    pub fn interrupt(mut self, interrupt: &'a AtomicBool) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    /// The neighbors of `vector`. Under hamming, components greater than 0.5 are set bits.
    ///
    /// # Errors
    /// [`SearchError`]: `k`, the budget or the filter out of range, a vector of another dimension or
    /// with a value that is not finite, a damaged index.
    pub fn by_vector(&self, vector: &[f32]) -> Result<Vec<Neighbor>, SearchError> {
        let walk = self.walk(false)?;
        self.check_rows(vector, 1)?;
        if !is_finite(vector) {
            return Ok(Vec::new());
        }
        if self.strategy == Strategy::Cells {
            let asked = Asked { query: self.prepare(vector), exclude: None };
            return self.one_by_cells(walk, asked);
        }
        let walk = self.with_sketch(walk, 1);
        let keys = self.answer(walk, &self.prepare(vector), self.scratch().get())?;
        Ok(self.neighbors(keys).collect())
    }

    /// The neighbors of an item of the index, itself left out unless [`Query::include_self`] says
    /// otherwise.
    ///
    /// # Errors
    /// [`SearchError`]: `k`, the budget or the filter out of range, no such item, a damaged index.
    pub fn by_item(&self, item: u32) -> Result<Vec<Neighbor>, SearchError> {
        let n_items = self.forest.shape().n_items();
        let walk = self.walk(true)?;
        if item >= n_items || !self.forest.is_present(item) {
            return Err(SearchError::NoSuchItem { item, n_items });
        }
        let query = self.forest.prepared(item);
        if self.strategy == Strategy::Cells {
            let exclude = self.leaving_out(item, walk).exclude;
            return self.one_by_cells(walk, Asked { query, exclude });
        }
        let walk = self.with_sketch(self.leaving_out(item, walk), 1);
        let keys = self.answer(walk, &query, self.scratch().get())?;
        Ok(self.neighbors(keys).collect())
    }

    /// The neighbors of each row of `rows`: row-major, as many values in a row as the index has
    /// dimensions.
    ///
    /// # Errors
    /// As [`Query::by_vector`]; rows are counted from the beginning of the block. And
    /// [`SearchError::Interrupted`].
    pub fn by_rows(&self, rows: &[f32]) -> Result<NeighborBlock, SearchError> {
        let walk = self.walk(false)?;
        let dim = self.forest.shape().layout().dim();
        if !rows.len().is_multiple_of(dim) {
            return Err(SearchError::WrongDimension { expected: dim, found: rows.len() % dim });
        }
        self.check_rows(rows, rows.len() / dim)?;
        if self.strategy == Strategy::Cells {
            return self.block_by_cells(walk, rows.len() / dim, |row| {
                let vector = &rows[row * dim..][..dim];
                let wanted = !self.skip || is_finite(vector);
                wanted.then(|| Asked { query: self.prepare(vector), exclude: None })
            });
        }
        let walk = self.with_sketch(walk, rows.len() / dim);
        self.run_block(rows.len() / dim, walk.k, |row, scratch| {
            let vector = &rows[row * dim..][..dim];
            if self.skip && !is_finite(vector) {
                return Ok(Vec::new());
            }
            self.answer(walk, &self.prepare(vector), scratch)
        })
    }

    /// The neighbors of each item in `items`, counted from 0, itself left out unless
    /// [`Query::include_self`] says otherwise. Where the ids have a gap, the row is empty.
    ///
    /// # Errors
    /// As [`Query::by_item`]; and [`SearchError::Interrupted`].
    pub fn by_items(&self, items: Range<u32>) -> Result<NeighborBlock, SearchError> {
        let walk = self.walk(true)?;
        let n_items = self.forest.shape().n_items();
        if items.end > n_items {
            return Err(SearchError::NoSuchItem { item: items.end - 1, n_items });
        }
        if self.strategy == Strategy::Cells {
            return self.block_by_cells(walk, items.len(), |row| {
                #[expect(clippy::cast_possible_truncation, reason = "no more rows than items")]
                let item = items.start + row as u32;
                let exclude = self.leaving_out(item, walk).exclude;
                let wanted = self.forest.is_present(item);
                wanted.then(|| Asked { query: self.forest.prepared(item), exclude })
            });
        }
        let walk = self.with_sketch(walk, items.len());
        self.run_block(items.len(), walk.k, |row, scratch| {
            #[expect(clippy::cast_possible_truncation, reason = "no more rows than items")]
            let item = items.start + row as u32;
            if !self.forest.is_present(item) {
                return Ok(Vec::new());
            }
            self.answer(self.leaving_out(item, walk), &self.forest.prepared(item), scratch)
        })
    }

    /// Checks the settings alone, and tells the budget in items; `None` where all are looked at.
    /// `own_rows` says whether items of the index are searched for.
    ///
    /// # Errors
    /// [`SearchError`]: `k`, the budget or the filter out of range.
    pub fn check(&self, own_rows: bool) -> Result<Option<usize>, SearchError> {
        Ok(self.walk(own_rows)?.search_k)
    }

    fn walk(&self, own_rows: bool) -> Result<Walk<'a>, SearchError> {
        let n_items = self.forest.shape().n_items();
        if let Some(admit) = self.admit
            && admit.n_items() != n_items
        {
            return Err(SearchError::Filter { found: admit.n_items(), expected: n_items });
        }
        let metric = self.forest.shape().layout().metric();
        if !self.strategy.knows(metric) {
            return Err(SearchError::StrategyMetric { strategy: self.strategy, metric });
        }
        let own_row = own_rows && !self.include_self;
        let admitted = self.admit.map_or(n_items, ItemSet::len);
        let most = admitted.saturating_sub(u32::from(own_row));
        if self.k == 0 {
            return Err(SearchError::ZeroK);
        }
        if self.k > most as usize {
            let k = self.k;
            return Err(SearchError::TooManyNeighbors { k, most, n_items, admitted, own_row });
        }
        let sought = self.k + usize::from(own_row);
        let search_k = match self.budget {
            Budget::PerTree if self.strategy == Strategy::Cells => {
                Some((n_items as usize / 16).max(sought.saturating_mul(100)))
            }
            Budget::PerTree => Some(sought.saturating_mul(self.forest.shape().roots().len())),
            Budget::Items(0) => return Err(SearchError::ZeroSearchK),
            Budget::Items(search_k) => Some(search_k),
            Budget::Exhaustive => None,
        };
        let (k, admit, kernel) = (self.kept(most as usize), self.admit, self.kernel);
        Ok(Walk { k, search_k, admit, exclude: None, sketch: None, trees: None, kernel })
    }

    /// How many neighbors a row can have, `most` of them being possible.
    fn kept(&self, most: usize) -> usize {
        self.keep.min(most).max(self.k)
    }

    /// The walk of `n_query` queries, with a sketch and short trees if they are to have them.
    fn with_sketch(&self, walk: Walk<'a>, n_query: usize) -> Walk<'a> {
        let n_items = self.forest.shape().n_items() as usize;
        let search_k = walk.search_k.unwrap_or(n_items);
        let batch = Batch { search_k, n_query, to_come: self.to_come };
        let sketch = self.shared.sketch(self.sketching, self.forest, batch);
        let trees =
            walk.search_k.and_then(|_| self.shared.trees(self.sketching, self.forest, batch));
        Walk { sketch, trees, ..walk }
    }

    fn leaving_out(&self, item: u32, walk: Walk<'a>) -> Walk<'a> {
        Walk { exclude: (!self.include_self).then_some(item), ..walk }
    }

    /// Walks, and again with a larger budget if it is to widen.
    fn answer(
        &self,
        mut walk: Walk<'a>,
        query: &Prepared<'_>,
        scratch: &mut Scratch,
    ) -> Result<Vec<RankKey>, SearchError> {
        let shape = self.forest.shape();
        // No tree leads to an item twice.
        let everything = (shape.n_items() as usize).saturating_mul(shape.roots().len());
        loop {
            let keys = walk.run(self.forest, query, scratch)?;
            match walk.search_k {
                Some(search_k) if self.widen && keys.len() < self.k && search_k < everything => {
                    walk.search_k = Some(search_k.saturating_mul(2));
                }
                _ => return Ok(keys),
            }
        }
    }

    /// Refuses rows of the wrong length, and values that are not finite unless they are skipped.
    fn check_rows(&self, rows: &[f32], nrows: usize) -> Result<(), SearchError> {
        let dim = self.forest.shape().layout().dim();
        if rows.len() != nrows * dim {
            return Err(SearchError::WrongDimension { expected: dim, found: rows.len() });
        }
        if self.skip {
            return Ok(());
        }
        match rows.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => {
                let value = rows[at];
                Err(SearchError::NotFinite { row: at / dim, column: at % dim, value })
            }
        }
    }

    fn run_block<F>(&self, nrows: usize, k: usize, run: F) -> Result<NeighborBlock, SearchError>
    where
        F: Fn(usize, &mut Scratch) -> Result<Vec<RankKey>, SearchError> + Sync,
    {
        let mut block = NeighborBlock::new(nrows, k);
        let mut rows: Vec<RowMut<'_>> = block.rows_mut().collect();
        let pieces = rows.par_chunks_mut(PIECE).enumerate().map_init(
            || self.scratch(),
            |scratch, (piece, rows)| {
                let scratch = scratch.get();
                for (offset, row) in rows.iter_mut().enumerate() {
                    self.stop().check()?;
                    row.fill(self.neighbors(run(piece * PIECE + offset, scratch)?));
                }
                Ok::<(), SearchError>(())
            },
        );
        // Collected before looked at, so that the damage reported is that of the first row.
        let pieces: Vec<Result<(), SearchError>> = pieces.collect();
        pieces.into_iter().collect::<Result<(), _>>()?;
        drop(rows);
        Ok(block)
    }

    fn prepare<'v>(&self, vector: &'v [f32]) -> Prepared<'v> {
        Prepared::new(self.forest.shape().layout().metric(), vector)
    }

    fn neighbors(&self, keys: Vec<RankKey>) -> impl Iterator<Item = Neighbor> + '_ {
        keys.into_iter().map(|key| self.neighbor(key))
    }

    pub(crate) fn neighbor(&self, key: RankKey) -> Neighbor {
        key.neighbor(self.forest.shape().layout().metric())
    }

    pub(crate) fn stop(&self) -> Interrupt<'a> {
        Interrupt(self.interrupt)
    }

    fn scratch(&self) -> Lent<'a> {
        self.shared.scratch(self.forest.shape().n_items())
    }
}

fn is_finite(vector: &[f32]) -> bool {
    vector.iter().all(|value| value.is_finite())
}
