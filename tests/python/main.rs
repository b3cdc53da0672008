//! Annoy of Python on the other side: it finds in our indexes what we find, we in its what it finds.
//! And NumPy, which reads our arrays.
//!
//! `BIGANNOY_PYTHON` names a Python that has annoy. `BIGANNOY_PYTHON_PLAIN` names one whose annoy was
//! compiled with `ANNOY_COMPILER_ARGS=-O2`: its bytes are those of our generator `annoy`. A trial whose
//! Python is not named is reported as ignored, and as failed where `BIGANNOY_REQUIRE_PYTHON` is 1.
#![expect(clippy::unwrap_used, reason = "a trial that fails may panic")]
#![expect(clippy::print_stdout, reason = "what is skipped has to be seen")]

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use bigannoy::matrix::DenseRows;
use bigannoy::sink::{CsvSink, NpySink};
use bigannoy::{BuildOptions, Generator, Metric, OpenOptions, SearchOptions};
use libtest_mimic::{Arguments, Failed, Trial};

/// A trial: what it does with a Python.
type Work = fn(&OsString);

/// An index, and whose it is.
struct Case {
    ours: bool,
    metric: Metric,
    dim: usize,
    items: usize,
    step: usize,
    trees: usize,
    threads: usize,
}

/// Whether a trial whose Python is not named, or lacks NumPy, has to fail rather than be skipped.
fn required() -> bool {
    env::var_os("BIGANNOY_REQUIRE_PYTHON").is_some_and(|value| value == "1")
}

/// Numbers between -0.5 and 0.5, the same in each run.
fn scattered(seed: usize, count: usize) -> Vec<f32> {
    (0..count)
        .map(|at| {
            let mixed = ((seed << 32) + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            f32::from(u16::try_from(mixed >> 48).unwrap()) / 65536.0 - 0.5
        })
        .collect()
}

impl Case {
    fn name(&self) -> String {
        let Case { ours, metric, dim, items, step, trees, threads } = self;
        let whose = if *ours { "ours" } else { "theirs" };
        format!("{whose}-{metric}-{dim}-{items}-{step}-{trees}-{threads}")
    }

    fn rows(&self) -> Vec<f32> {
        scattered(self.dim + self.items, self.items * self.dim)
    }

    fn queries(&self) -> Vec<f32> {
        scattered(self.dim + self.items + 1, 12 * self.dim)
    }
}

/// Under each metric: two of ours, theirs of one and three threads, with gaps, and so small that all
/// items are in one leaf.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for metric in Metric::OF_NUMBERS {
        for (ours, dim, items, step, trees, threads) in [
            (true, 10, 3000, 1, 8, 2),
            (true, 50, 800, 1, 5, 1),
            (true, 50, 30, 1, 3, 1),
            (false, 10, 3000, 1, 8, 1),
            (false, 20, 2000, 1, 9, 3),
            (false, 10, 400, 5, 6, 1),
            (false, 50, 30, 1, 3, 1),
        ] {
            cases.push(Case { ours, metric, dim, items, step, trees, threads });
        }
    }
    cases
}

/// Writes what the script needs, runs it, and returns what it printed.
fn run(python: &OsString, dir: &Path, cases: &[Case]) -> String {
    let mut list = String::new();
    for case in cases {
        let name = case.name();
        let Case { ours, metric, dim, items, step, trees, threads } = case;
        let whose = if *ours { "ours" } else { "theirs" };
        writeln!(list, "{name}\t{whose}\t{metric}\t{dim}\t{items}\t{step}\t{trees}\t{threads}")
            .unwrap();
        if *ours {
            let options = BuildOptions::new(*metric).trees(*trees).threads(*threads);
            let rows = case.rows();
            let path = dir.join(format!("{name}.ann"));
            bigannoy::build(&DenseRows::row_major(&rows, *dim), path, &options).unwrap();
        }
        let write = |ending: &str, values: Vec<f32>| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            fs::write(dir.join(format!("{name}.{ending}")), bytes).unwrap();
        };
        write("rows", case.rows());
        write("query", case.queries());
    }
    fs::write(dir.join("cases.tsv"), list).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/annoy_side.py");
    let output = Command::new(python).arg(script).arg(dir).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{}: {}", output.status, text(&output.stderr));
    text(&output.stdout)
}

