//! What is found, and by which settings.

use std::path::Path;

use bigannoy::format::Layout;
use bigannoy::matrix::DenseRows;
use bigannoy::{
    Budget, Error, ExactMetric, ExactOptions, Index, ItemSet, Metric, OpenOptions, Place,
    SearchOptions, SearchResult,
};
use bigannoy_tests::message_chain;
use proptest::prelude::*;

use super::Rows;

/// Metrics under which whole numbers have no rounding but that of the reported distance.
const WHOLE: [Metric; 3] = [Metric::Euclidean, Metric::Manhattan, Metric::Dot];

fn items(found: &SearchResult) -> Vec<Vec<u32>> {
    found.neighbors.rows().map(|row| row.iter().map(|near| near.item).collect()).collect()
}

fn budgets() -> impl Strategy<Value = Budget> {
    prop_oneof![
        Just(Budget::PerTree),
        (1usize..60).prop_map(Budget::Items),
        Just(Budget::Exhaustive)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_exhaustive_search_is_the_exact_one(
        seed in any::<u32>(),
        nrows in 12usize..200,
        ncols in 1usize..9,
        k in 1usize..12,
        metric in proptest::sample::select(&WHOLE[..]),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (reference, queries) = (Rows::new(nrows, ncols, seed), Rows::new(20, ncols, !seed));
        let index = reference.index(dir.path(), metric);
        let options = SearchOptions::new(k).exhaustive();
        let exact = ExactOptions::new(ExactMetric::of(metric).unwrap(), k);

        let found = index.search(&queries.dense(), &options).unwrap();
        let expected = bigannoy::exact(&reference.dense(), &queries.dense(), &exact).unwrap();
        prop_assert!(found.summary.exact);
        // The blocks differ in precision alone.
        for (found, expected) in found.neighbors.rows().zip(expected.neighbors.rows()) {
            prop_assert_eq!(found, expected);
        }
        let own = index.search_self(&options).unwrap();
        let expected = bigannoy::exact_self(&reference.dense(), &exact).unwrap();
        for (found, expected) in own.neighbors.rows().zip(expected.neighbors.rows()) {
            prop_assert_eq!(found, expected);
        }
    }

    /// Neither blocks, nor threads, nor company change an answer, whatever the settings.
    #[test]
    fn a_batch_is_its_queries_one_by_one(
        seed in any::<u32>(),
        k in 1usize..20,
        budget in budgets(),
        widen in any::<bool>(),
        filtered in any::<bool>(),
        block_rows in 1usize..70,
        threads in 1usize..4,
        metric in proptest::sample::select(&Metric::OF_NUMBERS[..]),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (reference, queries) = (Rows::new(150, 3, seed), Rows::new(60, 3, !seed));
        let index = reference.index(dir.path(), metric);
        let mut options = SearchOptions::new(k).budget(budget).widen(widen);
        if filtered {
            options = options.only(ItemSet::from_fn(150, |item| item % 3 != 1));
            options = options.except(ItemSet::from_fn(150, |item| item.is_multiple_of(5)));
        }
        let batch = index.search(&queries.dense(), &options).unwrap();
        let cut = options.clone().block_rows(block_rows).threads(threads);
        prop_assert_eq!(&index.search(&queries.dense(), &cut).unwrap(), &batch);
        prop_assert_eq!(
            index.search_self(&cut).unwrap(),
            index.search_self(&options).unwrap()
        );
        for row in 0..60 {
            let single = index.search(&queries.row(row), &options).unwrap();
            prop_assert_eq!(single.neighbors.row(0), batch.neighbors.row(row));
        }
        if filtered {
            let admitted = |item: u32| item % 3 != 1 && !item.is_multiple_of(5);
            prop_assert!(items(&batch).concat().into_iter().all(admitted));
        }
        if widen || budget == Budget::Exhaustive {
            prop_assert_eq!(batch.summary.short_rows, 0);
        }
    }
}

#[test]
fn the_record_of_a_search_has_the_eight_fields() {
    let dir = tempfile::tempdir().unwrap();
    let index = Rows::new(50, 2, 1).index(dir.path(), Metric::Dot);
    let found = index.search(&Rows::new(7, 2, 2).dense(), &SearchOptions::new(3)).unwrap();
    assert_eq!((found.index().len(), found.distance().len()), (21, 21));
    let record = &found.summary;
    assert_eq!((record.k, record.n_ref, record.n_query), (3, 50, 7));
    assert_eq!((record.metric, record.exact, record.backend), (Metric::Dot, false, "annoy"));
    assert_eq!((&record.index, &record.distance), (&Place::Memory, &Place::Memory));
    // Similarities, column by column: the first column has the largest of each row.
    assert!(record.metric.is_similarity());
    let distances = found.distance();
    let columns: Vec<&[f64]> = distances.chunks(7).collect();
    assert!((0..7).all(|row| columns[0][row] >= columns[1][row]));
}

#[test]
fn more_than_can_be_answered_is_refused_before_the_search() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(50, 2, 1);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let few = || SearchOptions::new(4).only(ItemSet::from_items(50, [3, 5, 8]).unwrap());
    for (options, own, expected) in [
        (SearchOptions::new(51), false, "k is 51, expected at most 50"),
        (SearchOptions::new(50), true, "k is 50, expected at most 49"),
        (SearchOptions::new(51).include_self(true), true, "k is 51, expected at most 50"),
        (few(), false, "k is 4, expected at most 3"),
        (few().include_self(true), true, "k is 4, expected at most 3"),
        (SearchOptions::new(0), false, "k is 0"),
        (SearchOptions::new(1).only(ItemSet::all(51)), false, "51"),
    ] {
        let found =
            if own { index.search_self(&options) } else { index.search(&rows.dense(), &options) };
        let message = message_chain(&found.unwrap_err());
        assert!(message.contains(expected), "{message}");
    }
    let all = index.search_self(&SearchOptions::new(50).include_self(true).exhaustive()).unwrap();
    assert!(items(&all).into_iter().all(|row| row.len() == 50));
}

