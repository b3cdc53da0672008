//! Every kind of destination holds what is found in memory, to the last bit; and none is an input.

use std::fs;
use std::path::Path;

use bigannoy::matrix::{Element, MatrixSpec, NewMatrix};
use bigannoy::npy::NpyHeader;
use bigannoy::sink::{CsvSink, NpySink};
use bigannoy::{
    BigMatrix, Descriptor, Destination, ElementType, Index, Input, MatrixSink, Metric,
    NeighborSink, Place, SearchOptions, SearchResult,
};
use bigannoy_tests::message_chain;

use super::Rows;

const ROWS: usize = 90;
const K: usize = 12;

/// An index, and a search in which some rows are short.
struct Scene {
    dir: tempfile::TempDir,
    rows: Rows,
    index: Index,
    options: SearchOptions,
    expected: SearchResult,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rows = Rows::new(ROWS, 2, 77);
        let index = rows.index(dir.path(), Metric::Euclidean);
        // The first budget with which some rows have enough neighbors and some have not.
        let mut searches = (1..1000).map(|search_k| {
            let options = SearchOptions::new(K).search_k(search_k).block_rows(13);
            let found = index.search(&rows.dense(), &options).unwrap();
            (options, found)
        });
        let is_short = |found: &SearchResult| (1..ROWS).contains(&found.summary.short_rows);
        let (options, expected) = searches.find(|(_, found)| is_short(found)).unwrap();
        Scene { dir, rows, index, options, expected }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Searches into the sink, and tells where the result is.
    fn search(&self, sink: &mut dyn NeighborSink) -> (Place, Place) {
        let summary = self.index.search_into(&self.rows.dense(), &self.options, sink).unwrap();
        let counts = (summary.short_rows, summary.n_query, summary.k);
        let expected = &self.expected.summary;
        assert_eq!(counts, (expected.short_rows, ROWS, K));
        (summary.index, summary.distance)
    }

    /// A matrix of the shape of the result, full of something else.
    fn matrix<T: Element>(&self, name: &str, separated: bool, old: T) -> std::path::PathBuf {
        let path = self.path(name);
        let spec = MatrixSpec::new(T::TYPE, ROWS, K).separated(separated);
        let mut new = NewMatrix::create(&path, &spec).unwrap();
        let mut view = new.view_mut::<T>().unwrap();
        (0..K).for_each(|col| view.column_mut(col).fill(old));
        new.finish().unwrap();
        path
    }

    fn holds_ids(&self, matrix: &BigMatrix) {
        let expected = self.expected.index();
        let found: Vec<i32> = if matrix.element_type() == ElementType::Integer {
            columns::<i32>(matrix)
        } else {
            let id = |id: f64| if id.is_nan() { i32::MISSING } else { whole(id) };
            columns::<f64>(matrix).into_iter().map(id).collect()
        };
        assert_eq!(found, expected);
    }

    fn holds_distances(&self, matrix: &BigMatrix) {
        let expected = self.expected.distance();
        if matrix.element_type() == ElementType::Double {
            let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(columns::<f64>(matrix)), bits(expected));
            return;
        }
        let found = columns::<f32>(matrix);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(&found, &expected)| {
            f64::from(found) == expected || found.is_nan() && expected.is_nan()
        }));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "ids are small")]
fn whole(id: f64) -> i32 {
    assert_eq!(id.fract(), 0.0);
    id as i32
}

fn columns<T: Element>(matrix: &BigMatrix) -> Vec<T> {
    let view = matrix.view::<T>().unwrap();
    (0..matrix.ncols()).flat_map(|col| view.column(col).to_vec()).collect()
}

