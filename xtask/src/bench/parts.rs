//! `cargo xtask bench parts`: the criterion benches of our parts, each held against the limit of the
//! machine that it states. Their figures stay under `target/criterion`.

use super::session::Session;
use crate::run::{Outcome, cargo, run};

pub(crate) fn run_all(session: &Session) -> Outcome {
    let quick: &[&str] = if session.options.quick { &["--", "--quick"] } else { &[] };
    run(&mut cargo(&[&["bench", "--locked", "-p", "bigannoy-benches"], quick].concat()))
}
