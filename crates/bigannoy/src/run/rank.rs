//! Candidates ranked anew in double precision.

use std::ops::Range;

use bigannoy_exact::ExactMetric;
use bigannoy_matrix::{RowFloat, RowSource};
use bigannoy_metric::{NeighborBlock, RowMut, WideNeighbor, bits};
use bigannoy_search::SearchError;
use rayon::prelude::*;

use super::{Queries, Run};
use crate::{Error, Reranked};

/// What a thread needs to rank the candidates of one query after the other.
struct Bench {
    query: Vec<f64>,
    candidate: Vec<f64>,
    narrow: Vec<f32>,
    ranked: Vec<WideNeighbor>,
}

impl Run<'_> {
    /// The `k` nearest of the candidates `found` for the queries of `block`, whose values are in
    /// `queries` unless they are rows of the reference.
    pub(super) fn rank_anew(
        &self,
        reranked: &Reranked<'_>,
        block: &Range<usize>,
        found: &NeighborBlock,
        queries: &[f64],
    ) -> Result<NeighborBlock, Error> {
        let dim = self.index.dim();
        let mut ranked = NeighborBlock::double(found.nrows(), self.options.k);
        let mut rows: Vec<RowMut<'_>> = ranked.rows_mut().collect();
        let bench = || Bench {
            query: vec![0.0; dim],
            candidate: vec![0.0; dim],
            narrow: vec![0.0; dim],
            ranked: Vec::new(),
        };
        let done = rows.par_iter_mut().enumerate().map_init(bench, |bench, (row, out)| {
            if self.options.watch.is_interrupted() {
                return Err(self.failed(SearchError::Interrupted));
            }
            if found.row(row).is_empty() {
                return Ok(());
            }
            match self.queries {
                Queries::External(_) => bench.query.copy_from_slice(&queries[row * dim..][..dim]),
                Queries::Own => {
                    let row = block.start + row;
                    reranked.reference().copy_rows_f64(row..row + 1, &mut bench.query)?;
                }
            }
            bench.ranked.clear();
            for neighbor in found.row(row) {
                let distance = self.distance(reranked, neighbor.item, bench)?;
                bench.ranked.push(WideNeighbor { item: neighbor.item, distance });
            }
            let is_similarity = self.index.metric().is_similarity();
            bench.ranked.sort_unstable_by(|a, b| {
                let nearer = a.distance.total_cmp(&b.distance);
                let nearer = if is_similarity { nearer.reverse() } else { nearer };
                nearer.then(a.item.cmp(&b.item))
            });
            out.fill_wide(bench.ranked.iter().copied());
            Ok(())
        });
        // Collected before looked at, so that the fault reported is that of the first row.
        let done: Vec<Result<(), Error>> = done.collect();
        done.into_iter().collect::<Result<(), _>>()?;
        drop(rows);
        Ok(ranked)
    }

    /// The exact distance from the query to the row `item` of the reference, which has to hold what
    /// the index holds.
    fn distance(
        &self,
        reranked: &Reranked<'_>,
        item: u32,
        bench: &mut Bench,
    ) -> Result<f64, Error> {
        let reference: &dyn RowSource = reranked.reference();
        let forest = self.loaded.forest();
        reference.copy_rows_f64(item as usize..item as usize + 1, &mut bench.candidate)?;
        for (narrow, &value) in bench.narrow.iter_mut().zip(&bench.candidate) {
            *narrow = f32::from_f64(value);
        }
        let metric = ExactMetric::of(self.index.metric());
        let is_same = match metric {
            Some(_) => bench.narrow == forest.vector(item),
            None => bits::pack(&bench.narrow) == forest.bits(item),
        };
        if !is_same {
            let row = u64::from(item) + 1;
            let problem = format!("row {row} (counted from 1) has other values than the index");
            return Err(reranked.other(problem));
        }
        let (query, candidate) = (&bench.query, &bench.candidate);
        // Zeros have no sign: that of one would tell which comes first.
        Ok(0.0
            + match metric {
                Some(metric) => metric.distance(query, candidate),
                None => differing_bits(query, candidate),
            })
    }
}

/// How many components are set bits, that is greater than 0.5, in one vector only.
fn differing_bits(a: &[f64], b: &[f64]) -> f64 {
    let differing = a.iter().zip(b).filter(|&(&a, &b)| (a > 0.5) != (b > 0.5));
    f64::from(u32::try_from(differing.count()).unwrap_or(u32::MAX))
}
