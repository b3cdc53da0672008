//! Indexes that we build and results that we write, as R and `RcppAnnoy` see them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use bigannoy::{Budget, BuildOptions, Destination, MatrixSink, Metric, SearchOptions};
use bigannoy_tests::run_r;

const NEIGHBORS: [usize; 4] = [1, 2, 10, 100];

/// Budgets, and as `RcppAnnoy` is told them: its default; one that finds fewer than `k`; one that
/// meets many; and all items, for which it has no word but a number that is large enough.
const BUDGETS: [(Budget, &str); 4] = [
    (Budget::PerTree, "-1"),
    (Budget::Items(1), "1"),
    (Budget::Items(700), "700"),
    (Budget::Exhaustive, "1000000"),
];

/// The metrics of which we build indexes and `RcppAnnoy` has a class.
const METRICS: [Metric; 3] = [Metric::Euclidean, Metric::Angular, Metric::Manhattan];

/// What R said about one run.
struct Told {
    cells: usize,
    missing: usize,
    ids_differ: usize,
    distances_differ: usize,
    largest_absolute: f64,
    largest_relative: f64,
}

fn told(line: &str) -> Told {
    let parts: Vec<f64> = line.split('\t').map(|part| part.parse().unwrap()).collect();
    let [cells, missing, ids, distances, largest_absolute, largest_relative] = parts[..] else {
        panic!("a line of another form: {line}")
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
    let [cells, missing, ids_differ, distances_differ] =
        [cells, missing, ids, distances].map(|count| count as usize);
    Told { cells, missing, ids_differ, distances_differ, largest_absolute, largest_relative }
}

/// Builds an index of each metric in `dir`, searches it in all ways, and lists the runs for R:
/// how many cells each has, and how many of them hold nothing.
fn build_and_search(dir: &Path, seed: i32) -> Vec<(Metric, usize, bool)> {
    let mut runs = String::new();
    let mut expected = Vec::new();
    for metric in METRICS {
        let options = BuildOptions::new(metric).trees(8).seed(u64::from(seed.unsigned_abs()));
        let ann = format!("{metric}.ann");
        let index = bigannoy::build(&dir.join("reference.desc"), dir.join(&ann), &options).unwrap();
        let searches = NEIGHBORS.into_iter().flat_map(|k| BUDGETS.map(|budget| (k, budget)));
        for (k, (budget, told)) in searches {
            let options = SearchOptions::new(k).block_rows(64).budget(budget);
            for query in ["query.desc", "self"] {
                let name = |what: &str| format!("{metric}_{query}_{k}_{told}_{what}.desc");
                let (ids, distances) = (name("ids"), name("distances"));
                let mut sink = MatrixSink::new(Destination::create(dir.join(&ids)))
                    .distances(Destination::create(dir.join(&distances)));
                let summary = match query {
                    "self" => index.search_self_into(&options, &mut sink),
                    _ => index.search_into(&dir.join(query), &options, &mut sink),
                };
                let summary = summary.unwrap();
                writeln!(runs, "{metric}\t{ann}\t{query}\t{k}\t{told}\t{ids}\t{distances}")
                    .unwrap();
                expected.push((metric, summary.n_query * k, summary.short_rows > 0));
            }
        }
    }
    fs::write(dir.join("runs.tsv"), runs).unwrap();
    expected
}

pub(crate) fn r_finds_what_we_wrote(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run_r("interop_reference.R", &[dir.as_os_str(), seed.to_string().as_ref()]).unwrap();
    let expected = build_and_search(dir, seed);
    let output = run_r("interop_check.R", &[dir]).unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(
        (lines.len(), expected.len()),
        (96, 96),
        "three metrics, four k, four budgets, two queries"
    );
    let (mut cells, mut short, mut different, mut relative) = (0, 0, 0, 0.0f64);
    for (line, (metric, count, is_short)) in lines.into_iter().zip(expected) {
        let run = told(line);
        assert_eq!(run.cells, count);
        assert_eq!(run.missing > 0, is_short, "{line}");
        assert_eq!(run.ids_differ, 0, "{metric}: {line}");
        // `1 - cos` loses its digits near zero.
        let close = run.largest_relative <= 1e-6
            || metric == Metric::Angular && run.largest_absolute <= 1e-3;
        assert!(close, "{metric}: {line}");
        cells += run.cells;
        short += usize::from(is_short);
        different += run.distances_differ;
        relative = relative.max(run.largest_relative);
    }
    assert!(short >= 6, "{short} runs with fewer than k neighbors");
    println!(
        "indexes_of_ours: {cells} cells, {different} distances differ, by {relative:e} at most"
    );
}
