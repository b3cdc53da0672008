//! `cargo xtask bench exact`: exact search of ours, and the one that others are measured by.

use serde_json::json;

use super::process::median;
use super::search::threads;
use super::served::Served;
use super::session::Session;
use crate::run::{Failure, Outcome};

pub(crate) fn run(session: &mut Session) -> Outcome {
    let data = session.data(session.options.most_rows())?;
    let cache = Session::cache(&data)?;
    let (place, cache) = (data.to_string_lossy(), cache.to_string_lossy());
    let most = threads().len().to_string();
    let common = ["--data", &*place, "--cache", &*cache, "--threads", &*most];
    let mut ours = session.compare(&[&["serve", "--trees", "0"][..], &common].concat());
    let mut sides = vec![("bigannoy exact", Served::start("bigannoy", &mut ours)?)];
    if let Some(mut flat) = session.peer(&[&["faiss-flat"][..], &common].concat()) {
        sides.push(("faiss-flat", Served::start("faiss", &mut flat)?));
    }
    let mut names = Vec::new();
    for (group, side) in &mut sides {
        let ready = side.hear()?;
        let mut peer = json!({ "group": group, "name": group });
        for field in ["version", "build_seconds", "build_cpu", "bytes"] {
            peer[field] = ready[field].clone();
        }
        session.keep("peer", peer)?;
        names.push(*group);
    }
    let mut judge = session.judge(&data)?;
    let out = session.options.out.join("cache").join("exact.ids");
    let out = out.to_string_lossy().into_owned();
    let queries = session.options.queries.min(2_000);
    for threads in threads() {
        let mut seconds = vec![Vec::new(); sides.len()];
        let mut cpu = vec![Vec::new(); sides.len()];
        let mut recalls = vec![0.0; sides.len()];
        for _ in 0..session.options.rounds() {
            for (at, (_, side)) in sides.iter_mut().enumerate() {
                let answer = side.ask(&json!({
                    "op": "search", "setting": "exact", "threads": threads, "queries": queries,
                    "out": out,
                }))?;
                let number = |name: &str| -> Result<f64, Failure> {
                    answer[name].as_f64().ok_or_else(|| format!("no {name} in {answer}").into())
                };
                seconds[at].push(number("seconds")?);
                cpu[at].push(number("cpu")?);
                let told = judge.ask(&json!({ "ids": out, "queries": queries }))?;
                recalls[at] = told["recall"].as_f64().unwrap_or(f64::NAN);
            }
        }
        for (at, name) in names.iter().enumerate() {
            for target in ["0.90", "0.95", "0.99"] {
                let figure = json!({
                    "group": name, "name": name, "setting": "exact", "target": target,
                    "threads": threads, "recall": recalls[at], "queries": queries,
                    "seconds": median(seconds[at].clone()), "cpu": median(cpu[at].clone()),
                });
                session.keep("target", figure)?;
            }
        }
    }
    Ok(())
}