#[test]
fn a_row_is_its_own_neighbor_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(60, 4, 9);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let options = SearchOptions::new(5);
    let own = index.search_self(&options.clone().include_self(true)).unwrap();
    assert_eq!(own.neighbors, index.search(&rows.dense(), &options).unwrap().neighbors);
    // Row 10 is row 1 again: without itself each has the other first.
    let others = index.search_self(&options).unwrap();
    assert_eq!((others.neighbors.row(9)[0].item, others.neighbors.row(0)[0].item), (0, 9));
    assert_eq!(others.neighbors.row(9)[0].distance, 0.0);
}

#[test]
fn queries_with_missing_values_are_refused_or_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(60, 2, 9);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let values = [1.0, 2.0, f64::NAN, 0.0, 3.0, 1e300, f64::INFINITY, 1.0, -4.0, 5.0];
    let queries = DenseRows::row_major(&values, 2);
    let options = SearchOptions::new(3);
    let message = message_chain(&index.search(&queries, &options).unwrap_err());
    assert!(message.contains("row 2, column 1 (counted from 1)"), "{message}");
    for block_rows in [1, 2, 100] {
        let options = options.clone().skip_missing(true).strict(true).block_rows(block_rows);
        let found = index.search(&queries, &options).unwrap();
        assert_eq!((found.summary.skipped_rows, found.summary.short_rows), (3, 0));
        for (row, first) in [(0, 0), (4, 8)] {
            let alone = DenseRows::row_major(&values[first..first + 2], 2);
            let alone = index.search(&alone, &SearchOptions::new(3)).unwrap();
            assert_eq!(found.neighbors.row(row), alone.neighbors.row(0));
        }
        assert!((1..4).all(|row| found.neighbors.row(row).is_empty()));
        let missing = found.index().iter().filter(|&&id| id == i32::MIN).count();
        assert_eq!(missing, 9);
    }
}

