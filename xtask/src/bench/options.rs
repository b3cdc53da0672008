//! What can be said to `cargo xtask bench`.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::run::{Failure, root};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Build,
    Search,
    /// The last part of `Search` by itself.
    SameFile,
    Exact,
    Growth,
    /// Those in which others take part, and how cost grows.
    Peers,
    /// The parts of our own, each by itself.
    Parts,
    All,
    Smoke,
}

/// How our programs are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Release,
    /// As the tests are, which have just been compiled where this is wanted: no figure counts.
    Test,
}

impl Profile {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Test => "test",
        }
    }

    /// The folder within the target directory.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Test => "debug",
        }
    }
}

/// Where rows and queries come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Files { reference: PathBuf, query: PathBuf },
    Synthetic { shape: String, columns: usize },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) part: Part,
    pub(crate) source: Source,
    /// What near means: euclidean or angular.
    pub(crate) metric: String,
    /// Rows of the reference, at most.
    pub(crate) rows: Option<usize>,
    /// Queries, at most.
    pub(crate) queries: usize,
    pub(crate) quick: bool,
    /// Whether other libraries are left out.
    pub(crate) alone: bool,
    pub(crate) out: PathBuf,
    pub(crate) venv: Option<PathBuf>,
    pub(crate) update_readme: bool,
    pub(crate) profile: Profile,
    /// How long a cell of `growth` may take to be measured.
    pub(crate) budget: Duration,
    /// As it was typed.
    pub(crate) command: String,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Result<Self, Failure> {
        let (part, rest) = match words.split_first() {
            Some((&name, rest)) if !name.starts_with('-') => (part(name)?, rest),
            _ => (Part::Peers, words),
        };
        let mut options = Options {
            part,
            source: Source::Synthetic { shape: "clustered".to_owned(), columns: 50 },
            metric: "euclidean".to_owned(),
            rows: None,
            queries: 10_000,
            quick: false,
            alone: false,
            out: root().join("target").join("bench"),
            venv: env::var_os("BIGANNOY_PEERS").map(PathBuf::from),
            update_readme: false,
            profile: Profile::Release,
            budget: Duration::from_secs(60),
            command: format!("cargo xtask bench {}", told(words)).trim_end().to_owned(),
        };
        let (mut reference, mut query, mut shape, mut columns) = (None, None, None, None);
        let mut words = rest.iter();
        while let Some(&word) = words.next() {
            let mut value = || {
                words.next().copied().ok_or_else(|| Failure::from(format!("{word} has no value")))
            };
            match word {
                "--reference" => reference = Some(absolute(value()?)),
                "--query" => query = Some(absolute(value()?)),
                "--shape" => shape = Some(value()?.to_owned()),
                "--columns" => columns = Some(count(word, value()?)?),
                "--metric" => options.metric = metric(value()?)?,
                "--rows" => options.rows = Some(count(word, value()?)?),
                "--queries" => options.queries = count(word, value()?)?,
                "--out" => options.out = absolute(value()?),
                "--venv" => options.venv = Some(absolute(value()?)),
                "--budget" => options.budget = Duration::from_secs(count(word, value()?)? as u64),
                "--quick" => options.quick = true,
                "--alone" => options.alone = true,
                "--update-readme" => options.update_readme = true,
                _ => return Err(format!("cargo xtask bench does not know {word}").into()),
            }
        }
        match (reference, query, shape, columns) {
            (Some(reference), query, None, None) if query.is_some() || has_both(&reference) => {
                let query = query.unwrap_or_else(|| reference.clone());
                options.source = Source::Files { reference, query };
            }
            (None, None, shape, columns) => {
                let shape = shape.unwrap_or_else(|| "clustered".to_owned());
                options.source = Source::Synthetic { shape, columns: columns.unwrap_or(50) };
            }
            _ => {
                let fault = "--reference and --query go together but for a reference that ends in \
                             .hdf5, and not with --shape or --columns";
                return Err(fault.to_owned().into());
            }
        }
        Ok(options)
    }

    /// Rows of the reference: quick runs take some of them.
    pub(crate) fn most_rows(&self) -> usize {
        let most = match self.source {
            Source::Files { .. } => usize::MAX >> 1,
            Source::Synthetic { .. } => 400_000,
        };
        self.rows.unwrap_or(if self.quick { 50_000 } else { most })
    }

    /// What is measured, one after the other.
    pub(crate) fn parts(&self) -> Vec<Part> {
        match self.part {
            Part::Peers => vec![Part::Search, Part::Build, Part::Growth],
            Part::All => vec![Part::Search, Part::Build, Part::Growth, Part::Parts],
            part => vec![part],
        }
    }

    /// Rounds of which the median counts.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }
}

