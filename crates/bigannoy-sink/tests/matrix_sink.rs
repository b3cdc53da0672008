//! Results written into matrices, in every form in which a matrix can be given.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;

use bigannoy_matrix::{BigMatrix, Element, ElementType, MatrixSpec, NewMatrix};
use bigannoy_metric::{Neighbor, NeighborBlock};
use bigannoy_sink::{Destination, MatrixSink, NeighborSink, ResultShape, SinkError};

const SHAPE: ResultShape = ResultShape::new(3, 2);

/// Rows with two, one and no neighbors, in two blocks.
fn blocks() -> [NeighborBlock; 2] {
    let near = |item, distance| Neighbor { item, distance };
    let (mut first, mut second) = (NeighborBlock::new(2, 2), NeighborBlock::new(1, 2));
    for (mut row, neighbors) in
        first.rows_mut().zip([vec![near(4, 0.5), near(0, 1.5)], vec![near(7, 0.25)]])
    {
        row.fill(neighbors);
    }
    second.rows_mut().for_each(|mut row| row.fill([]));
    [first, second]
}

fn run(sink: &mut MatrixSink<'_>) -> Result<(), SinkError> {
    sink.begin(SHAPE)?;
    for block in blocks() {
        sink.write(&block)?;
    }
    sink.finish()
}

fn make(path: &Path, element_type: ElementType, nrows: usize, ncols: usize) {
    let spec = MatrixSpec::new(element_type, nrows, ncols);
    NewMatrix::create(path, &spec).unwrap().finish().unwrap();
}

fn columns<T: Element>(path: &Path) -> Vec<Vec<T>> {
    let matrix = BigMatrix::attach(path).unwrap();
    let view = matrix.view::<T>().unwrap();
    (0..matrix.ncols()).map(|col| view.column(col).to_vec()).collect()
}

#[test]
fn new_matrices_appear_complete_with_missing_values() {
    let directory = tempfile::tempdir().unwrap();
    let (ids, distances) = (directory.path().join("i.desc"), directory.path().join("d.desc"));
    let mut sink =
        MatrixSink::new(Destination::create(&ids)).distances(Destination::create(&distances));
    sink.begin(SHAPE).unwrap();
    assert!(!ids.exists() && !distances.exists());
    for block in blocks() {
        sink.write(&block).unwrap();
    }
    assert!(sink.ids_descriptor().is_none());
    sink.finish().unwrap();
    assert_eq!(sink.ids_descriptor().unwrap().shape(), (3, 2));
    assert_eq!(sink.distances_descriptor().unwrap().element_type(), ElementType::Double);

    assert_eq!(columns::<i32>(&ids), [[5, 8, i32::MIN], [1, i32::MIN, i32::MIN]]);
    let bits = |columns: Vec<Vec<f64>>| -> Vec<Vec<u64>> {
        columns.iter().map(|column| column.iter().map(|value| value.to_bits()).collect()).collect()
    };
    let na = f64::MISSING;
    assert_eq!(bits(columns(&distances)), bits(vec![vec![0.5, 0.25, na], vec![1.5, na, na]]));
}

