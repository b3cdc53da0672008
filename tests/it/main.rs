//! Tests across crates that need no R.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod any_forest;
mod any_input;
mod checksums;
mod concurrency;
mod corruption;
mod determinism;
mod exact;
mod fixtures;
mod places;
mod refusals;
mod search;
mod support;
mod validation;
mod workflow;
