//! `cargo xtask bench build`: what building costs, by trees and threads, and as rows and columns grow.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::options::Source;
use super::process::{Cost, measured, median};
use super::search::threads;
use super::session::Session;
use crate::run::{Failure, Outcome, command, root};

/// Trees of all tables but the last lines of the first.
const TREES: usize = 10;
/// Trees that serve an index well, for the first data only.
const MANY: usize = 50;

/// What a builder says or leaves.
struct Built {
    /// From the matrix on disk to the finished index on disk.
    seconds: f64,
    cpu: Option<f64>,
    anonymous: Option<u64>,
    bytes: u64,
    parts: Parts,
}

/// What adding the rows and growing the trees cost by themselves, in memory.
#[derive(Clone, Copy, Default)]
struct Parts {
    rows_cpu: Option<f64>,
    trees_seconds: Option<f64>,
    trees_cpu: Option<f64>,
}

pub(crate) fn run(session: &mut Session) -> Outcome {
    let most = session.options.most_rows();
    let first = session.data(most)?;
    let threads = threads();
    table(session, &first, TREES, &threads)?;
    if !session.options.quick {
        table(session, &first, MANY, &threads[threads.len() - 1..])?;
    }
    for (columns, rows) in [(100, 100_000), (784, 20_000)] {
        let source = Source::Synthetic { shape: "clustered".to_owned(), columns };
        let data = session.data_of(&source, most.min(rows), 10)?;
        table(session, &data, TREES, &threads)?;
    }
    scale(session, &first)
}

/// A builder's name, and how it is run.
type Builder = (&'static str, fn(&Session, &Path, usize, usize) -> Result<Option<Built>, Failure>);

const BUILDERS: [Builder; 4] = [
    ("bigannoy", default),
    ("bigannoy, generator annoy", annoy_bytes),
    ("annoy", annoy),
    ("RcppAnnoy", r),
];

/// Has the builders take turns, twice; the cheaper of two counts, because what disturbs only adds. Of rows and
/// trees by themselves each turn builds twice, so that not the first use of memory is measured.
fn table(session: &mut Session, data: &Path, trees: usize, threads: &[usize]) -> Outcome {
    let (rows, columns) = shape(data)?;
    for &threads in threads {
        let mut all: Vec<Vec<Built>> = BUILDERS.iter().map(|_| Vec::new()).collect();
        for _ in 0..session.options.rounds().min(2) {
            for ((name, build), built) in BUILDERS.iter().zip(&mut all) {
                // R has one thread, and is slow: once is enough.
                let is_r = *name == "RcppAnnoy";
                if is_r && (threads > 1 || trees > TREES || !built.is_empty()) {
                    continue;
                }
                built.extend(build(session, data, trees, threads)?);
            }
        }
        for ((name, _), built) in BUILDERS.iter().zip(all) {
            let least = |field: fn(&Built) -> Option<f64>| {
                built.iter().filter_map(field).min_by(f64::total_cmp)
            };
            let Some(seconds) = least(|built| Some(built.seconds)) else { continue };
            let figure = json!({
                "rows": rows, "columns": columns,
                "builder": name, "trees": trees, "threads": threads, "seconds": seconds,
                "cpu": least(|built| built.cpu),
                "rows_cpu": least(|built| built.parts.rows_cpu),
                "trees_seconds": least(|built| built.parts.trees_seconds),
                "trees_cpu": least(|built| built.parts.trees_cpu),
                "anonymous": built.iter().filter_map(|built| built.anonymous).max(),
                "bytes": built[0].bytes,
            });
            session.keep("build", figure)?;
        }
    }
    Ok(())
}

fn place(session: &Session) -> Result<PathBuf, Failure> {
    let place = session.options.out.join("cache").join("build");
    fs::create_dir_all(&place).map_err(|e| format!("cannot use {}: {e}", place.display()))?;
    Ok(place)
}

fn default(
    s: &Session,
    data: &Path,
    trees: usize,
    threads: usize,
) -> Result<Option<Built>, Failure> {
    ours(s, data, trees, threads, "default")
}

fn annoy_bytes(
    s: &Session,
    data: &Path,
    trees: usize,
    threads: usize,
) -> Result<Option<Built>, Failure> {
    ours(s, data, trees, threads, "annoy")
}

/// How many trees grow on how many threads, as all builders are told.
fn numbers(trees: usize, threads: usize) -> [String; 4] {
    ["--trees".to_owned(), trees.to_string(), "--threads".to_owned(), threads.to_string()]
}

/// The command that users have, from its start to its end; and the parts of the same build in memory,
/// which the library tells.
fn ours(
    session: &Session,
    data: &Path,
    trees: usize,
    threads: usize,
    generator: &str,
) -> Result<Option<Built>, Failure> {
    let index = place(session)?.join("ours.ann");
    let (source, target) = (data.join("train.desc"), index.to_string_lossy());
    let numbers = numbers(trees, threads);
    let settings = numbers.each_ref().map(String::as_str);
    let generator = ["--generator", generator];
    let mut words = vec!["build", "--index", &target, "--overwrite"];
    words.extend(["--metric", &session.options.metric]);
    words.extend(settings.iter().chain(&generator));
    let source = source.to_string_lossy();
    words.push(&source);
    let (_, cost) = measured(&mut session.bigannoy(&words))?;
    let bytes = fs::metadata(&index).map_err(|e| format!("no index was built: {e}"))?.len();
    let Cost { seconds, anonymous, cpu } = cost;
    let data = data.to_string_lossy();
    let mut words = vec!["build", "--data", &data];
    words.extend(settings.iter().chain(&generator));
    let (text, _) = measured(&mut session.compare(&words))?;
    let parts = parts(&said(&text)?);
    Ok(Some(Built { seconds, cpu, anonymous, bytes, parts }))
}

/// Annoy in Python; its time is that of adding, building and saving alone.
fn annoy(
    session: &Session,
    data: &Path,
    trees: usize,
    threads: usize,
) -> Result<Option<Built>, Failure> {
    let place = place(session)?;
    let (data, place) = (data.to_string_lossy(), place.to_string_lossy());
    let mut words = vec!["annoy", "--data", &data, "--cache", &place, "--build-only"];
    let numbers = numbers(trees, threads);
    words.extend(numbers.each_ref().map(String::as_str));
    match session.peer(&words) {
        Some(mut peer) => told(&mut peer, "build_cpu"),
        None => Ok(None),
    }
}

/// RcppAnnoy in R, from attaching the matrix to the saved index.
fn r(session: &Session, data: &Path, trees: usize, _: usize) -> Result<Option<Built>, Failure> {
    if !session.has_peers() {
        return Ok(None);
    }
    let script = root().join("benches").join("peers").join("rcppannoy.R");
    let mut r = command("Rscript", &["--vanilla", &script.to_string_lossy()]);
    r.arg(data).args([&trees.to_string(), "0", "0", "-"]);
    // Where there is no R, there is no figure.
    told(&mut r, "cpu").or(Ok(None))
}

/// What a peer says of itself.
fn told(command: &mut Command, cpu: &str) -> Result<Option<Built>, Failure> {
    let (text, cost) = measured(command)?;
    let said = said(&text)?;
    let Some(seconds) = said["build_seconds"].as_f64() else { return Ok(None) };
    Ok(Some(Built {
        seconds,
        cpu: said[cpu].as_f64(),
        anonymous: cost.anonymous,
        bytes: said["bytes"].as_u64().unwrap_or(0),
        parts: parts(&said),
    }))
}

fn said(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|e| format!("it said {text}: {e}").into())
}

