//! The fixtures are what the reference programs wrote.

use bigannoy_tests::{check_manifest, fixtures_dir};

#[test]
fn every_fixture_has_its_checksum() {
    let faults = check_manifest(fixtures_dir()).unwrap();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
