//! `cargo xtask bench same-file`: one index of ours, searched by Annoy and by us, under both metrics.
//!
//! A first batch finds an index that was just opened: making the short copies is in its time. Batches
//! that follow find them there, and so do queries one by one.
#![expect(clippy::cast_precision_loss, reason = "numbers of queries")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::process::{measured, median};
use super::search::{number, threads};
use super::served::Served;
use super::session::Session;
use crate::run::{Failure, Outcome};

const TREES: &str = "50";
/// Neighbors of each query.
const K: usize = 10;
const BUDGETS: [usize; 2] = [1_000, 10_000];
/// Queries that are answered one by one, and by Annoy in whichever way: its rate does not depend on how
/// many there are.
const FEW: usize = 2_000;

/// How queries are put.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    First,
    Following,
    Single,
}

impl Mode {
    const ALL: [Mode; 3] = [Mode::First, Mode::Following, Mode::Single];

    fn told(self, queries: usize) -> String {
        match self {
            Mode::First => format!("first batch of {queries}"),
            Mode::Following => "batches that follow".to_owned(),
            Mode::Single => "one by one".to_owned(),
        }
    }
}

/// Queries a second: of time, and of CPU time.
#[derive(Clone, Copy)]
struct Rate {
    wall: f64,
    cpu: f64,
}

/// Both programs with one index open, and the judge of its data.
struct Pair<'a> {
    session: &'a mut Session,
    metric: &'static str,
    annoy: Option<Served>,
    ours: Served,
    judge: Served,
    queries: usize,
    few: usize,
    ids: [PathBuf; 2],
}

/// Rates of one way of putting queries in all rounds.
struct Measured {
    mode: Mode,
    search_k: usize,
    threads: usize,
    annoy: Vec<Rate>,
    ours: Vec<Rate>,
    recall: f64,
    /// Of the queries that both have answered, how many have other neighbors: at most, of all rounds.
    other: Option<usize>,
}

pub(crate) fn run(session: &mut Session) -> Outcome {
    for metric in ["euclidean", "angular"] {
        let Some(mut pair) = Pair::start(session, metric)? else { continue };
        let mut all = Pair::plan();
        for _ in 0..pair.session.options.rounds() {
            for one in &mut all {
                pair.measure(one)?;
            }
        }
        for one in &all {
            pair.keep(one)?;
        }
    }
    Ok(())
}

impl<'a> Pair<'a> {
    /// Builds the index, and has both programs open it.
    fn start(session: &'a mut Session, metric: &'static str) -> Result<Option<Self>, Failure> {
        let data = session.data_under(metric, session.options.most_rows())?;
        let cache = Session::cache(&data)?;
        let index = cache.join("same-file.ann").to_string_lossy().into_owned();
        let train = data.join("train.desc").to_string_lossy().into_owned();
        let build = ["build", &train, "--index", &index, "--trees", TREES, "--metric", metric];
        measured(session.bigannoy(&build).arg("--overwrite"))?;
        let (place, cache) = (data.to_string_lossy(), cache.to_string_lossy());
        let common = ["--data", &*place, "--cache", &*cache, "--trees", TREES, "--index", &*index];
        let common = [&common[..], &["--threads", "1"]].concat();
        let mut annoy = match session.peer(&[&["annoy"][..], &common].concat()) {
            None => None,
            Some(mut peer) => Some(Served::start("annoy", &mut peer)?),
        };
        if let Some(annoy) = &mut annoy
            && let Some(missing) = annoy.hear()?["missing"].as_str()
        {
            session.note(&format!("annoy was left out: {missing}."))?;
            return Ok(None);
        }
        let mut ours = session.compare(&[&["serve"][..], &common].concat());
        let mut ours = Served::start("bigannoy", &mut ours)?;
        ours.hear()?;
        let judge = session.judge(&data)?;
        let queries = session.options.queries.min(super::search::count_queries(&data)?);
        let ids = ["annoy", "ours"]
            .map(|name| session.options.out.join("cache").join(format!("same-file-{name}.ids")));
        let few = FEW.min(queries);
        Ok(Some(Pair { session, metric, annoy, ours, judge, queries, few, ids }))
    }

