//! Goals, and the settings that reach them.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::{Path, PathBuf};

use bigannoy::{BuildOptions, Metric, Strategy};
use bigannoy_bench::{BenchError, Goal, Shape, Synthetic, TuneOptions, tune};

/// A reference, queries and an index over it.
fn files(directory: &Path, metric: Metric) -> [PathBuf; 3] {
    let paths = ["ref.desc", "query.desc", "ref.ann"].map(|name| directory.join(name));
    let rows = Synthetic::reference(Shape::Clustered, 3_000, 10, 5);
    rows.write(&paths[0], &mut |_, _| true).unwrap();
    rows.queries(300).write(&paths[1], &mut |_, _| true).unwrap();
    bigannoy::build(&*paths[0], &paths[2], &BuildOptions::new(metric).trees(8)).unwrap();
    paths
}

#[test]
fn the_goal_is_reached_and_not_by_much() {
    let directory = tempfile::tempdir().unwrap();
    let [reference, query, index] = files(directory.path(), Metric::Euclidean);
    let options = TuneOptions {
        index: Some(index),
        query: Some(query),
        sample: 200,
        ..TuneOptions::new(&reference, Goal::Recall(0.9))
    };
    let tuning = tune(&options).unwrap();
    let best = tuning.best;
    assert_eq!((tuning.sample, best.n_trees, tuning.candidates.len()), (200, 8, 1));
    assert!(best.recall.lower >= 0.9 && best.recall.lower < 0.93, "{best:?}");
    assert!(best.recall.lower <= best.recall.mean && best.recall.mean <= best.recall.upper);
    // No clock has a say in it.
    assert_eq!(tune(&options).unwrap().best.search_k, best.search_k);
    let more = tune(&TuneOptions { goal: Goal::Recall(0.97), ..options }).unwrap().best;
    assert!(more.search_k > best.search_k);
    assert!(tuning.advice().contains(&format!("8 trees, search_k {}", best.search_k)));
    assert_eq!(tuning.table().rows().len(), 1);
}

#[test]
fn cells_have_a_budget_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let [reference, query, index] = files(directory.path(), Metric::Euclidean);
    let options = TuneOptions {
        index: Some(index.clone()),
        query: Some(query.clone()),
        strategy: Strategy::Cells,
        sample: 200,
        ..TuneOptions::new(&reference, Goal::Recall(0.9))
    };
    let tuning = tune(&options).unwrap();
    let best = tuning.best;
    assert!(best.recall.lower >= 0.9 && best.search_k < 3_000, "{best:?}");
    let told = format!("8 trees, search_k {}, strategy cells.", best.search_k);
    assert!(tuning.advice().contains(&told), "{}", tuning.advice());
    // Who searches so finds as much.
    let index = bigannoy::open(&index, &bigannoy::OpenOptions::new()).unwrap();
    let search = bigannoy::SearchOptions::new(10).strategy(Strategy::Cells).search_k(best.search_k);
    let found = index.search(&*query, &search).unwrap();
    let exact = index.search(&*query, &search.exhaustive()).unwrap();
    let shared = found.neighbors.rows().zip(exact.neighbors.rows()).map(|(found, exact)| {
        found.iter().filter(|near| exact.iter().any(|other| other.item == near.item)).count()
    });
    assert!(shared.sum::<usize>() >= 88 * 3_000 / 100);

    let manhattan = TuneOptions { index: None, metric: Metric::Manhattan, ..options };
    let error = tune(&manhattan).unwrap_err().to_string();
    let expected = "metric is manhattan, expected euclidean, angular or dot for the strategy cells";
    assert_eq!(error, expected);
}

#[test]
fn trees_are_chosen_where_there_is_no_index() {
    let directory = tempfile::tempdir().unwrap();
    let [reference, _, _] = files(directory.path(), Metric::Angular);
    let options = TuneOptions {
        metric: Metric::Angular,
        n_trees: vec![2, 8],
        sample: 100,
        path_dir: Some(directory.path().to_path_buf()),
        ..TuneOptions::new(&reference, Goal::Recall(0.8))
    };
    let tuning = tune(&options).unwrap();
    assert_eq!(tuning.candidates.len(), 2);
    assert!(tuning.candidates.iter().all(|tuned| tuned.build_elapsed.is_some()));
    assert!(tuning.candidates.contains(&tuning.best));
    // Nothing is left of the indexes that were tried.
    let names = std::fs::read_dir(directory.path()).unwrap();
    let left = names.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(left, 0);
}

#[test]
fn all_of_a_recall_needs_to_look_at_everything() {
    let directory = tempfile::tempdir().unwrap();
    let [reference, _, index] = files(directory.path(), Metric::Euclidean);
    let options = TuneOptions {
        index: Some(index),
        sample: 20,
        ..TuneOptions::new(&reference, Goal::Recall(1.0))
    };
    let best = tune(&options).unwrap().best;
    assert_eq!(best.search_k, 3_000 * 8);
    assert_eq!(best.recall.mean, 1.0);
}

#[test]
fn a_latency_is_kept_or_said_to_be_out_of_reach() {
    let directory = tempfile::tempdir().unwrap();
    let [reference, query, index] = files(directory.path(), Metric::Euclidean);
    let options = TuneOptions {
        index: Some(index),
        query: Some(query),
        sample: 50,
        ..TuneOptions::new(&reference, Goal::LatencyMs(1e6))
    };
    // A goal that everything reaches: all is looked at.
    let best = tune(&options).unwrap().best;
    assert_eq!((best.search_k, best.recall.mean), (3_000 * 8, 1.0));
    let error = tune(&TuneOptions { goal: Goal::LatencyMs(1e-9), ..options }).unwrap_err();
    assert!(matches!(error, BenchError::Unreachable { .. }), "{error}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let [reference, query, index] = files(directory.path(), Metric::Euclidean);
    let options = TuneOptions::new(&reference, Goal::Recall(0.9));
    let told = |options: TuneOptions| tune(&options).unwrap_err().to_string();
    let wrong = TuneOptions { reference: query, index: Some(index), ..options.clone() };
    assert!(told(wrong).contains("expected 3000 x 10, as the index"));
    let error = told(TuneOptions { k: 3_000, ..options.clone() });
    assert!(error.starts_with("k is 3000, expected at most 2999"), "{error}");
    for goal in [Goal::Recall(0.0), Goal::Recall(1.1), Goal::LatencyMs(f64::NAN)] {
        assert!(told(TuneOptions { goal, ..options.clone() }).contains("expected above 0"));
    }
    assert!(told(TuneOptions { n_trees: vec![9, 3], ..options.clone() }).contains("rising"));
    assert!(told(TuneOptions { sample: 1, ..options }).contains("at least 2"));
}
