//! Verifies the checksum of every fixture; `--write FOLDER` records the present
//! ones of one folder, such as `v1`, and `--write` those of all.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use bigannoy_tests::{MANIFEST, check_manifest, fixtures_dir, write_manifest};

fn main() -> ExitCode {
    let dir = fixtures_dir();
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (result, write) = match args[..] {
        [] => (check_manifest(&dir), false),
        ["--write"] => (write_manifest(&dir, ""), true),
        ["--write", folder] => (write_manifest(&dir, folder), true),
        _ => {
            eprintln!("usage: check-fixtures [--write [FOLDER]]");
            return ExitCode::from(2);
        }
    };
    let faults = match result {
        Ok(faults) => faults,
        Err(e) => {
            eprintln!("cannot check {}: {e}", dir.display());
            return ExitCode::FAILURE;
        }
    };
    for fault in &faults {
        eprintln!("{fault}");
    }
    if write {
        println!("{MANIFEST} written; differences from the old one: {}", faults.len());
        ExitCode::SUCCESS
    } else if faults.is_empty() {
        println!("every fixture has the checksum in {MANIFEST}");
        ExitCode::SUCCESS
    } else {
        eprintln!("faults: {}", faults.len());
        ExitCode::FAILURE
    }
}
