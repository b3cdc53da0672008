//! Many threads that do everything to one index at once get the answers of one thread.
//!
//! `BIGANNOY_CONCURRENT_ROUNDS` says how often each of them does it.

use std::sync::Barrier;

use bigannoy::{
    BuildOptions, Index, Level, LoadMode, Metric, OpenOptions, SearchOptions, SearchResult,
    Sketching, ValidateOptions, open,
};

use crate::search::Rows;
use crate::support::count;

const THREADS: usize = 16;
const QUERIES: usize = 40;

/// What one thread finds, before there are others.
struct Expected {
    queries: Rows,
    found: SearchResult,
    own: SearchResult,
}

fn options(round: usize) -> SearchOptions {
    let sketching = [Sketching::Auto, Sketching::Always, Sketching::Never][round % 3];
    SearchOptions::new(5).search_k(60).sketching(sketching).block_rows(16).threads(1 + round % 2)
}

/// One step of one thread. Searches and validations are of an index that others may let go of at
/// the same time.
fn step(kind: usize, round: usize, index: &Index, expected: &Expected) {
    match kind {
        0 => {
            let found = index.search(&expected.queries.dense(), &options(round)).unwrap();
            assert_eq!(found, expected.found);
        }
        1 => assert_eq!(index.search_self(&options(round)).unwrap(), expected.own),
        2 => index.close(),
        3 => {
            index.load().unwrap();
            let level = [Level::Fields, Level::Structure, Level::Checksum][round % 3];
            let options = ValidateOptions::new().level(level).load(round.is_multiple_of(2));
            assert!(index.validate(&options).unwrap().valid());
        }
        _ => {
            let mode = [LoadMode::Eager, LoadMode::Lazy][round % 2];
            let other = open(index.path(), &OpenOptions::new().load_mode(mode)).unwrap();
            let at = round % QUERIES;
            let alone = other.search(&expected.queries.row(at), &options(round)).unwrap();
            assert_eq!(alone.neighbors.row(0), expected.found.neighbors.row(at));
        }
    }
}

#[test]
fn threads_that_search_close_reopen_and_validate_get_the_answers_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let index = Rows::new(600, 5, 1).index(dir.path(), Metric::Euclidean);
    let queries = Rows::new(QUERIES, 5, 2);
    let found = index.search(&queries.dense(), &options(0)).unwrap();
    let own = index.search_self(&options(0)).unwrap();
    let expected = Expected { queries, found, own };
    let rounds = count("BIGANNOY_CONCURRENT_ROUNDS", 20) as usize;
    index.close();
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (index, expected, start) = (&index, &expected, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..rounds {
                    step((thread + round) % 5, thread + round, index, expected);
                }
            });
        }
    });
    assert_eq!(index.search_self(&options(0)).unwrap(), expected.own);
}

/// One name, many builders: each either builds the index or is told of another, and what stands there
/// in the end is whole.
#[test]
fn builders_of_one_index_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ann");
    let rows = Rows::new(300, 4, 3);
    let start = Barrier::new(THREADS);
    let built = std::thread::scope(|scope| {
        let builders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (rows, path, start) = (&rows, &path, &start);
                scope.spawn(move || {
                    start.wait();
                    let options = BuildOptions::new(Metric::Euclidean).trees(thread + 1);
                    let options = options.threads(1).overwrite(true);
                    match bigannoy::build(&rows.dense(), path, &options) {
                        Ok(index) => Some(index.sidecar().file_md5.clone().unwrap()),
                        Err(error) => {
                            let message = bigannoy_tests::message_chain(&error);
                            assert!(message.contains("being written"), "{message}");
                            None
                        }
                    }
                })
            })
            .collect();
        builders.into_iter().filter_map(|builder| builder.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(built.contains(&bigannoy_tests::md5_hex(&path).unwrap()), "{built:?}");
    assert!(
        open(&path, &OpenOptions::new())
            .unwrap()
            .validate(&ValidateOptions::new())
            .unwrap()
            .valid()
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "the index and its sidecar");
}

/// Who has a file mapped keeps it when its name goes; who wants to map it anew is told.
#[cfg(unix)]
#[test]
fn an_index_whose_file_is_removed_is_searched_on_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let index = Rows::new(200, 3, 4).index(dir.path(), Metric::Manhattan);
    let expected = index.search_self(&SearchOptions::new(3)).unwrap();
    std::fs::remove_file(index.path()).unwrap();
    for sketching in [Sketching::Never, Sketching::Always] {
        let options = SearchOptions::new(3).sketching(sketching);
        assert_eq!(index.search_self(&options).unwrap(), expected);
    }
    let told = index.validate(&ValidateOptions::new().strict(false)).unwrap();
    let failed = told.checks.iter().filter(|check| !check.passed).map(|check| check.check);
    assert_eq!(failed.collect::<Vec<_>>(), ["same_index", "index_exists"]);
    index.close();
    let shown = index.path().display().to_string();
    for error in [
        index.search_self(&SearchOptions::new(3)).unwrap_err(),
        index.load().unwrap_err(),
        open(index.path(), &OpenOptions::new()).unwrap_err(),
    ] {
        let message = bigannoy_tests::message_chain(&error);
        assert!(message.contains(&shown) && message.contains("No such file"), "{message}");
    }
    assert!(!index.is_loaded());
}
