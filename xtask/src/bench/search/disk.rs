//! The whole way from a matrix on disk to neighbors on disk.
#![expect(clippy::cast_precision_loss, reason = "numbers of queries")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{CELLS, Choice, Point, Race, number, threads};
use crate::bench::process::{Cost, measured};
use crate::run::{Failure, Outcome, root};

impl Race<'_> {
    /// Build, search and writing, for a recall of 0.95.
    pub(super) fn whole_way(&mut self, choices: &[Choice], rates: &[f64]) -> Outcome {
        self.ours_from_disk("bigannoy", "annoy")?;
        self.ours_from_disk(CELLS, "cells")?;
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
    fn ours_from_disk(&mut self, group: &str, strategy: &str) -> Outcome {
        let mut best: Option<(f64, usize, Point)> = None;
        for one in self.participants.iter().filter(|one| one.group == group) {
            let reaching = one.curve.iter().filter(|point| point.recall >= 0.95);
            let Some(point) = reaching.max_by(|a, b| a.rate.total_cmp(&b.rate)) else { continue };
            let trees = one.name.split(' ').rev().nth(1).and_then(|trees| trees.parse().ok());
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
        let search = self.answered(
            &place,
            &["search", &index, "--search-k", &point.setting, "--strategy", strategy],
        )?;
        let figure = json!({
            "group": if trees == 1 { format!("{group}, 1 tree") } else { format!("{group}, {trees} trees") }, "recall": point.recall,
            "build_seconds": build.seconds, "search_seconds": search.seconds,
            "seconds": build.seconds + search.seconds,
        });
        self.session.keep("disk", figure)
    }

    /// What it costs to have ten neighbors of all queries found by a command, and written to `place`.
    fn answered(&self, place: &Path, command: &[&str]) -> Result<Cost, Failure> {
        let [ids, distances] = ["ids.desc", "distances.desc"].map(|name| place.join(name));
        let (query, ids) = (self.data.join("test.desc"), ids.to_string_lossy());
        let (query, distances) = (query.to_string_lossy(), distances.to_string_lossy());
        let mut words = command.to_vec();
        words.extend(["--query", &query, "-k", "10", "--ids", &ids, "--distances", &distances]);
        Ok(measured(&mut self.session.bigannoy(&words))?.1)
    }

    fn exact_from_disk(&mut self) -> Outcome {
        let place = self.place("disk")?;
        let reference = self.data.join("train.desc");
        let metric = &self.session.options.metric;
        let cost =
            self.answered(&place, &["exact", &reference.to_string_lossy(), "--metric", metric])?;
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
