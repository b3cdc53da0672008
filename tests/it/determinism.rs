//! What threads, blocks and company may not change.

use std::path::Path;

use bigannoy::matrix::DenseRows;
use bigannoy::{
    BuildOptions, Generator, Index, LoadMode, Metric, OpenOptions, SearchOptions, Sketching,
};
use bigannoy_tests::{md5_hex, message_chain};

use crate::support::{answer, answers, attach, rows_f32};

fn build(dir: &Path, name: &str, options: &BuildOptions) -> Index {
    let reference = attach("v1/clusters/reference.desc");
    bigannoy::build(&reference, dir.join(name), options).unwrap()
}

#[test]
fn an_index_does_not_depend_on_threads() {
    let dir = tempfile::tempdir().unwrap();
    let mut sums = Vec::new();
    let all = Metric::OF_NUMBERS.map(|metric| Generator::ALL.map(|generator| (metric, generator)));
    for (metric, generator) in all.into_iter().flatten() {
        let name = format!("{metric}-{generator}");
        let options = BuildOptions::new(metric).generator(generator).trees(7).seed(11);
        let same: Vec<String> = [1, 2, 3, 7]
            .into_iter()
            .map(|threads| {
                let file = format!("{name}{threads}.ann");
                let index = build(dir.path(), &file, &options.clone().threads(threads));
                let sum = md5_hex(index.path()).unwrap();
                assert_eq!(index.sidecar().file_md5.as_deref(), Some(sum.as_str()));
                assert_eq!(index.generator(), Some(generator.recorded_name(metric)));
                sum
            })
            .collect();
        assert!(same.iter().all(|sum| *sum == same[0]), "{name}: {same:?}");
        let other = build(dir.path(), &format!("{name}.ann"), &options.seed(12));
        assert_ne!(md5_hex(other.path()).unwrap(), same[0], "another seed, the same index");
        sums.extend(same);
    }
    assert_eq!(sums.len(), 48);
    sums.dedup();
    assert_eq!(sums.len(), 12, "another metric or generator, the same index");
}

/// Rows that bring all there is into play: upper levels, sets in codes, finer codes, items far away, equal ones.
fn of_all_kinds() -> Vec<f32> {
    let (rows, columns) = (20_000u64, 20u64);
    let value = |row: u64, column: u64| {
        // Every ninth row is another one again.
        let row = if row.is_multiple_of(9) { row / 1000 } else { row };
        let mixed = (row * columns + column + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let value = f32::from(u16::try_from(mixed >> 48).unwrap()) / 65_536.0 - 0.5;
        match row {
            7000..9000 => 100.0 + value / 256.0,
            19_990.. => value * 4096.0,
            _ => value,
        }
    };
    (0..rows).flat_map(|row| (0..columns).map(move |column| value(row, column))).collect()
}

/// Who changes these bytes gives them another name, in `Generator::recorded_name`.
#[test]
fn the_bytes_of_a_name_stay_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let rows = of_all_kinds();
    for (metric, name, expected) in [
        (Metric::Euclidean, "chacha8-11", "28474fcf1ce42a10aa460e63cdce29b6"),
        (Metric::Angular, "chacha8-11", "4ecc00185cd01276ac9b4b838baca368"),
        (Metric::Manhattan, "chacha8-11", "28474fcf1ce42a10aa460e63cdce29b6"),
        (Metric::Dot, "chacha8-8", "a0cb43533abcd3f9a80d57ca8534f9ba"),
    ] {
        let options = BuildOptions::new(metric).trees(3);
        let path = dir.path().join(metric.name());
        let index = bigannoy::build(&DenseRows::row_major(&rows, 20), path, &options).unwrap();
        assert_eq!(index.generator(), Some(name));
        assert_eq!(md5_hex(index.path()).unwrap(), expected, "{metric}");
    }
}

#[test]
fn answers_do_not_depend_on_threads_or_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let query = attach("v1/clusters/query.desc");
    let rows = rows_f32(&query);
    for metric in Metric::OF_NUMBERS {
        let name = metric.name();
        let index = build(dir.path(), name, &BuildOptions::new(metric).trees(5));
        for options in [SearchOptions::new(4), SearchOptions::new(10).search_k(25)] {
            let expected = index.search(&query, &options).unwrap();
            let own = index.search_self(&options).unwrap();
            assert_eq!((expected.summary.n_query, own.summary.n_query), (200, 4000));
            for sketching in [Sketching::Never, Sketching::Always] {
                let options = options.clone().sketching(sketching);
                assert_eq!(index.search(&query, &options).unwrap(), expected);
                assert_eq!(index.search_self(&options).unwrap(), own);
            }
            let mut runs = 0;
            for threads in [1, 2, 3, 7] {
                for block_rows in [1, 7, 64, 200, 100_000] {
                    let options = options.clone().threads(threads).block_rows(block_rows);
                    assert_eq!(index.search(&query, &options).unwrap(), expected);
                    runs += 1;
                }
                for block_rows in [33, 1000] {
                    let options = options.clone().threads(threads).block_rows(block_rows);
                    assert_eq!(index.search_self(&options).unwrap(), own);
                    runs += 1;
                }
            }
            assert_eq!(runs, 4 * 7);

            // One by one, as in a block.
            for (position, vector) in rows.chunks(query.ncols()).enumerate() {
                let single =
                    index.search(&DenseRows::row_major(vector, vector.len()), &options).unwrap();
                let in_block = expected.neighbors.row(position);
                assert_eq!(answer(single.neighbors.row(0)), answer(in_block), "{name}, {position}");
                runs += 1;
            }
            assert_eq!(runs, 4 * 7 + 200);
        }
    }
}

#[test]
fn many_callers_of_one_index_get_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let index = build(dir.path(), "shared", &BuildOptions::new(Metric::Euclidean).trees(5));
    let query = attach("v1/clusters/query.desc");
    let options = SearchOptions::new(3).block_rows(50);
    let expected = index.search(&query, &options).unwrap();
    index.close();
    let found: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..6)
            .map(|caller| {
                let (index, query, options) = (&index, &query, &options);
                scope.spawn(move || {
                    // Some let go of the index while others search in it.
                    if caller % 2 == 0 {
                        index.close();
                    }
                    index.search(query, options).unwrap()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|result| *result == expected));
}

#[test]
fn readers_keep_an_index_that_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let query = attach("v1/clusters/query.desc");
    let search = SearchOptions::new(10).search_k(40);
    let options = BuildOptions::new(Metric::Euclidean).trees(3).seed(1);
    let old = build(dir.path(), "x.ann", &options);
    let path = dir.path().join("x.ann");
    let other_reader = bigannoy::open(&path, &OpenOptions::new()).unwrap();
    let before = old.search(&query, &search).unwrap();

    let eager = options.trees(6).seed(2).overwrite(true).load_mode(LoadMode::Eager);
    let new = build(dir.path(), "x.ann", &eager);
    let after = new.search(&query, &search).unwrap();
    assert_ne!(answers(&before.neighbors), answers(&after.neighbors), "the test sees a difference");
    for reader in [&old, &other_reader] {
        assert!(reader.is_loaded());
        assert_eq!(reader.search(&query, &search).unwrap(), before);
    }

    // What is mapped again is the new file, which is not what the old handle knows.
    old.close();
    let message = message_chain(&old.search(&query, &search).unwrap_err());
    let path = path.display().to_string();
    assert!(message.contains(&path) && message.contains("replaced by another index"), "{message}");
    let reopened = bigannoy::open(&path, &OpenOptions::new()).unwrap();
    assert_eq!(reopened.search(&query, &search).unwrap(), after);
}
