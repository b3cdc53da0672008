//! `cargo xtask fuzz`: do the fuzz targets compile, with their own lock file as it stands?

use crate::run::{Outcome, cargo, run};

/// Checks the fuzz targets. They are not linked, so that neither a C++ compiler nor a sanitizer is needed: their
/// library is one that is said to be there.
pub(crate) fn check() -> Outcome {
    let manifest = ["check", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml"];
    let mut check = cargo(&manifest);
    check.args(["--target-dir", "target/fuzz"]).env("CUSTOM_LIBFUZZER_PATH", "./libfuzzer.a");
    run(&mut check)
}
