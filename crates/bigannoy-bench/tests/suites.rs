//! The four measurements, as users call them.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bigannoy::matrix::{MatrixSpec, NewMatrix};
use bigannoy::{ElementType, Metric, Strategy};
use bigannoy_bench::report::{Cell, Table};
use bigannoy_bench::{
    ADDED_COLUMNS, BenchError, BenchOptions, COMPARISON_COLUMNS, DOCUMENTED_COLUMNS, Queries,
    Shape, VolumeGrid, Watch, compare, recall_suite, single, volume_suite,
};

fn small() -> BenchOptions {
    BenchOptions {
        n_ref: 600,
        n_query: 40,
        n_dim: 8,
        n_trees: 5,
        repetitions: 1,
        latency_queries: 20,
        ..BenchOptions::default()
    }
}

fn number(table: &Table, row: usize, column: &str) -> f64 {
    table.get(row, column).and_then(Cell::number).unwrap_or_else(|| panic!("{column} of {row}"))
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn a_single_run_fills_every_column_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let options = BenchOptions {
        path_dir: Some(directory.path().to_path_buf()),
        filebacked: true,
        search_k: Some(500),
        ..small()
    };
    let run = single(&options).unwrap();
    let columns: Vec<&str> = run.summary.columns().iter().map(String::as_str).collect();
    assert_eq!(columns, [&DOCUMENTED_COLUMNS[..], &ADDED_COLUMNS].concat());
    assert_eq!(run.summary.rows().len(), 1);
    let missing: Vec<&str> = columns
        .iter()
        .copied()
        .filter(|column| run.summary.get(0, column) == Some(&Cell::Missing))
        .collect();
    if cfg!(target_os = "linux") {
        assert_eq!(missing, [""; 0]);
    }
    assert_eq!(run.summary.get(0, "filebacked"), Some(&Cell::Flag(true)));
    assert_eq!(number(&run.summary, 0, "n_query"), 40.0);
    assert_eq!(number(&run.summary, 0, "search_k"), 500.0);
    assert_eq!(number(&run.summary, 0, "build_threads"), -1.0);
    let recall = number(&run.summary, 0, "recall_at_k");
    assert!((0.5..=1.0).contains(&recall), "{recall}");
    assert!(run.exact_available && run.validation.validation.valid());
    assert_eq!(run.validation.forest.n_present, 600);
    assert_eq!(run.latency.unwrap().count(), 20);
    assert_eq!(files(directory.path()), 0);
}

#[test]
fn files_stay_if_asked() {
    let directory = tempfile::tempdir().unwrap();
    let options = BenchOptions {
        path_dir: Some(directory.path().to_path_buf()),
        filebacked: true,
        keep_files: true,
        exact: false,
        ..small()
    };
    let run = compare(&options).unwrap();
    assert!(run.artifacts.index_path.exists() && run.artifacts.metadata_path.exists());
    let place = run.artifacts.index_path.parent().unwrap();
    assert!(place.join("reference.desc").exists() && place.join("query.desc").exists());
    assert_eq!(run.summary.get(0, "recall_at_k"), Some(&Cell::Missing));
    assert_eq!(run.summary.get(0, "exact_elapsed"), Some(&Cell::Missing));
}

#[test]
fn a_suite_has_a_row_for_every_pair_and_larger_budgets_find_more() {
    let run = recall_suite(&small(), &[2, 6], &[None, Some(60), Some(100_000)]).unwrap();
    let pairs: Vec<(f64, f64)> = (0..6)
        .map(|row| (number(&run.summary, row, "n_trees"), number(&run.summary, row, "search_k")))
        .collect();
    let budgets = [-1.0, 60.0, 100_000.0];
    let expected: Vec<_> = [2.0, 6.0].iter().flat_map(|&t| budgets.map(|b| (t, b))).collect();
    assert_eq!(pairs, expected);
    for row in [2, 5] {
        assert_eq!(number(&run.summary, row, "recall_at_k"), 1.0, "all rows were looked at");
    }
    assert!(number(&run.summary, 1, "recall_at_k") < 1.0);
    assert_eq!(run.validation.iter().map(|index| index.forest.n_trees).collect::<Vec<_>>(), [2, 6]);
    // Once built, an index is searched with every budget.
    let id = |row| run.summary.get(row, "index_id").unwrap();
    assert!(id(0) == id(2) && id(0) != id(3));
}

