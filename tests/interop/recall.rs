//! How good our trees are, compared with those of `RcppAnnoy` on the same rows.

use std::fs;

use bigannoy::{BigMatrix, BuildOptions, Metric, SearchOptions};
use bigannoy_tests::{copy_matrix, fixture, read_json, run_r};

const K: usize = 10;
const TREES: usize = 4;
const SEEDS: u32 = 24;
/// How far below `RcppAnnoy`'s average our average may be: a point. Over [`SEEDS`] indexes and 200
/// queries an average varies with a standard deviation of 0.2 points. `tests/it` allows less, on word vectors.
const MARGIN: f64 = 0.01;

/// The exact ids of all queries, as `v1/clusters` has them.
fn exact(metric: Metric) -> Vec<i32> {
    let recorded = read_json(fixture("v1/clusters/exact.json"));
    let rows = recorded[metric.name()]["ids"].as_array().unwrap();
    let ids = rows.iter().flat_map(|row| row.as_array().unwrap());
    ids.map(|id| i32::try_from(id.as_i64().unwrap()).unwrap()).collect()
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}

/// The mean recall of our indexes under `metric`, for each budget.
fn ours(reference: &BigMatrix, query: &BigMatrix, metric: Metric, budgets: &[i64]) -> Vec<f64> {
    let exact = exact(metric);
    let mut hits = vec![0; budgets.len()];
    for seed in 0..SEEDS {
        let dir = tempfile::tempdir().unwrap();
        let options = BuildOptions::new(metric).trees(TREES).seed(seed.into());
        let index = bigannoy::build(reference, dir.path().join("x.ann"), &options).unwrap();
        for (hits, &budget) in hits.iter_mut().zip(budgets) {
            let options = SearchOptions::new(K);
            let options = match usize::try_from(budget) {
                Ok(budget) => options.search_k(budget),
                Err(_) => options,
            };
            let found = index.search(query, &options).unwrap().neighbors;
            for (row, exact) in found.rows().zip(exact.chunks(K)) {
                let near = row.iter().map(|near| (near.item + 1).cast_signed());
                *hits += near.filter(|id| exact.contains(id)).count();
            }
        }
    }
    hits.into_iter().map(|hits| ratio(hits, exact.len() * SEEDS as usize)).collect()
}

pub(crate) fn our_trees_are_as_good(_seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let copy = |name: &str| copy_matrix(fixture(format!("v1/clusters/{name}.desc")), &dir).unwrap();
    let (reference, query) = (copy("reference"), copy("query"));
    let ids = dir.path().join("exact");
    for metric in [Metric::Euclidean, Metric::Angular] {
        let bytes: Vec<u8> = exact(metric).into_iter().flat_map(i32::to_le_bytes).collect();
        fs::write(ids.with_extension(metric.name()), bytes).unwrap();
    }
    let (trees, seeds) = (TREES.to_string(), SEEDS.to_string());
    let args =
        [reference.as_os_str(), query.as_os_str(), ids.as_os_str(), trees.as_ref(), seeds.as_ref()];
    let told = run_r("interop_recall.R", &args).unwrap();
    let theirs: Vec<(Metric, i64, f64)> = told
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            (parts[0].parse().unwrap(), parts[1].parse().unwrap(), parts[2].parse().unwrap())
        })
        .collect();
    assert_eq!(theirs.len(), 6, "two metrics, three budgets: {told}");

    let (reference, query) =
        (BigMatrix::attach(reference).unwrap(), BigMatrix::attach(query).unwrap());
    let mut worse = Vec::new();
    for group in theirs.chunks(3) {
        let budgets: Vec<i64> = group.iter().map(|(_, budget, _)| *budget).collect();
        let ours = ours(&reference, &query, group[0].0, &budgets);
        for ((metric, budget, theirs), ours) in group.iter().zip(ours) {
            let line = format!("{metric}, search_k {budget}: ours {ours:.4}, theirs {theirs:.4}");
            println!("recall: {line}");
            if ours < theirs - MARGIN {
                worse.push(line);
            }
        }
    }
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}
