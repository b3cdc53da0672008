//! A page is well formed, whatever is put on it, and shows everything.

use std::fs;

use bigannoy_report::{Axis, Cell, Plot, Report, ReportError, Table, write_table};
use roxmltree::{Document, ParsingOptions};

const HOSTILE: &str = "<b> & \"quoted\" $x$ 'a' \u{1}";

fn plot(title: &str, lines: usize) -> Plot {
    let axes = (Axis::linear("recall at 10"), Axis::log("queries per second"));
    (0..lines).fold(Plot::new(title, axes.0, axes.1).note(HOSTILE), |plot, line| {
        let height = 1000.0 + 10.0 * f64::from(u32::try_from(line).expect("a few lines"));
        plot.line(format!("line {line} {HOSTILE}"), [(0.8, height), (0.9, height / 3.0)])
    })
}

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).expect("a well-formed page")
}

#[test]
fn a_page_is_well_formed_and_has_every_part() {
    let mut table = Table::new(["name", "value"]);
    table.push([Cell::from(HOSTILE), Cell::from(12.5)]);
    let page = Report::new(HOSTILE)
        .lead(HOSTILE)
        .text(HOSTILE)
        .facts(HOSTILE, [(HOSTILE, HOSTILE)])
        .plot(plot("first", 3))
        .plot(plot("second <&>", 14))
        .plot(Plot::new("nothing to see", Axis::linear("x"), Axis::linear("y")))
        .table(HOSTILE, table)
        .to_html();
    let document = parsed(&page);
    let named = |name: &str| document.descendants().filter(|n| n.has_tag_name(name)).count();
    let svg = "http://www.w3.org/2000/svg";
    let figures: Vec<_> =
        document.descendants().filter(|node| node.has_tag_name((svg, "svg"))).collect();
    let labels: Vec<_> = figures.iter().map(|figure| figure.attribute("aria-label")).collect();
    assert_eq!(labels, [Some("first"), Some("second <&>")]);
    let xhtml = "http://www.w3.org/1999/xhtml";
    let rows = document.descendants().filter(|n| n.has_tag_name((xhtml, "tr"))).count();
    assert_eq!(rows, 1 + 2, "one row of facts, and a heading and a row of the table");
    for figure in figures {
        let texts: Vec<&str> = figure.descendants().filter_map(|node| node.text()).collect();
        for wanted in ["recall at 10", "queries per second (log scale)"] {
            assert!(texts.contains(&wanted), "{wanted} among {texts:?}");
        }
    }
    // Nothing is fetched, and nothing runs.
    assert_eq!(named("script") + named("link") + named("img") + named("image"), 0);
    let addresses: Vec<_> = page.match_indices("http").map(|(at, _)| &page[at..]).collect();
    assert!(addresses.iter().all(|rest| rest.starts_with("http://www.w3.org/")));
}

#[test]
fn names_within_plots_are_unique_on_a_page() {
    let page = Report::new("two").plot(plot("a", 2)).plot(plot("b", 2)).to_html();
    let document = parsed(&page);
    let mut names: Vec<_> =
        document.descendants().filter_map(|node| node.attribute("id")).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn every_line_is_drawn_and_in_the_legend() {
    let svg = plot("many", 12).to_svg();
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
    for line in 0..12 {
        let name = format!("line {line} ");
        assert!(texts.iter().any(|text| text.starts_with(&name)), "{name} among {texts:?}");
    }
    let size = |name| document.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
    let lowest = document
        .descendants()
        .filter(|node| node.tag_name().name() == "text")
        .filter_map(|node| node.attribute("y")?.parse::<f64>().ok())
        .fold(0.0, f64::max);
    assert!(lowest + 4.0 < size("height"), "a line of text at {lowest} of {}", size("height"));
    let circles = document.descendants().filter(|node| node.tag_name().name() == "circle").count();
    assert!(circles >= 24, "{circles} marks of 24 points");
}

#[test]
fn points_without_a_place_are_left_out() {
    let plot = Plot::new("t", Axis::linear("x"), Axis::log("y"));
    assert!(plot.clone().line("none", [(1.0, 0.0), (2.0, f64::NAN)]).is_empty());
    let svg = plot.line("one", [(1.0, -1.0), (2.0, 5.0), (3.0, 6.0)]).to_svg();
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn files_are_written_by_their_endings() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    plot("p", 2).write(&at("p.svg")).unwrap();
    assert!(fs::read_to_string(at("p.svg")).unwrap().ends_with("</svg>"));
    plot("p", 2).write(&at("p.png")).unwrap();
    let png = fs::read(at("p.png")).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
    assert_eq!(width, 2 * 760);
    assert!(matches!(plot("p", 2).write(&at("p.gif")), Err(ReportError::Ending { .. })));

    let table = Table::new(["a"]);
    write_table(&table, &at("t.csv")).unwrap();
    assert_eq!(fs::read_to_string(at("t.csv")).unwrap(), "a\n");
    write_table(&table, &at("t.jsonl")).unwrap();
    assert_eq!(fs::read_to_string(at("t.jsonl")).unwrap(), "");
    assert!(matches!(write_table(&table, &at("t.txt")), Err(ReportError::Ending { .. })));
    assert!(matches!(write_table(&table, &at("missing/t.csv")), Err(ReportError::Write { .. })));
    assert!(Report::check_path(&at("r.html")).is_ok());
    // Found before the work and not after it.
    for error in [
        Report::check_path(&at("none/r.html")).unwrap_err(),
        Table::check_path(&at("none/t.csv")).unwrap_err(),
    ] {
        assert!(matches!(error, ReportError::Directory { .. }), "{error}");
    }
    assert!(Table::check_path(&at("t.jsonl")).is_ok());
    assert!(matches!(Table::check_path(&at("t.txt")), Err(ReportError::Ending { .. })));
    assert!(matches!(Report::new("t").write(&at("r.pdf")), Err(ReportError::Ending { .. })));
}