#[test]
fn cells_find_all_where_all_is_looked_at() {
    let options = BenchOptions { strategy: Strategy::Cells, ..small() };
    let run = recall_suite(&options, &[1], &[None, Some(100), Some(600)]).unwrap();
    let recalls = [0, 1, 2].map(|row| number(&run.summary, row, "recall_at_k"));
    assert!(recalls[1] < 1.0, "{recalls:?}");
    assert_eq!(recalls[2], 1.0, "all rows were looked at");
}

#[test]
fn files_and_memory_give_the_same_answers() {
    let annoy = [Metric::Euclidean, Metric::Angular, Metric::Manhattan, Metric::Dot];
    let cells = [(Metric::Euclidean, Strategy::Cells), (Metric::Angular, Strategy::Cells)];
    for (metric, strategy) in annoy.map(|metric| (metric, Strategy::Annoy)).into_iter().chain(cells)
    {
        let run = compare(&BenchOptions { metric, strategy, ..small() }).unwrap();
        assert_eq!(run.summary.rows().len(), 2);
        let columns = &run.summary.columns()[DOCUMENTED_COLUMNS.len() + ADDED_COLUMNS.len()..];
        assert_eq!(columns, COMPARISON_COLUMNS);
        let both = |column| [0, 1].map(|row| number(&run.summary, row, column));
        let [files, memory] = both("recall_at_k");
        assert_eq!(files, memory, "{metric}");
        let [files, memory] = both("index_bytes");
        assert_eq!(files, memory, "{metric}");
        assert_eq!(both("metadata_bytes")[1], 0.0);
        assert_eq!(both("ref_bytes"), [600.0 * 8.0 * 4.0; 2]);
        assert_eq!(both("total_data_bytes"), [640.0 * 8.0 * 4.0; 2]);
        let [total, _] = both("total_artifact_bytes");
        assert_eq!(total, files + both("metadata_bytes")[0]);
    }
}

#[test]
fn a_volume_suite_has_two_rows_for_each_size() {
    let grid = VolumeGrid { n_ref: vec![100, 200], n_query: vec![5], n_dim: vec![3, 4] };
    let run = volume_suite(&BenchOptions { exact: false, ..small() }, &grid).unwrap();
    let sizes: Vec<(f64, f64)> = (0..8)
        .map(|row| (number(&run.summary, row, "n_dim"), number(&run.summary, row, "n_ref")))
        .collect();
    let pairs = [(3.0, 100.0), (3.0, 200.0), (4.0, 100.0), (4.0, 200.0)];
    assert_eq!(sizes, pairs.iter().flat_map(|&pair| [pair; 2]).collect::<Vec<_>>());
}

#[test]
fn own_rows_and_matrices_are_searched_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.desc");
    let mut new = NewMatrix::create(&path, &MatrixSpec::new(ElementType::Double, 50, 2)).unwrap();
    let mut view = new.view_mut::<f64>().unwrap();
    for row in 0..50_u32 {
        let row_number = f64::from(row);
        view.column_mut(0)[row as usize] = row_number;
        view.column_mut(1)[row as usize] = -row_number * row_number;
    }
    new.finish().unwrap();
    let given = |queries| BenchOptions { reference: Some(path.clone()), queries, k: 3, ..small() };
    let own = single(&given(Queries::OwnRows)).unwrap();
    assert_eq!(own.summary.get(0, "self_search"), Some(&Cell::Flag(true)));
    assert_eq!(number(&own.summary, 0, "n_query"), 50.0);
    let other = single(&given(Queries::Matrix(path.clone()))).unwrap();
    assert_eq!(other.summary.get(0, "self_search"), Some(&Cell::Flag(false)));
    // What it means to make queries for a given matrix is not guessed.
    let error = single(&given(Queries::Synthetic)).unwrap_err();
    assert!(matches!(error, BenchError::Setting { setting: "query", .. }), "{error}");
}

