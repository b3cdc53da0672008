//! `cargo xtask bench search`: recall and throughput ([`recall`]), the whole way from disk to disk
//! ([`disk`]), and one index file in two programs ([`super::same_file`]).

mod disk;
mod recall;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::same_file;
use super::served::Served;
use super::session::Session;
use crate::run::{Failure, Outcome};

/// Queries with which settings are looked for.
const SAMPLE: usize = 1_000;
/// The group that searches cells.
const CELLS: &str = "bigannoy cells";
const OTHERS: [&str; 7] =
    ["hnswlib", "faiss-flat", "faiss-ivf", "faiss-hnsw", "faiss-ivfpq", "usearch", "scann"];

/// What a setting gives, on one thread.
#[derive(Clone, Debug)]
struct Point {
    setting: String,
    recall: f64,
    rate: f64,
}

/// Some index in some program.
struct Participant {
    group: String,
    name: String,
    build_seconds: f64,
    ladder: Vec<String>,
    whole: bool,
    served: Served,
    curve: Vec<Point>,
}

/// The way in which a group reaches a recall at the least cost.
#[derive(Clone, Debug)]
struct Choice {
    participant: usize,
    target: f64,
    point: Point,
}

/// One search.
struct Timed {
    seconds: f64,
    cpu: f64,
}

struct Race<'a> {
    session: &'a mut Session,
    data: PathBuf,
    judge: Served,
    queries: usize,
    participants: Vec<Participant>,
}

pub(crate) fn run(session: &mut Session) -> Outcome {
    let rows = session.options.most_rows();
    let data = session.data(rows)?;
    let judge = session.judge(&data)?;
    let queries = session.options.queries.min(count_queries(&data)?);
    let mut race = Race { session, data, judge, queries, participants: Vec::new() };
    race.start_all()?;
    for at in 0..race.participants.len() {
        race.calibrate(at)?;
    }
    let choices = race.choices();
    let rates = race.measure(&choices)?;
    race.whole_way(&choices, &rates)?;
    drop(race);
    same_file::run(session)
}

/// Queries in the prepared data: ten distances of eight bytes for each.
pub(super) fn count_queries(data: &Path) -> Result<usize, Failure> {
    let path = data.join("exact.bin");
    let bytes = fs::metadata(&path).map_err(|e| format!("cannot use {}: {e}", path.display()))?;
    usize::try_from(bytes.len() / 80).map_err(|e| e.to_string().into())
}

/// Numbers of threads that are measured: one, and two where there are as many processors.
pub(crate) fn threads() -> Vec<usize> {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    (1..=available.min(2)).collect()
}

pub(super) fn number(answer: &Value, name: &str) -> Result<f64, Failure> {
    answer[name].as_f64().ok_or_else(|| format!("an answer has no {name}: {answer}").into())
}

impl Race<'_> {
    fn start_all(&mut self) -> Outcome {
        let trees: &[usize] = if self.session.options.quick { &[10, 50] } else { &[10, 50, 100] };
        for &trees in trees {
            self.start_ours("bigannoy", trees, "annoy")?;
        }
        // One tree is where cells begin; more would not be looked at.
        self.start_ours(CELLS, 1, "cells")?;
        self.start_ours("bigannoy exact", 0, "annoy")?;
        if !self.session.has_peers() {
            return Ok(());
        }
        for &trees in trees {
            self.start_peer("annoy", Some(trees))?;
        }
        for name in OTHERS {
            self.start_peer(name, None)?;
        }
        Ok(())
    }

    fn start_ours(&mut self, group: &str, trees: usize, strategy: &str) -> Outcome {
        let cache = Session::cache(&self.data)?;
        let (data, cache) = (self.data.to_string_lossy(), cache.to_string_lossy());
        let most = threads().len().to_string();
        let trees_text = trees.to_string();
        let mut command = self.session.compare(&[
            "serve",
            "--data",
            &data,
            "--cache",
            &cache,
            "--trees",
            &trees_text,
            "--threads",
            &most,
            "--generator",
            "default",
            "--strategy",
            strategy,
        ]);
        let name = match trees {
            0 => group.to_owned(),
            1 => format!("{group}, 1 tree"),
            trees => format!("{group}, {trees} trees"),
        };
        let served = Served::start(&name, &mut command)?;
        self.join(group, name, served)
    }

    fn start_peer(&mut self, group: &str, trees: Option<usize>) -> Outcome {
        let cache = Session::cache(&self.data)?;
        let (data, cache) = (self.data.to_string_lossy(), cache.to_string_lossy());
        let most = threads().len().to_string();
        let arguments = [group, "--data", &data, "--cache", &cache, "--threads", &most];
        let Some(mut command) = self.session.peer(&arguments) else { return Ok(()) };
        let mut name = group.to_owned();
        if let Some(trees) = trees {
            command.args(["--trees", &trees.to_string()]);
            name = format!("{group}, {trees} trees");
        }
        let served = Served::start(&name, &mut command)?;
        self.join(group, name, served)
    }

    /// Hears what was built, and takes part with it.
    fn join(&mut self, group: &str, name: String, mut served: Served) -> Outcome {
        let ready = served.hear()?;
        if let Some(missing) = ready["missing"].as_str() {
            return self.session.note(&format!("{group} was left out: {missing}."));
        }
        let ladder: Option<Vec<String>> = ready["ladder"]
            .as_array()
            .map(|all| all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect());
        let mut peer = json!({ "group": group, "name": name });
        for field in ["version", "build_seconds", "build_cpu", "bytes"] {
            peer[field] = ready[field].clone();
        }
        self.session.keep("peer", peer)?;
        self.participants.push(Participant {
            group: group.to_owned(),
            name,
            build_seconds: number(&ready, "build_seconds")?,
            ladder: ladder.unwrap_or_default(),
            whole: ready["whole"] == true,
            served,
            curve: Vec::new(),
        });
        Ok(())
    }

    fn ids(&self, name: &str) -> PathBuf {
        self.session.options.out.join("cache").join(format!("{name}.ids"))
    }

    /// Searches, and tells the recall if it is wanted.
    fn search(
        &mut self,
        at: usize,
        setting: &str,
        threads: usize,
        queries: usize,
    ) -> Result<(Timed, f64), Failure> {
        let ids = self.ids(&at.to_string());
        let request = json!({
            "op": "search", "setting": setting, "threads": threads, "queries": queries,
            "out": ids.to_string_lossy(),
        });
        let answer = self.participants[at].served.ask(&request)?;
        let timed = Timed { seconds: number(&answer, "seconds")?, cpu: number(&answer, "cpu")? };
        let asked = json!({ "ids": ids.to_string_lossy(), "queries": queries });
        let recall = number(&self.judge.ask(&asked)?, "recall")?;
        Ok((timed, recall))
    }
}
