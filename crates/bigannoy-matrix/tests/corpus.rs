//! Every matrix that R wrote, cell by cell against what R showed.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::{Path, PathBuf};

use bigannoy_matrix::{
    AnyMatrixRef, BigMatrix, ByteString, Element, FileRows, MatrixRef, OnValue, ReadRows,
    ValueFault, ValuePolicy,
};
use serde_json::Value;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/bigmemory")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The cases, with the path of each descriptor.
fn cases() -> Vec<(Value, PathBuf)> {
    let manifest = json(&corpus().join("manifest.json"));
    let cases = manifest["cases"].as_array().unwrap();
    cases
        .iter()
        .map(|case| json(&corpus().join(case["json"].as_str().unwrap())))
        .map(|case| {
            let path = corpus().join(case["descriptor"].as_str().unwrap());
            (case, path)
        })
        .collect()
}

fn same_cell<T: Element + Into<f64>>(found: T, expected: &Value) -> bool {
    match expected.as_str() {
        Some("NA") => found.fault() == Some(ValueFault::Missing),
        Some("NaN") => found.fault() == Some(ValueFault::NaN),
        Some("Inf") => found.into() == f64::INFINITY,
        Some("-Inf") => found.into() == f64::NEG_INFINITY,
        Some(other) => panic!("a cell {other:?}"),
        // R shows what `raw` and `float` hold as numbers; FLT_MIN is NA only in some accesses.
        None => found.into() == expected.as_f64().unwrap(),
    }
}

/// Compares all cells, and returns how many there are.
fn same_cells<T: Element + Into<f64>>(matrix: &MatrixRef<'_, T>, shown: &Value, id: &str) -> usize {
    let nrows = matrix.nrows();
    if let Some(columns) = shown["columns"].as_array() {
        assert_eq!(matrix.ncols(), columns.len(), "{id}");
        for (col, column) in columns.iter().enumerate() {
            let column = column.as_array().unwrap();
            assert_eq!(nrows, column.len(), "{id}");
            for (row, expected) in column.iter().enumerate() {
                let found = matrix.get(row, col);
                assert!(same_cell(found, expected), "{id} ({row}, {col}): {found:?}, {expected}");
            }
        }
        return nrows * matrix.ncols();
    }
    // Cases about names alone show no cells.
    let Some(samples) = shown["samples"].as_array() else { return 0 };
    for sample in samples {
        let at = usize::try_from(sample[0].as_u64().unwrap()).unwrap();
        let found = matrix.get(at % nrows, at / nrows);
        assert!(same_cell(found, &sample[1]), "{id} {at}: {found:?}, {}", sample[1]);
    }
    samples.len()
}

/// Floating-point cells bit for bit.
fn same_bits<T: Element>(
    matrix: &MatrixRef<'_, T>,
    shown: &Value,
    id: &str,
    bits: impl Fn(T) -> u64,
) {
    let Some(columns) = shown["bits"].as_array() else { return };
    for (col, column) in columns.iter().enumerate() {
        for (row, expected) in column.as_array().unwrap().iter().enumerate() {
            let expected = u64::from_str_radix(expected.as_str().unwrap(), 16).unwrap();
            assert_eq!(bits(matrix.get(row, col)), expected, "{id} ({row}, {col})");
        }
    }
}

/// Names as R shows them: text, or bytes in hexadecimal. One name may stand without an array.
fn expected_names(shown: &Value) -> Option<Vec<ByteString>> {
    let name = |value: &Value| {
        if let Some(text) = value.as_str() {
            return ByteString::from(text);
        }
        let hex = value["hex"].as_str().unwrap();
        let digits = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16));
        ByteString::from(digits.collect::<Result<Vec<u8>, _>>().unwrap())
    };
    match shown {
        Value::Null => None,
        Value::Array(names) => Some(names.iter().map(name).collect()),
        one => Some(vec![name(one)]),
    }
}

/// Rows read with system calls are those of the map, bit for bit.
fn same_without_a_map(matrix: &BigMatrix, path: &Path, id: &str) {
    let cells = matrix.nrows() * matrix.ncols();
    if cells > 1 << 20 {
        return;
    }
    let keep = ValuePolicy::default().missing(OnValue::Keep).not_finite(OnValue::Keep);
    let rows = FileRows::open(path).unwrap_or_else(|error| panic!("{id}: {error:?}"));
    let mut read = [vec![0.0f64; cells], vec![0.0f64; cells]];
    matrix.read_rows(0..matrix.nrows(), keep, &mut read[0]).unwrap();
    rows.read_rows(0..matrix.nrows(), keep, &mut read[1]).unwrap();
    let [mapped, unmapped] = read.map(|read| read.into_iter().map(f64::to_bits));
    assert!(mapped.eq(unmapped), "{id}");
}

#[test]
fn what_r_attached_is_seen_cell_by_cell() {
    let (mut matrices, mut cells) = (0, 0);
    for (case, path) in cases() {
        let id = case["id"].as_str().unwrap();
        // The corpus has no data for matrices beyond 2^31 rows.
        if case["safe_reader"] != "accept" || case["group"] == "overflow" {
            continue;
        }
        let shown = if case["r"]["attaches"] == true { &case["r"] } else { &case["intended"] };
        let matrix = BigMatrix::attach(&path).unwrap_or_else(|error| panic!("{id}: {error:?}"));
        assert_eq!(matrix.nrows() as u64, shown["nrow"].as_u64().unwrap(), "{id}");
        assert_eq!(matrix.ncols() as u64, shown["ncol"].as_u64().unwrap(), "{id}");
        cells += match matrix.view_any() {
            AnyMatrixRef::Char(matrix) => same_cells(&matrix, shown, id),
            AnyMatrixRef::Short(matrix) => same_cells(&matrix, shown, id),
            AnyMatrixRef::Raw(matrix) => same_cells(&matrix, shown, id),
            AnyMatrixRef::Integer(matrix) => same_cells(&matrix, shown, id),
            AnyMatrixRef::Float(matrix) => {
                same_bits(&matrix, shown, id, |value| value.to_bits().into());
                same_cells(&matrix, shown, id)
            }
            AnyMatrixRef::Double(matrix) => {
                same_bits(&matrix, shown, id, f64::to_bits);
                same_cells(&matrix, shown, id)
            }
        };
        same_without_a_map(&matrix, &path, id);
        // R drops the row names of a window; here they are kept.
        for (found, expected) in [
            (matrix.row_names(), expected_names(&shown["row_names"])),
            (matrix.col_names(), expected_names(&shown["col_names"])),
        ] {
            if let Some(expected) = expected {
                assert_eq!(found, Some(&expected[..]), "{id}");
            }
        }
        matrices += 1;
    }
    assert!(matrices > 285 && cells > 4500, "{matrices} matrices, {cells} cells");
}

#[test]
fn what_is_wrong_is_refused_with_the_file_it_is_wrong_in() {
    let mut refused = 0;
    for (case, path) in cases() {
        if case["safe_reader"] != "reject" {
            continue;
        }
        let id = case["id"].as_str().unwrap();
        let error = match BigMatrix::attach(&path) {
            Ok(matrix) => panic!("{id}: attached as {matrix:?}"),
            Err(error) => error,
        };
        if id != "shared_text/contig" && id != "shared_text/sep_window" {
            let text = error.to_string();
            let folder = path.parent().unwrap().to_str().unwrap();
            assert!(text.contains(folder), "{id} does not name a file: {text}");
        }
        refused += 1;
    }
    assert!(refused >= 35, "{refused}");
}
