//! `cargo xtask interop`: the tests with R on the other side.

use crate::run::{Outcome, cargo, run};

/// Runs the interop tests in the mode where a missing R is a failure and not a reason to skip.
pub(crate) fn interop() -> Outcome {
    let mut tests = cargo(&["test", "--locked", "-p", "bigannoy-tests", "--test", "interop"]);
    run(tests.env("BIGANNOY_REQUIRE_R", "1"))
}
