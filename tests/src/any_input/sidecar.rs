//! Sidecars of indexes.

use bigannoy_format::Sidecar;

/// Without these two fields nothing is read.
const REQUIRED: &str = "metric: angular\nn_dim: 3\n";

/// Reads a text as a sidecar, as it stands and with the fields before it that must not be missing.
///
/// # Panics
/// If a sidecar that is accepted does not survive being written and read.
pub fn sidecar(text: &str) {
    check(text);
    check(&format!("{REQUIRED}{text}"));
}

fn check(text: &str) {
    let Ok(sidecar) = Sidecar::parse(text) else { return };
    let written = sidecar.to_text();
    assert_eq!(Sidecar::parse(&written), Ok(sidecar), "{written}");
}
