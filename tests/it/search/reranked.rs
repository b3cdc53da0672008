//! Candidates ranked anew in double precision.

use bigannoy::matrix::DenseRows;
use bigannoy::sink::CsvSink;
use bigannoy::{Error, ExactMetric, ExactOptions, Journaling, Metric, SearchOptions};
use bigannoy_tests::message_chain;

use super::Rows;

/// With all items for candidates the answers are those of exact search, to the last bit.
#[test]
fn all_candidates_give_the_exact_answers() {
    let dir = tempfile::tempdir().unwrap();
    // Numbers that 32 bits round, some of them to one.
    let values: Vec<f64> =
        (0..600u32).map(|at| f64::from(at * 7919 % 601) / 3.0 + f64::from(at % 7) * 1e-9).collect();
    let queries: Vec<f64> = values.iter().rev().map(|value| value * 0.77 + 1.0).collect();
    let (reference, queries) =
        (DenseRows::row_major(&values, 4), DenseRows::row_major(&queries, 4));
    for metric in Metric::OF_NUMBERS {
        let options = bigannoy::BuildOptions::new(metric).trees(3);
        let index = bigannoy::build(&reference, dir.path().join(metric.name()), &options).unwrap();
        let reranked = index.rerank_with(&reference).unwrap().candidates(150);
        let exact = ExactOptions::new(ExactMetric::of(metric).unwrap(), 9);
        for block_rows in [1, 50, 1000] {
            let options = SearchOptions::new(9).exhaustive().block_rows(block_rows).threads(2);
            let found = reranked.search(&queries, &options).unwrap();
            let expected = bigannoy::exact(&reference, &queries, &exact).unwrap();
            assert_eq!(found.neighbors, expected.neighbors, "{metric}");
            let own = reranked.search_self(&options).unwrap();
            let expected = bigannoy::exact_self(&reference, &exact).unwrap();
            assert_eq!(own.neighbors, expected.neighbors, "{metric}");
        }
    }
}

/// More candidates than `k` change the order of the first `k` only where 32 bits had it wrong, and
/// what is found for a filter stays within it.
#[test]
fn distances_have_all_digits() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(200, 3, 4);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let only = bigannoy::ItemSet::from_fn(200, |item| item >= 100);
    let options = SearchOptions::new(6).only(only).search_k(200);
    let plain = index.search(&rows.dense(), &options).unwrap();
    let reranked =
        index.rerank_with(&rows.dense()).unwrap().search(&rows.dense(), &options).unwrap();
    assert!(reranked.neighbors.is_double() && !reranked.summary.exact);
    for (row, found) in plain.neighbors.rows().enumerate() {
        assert_eq!(reranked.neighbors.row(row), found);
        for rank in 0..found.len() {
            let squared = reranked.neighbors.distance(row, rank).powi(2);
            assert!((squared - squared.round()).abs() < 1e-9, "the root of a whole number");
        }
    }
}

/// Double precision could hold it, the index cannot.
#[test]
fn a_query_too_large_for_the_index_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(40, 2, 5);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let mut values = vec![1.0; 40 * 2];
    values[79] = 1e300;
    let queries = DenseRows::row_major(&values, 2);
    let reference = rows.dense();
    let reranked = index.rerank_with(&reference).unwrap();
    let table = dir.path().join("t.csv");
    for journaling in [Journaling::Keep, Journaling::Off] {
        let options = SearchOptions::new(2).block_rows(10).journaling(journaling);
        let mut sink = CsvSink::create(&table);
        let error = reranked.search_into(&queries, &options, &mut sink).unwrap_err();
        assert!(matches!(error, Error::Row(_)), "{error}");
        assert!(bigannoy::unfinished(&table).unwrap().is_none() && !table.exists());
    }
}

#[test]
fn the_reference_of_another_index_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(200, 3, 4);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let options = SearchOptions::new(5);
    for (other, expected) in [
        (Rows::new(199, 3, 4), "it has 199 rows and 3 columns, expected 200 and 3"),
        (Rows::new(150, 4, 4), "it has 150 rows and 4 columns, expected 200 and 3"),
        (Rows::new(200, 3, 5), "has other values than the index"),
    ] {
        let other = other.dense();
        let reranked = index.rerank_with(&other).unwrap();
        let message = message_chain(&reranked.search(&rows.dense(), &options).unwrap_err());
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("matrix in memory is not the reference of "), "{message}");
    }
}
