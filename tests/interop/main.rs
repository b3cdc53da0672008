//! R on the other side: what it writes we read, what we write it reads.
//!
//! Each trial runs R scripts of `tests/r` on data drawn anew in each run; `BIGANNOY_INTEROP_SEED`
//! repeats a run. Without a usable R the trials are reported as ignored, and as failed where
//! `BIGANNOY_REQUIRE_R` is 1.
#![expect(clippy::unwrap_used, reason = "a trial that fails may panic")]
#![expect(clippy::print_stdout, reason = "what is skipped, and the seed, have to be seen")]

mod bytes;
mod conversation;
mod ours_in_r;
mod recall;
mod session;
mod shared;
mod sidecar;
mod tables;
mod theirs;
mod written_by_r;
mod written_by_us;

use std::env;
use std::hash::{BuildHasher, RandomState};

use bigannoy_tests::{require_r, usable_r};
use libtest_mimic::{Arguments, Failed, Trial};

/// A trial: its name, and what it does with a seed.
type Work = fn(i32);

const TRIALS: [(&str, Work); 10] = [
    ("matrices_of_r", written_by_r::every_cell_is_what_r_wrote),
    ("matrices_of_ours", written_by_us::r_reads_and_writes_every_type),
    ("indexes_of_ours", ours_in_r::r_finds_what_we_wrote),
    ("indexes_of_rcppannoy", theirs::we_find_what_rcppannoy_finds),
    ("live_session", session::r_sees_what_is_written_while_it_watches),
    ("shared_memory", shared::what_r_holds_is_seen_and_what_we_hold_r_sees),
    ("sidecar", sidecar::r_reads_the_sidecar),
    ("tables", tables::r_reads_the_table),
    ("bytes_of_rcppannoy", bytes::we_build_what_rcppannoy_builds),
    ("recall", recall::our_trees_are_as_good),
];

/// A number that `set.seed` of R takes.
fn seed() -> i32 {
    match env::var("BIGANNOY_INTEROP_SEED") {
        Ok(text) => text.parse().expect("BIGANNOY_INTEROP_SEED is a whole number of 32 bits"),
        Err(_) => i32::from_ne_bytes(
            (RandomState::new().hash_one(0) >> 33).to_ne_bytes()[..4].try_into().unwrap(),
        ),
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let seed = seed();
    // What is only listed is not run, and a list is read by other programs.
    let r = if arguments.list { Ok(()) } else { usable_r().map(drop) };
    let (ignored, missing) = match r {
        Ok(()) => (false, None),
        Err(reason) if require_r() => (false, Some(reason)),
        Err(reason) => {
            let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
            println!("interop: skipped, {line}");
            (true, Some(reason))
        }
    };
    if !arguments.list && missing.is_none() {
        println!("interop: BIGANNOY_INTEROP_SEED={seed}");
    }
    let trials = TRIALS.map(|(name, work)| {
        let missing = missing.clone();
        Trial::test(name, move || {
            if let Some(reason) = missing {
                return Err(Failed::from(reason));
            }
            work(seed);
            Ok(())
        })
        .with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}
