//! Any descriptor beside data files of any length: refused, or a matrix whose every cell is where
//! the descriptor says.
#![no_main]

use std::sync::LazyLock;

use bigannoy_tests::any_input::{Outcome, attach, scratch_folder};
use libfuzzer_sys::{Corpus, fuzz_target};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(scratch_folder);

fuzz_target!(|input: &[u8]| -> Corpus {
    match attach(input, FOLDER.path()) {
        Outcome::NotTried => Corpus::Reject,
        Outcome::Refused | Outcome::Attached => Corpus::Keep,
    }
});
