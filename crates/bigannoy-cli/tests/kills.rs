//! Processes that are killed at random moments; other processes look at what is left.
//!
//! `BIGANNOY_KILLS` sets how many kills there are in each test: 20 unless it says otherwise.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]
#![cfg(unix)]

mod place;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use place::Place;

fn kills() -> u32 {
    std::env::var("BIGANNOY_KILLS").map_or(20, |count| count.parse().unwrap())
}

/// Moments that look random, spread over a little more than a run takes.
struct Moments {
    state: u64,
    most_micros: u64,
}

impl Moments {
    /// `took`: from start to end of a run that is left alone.
    fn over(took: Duration) -> Self {
        let most_micros = u64::try_from(took.as_micros()).unwrap() * 6 / 5;
        Moments { state: 20_261_126, most_micros }
    }

    /// The next one: splitmix64.
    fn next(&mut self) -> Duration {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_micros((mixed ^ (mixed >> 31)) % self.most_micros)
    }
}

/// Starts a command and kills it after `after`; tells whether it was still at work.
fn kill_after(place: &Place, line: &str, after: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bigannoy"))
        .args(line.split_whitespace())
        .current_dir(place.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    child.kill().unwrap(); // SIGKILL; nothing where it has ended
    child.wait().unwrap().code().is_none()
}

/// Hidden files: what a run needs while it works, or has left.
fn hidden(place: &Place) -> Vec<String> {
    let names = place.files().into_keys();
    let names = names.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

/// A place with a reference of 2,000 rows, what builds of three and four trees over it write when
/// nothing comes in between, and the time that one takes.
fn builds() -> (Place, Vec<Vec<u8>>, Duration) {
    let place = Place::new();
    for name in ["reference.desc", "reference.bin"] {
        place.copy("../../tests/fixtures/v1/clusters", name);
    }
    let mut took = Duration::ZERO;
    let whole = [3, 4].map(|trees| {
        let started = Instant::now();
        place.succeed(&build(trees, "whole.ann"));
        took = took.max(started.elapsed());
        fs::read(place.path("whole.ann")).unwrap()
    });
    (place, whole.to_vec(), took)
}

fn build(trees: u32, path: &str) -> String {
    format!("build reference.desc --index {path} --trees {trees} --overwrite")
}

#[test]
fn a_killed_build_leaves_the_old_index_or_the_new_one() {
    let (place, whole, took) = builds();
    place.succeed(&build(3, "x.ann"));
    let mut moments = Moments::over(took);
    let (mut killed, mut replaced, mut left) = (0, 0, 0);
    let mut before = whole[0].clone();
    for kill in 0..kills() {
        let after = moments.next();
        killed += u32::from(kill_after(&place, &build(4 - kill % 2, "x.ann"), after));
        left += u32::from(!hidden(&place).is_empty());
        // Whichever it is, it is whole and has its own sidecar, for a process that knows nothing.
        let found = fs::read(place.path("x.ann")).unwrap();
        assert!(whole.contains(&found), "kill {kill} after {after:?}");
        place.succeed("validate x.ann --reference reference.desc");
        // Where the new pair was ready and had not got its names, it has them now.
        let found = fs::read(place.path("x.ann")).unwrap();
        assert!(whole.contains(&found), "kill {kill} after {after:?}");
        replaced += u32::from(found != before);
        before = found;
    }
    // A build that is left alone clears away what the others left.
    place.succeed(&build(4, "x.ann"));
    assert_eq!(fs::read(place.path("x.ann")).unwrap(), whole[1]);
    assert_eq!(hidden(&place), [""; 0]);
    println!(
        "{killed} of {} builds were killed; {replaced} had replaced the index, {left} left files",
        kills()
    );
}

#[test]
fn a_killed_build_leaves_nothing_or_a_whole_index_where_there_was_none() {
    let (place, whole, took) = builds();
    let mut moments = Moments::over(took);
    let (mut killed, mut complete, mut left) = (0, 0, 0);
    for kill in 0..kills() {
        let after = moments.next();
        killed += u32::from(kill_after(&place, &build(4 - kill % 2, "x.ann"), after));
        left += u32::from(!hidden(&place).is_empty());
        if !place.path("x.ann").exists() {
            // No sidecar without its index.
            assert!(!place.path("x.ann.meta").exists(), "kill {kill} after {after:?}");
            // Whoever opens it gives a pair that was ready its names; else there is nothing.
            place.run("search x.ann -k 1");
        }
        if !place.path("x.ann").exists() {
            place.fail("search x.ann -k 1");
            continue;
        }
        complete += 1;
        assert!(whole.contains(&fs::read(place.path("x.ann")).unwrap()), "kill {kill}");
        place.succeed("validate x.ann --reference reference.desc");
        // What is hidden stays: it may be the sidecar, which has not got its name yet.
        for name in ["x.ann", "x.ann.meta"] {
            let _ = fs::remove_file(place.path(name));
        }
    }
    place.succeed(&build(3, "x.ann"));
    assert_eq!(fs::read(place.path("x.ann")).unwrap(), whole[0]);
    assert_eq!(hidden(&place), [""; 0]);
    println!(
        "{killed} of {} builds were killed; {complete} had written an index, {left} left files",
        kills()
    );
}

/// A process was killed when the index had its name and the sidecar had not, and somebody removed the
/// index.
#[test]
fn an_index_that_was_removed_before_its_sidecar_appeared_can_be_built_anew() {
    let (place, whole, _) = builds();
    place.succeed(&build(3, "x.ann"));
    let sidecar = ".x.ann.meta.bigannoy-1-1.tmp";
    fs::rename(place.path("x.ann.meta"), place.path(sidecar)).unwrap();
    let list = format!(
        "bigannoy files to be renamed together, 1\nreplace\n.x.ann.bigannoy-1-0.tmp x.ann\n{sidecar} \
         x.ann.meta\nend\n"
    );
    fs::write(place.path(".x.ann.bigannoy.commit"), list).unwrap();
    place.succeed("validate x.ann");
    fs::remove_file(place.path("x.ann")).unwrap();
    place.succeed(&build(4, "x.ann"));
    assert_eq!(fs::read(place.path("x.ann")).unwrap(), whole[1]);
    place.succeed("validate x.ann");
    assert_eq!(hidden(&place), [""; 0]);
}

#[test]
fn of_two_builds_for_one_path_each_is_done_or_refused() {
    let (place, whole, _) = builds();
    for overwrite in [true, false] {
        for _ in 0..4 {
            let lines = [3, 4].map(|trees| {
                let line = build(trees, "x.ann");
                if overwrite { line } else { line.replace(" --overwrite", "") }
            });
            let outputs = std::thread::scope(|scope| {
                let runs = [&lines[0], &lines[1]].map(|line| scope.spawn(|| place.run(line)));
                runs.map(|run| run.join().unwrap())
            });
            let mut done = 0;
            for output in &outputs {
                let message = String::from_utf8_lossy(&output.stderr);
                let is_refused = message.contains("is being written by")
                    || (!overwrite && message.contains("exists already"));
                assert!(output.status.success() != is_refused, "{message}");
                done += usize::from(output.status.success());
            }
            assert!(if overwrite { done >= 1 } else { done == 1 }, "{outputs:?}");
            assert!(whole.contains(&fs::read(place.path("x.ann")).unwrap()));
            place.succeed("validate x.ann --reference reference.desc");
            assert_eq!(hidden(&place), [""; 0]);
            if !overwrite {
                fs::remove_file(place.path("x.ann")).unwrap();
                fs::remove_file(place.path("x.ann.meta")).unwrap();
            }
        }
        if overwrite {
            fs::remove_file(place.path("x.ann")).unwrap();
            fs::remove_file(place.path("x.ann.meta")).unwrap();
        }
    }
}

/// Where a search writes.
struct Destinations {
    /// What `--ids` and `--distances` are given.
    named: &'static [&'static str],
    /// The files with the numbers.
    data: &'static [&'static str],
    /// Commands that make what has to be there before.
    made_by: &'static [&'static str],
}

