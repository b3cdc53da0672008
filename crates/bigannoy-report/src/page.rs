//! A page that holds tables and plots.

use std::fmt::Write as _;
use std::path::Path;

use crate::{Plot, ReportError, Table, output};

/// Text dark on white, tables that scroll where they are wide, and paper that does not break plots.
const STYLE: &str = "\
body{font:16px/1.5 system-ui,'DejaVu Sans',Verdana,Arial,sans-serif;color:#1a1a1a;background:#fff;\
max-width:800px;margin:0 auto;padding:24px 20px 48px}\
h1{font-size:26px;line-height:1.25;margin:0 0 8px}h2{font-size:19px;margin:36px 0 8px;\
border-bottom:1px solid #d4d4d4;padding-bottom:4px}p{margin:8px 0}.lead{color:#404040}\
figure{margin:20px 0;break-inside:avoid}figure svg{display:block;max-width:100%;height:auto}\
figcaption{font-size:14px;color:#404040}.wide{overflow-x:auto}\
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;margin:8px 0}\
th,td{padding:4px 10px;border-bottom:1px solid #e2e2e2;text-align:left;white-space:nowrap}\
th{border-bottom:2px solid #8a8a8a;background:#f6f6f6}td.n,th.n{text-align:right}\
table.facts th{background:none;border-bottom:1px solid #e2e2e2;font-weight:600}\
table.facts td{white-space:normal}@media print{body{max-width:none}}";

enum Part {
    Text(String),
    Facts(String, Vec<(String, String)>),
    Plot(Plot),
    Table(String, Table),
}

/// A page of text, facts, plots and tables, in the order in which they are added.
pub struct Report {
    title: String,
    lead: String,
    parts: Vec<Part>,
}

impl Report {
    /// A page with nothing but a title.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Report { title: title.into(), lead: String::new(), parts: Vec::new() }
    }

    /// Sets the sentence under the title: what was found.
    #[must_use]
    pub fn lead(mut self, text: impl Into<String>) -> Self {
        self.lead = text.into();
        self
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// Adds names with their values, such as the machine or the settings, under a heading.
    #[must_use]
    pub fn facts<N: Into<String>, V: Into<String>>(
        mut self,
        heading: impl Into<String>,
        facts: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let facts = facts.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self.parts.push(Part::Facts(heading.into(), facts));
        self
    }

    /// Adds a plot; one without a point is left out.
    #[must_use]
    pub fn plot(mut self, plot: Plot) -> Self {
        if !plot.is_empty() {
            self.parts.push(Part::Plot(plot));
        }
        self
    }

    /// Adds a table under a heading; columns in which no row has anything are left out.
    #[must_use]
    pub fn table(mut self, heading: impl Into<String>, table: Table) -> Self {
        self.parts.push(Part::Table(heading.into(), table));
        self
    }

    /// The page: one file that needs no other, no script and no network. It is well-formed XML, too.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = escaped(&self.title);
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
             <meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        );
        if !self.lead.is_empty() {
            put(&mut out, format_args!("<p class=\"lead\">{}</p>\n", escaped(&self.lead)));
        }
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => put(&mut out, format_args!("<p>{}</p>\n", escaped(text))),
                Part::Facts(heading, facts) => put_facts(&mut out, heading, facts),
                Part::Plot(plot) => put_plot(&mut out, at, plot),
                Part::Table(heading, table) => put_table(&mut out, heading, table),
            }
        }
        out.push_str("</body>\n</html>\n");
        out
    }

    /// Writes the page to `path`. A file that is there is replaced.
    ///
    /// # Errors
    /// [`ReportError`]: the name does not end in `.html`, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        Self::check_path(path)?;
        output::write(path, self.to_html().as_bytes())
    }

    /// Checks, ahead of the work, that a page can be written under this name, as far as the name and
    /// its directory tell.
    ///
    /// # Errors
    /// [`ReportError::Ending`] where the name does not end in `.html`, [`ReportError::Directory`]
    /// where its directory is not there.
    pub fn check_path(path: &Path) -> Result<(), ReportError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("html" | "htm") => output::check_directory(path),
            _ => Err(ReportError::Ending { path: path.to_path_buf(), expected: ".html" }),
        }
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes all text");
}

fn put_facts(out: &mut String, heading: &str, facts: &[(String, String)]) {
    put(out, format_args!("<h2>{}</h2>\n<table class=\"facts\">\n", escaped(heading)));
    for (name, value) in facts {
        let (name, value) = (escaped(name), escaped(value));
        put(out, format_args!("<tr><th>{name}</th><td>{value}</td></tr>\n"));
    }
    out.push_str("</table>\n");
}

fn put_table(out: &mut String, heading: &str, table: &Table) {
    let table = table.without_empty_columns();
    let class = |column| if table.is_numeric(column) { " class=\"n\"" } else { "" };
    put(out, format_args!("<h2>{}</h2>\n<div class=\"wide\"><table>\n<tr>", escaped(heading)));
    for (column, name) in table.columns().iter().enumerate() {
        put(out, format_args!("<th{}>{}</th>", class(column), escaped(name)));
    }
    out.push_str("</tr>\n");
    for row in table.rows() {
        out.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            put(out, format_args!("<td{}>{}</td>", class(column), escaped(&cell.shown())));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}

/// A plot as a picture of the page: it shrinks with the window, and shares no names with others.
fn put_plot(out: &mut String, at: usize, plot: &Plot) {
    let svg = plot.to_svg().replace("kuva-", &format!("plot{at}-"));
    let body = svg.strip_prefix("<svg").unwrap_or(&svg);
    let head = &body[..body.find('>').unwrap_or(body.len())];
    let size = |name: &str| {
        let value = head.split_once(&format!(" {name}=\""))?.1;
        Some(value.split_once('"')?.0.to_owned())
    };
    let view = match (size("width"), size("height")) {
        (Some(width), Some(height)) if !head.contains("viewBox") => {
            format!(" viewBox=\"0 0 {width} {height}\"")
        }
        _ => String::new(),
    };
    let title = escaped(plot.title());
    put(out, format_args!("<figure>\n<svg role=\"img\" aria-label=\"{title}\"{view}{body}\n"));
    if !plot.note.is_empty() {
        put(out, format_args!("<figcaption>{}</figcaption>\n", escaped(&plot.note)));
    }
    out.push_str("</figure>\n");
}

/// Text as it stands between tags and in quoted attributes. Control characters, which XML does not
/// have, become marks.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ if letter.is_control() && letter != '\n' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}
