//! `cargo xtask bench smoke`: that the benchmarks run at all. No figure is looked at.

use super::measure;
use super::options::{Options, Profile};
use crate::run::{Failure, Outcome, root};

/// Runs every part on a little data, without other libraries, and checks that pages come of it.
pub(crate) fn smoke() -> Outcome {
    let out = root().join("target").join("bench-smoke");
    let place = out.to_string_lossy().into_owned();
    let common = ["--alone", "--quick", "--queries", "200", "--out", &place];
    let synthetic = ["--rows", "2000", "--columns", "12"];
    let file = root().join("tests/fixtures/v1/hdf5/points_gzip.hdf5");
    let file = ["--reference", &file.to_string_lossy()];
    for (part, data) in
        [("search", &synthetic[..]), ("build", &synthetic), ("exact", &synthetic), ("exact", &file)]
    {
        let words = [&[part][..], &common, data].concat();
        measure(Options { profile: Profile::Test, ..Options::parse(&words)? })?;
        for name in ["results.md", "readme.md", "results.html", "results.jsonl"] {
            let written = std::fs::metadata(out.join(name)).is_ok_and(|file| file.len() > 0);
            if !written {
                return Err(Failure::from(format!("bench {part} wrote no {name}")));
            }
        }
    }
    Ok(())
}
