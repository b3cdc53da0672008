//! The commands of this repository: `cargo xtask`.
//!
//! It is compiled before anything else runs, so it uses none of our crates; what needs them is
//! a program or a test that it starts. One file holds one command.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod deps;
mod fixtures;
mod fuzz;
mod interop;
mod links;
mod markdown;
mod python;
mod readme;
mod run;

use std::env;
use std::process::ExitCode;

use run::Failure;

const HELP: &str = "\
usage: cargo xtask <command>

  bench [PART] [OPTIONS]        us and other libraries side by side; PART is build, search,
                                same-file (the last of search), exact, growth, peers
                                (build, search and growth; the default), parts, all or
                                smoke; CONTRIBUTING.md tells the options
  ci [--keep-going]             everything that CI checks except R and Python: format, lints,
                                tests, docs, links, deps, fuzz targets, fixtures, the README's
                                main command
  features                      tests what is behind features that are off by default
  deps                          holds the manifests against the crate map in ARCHITECTURE.md
  fixtures generate [--replace] makes tests/fixtures/v1 with R; changes nothing that is there
                                unless --replace is given
  fixtures check                verifies every checksum and every answer of the fixtures
  fuzz                          checks that the fuzz targets compile with their lock file
  interop                       the tests with R on the other side; fails where R is missing
  links                         checks the links in the Markdown files
  python                        the tests with Annoy of Python on the other side; fails where
                                no Python is named
  readme [main|test]            runs that command of README.md; without a name, prints both
";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["bench", ..] => bench::bench(&args[1..]),
        ["ci"] => ci::ci(false),
        ["ci", "--keep-going"] => ci::ci(true),
        ["deps"] => deps::deps(),
        ["features"] => ci::features(),
        ["fixtures", "generate"] => fixtures::generate(false),
        ["fixtures", "generate", "--replace"] => fixtures::generate(true),
        ["fixtures", "check"] => fixtures::check(),
        ["fuzz"] => fuzz::check(),
        ["interop"] => interop::interop(),
        ["links"] => links::links(),
        ["python"] => python::python(),
        ["readme"] => readme::show(),
        ["readme", "main"] => readme::main_command(),
        ["readme", "test"] => readme::test_command(),
        _ => {
            eprintln!("unknown command: cargo xtask {}\n\n{HELP}", args.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(faults)) => {
            for fault in faults {
                eprintln!("error: {fault}");
            }
            ExitCode::FAILURE
        }
    }
}