#[test]
fn matrices_in_files() {
    let scene = Scene::new();
    for separated in [false, true] {
        let name = |what: &str| format!("{what}-{separated}.desc");
        let ids = [
            scene.matrix(&name("integer"), separated, 7i32),
            scene.matrix(&name("id_double"), separated, 7.5f64),
        ];
        let distances = [
            scene.matrix(&name("double"), separated, 7.5f64),
            scene.matrix(&name("float"), separated, 7.5f32),
        ];
        for (ids, distances) in ids.iter().zip(&distances) {
            let mut sink =
                MatrixSink::new(Destination::path(ids)).distances(Destination::path(distances));
            let (index, distance) = scene.search(&mut sink);
            drop(sink);
            // The record has the descriptors, not copies.
            for (place, path) in [(index, ids), (distance, distances)] {
                assert_eq!(place, Place::Matrix(Box::new(Descriptor::read(path).unwrap())));
            }
            scene.holds_ids(&BigMatrix::attach(ids).unwrap());
            scene.holds_distances(&BigMatrix::attach(distances).unwrap());
        }
    }
    let new = scene.path("new.desc");
    let (_, distance) = scene.search(&mut MatrixSink::new(Destination::create(&new)));
    assert_eq!(distance, Place::Nowhere);
    scene.holds_ids(&BigMatrix::attach(&new).unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn matrices_in_shared_memory() {
    use bigannoy::matrix::SharedMatrix;
    let scene = Scene::new();
    for separated in [false, true] {
        let shared = |element_type| {
            let spec = MatrixSpec::new(element_type, ROWS, K).separated(separated);
            SharedMatrix::create(&spec).unwrap()
        };
        let (ids, distances) = (shared(ElementType::Integer), shared(ElementType::Double));
        let mut live = distances.attach_mut().unwrap();
        let mut sink = MatrixSink::new(Destination::descriptor(ids.descriptor()))
            .distances(Destination::live(&mut live));
        let (index, _) = scene.search(&mut sink);
        drop(sink);
        drop(live);
        assert_eq!(index, Place::Matrix(Box::new(ids.descriptor().clone())));
        scene.holds_ids(&ids.attach().unwrap());
        scene.holds_distances(&distances.attach().unwrap());
    }
}

fn array(path: &Path) -> (NpyHeader, Vec<[u8; 4]>) {
    let bytes = fs::read(path).unwrap();
    let header = NpyHeader::parse(&bytes).unwrap();
    header.check_file_len(bytes.len() as u64).unwrap();
    let words = bytes[header.data_offset()..].chunks(4).map(|word| word.try_into().unwrap());
    (header.clone(), words.collect())
}

#[test]
fn files_of_numpy_and_tables() {
    let scene = Scene::new();
    let (ids, distances) = (scene.path("i.npy"), scene.path("d.npy"));
    scene.search(&mut NpySink::create(&ids).distances(&distances));
    let table = scene.path("t.csv");
    let (index, distance) = scene.search(&mut CsvSink::create(&table));
    assert_eq!((index, distance), (Place::File(table.clone()), Place::File(table.clone())));

    let (header, ids) = array(&ids);
    assert_eq!((header.rows(), header.cols()), (ROWS, K));
    let (_, distances) = array(&distances);
    let table = fs::read_to_string(table).unwrap();
    let mut lines = table.lines().skip(1);
    for (row, found) in scene.expected.neighbors.rows().enumerate() {
        for rank in 0..K {
            let at = row * K + rank;
            let cells: Vec<&str> = lines.next().unwrap().split(',').collect();
            assert_eq!(cells[..2], [(row + 1).to_string(), (rank + 1).to_string()]);
            let (id, distance) = (i32::from_le_bytes(ids[at]), f32::from_le_bytes(distances[at]));
            if let Some(near) = found.get(rank) {
                assert_eq!(id, (near.item + 1).cast_signed());
                assert_eq!(cells[2].parse::<i32>().unwrap(), id);
                assert_eq!(distance.to_bits(), near.distance.to_bits());
                assert_eq!(cells[3].parse::<f32>().unwrap().to_bits(), near.distance.to_bits());
            } else {
                assert!(id == i32::MISSING && distance.is_nan() && cells[2..] == ["NA", "NA"]);
            }
        }
    }
    assert_eq!(lines.next(), None);
}

/// Descriptors that make an input of the search its destination, by whatever way.
#[test]
fn no_input_is_a_destination() {
    let scene = Scene::new();
    let query = scene.matrix("query.desc", false, 0.5f64);
    // A matrix over the bytes of the index, with a row for each query.
    let index_matrix = scene.path("index.desc");
    let index_name = scene.index.path().file_name().unwrap().to_str().unwrap().to_owned();
    let as_matrix =
        Descriptor::file_backed(index_name, "", ElementType::Integer, ROWS as u64, 2).build();
    fs::write(&index_matrix, as_matrix.unwrap().to_text()).unwrap();
    let whole = Descriptor::read(&query).unwrap();
    let part = |from: u64| whole.window(0..ROWS as u64, from..from + 2).unwrap();
    fs::write(scene.path("part.desc"), part(0).to_text()).unwrap();
    let part_of_query = scene.path("part.desc");
    let before = |path: &str| fs::read(scene.path(path)).unwrap();
    let index_file = scene.index.path().to_owned();
    let bytes = (before("query.bin"), fs::read(&index_file).unwrap());

    let options = SearchOptions::new(2);
    let refused = |queries: Input<'_>, ids: &Path, what: &str| {
        scene.index.close(); // not even an index that is not loaded yet
        let mut sink = MatrixSink::new(Destination::path(ids));
        let error = scene.index.search_into(queries, &options, &mut sink).unwrap_err();
        let message = message_chain(&error);
        assert!(message.contains("in use for reading"), "{what}: {message}");
    };
    // Other columns of the same file, which is mapped, or read without a map.
    let other = scene.path("other.desc");
    fs::write(&other, part(5).to_text()).unwrap();
    for ids in [&part_of_query, &other] {
        refused((&part(0)).into(), ids, "the queries, as a descriptor");
        refused(part_of_query.as_path().into(), ids, "the queries, as a path");
        refused(Input::unmapped(&part_of_query), ids, "the queries, not mapped");
        let live = BigMatrix::attach(&part_of_query).unwrap();
        refused((&live).into(), ids, "the queries, live");
    }
    refused((&scene.rows.dense()).into(), &index_matrix, "the index");

    // Ids and distances in one file.
    let mut sink = MatrixSink::new(Destination::descriptor(&part(0)))
        .distances(Destination::descriptor(&part(5)));
    let error = scene.index.search_into(&scene.rows.dense(), &options, &mut sink).unwrap_err();
    let message = message_chain(&error);
    assert!(message.contains("in use for writing"), "{message}");
    drop(sink);
    assert_eq!((before("query.bin"), fs::read(&index_file).unwrap()), bytes);

    // New files never take the place of one that is there.
    for path in [&index_file, &scene.path("query.bin"), &query] {
        for sink in [
            &mut CsvSink::create(path) as &mut dyn NeighborSink,
            &mut NpySink::create(path),
            &mut NpySink::create(scene.path("new.npy")).distances(path),
        ] {
            let found = scene.index.search_into(&scene.rows.dense(), &options, sink);
            let message = message_chain(&found.unwrap_err());
            assert!(message.contains("exists already"), "{message}");
        }
    }
    assert_eq!((before("query.bin"), fs::read(&index_file).unwrap()), bytes);
}
