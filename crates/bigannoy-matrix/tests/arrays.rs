//! Arrays of the crate `ndarray` as rows.
#![cfg(feature = "ndarray")]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::ops::Range;

use bigannoy_matrix::RowSource;
use ndarray::{Array2, ShapeBuilder, arr2, s};

fn rows(source: &dyn RowSource, rows: Range<usize>) -> Vec<f64> {
    let mut out = vec![0.0; rows.len() * source.ncols()];
    source.copy_rows_f64(rows, &mut out).unwrap();
    out
}

#[test]
fn strides_do_not_matter() {
    let by_row = arr2(&[[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    let mut by_column = Array2::<f64>::zeros((3, 3).f());
    by_column.assign(&by_row);
    let narrow = arr2(&[[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    let sources: [&dyn RowSource; 3] = [&by_row, &by_column, &narrow];
    for source in sources {
        assert_eq!((source.nrows(), source.ncols()), (3, 3));
        assert_eq!(rows(source, 1..3), [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    }
    assert_eq!(sources.map(RowSource::is_single_precision), [false, false, true]);
    // Every other row from the last, two columns in reverse; and transposed.
    let view = by_row.slice(s![..;-2, ..;-2]);
    assert_eq!(rows(&view, 0..2), [9.0, 7.0, 3.0, 1.0]);
    assert_eq!(rows(&view.t(), 1..2), [7.0, 1.0]);
    assert_eq!(rows(&view, 1..1), [0.0; 0]);
}

#[test]
fn faults_are_found_in_row_order() {
    let array = arr2(&[[1.0, 2.0], [3.0, f64::NAN], [1e39, 0.0]]);
    let mut kept = [0.0; 3];
    array.t().copy_rows_with_missing(1..2, &mut kept).unwrap();
    assert!(kept[0] == 2.0 && kept[1].is_nan());
    let error = array.t().copy_rows(1..2, &mut [0.0; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "array in memory: row 2, column 2 (counted from 1) is not a number (NaN), expected a \
         finite number"
    );
    let error = array.copy_rows(2..3, &mut [0.0; 2]).unwrap_err();
    assert!(error.to_string().contains("row 3, column 1 (counted from 1) is 1e39"), "{error}");
}