/// Items 1, 3 and 5 of six, in one tree of one leaf, in which Annoy fills up with item 0.
fn with_gaps(dir: &Path) -> Index {
    let layout = Layout::new(Metric::Euclidean, 5).unwrap();
    let mut words = vec![0; layout.record_words()];
    for item in [1, 3, 5] {
        words.resize(item * layout.record_words(), 0);
        layout.push_item(&mut words, &[f32::from(u8::try_from(item).unwrap()); 5]);
    }
    for _ in 0..2 {
        layout.push_leaf(&mut words, 6, &[1, 3, 5]);
    }
    let path = dir.join("gaps.ann");
    std::fs::write(&path, bytemuck::cast_slice(&words)).unwrap();
    bigannoy::open(&path, &OpenOptions::new().layout(Metric::Euclidean, 5)).unwrap()
}

#[test]
fn rows_that_are_short_for_lack_of_items_are_told_from_those_of_a_small_budget() {
    let dir = tempfile::tempdir().unwrap();
    let index = with_gaps(dir.path());
    let values = [0.0; 10];
    let queries = DenseRows::row_major(&values, 5);
    let counts = |found: SearchResult| {
        let summary = found.summary;
        (summary.short_rows, summary.limited_rows, summary.skipped_rows)
    };
    let options = SearchOptions::new(4);
    assert_eq!(counts(index.search(&queries, &options).unwrap()), (2, 0, 0));
    assert_eq!(counts(index.search_self(&options).unwrap()), (3, 0, 3));
    assert_eq!(counts(index.search_self(&options.clone().include_self(true)).unwrap()), (3, 0, 3));
    for k in [2, 3] {
        let found = counts(index.search_self(&SearchOptions::new(k)).unwrap());
        assert_eq!(found, if k == 2 { (0, 0, 3) } else { (3, 0, 3) });
    }
    let only = ItemSet::from_items(6, [0, 2, 3, 5]).unwrap();
    assert_eq!(counts(index.search(&queries, &options.clone().only(only)).unwrap()), (2, 0, 0));
    let error = index.search(&queries, &options.clone().strict(true)).unwrap_err().to_string();
    assert!(
        error.ends_with("expected 4: there are no more items that may be neighbors"),
        "{error}"
    );

    // Here the budget is the cause, of missing values it is not.
    let rows = Rows::new(300, 2, 5);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let values = [1.0, 2.0, f64::NAN, 0.0, 3.0, 4.0];
    let queries = DenseRows::row_major(&values, 2);
    let narrow = SearchOptions::new(40).search_k(1).skip_missing(true);
    assert_eq!(counts(index.search(&queries, &narrow).unwrap()), (2, 2, 1));
    let found = counts(index.search_self(&SearchOptions::new(40).search_k(1)).unwrap());
    assert!(found.0 > 0 && found.1 == found.0, "{found:?}");
    assert_eq!(counts(index.search(&queries, &narrow.widen(true)).unwrap()), (0, 0, 1));
}

#[test]
fn widening_finds_what_a_small_budget_misses() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(300, 2, 5);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let narrow = SearchOptions::new(40).search_k(1);
    let short = index.search_self(&narrow).unwrap();
    assert!(short.summary.short_rows > 0);
    let row = short.neighbors.rows().position(|row| row.len() < 40).unwrap();
    let error = index.search_self(&narrow.clone().strict(true)).unwrap_err();
    let Error::ShortRow { row: found, k: 40, .. } = &error else { panic!("{error}") };
    assert_eq!(*found, row);
    let message = error.to_string();
    assert!(message.contains(&format!("query row {} ", row + 1)), "{message}");
    assert!(message.contains("a budget of 1 items, expected 40: a larger budget"), "{message}");
    let wide = index.search_self(&narrow.widen(true).strict(true)).unwrap();
    assert!(wide.neighbors.rows().all(|row| row.len() == 40));
}
