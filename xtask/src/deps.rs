//! `cargo xtask deps`: holds the manifests against the crate map in ARCHITECTURE.md.
//!
//! The table there says which crates there are, in which tier each is, and what it may use; an
//! edge between our crates always points to a lower tier. What is in one and not in the other
//! is a fault, so the page stays true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::markdown;
use crate::run::{Failure, Outcome, capture, cargo, outcome, read};

const HEADING: &str = "Crate map";
const HEADER: [&str; 5] = ["crate", "tier", "does one thing", "own crates", "outside crates"];

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    tier: u32,
    /// Full names.
    own: BTreeSet<String>,
    outside: BTreeSet<String>,
}

/// A package of the workspace.
#[derive(Debug)]
struct Package {
    name: String,
    /// Whether it is one of the crates we offer, and not tests, benches or xtask.
    is_crate: bool,
    /// Normal and build dependencies, for any target and behind any feature.
    normal: BTreeSet<String>,
    dev: BTreeSet<String>,
}

/// Compares the table with what cargo knows.
pub(crate) fn deps() -> Outcome {
    let metadata =
        capture(&mut cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&metadata)
        .map_err(|e| Failure::from(format!("cannot understand `cargo metadata`: {e}")))?;
    let packages = packages(&metadata)
        .ok_or_else(|| Failure::from("`cargo metadata` lacks a field".to_owned()))?;
    let crates = packages.iter().filter(|p| p.is_crate).map(|p| p.name.as_str()).collect();
    let rows = table(&read("ARCHITECTURE.md")?, &crates).map_err(Failure)?;
    let faults = compare(&rows, &packages);
    if faults.is_empty() {
        println!("deps: {} crates are as the crate map says", rows.len());
    }
    outcome(faults)
}

/// The packages in the output of `cargo metadata`.
fn packages(metadata: &Value) -> Option<Vec<Package>> {
    let crates = Path::new(metadata["workspace_root"].as_str()?).join("crates");
    let package = |value: &Value| {
        let mut package = Package {
            name: value["name"].as_str()?.to_owned(),
            is_crate: Path::new(value["manifest_path"].as_str()?).starts_with(&crates),
            normal: BTreeSet::new(),
            dev: BTreeSet::new(),
        };
        for dependency in value["dependencies"].as_array()? {
            let is_dev = dependency["kind"] == "dev";
            let set = if is_dev { &mut package.dev } else { &mut package.normal };
            set.insert(dependency["name"].as_str()?.to_owned());
        }
        Some(package)
    };
    metadata["packages"].as_array()?.iter().map(package).collect()
}

