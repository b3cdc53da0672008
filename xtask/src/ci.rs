//! `cargo xtask ci`: what CI checks, in the same order, with the time of each step.

use std::time::{Duration, Instant};

use crate::run::{Failure, Outcome, cargo, outcome, run};
use crate::{bench, deps, fixtures, fuzz, links, readme};

type Step = fn() -> Outcome;

/// The steps by name.
const STEPS: [(&str, Step); 11] = [
    ("format", || run(&mut cargo(&["fmt", "--all", "--check"]))),
    ("lints", || {
        let args = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        run(&mut cargo(&args))
    }),
    ("tests", || run(&mut cargo(&["test", "--workspace", "--locked"]))),
    ("features", features),
    ("docs", || {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
        run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    }),
    ("benchmarks", bench::smoke),
    ("links", links::links),
    ("deps", deps::deps),
    ("fuzz", fuzz::check),
    ("fixtures", fixtures::check),
    ("README", readme::main_command),
];

/// Tests what is behind features that are off by default. Not optimised: what these features need takes
/// longer to compile than the tests to run.
pub(crate) fn features() -> Outcome {
    let packages = ["-p", "bigannoy-arrow", "-p", "bigannoy-matrix", "-p", "bigannoy"];
    let features =
        "bigannoy-arrow/arrow,bigannoy-arrow/parquet,bigannoy-matrix/ndarray,bigannoy/ndarray";
    let mut test = cargo(&["test", "--profile", "dev", "--locked", "--features", features]);
    test.args(packages).args(["--test", "tables", "--test", "arrays", "--test", "forms"]);
    run(&mut test)
}

/// Runs every step; without `keep_going`, the first that fails is the last.
pub(crate) fn ci(keep_going: bool) -> Outcome {
    let start = Instant::now();
    let mut summary: Vec<String> = Vec::new();
    let mut faults = Vec::new();
    for (name, step) in STEPS {
        if !faults.is_empty() && !keep_going {
            summary.push(format!("{name:<10}       –  not run"));
            continue;
        }
        println!("==> {name}");
        let begin = Instant::now();
        let result = step();
        let time = seconds(begin.elapsed());
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        println!("==> {name}: {word} after {time}");
        summary.push(format!("{name:<10} {time:>9}  {word}"));
        if let Err(Failure(lines)) = result {
            faults.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
        }
    }
    println!("\n{}\n{:<10} {:>9}", summary.join("\n"), "all", seconds(start.elapsed()));
    outcome(faults)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