impl Destinations {
    fn search(&self, name: impl Fn(&str) -> String, more: &str) -> String {
        let options = ["--ids", "--distances"].iter().zip(self.named);
        let options: Vec<String> =
            options.map(|(option, path)| format!("{option} {}", name(path))).collect();
        let options = options.join(" ");
        format!("search x.ann -k 10 --search-k 1000 --block-size 16 {options} {more}")
    }

    fn bytes(&self, place: &Place, name: impl Fn(&str) -> String) -> Vec<Option<Vec<u8>>> {
        self.data.iter().map(|data| fs::read(place.path(&name(data))).ok()).collect()
    }
}

/// A search is killed again and again. What it leaves is whole, or another process is told that it is
/// not; and gone on with, killed once more and gone on with again, it is the same bytes as if nothing
/// had happened. Returns what became of the kills.
fn killed_searches(destinations: &Destinations) -> String {
    let (place, _, _) = builds();
    place.succeed(&build(10, "x.ann"));
    let other = |name: &str| format!("whole-{name}");
    let own = |name: &str| name.to_owned();
    let started = Instant::now();
    place.succeed(&destinations.search(other, ""));
    let mut moments = Moments::over(started.elapsed());
    let whole = destinations.bytes(&place, other);
    let (mut killed, mut unfinished, mut twice) = (0, 0, 0);
    for kill in 0..kills() {
        for name in destinations.data.iter().chain(destinations.named) {
            let _ = fs::remove_file(place.path(name));
        }
        destinations.made_by.iter().for_each(|line| drop(place.succeed(line)));
        let after = moments.next();
        let at = format!("kill {kill} after {after:?}");
        killed += u32::from(kill_after(&place, &destinations.search(own, ""), after));

        let before = destinations.bytes(&place, own);
        let told = place.run(&destinations.search(own, ""));
        let message = String::from_utf8(told.stderr).unwrap();
        if message.contains("is unfinished") {
            unfinished += 1;
            assert_eq!(told.status.code(), Some(1), "{at}: {message}");
            assert!(message.contains(" of 4000 ") && message.contains("--resume"), "{message}");
            let info = place.run(&format!("info {}", destinations.named[0]));
            let info = String::from_utf8(info.stdout).unwrap();
            assert!(info.starts_with("unfinished: ") && info.contains(" of 4000 "), "{at}: {info}");
            let another =
                destinations.search(own, "--resume").replace("--search-k 1000", "--search-k 1001");
            let message = String::from_utf8(place.run(&another).stderr).unwrap();
            assert!(message.contains("there search_k is 1000, here 1001"), "{at}: {message}");
            assert_eq!(
                destinations.bytes(&place, own),
                before,
                "{at}: who is refused changes nothing"
            );
            let again = destinations.search(own, "--resume");
            twice += u32::from(kill_after(&place, &again, moments.next()));
            // Where that one came to its end, there is nothing to go on with.
            let journal = place.path(&format!("{}.journal", destinations.named[0]));
            if destinations.bytes(&place, own) != whole || journal.exists() {
                let output = place.run(&again);
                let errors = String::from_utf8(output.stderr).unwrap();
                assert!(output.status.success() || errors.contains("exists already"), "{errors}");
            }
        } else if !message.contains("exists already") {
            // It had not begun, or had ended; and was done again now.
            assert!(told.status.success(), "{at}: {message}");
        }
        assert!(destinations.bytes(&place, own) == whole, "{at}: other bytes");
        // A lock that nobody holds may stay where nobody had need of it since.
        let left: Vec<_> =
            hidden(&place).into_iter().filter(|name| !name.contains(".bigannoy.lock")).collect();
        assert_eq!(left, [""; 0], "{at}");
        let is_journal = |path: &PathBuf| path.extension().is_some_and(|end| end == "journal");
        let journals = place.files().into_keys().filter(is_journal);
        assert_eq!(journals.count(), 0, "{at}");
    }
    format!(
        "{killed} of {} searches were killed; {unfinished} were unfinished, {twice} of them killed \
         once more",
        kills()
    )
}

#[test]
fn a_killed_search_into_new_matrices_is_gone_on_with() {
    let told = killed_searches(&Destinations {
        named: &["i.desc", "d.desc"],
        data: &["i.bin", "d.bin"],
        made_by: &[],
    });
    println!("{told}");
}

#[test]
fn a_killed_search_into_matrices_that_were_there_is_gone_on_with() {
    let told = killed_searches(&Destinations {
        named: &["i.desc", "d.desc"],
        data: &["i.bin", "d.bin"],
        made_by: &[
            "matrix create i.desc --type integer --rows 4000 --cols 10",
            "matrix create d.desc --type double --rows 4000 --cols 10",
        ],
    });
    println!("{told}");
}

#[test]
fn a_killed_search_into_other_files_is_gone_on_with() {
    let named = &["i.npy", "d.npy"];
    let told = killed_searches(&Destinations { named, data: named, made_by: &[] });
    println!("{told}");
    let named = &["t.csv"];
    let told = killed_searches(&Destinations { named, data: named, made_by: &[] });
    println!("{told}");
}
