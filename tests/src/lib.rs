//! What the tests across crates share: the fixtures, their checksums, and a way to run R.
//!
//! The tests themselves are in `tests/it` (everything that needs no R) and `tests/interop`
//! (R on the other side).
#![forbid(unsafe_code)]

mod fixtures;
mod manifest;
mod r;
mod snapshot;

pub use fixtures::{copy_matrix, fixture, fixtures_dir, read_json};
pub use manifest::{Fault, MANIFEST, check_manifest, md5_hex, write_manifest};
pub use r::{find_rscript, require_r, run_r, spawn_r, usable_r};
pub use snapshot::{changes, message_chain, snapshot};
