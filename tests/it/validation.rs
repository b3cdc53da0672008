//! What a validation finds, and what it does not mind.

use std::path::{Path, PathBuf};

use bigannoy::{
    BuildOptions, Check, Error, Index, Level, LoadMode, Metric, OpenOptions, SearchOptions,
    Severity, ValidateOptions, build, open, validate,
};

use crate::support::create;

const X: [f64; 40] = small_numbers(1, 1, 17);
const Y: [f64; 40] = small_numbers(7, 0, 23);

/// Whole numbers below `modulus`, which are the same in every type.
const fn small_numbers(factor: i32, power: u32, modulus: i32) -> [f64; 40] {
    let mut values = [0.0; 40];
    let (mut at, mut number) = (0, 0i32);
    while at < 40 {
        values[at] = (number.pow(power + 1) * factor % modulus) as f64;
        at += 1;
        number += 1;
    }
    values
}

/// A reference and an index over it.
fn built(directory: &Path) -> (PathBuf, PathBuf) {
    let reference = create::<f64>(directory, "ref", &[&X, &Y]);
    let path = directory.join("x.ann");
    build(&reference, &path, &BuildOptions::new(Metric::Euclidean).trees(3).seed(7)).unwrap();
    (reference, path)
}

fn lenient<'a>() -> ValidateOptions<'a> {
    ValidateOptions::new().strict(false)
}

fn look(path: &Path, options: &ValidateOptions<'_>) -> Vec<Check> {
    validate(path, &OpenOptions::new(), options).unwrap().checks
}

/// The names of the checks that failed.
fn failed(checks: &[Check], severity: Severity) -> Vec<&'static str> {
    let failed = checks.iter().filter(|check| !check.passed && check.severity == severity);
    failed.map(|check| check.check).collect()
}

#[test]
fn a_fresh_index_passes_all_checks() {
    let directory = tempfile::tempdir().unwrap();
    let (reference, path) = built(directory.path());
    let checks = look(&path, &ValidateOptions::new().reference(&reference));
    let names: Vec<&str> = checks.iter().map(|check| check.check).collect();
    assert_eq!(
        names,
        [
            "index_exists",
            "metadata_exists",
            "metadata_fields",
            "metadata_complete",
            "metadata_version",
            "layout",
            "index_file",
            "file_size",
            "file_mtime",
            "file_ends",
            "index_id",
            "load",
            "structure",
            "n_trees",
            "file_md5",
            "reference_shape",
            "reference_type",
            "reference_hash"
        ]
    );
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    let fields = look(&path, &lenient().level(Level::Fields).load(false));
    assert_eq!(fields.len(), 11);
    let asked = validate(&path, &OpenOptions::new(), &lenient().level(Level::Reference));
    assert!(matches!(asked, Err(Error::Setting { .. })));
}

#[test]
fn a_copy_of_another_name_is_valid_with_warnings() {
    let directory = tempfile::tempdir().unwrap();
    let (reference, path) = built(directory.path());
    let copy = directory.path().join("y.ann");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(directory.path().join("x.ann.meta"), directory.path().join("y.ann.meta"))
        .unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH;
    std::fs::File::options().write(true).open(&copy).unwrap().set_modified(old).unwrap();
    let checks = look(&copy, &ValidateOptions::new().reference(&reference));
    assert_eq!(failed(&checks, Severity::Warning), ["index_file", "file_mtime"]);
    assert!(failed(&checks, Severity::Error).is_empty());
}

/// Each byte of the index in turn. Nothing short of the checksum need find it, and nothing may crash
/// on it.
#[test]
fn a_changed_byte_anywhere_is_found_by_the_checksum() {
    let directory = tempfile::tempdir().unwrap();
    let (_, path) = built(directory.path());
    let whole = std::fs::read(&path).unwrap();
    let query = bigannoy::matrix::DenseRows::row_major(&[3.0, 4.0], 2);
    let layout = OpenOptions::new().layout(Metric::Euclidean, 2);
    let bare = directory.path().join("bare.ann");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        let checks = look(&path, &lenient());
        assert!(failed(&checks, Severity::Error).contains(&"file_md5"), "byte {at}: {checks:?}");
        let strict = validate(&path, &OpenOptions::new(), &ValidateOptions::new());
        assert!(matches!(strict, Err(Error::Invalid { .. })), "byte {at}");
        // Without a sidecar nothing is known of it: an answer or an error, and an end.
        std::fs::write(&bare, &bytes).unwrap();
        if let Ok(index) = open(&bare, &layout) {
            let _ = index.search(&query, &SearchOptions::new(3));
        }
    }
    std::fs::write(&path, &whole[..whole.len() - 28]).unwrap();
    let checks = look(&path, &lenient());
    let errors = failed(&checks, Severity::Error);
    assert!(errors.contains(&"file_size") && errors.contains(&"file_md5"), "{errors:?}");
    std::fs::write(&path, "").unwrap();
    assert!(failed(&look(&path, &lenient()), Severity::Error).contains(&"layout"));
}