#[test]
fn a_suite_of_own_rows_in_memory_and_every_shape() {
    for shape in Shape::ALL {
        let options =
            BenchOptions { shape, queries: Queries::OwnRows, n_ref: 200, k: 2, ..small() };
        let run = compare(&options).unwrap();
        let recall = [0, 1].map(|row| number(&run.summary, row, "recall_at_k"));
        assert_eq!(recall[0], recall[1], "{shape}");
    }
}

#[test]
fn faults_in_settings_are_told_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    let options = BenchOptions { path_dir: Some(directory.path().join("none")), ..small() };
    assert!(matches!(single(&options), Err(BenchError::Place { .. })));
    let told = |options: BenchOptions| single(&options).unwrap_err().to_string();
    assert!(told(BenchOptions { k: 601, ..small() }).contains("at most 600"));
    assert!(told(BenchOptions { n_trees: 0, ..small() }).starts_with("n_trees is 0"));
    assert!(told(BenchOptions { metric: Metric::Hamming, ..small() }).contains("hamming"));
    assert!(told(BenchOptions { search_threads: Some(0), ..small() }).contains("threads is 0"));
    assert!(recall_suite(&small(), &[], &[None]).is_err());
    let error = recall_suite(&small(), &[5, 2, 5], &[None]).unwrap_err().to_string();
    assert_eq!(error, "n_trees is 5 twice, expected different numbers");
    let grid = VolumeGrid { n_ref: vec![100, 5], ..VolumeGrid::default() };
    let error = volume_suite(&small(), &grid).unwrap_err().to_string();
    assert!(error.contains("at most 5"), "{error}");
    // Where own rows are searched for, a row less: found before the larger size is measured.
    let grid = VolumeGrid { n_ref: vec![1_000_000_000, 10], ..grid };
    let error = volume_suite(&BenchOptions { queries: Queries::OwnRows, ..small() }, &grid);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("at most 9"), "{error}");
}

#[test]
fn what_is_refused_leaves_no_directory_although_files_are_to_be_kept() {
    let directory = tempfile::tempdir().unwrap();
    let kept = BenchOptions {
        path_dir: Some(directory.path().to_path_buf()),
        keep_files: true,
        ..small()
    };
    single(&BenchOptions { k: 601, ..kept.clone() }).unwrap_err();
    let absent = directory.path().join("none.desc");
    let reference = Some(absent);
    single(&BenchOptions { reference, queries: Queries::OwnRows, ..kept }).unwrap_err();
    assert_eq!(files(directory.path()), 0);
}

#[test]
fn a_measurement_ends_when_told_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let interrupt = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&interrupt);
    let stage = Arc::new(move |stage: &str| {
        if stage.starts_with("searching") {
            set.store(true, Ordering::Relaxed);
        }
    });
    let options = BenchOptions {
        path_dir: Some(directory.path().to_path_buf()),
        watch: Watch { stage: Some(stage), interrupt: Some(interrupt), ..Watch::default() },
        ..small()
    };
    let error = single(&options).unwrap_err();
    let search = matches!(error, BenchError::Bigannoy(bigannoy::Error::SearchInterrupted { .. }));
    assert!(search, "{error}");
    assert_eq!(files(directory.path()), 0);
}

#[test]
fn pages_show_every_plot() {
    let options = small();
    let grid = VolumeGrid { n_ref: vec![100, 300], n_query: vec![5], n_dim: vec![3] };
    let budgets = [None, Some(200)];
    let pages = [
        (1, single(&options).unwrap().report()),
        (3, recall_suite(&options, &[2, 5], &budgets).unwrap().report()),
        (1, compare(&options).unwrap().report()),
        (3, volume_suite(&options, &grid).unwrap().report()),
    ];
    for (plots, page) in pages {
        let page = page.to_html();
        let dom = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let page = roxmltree::Document::parse_with_options(&page, dom).unwrap();
        let count = |name: &str| page.descendants().filter(|n| n.tag_name().name() == name).count();
        assert_eq!(count("figure"), plots);
        assert_eq!(count("svg"), plots);
        assert_eq!(count("script"), 0);
    }
}
