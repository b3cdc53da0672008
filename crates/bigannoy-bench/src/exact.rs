//! Exact neighbors, and what share of them was found.

use bigannoy::exact::{QueryRecall, Recall, RecallOptions};
use bigannoy::{ExactMetric, ExactOptions, Metric, NeighborBlock};

use crate::data::{DataSet, input, larger_is_nearer};
use crate::measure::Cost;
use crate::{BenchError, BenchOptions};

/// Exact neighbors, and what finding them cost.
pub(crate) struct Exact {
    pub(crate) neighbors: NeighborBlock,
    pub(crate) cost: Cost,
}

impl Exact {
    /// The exact neighbors of all queries.
    pub(crate) fn of(data: &DataSet, options: &BenchOptions) -> Result<Self, BenchError> {
        options.watch.begin("finding the exact neighbors")?;
        let metric = ExactMetric::of(options.metric).expect("hamming was refused before");
        let mut exact = ExactOptions::new(metric, options.k);
        if let Some(threads) = options.search_threads {
            exact = exact.threads(threads);
        }
        if let Some(interrupt) = &options.watch.interrupt {
            exact = exact.interrupt(interrupt.clone());
        }
        let (found, cost) = Cost::of(|| {
            data.reference.with(|reference| match &data.queries {
                Some(queries) => queries
                    .with(|queries| bigannoy::exact(input(reference), input(queries), &exact)),
                None => bigannoy::exact_self(input(reference), &exact),
            })
        });
        Ok(Exact { neighbors: found?.neighbors, cost })
    }

    /// The mean over queries of the share of the exact neighbors that was found, ties counted by
    /// distance.
    pub(crate) fn recall(&self, found: &NeighborBlock, metric: Metric) -> f64 {
        let shares = self.shares(found, metric);
        shares.iter().sum::<f64>() / shares.len() as f64
    }

    /// The share of the exact neighbors that was found, for each query.
    pub(crate) fn shares(&self, found: &NeighborBlock, metric: Metric) -> Vec<f64> {
        let options = RecallOptions::new(self.neighbors.k()).similarity(larger_is_nearer(metric));
        let mut recall = Recall::new(options);
        recall.push_blocks(found, &self.neighbors);
        recall.queries().iter().map(QueryRecall::recall).collect()
    }
}

#[cfg(test)]
mod tests {
    use bigannoy::Neighbor;

    use super::*;

    fn block(rows: &[&[(u32, f32)]]) -> NeighborBlock {
        let mut block = NeighborBlock::new(rows.len(), 3);
        for (mut row, near) in block.rows_mut().zip(rows) {
            row.fill(near.iter().map(|&(item, distance)| Neighbor { item, distance }));
        }
        block
    }

    #[test]
    fn recall_is_what_counting_says_and_ties_are_right() {
        let exact = Exact {
            neighbors: block(&[&[(1, 0.5), (2, 1.0), (3, 2.0)], &[(4, 1.0), (5, 1.0), (6, 1.0)]]),
            cost: Cost::default(),
        };
        let recall = |rows: &[&[(u32, f32)]]| exact.shares(&block(rows), Metric::Euclidean);
        assert_eq!(
            recall(&[&[(1, 0.5), (2, 1.0), (3, 2.0)], &[(7, 1.0), (8, 1.0), (9, 1.0)]]),
            [1.0, 1.0]
        );
        assert_eq!(recall(&[&[(1, 0.5), (9, 2.5), (8, 3.0)], &[(4, 1.0)]]), [1.0 / 3.0, 1.0 / 3.0]);
        assert_eq!(
            exact.recall(&block(&[&[], &[(4, 1.0), (5, 1.0), (6, 1.0)]]), Metric::Manhattan),
            0.5
        );
    }

    #[test]
    fn under_dot_larger_is_nearer() {
        let exact =
            Exact { neighbors: block(&[&[(1, 9.0), (2, 8.0), (3, 7.0)]]), cost: Cost::default() };
        let found = block(&[&[(1, 9.0), (7, 7.0), (8, 1.0)]]);
        assert_eq!(exact.recall(&found, Metric::Dot), 2.0 / 3.0);
    }
}
