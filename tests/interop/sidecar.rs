//! Sidecars, as `read.dcf` of R reads them.

use std::collections::BTreeMap;

use bigannoy::matrix::DenseRows;
use bigannoy::{BuildOptions, Index, LoadMode, Metric};
use bigannoy_tests::run_r;

/// The documented fields, in their order.
const FIELDS: [&str; 16] = [
    "metadata_version",
    "package_version",
    "annoy_version",
    "index_id",
    "metric",
    "n_dim",
    "n_ref",
    "n_trees",
    "build_seed",
    "build_threads",
    "build_backend",
    "file_size",
    "file_mtime",
    "file_md5",
    "load_mode",
    "index_file",
];

/// What R said about one index: lines up to the next `md5`.
fn check(lines: &[&str], index: &Index, expected: &BTreeMap<&str, &str>) {
    let of = |key: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix('\t'));
        line.unwrap_or_else(|| panic!("no {key} in {lines:?}"))
    };
    let fields: Vec<(&str, &str)> =
        lines.iter().filter_map(|line| line.strip_prefix("field\t")?.split_once('\t')).collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names[..16], FIELDS);
    let value = |name: &str| fields[names.iter().position(|other| *other == name).unwrap()].1;

    assert_eq!(value("file_md5"), of("md5"));
    assert_eq!(value("file_size"), of("size"));
    assert_eq!(value("file_mtime"), of("mtime"));
    for (name, expected) in expected {
        assert_eq!(value(name), *expected, "{name}");
    }
    let sidecar = index.sidecar();
    assert_eq!(Some(value("index_id")), sidecar.index_id.as_deref());
    assert_eq!(Some(value("package_version")), sidecar.package_version.as_deref());
    assert_eq!(Some(value("file_md5")), sidecar.file_md5.as_deref());
    let id = value("index_id").strip_prefix("annoy-").unwrap();
    assert!(id.ends_with(&value("file_md5")[..12]), "{id}");
}

pub(crate) fn r_reads_the_sidecar(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let seed = u64::from(seed.unsigned_abs());
    let rows: Vec<f64> = (0..120u32).map(|at| (f64::from(at) + 0.5).cos()).collect();
    let rows = DenseRows::row_major(&rows, 4);
    let options = BuildOptions::new(Metric::Euclidean).trees(7).seed(seed);
    let angular = BuildOptions::new(Metric::Angular).threads(2).load_mode(LoadMode::Eager);
    let one = bigannoy::build(&rows, dir.path().join("one.ann"), &options).unwrap();
    let other = bigannoy::build(&rows, dir.path().join("other: é.ann"), &angular).unwrap();
    let told = run_r("interop_sidecar.R", &[one.path(), other.path()]).unwrap();

    let lines: Vec<&str> = told.lines().collect();
    let starts: Vec<usize> =
        (0..lines.len()).filter(|&at| lines[at].starts_with("md5\t")).collect();
    assert_eq!(starts.len(), 2, "{told}");
    let seed = seed.to_string();
    let expected = BTreeMap::from([
        ("metadata_version", "3"),
        ("annoy_version", "1.17.3"),
        ("metric", "euclidean"),
        ("n_dim", "4"),
        ("n_ref", "30"),
        ("n_trees", "7"),
        ("build_seed", seed.as_str()),
        ("build_threads", "-1"),
        ("build_backend", "rust"),
        ("load_mode", "lazy"),
        ("index_file", "one.ann"),
    ]);
    check(&lines[..starts[1]], &one, &expected);
    let expected = BTreeMap::from([
        ("metric", "angular"),
        ("n_trees", "50"),
        ("build_seed", "42"),
        ("build_threads", "2"),
        ("load_mode", "eager"),
        ("index_file", "other: é.ann"),
    ]);
    check(&lines[starts[1]..], &other, &expected);
}
