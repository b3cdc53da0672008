//! What has to hold of any bytes that somebody hands us: the bodies of fuzz targets.
//!
//! Each function makes something of its input and panics where a claim about it is broken. The
//! fuzz targets in `tests/fuzz` call them under a sanitizer; `tests/it` calls the same functions
//! with random bytes and changed fixtures.

mod answers;
mod attach;
mod builder;
mod descriptor;
mod forest;
mod index;
mod journal;
mod sidecar;

pub use attach::{Outcome, attach, scratch_folder};
pub use builder::{BuilderInput, builder};
pub use descriptor::{descriptor_rds, descriptor_text};
pub use index::{IndexChange, IndexContent, IndexInput, index};
pub use journal::journal;
pub use sidecar::sidecar;
