//! `cargo xtask bench search`: recall and throughput, one index file in two programs, and the whole
//! way from disk to disk.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of queries"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::process::{measured, median};
use super::served::Served;
use super::session::Session;
use crate::run::{Failure, Outcome, root};

/// Recalls that settings are looked for to reach.
const TARGETS: [f64; 3] = [0.90, 0.95, 0.99];
/// Queries with which settings are looked for.
const SAMPLE: usize = 1_000;
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
    race.same_file()?;
    race.whole_way(&choices, &rates)
}

/// Queries in the prepared data: ten distances of eight bytes for each.
fn count_queries(data: &Path) -> Result<usize, Failure> {
    let path = data.join("exact.bin");
    let bytes = fs::metadata(&path).map_err(|e| format!("cannot use {}: {e}", path.display()))?;
    usize::try_from(bytes.len() / 80).map_err(|e| e.to_string().into())
}

/// Numbers of threads that are measured: one, and two where there are as many processors.
pub(crate) fn threads() -> Vec<usize> {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    (1..=available.min(2)).collect()
}

fn number(answer: &Value, name: &str) -> Result<f64, Failure> {
    answer[name].as_f64().ok_or_else(|| format!("an answer has no {name}: {answer}").into())
}

impl Race<'_> {
    fn start_all(&mut self) -> Outcome {
        let trees: &[usize] = if self.session.options.quick { &[10, 50] } else { &[10, 50, 100] };
        for &trees in trees {
            self.start_ours("bigannoy", trees)?;
        }
        self.start_ours("bigannoy exact", 0)?;
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

    fn start_ours(&mut self, group: &str, trees: usize) -> Outcome {
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
        ]);
        let name = if trees == 0 { group.to_owned() } else { format!("{group}, {trees} trees") };
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

    /// Takes a point of the curve of a participant.
    fn point(&mut self, at: usize, setting: &str) -> Result<Point, Failure> {
        if let Some(known) = self.participants[at].curve.iter().find(|p| p.setting == setting) {
            return Ok(known.clone());
        }
        let queries = SAMPLE.min(self.queries);
        let (timed, recall) = self.search(at, setting, 1, queries)?;
        let rate = queries as f64 / timed.seconds;
        let point = Point { setting: setting.to_owned(), recall, rate };
        let participant = &mut self.participants[at];
        participant.curve.push(point.clone());
        let figure = json!({
            "group": participant.group, "name": participant.name, "setting": setting,
            "recall": recall, "rate": rate, "queries": queries,
        });
        self.session.keep("curve", figure)?;
        Ok(point)
    }

    /// Goes through the settings, and looks between them for those that just reach the targets.
    fn calibrate(&mut self, at: usize) -> Outcome {
        // The first search finds files in no memory; it does not count.
        let first = self.participants[at].ladder[0].clone();
        self.search(at, &first, 1, SAMPLE.min(self.queries))?;
        let whole = self.participants[at].whole;
        for setting in self.participants[at].ladder.clone() {
            let point = self.point(at, &setting)?;
            // More would only be slower.
            if whole && (point.recall >= 0.995 || point.rate < 60.0) {
                break;
            }
        }
        if !whole {
            return Ok(());
        }
        for target in TARGETS {
            let mut curve = self.participants[at].curve.clone();
            curve.sort_by(|a, b| a.recall.total_cmp(&b.recall));
            let above = curve.iter().position(|point| point.recall >= target);
            let Some(above) = above.filter(|&above| above > 0) else { continue };
            let (below, above) = (&curve[above - 1], &curve[above]);
            let log = |point: &Point| point.setting.parse::<f64>().map(f64::ln);
            let (Ok(low), Ok(high)) = (log(below), log(above)) else { continue };
            let share = (target - below.recall) / (above.recall - below.recall);
            let mut guess = (low + share * (high - low)).exp();
            // The curve is bent: a step or two further it is reached.
            for _ in 0..3 {
                if self.point(at, &format!("{guess:.0}"))?.recall >= target {
                    break;
                }
                guess *= 1.08;
            }
        }
        Ok(())
    }

    /// For each target and group, the fastest way of reaching it.
    fn choices(&self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        for target in TARGETS {
            for (participant, one) in self.participants.iter().enumerate() {
                let reaching = one.curve.iter().filter(|point| point.recall >= target);
                let Some(best) = reaching.max_by(|a, b| a.rate.total_cmp(&b.rate)) else {
                    continue;
                };
                let known = choices.iter_mut().find(|choice| {
                    choice.target == target
                        && self.participants[choice.participant].group == one.group
                });
                let choice = Choice { participant, target, point: best.clone() };
                match known {
                    Some(known) if known.point.rate >= best.rate => {}
                    Some(known) => *known = choice,
                    None => choices.push(choice),
                }
            }
        }
        choices
    }

    /// Measures the choices in turns, and returns the rate of each with all threads.
    fn measure(&mut self, choices: &[Choice]) -> Result<Vec<f64>, Failure> {
        let seconds = if self.session.options.quick { 0.5 } else { 1.5 };
        let mut rates = vec![0.0; choices.len()];
        for threads in threads() {
            let mut timed: Vec<Vec<Timed>> = choices.iter().map(|_| Vec::new()).collect();
            let mut recalls = vec![0.0; choices.len()];
            let queries = |choice: &Choice, all: usize| {
                let wanted = choice.point.rate * threads as f64 * seconds;
                (wanted as usize).max(SAMPLE).min(all)
            };
            for _ in 0..self.session.options.rounds() {
                for (at, choice) in choices.iter().enumerate() {
                    let asked = queries(choice, self.queries);
                    let setting = &choice.point.setting;
                    let (cost, recall) =
                        self.search(choice.participant, setting, threads, asked)?;
                    timed[at].push(cost);
                    recalls[at] = recall;
                }
            }
            for (at, choice) in choices.iter().enumerate() {
                let middle =
                    |field: fn(&Timed) -> f64| median(timed[at].iter().map(field).collect());
                let asked = queries(choice, self.queries);
                let seconds = middle(|timed| timed.seconds);
                rates[at] = asked as f64 / seconds;
                let participant = &self.participants[choice.participant];
                let figure = json!({
                    "group": participant.group, "name": participant.name,
                    "setting": choice.point.setting, "target": format!("{:.2}", choice.target),
                    "threads": threads, "recall": recalls[at], "queries": asked,
                    "seconds": seconds, "cpu": middle(|timed| timed.cpu),
                });
                self.session.keep("target", figure)?;
            }
        }
        Ok(rates)
    }

    /// One index of ours, searched by Annoy and by us.
    fn same_file(&mut self) -> Outcome {
        let trees = 50;
        let index = Session::cache(&self.data)?.join(format!("bigannoy-default-{trees}.ann"));
        let (data, cache) = (self.data.to_string_lossy(), Session::cache(&self.data)?);
        let (index, cache) = (index.to_string_lossy(), cache.to_string_lossy());
        let trees = trees.to_string();
        let common = [
            "--data",
            &*data,
            "--cache",
            &*cache,
            "--trees",
            &*trees,
            "--threads",
            "1",
            "--index",
            &*index,
        ];
        let Some(mut peer) = self.session.peer(&[&["annoy"][..], &common].concat()) else {
            return Ok(());
        };
        let mut annoy = Served::start("annoy", &mut peer)?;
        if annoy.hear()?["missing"].is_string() {
            return Ok(());
        }
        let mut ours = Served::start(
            "bigannoy",
            &mut self.session.compare(&[&["serve"][..], &common].concat()),
        )?;
        ours.hear()?;
        let (annoy_ids, our_ids) = (self.ids("annoy"), self.ids("ours"));
        for (mode, op, queries) in
            [("in a batch", "search", 2_000), ("one by one", "single", 1_000)]
        {
            for search_k in [1_000, 10_000] {
                let queries = self.queries.min(queries);
                let mut costs: [Vec<f64>; 4] = Default::default();
                for _ in 0..self.session.options.rounds() {
                    for (at, (served, out)) in
                        [(&mut annoy, &annoy_ids), (&mut ours, &our_ids)].into_iter().enumerate()
                    {
                        let answer = served.ask(&json!({
                            "op": op, "setting": search_k.to_string(), "threads": 1,
                            "queries": queries, "out": out.to_string_lossy(),
                        }))?;
                        costs[at].push(number(&answer, "seconds")?);
                        costs[2 + at].push(number(&answer, "cpu")?);
                    }
                }
                let read = |path: &Path| {
                    fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
                };
                let same = read(&annoy_ids)? == read(&our_ids)?;
                let asked = json!({ "ids": our_ids.to_string_lossy(), "queries": queries });
                let recall = number(&self.judge.ask(&asked)?, "recall")?;
                let [annoy_seconds, ours_seconds, annoy_cpu, ours_cpu] = costs.map(median);
                self.session.keep(
                    "same_file",
                    json!({
                        "mode": mode, "search_k": search_k, "queries": queries, "recall": recall,
                        "annoy_seconds": annoy_seconds, "ours_seconds": ours_seconds,
                        "annoy_cpu": annoy_cpu, "ours_cpu": ours_cpu, "same_ids": same,
                    }),
                )?;
            }
        }
        Ok(())
    }

    /// Build, search and writing, for a recall of 0.95.
    fn whole_way(&mut self, choices: &[Choice], rates: &[f64]) -> Outcome {
        self.ours_from_disk()?;
        self.exact_from_disk()?;
        for (choice, rate) in choices.iter().zip(rates).filter(|(choice, _)| choice.target == 0.95)
        {
            let participant = &self.participants[choice.participant];
            if participant.group.starts_with("bigannoy") {
                continue;
            }
            let search = self.queries as f64 / rate;
            let figure = json!({
                "group": participant.name, "recall": choice.point.recall,
                "build_seconds": participant.build_seconds, "search_seconds": search,
                "seconds": participant.build_seconds + search,
            });
            self.session.keep("disk", figure)?;
        }
        if self.session.options.quick || !self.session.has_peers() {
            return Ok(());
        }
        self.r_from_disk()
    }

    fn place(&self, name: &str) -> Result<PathBuf, Failure> {
        let place = self.session.options.out.join("cache").join(name);
        if place.exists() {
            fs::remove_dir_all(&place)
                .map_err(|e| format!("cannot use {}: {e}", place.display()))?;
        }
        fs::create_dir_all(&place).map_err(|e| format!("cannot use {}: {e}", place.display()))?;
        Ok(place)
    }

    /// The forest with which build and search together take the least time.
    fn ours_from_disk(&mut self) -> Outcome {
        let mut best: Option<(f64, usize, Point)> = None;
        for one in self.participants.iter().filter(|one| one.group == "bigannoy") {
            let reaching = one.curve.iter().filter(|point| point.recall >= 0.95);
            let Some(point) = reaching.max_by(|a, b| a.rate.total_cmp(&b.rate)) else { continue };
            let trees = one.name.split(' ').nth(1).and_then(|trees| trees.parse().ok());
            let seconds =
                one.build_seconds + self.queries as f64 / point.rate / threads().len() as f64;
            if let Some(trees) = trees
                && best.as_ref().is_none_or(|(least, _, _)| seconds < *least)
            {
                best = Some((seconds, trees, point.clone()));
            }
        }
        let Some((_, trees, point)) = best else { return Ok(()) };
        let place = self.place("disk")?;
        let at = |name: &str| place.join(name).to_string_lossy().into_owned();
        let data = |name: &str| self.data.join(name).to_string_lossy().into_owned();
        let (index, trees_text) = (at("index.ann"), trees.to_string());
        let (_, build) = measured(&mut self.session.bigannoy(&[
            "build",
            &data("train.desc"),
            "--index",
            &index,
            "--trees",
            &trees_text,
            "--metric",
            &self.session.options.metric,
        ]))?;
        let (_, search) = measured(&mut self.session.bigannoy(&[
            "search",
            &index,
            "--query",
            &data("test.desc"),
            "-k",
            "10",
            "--search-k",
            &point.setting,
            "--ids",
            &at("ids.desc"),
            "--distances",
            &at("distances.desc"),
        ]))?;
        let figure = json!({
            "group": format!("bigannoy, {trees} trees"), "recall": point.recall,
            "build_seconds": build.seconds, "search_seconds": search.seconds,
            "seconds": build.seconds + search.seconds,
        });
        self.session.keep("disk", figure)
    }

    fn exact_from_disk(&mut self) -> Outcome {
        let place = self.place("disk")?;
        let at = |name: &str| place.join(name).to_string_lossy().into_owned();
        let data = |name: &str| self.data.join(name).to_string_lossy().into_owned();
        let (_, cost) = measured(&mut self.session.bigannoy(&[
            "exact",
            &data("train.desc"),
            "--query",
            &data("test.desc"),
            "-k",
            "10",
            "--metric",
            &self.session.options.metric,
            "--ids",
            &at("ids.desc"),
            "--distances",
            &at("distances.desc"),
        ]))?;
        let figure = json!({
            "group": "bigannoy exact", "recall": 1.0, "build_seconds": null,
            "search_seconds": cost.seconds, "seconds": cost.seconds,
        });
        self.session.keep("disk", figure)
    }

    /// R with bigmemory and RcppAnnoy, row by row, at a budget that reaches about the same recall.
    fn r_from_disk(&mut self) -> Outcome {
        let place = self.place("r")?;
        let script = root().join("benches").join("peers").join("rcppannoy.R");
        let ids = place.join("ids.bin");
        let mut command = crate::run::command("Rscript", &["--vanilla", &script.to_string_lossy()]);
        command.arg(&self.data).args(["50", &self.queries.to_string(), "10000"]).arg(&ids);
        let Ok((text, _)) = measured(&mut command) else {
            return self
                .session
                .note("R with bigmemory and RcppAnnoy was left out: it does not run.");
        };
        let told: Value = serde_json::from_str(&text).map_err(|e| format!("R said {text}: {e}"))?;
        let asked = json!({ "ids": ids.to_string_lossy(), "queries": self.queries });
        let recall = number(&self.judge.ask(&asked)?, "recall")?;
        let (build, search) = (number(&told, "build_seconds")?, number(&told, "search_seconds")?);
        let figure = json!({
            "group": "bigmemory and RcppAnnoy, 50 trees", "recall": recall, "build_seconds": build,
            "search_seconds": search, "seconds": build + search,
        });
        self.session.keep("disk", figure)
    }
}
