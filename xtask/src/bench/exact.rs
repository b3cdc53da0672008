//! `cargo xtask bench exact`: exact search of ours, and the one that others are measured by.

use std::fs;

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
    for (group, side) in &mut sides {
        let ready = side.hear()?;
        let mut peer = json!({ "group": group, "name": group });
        for field in ["version", "build_seconds", "build_cpu", "bytes"] {
            peer[field] = ready[field].clone();
        }
        session.keep("peer", peer)?;
    }
    let queries = session.options.queries;
    let most_neighbors = session.options.most_rows();
    for k in [10, 100].into_iter().filter(|&k| k <= most_neighbors) {
        for threads in threads() {
            let mut turns: Vec<Turns> = sides.iter().map(|_| Turns::default()).collect();
            for _ in 0..session.options.rounds() {
                for ((name, side), turns) in sides.iter_mut().zip(&mut turns) {
                    turns.take(session, name, side, k, threads, queries)?;
                }
            }
            let mut figure = json!({ "k": k, "threads": threads, "queries": queries });
            for (side, turns) in ["ours", "peer"].into_iter().zip(&turns) {
                figure[side] = median(turns.seconds.clone()).into();
                figure[format!("{side}_cpu")] = median(turns.cpu.clone()).into();
            }
            if let [ours, peer] = &turns[..] {
                figure["shared"] = shared(&ours.ids, &peer.ids, k).into();
                figure["neighbors"] = ours.ids.len().into();
            }
            session.keep("exact", figure)?;
        }
    }
    Ok(())
}

/// What a side said in its turns.
#[derive(Default)]
struct Turns {
    seconds: Vec<f64>,
    cpu: Vec<f64>,
    /// The neighbors, from the last turn.
    ids: Vec<i32>,
}

impl Turns {
    fn take(
        &mut self,
        session: &Session,
        name: &str,
        side: &mut Served,
        k: usize,
        threads: usize,
        queries: usize,
    ) -> Outcome {
        let out = session.options.out.join("cache").join(format!("{name}.ids"));
        let answer = side.ask(&json!({
            "op": "search", "setting": "exact", "k": k, "threads": threads, "queries": queries,
            "out": out.to_string_lossy(),
        }))?;
        let number = |name: &str| -> Result<f64, Failure> {
            answer[name].as_f64().ok_or_else(|| format!("no {name} in {answer}").into())
        };
        self.seconds.push(number("seconds")?);
        self.cpu.push(number("cpu")?);
        let bytes = fs::read(&out).map_err(|e| format!("cannot read {}: {e}", out.display()))?;
        let words = bytes.chunks_exact(4).map(|word| word.try_into().unwrap_or_default());
        self.ids = words.map(i32::from_le_bytes).collect();
        Ok(())
    }
}

/// How many neighbors both sides have: all but those whose distances differ by less than the rounding of a
/// sum in 32 bits.
fn shared(ours: &[i32], peer: &[i32], k: usize) -> usize {
    let rows = ours.chunks_exact(k).zip(peer.chunks_exact(k));
    rows.map(|(ours, peer)| ours.iter().filter(|id| peer.contains(id)).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::shared;

    #[test]
    fn neighbors_are_shared_whatever_their_order() {
        assert_eq!(shared(&[1, 2, 3, 4], &[2, 1, 3, 5], 2), 3);
        assert_eq!(shared(&[], &[], 2), 0);
    }
}
