//! What trees find under dot: those of the default generator, and Annoy's.

use bigannoy::matrix::DenseRows;
use bigannoy::{BuildOptions, Generator, Index, Metric, SearchOptions};

use crate::support::{Draws, ids, recall};

const ROWS: usize = 6000;
const QUERIES: usize = 60;
const COLUMNS: usize = 16;
const CLUSTERS: usize = 30;
const K: usize = 10;

/// Vectors around middles of length 1; without a spread, in all directions.
fn around(middles: &[f64], spread: Option<f64>, count: usize, draws: &mut Draws) -> Vec<f64> {
    let mut vectors = Vec::with_capacity(count * COLUMNS);
    for _ in 0..count {
        let cluster = draws.below(u32::try_from(CLUSTERS).unwrap()) as usize;
        let middle = &middles[cluster * COLUMNS..][..COLUMNS];
        vectors.extend(middle.iter().map(|middle| match spread {
            Some(spread) => middle + spread * draws.normal(),
            None => draws.normal(),
        }));
    }
    vectors
}

/// Gives each vector a length, spread log-normally with this standard deviation.
fn lengthen(vectors: &mut [f64], sigma: f64, draws: &mut Draws) {
    for vector in vectors.chunks_exact_mut(COLUMNS) {
        let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        let times = (sigma * draws.normal()).exp() / length;
        for value in vector {
            *value *= times;
        }
    }
}

#[test]
fn our_trees_find_no_less_than_annoys_under_dot() {
    let dir = tempfile::tempdir().unwrap();
    let mut draws = Draws(7);
    let mut middles: Vec<f64> = (0..CLUSTERS * COLUMNS).map(|_| draws.normal()).collect();
    lengthen(&mut middles, 0.0, &mut draws);
    for (spread, sigma) in [
        (Some(0.05), 0.7),
        (Some(0.1), 0.7),
        (Some(0.2), 0.7),
        (Some(0.1), 0.0),
        (None, 0.3),
        (None, 1.0),
    ] {
        let mut rows = around(&middles, spread, ROWS, &mut draws);
        lengthen(&mut rows, sigma, &mut draws);
        let rows = DenseRows::row_major(&rows, COLUMNS);
        let queries = around(&middles, spread, QUERIES, &mut draws);
        let queries = DenseRows::row_major(&queries, COLUMNS);
        let generators = [Generator::Default, Generator::Annoy];
        let [ours, annoys]: [Index; 2] = generators.map(|generator| {
            let options =
                BuildOptions::new(Metric::Dot).trees(10).generator(generator).overwrite(true);
            bigannoy::build(&rows, dir.path().join(generator.name()), &options).unwrap()
        });
        let exact = ours.search(&queries, &SearchOptions::new(K).exhaustive()).unwrap();
        let exact = ids(&exact.neighbors);
        for budget in [200, 400, 800, 1600] {
            let options = SearchOptions::new(K).search_k(budget);
            let [ours, annoys] = [&ours, &annoys].map(|index| {
                recall(&ids(&index.search(&queries, &options).unwrap().neighbors), &exact)
            });
            assert!(
                ours >= annoys - 0.005,
                "spread {spread:?}, sigma {sigma}, budget {budget}: {ours}, Annoy's {annoys}"
            );
        }
    }
}
