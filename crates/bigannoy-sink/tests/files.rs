//! Results in files: CSV and `.npy`.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bigannoy_metric::{Neighbor, NeighborBlock, WideNeighbor};
use bigannoy_npy::{Dtype, NpyHeader};
use bigannoy_sink::{CsvSink, Kept, NeighborSink, NpySink, Place, ResultShape, SinkError};

const SHAPE: ResultShape = ResultShape::new(3, 2);

/// Rows with two, one and no neighbors, in two blocks.
fn blocks() -> [NeighborBlock; 2] {
    let near = |item, distance| Neighbor { item, distance };
    let (mut first, mut second) = (NeighborBlock::new(2, 2), NeighborBlock::new(1, 2));
    for (mut row, neighbors) in
        first.rows_mut().zip([vec![near(4, 0.1), near(0, 1.5e-7)], vec![near(7, 3e9)]])
    {
        row.fill(neighbors);
    }
    second.rows_mut().for_each(|mut row| row.fill([]));
    [first, second]
}

fn run(
    sink: &mut dyn NeighborSink,
    shape: ResultShape,
    blocks: &[NeighborBlock],
) -> Result<(), SinkError> {
    sink.begin(shape)?;
    blocks.iter().try_for_each(|block| sink.write(block))?;
    sink.finish()
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The numbers of an array, and its header.
fn array(path: &Path) -> (NpyHeader, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let header = NpyHeader::parse(&bytes).unwrap();
    header.check_file_len(bytes.len() as u64).unwrap();
    (header.clone(), bytes[header.data_offset()..].to_vec())
}

const TABLE: &str = "query,rank,id,distance\n1,1,5,0.1\n1,2,1,0.00000015\n2,1,8,3000000000\n\
                     2,2,NA,NA\n3,1,NA,NA\n3,2,NA,NA\n";

#[test]
fn csv_goes_to_a_writer_or_to_a_file_that_appears_whole() {
    let mut text = Vec::new();
    run(&mut CsvSink::new(&mut text), SHAPE, &blocks()).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), TABLE);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    let mut sink = CsvSink::create(&path);
    sink.begin(SHAPE).unwrap();
    sink.write(&blocks()[0]).unwrap();
    assert!(!path.exists());
    assert_eq!(sink.kept(), Kept::default());
    sink.write(&blocks()[1]).unwrap();
    sink.finish().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), TABLE);
    assert_eq!(sink.kept().distance, Place::File(path));
    drop(sink);
    assert_eq!(files(directory.path()), ["out.csv"]);
}

#[test]
fn csv_has_as_many_digits_as_the_result() {
    let third = 1.0 / 3.0;
    let mut double = NeighborBlock::double(1, 1);
    double
        .rows_mut()
        .for_each(|mut row| row.fill_wide([WideNeighbor { item: 0, distance: third }]));
    let mut text = Vec::new();
    let shape = ResultShape::new(1, 1).double(true);
    run(&mut CsvSink::new(&mut text), shape, &[double]).unwrap();
    let text = String::from_utf8(text).unwrap();
    let cell = text.trim_end().rsplit(',').next().unwrap();
    assert_eq!(cell.parse::<f64>().unwrap().to_bits(), third.to_bits());
}

