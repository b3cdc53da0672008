//! `bigannoy bench` as people type it.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use place::Place;

const SMALL: &str = "--n-ref 300 --n-query 20 --n-dim 4 --repetitions 1 --latency-queries 5";

#[test]
fn a_summary_is_printed_as_csv() {
    let place = Place::new();
    let csv = place.succeed(&format!("bench single {SMALL} --n-trees 5"));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(&names[..3], ["metric", "backend", "filebacked"]);
    assert_eq!(names[16], "index_id");
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    let cell = |name: &str| rows[0].get(names.iter().position(|n| n == name).unwrap()).unwrap();
    assert_eq!([cell("n_ref"), cell("n_trees"), cell("search_k")], ["300", "5", "-1"]);
    assert_eq!([cell("filebacked"), cell("self_search")], ["FALSE", "FALSE"]);
    assert!(place.files().is_empty());
}

#[test]
fn tables_and_pages_are_written() {
    let place = Place::new();
    let line = format!(
        "bench recall {SMALL} --n-trees 2,4 --search-k -1,300 --output out.csv --report out.html"
    );
    assert_eq!(place.succeed(&line), "out.csv, out.html: 4 rows\n");
    let csv = std::fs::read_to_string(place.path("out.csv")).unwrap();
    assert_eq!(csv.lines().count(), 5);
    let page = std::fs::read_to_string(place.path("out.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);

    let line =
        "bench volume --n-ref 100,200 --n-dim 3 --n-query 10 --repetitions 1 --output v.jsonl";
    place.succeed(line);
    let lines = std::fs::read_to_string(place.path("v.jsonl")).unwrap();
    let dense = lines.lines().filter(|line| line.contains("\"implementation\":\"dense\"")).count();
    assert_eq!((lines.lines().count(), dense), (4, 2));
}

#[test]
fn matrices_of_ones_own_are_measured() {
    let place = Place::new();
    let columns = (0..16).map(|column| format!("query.bin_column_{column}"));
    let whole = ["reference.desc", "reference.bin", "query.desc"].map(str::to_owned);
    for name in columns.chain(whole) {
        place.copy("../../tests/fixtures/v1/clusters", &name);
    }
    let csv = place.succeed("bench compare reference.desc --query query.desc --n-trees 5 -k 3");
    assert_eq!(csv.lines().count(), 3);
    place.succeed("build reference.desc --index reference.ann --trees 5");
    let error = place.fail("tune reference.ann --recall 0.9");
    assert!(error.contains("--reference"), "{error}");
    let before = place.files();
    let error = place.fail("tune reference.desc --recall 0.9 --output none/t.csv");
    assert!(error.contains("none is no directory"), "{error}");
    for output in ["--output none/t.csv", "--report none/p.html"] {
        let error = place.fail(&format!("bench single --n-ref 1000000000 --path-dir . {output}"));
        assert!(error.contains("none is no directory"), "{error}");
    }
    assert_eq!(place.files(), before);
    let error = place.fail("bench single reference.desc");
    assert!(error.contains("query is synthetic"), "{error}");
}

#[test]
fn settings_are_found_for_a_goal() {
    let place = Place::new();
    for name in ["reference.desc", "reference.bin"] {
        place.copy("../../tests/fixtures/v1/clusters", name);
    }
    let line =
        "tune reference.desc --recall 0.9 --n-trees 5,10 --sample 50 --output t.csv --seed 3";
    let advice = place.succeed(line);
    assert!(advice.starts_with("For a recall of 0.9: "), "{advice}");
    assert!(advice.contains("95 percent confidence"), "{advice}");
    assert_eq!(std::fs::read_to_string(place.path("t.csv")).unwrap().lines().count(), 3);
    let first = |text: &str| text.lines().next().unwrap().to_owned();
    assert_eq!(first(&place.succeed(line)), first(&advice));

    place.succeed("build reference.desc --index ref.ann --trees 5");
    let advice = place.succeed("tune ref.ann --reference reference.desc --latency-ms 10000 -k 3");
    assert!(advice.contains("5 trees, search_k"), "{advice}");
    let cells = "tune ref.ann --reference reference.desc --recall 0.9 --strategy cells --sample 50";
    let advice = place.succeed(cells);
    assert!(first(&advice).ends_with(", strategy cells."), "{advice}");
    let advice = place.succeed("tune reference.desc --recall 0.9 --strategy cells --sample 50");
    assert!(advice.contains(" 1 trees, search_k"), "{advice}");
    let error = place.fail("tune ref.ann --reference reference.desc --recall 2");
    assert_eq!(error, "error: the recall is 2, expected above 0, at most 1");
}

#[test]
fn a_name_of_no_form_is_refused_before_any_work() {
    let place = Place::new();
    let error = place.fail("bench single --output out.xls");
    assert_eq!(error, "error: out.xls has to end in .csv or .jsonl, to say what is to be written");
    let error = place.fail("bench single --report out.pdf");
    assert_eq!(error, "error: out.pdf has to end in .html, to say what is to be written");
}
