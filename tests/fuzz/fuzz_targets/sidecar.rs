//! Any text: refused, or a sidecar that survives being written and read.
#![no_main]

use bigannoy_format::Sidecar;
use libfuzzer_sys::fuzz_target;

/// Without these two fields nothing is read.
const REQUIRED: &str = "metric: angular\nn_dim: 3\n";

fuzz_target!(|text: &str| {
    check(text);
    check(&format!("{REQUIRED}{text}"));
});

fn check(text: &str) {
    let Ok(sidecar) = Sidecar::parse(text) else { return };
    let written = sidecar.to_text();
    let again = Sidecar::parse(&written);
    assert_eq!(again, Ok(sidecar), "{written}");
}
