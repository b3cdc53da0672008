//! The strategy of cells, from options to answers.

use std::fs;

use bigannoy::{
    Destination, ExactMetric, ExactOptions, ItemSet, MatrixSink, Metric, SearchOptions, Sketching,
    Strategy,
};
use bigannoy_tests::message_chain;

use super::Rows;

const K: usize = 4;

fn options() -> SearchOptions {
    SearchOptions::new(K).strategy(Strategy::Cells)
}

#[test]
fn a_budget_of_all_items_gives_the_exact_answer() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(1500, 6, 3);
    for metric in [Metric::Euclidean, Metric::Angular, Metric::Dot] {
        let index = rows.index(dir.path(), metric);
        let exact = index.search(&rows.dense(), &SearchOptions::new(K).exhaustive()).unwrap();
        let found = index.search(&rows.dense(), &options().search_k(1500)).unwrap();
        assert_eq!(found.neighbors, exact.neighbors, "{metric}");
        assert_eq!((found.summary.backend, found.summary.exact), ("cells", false));
        let found = index.search(&rows.dense(), &options().exhaustive()).unwrap();
        assert_eq!(found.neighbors, exact.neighbors, "{metric}");
        assert!(found.summary.exact);
        let exact = index.search_self(&SearchOptions::new(K).exhaustive()).unwrap();
        let found = index.search_self(&options().search_k(1500)).unwrap();
        assert_eq!(found.neighbors, exact.neighbors, "{metric}");
    }
}

#[test]
fn a_batch_is_its_queries_one_by_one_whatever_threads_blocks_and_sketches() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(2000, 5, 8);
    let index = rows.index(dir.path(), Metric::Angular);
    let options = || options().search_k(300);
    let batch = index.search(&rows.dense(), &options()).unwrap();
    for other in [
        options().threads(3).block_rows(7),
        options().threads(1).block_rows(5000),
        options().sketching(Sketching::Never),
    ] {
        assert_eq!(index.search(&rows.dense(), &other).unwrap(), batch);
    }
    for row in (0..2000).step_by(97) {
        let single = index.search(&rows.row(row), &options()).unwrap();
        assert_eq!(single.neighbors.row(0), batch.neighbors.row(row));
    }
}

#[test]
fn other_settings_mean_what_they_mean() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(800, 4, 5);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let few = || ItemSet::from_fn(800, |item| item % 100 == 7);
    // Whatever is near the query, all eight rows that are admitted are found.
    let found = index
        .search(
            &rows.dense(),
            &SearchOptions::new(8).only(few()).strategy(Strategy::Cells).search_k(8),
        )
        .unwrap();
    assert_eq!(found.summary.short_rows, 0);
    assert!(found.neighbors.rows().flatten().all(|near| near.item % 100 == 7));
    // A budget of one row finds a cell, which may be too little, and is widened.
    let narrow = SearchOptions::new(300).strategy(Strategy::Cells).search_k(1);
    assert_eq!(index.search(&rows.dense(), &narrow).unwrap().summary.short_rows, 800);
    let wide = index.search(&rows.dense(), &narrow.widen(true)).unwrap();
    assert_eq!(wide.summary.short_rows, 0);
    // Rows are not their own neighbors, and are on request.
    let own = index.search_self(&options()).unwrap();
    assert!((0u32..).zip(own.neighbors.rows()).all(|(row, near)| near[0].item != row));
    let own = index.search_self(&options().include_self(true)).unwrap();
    assert!(
        (0u32..)
            .zip(own.neighbors.rows())
            .all(|(row, near)| near.iter().any(|near| near.item == row))
    );
    // Ranked anew in double precision.
    let reference = rows.dense();
    let reranked = index.rerank_with(&reference).unwrap().candidates(20);
    let found = reranked.search(&rows.dense(), &options().search_k(800)).unwrap();
    let exact = bigannoy::exact(
        &rows.dense(),
        &rows.dense(),
        &ExactOptions::new(ExactMetric::Euclidean, K),
    );
    assert_eq!(found.neighbors, exact.unwrap().neighbors);
}

#[test]
fn other_metrics_are_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(50, 3, 1);
    let index = rows.index(dir.path(), Metric::Manhattan);
    let files = || fs::read_dir(dir.path()).unwrap().count();
    let before = files();
    let mut sink = MatrixSink::new(Destination::path_or_create(dir.path().join("ids.desc")));
    let error = index.search_into(&rows.dense(), &options(), &mut sink).unwrap_err();
    let message = message_chain(&error);
    assert!(message.contains("cells knows euclidean, angular and dot"), "{message}");
    assert!(message.contains("manhattan"), "{message}");
    assert_eq!(files(), before);
}
