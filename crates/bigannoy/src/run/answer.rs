//! The answers to a block of queries.

use std::ops::Range;

use bigannoy_metric::NeighborBlock;
use bigannoy_search::Query;

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
                Queries::Own => {
                    !self.loaded.forest().is_present(items(&(block.start + row..block.end)).start)
                }
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
                let (row, found) = (block.start + row, found.len());
                return Err(Error::ShortRow { row, found, k: self.options.k, budget });
            } else {
                answer.short_rows += 1;
            }
        }
        Ok(())
    }
}

/// Rows of the index as items.
#[expect(clippy::cast_possible_truncation, reason = "items have 32 bits")]
fn items(rows: &Range<usize>) -> Range<u32> {
    rows.start as u32..rows.end as u32
}
