//! As much Markdown as the other commands need: fences, headings, links, tables.

use std::collections::{HashMap, HashSet};

/// A line of a document.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    /// Without its end.
    pub(crate) text: &'a str,
    /// Whether the line is a fence or stands between two.
    pub(crate) code: bool,
}

/// The line that opens a fenced block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fence<'a> {
    mark: char,
    length: usize,
    /// What follows the marks: the language.
    pub(crate) info: &'a str,
}

impl Fence<'_> {
    /// Whether `line` ends the block that this fence opens.
    pub(crate) fn is_closed_by(&self, line: &str) -> bool {
        fence(line)
            .is_some_and(|f| f.mark == self.mark && f.length >= self.length && f.info.is_empty())
    }
}

/// The fence that `line` is, if it is one.
pub(crate) fn fence(line: &str) -> Option<Fence<'_>> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    let info = info.trim();
    // Text such as ```` ```x``` ```` in a line is no fence.
    (length >= 3 && !(mark == '`' && info.contains('`'))).then_some(Fence { mark, length, info })
}

/// The lines of a document, with fenced blocks marked.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut open: Option<Fence<'_>> = None;
    (1..)
        .zip(text.lines())
        .map(|(number, text)| {
            let code = if let Some(fence) = open {
                if fence.is_closed_by(text) {
                    open = None;
                }
                true
            } else {
                open = fence(text);
                open.is_some()
            };
            Line { number, text, code }
        })
        .collect()
}

/// The text of the heading that `line` is, if it is one.
pub(crate) fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    let is_heading = (1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    is_heading.then(|| rest.trim().trim_end_matches('#').trim_end())
}

/// The cells of a row of a table, if `line` is one.
pub(crate) fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// The anchors that a document offers: its headings as GitHub names them, and `id`s and `name`s
/// given in HTML.
pub(crate) fn anchors(text: &str) -> HashSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut anchors = HashSet::new();
    for line in lines(text).iter().filter(|line| !line.code) {
        if let Some(heading) = heading(line.text) {
            let slug = slug(heading);
            let count = seen.entry(slug.clone()).or_default();
            anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
            *count += 1;
        }
        for key in [" id=\"", " name=\""] {
            let values = line.text.split(key).skip(1).filter_map(|rest| rest.split('"').next());
            anchors.extend(values.map(str::to_owned));
        }
    }
    anchors
}

/// A heading as the anchor that GitHub gives it.
fn slug(heading: &str) -> String {
    // Of a link only the text counts.
    let mut text = String::new();
    let mut rest = heading;
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c => c.is_alphanumeric().then_some(c),
        })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Where the links and images of a document point to, each with the number of its line.
pub(crate) fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for line in lines(text).iter().filter(|line| !line.code) {
        let text = without_code(line.text);
        if let Some(target) = definition(&text) {
            links.push((line.number, target));
            continue;
        }
        for rest in text.split("](").skip(1) {
            links.push((line.number, target(rest)));
        }
    }
    links
}

/// A line without what stands between backticks.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let (before, ticks) = rest.split_at(start);
        let after = ticks.trim_start_matches('`');
        let ticks = &ticks[..ticks.len() - after.len()];
        out.push_str(before);
        if let Some(end) = closing(after, ticks.len()) {
            rest = &after[end..];
        } else {
            out.push_str(ticks);
            rest = after;
        }
    }
    out + rest
}

/// Where the text goes on after the next run of exactly `length` backticks.
fn closing(text: &str, length: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let run = text[start..].len() - text[start..].trim_start_matches('`').len();
        at = start + run;
        if run == length {
            return Some(at);
        }
    }
    None
}

/// The target in a line `[label]: target`.
fn definition(line: &str) -> Option<String> {
    let (label, rest) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
    let is_label = !label.is_empty() && !label.starts_with('^') && !label.contains(['[', ']']);
    (is_label && rest.starts_with([' ', '\t'])).then(|| target(rest.trim_start()))
}

/// The target at the start of what follows `](`.
fn target(rest: &str) -> String {
    let rest = rest.trim_start();
    if let Some(inner) = rest.strip_prefix('<') {
        return inner.split('>').next().unwrap_or_default().to_owned();
    }
    let mut depth = 0_usize;
    let end = rest.find(|c: char| match c {
        '(' => {
            depth += 1;
            false
        }
        ')' if depth == 0 => true,
        ')' => {
            depth -= 1;
            false
        }
        c => c.is_whitespace(),
    });
    rest[..end.unwrap_or(rest.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<String> {
        links(text).into_iter().map(|(_, target)| target).collect()
    }

    #[test]
    fn code_is_marked() {
        let code = |text| lines(text).iter().map(|l| l.code).collect::<Vec<_>>();
        assert_eq!(code("a\n```sh\nb\n```\nc"), [false, true, true, true, false]);
        assert_eq!(code("~~~\n```\n~~~\nc"), [true, true, true, false]);
        assert_eq!(code("````\n```\n````x\n`````\nc"), [true, true, true, true, false]);
        assert_eq!(code("```a``` b\nc"), [false, false]);
    }

    #[test]
    fn anchors_as_github_names_them() {
        let text = "# The `map` (1.2)\n## Crate map\n## Crate map\n```\n# no\n```\n\
                    ### [Link](x.md) & more ##\n<a id=\"here\"></a>\n#no\n";
        let mut found: Vec<_> = anchors(text).into_iter().collect();
        found.sort();
        assert_eq!(found, ["crate-map", "crate-map-1", "here", "link--more", "the-map-12"]);
    }

    #[test]
    fn finds_every_link() {
        assert_eq!(targets("a [b](c.md) and ![d](e%20f.png \"title\")"), ["c.md", "e%20f.png"]);
        assert_eq!(targets("[a](<b c.md>) [d](e_(f).md)."), ["b c.md", "e_(f).md"]);
        assert_eq!(targets("[![badge](a.svg)](b)"), ["a.svg", "b"]);
        assert_eq!(targets("[0.1.0]: https://example.org/x\n[^1]: no"), ["https://example.org/x"]);
        assert_eq!(links("x\n\n[a](b)"), [(3, "b".to_owned())]);
    }

    #[test]
    fn code_holds_no_links() {
        assert!(targets("`[a](b)` and ``c`[d](e)``\n```\n[f](g)\n```").is_empty());
        assert_eq!(targets("a ` b [c](d)"), ["d"]);
        assert_eq!(targets("[`a`](b)"), ["b"]);
    }
}
