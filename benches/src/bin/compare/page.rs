//! `compare page`: what was measured, as Markdown, SVG and HTML.

use std::fs;
use std::path::Path;

use bigannoy_bench::machine;
use bigannoy_report::{Axis, Cell, Plot, Report, Table};
use serde_json::Value;

use crate::Failure;
use crate::arguments::Arguments;

/// Recalls that settings are looked for to reach, as they stand in results and headings.
const TARGETS: [&str; 3] = ["0.90", "0.95", "0.99"];
const OURS: &str = "bigannoy";

/// What was measured: one JSON object for each figure, told apart by `kind`.
struct Results(Vec<Value>);

impl Results {
    fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |row| row["kind"] == kind)
    }

    fn has(&self, kind: &str) -> bool {
        self.of(kind).next().is_some()
    }

    /// The different texts under `name`, in the order in which they appear.
    fn names(&self, kind: &str, name: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for row in self.of(kind) {
            let found = text(row, name);
            if !names.contains(&found) {
                names.push(found);
            }
        }
        names
    }
}

fn text(row: &Value, name: &str) -> String {
    match &row[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn number(row: &Value, name: &str) -> Option<f64> {
    row[name].as_f64()
}

fn whole(row: &Value, name: &str) -> Option<i64> {
    row[name].as_i64()
}

fn ratio(row: &Value, above: &str, below: &str) -> Option<f64> {
    Some(number(row, above)? / number(row, below)?)
}

/// A table, with what stands above and below it.
struct Section {
    heading: &'static str,
    below: &'static str,
    table: Table,
    /// Whether README.md has it.
    in_readme: bool,
}

impl Section {
    fn to_markdown(&self) -> String {
        let below =
            if self.below.is_empty() { String::new() } else { format!("\n{}\n", self.below) };
        format!("\n{}:\n\n{}{below}", self.heading, self.table.to_markdown())
    }
}

/// Writes `results.md`, `readme.md` with less of it, `results.html` and a plot a file into `--out`, from the
/// lines of `--results`.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let out = arguments.path("out")?;
    let lines = fs::read_to_string(arguments.path("results")?)?;
    let rows: Result<Vec<Value>, _> = lines.lines().map(serde_json::from_str).collect();
    let results = Results(rows?);
    let mut page = Report::new("bigannoy and its peers").facts("Machine", machine());
    let mut markdown = introduction(&results, arguments.text("command")?);
    let mut readme = markdown.clone();
    for note in results.of("note") {
        page = page.text(text(note, "text"));
    }
    for section in sections(&results) {
        let text = section.to_markdown();
        markdown += &text;
        if section.in_readme {
            readme += &text;
        }
        page = page.table(section.heading, section.table).text(section.below);
    }
    for (name, plot) in plots(&results) {
        if !plot.is_empty() {
            plot.write(&out.join(format!("{name}.svg")))?;
            plot.write(&out.join(format!("{name}.png")))?;
            page = page.plot(plot);
        }
    }
    for (heading, table) in
        [("Curves", all(&results, "curve")), ("Targets", all(&results, "target"))]
    {
        if !table.rows().is_empty() {
            page = page.table(heading, table);
        }
    }
    fs::write(out.join("results.md"), markdown)?;
    fs::write(out.join("readme.md"), readme)?;
    page.write(Path::new(&out.join("results.html")))?;
    Ok(())
}

fn introduction(results: &Results, command: &str) -> String {
    let facts = machine();
    let fact = |name: &str| {
        facts.iter().find(|(found, _)| found == name).map_or("unknown", |(_, value)| value)
    };
    let mut text = format!(
        "Measured by `{command}` on {} processors ({}), {}, {}.",
        fact("processors"),
        fact("processor"),
        fact("memory"),
        fact("system")
    );
    for note in results.of("note") {
        text.push(' ');
        text.push_str(&self::text(note, "text"));
    }
    text.push('\n');
    text
}

/// A table for each kind of figures that was measured.
fn sections(results: &Results) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut add = |in_readme, kind, heading, below, make: &dyn Fn(&Results) -> Table| {
        if results.has(kind) {
            sections.push(Section { heading, below, table: make(results), in_readme });
        }
    };
    add(
        true,
        "target",
        "Queries per second in batches, by the recall at 10 that is reached",
        "The cheapest setting that reaches each recall; medians of interleaved rounds. Building is CPU \
         seconds.",
        &|results| throughput(results, None),
    );
    add(false, "target", "Queries per CPU second, likewise", "", &|results| {
        throughput(results, Some("cpu"))
    });
    add(
        true,
        "same_file",
        "One index file, the same search_k: queries per second of Annoy and of bigannoy",
        "A first batch finds an index that was just opened; what bigannoy copies of it then is in its \
         time. Times are wall time but in one column. The last tells of how many queries the neighbors \
         are not Annoy's.",
        &same_file,
    );
    add(
        true,
        "disk",
        "From matrix on disk to neighbors on disk, all processors",
        "Peers without the start of their interpreter, reading or writing; bigannoy as whole processes, \
         build, search and writing.",
        &from_disk,
    );
    add(
        true,
        "exact",
        "Exact search in one batch, queries per second of faiss Flat and of bigannoy",
        "faiss by its matrix product. Neighbors in common: those whose distances differ by less than its \
         rounding may be others.",
        &exact,
    );
    add(
        true,
        "build",
        "Building an index",
        "The cheaper of two turns; of rows and of trees alone, two builds in each. Trees alone: grown in \
         memory over rows that are there, as Annoy's `build()`. Disk to disk: bigannoy's command as a \
         whole process; of the others adding, building and saving, without the start of their interpreter \
         and reading.",
        &building,
    );
    add(true, "scale", "Building 10 trees, by rows and columns, one thread", "", &scale);
    add(true, "growth", "How cost grows", "", &growth);
    sections
}

