//! Queries that stand for those to come.

use std::path::Path;

use bigannoy::NeighborBlock;

use crate::BenchError;
use crate::data::Rows;
use crate::synthetic::Draw;

/// Some of the queries.
pub(crate) struct Sample {
    pub(crate) rows: Rows,
    /// Where they are rows of the reference, which.
    pub(crate) own: Option<Vec<u32>>,
}

impl Sample {
    /// Draws at most `count` of the queries at `path`, or of the reference's rows: all different, in the
    /// order of their rows.
    pub(crate) fn draw(
        reference: &Rows,
        path: Option<&Path>,
        count: usize,
        seed: u64,
    ) -> Result<Self, BenchError> {
        let queries = path.map(Rows::attach).transpose()?;
        let source = queries.as_ref().unwrap_or(reference);
        let (nrows, ncols) = source.shape();
        let chosen = Draw::new(seed).distinct(nrows, count.min(nrows));
        let mut rows = vec![0.0; chosen.len() * ncols];
        source.with(|source| {
            for (&row, out) in chosen.iter().zip(rows.chunks_exact_mut(ncols)) {
                source.copy_rows(row..row + 1, out)?;
            }
            Ok::<(), BenchError>(())
        })?;
        let own = match path {
            Some(_) => None,
            // An index has fewer than 2³² items.
            None => Some(chosen.iter().filter_map(|&row| u32::try_from(row).ok()).collect()),
        };
        Ok(Sample { rows: Rows::Memory { rows, ncols }, own })
    }

    pub(crate) fn count(&self) -> usize {
        self.rows.shape().0
    }
}

/// The first `k` neighbors of each query, without the row that the query is itself.
pub(crate) fn without_own(found: NeighborBlock, own: Option<&[u32]>, k: usize) -> NeighborBlock {
    let Some(own) = own else { return found };
    let mut others = NeighborBlock::double(found.nrows(), k);
    for ((row, mut out), own) in others.rows_mut().enumerate().zip(own) {
        out.fill_wide(found.wide_row(row).filter(|near| near.item != *own).take(k));
    }
    others
}

#[cfg(test)]
mod tests {
    use bigannoy::Neighbor;

    use super::*;

    #[test]
    fn a_row_is_not_its_own_neighbor() {
        let near = |item| Neighbor { item, distance: 1.0 };
        let mut found = NeighborBlock::new(2, 3);
        for (mut row, items) in found.rows_mut().zip([[7, 1, 2], [3, 4, 5]]) {
            row.fill(items.map(near));
        }
        let others = without_own(found.clone(), Some(&[1, 9]), 2);
        let items: Vec<Vec<u32>> =
            others.rows().map(|row| row.iter().map(|near| near.item).collect()).collect();
        assert_eq!(items, [[7, 2], [3, 4]]);
        assert_eq!(without_own(found.clone(), None, 3), found);
    }
}