#[test]
fn all_forms_and_types_hold_the_same_result() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    make(&path("a.desc"), ElementType::Integer, 3, 2);
    make(&path("b.desc"), ElementType::Double, 3, 2);
    make(&path("c.desc"), ElementType::Float, 3, 2);
    let mut live = BigMatrix::attach_mut(path("a.desc")).unwrap();
    run(&mut MatrixSink::new(Destination::live(&mut live))).unwrap();
    assert_eq!(live.view::<i32>().unwrap().column(0), [5, 8, i32::MIN]);
    drop(live);

    let descriptor = BigMatrix::attach(path("b.desc")).unwrap().descriptor().clone();
    let mut sink = MatrixSink::new(Destination::descriptor(&descriptor))
        .distances(Destination::path_or_create(path("c.desc")));
    run(&mut sink).unwrap();
    drop(sink);
    let ids = columns::<f64>(&path("b.desc"));
    assert_eq!(ids[0][..2], [5.0, 8.0]);
    assert_eq!(ids[0][2].to_bits(), f64::MISSING.to_bits());
    let distances = columns::<f32>(&path("c.desc"));
    assert_eq!((&distances[0][..2], &distances[1][..1]), (&[0.5, 0.25][..], &[1.5][..]));
    assert!([distances[0][2], distances[1][1], distances[1][2]].iter().all(|value| value.is_nan()));
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    make(&path("ids.desc"), ElementType::Integer, 3, 2);
    make(&path("wide.desc"), ElementType::Double, 3, 3);
    make(&path("short.desc"), ElementType::Short, 3, 2);
    let before = std::fs::read(path("ids.bin")).unwrap();
    let begin = |mut sink: MatrixSink<'_>| sink.begin(SHAPE).unwrap_err();
    let ids = || MatrixSink::new(Destination::path(path("ids.desc")));

    let error = begin(ids().distances(Destination::path(path("wide.desc"))));
    let expected = "has 3 rows and 3 columns, expected 3 (one for each query) and 2 (k)";
    assert!(error.to_string().ends_with(expected), "{error}");
    let error = begin(MatrixSink::new(Destination::path(path("short.desc"))));
    let expected = "elements of type short, expected integer or double for ids";
    assert!(error.to_string().ends_with(expected), "{error}");
    let error = begin(ids().distances(Destination::path(path("ids.desc"))));
    assert!(matches!(error, SinkError::ElementType { .. } | SinkError::Attach(_)), "{error}");
    let error = begin(ids().distances(Destination::path(path("no.desc"))));
    assert!(matches!(error, SinkError::Attach(_)), "{error}");
    let error = begin(MatrixSink::new(Destination::create(path("ids.desc"))));
    assert!(matches!(error, SinkError::Create(_)), "{error}");
    let mut read_only = BigMatrix::attach(path("ids.desc")).unwrap();
    let error = begin(MatrixSink::new(Destination::live(&mut read_only)));
    assert!(matches!(error, SinkError::ReadOnly { .. }), "{error}");
    drop(read_only);
    // A destination that would have been new is not there after another was refused.
    let error = begin(
        MatrixSink::new(Destination::create(path("new.desc")))
            .distances(Destination::path(path("wide.desc"))),
    );
    assert!(matches!(error, SinkError::Shape { .. }), "{error}");

    assert_eq!(std::fs::read(path("ids.bin")).unwrap(), before);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 6);
}

#[test]
fn one_matrix_cannot_be_both_destinations() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("both.desc");
    make(&path, ElementType::Double, 3, 2);
    let mut sink = MatrixSink::new(Destination::path(&path)).distances(Destination::path(&path));
    assert!(matches!(sink.begin(SHAPE), Err(SinkError::Attach(_))));
    std::fs::create_dir(directory.path().join("d")).unwrap();
    // The same descriptor in two spellings, and two descriptors of the same data file.
    for (ids, distances) in [("new.desc", "d/../new.desc"), ("new.ids", "new.distances")] {
        let [ids, distances] = [ids, distances].map(|name| directory.path().join(name));
        let mut sink =
            MatrixSink::new(Destination::create(ids)).distances(Destination::create(distances));
        assert!(matches!(sink.begin(SHAPE), Err(SinkError::SameDestination { .. })));
    }
    std::fs::remove_dir(directory.path().join("d")).unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn a_result_of_the_wrong_length_is_not_finished() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("i.desc");
    let mut sink = MatrixSink::new(Destination::create(&path));
    sink.begin(SHAPE).unwrap();
    sink.write(&blocks()[0]).unwrap();
    let error = sink.write(&NeighborBlock::new(2, 2)).unwrap_err();
    assert!(matches!(error, SinkError::Rows { expected: 3, found: 4 }), "{error}");
    let error = sink.finish().unwrap_err();
    assert!(matches!(error, SinkError::Rows { expected: 3, found: 2 }), "{error}");
    drop(sink);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
