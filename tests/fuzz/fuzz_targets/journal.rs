//! Any bytes as the journal of a search: refused, or gone on with where it ends.
#![no_main]

use std::sync::LazyLock;

use bigannoy_tests::any_input::{journal, scratch_folder};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(scratch_folder);

fuzz_target!(|input: &[u8]| journal(input, FOLDER.path()));
