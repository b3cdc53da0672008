//! Questions to an index.

use std::ops::Range;

use bigannoy_format::Forest;
use bigannoy_metric::{Neighbor, NeighborBlock, Prepared, RankKey, RowMut};
use rayon::prelude::*;

use crate::SearchError;
use crate::scratch::Scratch;
use crate::walk::Walk;

/// Queries that a thread takes at a time.
const PIECE: usize = 16;

/// A search with its settings: begun with [`crate::Index::query`].
///
/// Neighbors come nearest first, equal distances by item. Under dot the distances are inner products
/// and come in descending order. There can be fewer than `k`: a search
/// with a small budget need not meet more.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is searched until a query is given"]
pub struct Query<'a> {
    forest: Forest<'a>,
    k: usize,
    search_k: Option<usize>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(forest: Forest<'a>, k: usize) -> Self {
        Query { forest, k, search_k: None }
    }

    /// Sets the budget: how many items are gathered from the trees before they are ranked. More
    /// give a higher recall and a longer search.
    ///
    /// Default: neighbors sought times the number of roots, as in Annoy. A search that leaves the
    /// own row out seeks one more than `k`.
    pub fn search_k(mut self, search_k: usize) -> Self {
        self.search_k = Some(search_k);
        self
    }

    /// The neighbors of `vector`. Under hamming, components greater than 0.5 are set bits.
    ///
    /// # Errors
    /// [`SearchError`]: `k` or `search_k` out of range, a vector of another dimension or with a
    /// value that is not finite, a damaged index.
    pub fn by_vector(&self, vector: &[f32]) -> Result<Vec<Neighbor>, SearchError> {
        let walk = self.walk(false)?;
        self.check_rows(vector, 1)?;
        let keys = walk.run(self.forest, &self.prepare(vector), &mut self.scratch())?;
        Ok(self.neighbors(keys).collect())
    }

    /// The neighbors of an item of the index, itself left out.
    ///
    /// # Errors
    /// [`SearchError`]: `k` or `search_k` out of range, no such item, a damaged index.
    pub fn by_item(&self, item: u32) -> Result<Vec<Neighbor>, SearchError> {
        let n_items = self.forest.shape().n_items();
        let walk = Walk { exclude: Some(item), ..self.walk(true)? };
        if item >= n_items || !self.forest.is_present(item) {
            return Err(SearchError::NoSuchItem { item, n_items });
        }
        let keys = walk.run(self.forest, &self.forest.prepared(item), &mut self.scratch())?;
        Ok(self.neighbors(keys).collect())
    }

    /// The neighbors of each row of `rows`: row-major, as many values in a row as the index has
    /// dimensions.
    ///
    /// # Errors
    /// As [`Query::by_vector`]; rows are counted from the beginning of the block.
    pub fn by_rows(&self, rows: &[f32]) -> Result<NeighborBlock, SearchError> {
        let walk = self.walk(false)?;
        let dim = self.forest.shape().layout().dim();
        if !rows.len().is_multiple_of(dim) {
            return Err(SearchError::WrongDimension { expected: dim, found: rows.len() % dim });
        }
        self.check_rows(rows, rows.len() / dim)?;
        self.run_block(rows.len() / dim, |row, scratch| {
            walk.run(self.forest, &self.prepare(&rows[row * dim..][..dim]), scratch)
        })
    }

    /// The neighbors of each item in `items`, counted from 0, itself left out. Where the ids have a
    /// gap, the row is empty.
    ///
    /// # Errors
    /// As [`Query::by_item`].
    pub fn by_items(&self, items: Range<u32>) -> Result<NeighborBlock, SearchError> {
        let walk = self.walk(true)?;
        let n_items = self.forest.shape().n_items();
        if items.end > n_items {
            return Err(SearchError::NoSuchItem { item: items.end - 1, n_items });
        }
        self.run_block(items.len(), |row, scratch| {
            #[expect(clippy::cast_possible_truncation, reason = "no more rows than items")]
            let item = items.start + row as u32;
            if !self.forest.is_present(item) {
                return Ok(Vec::new());
            }
            let walk = Walk { exclude: Some(item), ..walk };
            walk.run(self.forest, &self.forest.prepared(item), scratch)
        })
    }

    /// Checks the settings alone.
    ///
    /// # Errors
    /// [`SearchError`]: `k` or `search_k` out of range. `own_row` tells whether the row itself is
    /// left out, which leaves one item less.
    pub fn check(&self, own_row: bool) -> Result<(), SearchError> {
        self.walk(own_row).map(drop)
    }

    fn walk(&self, own_row: bool) -> Result<Walk, SearchError> {
        let n_items = self.forest.shape().n_items();
        let most = n_items - u32::from(own_row);
        if self.k == 0 {
            return Err(SearchError::ZeroK);
        }
        if self.k > most as usize {
            return Err(SearchError::TooManyNeighbors { k: self.k, most, n_items, own_row });
        }
        if self.search_k == Some(0) {
            return Err(SearchError::ZeroSearchK);
        }
        let sought = self.k + usize::from(own_row);
        let default = sought.saturating_mul(self.forest.shape().roots().len());
        Ok(Walk { k: self.k, search_k: self.search_k.unwrap_or(default), exclude: None })
    }

    /// Refuses rows of the wrong length and values that are not finite.
    fn check_rows(&self, rows: &[f32], nrows: usize) -> Result<(), SearchError> {
        let dim = self.forest.shape().layout().dim();
        if rows.len() != nrows * dim {
            return Err(SearchError::WrongDimension { expected: dim, found: rows.len() });
        }
        match rows.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => {
                let value = rows[at];
                Err(SearchError::NotFinite { row: at / dim, column: at % dim, value })
            }
        }
    }

    fn run_block<F>(&self, nrows: usize, run: F) -> Result<NeighborBlock, SearchError>
    where
        F: Fn(usize, &mut Scratch) -> Result<Vec<RankKey>, bigannoy_format::DamagedRecord> + Sync,
    {
        let mut block = NeighborBlock::new(nrows, self.k);
        let mut rows: Vec<RowMut<'_>> = block.rows_mut().collect();
        let pieces = rows.par_chunks_mut(PIECE).enumerate().map_init(
            || self.scratch(),
            |scratch, (piece, rows)| {
                for (offset, row) in rows.iter_mut().enumerate() {
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

    fn neighbors(&self, keys: Vec<RankKey>) -> impl Iterator<Item = Neighbor> {
        let metric = self.forest.shape().layout().metric();
        keys.into_iter().map(move |key| key.neighbor(metric))
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(self.forest.shape().n_items())
    }
}
