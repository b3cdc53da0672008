//! A program that answers requests, one JSON object a line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::run::Failure;

/// A running program. It ends when this goes.
pub(crate) struct Served {
    name: String,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Served {
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self, Failure> {
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut child = child.map_err(|e| format!("cannot start {name}: {e}"))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{name} has no standard streams").into());
        };
        let (requests, answers) = (Some(requests), BufReader::new(answers));
        Ok(Served { name: name.to_owned(), child, requests, answers })
    }

    /// The next line that it says.
    pub(crate) fn hear(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|e| format!("{}: {e}", self.name))?;
        serde_json::from_str(&line).map_err(|_| format!("{} did not answer", self.name).into())
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, request: &Value) -> Result<Value, Failure> {
        let name = &self.name;
        let Some(requests) = &mut self.requests else {
            return Err(format!("{name} has ended").into());
        };
        writeln!(requests, "{request}").map_err(|e| format!("{name} does not listen: {e}"))?;
        self.hear()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It ends where its input does; what it has to say by then is of no interest.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
