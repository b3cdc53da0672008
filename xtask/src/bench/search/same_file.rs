//! One index of ours, searched by Annoy and by us.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Race, number};
use crate::bench::process::median;
use crate::bench::served::Served;
use crate::bench::session::Session;
use crate::run::Outcome;

impl Race<'_> {
    /// One index of ours, searched by Annoy and by us.
    pub(super) fn same_file(&mut self) -> Outcome {
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
}