/// A row for each peer, a column for each number of threads and target.
fn throughput(results: &Results, by: Option<&str>) -> Table {
    let threads = results.names("target", "threads");
    let mut columns = vec!["peer".to_owned()];
    for threads in &threads {
        let unit = if threads == "1" { "thread" } else { "threads" };
        columns.extend(TARGETS.map(|target| format!("{threads} {unit}: {target}")));
    }
    columns.extend(["building".to_owned(), "index MB".to_owned()]);
    let mut table = Table::new(columns);
    for group in results.names("target", "group") {
        let of_group = |row: &&Value| row["group"] == group.as_str();
        let find = |threads: &str, target: &str| {
            results
                .of("target")
                .filter(of_group)
                .find(|row| text(row, "threads") == *threads && text(row, "target") == *target)
        };
        let mut cells = vec![Cell::from(label(results, &group))];
        for threads in &threads {
            cells.extend(TARGETS.map(|target| {
                let row = find(threads, target);
                Cell::from(row.and_then(|row| ratio(row, "queries", by.unwrap_or("seconds"))))
            }));
        }
        // What was built for the middle target, or for any.
        let chosen = find(&threads[0], TARGETS[1]).or(results.of("target").find(of_group));
        let name = chosen.map(|row| text(row, "name")).unwrap_or_default();
        let peer = results.of("peer").find(|row| row["name"] == name.as_str());
        cells.push(peer.and_then(|peer| number(peer, "build_cpu")).into());
        cells.push(peer.and_then(|peer| Some(number(peer, "bytes")? / 1e6)).into());
        table.push(cells);
    }
    table
}

fn label(results: &Results, group: &str) -> String {
    let peer = results.of("peer").find(|row| row["group"] == group);
    let version = peer.map(|peer| text(peer, "version")).unwrap_or_default();
    let number = version.rsplit(' ').next().unwrap_or_default();
    if group.starts_with(OURS) { group.to_owned() } else { format!("{group} {number}") }
}

fn same_file(results: &Results) -> Table {
    let mut table = Table::new([
        "metric",
        "queries",
        "search_k",
        "recall",
        "1 thread: Annoy",
        "bigannoy",
        "times",
        "times, by CPU",
        "2 threads: Annoy",
        "bigannoy",
        "times",
        "bigannoy's 2 threads to 1",
        "other neighbors",
    ]);
    for row in results.of("same_file").filter(|row| row["threads"] == 1) {
        let same = |other: &&Value| {
            ["metric", "mode", "search_k"].iter().all(|&name| other[name] == row[name])
        };
        let two = results.of("same_file").filter(same).find(|other| other["threads"] == 2);
        let of_two = |name| two.and_then(|two| number(two, name));
        let others = [Some(row), two].into_iter().flatten().filter_map(|row| whole(row, "other"));
        table.push([
            Cell::from(text(row, "metric")),
            Cell::from(text(row, "mode")),
            whole(row, "search_k").into(),
            number(row, "recall").into(),
            number(row, "annoy").into(),
            number(row, "ours").into(),
            ratio(row, "ours", "annoy").into(),
            ratio(row, "ours_cpu", "annoy_cpu").into(),
            of_two("annoy").into(),
            of_two("ours").into(),
            two.and_then(|two| ratio(two, "ours", "annoy")).into(),
            of_two("ours").zip(number(row, "ours")).map(|(two, one)| two / one).into(),
            others.max().into(),
        ]);
    }
    table
}

