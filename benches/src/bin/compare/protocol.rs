//! Requests and answers: one JSON object a line.

use std::io::{self, BufRead, Write};

use serde_json::Value;

use crate::Failure;

/// Says one line, and that at once.
pub(crate) fn say(line: &Value) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Answers every line of standard input.
pub(crate) fn answer(
    mut work: impl FnMut(&Value) -> Result<Value, Failure>,
) -> Result<(), Failure> {
    for line in io::stdin().lock().lines() {
        say(&work(&serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}

/// A whole number of a request.
pub(crate) fn count(request: &Value, name: &str) -> Result<usize, Failure> {
    let number = request[name].as_u64().ok_or_else(|| format!("the request has no {name}"))?;
    Ok(usize::try_from(number)?)
}

/// A text of a request.
pub(crate) fn text<'a>(request: &'a Value, name: &str) -> Result<&'a str, Failure> {
    request[name].as_str().ok_or_else(|| format!("the request has no {name}").into())
}