fn annoy_finds_what_we_find(python: &OsString) {
    let dir = tempfile::tempdir().unwrap();
    let cases = cases();
    let version = run(python, dir.path(), &cases);
    let answers = fs::read_to_string(dir.path().join("answers.tsv")).unwrap();
    let mut compared = 0;
    for case in &cases {
        let name = case.name();
        let path = dir.path().join(format!("{name}.ann"));
        let lines = || answers.lines().filter(|line| line.split('\t').next() == Some(&name));
        if lines().next().is_none() {
            assert!(case.metric == Metric::Dot && version.as_str() < "1.17", "{name}, {version}");
            continue;
        }
        let open = OpenOptions::new().layout(case.metric, case.dim);
        let index = bigannoy::open(path, &open).unwrap();
        let queries = case.queries();
        for line in lines() {
            let [_, query, k, search_k, ids, distances] = *line.split('\t').collect::<Vec<_>>()
            else {
                panic!("a line of another form: {line}")
            };
            let query = query.parse::<usize>().unwrap() * case.dim;
            let mut options = SearchOptions::new(k.parse().unwrap());
            // -1 is the default.
            if let Ok(search_k) = search_k.parse() {
                options = options.search_k(search_k);
            }
            let query = DenseRows::row_major(&queries[query..query + case.dim], case.dim);
            let found = index.search(&query, &options).unwrap().neighbors;
            let found = found.row(0);
            let ours: Vec<u32> = found.iter().map(|near| near.item).collect();
            let theirs: Vec<u32> = ids.split(',').map(|id| id.parse().unwrap()).collect();
            assert_eq!(ours, theirs, "{line}");
            for (near, theirs) in found.iter().zip(distances.split(',')) {
                // Its sums may be fused and in another order.
                let theirs: f32 = theirs.parse().unwrap();
                assert!((near.distance - theirs).abs() < 1e-4, "{line}: {}", near.distance);
            }
            compared += 1;
        }
    }
    assert!(compared >= 21 * 12 * 3, "{compared}");
    println!("annoy {version}: {compared} answers, all neighbors equal");
}

fn annoy_builds_what_we_build(python: &OsString) {
    let dir = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for metric in Metric::OF_NUMBERS {
        for (dim, items) in [(1, 40), (3, 700), (8, 3000), (50, 1500), (100, 30)] {
            let (ours, step, trees, threads) = (false, 1, 4, 1);
            cases.push(Case { ours, metric, dim, items, step, trees, threads });
        }
    }
    let version = run(python, dir.path(), &cases);
    for case in &cases {
        let name = case.name();
        let rows = case.rows();
        let options =
            BuildOptions::new(case.metric).generator(Generator::Annoy).trees(case.trees).seed(7);
        let path = dir.path().join("again.ann");
        let options = options.overwrite(true);
        bigannoy::build(&DenseRows::row_major(&rows, case.dim), &path, &options).unwrap();
        let theirs = fs::read(dir.path().join(format!("{name}.ann"))).unwrap();
        assert!(fs::read(&path).unwrap() == theirs, "{name}: other bytes");
    }
    println!("annoy {version}: {} indexes, all bytes equal", cases.len());
}

fn numpy_reads_what_we_write(python: &OsString) {
    const K: usize = 20;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let rows = scattered(3, 900);
    let rows = DenseRows::row_major(&rows, 3);
    let options = BuildOptions::new(Metric::Euclidean).trees(3);
    let index = bigannoy::build(&rows, path("x.ann"), &options).unwrap();
    // So small a budget that many have fewer neighbors than k.
    let options = SearchOptions::new(K).search_k(18);
    let files = ["ids.npy", "distances.npy", "table.csv"].map(path);
    let [ids, distances, table] = &files;
    let mut arrays = NpySink::create(ids).distances(distances);
    let summary = index.search_self_into(&options, &mut arrays).unwrap();
    index.search_self_into(&options, &mut CsvSink::create(table)).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/numpy_side.py");
    let output = Command::new(python).arg(script).args(&files).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{}: {}", output.status, text(&output.stderr));
    let told = text(&output.stdout);
    if told == "no numpy" {
        assert!(!required(), "{told} in {}", python.display());
        println!("numpy_reads_what_we_write: skipped, {told} in {}", python.display());
        return;
    }
    let (cells, missing) = told.split_once(' ').unwrap();
    assert_eq!(cells.parse::<usize>().unwrap(), 300 * K);
    assert!(missing.parse::<usize>().unwrap() >= summary.short_rows && summary.short_rows > 30);
}

fn main() {
    let arguments = Arguments::from_args();
    let trials: [(&str, &str, Work); 3] = [
        ("annoy_finds_what_we_find", "BIGANNOY_PYTHON", annoy_finds_what_we_find),
        ("numpy_reads_what_we_write", "BIGANNOY_PYTHON", numpy_reads_what_we_write),
        ("annoy_builds_what_we_build", "BIGANNOY_PYTHON_PLAIN", annoy_builds_what_we_build),
    ];
    let trials = trials.map(|(name, variable, work)| {
        let python = env::var_os(variable);
        let ignored = python.is_none() && !required();
        if ignored && !arguments.list {
            println!("{name}: skipped, {variable} names no Python");
        }
        Trial::test(name, move || {
            let python = python.ok_or_else(|| Failed::from(format!("{variable} is not set")))?;
            work(&python);
            Ok(())
        })
        .with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}
