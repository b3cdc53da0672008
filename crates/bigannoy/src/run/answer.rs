//! The answers to a block of queries.

use std::ops::Range;

use bigannoy_metric::NeighborBlock;
use bigannoy_search::{Budget, Query};

use super::read::Vectors;
use super::{Queries, Run};
use crate::Error;

/// The neighbors of a block of queries.
pub(super) struct Answer {
    pub(super) neighbors: NeighborBlock,
    /// Queries with fewer than `k` of them, though they were answered.
    pub(super) short_rows: usize,
    /// Queries that were not answered.
    pub(super) skipped_rows: usize,
}

impl Run<'_> {
    /// The search with its settings.
    pub(super) fn query(&self) -> Query<'_> {
        let options = self.options;
        let mut query = self
            .loaded
            .query(options.k)
            .keep(self.kept())
            .strategy(options.strategy)
            .budget(options.budget)
            .widen(options.widen)
            .sketching(options.sketching)
            .include_self(options.include_self)
            .skip_non_finite(options.skip_missing);
        if let Some(admitted) = &self.admitted {
            query = query.admit(admitted);
        }
        match options.watch.interrupt.as_deref() {
            Some(interrupt) => query.interrupt(interrupt),
            None => query,
        }
    }

    /// How many neighbors the index is asked for.
    pub(super) fn kept(&self) -> usize {
        self.reranked.map_or(self.options.k, |reranked| {
            let n_items = self.loaded.shape().n_items() as usize;
            reranked.pool(self.options.k).min(n_items).max(self.options.k)
        })
    }

    pub(super) fn answer(
        &self,
        block: Range<usize>,
        vectors: &mut Vectors,
    ) -> Result<Answer, Error> {
        let query = self.query().to_come(self.n_query - block.start);
        let found = match self.queries {
            Queries::External(rows) => {
                self.read(rows, block.clone(), &mut vectors.single)?;
                self.in_pool(|| query.by_rows(&vectors.single))
            }
            Queries::Own => self.in_pool(|| query.by_items(items(&block))),
        };
        let found = found.map_err(|source| self.failed(source))?;
        let neighbors = match self.reranked {
            None => found,
            Some(reranked) => {
                if let Queries::External(rows) = self.queries {
                    self.read(rows, block.clone(), &mut vectors.double)?;
                }
                self.in_pool(|| self.rank_anew(reranked, &block, &found, &vectors.double))?
            }
        };
        let mut answer = Answer { neighbors, short_rows: 0, skipped_rows: 0 };
        self.count(&block, &vectors.single, &mut answer)?;
        Ok(answer)
    }

    /// Counts the rows that are short and those that were skipped; fails at the first short one if
    /// there must be none.
    fn count(
        &self,
        block: &Range<usize>,
        vectors: &[f32],
        answer: &mut Answer,
    ) -> Result<(), Error> {
        let dim = self.index.dim();
        for (row, found) in answer.neighbors.rows().enumerate() {
            if found.len() == self.options.k {
                continue;
            }
            let is_skipped = match self.queries {
                Queries::Own => !self.is_present(block.start + row),
                Queries::External(_) => {
                    self.options.skip_missing
                        && vectors[row * dim..][..dim].iter().any(|value| !value.is_finite())
                }
            };
            if is_skipped {
                answer.skipped_rows += 1;
            } else if self.options.strict {
                let budget = match self.search_k {
                    Some(search_k) if !self.options.widen => format!("{search_k} items"),
                    _ => "everything".to_owned(),
                };
                let (row, found, k) = (block.start + row, found.len(), self.options.k);
                let limited = self.is_limited(row, found);
                return Err(Error::ShortRow { row, found, k, budget, limited });
            } else {
                answer.short_rows += 1;
            }
        }
        Ok(())
    }

    /// How many queries of `answer`, the first of which is number `first`, are short because of the
    /// budget.
    pub(super) fn limited_rows(&self, first: usize, answer: &Answer) -> usize {
        if answer.short_rows == 0 {
            return 0;
        }
        let rows = (first..).zip(answer.neighbors.rows());
        let short = rows.filter(|(row, found)| self.is_limited(*row, found.len())).count();
        match self.queries {
            Queries::Own => short,
            // These have no neighbors either.
            Queries::External(_) => short.saturating_sub(answer.skipped_rows),
        }
    }

    /// Whether a larger budget finds more for query `row`, of which `found` neighbors were found.
    fn is_limited(&self, row: usize, found: usize) -> bool {
        let options = self.options;
        if found == options.k || options.widen || options.budget == Budget::Exhaustive {
            return false;
        }
        let is_own = match self.queries {
            Queries::Own if !self.is_present(row) => return false,
            Queries::Own if !options.include_self => {
                let row = items(&(row..row)).start;
                self.admitted.as_ref().is_none_or(|admitted| admitted.contains(row))
            }
            _ => false,
        };
        found < options.k.min(self.possible() - usize::from(is_own))
    }

    /// Items that may be neighbors and are no gaps in the ids, of which no more than `k + 1` are
    /// counted.
    fn possible(&self) -> usize {
        *self.possible.get_or_init(|| {
            let forest = self.loaded.forest();
            let enough = self.options.k.saturating_add(1);
            let count = |items: &mut dyn Iterator<Item = u32>| {
                items.filter(|&item| forest.is_present(item)).take(enough).count()
            };
            match &self.admitted {
                Some(admitted) => count(&mut admitted.iter()),
                None => count(&mut (0..forest.shape().n_items())),
            }
        })
    }

    /// Whether row `row` of the index is an item, and no gap in the ids.
    fn is_present(&self, row: usize) -> bool {
        self.loaded.forest().is_present(items(&(row..row)).start)
    }
}

/// Rows of the index as items.
#[expect(clippy::cast_possible_truncation, reason = "items have 32 bits")]
fn items(rows: &Range<usize>) -> Range<u32> {
    rows.start as u32..rows.end as u32
}
