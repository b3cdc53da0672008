//! `cargo xtask bench`: us and other libraries, side by side in one run.
//!
//! Programs do the work: the release build of `bigannoy`, `compare` in `benches/src/bin`, and scripts
//! in `benches/peers`. What is here starts them, has them take turns, and keeps what they say, one
//! JSON object a line, in `results.jsonl`; `compare page` makes tables and plots of it.

mod build;
mod exact;
mod growth;
mod options;
mod parts;
mod process;
mod same_file;
mod search;
mod served;
mod session;
mod smoke;

use std::fs;

use options::{Options, Part};
use session::Session;

use crate::run::{Failure, Outcome, root};

pub(crate) use smoke::smoke;

const BEGIN: &str = "<!-- performance:begin -->";
const END: &str = "<!-- performance:end -->";

/// Runs what the words after `bench` ask for.
pub(crate) fn bench(words: &[&str]) -> Outcome {
    let options = Options::parse(words)?;
    if options.part == Part::Smoke { smoke() } else { measure(options) }
}

/// Measures, and makes a page of it.
fn measure(options: Options) -> Outcome {
    let mut session = Session::new(options)?;
    for part in session.options.parts() {
        match part {
            Part::Build => build::run(&mut session)?,
            Part::Search => search::run(&mut session)?,
            Part::SameFile => same_file::run(&mut session)?,
            Part::Exact => exact::run(&mut session)?,
            Part::Growth => growth::run(&mut session)?,
            Part::Parts => parts::run_all(&session)?,
            Part::Peers | Part::All | Part::Smoke => {}
        }
        // A page after each part: what is measured is not lost if the next part fails.
        session.page()?;
    }
    let results = session.options.out.join("results.md");
    if session.options.update_readme {
        update_readme(&session.options.out.join("readme.md"))?;
    }
    println!("{}", fs::read_to_string(&results).map_err(|e| e.to_string())?);
    println!("in {}", session.options.out.display());
    Ok(())
}

/// Replaces what stands between the marks in README.md.
fn update_readme(tables: &std::path::Path) -> Outcome {
    let path = root().join("README.md");
    let failed = |e: std::io::Error| Failure::from(format!("cannot update README.md: {e}"));
    let readme = fs::read_to_string(&path).map_err(failed)?;
    let tables = fs::read_to_string(tables).map_err(failed)?;
    fs::write(&path, replaced(&readme, &tables)?).map_err(failed)
}

fn replaced(readme: &str, results: &str) -> Result<String, Failure> {
    let marks = readme
        .split_once(BEGIN)
        .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
    let Some((before, after)) = marks else {
        return Err(format!("README.md has no lines {BEGIN} and {END}").into());
    };
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", results.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let readme = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(replaced(&readme, "new\n").unwrap(), format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert!(replaced("a\n", "new").is_err());
    }
}
