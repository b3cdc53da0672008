//! Index files and sidecars that are in the way, cut, or of something else.

use std::fs;

use bigannoy::{Error, Index, LoadMode, Metric, OpenOptions, SearchOptions};

use bigannoy_tests::{fixture, message_chain};

use super::{Scene, build_options};

fn open(scene: &Scene) -> Result<Index, Error> {
    bigannoy::open(scene.path("ref.ann"), &OpenOptions::new())
}

fn open_as(scene: &Scene, metric: Metric, dim: usize) -> Result<Index, Error> {
    bigannoy::open(scene.path("ref.ann"), &OpenOptions::new().layout(metric, dim))
}

#[test]
fn an_index_that_exists() {
    let scene = Scene::new();
    let reference = scene.path("ref.desc");
    let build = || bigannoy::build(&reference, scene.path("ref.ann"), &build_options());
    scene.refused(&[&scene.shown("ref.ann"), "exists already", "overwriting"], build);
    // What stands at either of the two names counts.
    fs::remove_file(scene.path("ref.ann")).unwrap();
    scene.refused(&[&scene.shown("ref.ann.meta"), "exists already"], build);
    fs::remove_file(scene.path("ref.ann.meta")).unwrap();
    assert!(build().is_ok());
}

/// `info ref.desc` would take the descriptor for an index, and its index for a sidecar.
#[test]
fn an_index_with_the_name_of_the_sidecar_of_another_file() {
    let scene = Scene::new();
    let reference = scene.path("ref.desc");
    for overwrite in [false, true] {
        let options = build_options().overwrite(overwrite);
        let path = scene.path("ref.desc.meta");
        let parts = [&scene.shown("ref.desc.meta"), "the sidecar of", &scene.shown("ref.desc")];
        scene.refused(&parts, || bigannoy::build(&reference, &path, &options));
        let options = options.metadata_path(&path);
        scene.refused(&parts, || bigannoy::build(&reference, scene.path("new.ann"), &options));
    }
    // Of a file that is not there it is no sidecar.
    bigannoy::build(&reference, scene.path("none.meta"), &build_options()).unwrap();
}

#[test]
fn a_directory_that_is_not_there() {
    let scene = Scene::new();
    let reference = scene.path("ref.desc");
    let path = scene.path("none/new.ann");
    for overwrite in [false, true] {
        let options = build_options().overwrite(overwrite);
        scene.refused(&[&scene.shown("none/"), "No such file"], || {
            bigannoy::build(&reference, &path, &options)
        });
    }
    scene.refused(&[&scene.shown("none/new.ann"), "No such file"], || {
        bigannoy::open(&path, &OpenOptions::new())
    });
    // A folder is no index, however much may be overwritten.
    fs::create_dir(scene.path("folder")).unwrap();
    let options = build_options().overwrite(true);
    scene.refused(&[&scene.shown("folder")], || {
        bigannoy::build(&reference, scene.path("folder"), &options)
    });
}

#[test]
fn sidecars_that_say_nothing() {
    let scene = Scene::new();
    let sidecar = scene.path("ref.ann.meta");
    let text = fs::read_to_string(&sidecar).unwrap();
    let shown = scene.shown("ref.ann.meta");
    fs::write(&sidecar, "").unwrap();
    scene.refused(&[&shown, "metric"], || open(&scene));
    for field in ["metric", "n_dim"] {
        let without: Vec<&str> =
            text.lines().filter(|line| !line.starts_with(&format!("{field}:"))).collect();
        fs::write(&sidecar, without.join("\n")).unwrap();
        scene.refused(&[&shown, field, "missing"], || open(&scene));
    }
    fs::write(&sidecar, text.replace("n_dim: 2", "n_dim: two")).unwrap();
    scene.refused(&[&shown, "n_dim", "\"two\"", "expected a whole number"], || open(&scene));
    fs::write(&sidecar, text.replace("euclidean", "cosine")).unwrap();
    scene.refused(&[&shown, "\"cosine\"", "expected one of euclidean"], || open(&scene));
    fs::remove_file(&sidecar).unwrap();
    scene.refused(&[&scene.shown("ref.ann"), &shown, "no sidecar"], || open(&scene));
    assert!(open_as(&scene, Metric::Euclidean, 2).is_ok());
}

/// As Annoy's `build(2)` saves it where nothing was added: four records of zeros, which it loads.
#[test]
fn an_index_without_items() {
    let scene = Scene::new();
    let path = scene.path("ref.ann");
    fs::remove_file(scene.path("ref.ann.meta")).unwrap();
    for (metric, record_bytes) in [(Metric::Euclidean, 24), (Metric::Angular, 20)] {
        fs::write(&path, vec![0; 4 * record_bytes]).unwrap();
        let shown = scene.shown("ref.ann");
        let expected = [shown.as_str(), "the index has no items: all of its 4 records are zero"];
        scene.refused(&expected, || open_as(&scene, metric, 2));
        let lazy = OpenOptions::new().layout(metric, 2).load_mode(LoadMode::Lazy);
        let index = bigannoy::open(&path, &lazy).unwrap();
        scene.refused(&expected, || index.search_self(&SearchOptions::new(1)));
        scene.refused(&expected, || index.survey(&mut |_, _| true));
    }
}

