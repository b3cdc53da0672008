//! Values that are no coordinates, in references and queries.

use std::fs;
use std::path::{Path, PathBuf};

use bigannoy::matrix::{DenseRows, Element};
use bigannoy::{Destination, MatrixSink, SearchOptions};

use super::Scene;
use crate::support::create;

/// Creates `bad.desc` of 40 x 2 with `value` in the last row, second column.
fn with_last<T: Element>(dir: &Path, fine: T, value: T) -> PathBuf {
    let first = [fine; 40];
    let mut second = [fine; 40];
    second[39] = value;
    create(dir, "bad.desc", &[&first, &second])
}

/// `value` is refused in a reference, and in a query that is written to existing destinations.
fn refused<T: Element>(fine: T, value: T, what: &str) {
    let scene = Scene::new();
    let bad = with_last(scene.dir.path(), fine, value);
    let ids = create(scene.dir.path(), "ids.desc", &[&[-7i32; 40][..]; 3]);
    let distances = create(scene.dir.path(), "distances.desc", &[&[-7.5f64; 40][..]; 3]);
    let place = format!("{}: row 40, column 2 (counted from 1)", scene.shown("bad.desc"));
    let parts = [place.as_str(), what, "expected a finite number"];
    scene.refused_matrix("bad.desc", &parts);

    // 40 rows are three blocks: the first two must not have been written when the third is read.
    let options = SearchOptions::new(3).block_rows(16);
    scene.refused(&parts, || {
        let mut sink =
            MatrixSink::new(Destination::path(&ids)).distances(Destination::path(&distances));
        scene.index.search_into(&bad, &options, &mut sink)
    });
    // With a fine value in its place the same search changes both.
    let data = fs::read(scene.path("ids.bin")).unwrap();
    fs::remove_file(&bad).unwrap();
    fs::remove_file(scene.path("bad.bin")).unwrap();
    let good = with_last(scene.dir.path(), fine, fine);
    let mut sink =
        MatrixSink::new(Destination::path(&ids)).distances(Destination::path(&distances));
    scene.index.search_into(&good, &options, &mut sink).unwrap();
    assert_ne!(fs::read(scene.path("ids.bin")).unwrap(), data);
}

#[test]
fn missing_values_of_every_type() {
    refused::<i8>(1, i8::MISSING, "missing (NA)");
    refused::<i16>(1, i16::MISSING, "missing (NA)");
    refused::<i32>(1, i32::MISSING, "missing (NA)");
    refused::<f32>(1.0, f32::MISSING, "missing (NA)");
    refused::<f64>(1.0, f64::MISSING, "missing (NA)");
}

#[test]
fn values_that_are_no_numbers() {
    refused::<f32>(1.0, f32::NAN, "not a number (NaN)");
    refused::<f64>(1.0, f64::NAN, "not a number (NaN)");
}

#[test]
fn infinite_values() {
    refused::<f32>(1.0, f32::NEG_INFINITY, "infinite");
    refused::<f64>(1.0, f64::INFINITY, "infinite");
}

#[test]
fn values_too_large_for_32_bits() {
    refused::<f64>(1.0, 1e300, "1e300, too large for 32 bits");
    refused::<f64>(1.0, -1e39, "-1e39, too large for 32 bits");
}

/// Many blocks, each row read by another thread: still the first faulty row is the one reported.
#[test]
fn the_first_of_many_bad_rows_is_reported() {
    let scene = Scene::new();
    let first = vec![0.5f64; 5000];
    let mut second = first.clone();
    second[1233] = f64::NAN;
    second[1234..].fill(f64::INFINITY);
    create(scene.dir.path(), "bad.desc", &[&first, &second]);
    let place = format!("{}: row 1234, column 2 ", scene.shown("bad.desc"));
    scene.refused_matrix("bad.desc", &[&place, "not a number (NaN)"]);
    for (threads, block_rows) in [(1, 16), (4, 16), (4, 10_000)] {
        let options = SearchOptions::new(1).threads(threads).block_rows(block_rows);
        let path = scene.path("bad.desc");
        let parts = [place.as_str(), "not a number (NaN)"];
        scene.refused(&parts, || scene.index.search(&path, &options));
    }
}

#[test]
fn bad_values_in_separated_columns() {
    let scene = Scene::new();
    let data = scene.path("ref_sep.bin_column_1");
    let mut bytes = fs::read(&data).unwrap();
    bytes[3 * 8..4 * 8].copy_from_slice(&f64::INFINITY.to_le_bytes());
    fs::write(&data, bytes).unwrap();
    let place = format!("{}: row 4, column 2 (counted from 1)", scene.shown("ref_sep.desc"));
    scene.refused_matrix("ref_sep.desc", &[&place, "infinite"]);
}

#[test]
fn bad_values_in_memory() {
    let scene = Scene::new();
    let data = [0.0, 1.0, 2.0, f64::NAN];
    let rows = DenseRows::row_major(&data, 2);
    let parts = ["matrix in memory: row 2, column 2 (counted from 1)", "expected a finite number"];
    scene.refused(&parts, || scene.index.search(&rows, &SearchOptions::new(1)));
}

/// The smallest normal number is R's missing value where R wrote it, and a number elsewhere; type
/// `raw` has no missing value.
#[test]
fn values_that_only_look_missing() {
    let scene = Scene::new();
    let data = [f32::MIN_POSITIVE, 1.0];
    let options = SearchOptions::new(1);
    assert!(scene.index.search(&DenseRows::row_major(&data, 2), &options).is_ok());
    for value in [0u8, 128, 255] {
        let scene = Scene::new();
        let path = with_last(scene.dir.path(), 1, value);
        assert_eq!(scene.index.search(&path, &options).unwrap().summary.n_query, 40);
        scene.build(&path).unwrap();
    }
}
