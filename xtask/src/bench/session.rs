//! What the parts of a run share: programs, data, results.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::options::{Options, Source};
use super::served::Served;
use crate::run::{Failure, cargo, command, root, run};

/// What is installed where no environment is named.
const PACKAGES: [&str; 6] = ["numpy", "annoy", "hnswlib", "faiss-cpu", "usearch", "scann"];

pub(crate) struct Session {
    pub(crate) options: Options,
    /// Python of the environment of the peers.
    python: Option<PathBuf>,
    results: File,
}

impl Session {
    /// Compiles our programs and finds those of others.
    pub(crate) fn new(options: Options) -> Result<Self, Failure> {
        run(&mut cargo(&[
            "build",
            "--profile",
            options.profile.name(),
            "--locked",
            "--bins",
            "-p",
            "bigannoy-cli",
            "-p",
            "bigannoy-benches",
        ]))?;
        let out = options.out.clone();
        fs::create_dir_all(out.join("cache")).map_err(|e| cannot(&out, &e))?;
        let path = out.join("results.jsonl");
        let results = File::create(&path).map_err(|e| cannot(&path, &e))?;
        let mut session = Session { options, python: None, results };
        if !session.options.alone {
            session.python = session.find_python()?;
        }
        Ok(session)
    }

    /// An environment that is named, or one of our own among the temporary files.
    fn find_python(&mut self) -> Result<Option<PathBuf>, Failure> {
        let python = |venv: &PathBuf| venv.join("bin").join("python");
        if let Some(venv) = &self.options.venv {
            let python = python(venv);
            let found = python.exists();
            return if found { Ok(Some(python)) } else { Err(cannot(&python, &"not there")) };
        }
        let venv = std::env::temp_dir().join("bigannoy-peers");
        let python = python(&venv);
        if !python.exists() {
            let made = run(&mut command("python3", &["-m", "venv", &venv.to_string_lossy()]));
            if made.is_err() {
                self.note("Python's venv is missing: peers were left out.")?;
                return Ok(None);
            }
        }
        for package in PACKAGES {
            let arguments =
                ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package];
            // One that cannot be had here is left out, and said so where it is started.
            if run(&mut command(&python, &arguments)).is_err() {
                eprintln!("{package} cannot be installed");
            }
        }
        Ok(Some(python))
    }

    /// Whether there are others to be compared with.
    pub(crate) fn has_peers(&self) -> bool {
        self.python.is_some()
    }

    /// Keeps a figure.
    pub(crate) fn keep(&mut self, kind: &str, mut figure: Value) -> Result<(), Failure> {
        figure["kind"] = kind.into();
        println!("{figure}");
        writeln!(self.results, "{figure}").map_err(|e| format!("cannot keep results: {e}").into())
    }

    /// Keeps a sentence that belongs to the figures.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), Failure> {
        self.keep("note", json!({ "text": text }))
    }

    /// Makes tables and plots of what there is.
    pub(crate) fn page(&self) -> Result<(), Failure> {
        let out = self.options.out.to_string_lossy();
        let results = self.options.out.join("results.jsonl");
        let arguments =
            ["page", "--out", &out, "--results", &results.to_string_lossy(), "--command"];
        run(self.compare(&arguments).arg(&self.options.command))
    }

    /// One of our two programs.
    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root().join("target"), |target| root().join(target));
        let mut name = target.join(self.options.profile.folder()).join(name).into_os_string();
        name.push(std::env::consts::EXE_SUFFIX);
        command(name, arguments)
    }

    /// The command that users have.
    pub(crate) fn bigannoy(&self, arguments: &[&str]) -> Command {
        self.program("bigannoy", arguments)
    }

    /// The program in `benches/src/bin`.
    pub(crate) fn compare(&self, arguments: &[&str]) -> Command {
        self.program("compare", arguments)
    }

    /// `benches/peers/serve.py`, if there is a Python for it.
    pub(crate) fn peer(&self, arguments: &[&str]) -> Option<Command> {
        let script = root().join("benches").join("peers").join("serve.py");
        let mut command = command(self.python.as_ref()?, &[&script.to_string_lossy()]);
        command.args(arguments);
        Some(command)
    }

    /// The data of this run, with at most so many rows; made once.
    pub(crate) fn data(&self, rows: usize) -> Result<PathBuf, Failure> {
        self.data_of(&self.options.source, rows, self.options.queries)
    }

    /// Likewise, under this metric.
    pub(crate) fn data_under(&self, metric: &str, rows: usize) -> Result<PathBuf, Failure> {
        self.prepared(metric, &self.options.source, rows, self.options.queries)
    }

    /// Likewise, from another source.
    pub(crate) fn data_of(
        &self,
        source: &Source,
        rows: usize,
        queries: usize,
    ) -> Result<PathBuf, Failure> {
        self.prepared(&self.options.metric, source, rows, queries)
    }

    fn prepared(
        &self,
        metric: &str,
        source: &Source,
        rows: usize,
        queries: usize,
    ) -> Result<PathBuf, Failure> {
        let key = match source {
            Source::Files { reference, .. } => {
                let name = reference.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let folder = reference.parent().and_then(|folder| folder.file_name());
                format!("{}-{name}", folder.unwrap_or_default().to_string_lossy())
            }
            Source::Synthetic { shape, columns } => format!("{shape}-{columns}"),
        };
        let key = match metric {
            "euclidean" => key,
            _ => format!("{key}-{metric}"),
        };
        let all = if rows > usize::MAX >> 2 { "all".to_owned() } else { rows.to_string() };
        let path = self.options.out.join("data").join(format!("{key}-{all}"));
        let out = path.to_string_lossy();
        let mut words = vec!["prepare".to_owned(), "--out".to_owned(), out.into_owned()];
        let mut add = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        add("rows", rows.to_string());
        add("metric", metric.to_owned());
        add("queries", queries.to_string());
        match source {
            Source::Files { reference, query } => {
                add("reference", reference.to_string_lossy().into_owned());
                add("query", query.to_string_lossy().into_owned());
            }
            Source::Synthetic { shape, columns } => {
                add("shape", shape.clone());
                add("columns", columns.to_string());
                add("seed", "42".to_owned());
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        run(&mut self.compare(&words))?;
        Ok(path)
    }

    /// A folder for indexes over that data, which stays from run to run.
    pub(crate) fn cache(data: &std::path::Path) -> Result<PathBuf, Failure> {
        let path = data.join("indexes");
        fs::create_dir_all(&path).map_err(|e| cannot(&path, &e))?;
        Ok(path)
    }

    pub(crate) fn judge(&self, data: &std::path::Path) -> Result<Served, Failure> {
        Served::start("judge", &mut self.compare(&["judge", "--data", &data.to_string_lossy()]))
    }
}

fn cannot(path: &std::path::Path, problem: &dyn std::fmt::Display) -> Failure {
    format!("cannot use {}: {problem}", path.display()).into()
}
