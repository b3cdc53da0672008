//! Any text: refused, or a descriptor that survives being written and read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| bigannoy_tests::any_input::descriptor_text(text));
