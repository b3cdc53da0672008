//! What trees find where a few items are far away from most: those of the default generator, and Annoy's.

use bigannoy::matrix::DenseRows;
use bigannoy::{BuildOptions, Generator, Metric, SearchOptions};

use crate::support::{Draws, ids, recall};

const ROWS: usize = 6000;
const QUERIES: usize = 150;
const COLUMNS: usize = 24;
const TREES: usize = 6;
const K: usize = 10;
const BUDGETS: [usize; 2] = [200, 1000];
const SEEDS: u32 = 3;
/// How far below Annoy's mean recall ours may be: half a point.
const MARGIN: f64 = 0.005;

/// How values are spread.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// Some are far away in each column, as quotients of normal values are (Cauchy's distribution).
    Columns,
    /// Counts of which most are small: the larger ones are the rarer the larger they are.
    Counts,
    /// Some rows are far away, all in all.
    Rows,
    /// Six rows are very far away.
    Six,
}

impl Spread {
    fn rows(self, count: usize, draws: &mut Draws) -> Vec<f64> {
        let mut rows = Vec::with_capacity(count * COLUMNS);
        for row in 0..count {
            let times = match self {
                Spread::Rows => (1.5 * draws.normal()).exp(),
                Spread::Six if row < 6 => 1e6,
                _ => 1.0,
            };
            rows.extend((0..COLUMNS).map(|_| match self {
                Spread::Columns => draws.normal() / (draws.normal() + 1e-6),
                Spread::Counts => {
                    (1.0 / f64::from(draws.below(100_000) + 1) * 1e5).powf(1.25).floor()
                }
                Spread::Rows | Spread::Six => times * draws.normal(),
            }));
        }
        rows
    }
}

#[test]
fn our_trees_find_no_less_than_annoys_where_some_items_are_far_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut less = Vec::new();
    for (spread, metric) in [
        (Spread::Columns, Metric::Euclidean),
        (Spread::Columns, Metric::Manhattan),
        (Spread::Counts, Metric::Euclidean),
        (Spread::Rows, Metric::Euclidean),
        (Spread::Rows, Metric::Manhattan),
        (Spread::Six, Metric::Euclidean),
    ] {
        let mut draws = Draws(11);
        let rows = spread.rows(ROWS, &mut draws);
        let queries = spread.rows(QUERIES + 6, &mut draws).split_off(6 * COLUMNS);
        let rows = DenseRows::row_major(&rows, COLUMNS);
        let queries = DenseRows::row_major(&queries, COLUMNS);
        let mut exact = None;
        let [ours, annoys] = [Generator::Default, Generator::Annoy].map(|generator| {
            let mut means = [0.0; BUDGETS.len()];
            for seed in 0..SEEDS {
                let options = BuildOptions::new(metric).generator(generator).trees(TREES);
                let options = options.seed(seed.into()).overwrite(true);
                let index = bigannoy::build(&rows, dir.path().join("x.ann"), &options).unwrap();
                let find = |options: SearchOptions| {
                    ids(&index.search(&queries, &options).unwrap().neighbors)
                };
                let exact = exact.get_or_insert_with(|| find(SearchOptions::new(K).exhaustive()));
                for (mean, budget) in means.iter_mut().zip(BUDGETS) {
                    let found = find(SearchOptions::new(K).search_k(budget));
                    *mean += recall(&found, exact) / f64::from(SEEDS);
                }
            }
            means
        });
        for (budget, (ours, annoys)) in BUDGETS.into_iter().zip(ours.into_iter().zip(annoys)) {
            let line = format!(
                "{spread:?}, {metric}, search_k {budget}: ours {ours:.4}, Annoy's {annoys:.4}"
            );
            if ours < annoys - MARGIN {
                less.push(line);
            }
        }
    }
    assert!(less.is_empty(), "{}", less.join("\n"));
}
