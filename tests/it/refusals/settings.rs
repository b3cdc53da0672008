//! Settings out of range.

use bigannoy::{BuildOptions, SearchOptions};

use super::{Scene, build_options};

#[test]
fn no_neighbors() {
    let scene = Scene::new();
    let query = scene.path("query.desc");
    let parts = [&scene.shown("ref.ann"), "k is 0, expected at least 1"];
    let options = SearchOptions::new(0);
    scene.refused(&parts, || scene.index.search(&query, &options));
    scene.refused(&parts, || scene.index.search_self(&options));
}

#[test]
fn more_neighbors_than_there_are() {
    let scene = Scene::new();
    let query = scene.path("query.desc");
    let index = scene.shown("ref.ann");
    for k in [6, 1000, usize::MAX] {
        let expected = format!("k is {k}, expected at most 5");
        let options = SearchOptions::new(k);
        scene.refused(&[&index, &expected, "5 items"], || scene.index.search(&query, &options));
    }
    for k in [5, 6, usize::MAX] {
        let expected = format!("k is {k}, expected at most 4");
        let options = SearchOptions::new(k);
        scene.refused(&[&index, &expected, "not its own neighbor"], || {
            scene.index.search_self(&options)
        });
    }
    assert_eq!(scene.index.search(&query, &SearchOptions::new(5)).unwrap().summary.short_rows, 0);
    assert_eq!(scene.index.search_self(&SearchOptions::new(4)).unwrap().summary.short_rows, 0);
}

#[test]
fn searches_with_a_setting_of_nothing() {
    let scene = Scene::new();
    let query = scene.path("query.desc");
    let refused = |parts: &[&str], options: &SearchOptions| {
        scene.refused(parts, || scene.index.search(&query, options));
        scene.refused(parts, || scene.index.search_self(options));
    };
    let options = SearchOptions::new(1);
    let index = scene.shown("ref.ann");
    refused(&[&index, "search_k is 0, expected at least 1"], &options.clone().search_k(0));
    refused(&["number of threads is 0, expected 1 to 1024"], &options.clone().threads(0));
    refused(&["number of threads is 9999"], &options.clone().threads(9999));
    refused(&["rows in a block is 0, expected at least 1"], &options.block_rows(0));
}

#[test]
fn builds_with_a_setting_of_nothing() {
    let scene = Scene::new();
    let reference = scene.path("ref.desc");
    let refused = |what: &str, options: &BuildOptions| {
        let parts = [&scene.shown("new.ann"), what, ", expected "];
        scene.refused(&parts, || bigannoy::build(&reference, scene.path("new.ann"), options));
        // Nor is an index lost that might be overwritten.
        let overwrite = options.clone().overwrite(true);
        let parts = [&scene.shown("ref.ann"), what, ", expected "];
        scene.refused(&parts, || bigannoy::build(&reference, scene.path("ref.ann"), &overwrite));
    };
    refused("the number of trees is 0", &build_options().trees(0));
    refused("the number of threads is 0", &build_options().threads(0));
    refused("the number of threads is 9999", &build_options().threads(9999));
}

#[test]
fn builds_over_what_is_no_index() {
    let scene = Scene::new();
    let reference = scene.path("ref.desc");
    let overwrite = build_options().overwrite(true);
    // The sidecar's place counts too: here it is the reference's data.
    std::fs::copy(scene.path("ref.bin"), scene.path("x.meta")).unwrap();
    let text = std::fs::read_to_string(&reference).unwrap().replace("ref.bin", "x.meta");
    std::fs::write(scene.path("x.desc"), text).unwrap();
    let other = scene.path("x.desc");
    for (reference, target, part) in [
        (&reference, "ref.bin", "ref.bin"),
        (&reference, "ref.desc", "ref.desc"),
        (&other, "x", "x.meta"),
    ] {
        let parts = [&scene.shown(part), "it is part of the reference"];
        scene.refused(&parts, || bigannoy::build(reference, scene.path(target), &overwrite));
    }
    let live = bigannoy::BigMatrix::attach(&reference).unwrap();
    let parts = [&scene.shown("ref.bin"), "it is part of the reference"];
    scene.refused(&parts, || bigannoy::build(&live, scene.path("ref.bin"), &overwrite));

    std::fs::create_dir(scene.path("d")).unwrap();
    let parts = [&scene.shown("d"), "is a directory, expected a regular file"];
    scene.refused(&parts, || bigannoy::build(&reference, scene.path("d"), &overwrite));
}
