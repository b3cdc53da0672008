//! What `cargo xtask bench` needs of our crates: data for everybody, our own figures, a judge of
//! recall, and tables and plots of what was measured.
//!
//! `compare prepare` makes or converts data, `compare build` tells what the parts of a build cost, `compare serve` answers requests about an index of ours
//! as `benches/peers/serve.py` does about those of others, `compare judge` tells the recall of
//! answers, and `compare page` writes the results as Markdown, SVG and HTML.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a program that tells of its failures")]
#![expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]

mod arguments;
mod build;
mod data;
mod hdf5;
mod judge;
mod page;
mod prepare;
mod protocol;
mod serve;

use std::error::Error;
use std::process::ExitCode;

use arguments::Arguments;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let outcome = Arguments::parse(words).and_then(|arguments| match command.as_str() {
        "prepare" => prepare::run(&arguments),
        "build" => build::run(&arguments),
        "serve" => serve::run(&arguments),
        "judge" => judge::run(&arguments),
        "page" => page::run(&arguments),
        _ => {
            Err(format!("unknown command {command:?}: prepare, build, serve, judge or page").into())
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                message = format!("{message}: {error}");
                cause = error.source();
            }
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
