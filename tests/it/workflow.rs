//! The way from two matrices that R wrote to two that R reads, in all forms.

use std::fs;
use std::path::{Path, PathBuf};

use bigannoy::matrix::DenseRows;
use bigannoy::{
    BigMatrix, BuildOptions, Descriptor, Destination, Index, LoadMode, MatrixSink, Metric,
    OpenOptions, SearchOptions, SearchResult,
};
use bigannoy_tests::{copy_matrix, fixture, md5_hex};

use crate::support::{answers, rows_f32};

/// Copies of the seed's matrices, and an index over the reference.
struct Scene {
    dir: tempfile::TempDir,
    index: Index,
}

const MATRICES: [&str; 7] =
    ["ref", "ref_float", "ref_sep", "query", "query_sep", "nn_index", "nn_distance"];

fn build_options() -> BuildOptions {
    BuildOptions::new(Metric::Euclidean).trees(25).seed(99).load_mode(LoadMode::Lazy)
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in MATRICES {
            copy_matrix(fixture(format!("annoy/seed/{name}.desc")), &dir).unwrap();
        }
        let reference = dir.path().join("ref.desc");
        let index = bigannoy::build(&reference, dir.path().join("ref.ann"), &build_options());
        Scene { index: index.unwrap(), dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Ids and distances to three decimals.
fn shown(result: &SearchResult) -> Vec<Vec<(u32, String)>> {
    let rows = result.neighbors.rows();
    rows.map(|row| row.iter().map(|n| (n.item + 1, format!("{:.3}", n.distance))).collect())
        .collect()
}

fn expected() -> Vec<Vec<(u32, String)>> {
    let near = |id, distance: &str| (id, distance.to_owned());
    vec![vec![near(1, "0.224"), near(2, "4.801")], vec![near(4, "0.316"), near(3, "4.701")]]
}

fn options() -> SearchOptions {
    SearchOptions::new(2).search_k(100)
}

#[test]
fn an_index_is_loaded_by_the_first_search_and_again_after_close() {
    let scene = Scene::new();
    let index = &scene.index;
    assert!(!index.is_loaded());
    let query = scene.path("query.desc");
    let first = index.search(&query, &options()).unwrap();
    assert!(index.is_loaded());
    assert_eq!(shown(&first), expected());
    assert_eq!((first.summary.n_ref, first.summary.n_query, first.summary.k), (5, 2, 2));
    assert_eq!((first.summary.exact, first.summary.backend), (false, "annoy"));

    index.close();
    assert!(!index.is_loaded());
    assert_eq!(index.search(&query, &options()).unwrap(), first);
    assert!(index.is_loaded());

    // And from the files alone, in both modes.
    for (mode, loaded) in [(LoadMode::Lazy, false), (LoadMode::Eager, true)] {
        let opened =
            bigannoy::open(index.path(), &OpenOptions::new().load_mode(mode).prefault(true));
        let opened = opened.unwrap();
        assert_eq!(opened.is_loaded(), loaded);
        assert_eq!((opened.metric(), opened.dim()), (Metric::Euclidean, 2));
        assert_eq!(opened.sidecar().n_trees, Some(25));
        assert_eq!(opened.search(&query, &options()).unwrap(), first);
    }
}

#[test]
fn every_form_of_the_query_gives_the_same() {
    let scene = Scene::new();
    let index = &scene.index;
    let path = scene.path("query.desc");
    let live = BigMatrix::attach(&path).unwrap();
    let descriptor = Descriptor::read(&path).unwrap();
    let separated = BigMatrix::attach(scene.path("query_sep.desc")).unwrap();
    assert!(separated.is_separated() && !live.is_separated());

    let by_row = rows_f32(&live);
    let by_column = [by_row[0], by_row[2], by_row[1], by_row[3]];
    let view = live.view::<f64>().unwrap();
    let doubles_by_column = [view.column(0), view.column(1)].concat();
    let doubles_by_row: Vec<f64> =
        (0..2).flat_map(|row| [view.get(row, 0), view.get(row, 1)]).collect();

    let ask = |result: Result<SearchResult, bigannoy::Error>| result.unwrap();
    let options = options();
    let found = [
        ask(index.search(&live, &options)),
        ask(index.search(&descriptor, &options)),
        ask(index.search(&path, &options)),
        ask(index.search(path.as_path(), &options)),
        ask(index.search(path.to_str().unwrap(), &options)),
        ask(index.search(&separated, &options)),
        ask(index.search(&scene.path("query_sep.desc"), &options)),
        ask(index.search(&DenseRows::row_major(&by_row, 2), &options)),
        ask(index.search(&DenseRows::column_major(&by_column, 2), &options)),
        ask(index.search(&DenseRows::row_major(&doubles_by_row, 2), &options)),
        ask(index.search(&DenseRows::column_major(&doubles_by_column, 2), &options)),
    ];
    for (form, result) in found.iter().enumerate() {
        assert_eq!(result, &found[0], "form {form}");
    }
    assert_eq!(shown(&found[0]), expected());
}

/// The forms in which a destination that exists can be given.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Live,
    Descriptor,
    Path,
}

fn destination<'a>(form: Form, path: &Path, live: Option<&'a mut BigMatrix>) -> Destination<'a> {
    match form {
        Form::Live => Destination::live(live.unwrap()),
        Form::Descriptor => Destination::descriptor(&Descriptor::read(path).unwrap()),
        Form::Path => Destination::path(path),
    }
}

