//! Questions that are answered from cells.

use bigannoy_metric::{Neighbor, NeighborBlock, RankKey, RowMut};
use rayon::prelude::*;

use super::search::{Asked, Hunt};
use crate::walk::Walk;
use crate::{Query, SearchError};

/// Queries that go from cell to cell together, at most.
const ABREAST: usize = 4096;

impl Query<'_> {
    /// The neighbors of one query, from cells.
    pub(crate) fn one_by_cells(
        &self,
        walk: Walk<'_>,
        asked: Asked<'_>,
    ) -> Result<Vec<Neighbor>, SearchError> {
        let cells = self.cells()?;
        let counts = cells.counts(self.admit);
        let keys = self.answer_by_cells(self.hunt(walk, &cells, &counts), &[Some(asked)])?;
        Ok(keys.into_iter().flatten().map(|key| self.neighbor(key)).collect())
    }

    /// The neighbors of `nrows` queries, from cells; none for those that `asked` has nothing for.
    pub(crate) fn block_by_cells<'v>(
        &self,
        walk: Walk<'_>,
        nrows: usize,
        asked: impl Fn(usize) -> Option<Asked<'v>> + Sync,
    ) -> Result<NeighborBlock, SearchError> {
        let cells = self.cells()?;
        let counts = cells.counts(self.admit);
        let hunt = self.hunt(walk, &cells, &counts);
        let mut block = NeighborBlock::new(nrows, walk.k);
        let mut rows: Vec<RowMut<'_>> = block.rows_mut().collect();
        let piece = nrows.div_ceil(rayon::current_num_threads()).clamp(1, ABREAST);
        let pieces = rows.par_chunks_mut(piece).enumerate();
        pieces.try_for_each(|(at, rows)| {
            let asked: Vec<Option<Asked<'v>>> =
                (at * piece..).take(rows.len()).map(&asked).collect();
            let found = self.answer_by_cells(hunt, &asked)?;
            for (row, keys) in rows.iter_mut().zip(found) {
                row.fill(keys.into_iter().map(|key| self.neighbor(key)));
            }
            Ok::<(), SearchError>(())
        })?;
        drop(rows);
        Ok(block)
    }

    fn cells(&self) -> Result<super::Cells, SearchError> {
        self.shared.cells.get(self.sketching, self.forest, self.stop())
    }

    fn hunt<'a>(&'a self, walk: Walk<'_>, cells: &'a super::Cells, counts: &'a [u32]) -> Hunt<'a> {
        Hunt {
            forest: self.forest,
            cells,
            counts,
            admit: self.admit,
            k: walk.k,
            search_k: walk.search_k.unwrap_or(usize::MAX),
            kernel: self.scan,
            interrupt: self.stop(),
        }
    }

    /// Answers queries, and some again with a larger budget if they are to widen.
    fn answer_by_cells(
        &self,
        mut hunt: Hunt<'_>,
        asked: &[Option<Asked<'_>>],
    ) -> Result<Vec<Vec<RankKey>>, SearchError> {
        let mut found = vec![Vec::new(); asked.len()];
        let mut left: Vec<usize> = (0..asked.len()).filter(|&at| asked[at].is_some()).collect();
        while !left.is_empty() {
            let some: Vec<&Asked<'_>> = left.iter().filter_map(|&at| asked[at].as_ref()).collect();
            for (&at, keys) in left.iter().zip(hunt.run(&some)?) {
                found[at] = keys;
            }
            if !self.widen || hunt.search_k >= self.forest.shape().n_items() as usize {
                break;
            }
            hunt.search_k = hunt.search_k.saturating_mul(2);
            left.retain(|&at| found[at].len() < self.k);
        }
        Ok(found)
    }
}