fn exact(results: &Results) -> Table {
    let mut table = Table::new([
        "k",
        "threads",
        "queries",
        "faiss",
        "bigannoy",
        "times",
        "times, by CPU",
        "neighbors in common",
    ]);
    for row in results.of("exact") {
        table.push([
            Cell::from(whole(row, "k")),
            whole(row, "threads").into(),
            whole(row, "queries").into(),
            ratio(row, "queries", "peer").into(),
            ratio(row, "queries", "ours").into(),
            ratio(row, "peer", "ours").into(),
            ratio(row, "peer_cpu", "ours_cpu").into(),
            ratio(row, "shared", "neighbors").into(),
        ]);
    }
    table.without_empty_columns()
}

fn from_disk(results: &Results) -> Table {
    let ours = results.of("disk").filter(|row| text(row, "group").starts_with(OURS));
    let best = ours.filter_map(|row| number(row, "seconds")).fold(f64::INFINITY, f64::min);
    let mut table = Table::new([
        "way",
        "recall",
        "build, s",
        "search, s",
        "in all, s",
        "times bigannoy's best",
    ]);
    for row in results.of("disk") {
        table.push([
            Cell::from(text(row, "group")),
            number(row, "recall").into(),
            number(row, "build_seconds").into(),
            number(row, "search_seconds").into(),
            number(row, "seconds").into(),
            number(row, "seconds").map(|seconds| seconds / best).into(),
        ]);
    }
    table
}

/// Trees are compared with trees, and wholes with wholes.
fn building(results: &Results) -> Table {
    let mut table = Table::new([
        "rows",
        "columns",
        "trees",
        "threads",
        "builder",
        "trees alone, s",
        "CPU s",
        "times our CPU",
        "times as fast as one thread",
        "adding rows, CPU s",
        "disk to disk, s",
        "its CPU s",
        "times ours",
        "anonymous MB",
        "index MB",
    ]);
    for row in results.of("build") {
        let same =
            |names: &[&str], other: &Value| names.iter().all(|&name| other[name] == row[name]);
        let one = |names: &[&str], field: &str, value: Value| {
            let find = |other: &&Value| same(names, other) && other[field] == value;
            results.of("build").find(find)
        };
        let cell = ["rows", "columns", "trees", "threads"];
        let ours = one(&cell, "builder", "bigannoy".into());
        let times = |name: &str| Some(number(row, name)? / number(ours?, name)?);
        let single = one(&["rows", "columns", "trees", "builder"], "threads", 1.into());
        let scaled = single.and_then(|single| {
            Some(number(single, "trees_seconds")? / number(row, "trees_seconds")?)
        });
        table.push([
            whole(row, "rows").into(),
            whole(row, "columns").into(),
            whole(row, "trees").into(),
            whole(row, "threads").into(),
            Cell::from(text(row, "builder")),
            number(row, "trees_seconds").into(),
            number(row, "trees_cpu").into(),
            times("trees_cpu").into(),
            scaled.into(),
            number(row, "rows_cpu").into(),
            number(row, "seconds").into(),
            number(row, "cpu").into(),
            times("seconds").into(),
            number(row, "anonymous").map(|bytes| bytes / 1e6).into(),
            number(row, "bytes").map(|bytes| bytes / 1e6).into(),
        ]);
    }
    table
}

fn scale(results: &Results) -> Table {
    let mut table = Table::new(["rows", "columns", "Annoy, s", "bigannoy, s", "ratio"]);
    for row in results.of("scale") {
        table.push([
            Cell::from(whole(row, "rows")),
            whole(row, "columns").into(),
            number(row, "annoy").into(),
            number(row, "ours").into(),
            ratio(row, "annoy", "ours").into(),
        ]);
    }
    table
}

fn growth(results: &Results) -> Table {
    let mut table = Table::new([
        "rows",
        "columns",
        "build, s",
        "queries per second",
        "median query, ms",
        "note",
    ]);
    for row in results.of("growth") {
        table.push([
            Cell::from(whole(row, "rows")),
            whole(row, "columns").into(),
            number(row, "build").into(),
            number(row, "rate").into(),
            number(row, "latency").into(),
            Some(text(row, "note")).filter(|note| !note.is_empty()).into(),
        ]);
    }
    table.without_empty_columns()
}