#[test]
fn existing_destinations_come_out_as_r_wrote_them() {
    let scene = Scene::new();
    let files = ["nn_index", "nn_distance"];
    let expected = files.map(|name| fs::read(fixture(format!("annoy/seed/{name}.bin"))).unwrap());
    let [ids_path, distances_path] = files.map(|name| scene.path(&format!("{name}.desc")));
    let [ids_data, distances_data] = files.map(|name| scene.path(&format!("{name}.bin")));
    let query = scene.path("query.desc");
    let forms = [Form::Live, Form::Descriptor, Form::Path];
    let mut runs = 0;
    for (ids_form, distances_form) in
        forms.into_iter().flat_map(|a| forms.into_iter().map(move |b| (a, b)))
    {
        // What was there before must not be what comes out.
        for (data, expected) in [(&ids_data, &expected[0]), (&distances_data, &expected[1])] {
            fs::write(data, vec![0xaa; expected.len()]).unwrap();
        }
        let live = |form, path| {
            (form == Form::Live).then(|| BigMatrix::attach_mut(path as &PathBuf).unwrap())
        };
        let mut live_ids = live(ids_form, &ids_path);
        let mut live_distances = live(distances_form, &distances_path);
        let mut sink = MatrixSink::new(destination(ids_form, &ids_path, live_ids.as_mut()))
            .distances(destination(distances_form, &distances_path, live_distances.as_mut()));
        scene.index.search_into(&query, &options().block_rows(1), &mut sink).unwrap();
        for (found, path) in
            [(sink.ids_descriptor(), &ids_path), (sink.distances_descriptor(), &distances_path)]
        {
            assert_eq!(found, Some(&Descriptor::read(path).unwrap()));
        }
        assert_eq!(fs::read(&ids_data).unwrap(), expected[0], "{ids_form:?}");
        assert_eq!(fs::read(&distances_data).unwrap(), expected[1], "{distances_form:?}");
        runs += 1;
    }
    assert_eq!(runs, 9);

    let ids = BigMatrix::attach(&ids_path).unwrap();
    let distances = BigMatrix::attach(&distances_path).unwrap();
    let ids = ids.view::<i32>().unwrap();
    assert_eq!([ids.column(0), ids.column(1)], [[1, 4], [2, 3]]);
    let distances = distances.view::<f64>().unwrap();
    let shown: [Vec<String>; 2] =
        [0, 1].map(|col| distances.column(col).iter().map(|d| format!("{d:.3}")).collect());
    assert_eq!(shown, [vec!["0.224", "0.316"], vec!["4.801", "4.701"]]);
}

/// New destinations hold the same bytes as the ones that R made.
#[test]
fn new_destinations_hold_the_same() {
    let scene = Scene::new();
    let new = |name: &str| Destination::path_or_create(scene.path(name));
    let mut sink = MatrixSink::new(new("ids.desc")).distances(new("distances.desc"));
    scene.index.search_into(&scene.path("query.desc"), &options(), &mut sink).unwrap();
    for (ours, theirs) in [("ids", "nn_index"), ("distances", "nn_distance")] {
        let expected = fs::read(fixture(format!("annoy/seed/{theirs}.bin"))).unwrap();
        assert_eq!(fs::read(scene.path(&format!("{ours}.bin"))).unwrap(), expected, "{ours}");
    }
    // Now that they exist they are written to again.
    let mut sink = MatrixSink::new(new("ids.desc")).distances(new("distances.desc"));
    scene.index.search_into(&scene.path("query_sep.desc"), &options(), &mut sink).unwrap();
    let ids = BigMatrix::attach(scene.path("ids.desc")).unwrap();
    assert_eq!(ids.view::<i32>().unwrap().column(1), [2, 3]);
}

#[test]
fn the_form_and_type_of_the_reference_do_not_matter() {
    let scene = Scene::new();
    let expected = md5_hex(scene.index.path()).unwrap();
    let options = build_options().overwrite(true);
    let path = scene.path("other.ann");
    let mut built = 0;
    for name in ["ref", "ref_float", "ref_sep"] {
        let desc = scene.path(&format!("{name}.desc"));
        let live = BigMatrix::attach(&desc).unwrap();
        let rows = rows_f32(&live);
        let descriptor = Descriptor::read(&desc).unwrap();
        let dense = DenseRows::row_major(&rows, 2);
        let inputs: [bigannoy::Input<'_>; 4] =
            [(&live).into(), (&descriptor).into(), (&desc).into(), (&dense).into()];
        for input in inputs {
            let index = bigannoy::build(input, &path, &options).unwrap();
            assert_eq!(md5_hex(index.path()).unwrap(), expected, "{name}");
            built += 1;
        }
    }
    assert_eq!(built, 12);
}

/// Each row has the others for neighbors, and never itself.
#[test]
fn rows_of_the_reference_leave_themselves_out() {
    let scene = Scene::new();
    let own = scene.index.search_self(&SearchOptions::new(4).search_k(1000)).unwrap();
    let given = scene.index.search(&scene.path("ref.desc"), &SearchOptions::new(5).search_k(1000));
    let given = answers(&given.unwrap().neighbors);
    assert_eq!(own.neighbors.nrows(), 5);
    for (row, (own, given)) in answers(&own.neighbors).into_iter().zip(given).enumerate() {
        let id = u32::try_from(row).unwrap() + 1;
        assert_eq!(given[0], (id, 0));
        assert_eq!(own, given[1..]);
    }
}
