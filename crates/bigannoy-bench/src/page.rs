//! What the pages of all measurements show.

use bigannoy::format::Spread;
use bigannoy_report::{Axis, Cell, Plot, Report, Table};

use crate::run::Validated;
use crate::{Latency, machine};

/// What people look at first; all columns follow further down.
const RESULTS: [&str; 9] = [
    "n_ref",
    "n_dim",
    "n_trees",
    "search_k",
    "recall_at_k",
    "queries_per_second",
    "latency_p95_ms",
    "build_elapsed",
    "implementation",
];

/// The beginning of a page: what was found, in a sentence.
pub(crate) fn begun(title: &str, summary: &Table) -> Report {
    Report::new(title).lead(lead(summary))
}

/// The rest of a page: the figures, and on what machine and with what settings they came about.
pub(crate) fn ended(page: Report, summary: &Table, params: &[(String, String)]) -> Report {
    page.table("Results", summary.only(&RESULTS))
        .facts("Machine", machine())
        .facts("Settings", params.iter().cloned())
        .table("All figures", summary.clone())
}

/// The best row in words: the fastest of those with the highest recall to two digits.
fn lead(summary: &Table) -> String {
    let number = |row: usize, name: &str| summary.get(row, name).and_then(Cell::number);
    let rounded = |row: usize| (100.0 * number(row, "recall_at_k").unwrap_or(-1.0)).round();
    let speed = |row: usize| number(row, "queries_per_second").unwrap_or(0.0);
    let best = (0..summary.rows().len())
        .max_by(|&a, &b| rounded(a).total_cmp(&rounded(b)).then(speed(a).total_cmp(&speed(b))));
    let Some(best) = best else { return String::new() };
    let shown = |name: &str| summary.get(best, name).map_or_else(String::new, Cell::shown);
    let recall = match number(best, "recall_at_k") {
        Some(recall) => format!("recall {recall:.3} at {} neighbors", shown("k")),
        None => format!("{} neighbors each, recall not measured", shown("k")),
    };
    format!(
        "{} rows of {} columns, {} queries, {} metric. Best: {recall}, {} queries per second, with \
         {} trees and search_k {}.",
        shown("n_ref"),
        shown("n_dim"),
        shown("n_query"),
        shown("metric"),
        shown("queries_per_second"),
        shown("n_trees"),
        budget(summary, best),
    )
}

fn budget(summary: &Table, row: usize) -> String {
    match summary.get(row, "search_k") {
        Some(Cell::Count(-1)) => "at its default".to_owned(),
        Some(cell) => cell.shown(),
        None => String::new(),
    }
}

/// Lines through the points of `x` and `y`, one for each value of the columns `by`.
fn lines(
    mut plot: Plot,
    summary: &Table,
    name: impl Fn(usize) -> String,
    x: &str,
    y: &str,
) -> Plot {
    let number = |row: usize, name: &str| summary.get(row, name).and_then(Cell::number);
    let mut groups: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for row in 0..summary.rows().len() {
        let (Some(x), Some(y)) = (number(row, x), number(row, y)) else { continue };
        let name = name(row);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push((x, y)),
            None => groups.push((name, vec![(x, y)])),
        }
    }
    for (name, mut points) in groups {
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        plot = plot.line(name, points);
    }
    plot
}

fn shown(summary: &Table, row: usize, name: &str) -> String {
    summary.get(row, name).map_or_else(String::new, Cell::shown)
}

fn recall_axis(summary: &Table) -> Axis {
    Axis::linear(format!("recall at {}", shown(summary, 0, "k")))
}

/// Throughput by recall, a line for each number of trees.
pub(crate) fn recall_plot(summary: &Table) -> Plot {
    let plot =
        Plot::new("Throughput by recall", recall_axis(summary), Axis::log("queries per second"))
            .note("Up and to the right is better. Each point is a budget (search_k).");
    let name = |row| format!("{} trees", shown(summary, row, "n_trees"));
    lines(plot, summary, name, "recall_at_k", "queries_per_second")
}

/// Latency by recall, a line for each number of trees.
pub(crate) fn latency_by_recall_plot(summary: &Table) -> Plot {
    let plot = Plot::new(
        "Latency by recall",
        recall_axis(summary),
        Axis::log("95th percentile, milliseconds"),
    )
    .note("Single queries, one after the other, on one thread. Down and to the right is better.");
    let name = |row| format!("{} trees", shown(summary, row, "n_trees"));
    lines(plot, summary, name, "recall_at_k", "latency_p95_ms")
}

/// Build time by trees.
pub(crate) fn build_by_trees_plot(summary: &Table) -> Plot {
    let plot = Plot::new(
        "Build time by trees",
        Axis::linear("trees"),
        Axis::linear("seconds to build the index"),
    );
    lines(plot, summary, |_| "build".to_owned(), "n_trees", "build_elapsed")
}

/// A column by rows of the reference, a line for each implementation and each number of columns.
pub(crate) fn by_rows_plot(summary: &Table, title: &str, column: &str, label: &str) -> Plot {
    let plot = Plot::new(title, Axis::log("rows of the reference"), Axis::log(label));
    let name = |row| {
        format!(
            "{}, {} columns",
            shown(summary, row, "implementation"),
            shown(summary, row, "n_dim")
        )
    };
    lines(plot, summary, name, "n_ref", column)
}

/// Which share of single queries takes how long at most.
pub(crate) fn latency_plot<'a>(all: impl IntoIterator<Item = (String, &'a Latency)>) -> Plot {
    let plot = Plot::new(
        "Latency of single queries",
        Axis::linear("percent of the queries that take at most so long"),
        Axis::log("milliseconds"),
    )
    .note("One after the other, on one thread, through the call that a user makes.");
    all.into_iter().fold(plot, |plot, (name, latency)| {
        let percents = (0..=19).map(|step| 5.0 * f64::from(step)).chain([97.5, 99.0, 100.0]);
        plot.line(name, percents.map(|percent| (percent, 1e3 * latency.percentile(percent))))
    })
}

/// The shape of an index, by name.
pub(crate) fn index_facts(validated: &Validated) -> Vec<(String, String)> {
    let Validated { validation, forest } = validated;
    let spread = |of: Spread| format!("{} to {}, mean {:.1}", of.min, of.max, of.mean);
    [
        ("trees", forest.n_trees.to_string()),
        ("items", forest.n_present.to_string()),
        ("records", forest.n_nodes.to_string()),
        ("items in a leaf", spread(forest.leaf_size)),
        ("splits above an item", spread(forest.depth)),
        (
            "validated",
            format!(
                "{} checks, {} of them passed, no error",
                validation.checks.len(),
                validation.checks.iter().filter(|check| check.passed).count()
            ),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
