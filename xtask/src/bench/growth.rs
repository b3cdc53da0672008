//! `cargo xtask bench growth`: our builds and searches over four orders of size.
#![expect(clippy::cast_precision_loss, reason = "numbers of rows")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::measured;
use super::session::Session;
use crate::run::{Outcome, command};

/// Bytes of a value in the matrix and in the index, trees included, and as much again of the index while it
/// is built.
const BYTES: usize = 8 + 2 * 5;

pub(crate) fn run(session: &mut Session) -> Outcome {
    let (rows, columns): (&[usize], &[usize]) = if session.options.quick {
        (&[1_000, 10_000, 100_000], &[10, 50])
    } else {
        (&[10_000, 100_000, 1_000_000], &[10, 50, 200, 800])
    };
    for &columns in columns {
        // What the last cell took, from which that of the next is foreseen.
        let mut last: Option<(usize, Duration)> = None;
        for &rows in rows {
            let foreseen = last.map_or(Duration::ZERO, |(before, took)| {
                took.mul_f64(1.2 * rows as f64 / before as f64)
            });
            let left_out = if foreseen > session.options.budget {
                Some(format!(
                    "left out: about {:.0} s, of {} s a cell",
                    foreseen.as_secs_f64(),
                    session.options.budget.as_secs()
                ))
            } else {
                lacking(&session.options.out, (BYTES * rows * columns) as u64)
            };
            if let Some(note) = left_out {
                session
                    .keep("growth", json!({ "rows": rows, "columns": columns, "note": note }))?;
                continue;
            }
            let start = Instant::now();
            cell(session, rows, columns)?;
            last = Some((rows, start.elapsed()));
        }
    }
    Ok(())
}

/// Why files of so many bytes cannot be measured here: they are to be in memory and on disk. `None` where
/// nothing speaks against it, or the system does not tell.
fn lacking(place: &Path, needed: u64) -> Option<String> {
    let memory =
        fs::read_to_string("/proc/meminfo").ok().and_then(|text| kib(&text, "MemAvailable:"));
    let listed = command("df", &["-Pk", &place.to_string_lossy()]).output().ok();
    // The fourth word of the second line.
    let disk = listed.and_then(|listed| {
        let listed = String::from_utf8(listed.stdout).ok()?;
        listed.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    let short = |(name, free): (&str, Option<u64>)| {
        let free = free?.saturating_mul(1024);
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        (free < needed).then(|| {
            let (needed, free) = (gigabytes(needed), gigabytes(free));
            format!("left out: needs about {needed:.1} GB, {free:.1} GB of {name} are free")
        })
    };
    [("memory", memory), ("disk", disk)].into_iter().find_map(short)
}

/// A figure of `/proc/meminfo`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Ten trees over a curved surface, and two thousand queries at the default budget times ten.
fn cell(session: &mut Session, rows: usize, columns: usize) -> Outcome {
    let out = session.options.out.join("cache").join("growth.jsonl");
    let place = session.options.out.join("cache");
    let (rows_text, columns_text) = (rows.to_string(), columns.to_string());
    measured(&mut session.bigannoy(&[
        "bench",
        "single",
        "--n-ref",
        &rows_text,
        "--n-dim",
        &columns_text,
        "--n-query",
        "2000",
        "--n-trees",
        "10",
        "--search-k",
        "1000",
        "--shape",
        "manifold",
        "--filebacked",
        "--no-exact",
        "--latency-queries",
        "500",
        "--path-dir",
        &place.to_string_lossy(),
        "--output",
        &out.to_string_lossy(),
    ]))?;
    let text =
        fs::read_to_string(&out).map_err(|e| format!("cannot read {}: {e}", out.display()))?;
    let told: Value = serde_json::from_str(text.trim()).map_err(|e| format!("{text}: {e}"))?;
    let figure = json!({
        "rows": rows, "columns": columns, "build": told["build_elapsed"],
        "rate": told["queries_per_second"], "latency": told["latency_p50_ms"],
    });
    session.keep("growth", figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out() {
        let here = std::env::temp_dir();
        assert_eq!(lacking(&here, 1), None);
        if cfg!(target_os = "linux") {
            assert!(lacking(&here, u64::MAX).unwrap().starts_with("left out: needs about"));
        }
        assert_eq!(kib("MemFree: 7 kB\nMemAvailable:   12 kB\n", "MemAvailable:"), Some(12));
        assert_eq!(kib("MemFree: 7 kB\n", "MemAvailable:"), None);
    }
}
