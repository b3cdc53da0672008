//! A running R session that answers a line with a line.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use bigannoy_tests::spawn_r;

pub(crate) struct Conversation {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    /// Starts a script of `tests/r`; its first line is returned with it.
    pub(crate) fn start(script: &str, args: &[impl AsRef<OsStr>]) -> (Self, String) {
        let mut child = spawn_r(script, args).unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut conversation = Conversation { child, input, output };
        let first = conversation.line();
        (conversation, first)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn ask(&mut self, question: &str) -> String {
        writeln!(self.input, "{question}").unwrap();
        self.line()
    }

    /// R ends when its input does.
    pub(crate) fn end(self) {
        let Conversation { mut child, input, .. } = self;
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}
