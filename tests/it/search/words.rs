//! What trees find among word vectors: those of the default generator, and Annoy's.

use std::fs;

use bigannoy::matrix::DenseRows;
use bigannoy::npy::{Dtype, NpyHeader};
use bigannoy::{BuildOptions, Generator, Metric, SearchOptions};
use bigannoy_tests::fixture;

use crate::support::{ids, recall};

const COLUMNS: usize = 50;
const TREES: usize = 10;
const K: usize = 10;
const BUDGETS: [usize; 3] = [500, 1000, 2000];
/// How far below Annoy's mean recall ours may be: half a point.
const MARGIN: f64 = 0.005;

fn vectors(name: &str) -> Vec<f32> {
    let bytes = fs::read(fixture(format!("v1/words/{name}.npy"))).unwrap();
    let header = NpyHeader::parse(&bytes).unwrap();
    header.check_file_len(bytes.len() as u64).unwrap();
    assert_eq!((header.dtype(), header.cols()), (Dtype::F32, COLUMNS));
    let values = bytes[header.data_offset()..].as_chunks().0;
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// Of one index the recall over these queries varies with a standard deviation of 0.2 to 0.5 points, and the
/// difference of two means of 6 with 0.1 to 0.2. Ours is above, under angular by half a point, and under dot so far that
/// fewer indexes tell.
#[test]
fn our_trees_find_no_less_than_annoys_among_words() {
    let (rows, queries) = (vectors("rows"), vectors("queries"));
    let rows = DenseRows::row_major(&rows, COLUMNS);
    let queries = DenseRows::row_major(&queries, COLUMNS);
    let dir = tempfile::tempdir().unwrap();
    let mut less = Vec::new();
    for metric in Metric::OF_NUMBERS {
        let seeds: u32 = if metric == Metric::Dot { 2 } else { 6 };
        let mut exact = None;
        let [ours, annoys] = [Generator::Default, Generator::Annoy].map(|generator| {
            let mut means = [0.0; BUDGETS.len()];
            for seed in 0..seeds {
                let options = BuildOptions::new(metric).generator(generator).trees(TREES);
                let options = options.seed(seed.into()).overwrite(true);
                let index = bigannoy::build(&rows, dir.path().join("x.ann"), &options).unwrap();
                let find = |options: SearchOptions| {
                    ids(&index.search(&queries, &options).unwrap().neighbors)
                };
                let exact = exact.get_or_insert_with(|| find(SearchOptions::new(K).exhaustive()));
                for (mean, budget) in means.iter_mut().zip(BUDGETS) {
                    let found = find(SearchOptions::new(K).search_k(budget));
                    *mean += recall(&found, exact) / f64::from(seeds);
                }
            }
            means
        });
        for (budget, (ours, annoys)) in BUDGETS.into_iter().zip(ours.into_iter().zip(annoys)) {
            let line = format!("{metric}, search_k {budget}: ours {ours:.4}, Annoy's {annoys:.4}");
            if ours < annoys - MARGIN {
                less.push(line);
            }
        }
    }
    assert!(less.is_empty(), "{}", less.join("\n"));
}
