//! `bigannoy validate` as people type it.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use place::Place;

/// A directory with an index over the reference of the seed workflow.
fn built() -> Place {
    let place = Place::new();
    for name in ["ref.desc", "ref.bin"] {
        place.copy("../../tests/fixtures/annoy/seed", name);
    }
    place.succeed("build ref.desc --index ref.ann --trees 3");
    place
}

/// The rows of the table below its header: check, passed, severity, message.
fn rows(table: &str) -> Vec<[String; 4]> {
    let mut lines = table.lines();
    let cells = |line: &str| -> [String; 4] {
        let mut rest = line;
        let first = [(); 3].map(|()| {
            let (cell, after) = rest.split_once(' ').unwrap();
            rest = after.trim_start();
            cell.to_owned()
        });
        let [check, passed, severity] = first;
        [check, passed, severity, rest.to_owned()]
    };
    assert_eq!(cells(lines.next().unwrap()), ["check", "passed", "severity", "message"]);
    lines.map(cells).collect()
}

/// The table of a validation that has to fail, and its message.
fn invalid(place: &Place, line: &str) -> (Vec<[String; 4]>, String) {
    let before = place.files();
    let output = place.run(line);
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(place.files() == before, "{line} changed a file");
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{line}: {message}");
    (rows(&String::from_utf8(output.stdout).unwrap()), message)
}

fn failed(rows: &[[String; 4]]) -> Vec<&str> {
    rows.iter().filter(|[_, passed, ..]| passed == "false").map(|[check, ..]| &**check).collect()
}

#[test]
fn each_level_makes_the_checks_of_those_before_it() {
    let place = built();
    let mut before = Vec::new();
    for (arguments, last) in [
        ("--level fields", "load"),
        ("--level structure", "n_trees"),
        ("--level checksum", "file_md5"),
        ("--reference ref.desc", "reference_hash"),
    ] {
        let table = rows(&place.succeed(&format!("validate ref.ann {arguments}")));
        assert!(failed(&table).is_empty(), "{table:?}");
        let names: Vec<String> = table.iter().map(|[check, ..]| check.clone()).collect();
        assert_eq!(names[..before.len()], before, "{arguments}");
        assert!(names.len() > before.len(), "{arguments}");
        assert_eq!(names.last().unwrap(), last);
        before = names;
    }
    let whole = place.succeed("validate ref.ann");
    assert_eq!(whole, place.succeed("validate ref.ann --level checksum"));
    let unmapped = "validate ref.ann --reference ref.desc --level reference --unmapped";
    assert_eq!(rows(&place.succeed(unmapped)).len(), before.len());
    // That level asks for something to compare with, and system calls for something to read.
    for line in ["validate ref.ann --level reference", "validate ref.ann --unmapped"] {
        assert_eq!(place.run(line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn a_strict_validation_ends_at_the_first_error_and_a_lenient_one_makes_all_checks() {
    let place = built();
    let index = place.path("ref.ann");
    let mut bytes = std::fs::read(&index).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&index, &bytes[..bytes.len() - 24]).unwrap();

    let (all, message) = invalid(&place, "validate ref.ann --lenient");
    let errors = failed(&all);
    assert_eq!(errors[0], "file_size");
    assert!(errors.contains(&"file_md5"), "{all:?}");
    assert!(message.starts_with("error: ref.ann is not valid: file_size: "), "{message}");
    let (strict, told) = invalid(&place, "validate ref.ann");
    assert_eq!(strict[..], all[..strict.len()]);
    assert!(strict.len() < all.len());
    assert_eq!((failed(&strict), told), (vec!["file_size"], message));
}

/// What a level does not look at does not fail it.
#[test]
fn a_changed_vector_is_found_by_the_checksum_and_not_by_the_fields() {
    let place = Place::new();
    for name in ["reference.desc", "reference.bin"] {
        place.copy("../../tests/fixtures/v1/clusters", name);
    }
    place.succeed("build reference.desc --index big.ann --trees 2");
    let index = place.path("big.ann");
    let mut bytes = std::fs::read(&index).unwrap();
    // In the vector of row 126, far from both ends.
    bytes[10_040] ^= 1;
    std::fs::write(&index, &bytes).unwrap();
    assert!(bytes.len() > 20_000);
    place.succeed("validate big.ann --level structure");
    let (table, message) = invalid(&place, "validate big.ann");
    let errors = table.iter().filter(|[_, passed, severity, _]| {
        (passed.as_str(), severity.as_str()) == ("false", "error")
    });
    assert_eq!(errors.map(|[check, ..]| &**check).collect::<Vec<_>>(), ["file_md5"]);
    assert!(message.contains("big.ann is not valid: file_md5: "), "{message}");
}

#[test]
fn another_reference_makes_an_index_invalid_and_another_name_does_not() {
    let place = built();
    std::fs::write(place.path("other.csv"), "1,2\n3,4\n5,6\n7,8\n9,10\n").unwrap();
    place.succeed("matrix import other.csv other.desc");
    let (table, message) = invalid(&place, "validate ref.ann --reference other.desc");
    assert_eq!(failed(&table), ["reference_hash"]);
    assert!(message.contains("reference_hash"), "{message}");

    for (from, to) in [("ref.ann", "copy.ann"), ("ref.ann.meta", "copy.ann.meta")] {
        std::fs::copy(place.path(from), place.path(to)).unwrap();
    }
    let table = rows(&place.succeed("validate copy.ann --reference ref.desc"));
    let named = table.iter().find(|[check, ..]| check == "index_file").unwrap();
    assert_eq!(named[1..3], ["false", "warning"]);
}

#[test]
fn what_is_not_there_is_a_failed_check() {
    let place = built();
    let (table, message) = invalid(&place, "validate none.ann");
    assert_eq!(failed(&table), ["index_exists"]);
    assert!(message.contains("none.ann"), "{message}");
    std::fs::rename(place.path("ref.ann.meta"), place.path("elsewhere")).unwrap();
    let (table, _) = invalid(&place, "validate ref.ann --lenient");
    assert_eq!(failed(&table), ["metadata_exists"]);
    place.succeed("validate ref.ann --metadata elsewhere");
    place.succeed("validate ref.ann --metric euclidean --dim 2 --level structure");
}

/// A failure to validate is no finding about the index.
#[test]
fn a_reference_that_cannot_be_read_fails_the_command() {
    let place = built();
    let message = place.fail("validate ref.ann --reference none.desc");
    assert!(message.contains("none.desc"), "{message}");
}