/// The table under the heading, by full crate name. `crates` are the names that exist: with
/// them, `metric` is known to mean `bigannoy-metric`.
fn table(text: &str, crates: &BTreeSet<&str>) -> Result<BTreeMap<String, Row>, Vec<String>> {
    let fault = |what: &str| vec![format!("ARCHITECTURE.md: {what}")];
    let lines: Vec<_> = markdown::lines(text).into_iter().filter(|line| !line.code).collect();
    let heading = |line: &str| line.starts_with("## ") && markdown::heading(line) == Some(HEADING);
    let at = lines
        .iter()
        .position(|line| heading(line.text))
        .ok_or_else(|| fault("no heading `## Crate map`"))?;
    let mut section = lines[at + 1..]
        .iter()
        .take_while(|line| markdown::heading(line.text).is_none())
        .skip_while(|line| markdown::cells(line.text).is_none_or(|cells| cells != HEADER));
    let no_table = || fault(&format!("no table `| {} |` under `## Crate map`", HEADER.join(" | ")));
    section.next().ok_or_else(no_table)?;
    let is_rule = |cell: &&str| cell.len() >= 3 && cell.bytes().all(|b| matches!(b, b'-' | b':'));
    section
        .next()
        .and_then(|line| markdown::cells(line.text))
        .filter(|cells| cells.iter().all(is_rule))
        .ok_or_else(no_table)?;

    let mut rows = BTreeMap::new();
    let mut faults = Vec::new();
    for line in section {
        let Some(cells) = markdown::cells(line.text) else { break };
        match row(&cells, crates) {
            Err(what) => faults.push(format!("ARCHITECTURE.md:{}: {what}", line.number)),
            Ok((name, row)) => {
                if rows.insert(name.clone(), row).is_some() {
                    faults.push(format!("ARCHITECTURE.md:{}: {name} again", line.number));
                }
            }
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

fn row(cells: &[&str], crates: &BTreeSet<&str>) -> Result<(String, Row), String> {
    let &[name, tier, _, own, outside] = cells else {
        return Err(format!("{} cells, expected {}", cells.len(), HEADER.len()));
    };
    let name = full_name(bare(name), crates);
    let tier = tier.parse().map_err(|_| format!("the tier of {name} is `{tier}`, not a number"))?;
    let own = list(own)?.into_iter().map(|name| full_name(name, crates)).collect();
    let outside = list(outside)?.into_iter().map(str::to_owned).collect();
    Ok((name, Row { tier, own, outside }))
}

/// The names in a cell; a dash means none.
fn list(cell: &str) -> Result<Vec<&str>, String> {
    if matches!(cell, "–" | "-" | "—") {
        return Ok(Vec::new());
    }
    let names: Vec<_> = cell.split(',').map(|name| bare(name.trim())).collect();
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("`{name}` is no crate name in `{cell}`; none is written `–`")),
        None => Ok(names),
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap_or(name)
}

fn full_name(name: &str, crates: &BTreeSet<&str>) -> String {
    let long = format!("bigannoy-{name}");
    if !crates.contains(name) && crates.contains(long.as_str()) { long } else { name.to_owned() }
}

/// Every difference between the table and the packages, and every edge that does not point down.
fn compare(rows: &BTreeMap<String, Row>, packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    let crates: BTreeSet<&str> =
        packages.iter().filter(|p| p.is_crate).map(|p| p.name.as_str()).collect();
    let helpers: BTreeSet<&str> =
        packages.iter().filter(|p| !p.is_crate).map(|p| p.name.as_str()).collect();

    for name in rows.keys().filter(|name| !crates.contains(name.as_str())) {
        faults.push(format!("{name} is in the crate map, and not under crates/"));
    }
    for package in packages {
        let name = &package.name;
        if !package.is_crate {
            if name == "xtask" {
                for own in
                    package.normal.union(&package.dev).filter(|d| crates.contains(d.as_str()))
                {
                    faults.push(format!("xtask depends on {own}; it may use none of our crates"));
                }
            }
            continue;
        }
        for helper in package.normal.union(&package.dev).filter(|d| helpers.contains(d.as_str())) {
            faults.push(format!("{name} depends on {helper}, which no crate may use"));
        }
        let Some(row) = rows.get(name) else {
            faults.push(format!("{name} is under crates/, and not in the crate map"));
            continue;
        };
        let (own, outside): (BTreeSet<_>, BTreeSet<_>) = package
            .normal
            .iter()
            .filter(|d| !helpers.contains(d.as_str()))
            .cloned()
            .partition(|d| crates.contains(d.as_str()));
        for (kind, used, listed) in [("own", &own, &row.own), ("outside", &outside, &row.outside)] {
            for d in used.difference(listed) {
                faults.push(format!("{name} depends on {d}; the crate map lists it not as {kind}"));
            }
            for d in listed.difference(used) {
                faults
                    .push(format!("the crate map lists {d} as {kind} for {name}; it is not used"));
            }
        }
        for (kind, set) in
            [("depends on", &package.normal), ("has a dev-dependency on", &package.dev)]
        {
            for (d, other) in set.iter().filter_map(|d| Some((d, rows.get(d)?))) {
                if other.tier >= row.tier {
                    faults.push(format!(
                        "{name} (tier {}) {kind} {d} (tier {}): edges point to a lower tier",
                        row.tier, other.tier
                    ));
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Architecture
## Crate map
Text.

| crate | tier | does one thing | own crates | outside crates |
| --- | ---: | --- | --- | --- |
| `bigannoy-metric` | 0 | distances | – | - |
| format | 1 | nodes | metric | `bytemuck`, thiserror |
| `bigannoy` | 2 | the facade | `bigannoy-format`, metric | – |

| something | else |
## Next
";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn package(name: &str, normal: &[&str], dev: &[&str]) -> Package {
        let is_crate = name.starts_with("bigannoy") && name != "bigannoy-tests";
        Package { name: name.to_owned(), is_crate, normal: set(normal), dev: set(dev) }
    }

    fn workspace() -> Vec<Package> {
        vec![
            package("bigannoy-metric", &[], &["proptest"]),
            package("bigannoy-format", &["bigannoy-metric", "bytemuck", "thiserror"], &[]),
            package("bigannoy", &["bigannoy-format", "bigannoy-metric"], &[]),
            package("bigannoy-tests", &["bigannoy", "md-5"], &[]),
            package("xtask", &["serde_json"], &[]),
        ]
    }

    fn parse(page: &str) -> Result<BTreeMap<String, Row>, Vec<String>> {
        table(page, &["bigannoy", "bigannoy-format", "bigannoy-metric"].into())
    }

    /// The only fault after `change`.
    fn fault(change: impl FnOnce(&mut Vec<Package>)) -> String {
        let mut packages = workspace();
        change(&mut packages);
        let faults = compare(&parse(PAGE).unwrap(), &packages);
        assert_eq!(faults.len(), 1, "{faults:#?}");
        faults.into_iter().next().unwrap()
    }

    #[test]
    fn reads_the_table() {
        let rows = parse(PAGE).unwrap();
        let names: Vec<_> = rows.keys().map(String::as_str).collect();
        assert_eq!(names, ["bigannoy", "bigannoy-format", "bigannoy-metric"]);
        let format = &rows["bigannoy-format"];
        assert_eq!(format.tier, 1);
        assert_eq!(format.own, set(&["bigannoy-metric"]));
        assert_eq!(format.outside, set(&["bytemuck", "thiserror"]));
        assert_eq!(rows["bigannoy"].own, set(&["bigannoy-format", "bigannoy-metric"]));
        assert!(rows["bigannoy-metric"].outside.is_empty());
    }

    #[test]
    fn a_table_that_cannot_be_read_is_a_fault() {
        let fails =
            |from: &str, to: &str| parse(&PAGE.replacen(from, to, 1)).unwrap_err().join("\n");
        assert!(fails("## Crate map", "## Crates").contains("no heading"));
        assert!(fails("| tier |", "| level |").contains("no table"));
        assert!(fails("| ---: |", "| x |").contains("no table"));
        assert!(fails("| 1 |", "| one |").contains(":8: the tier of bigannoy-format"));
        assert!(fails("| nodes |", "| no | des |").contains("6 cells"));
        assert!(fails("| - |", "|  |").contains("no crate name"));
        assert!(fails("| format |", "| metric |").contains("bigannoy-metric again"));
    }

    #[test]
    fn a_workspace_like_the_table_has_no_faults() {
        assert_eq!(compare(&parse(PAGE).unwrap(), &workspace()), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_difference_is_a_fault() {
        let new = fault(|w| w.push(package("bigannoy-sink", &[], &[])));
        assert_eq!(new, "bigannoy-sink is under crates/, and not in the crate map");
        let unlisted = fault(|w| {
            w[0].normal.insert("rayon".to_owned());
        });
        assert_eq!(
            unlisted,
            "bigannoy-metric depends on rayon; the crate map lists it not as outside"
        );
        let unused = fault(|w| {
            w[1].normal.remove("bytemuck");
        });
        assert!(unused.contains("lists bytemuck as outside for bigannoy-format"));
        let unused = fault(|w| {
            w[2].normal.remove("bigannoy-metric");
        });
        assert!(unused.contains("lists bigannoy-metric as own for bigannoy"));
        let upward = fault(|w| {
            w[0].dev.insert("bigannoy".to_owned());
        });
        assert!(
            upward.contains("bigannoy-metric (tier 0) has a dev-dependency on bigannoy (tier 2)")
        );
        let helper = fault(|w| {
            w[0].dev.insert("bigannoy-tests".to_owned());
        });
        assert!(helper.contains("depends on bigannoy-tests"));
        let xtask = fault(|w| {
            w[4].normal.insert("bigannoy-metric".to_owned());
        });
        assert!(xtask.contains("xtask depends on bigannoy-metric"));

        let mut packages = workspace();
        packages.remove(2);
        let gone = compare(&parse(PAGE).unwrap(), &packages);
        assert_eq!(gone, ["bigannoy is in the crate map, and not under crates/"]);
    }

    #[test]
    fn a_listed_edge_within_a_tier_is_a_fault() {
        let rows = parse(&PAGE.replacen("| 0 |", "| 1 |", 1)).unwrap();
        let faults = compare(&rows, &workspace());
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(
            faults[0].starts_with("bigannoy-format (tier 1) depends on bigannoy-metric (tier 1)")
        );
    }

    #[test]
    fn reads_the_output_of_cargo() {
        let metadata = serde_json::json!({
            "workspace_root": "/r",
            "packages": [{
                "name": "bigannoy-x",
                "manifest_path": "/r/crates/bigannoy-x/Cargo.toml",
                "dependencies": [
                    {"name": "a", "kind": null, "target": "cfg(unix)"},
                    {"name": "b", "kind": "build"},
                    {"name": "c", "kind": "dev"},
                ],
            }, {"name": "xtask", "manifest_path": "/r/xtask/Cargo.toml", "dependencies": []}],
        });
        let packages = packages(&metadata).unwrap();
        assert!(packages[0].is_crate && !packages[1].is_crate);
        assert_eq!(packages[0].normal, set(&["a", "b"]));
        assert_eq!(packages[0].dev, set(&["c"]));
    }
}