    /// What is measured, in the order of a round: a first batch is followed by those that follow it.
    fn plan() -> Vec<Measured> {
        let mut all = Vec::new();
        for search_k in BUDGETS {
            for threads in threads() {
                for mode in Mode::ALL {
                    if mode != Mode::Single || threads == 1 {
                        let (annoy, ours) = (Vec::new(), Vec::new());
                        let (recall, other) = (f64::NAN, None);
                        all.push(Measured { mode, search_k, threads, annoy, ours, recall, other });
                    }
                }
            }
        }
        all
    }

    /// Takes a round of one of them.
    fn measure(&mut self, one: &mut Measured) -> Outcome {
        let [annoy_ids, our_ids] = self.ids.clone();
        let request = |queries: usize, out: &Path| {
            json!({
                "op": if one.mode == Mode::Single { "single" } else { "search" },
                "setting": one.search_k.to_string(), "threads": one.threads, "queries": queries,
                "fresh": one.mode == Mode::First, "out": out.to_string_lossy(),
            })
        };
        let queries = if one.mode == Mode::Single { self.few } else { self.queries };
        let answer = self.ours.ask(&request(queries, &our_ids))?;
        one.ours.push(rate(&answer, queries)?);
        let asked = json!({ "ids": our_ids.to_string_lossy(), "queries": queries });
        one.recall = number(&self.judge.ask(&asked)?, "recall")?;
        if let Some(annoy) = &mut self.annoy {
            let answer = annoy.ask(&request(self.few, &annoy_ids))?;
            one.annoy.push(rate(&answer, self.few)?);
            one.other = one.other.max(Some(others(&our_ids, &annoy_ids)?));
        }
        Ok(())
    }

    /// Keeps the medians of all rounds.
    fn keep(&mut self, one: &Measured) -> Outcome {
        let middle = |rates: &[Rate], of: fn(&Rate) -> f64| {
            if rates.is_empty() {
                Value::Null
            } else {
                median(rates.iter().map(of).collect()).into()
            }
        };
        self.session.keep(
            "same_file",
            json!({
                "metric": self.metric, "mode": one.mode.told(self.queries),
                "search_k": one.search_k, "threads": one.threads, "recall": one.recall,
                "annoy": middle(&one.annoy, |rate| rate.wall),
                "ours": middle(&one.ours, |rate| rate.wall),
                "annoy_cpu": middle(&one.annoy, |rate| rate.cpu),
                "ours_cpu": middle(&one.ours, |rate| rate.cpu),
                "other": one.other,
            }),
        )
    }
}

/// How many queries have other neighbors in one file than in the other, as far as both go. Their order does
/// not count: Annoy as it is installed may sum in another order, and two distances that are all but the same
/// change places.
fn others(ours: &Path, annoys: &Path) -> Result<usize, Failure> {
    let read = |path: &Path| -> Result<Vec<Vec<[u8; 4]>>, Failure> {
        let bytes = fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let rows = bytes.as_chunks::<4>().0.chunks(K).map(|row| {
            let mut row = row.to_vec();
            row.sort_unstable();
            row
        });
        Ok(rows.collect())
    };
    let (ours, annoys) = (read(ours)?, read(annoys)?);
    Ok(ours.iter().zip(&annoys).filter(|(ours, annoys)| ours != annoys).count())
}

fn rate(answer: &Value, queries: usize) -> Result<Rate, Failure> {
    let queries = queries as f64;
    let [wall, cpu] = ["seconds", "cpu"].map(|name| number(answer, name));
    Ok(Rate { wall: queries / wall?, cpu: queries / cpu? })
}