#[test]
fn a_changed_reference_is_found_by_its_hash() {
    let directory = tempfile::tempdir().unwrap();
    let (reference, path) = built(directory.path());
    let other = directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let mut y = Y;
    y[39] += 1e-12;
    let changed = create::<f64>(&other, "changed", &[&X, &y]);
    let checks = look(&path, &lenient().reference(&changed));
    assert_eq!(failed(&checks, Severity::Error), ["reference_hash"]);
    let shorter = create::<f64>(&other, "shorter", &[&X[..39], &Y[..39]]);
    let checks = look(&path, &lenient().reference(&shorter));
    assert_eq!(failed(&checks, Severity::Error), ["reference_shape", "reference_hash"]);
    // The same values of another type are the same reference.
    let narrow = |values: &[f64]| {
        #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
        values.iter().map(|value| *value as f32).collect::<Vec<_>>()
    };
    let narrow = create::<f32>(&other, "narrow", &[&narrow(&X), &narrow(&Y)]);
    let checks = look(&path, &lenient().reference(&narrow));
    assert_eq!(failed(&checks, Severity::Warning), ["reference_type"]);
    assert!(failed(&checks, Severity::Error).is_empty());
    assert!(failed(&look(&path, &lenient().reference(&reference)), Severity::Error).is_empty());
}

#[test]
fn what_keeps_an_index_from_being_opened_is_a_failed_check() {
    let directory = tempfile::tempdir().unwrap();
    let (_, path) = built(directory.path());
    let sidecar = directory.path().join("x.ann.meta");
    let text = std::fs::read_to_string(&sidecar).unwrap();
    let errors = |text: &str| {
        std::fs::write(&sidecar, text).unwrap();
        failed(&look(&path, &lenient()), Severity::Error)
    };
    assert_eq!(errors("metric euclidean"), ["metadata_fields"]);
    assert_eq!(errors(&text.replace("n_dim: 2", "n_dim: 3")), ["layout", "load"]);
    assert_eq!(errors(&text.replace("n_ref: 40", "n_ref: 41")), ["load"]);
    assert_eq!(errors(&text.replace("n_trees: 3", "n_trees: 4")), ["n_trees"]);
    std::fs::remove_file(&sidecar).unwrap();
    assert_eq!(failed(&look(&path, &lenient()), Severity::Error), ["metadata_exists"]);
    let given = OpenOptions::new().layout(Metric::Euclidean, 2);
    let found = validate(&path, &given, &lenient().level(Level::Structure)).unwrap();
    assert!(found.valid(), "{found:?}");
    let gone = look(&directory.path().join("gone.ann"), &lenient());
    assert_eq!(failed(&gone, Severity::Error), ["index_exists"]);
}

#[test]
fn an_index_is_loaded_by_a_validation_that_is_to() {
    let directory = tempfile::tempdir().unwrap();
    let (_, path) = built(directory.path());
    let lazy = OpenOptions::new().load_mode(LoadMode::Lazy);
    let index: Index = open(&path, &lazy).unwrap();
    assert!(index.validate(&ValidateOptions::new().load(false)).unwrap().valid());
    assert!(!index.is_loaded());
    assert!(index.validate(&ValidateOptions::new()).unwrap().valid());
    assert!(index.is_loaded());
    index.close();
    assert!(!index.is_loaded());
    assert_eq!(index.search_self(&SearchOptions::new(2)).unwrap().neighbors.nrows(), 40);

    let overwrite = BuildOptions::new(Metric::Euclidean).trees(4).overwrite(true);
    build(&directory.path().join("ref.desc"), &path, &overwrite).unwrap();
    let found = index.validate(&lenient()).unwrap();
    assert_eq!(failed(&found.checks, Severity::Error), ["same_index"]);
}
