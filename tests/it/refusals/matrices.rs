//! Descriptors and data that do not fit.

use std::fs;

use bigannoy::SearchOptions;
use bigannoy::descriptor::Descriptor;

use super::Scene;

#[test]
fn a_descriptor_with_a_syntax_error() {
    let scene = Scene::new();
    scene.edit("ref.desc", "filename = \"ref.bin\",", "filename = = \"ref.bin\",");
    let place = format!("{}:2:16: expected ", scene.shown("ref.desc"));
    scene.refused_matrix("ref.desc", &[&place, "found "]);
    fs::write(scene.path("ref.desc"), "").unwrap();
    let place = format!("{}:1:1: expected ", scene.shown("ref.desc"));
    scene.refused_matrix("ref.desc", &[&place]);
}

#[test]
fn a_type_that_is_none() {
    let scene = Scene::new();
    scene.edit("ref.desc", "type = \"double\"", "type = \"complex\"");
    let place = format!("{}:5:12: ", scene.shown("ref.desc"));
    scene.refused_matrix("ref.desc", &[&place, "type: expected ", "double", "found \"complex\""]);
}

#[test]
fn a_descriptor_that_is_not_there() {
    let scene = Scene::new();
    scene.refused_matrix("none.desc", &[&scene.shown("none.desc"), "No such file"]);
}

#[test]
fn data_that_is_not_there() {
    let scene = Scene::new();
    for (data, desc) in [("ref.bin", "ref.desc"), ("ref_sep.bin_column_1", "ref_sep.desc")] {
        let descriptor = Descriptor::read(scene.path(desc)).unwrap();
        fs::remove_file(scene.path(data)).unwrap();
        let data = scene.shown(data);
        scene.refused_matrix(desc, &[&data, "No such file"]);
        let search = || scene.index.search(&descriptor, &SearchOptions::new(1));
        scene.refused(&[&data, "No such file"], search);
    }
}

#[test]
fn data_shorter_than_described() {
    let scene = Scene::new();
    // 5 x 2 doubles in one file, and 5 in each.
    for (data, desc, bytes) in
        [("ref.bin", "ref.desc", 80), ("ref_sep.bin_column_1", "ref_sep.desc", 40)]
    {
        let full = fs::read(scene.path(data)).unwrap();
        assert_eq!(full.len(), bytes);
        let expected = format!("{} has {} bytes, expected", scene.shown(data), bytes - 1);
        fs::write(scene.path(data), &full[..bytes - 1]).unwrap();
        scene.refused_matrix(desc, &[&expected, &bytes.to_string()]);
        let expected = format!("{} has 0 bytes, expected", scene.shown(data));
        fs::write(scene.path(data), "").unwrap();
        scene.refused_matrix(desc, &[&expected, &bytes.to_string()]);
    }
}

#[test]
fn a_window_outside_of_the_matrix() {
    for (from, to, expected) in [
        (
            "rowOffset = c(0, 5)",
            "rowOffset = c(1, 5)",
            "rows 2 to 6 (counted from 1) lie outside the 5",
        ),
        ("nrow = 5", "nrow = 6", "rows 1 to 6 (counted from 1) lie outside the 5"),
        ("ncol = 2", "ncol = 3", "columns 1 to 3 (counted from 1) lie outside the 2"),
    ] {
        let scene = Scene::new();
        scene.edit("ref.desc", from, to);
        scene.refused_matrix("ref.desc", &[&scene.shown("ref.desc"), expected]);
    }
}

#[test]
fn a_query_of_another_width() {
    let scene = Scene::new();
    for (columns, count) in [(&[&[0.5f64][..]; 1][..], "1"), (&[&[0.5f64][..]; 3][..], "3")] {
        let name = format!("wide{count}.desc");
        let path = crate::support::create(scene.dir.path(), &name, columns);
        let found = format!("{} has {count} columns, expected 2", scene.shown(&name));
        let index = scene.shown("ref.ann");
        let search = || scene.index.search(&path, &SearchOptions::new(1));
        scene.refused(&[&found, &index], search);
    }
}
