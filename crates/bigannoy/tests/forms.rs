//! Every form in which queries can be given, every element type and layout: one answer.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::{Path, PathBuf};

use bigannoy::matrix::{DenseRows, Element, MatrixSpec, NewMatrix};
use bigannoy::{
    BigMatrix, BuildOptions, Descriptor, Index, Input, Metric, SearchOptions, SearchResult,
};

const ROWS: usize = 37;
const COLS: usize = 5;

/// Numbers that every type holds.
fn value(row: usize, col: usize) -> u8 {
    u8::try_from((row * 31 + col * 17 + row * row * col) % 101).unwrap()
}

fn create<T: Element>(dir: &Path, separated: bool, number: impl Fn(u8) -> T) -> PathBuf {
    let path = dir.join(format!("{}-{separated}.desc", T::TYPE));
    let spec = MatrixSpec::new(T::TYPE, ROWS, COLS).separated(separated);
    let mut new = NewMatrix::create(&path, &spec).unwrap();
    let mut view = new.view_mut::<T>().unwrap();
    for col in 0..COLS {
        for (row, place) in view.column_mut(col).iter_mut().enumerate() {
            *place = number(value(row, col));
        }
    }
    new.finish().unwrap();
    path
}

fn index(dir: &Path, metric: Metric) -> Index {
    let rows: Vec<f64> = (0..400)
        .flat_map(|row| (0..COLS).map(move |col| f64::from(value(row * 7 + 3, col + 1))))
        .collect();
    let options = BuildOptions::new(metric).trees(6);
    bigannoy::build(&DenseRows::row_major(&rows, COLS), dir.join(metric.name()), &options).unwrap()
}

#[test]
fn all_forms_of_one_matrix_give_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for separated in [false, true] {
        paths.push(create(dir.path(), separated, u8::cast_signed)); // below 101
        paths.push(create(dir.path(), separated, |value| value));
        paths.push(create(dir.path(), separated, i16::from));
        paths.push(create(dir.path(), separated, i32::from));
        paths.push(create(dir.path(), separated, f32::from));
        paths.push(create(dir.path(), separated, f64::from));
    }
    let by_row: Vec<u8> =
        (0..ROWS).flat_map(|row| (0..COLS).map(move |col| value(row, col))).collect();
    let by_column: Vec<u8> =
        (0..COLS).flat_map(|col| (0..ROWS).map(move |row| value(row, col))).collect();
    let single = |values: &[u8]| values.iter().copied().map(f32::from).collect::<Vec<_>>();
    let (by_row_f32, by_column_f32) = (single(&by_row), single(&by_column));
    let double = |values: &[u8]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let (by_row, by_column) = (double(&by_row), double(&by_column));

    for metric in Metric::OF_NUMBERS {
        let index = index(dir.path(), metric);
        let options = SearchOptions::new(7).search_k(60).block_rows(10);
        let search = |queries: Input<'_>| index.search(queries, &options).unwrap();
        let expected = search((&DenseRows::row_major(&by_row, COLS)).into());
        assert_eq!(expected.summary.n_query, ROWS);
        let same =
            |found: SearchResult, form: &str| assert_eq!(found, expected, "{metric}: {form}");
        same(search((&DenseRows::column_major(&by_column, ROWS)).into()), "f64 by column");
        same(search((&DenseRows::row_major(&by_row_f32, COLS)).into()), "f32 by row");
        same(search((&DenseRows::column_major(&by_column_f32, ROWS)).into()), "f32 by column");
        for path in &paths {
            let form = path.display().to_string();
            let live = BigMatrix::attach(path).unwrap();
            let descriptor = Descriptor::read(path).unwrap();
            same(search((&live).into()), &form);
            same(search(Input::rows(&live)), &form);
            same(search((&descriptor).into()), &form);
            same(search(path.into()), &form);
            same(search(Input::unmapped(path)), &form);
            // A window of more is the same, too.
            let window = Descriptor::window(&descriptor, 3..ROWS as u64, 0..COLS as u64).unwrap();
            let found = search((&window).into());
            assert_eq!(found.neighbors.row(0), expected.neighbors.row(3), "{form}");
        }
        #[cfg(feature = "ndarray")]
        {
            use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder};
            let view = ArrayView2::from_shape((ROWS, COLS), &by_row).unwrap();
            same(search((&view).into()), "view by row");
            let view = ArrayView2::from_shape((ROWS, COLS).f(), &by_column).unwrap();
            same(search((&view).into()), "view by column");
            let view = ArrayView2::from_shape((COLS, ROWS), &by_column_f32).unwrap();
            same(search((&view.t()).into()), "view of f32, transposed");
            let mut upside_down = Array2::from_shape_vec((ROWS, COLS), by_row.clone()).unwrap();
            upside_down.invert_axis(Axis(1));
            let reversed = upside_down.as_standard_layout().into_owned();
            let mut view = reversed.view();
            view.invert_axis(Axis(1));
            same(search((&view).into()), "view with a negative stride");
        }
    }
}