fn parts(said: &Value) -> Parts {
    let seconds = |name: &str| said[name].as_f64();
    Parts {
        rows_cpu: seconds("rows_cpu"),
        trees_seconds: seconds("trees_seconds"),
        trees_cpu: seconds("trees_cpu"),
    }
}

/// Ten trees on one thread, over rows and columns.
fn scale(session: &mut Session, whole: &Path) -> Outcome {
    let most = session.options.most_rows();
    let rows: &[usize] = if session.options.quick {
        &[most / 4, most / 2]
    } else {
        &[50_000, 100_000, 200_000, 400_000]
    };
    let columns: &[usize] = if session.options.quick { &[10, 200] } else { &[10, 50, 100, 784] };
    let most_for_columns = most.min(if session.options.quick { 50_000 } else { 20_000 });
    for &rows in rows {
        let data = if rows >= most { whole.to_path_buf() } else { session.data(rows)? };
        cell(session, &data)?;
    }
    for &columns in columns {
        let source = Source::Synthetic { shape: "clustered".to_owned(), columns };
        let data = session.data_of(&source, most_for_columns, 10)?;
        cell(session, &data)?;
    }
    Ok(())
}

fn cell(session: &mut Session, data: &Path) -> Outcome {
    let (rows, columns) = shape(data)?;
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..session.options.rounds().min(2) {
        ours.extend(default(session, data, 10, 1)?.map(|built| built.seconds));
        peers.extend(annoy(session, data, 10, 1)?.map(|built| built.seconds));
    }
    let annoy = (!peers.is_empty()).then(|| median(peers));
    let figure = json!({ "rows": rows, "columns": columns, "ours": median(ours), "annoy": annoy });
    session.keep("scale", figure)
}

/// The extents of prepared data, from the head of its NumPy file.
fn shape(data: &Path) -> Result<(usize, usize), Failure> {
    let path = data.join("train.npy");
    let bytes = fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let numbers = head.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')'));
    let numbers: Vec<usize> = numbers
        .map(|(numbers, _)| numbers.split(',').filter_map(|n| n.trim().parse().ok()).collect())
        .unwrap_or_default();
    match numbers[..] {
        [rows, columns] => Ok((rows, columns)),
        _ => Err(format!("{} has no head of two extents", path.display()).into()),
    }
}
