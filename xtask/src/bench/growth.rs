//! `cargo xtask bench growth`: our builds and searches over four orders of size.
#![expect(clippy::cast_precision_loss, reason = "numbers of rows")]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::measured;
use super::session::Session;
use crate::run::Outcome;

/// What a reference may have of values before it is left out: a matrix and an index of 3.2 GB each.
const MOST_VALUES: usize = 800_000_000;

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
            } else if rows * columns >= MOST_VALUES {
                Some("left out: too large".to_owned())
            } else {
                None
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
