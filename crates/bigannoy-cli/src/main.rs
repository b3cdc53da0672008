//! The command `bigannoy`: the calls of the crate `bigannoy`, from a shell.
//!
//! Exit status: 0; 1 for a failure, with one message on standard error; 2 for wrong usage.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a command tells of its failures")]

mod args;
mod bench;
mod build;
mod csv_error;
mod exact;
mod failure;
mod info;
mod matrix;
mod output;
mod plain;
mod recall;
mod rows;
mod search;
mod told;
mod tune;
mod validate;
mod values;
mod watch;

use std::process::ExitCode;

use clap::{Command as Usage, CommandFactory, FromArgMatches};

use crate::args::{Arguments, Command};

/// What was typed.
fn arguments() -> Arguments {
    let matches = with_negative_values(Arguments::command()).get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Lets all options take negative numbers, so that each says what it expects. Else a negative one
/// would be taken for an option that is not known.
fn with_negative_values(usage: Usage) -> Usage {
    let usage = usage.mut_args(|option| {
        let takes = !option.is_positional() && option.get_action().takes_values();
        if takes { option.allow_negative_numbers(true) } else { option }
    });
    usage.mut_subcommands(with_negative_values)
}

fn main() -> ExitCode {
    let result = match arguments().command {
        Command::Build(arguments) => build::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Exact(arguments) => exact::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::Info(arguments) => info::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Recall(arguments) => recall::run(&arguments),
        Command::Matrix(arguments) => matrix::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough, as `head` has after ten lines.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
