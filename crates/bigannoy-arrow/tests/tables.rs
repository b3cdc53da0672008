//! Tables as their own readers see them.
#![cfg(all(feature = "arrow", feature = "parquet"))]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_ipc::reader::FileReader;
use bigannoy_arrow::{ArrowSink, ParquetSink};
use bigannoy_metric::{Neighbor, NeighborBlock, WideNeighbor};
use bigannoy_sink::{Kept, NeighborSink, Place, ResultShape, SinkError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const SHAPE: ResultShape = ResultShape::new(3, 2);

/// Rows with two, one and no neighbors, in two blocks.
fn blocks() -> [NeighborBlock; 2] {
    let near = |item, distance| Neighbor { item, distance };
    let (mut first, mut second) = (NeighborBlock::new(2, 2), NeighborBlock::new(1, 2));
    for (mut row, neighbors) in
        first.rows_mut().zip([vec![near(4, 0.1), near(0, 1.5)], vec![near(7, 3e9)]])
    {
        row.fill(neighbors);
    }
    second.rows_mut().for_each(|mut row| row.fill([]));
    [first, second]
}

fn sinks(directory: &Path) -> [(Box<dyn NeighborSink>, std::path::PathBuf); 2] {
    let [arrow, parquet] = ["t.arrow", "t.parquet"].map(|name| directory.join(name));
    [
        (Box::new(ArrowSink::create(&arrow)), arrow),
        (Box::new(ParquetSink::create(&parquet)), parquet),
    ]
}

fn read(path: &Path) -> Vec<RecordBatch> {
    let file = File::open(path).unwrap();
    if path.extension().unwrap() == "arrow" {
        FileReader::try_new(file, None).unwrap().map(Result::unwrap).collect()
    } else {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        reader.map(Result::unwrap).collect()
    }
}

type Line = (i64, i32, Option<i32>, Option<f64>);

fn lines(path: &Path) -> Vec<Line> {
    let mut lines = Vec::new();
    for batch in read(path) {
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["query", "rank", "id", "distance"]);
        let (queries, ranks) = (
            batch.column(0).as_primitive::<Int64Type>(),
            batch.column(1).as_primitive::<Int32Type>(),
        );
        let ids = batch.column(2).as_primitive::<Int32Type>().iter();
        let distances: Vec<Option<f64>> = match batch.column(3).as_primitive_opt::<Float32Type>() {
            Some(distances) => distances.iter().map(|value| value.map(f64::from)).collect(),
            None => batch.column(3).as_primitive::<Float64Type>().iter().collect(),
        };
        let places = queries.values().iter().zip(ranks.values());
        let found = ids.zip(distances);
        lines.extend(
            places.zip(found).map(|((&query, &rank), (id, distance))| (query, rank, id, distance)),
        );
    }
    lines
}

#[test]
fn tables_hold_what_was_found() {
    let directory = tempfile::tempdir().unwrap();
    for (mut sink, path) in sinks(directory.path()) {
        sink.begin(SHAPE).unwrap();
        sink.write(&blocks()[0]).unwrap();
        assert!(!path.exists());
        assert_eq!(sink.kept(), Kept::default());
        sink.write(&blocks()[1]).unwrap();
        sink.finish().unwrap();
        assert_eq!(sink.kept().index, Place::File(path.clone()));
        let expected = [
            (1, 1, Some(5), Some(f64::from(0.1f32))),
            (1, 2, Some(1), Some(1.5)),
            (2, 1, Some(8), Some(3e9)),
            (2, 2, None, None),
            (3, 1, None, None),
            (3, 2, None, None),
        ];
        assert_eq!(lines(&path), expected);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn double_precision_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let third = 1.0 / 3.0;
    let mut block = NeighborBlock::double(1, 1);
    block.rows_mut().for_each(|mut row| row.fill_wide([WideNeighbor { item: 0, distance: third }]));
    for (mut sink, path) in sinks(directory.path()) {
        sink.begin(ResultShape::new(1, 1).double(true)).unwrap();
        sink.write(&block).unwrap();
        sink.finish().unwrap();
        assert_eq!(lines(&path), [(1, 1, Some(1), Some(third))]);
    }
}

#[test]
fn what_is_unfinished_or_refused_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for (mut sink, _) in sinks(directory.path()) {
        assert!(matches!(sink.write(&blocks()[0]), Err(SinkError::NotOpen)));
        sink.begin(SHAPE).unwrap();
        sink.write(&blocks()[0]).unwrap();
        let error = sink.finish().unwrap_err();
        assert!(matches!(error, SinkError::Rows { expected: 3, found: 2 }), "{error}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    for (mut sink, path) in sinks(directory.path()) {
        std::fs::write(&path, "mine").unwrap();
        assert!(sink.begin(SHAPE).unwrap_err().to_string().ends_with("exists already"));
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}
