//! What the tests across crates share: the fixtures, their checksums, a way to run R, and what has
//! to hold of any input.
//!
//! The tests themselves are in `tests/it` (everything that needs no R) and `tests/interop`
//! (R on the other side); the fuzz targets of `tests/fuzz` call [`any_input`].
#![forbid(unsafe_code)]

pub mod any_input;
mod fixtures;
mod manifest;
mod r;
mod snapshot;

pub use fixtures::{copy_matrix, fixture, fixtures_dir, read_json};
pub use manifest::{Fault, MANIFEST, check_manifest, md5_hex, write_manifest};
pub use r::{find_rscript, require_r, run_r, spawn_r, usable_r};
pub use snapshot::{changes, message_chain, snapshot};
