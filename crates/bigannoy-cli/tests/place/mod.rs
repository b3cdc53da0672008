//! A directory in which the command is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    /// Copies the file `name` from a directory that is found from this crate's.
    pub(crate) fn copy(&self, directory: &str, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory).join(name);
        std::fs::copy(from, self.path(name)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_bigannoy"))
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a line that has to succeed, in silence but for its output.
    pub(crate) fn succeed(&self, line: &str) -> String {
        let output = self.run(line);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{line}: {errors}");
        assert_eq!(errors, "", "{line}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a line that has to fail with one message, and to change nothing.
    pub(crate) fn fail(&self, line: &str) -> String {
        let before = self.files();
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(output.stdout.is_empty(), "{line}");
        assert!(self.files() == before, "{line} changed a file");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with("error: "), "{line}: {message}");
        assert_eq!(message.lines().count(), 1, "{line}: {message}");
        message.trim_end().to_owned()
    }

    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    }
}
