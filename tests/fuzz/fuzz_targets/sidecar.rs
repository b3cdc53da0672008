//! Any text: refused, or a sidecar that survives being written and read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| bigannoy_tests::any_input::sidecar(text));