#[test]
fn sidecars_of_another_index() {
    let scene = Scene::new();
    let index = scene.shown("ref.ann");
    let sidecar = scene.shown("ref.ann.meta");
    let text = fs::read_to_string(&sidecar).unwrap();
    let size = fs::metadata(&index).unwrap().len();
    let both = [index.as_str(), sidecar.as_str()];

    let with = |from: &str, to: &str| {
        assert!(text.contains(from));
        fs::write(&sidecar, text.replace(from, to)).unwrap();
    };
    with(&format!("file_size: {size}"), "file_size: 999");
    let expected = format!("is {size}, expected 999");
    scene.refused(&[both[0], both[1], &expected], || open(&scene));
    with("n_ref: 5", "n_ref: 4");
    scene.refused(&[both[0], both[1], "items is 5, expected 4"], || open(&scene));
    // The caller and the sidecar: neither is believed.
    fs::write(&sidecar, &text).unwrap();
    for (metric, dim) in [(Metric::Angular, 2), (Metric::Euclidean, 3)] {
        let found = format!("{metric} in {dim} dimensions, expected euclidean in 2 dimensions");
        scene.refused(&[both[0], both[1], &found], || open_as(&scene, metric, dim));
    }
    // The file is of another metric than its sidecar: 24 bytes a record, and 20 expected.
    with("metric: euclidean", "metric: angular");
    scene.refused(&[both[0], "metric angular in 2 dimensions"], || open(&scene));
}

/// Whatever is cut off is noticed, when the index is opened or when it is mapped later.
#[test]
fn an_index_that_was_cut() {
    let scene = Scene::new();
    let path = scene.path("ref.ann");
    let bytes = fs::read(&path).unwrap();
    let lazy = open(&scene).unwrap();
    lazy.close();
    let query = scene.path("query.desc");
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        let error = open(&scene).map(drop).expect_err("a cut index was opened");
        let message = message_chain(&error);
        let expected = format!("is {len}, expected {}", bytes.len());
        assert!(message.contains(&scene.shown("ref.ann")), "{message}");
        assert!(message.contains(&expected), "{message}");
        if len % 10 == 0 {
            let search = || lazy.search(&query, &SearchOptions::new(1));
            scene.refused(&[&scene.shown("ref.ann"), &expected], search);
        }
    }

    // Without a sidecar only the file itself can tell.
    fs::remove_file(scene.path("ref.ann.meta")).unwrap();
    let mut refused = 0;
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        if len % 24 != 0 || len <= 5 * 24 {
            scene.refused(&[&scene.shown("ref.ann"), "euclidean in 2 dimensions"], || {
                open_as(&scene, Metric::Euclidean, 2)
            });
            refused += 1;
        }
    }
    assert_eq!(refused, bytes.len() - (bytes.len() / 24 - 6));
}

#[test]
fn an_index_of_another_dimension() {
    let scene = Scene::new();
    let shown = scene.shown("ref.ann");
    scene.edit("ref.ann.meta", "n_dim: 2", "n_dim: 3");
    scene.refused(&[&shown, "euclidean in 3 dimensions"], || open(&scene));
    for lost in ["0", "600000000"] {
        scene.edit("ref.ann.meta", "n_dim: ", &format!("n_dim: {lost}\nwas: "));
        scene.refused(&[&shown, &format!("{lost} dimensions"), "expected 1 to"], || open(&scene));
        scene.edit("ref.ann.meta", &format!("n_dim: {lost}\nwas: "), "n_dim: ");
    }
}

/// Of another program, and so without a sidecar.
#[test]
fn an_index_of_others_in_another_dimension() {
    let scene = Scene::new();
    fs::remove_file(scene.path("ref.ann.meta")).unwrap();
    fs::copy(fixture("annoy/seed/ref_euclidean.ann"), scene.path("ref.ann")).unwrap();
    let shown = scene.shown("ref.ann");
    let (mut refused, mut taken) = (0, Vec::new());
    for (metric, dim) in Metric::ALL.into_iter().flat_map(|m| (1..=20).map(move |dim| (m, dim))) {
        if open_as(&scene, metric, dim).is_ok() {
            taken.push((metric, dim));
            continue;
        }
        let expected = format!("{metric} in {dim} dimensions");
        scene.refused(&[&shown, &expected, "metric or dimension"], || open_as(&scene, metric, dim));
        refused += 1;
    }
    // The file does not say what it is: with some others it ends with what could be a root.
    assert!(taken.contains(&(Metric::Euclidean, 2)), "{taken:?}");
    assert!(refused >= 32, "{taken:?}");
    scene.refused(&[&shown, "0 dimensions"], || open_as(&scene, Metric::Angular, 0));
    // Mapped later, it is refused then.
    let options = OpenOptions::new().layout(Metric::Euclidean, 3).load_mode(LoadMode::Lazy);
    let lazy = bigannoy::open(scene.path("ref.ann"), &options).unwrap();
    scene.refused(&[&shown, "euclidean in 3 dimensions"], || lazy.load());
}