#[test]
fn npy_files_hold_ids_and_distances_row_by_row() {
    let directory = tempfile::tempdir().unwrap();
    let (ids, distances) = (directory.path().join("i.npy"), directory.path().join("d.npy"));
    let mut sink = NpySink::create(&ids).distances(&distances);
    sink.begin(SHAPE).unwrap();
    sink.write(&blocks()[0]).unwrap();
    assert!(!ids.exists() && !distances.exists());
    sink.write(&blocks()[1]).unwrap();
    sink.finish().unwrap();
    let place = |path: &PathBuf| Place::File(path.clone());
    assert_eq!(sink.kept(), Kept { index: place(&ids), distance: place(&distances) });

    let (header, bytes) = array(&ids);
    assert_eq!(header, NpyHeader::new(Dtype::I32, 3, 2, false).unwrap());
    let found: Vec<i32> =
        bytes.chunks(4).map(|id| i32::from_le_bytes(id.try_into().unwrap())).collect();
    assert_eq!(found, [5, 1, 8, i32::MIN, i32::MIN, i32::MIN]);
    let (header, bytes) = array(&distances);
    assert_eq!(header, NpyHeader::new(Dtype::F32, 3, 2, false).unwrap());
    let found: Vec<f32> =
        bytes.chunks(4).map(|id| f32::from_le_bytes(id.try_into().unwrap())).collect();
    assert_eq!(found[..3], [0.1, 1.5e-7, 3e9]);
    assert!(found[3..].iter().all(|distance| distance.is_nan()));
    assert_eq!(files(directory.path()), ["d.npy", "i.npy"]);

    // Ids alone, of a result of double precision; and its distances.
    let mut double = NeighborBlock::double(1, 1);
    double.rows_mut().for_each(|mut row| row.fill_wide([WideNeighbor { item: 1, distance: 0.7 }]));
    let shape = ResultShape::new(1, 1).double(true);
    let alone = directory.path().join("alone.npy");
    let mut sink = NpySink::create(&alone);
    run(&mut sink, shape, std::slice::from_ref(&double)).unwrap();
    assert_eq!(sink.kept().distance, Place::Nowhere);
    assert_eq!(array(&alone).1, 2i32.to_le_bytes());
    let (ids, distances) = (directory.path().join("i2.npy"), directory.path().join("d2.npy"));
    run(&mut NpySink::create(ids).distances(&distances), shape, &[double]).unwrap();
    assert_eq!(array(&distances).0.dtype(), Dtype::F64);
    assert_eq!(array(&distances).1, 0.7f64.to_le_bytes());
}

#[test]
fn an_unfinished_result_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let sinks: [Box<dyn NeighborSink>; 2] = [
        Box::new(CsvSink::create(path("out.csv"))),
        Box::new(NpySink::create(path("i.npy")).distances(path("d.npy"))),
    ];
    for mut sink in sinks {
        assert!(matches!(sink.write(&blocks()[0]), Err(SinkError::NotOpen)));
        sink.begin(SHAPE).unwrap();
        sink.write(&blocks()[0]).unwrap();
        let error = sink.write(&NeighborBlock::new(2, 2)).unwrap_err();
        assert!(matches!(error, SinkError::Rows { expected: 3, found: 4 }), "{error}");
        let error = sink.finish().unwrap_err();
        assert!(matches!(error, SinkError::Rows { expected: 3, found: 2 }), "{error}");
        assert!(matches!(sink.begin(SHAPE), Err(SinkError::NotOpen)));
    }
    assert_eq!(files(directory.path()), [""; 0]);
}

#[test]
fn what_exists_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("x"), "mine").unwrap();
    let refused = |sink: &mut dyn NeighborSink, expected: &str| {
        let error = sink.begin(SHAPE).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(&mut CsvSink::create(path("x")), "x exists already");
    refused(&mut NpySink::create(path("x")).distances(path("y")), "x exists already");
    refused(&mut NpySink::create(path("y")).distances(path("x")), "x exists already");
    refused(&mut NpySink::create(path("y")).distances(path("y")), "would share ");
    refused(&mut NpySink::create(path("no/y")), "no/y");
    // Nor is what is no file replaced, where files are.
    std::fs::create_dir(path("z")).unwrap();
    let mut sinks: [Box<dyn NeighborSink>; 2] =
        [Box::new(CsvSink::create(path("z"))), Box::new(NpySink::create(path("z")))];
    for sink in &mut sinks {
        sink.replace_existing();
        refused(sink.as_mut(), "z is a directory, expected a regular file");
    }
    std::fs::remove_dir(path("z")).unwrap();
    assert_eq!(std::fs::read(path("x")).unwrap(), b"mine");
    assert_eq!(files(directory.path()), ["x"]);

    // What appears meanwhile, too, and then neither file is there.
    let mut sink = NpySink::create(path("i")).distances(path("d"));
    sink.begin(SHAPE).unwrap();
    std::fs::write(path("i"), "theirs").unwrap();
    for block in blocks() {
        sink.write(&block).unwrap();
    }
    assert!(sink.finish().unwrap_err().to_string().contains("i exists already"));
    drop(sink);
    assert_eq!(files(directory.path()), ["i", "x"]);
}

/// A writer that takes so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_shows_with_the_block() {
    let mut sink = CsvSink::new(Full(70));
    sink.begin(SHAPE).unwrap();
    let error = sink.write(&blocks()[0]).unwrap_err();
    assert!(matches!(error, SinkError::Other(_)), "{error}");
    let mut sink = CsvSink::new(Full(90));
    sink.begin(SHAPE).unwrap();
    sink.write(&blocks()[0]).unwrap();
    assert!(sink.write(&blocks()[1]).is_err());
}
