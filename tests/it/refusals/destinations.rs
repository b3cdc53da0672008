//! Destinations that cannot take the result.

use std::fs;

use bigannoy::{BigMatrix, Descriptor, Destination, ElementType, MatrixSink, SearchOptions};

use super::Scene;
use crate::support::create;

/// Searches two queries for two neighbors into `sink`, which has to be refused.
fn refused(scene: &Scene, parts: &[&str], sink: MatrixSink<'_>) {
    let mut sink = sink;
    let query = scene.path("query.desc");
    scene.refused(parts, || scene.index.search_into(&query, &SearchOptions::new(2), &mut sink));
}

/// A sink in which `wrong` is the destination `name`, and the other one fits.
fn with_one<'a>(scene: &Scene, name: &str, wrong: Destination<'a>) -> MatrixSink<'a> {
    if name == "ids.desc" {
        MatrixSink::new(wrong).distances(Destination::create(scene.path("new.desc")))
    } else {
        MatrixSink::new(Destination::path(scene.path("nn_index.desc"))).distances(wrong)
    }
}

#[test]
fn destinations_of_another_shape() {
    for (rows, cols) in [(1, 2), (3, 2), (2, 1), (2, 3)] {
        let scene = Scene::new();
        let ids = create(scene.dir.path(), "ids.desc", &vec![&vec![9i32; rows][..]; cols]);
        let distances =
            create(scene.dir.path(), "distances.desc", &vec![&vec![9.5f32; rows][..]; cols]);
        for (name, path) in [("ids.desc", &ids), ("distances.desc", &distances)] {
            let descriptor = Descriptor::read(path).unwrap();
            let mut live = BigMatrix::attach_mut(path).unwrap();
            let found = format!("has {rows} rows and {cols} columns, expected 2 ");
            let parts = [found.as_str(), "and 2 (k)", &scene.shown(&name[..name.len() - 4])];
            refused(&scene, &parts, with_one(&scene, name, Destination::live(&mut live)));
            drop(live);
            refused(&scene, &parts, with_one(&scene, name, Destination::path(path)));
            refused(&scene, &parts, with_one(&scene, name, Destination::descriptor(&descriptor)));
            // A new matrix of ids beside distances that do not fit does not appear.
            if name == "distances.desc" {
                let new = Destination::create(scene.path("new.desc"));
                refused(&scene, &parts, MatrixSink::new(new).distances(Destination::path(path)));
            }
        }
    }
}

#[test]
fn destinations_of_another_type() {
    let scene = Scene::new();
    let dir = scene.dir.path();
    create(dir, "char.desc", &[&[9i8; 2][..]; 2]);
    create(dir, "short.desc", &[&[9i16; 2][..]; 2]);
    create(dir, "raw.desc", &[&[9u8; 2][..]; 2]);
    create(dir, "integer.desc", &[&[9i32; 2][..]; 2]);
    create(dir, "float.desc", &[&[9.5f32; 2][..]; 2]);
    create(dir, "double.desc", &[&[9.5f64; 2][..]; 2]);
    let (mut ids_refused, mut distances_refused) = (0, 0);
    for element_type in ElementType::ALL {
        let name = format!("{element_type}.desc");
        let found = format!("{} holds elements of type {element_type}", scene.shown(&name));
        let given = || Destination::path(scene.path(&name));
        if !matches!(element_type, ElementType::Integer | ElementType::Double) {
            let parts = [found.as_str(), "expected integer or double for ids"];
            refused(&scene, &parts, MatrixSink::new(given()));
            ids_refused += 1;
        }
        if !matches!(element_type, ElementType::Float | ElementType::Double) {
            let parts = [found.as_str(), "expected double or float for distances"];
            let ids = Destination::path(scene.path("nn_index.desc"));
            refused(&scene, &parts, MatrixSink::new(ids).distances(given()));
            distances_refused += 1;
        }
    }
    assert_eq!((ids_refused, distances_refused), (4, 4));
}

#[test]
fn destinations_that_cannot_be_written_to() {
    let scene = Scene::new();
    let path = scene.path("nn_index.desc");
    let shown = scene.shown("nn_index.desc");
    let mut live = BigMatrix::attach(&path).unwrap();
    refused(&scene, &[&shown, "read-only"], MatrixSink::new(Destination::live(&mut live)));
    // While it is attached for reading nobody writes to it.
    let data = scene.shown("nn_index.bin");
    refused(&scene, &[&data, "in use for reading"], MatrixSink::new(Destination::path(&path)));
    drop(live);

    // One matrix for both.
    let distances = Destination::path(scene.path("nn_distance.desc"));
    let same = Destination::path(scene.path("nn_distance.desc"));
    let data = scene.shown("nn_distance.bin");
    refused(&scene, &[&data, "in use for writing"], MatrixSink::new(same).distances(distances));
    let new = || Destination::create(scene.path("new.desc"));
    let parts = [&scene.shown("new.desc"), "expected two destinations"];
    refused(&scene, &parts, MatrixSink::new(new()).distances(new()));
    // The queries as destination.
    let query = Destination::path(scene.path("query.desc"));
    let data = scene.shown("query.bin");
    refused(&scene, &[&data, "in use for reading"], MatrixSink::new(query));
}

#[test]
fn new_destinations_where_something_stands() {
    let scene = Scene::new();
    let exists = "exists already";
    let sink = || MatrixSink::new(Destination::create(scene.path("nn_index.desc")));
    refused(&scene, &[&scene.shown("nn_index.desc"), exists], sink());
    fs::remove_file(scene.path("nn_index.desc")).unwrap();
    refused(&scene, &[&scene.shown("nn_index.bin"), exists], sink());
    let sink = MatrixSink::new(Destination::create(scene.path("none/ids.desc")));
    refused(&scene, &[&scene.shown("none/"), "No such file"], sink);
    let sink = MatrixSink::new(Destination::path(scene.path("none.desc")));
    refused(&scene, &[&scene.shown("none.desc"), "No such file"], sink);
}

#[test]
fn descriptors_of_destinations_that_are_none() {
    let scene = Scene::new();
    scene.edit("nn_index.desc", "type = \"integer\"", "type = integer");
    let place = format!("{}:5:19: ", scene.shown("nn_index.desc"));
    let sink = MatrixSink::new(Destination::path(scene.path("nn_index.desc")));
    refused(&scene, &[&place, "expected "], sink);
}
