//! `bigannoy validate`

use std::io::Write;

use bigannoy::{Check, ValidateOptions, validate_to_error};

use crate::args;
use crate::failure::Failure;
use crate::{plain, told, watch};

pub(crate) fn run(arguments: &args::Validate) -> Result<(), Failure> {
    let mut options = ValidateOptions::new().strict(!arguments.lenient);
    options = options.interrupt(watch::interrupt()?);
    if let Some(reference) = arguments.reference() {
        options = options.reference(reference);
    }
    if let Some(level) = arguments.level {
        options = options.level(level);
    }
    let found = validate_to_error(&arguments.index, &arguments.open(), &options)?;
    print(&found.checks)?;
    match found.first_error() {
        None => Ok(()),
        Some(check) => {
            let index = arguments.index.display();
            Err(format!("{index} is not valid: {}: {}", check.check, check.message).into())
        }
    }
}

/// A line for each check, in columns.
fn print(checks: &[Check]) -> Result<(), Failure> {
    let names = checks.iter().map(|check| check.check.len());
    let width = names.max().unwrap_or(0).max("check".len());
    let mut out = told::stdout();
    writeln!(out, "{:width$}  passed  severity  message", "check")?;
    for Check { check, passed, severity, message } in checks {
        let (severity, message) = (severity.name(), plain::text(message.as_bytes()));
        writeln!(out, "{check:width$}  {passed:<6}  {severity:<8}  {message}")?;
    }
    Ok(out.flush()?)
}
