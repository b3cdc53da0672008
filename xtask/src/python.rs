//! `cargo xtask python`: the tests with Annoy of Python on the other side.

use crate::run::{Outcome, cargo, run};

/// Runs them in the mode where a Python that is not named is a failure and not a reason to skip.
pub(crate) fn python() -> Outcome {
    let mut tests = cargo(&["test", "--locked", "-p", "bigannoy-tests", "--test", "python"]);
    run(tests.env("BIGANNOY_REQUIRE_PYTHON", "1"))
}