/// All that is known of one kind, under the names that it has in the results.
fn all(results: &Results, kind: &str) -> Table {
    let first = results.of(kind).next().and_then(Value::as_object);
    let names: Vec<&String> = first.into_iter().flat_map(|row| row.keys()).collect();
    let names: Vec<&String> = names.into_iter().filter(|name| *name != "kind").collect();
    let mut table = Table::new(names.iter().copied());
    for row in results.of(kind) {
        table.push(names.iter().map(|name| match &row[name.as_str()] {
            Value::Number(number) => Cell::from(number.as_f64()),
            Value::Null => Cell::Missing,
            _ => Cell::from(text(row, name)),
        }));
    }
    table
}

fn plots(results: &Results) -> Vec<(&'static str, Plot)> {
    vec![
        ("recall", recall(results)),
        ("build", builds(results)),
        ("scale-rows", scales(results, "rows", "columns")),
        ("scale-columns", scales(results, "columns", "rows")),
        ("growth-build", grown(results, "build", "Build time", "seconds")),
        ("growth-search", grown(results, "rate", "Throughput", "queries per second")),
    ]
}

/// Each group's points that no other of its points beats.
fn recall(results: &Results) -> Plot {
    let plot = Plot::new(
        "Recall and throughput of batches, one thread",
        Axis::linear("recall at 10"),
        Axis::log("queries per second"),
    )
    .note("Up and to the right is better.");
    results.names("curve", "group").iter().fold(plot, |plot, group| {
        let rows = results.of("curve").filter(|row| row["group"] == group.as_str());
        let mut points: Vec<(f64, f64)> =
            rows.filter_map(|row| Some((number(row, "recall")?, number(row, "rate")?))).collect();
        points.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let mut best = 0.0;
        points.retain(|&(recall, rate)| {
            let kept = rate > best && recall >= 0.5;
            best = f64::max(best, rate);
            kept
        });
        plot.line(group.clone(), points)
    })
}

fn builds(results: &Results) -> Plot {
    let plot = Plot::new(
        "Build time by trees",
        Axis::linear("trees"),
        Axis::log("seconds to build the index"),
    );
    let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for row in results.of("build") {
        let (Some(trees), Some(seconds)) = (number(row, "trees"), number(row, "seconds")) else {
            continue;
        };
        let threads = text(row, "threads");
        let unit = if threads == "1" { "thread" } else { "threads" };
        let (columns, builder) = (text(row, "columns"), text(row, "builder"));
        let name = format!("{builder}, {columns} columns, {threads} {unit}");
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push((trees, seconds)),
            None => lines.push((name, vec![(trees, seconds)])),
        }
    }
    lines.into_iter().fold(plot, |plot, (name, points)| plot.line(name, points))
}

/// Build time along one side of the grid, at the extent of the other side that most cells have.
fn scales(results: &Results, along: &str, fixed: &str) -> Plot {
    let sizes = results.names("scale", fixed);
    let count =
        |size: &&String| results.of("scale").filter(|row| text(row, fixed) == **size).count();
    let Some(size) = sizes.iter().max_by_key(count) else {
        return Plot::new("", Axis::log(""), Axis::log(""));
    };
    let plot = Plot::new(
        format!("Build time of 10 trees by {along}"),
        Axis::log(format!("{along} of the reference, {size} {fixed}")),
        Axis::log("seconds to build the index"),
    );
    let mut plot = plot;
    let points = results.of("scale").filter(|row| text(row, fixed) == *size);
    let points: Vec<(f64, f64)> =
        points.filter_map(|row| Some((number(row, along)?, number(row, "ours")?))).collect();
    if along == "rows"
        && let Some(&(first, seconds)) = points.first()
    {
        let from = |n: f64| seconds * (n * n.log2()) / (first * first.log2());
        plot = plot.line("n log n", points.iter().map(|&(n, _)| (n, from(n))));
    }
    [("annoy", "Annoy"), ("ours", "bigannoy")].iter().fold(plot, |plot, (column, name)| {
        let rows = results.of("scale").filter(|row| text(row, fixed) == *size);
        plot.line(*name, rows.filter_map(|row| Some((number(row, along)?, number(row, column)?))))
    })
}

fn grown(results: &Results, column: &str, title: &str, unit: &str) -> Plot {
    let plot = Plot::new(title, Axis::log("rows of the reference"), Axis::log(unit));
    results.names("growth", "columns").iter().fold(plot, |plot, columns| {
        let rows = results.of("growth").filter(|row| text(row, "columns") == *columns);
        let points = rows.filter_map(|row| Some((number(row, "rows")?, number(row, column)?)));
        plot.line(format!("{columns} columns"), points)
    })
}