fn part(name: &str) -> Result<Part, Failure> {
    Ok(match name {
        "build" => Part::Build,
        "search" => Part::Search,
        "same-file" => Part::SameFile,
        "exact" => Part::Exact,
        "growth" => Part::Growth,
        "peers" => Part::Peers,
        "parts" => Part::Parts,
        "all" => Part::All,
        "smoke" => Part::Smoke,
        _ => {
            let fault = format!(
                "cargo xtask bench does not know {name}: build, search, same-file, exact, growth, \
                 peers, parts, all or smoke"
            );
            return Err(fault.into());
        }
    })
}

/// Those that all libraries know, under whichever name.
fn metric(name: &str) -> Result<String, Failure> {
    match name {
        "euclidean" | "angular" => Ok(name.to_owned()),
        _ => Err(format!("--metric is {name}, expected euclidean or angular").into()),
    }
}

fn count(name: &str, text: &str) -> Result<usize, Failure> {
    match text.replace('_', "").parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("{name} is {text}, expected a number of at least 1").into()),
    }
}

/// The words, without folders of this machine.
fn told(words: &[&str]) -> String {
    let name = |word: &&str| match Path::new(word).file_name() {
        Some(name) if word.contains('/') => name.to_string_lossy().into_owned(),
        _ => (*word).to_owned(),
    };
    let mut shown = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        // Where things are kept says nothing about what was measured.
        if matches!(*word, "--out" | "--venv") {
            words.next();
        } else if *word != "--update-readme" {
            shown.push(name(word));
        }
    }
    shown.join(" ")
}

/// Whether queries stand in the same file.
fn has_both(reference: &Path) -> bool {
    reference.extension().is_some_and(|ending| ending == "hdf5" || ending == "h5")
}

fn absolute(path: &str) -> PathBuf {
    // Programs are started at the root of the repository, wherever we were.
    env::current_dir().map_or_else(|_| PathBuf::from(path), |here| here.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_and_folders_not_told() {
        let words =
            "search --reference /a/train.npy --query /a/test.npy --quick --venv /p --rows 5_000";
        let words: Vec<&str> = words.split(' ').collect();
        let options = Options::parse(&words).unwrap();
        assert_eq!(options.part, Part::Search);
        assert_eq!(options.most_rows(), 5_000);
        assert!(matches!(options.source, Source::Files { .. }));
        let command =
            "cargo xtask bench search --reference train.npy --query test.npy --quick --rows 5_000";
        assert_eq!(options.command, command);
    }

    #[test]
    fn queries_may_stand_with_the_reference() {
        let options = Options::parse(&["exact", "--reference", "/a/all.hdf5"]).unwrap();
        let Source::Files { reference, query } = options.source else { panic!("no files") };
        assert_eq!(reference, query);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for words in [
            &["fast"][..],
            &["--reference", "a.npy"],
            &["--rows", "0"],
            &["--rows"],
            &["--what"],
            &["--metric", "near"],
            &["--reference", "a.npy", "--query", "b.npy", "--shape", "normal"],
        ] {
            assert!(Options::parse(words).is_err(), "{words:?}");
        }
    }
}
