//! What the machine refuses: room on the disk, memory, the right to write. A message that names the
//! file, status 1, and nothing half-written.
//!
//! Small disks are file systems in memory that only the command sees; where the system lets nobody
//! mount those, the tests say so and check nothing.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]
#![expect(clippy::print_stdout, reason = "what is skipped has to be seen")]

mod place;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use place::Place;

const BIGANNOY: &str = env!("CARGO_BIN_EXE_bigannoy");

/// A directory with a matrix of 4,000 rows, its index, and an empty directory `small`.
fn scene() -> Place {
    let place = Place::new();
    for name in ["reference.desc", "reference.bin"] {
        place.copy("../../tests/fixtures/v1/clusters", name);
    }
    place.succeed("build reference.desc --index i.ann --trees 10");
    place.succeed("matrix export reference.desc t.csv");
    place
}

/// Runs lines of the shell in the place.
fn shell(place: &Place, script: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(place.path(".")).stdin(Stdio::null());
    command.output().unwrap()
}

/// The one message of a command that has failed.
fn message(what: &str, output: &Output) -> String {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{what}: {message}");
    assert!(message.starts_with("error: "), "{what}: {message}");
    assert_eq!(message.lines().count(), 1, "{what}: {message}");
    message
}

/// Each way to write a file, in a directory beside the inputs, and what the message has to say.
const WRITERS: [(&str, &[&str]); 11] = [
    (
        "build ../reference.desc --index big.ann",
        &["cannot build big.ann", " bytes after the first "],
    ),
    ("matrix create m.desc --type double --rows 100000 --cols 10", &["8000000 bytes for m.bin"]),
    (
        "matrix create m.desc --type double --rows 100000 --cols 10 --separated",
        &["800000 bytes for m.bin_column_0"],
    ),
    ("search ../i.ann -k 50 --ids a.desc --distances b.desc", &["800000 bytes for a.bin"]),
    (
        "search ../i.ann -k 50 --ids a.npy --distances b.npy",
        &["0 of 4000 queries were written", ".npy", " bytes after the first "],
    ),
    (
        "search ../i.ann -k 50 --ids a.csv",
        &["0 of 4000 queries were written", "a.csv", " bytes after the first "],
    ),
    ("exact ../reference.desc -k 50 --ids a.desc", &["800000 bytes for a.bin"]),
    ("matrix export ../reference.desc x.csv", &["x.csv", " bytes after the first "]),
    ("matrix export ../reference.desc x.npy", &["x.npy", " bytes after the first "]),
    ("matrix import ../t.csv t.desc", &["512000 bytes for t.bin"]),
    ("matrix import ../t.csv t.desc --separated", &["for t.bin_column_"]),
];

/// A limit on the size of files is like a full disk.
#[test]
fn a_file_that_may_not_grow_is_a_failure_that_leaves_nothing() {
    let place = scene();
    fs::create_dir(place.path("small")).unwrap();
    for (line, parts) in WRITERS {
        let output = shell(&place, &format!("cd small; ulimit -f 40; exec {BIGANNOY} {line}"));
        let message = message(line, &output);
        assert!(message.contains("File too large"), "{line}: {message}");
        for part in parts {
            assert!(message.contains(part), "{line} does not say {part:?}: {message}");
        }
        assert_eq!(fs::read_dir(place.path("small")).unwrap().count(), 0, "{line} left a file");
    }
}

/// Runs a line in a file system of its own with `options`, mounted at `small` after a copy of `seeded`
/// has been put there, and tells what is there afterwards: names and md5. None where nothing can be
/// mounted.
fn on_a_small_disk(
    place: &Place,
    options: &str,
    before: &str,
    line: &str,
) -> Option<(Output, BTreeMap<String, String>)> {
    if !place.path("small").exists() {
        fs::create_dir(place.path("small")).unwrap();
    }
    fs::write(
        place.path("inside"),
        format!(
            "mount -t tmpfs -o {options} tmpfs small || exit 77\ncd small\n({before}) || exit 76\n\
             {BIGANNOY} {line}\nstatus=$?\n\
             find . -type f -exec md5sum '{{}}' + > /proc/self/fd/3\nexit $status\n"
        ),
    )
    .unwrap();
    let output =
        shell(place, "exec 3> left; exec unshare --user --map-root-user --mount sh inside");
    if output.status.code() == Some(77)
        || String::from_utf8_lossy(&output.stderr).contains("unshare")
    {
        println!("skipped: no file system can be mounted here");
        return None;
    }
    assert_ne!(output.status.code(), Some(76), "{before}");
    let left = fs::read_to_string(place.path("left")).unwrap();
    let files = left.lines().map(|line| {
        let (sum, name) = line.split_once("  ./").unwrap();
        (name.to_owned(), sum.to_owned())
    });
    Some((output, files.collect()))
}

#[test]
fn a_full_disk_is_a_failure_that_leaves_nothing() {
    let place = scene();
    for (line, parts) in WRITERS {
        let Some((output, left)) = on_a_small_disk(&place, "size=160k", "true", line) else {
            return;
        };
        let message = message(line, &output);
        assert!(message.contains("No space left"), "{line}: {message}");
        for part in parts {
            assert!(message.contains(part), "{line} does not say {part:?}: {message}");
        }
        let reserved = message.contains("cannot reserve");
        assert_eq!(reserved, message.contains(" are free"), "{line}: {message}");
        assert!(left.is_empty(), "{line} left {left:?}");
    }
}

/// Disks that are full at one moment after the other, of bytes or of files: all there is in the end is
/// there whole, or nothing of it is, but for the journal of a search.
#[test]
fn whenever_the_disk_is_full_a_result_is_whole_or_not_there() {
    let place = scene();
    let lines: [(&str, &[&str]); 4] = [
        ("build ../few.desc --index x.ann --trees 2", &["x.ann", "x.ann.meta"]),
        ("matrix create x.desc --type double --rows 1000 --cols 2", &["x.bin", "x.desc"]),
        (
            "search ../few.ann -k 3 --ids a.desc --distances b.desc",
            &["a.bin", "a.desc", "b.bin", "b.desc"],
        ),
        ("search ../few.ann -k 3 --ids a.npy --distances b.npy", &["a.npy", "b.npy"]),
    ];
    fs::write(place.path("few.csv"), "1,2\n3,4\n5,6\n7,8\n".repeat(60)).unwrap();
    place.succeed("matrix import few.csv few.desc --type float");
    place.succeed("build few.desc --index few.ann --trees 2");
    let disks = (1..=16).map(|pages| format!("size={}k", pages * 4));
    let disks: Vec<String> =
        disks.chain((2..=14).map(|files| format!("nr_inodes={files}"))).collect();
    for (line, names) in lines {
        let (mut whole, mut failed) = (0, 0);
        for disk in &disks {
            let Some((output, left)) = on_a_small_disk(&place, disk, "true", line) else { return };
            let mut found: Vec<&str> = left.keys().map(String::as_str).collect();
            if output.status.success() {
                assert_eq!(found, names, "{line} with {disk}");
                whole += 1;
            } else {
                let message = message(line, &output);
                assert!(message.contains("No space left"), "{line} with {disk}: {message}");
                // A search may leave what it can be gone on with, and says so.
                let journals = found.len();
                found.retain(|name| !name.contains(".journal"));
                assert!(
                    journals == found.len() || message.contains("--resume goes on"),
                    "{message}"
                );
                assert!(found.is_empty(), "{line} with {disk} left {found:?}: {message}");
                failed += 1;
            }
        }
        assert!(whole > 1 && failed > 1, "{line}: {whole} whole, {failed} failed");
    }
}

/// What stood there before stands there still.
#[test]
fn a_full_disk_keeps_the_old_index() {
    let place = scene();
    fs::write(place.path("old.csv"), "1,2\n3,4\n5,6\n").unwrap();
    place.succeed("matrix import old.csv old.desc");
    place.succeed("build old.desc --index old.ann");
    // Not even on a large disk without being asked to.
    assert!(place.fail("build reference.desc --index old.ann").contains("exists already"));
    let sum = |name: &str| md5(&place.path(name));
    for pages in [8, 20, 60, 200] {
        let disk = format!("size={}k", pages * 4);
        let line = "build ../reference.desc --index x.ann --overwrite";
        let before = "cp ../old.ann x.ann; cp ../old.ann.meta x.ann.meta";
        let Some((output, left)) = on_a_small_disk(&place, &disk, before, line) else { return };
        let message = message(line, &output);
        assert!(message.contains("No space left"), "{message}");
        let expected = BTreeMap::from([
            ("x.ann".to_owned(), sum("old.ann")),
            ("x.ann.meta".to_owned(), sum("old.ann.meta")),
        ]);
        assert_eq!(left, expected, "{message}");
    }
}

/// The sum that `md5sum` gives.
fn md5(path: &std::path::Path) -> String {
    let output = Command::new("md5sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// Runs a line as somebody whom permissions bind, as they do not bind root. None where that cannot be
/// had.
fn bound(place: &Place, line: &str) -> Option<Output> {
    let root =
        fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me)).unwrap();
    if root != 0 {
        return Some(place.run(line));
    }
    let drop = "setpriv --inh-caps=-all --bounding-set=-all";
    if !shell(place, &format!("{drop} true")).status.success() {
        println!("skipped: root cannot give up its rights here");
        return None;
    }
    Some(shell(place, &format!("exec {drop} {BIGANNOY} {line}")))
}

#[test]
fn a_directory_that_may_not_be_written_to_is_named() {
    let place = scene();
    let closed = place.path("closed");
    fs::create_dir(&closed).unwrap();
    place.succeed("matrix create closed/old.desc --type integer --rows 4000 --cols 2");
    let modes = |file: u32, directory: u32| {
        for name in ["old.desc", "old.bin"] {
            fs::set_permissions(closed.join(name), fs::Permissions::from_mode(file)).unwrap();
        }
        fs::set_permissions(&closed, fs::Permissions::from_mode(directory)).unwrap();
    };
    modes(0o444, 0o555);
    for (line, named) in [
        ("build reference.desc --index closed/x.ann", "closed/x.ann"),
        ("matrix create closed/x.desc --type char --rows 1 --cols 1", "closed/x."),
        ("search i.ann -k 2 --ids closed/x.desc", "closed/x."),
        ("search i.ann -k 2 --ids closed/x.csv", "closed/x.csv"),
        ("search i.ann -k 2 --ids closed/x.npy", "closed/x.npy"),
        // A matrix that is there, and may only be read.
        ("search i.ann -k 2 --ids closed/old.desc", "closed/old.bin"),
    ] {
        let before = lengths(&place);
        let Some(output) = bound(&place, line) else { return modes(0o644, 0o755) };
        let message = message(line, &output);
        assert!(message.contains(named), "{line}: {message}");
        assert!(message.contains("Permission denied"), "{line}: {message}");
        assert_eq!(lengths(&place), before, "{line}: {message}");
    }
    // What may not even be read.
    modes(0o000, 0o755);
    let output = bound(&place, "matrix head closed/old.desc").unwrap();
    let told = message("head", &output);
    assert!(told.contains("closed/old.desc") && told.contains("Permission denied"), "{told}");
    modes(0o644, 0o755);
}

/// Lengths of all files, those in `closed` included.
fn lengths(place: &Place) -> BTreeMap<PathBuf, u64> {
    let directories = [place.path("."), place.path("closed")];
    let entries = directories.iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file())
        .map(|entry| (entry.path(), entry.metadata().unwrap().len()))
        .collect()
}

#[test]
fn a_disk_that_is_mounted_read_only_is_named() {
    let place = scene();
    let remounted = "cp ../i.ann i.ann; cp ../i.ann.meta i.ann.meta; cd ..; \
                     mount -o remount,ro small";
    for (line, named) in [
        ("build ../reference.desc --index x.ann", "x.ann"),
        ("matrix create x.desc --type char --rows 1 --cols 1", "x."),
        ("search i.ann -k 2 --ids x.desc", "x."),
        ("search i.ann -k 2 --ids x.csv", "x.csv"),
    ] {
        let Some((output, left)) = on_a_small_disk(&place, "size=4m", remounted, line) else {
            return;
        };
        let message = message(line, &output);
        assert!(message.contains(named) && message.contains("Read-only file system"), "{message}");
        assert_eq!(left.len(), 2, "{left:?}");
    }
    // Reading asks for no more than reading.
    for line in ["validate i.ann --level checksum", "search i.ann -k 2", "info i.ann"] {
        let (output, _) = on_a_small_disk(&place, "size=4m", remounted, line).unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && message.is_empty(), "{line}: {message}");
    }
}

/// Files larger than the addresses that the process may use.
#[test]
fn memory_that_cannot_be_mapped_is_a_failure() {
    const ROWS: u64 = 50_000_000;
    let place = scene();
    // They take no room on the disk.
    let file = fs::File::create(place.path("huge.bin")).unwrap();
    file.set_len(ROWS * 16 * 8).unwrap();
    let text = fs::read_to_string(place.path("reference.desc")).unwrap();
    assert!(text.contains("4000"), "{text}");
    let huge = text.replace("4000", "50000000").replace("reference.bin", "huge.bin");
    fs::write(place.path("huge.desc"), huge).unwrap();
    fs::File::create(place.path("huge.ann")).unwrap().set_len(ROWS * 80).unwrap();
    let before = place.path("x.ann");
    for (line, named) in [
        ("build huge.desc --index x.ann", "huge.bin"),
        ("search i.ann --query huge.desc -k 2", "huge.bin"),
        ("search huge.ann -k 2 --metric euclidean --dim 16", "huge.ann"),
    ] {
        let output =
            shell(&place, &format!("ulimit -v 2000000; exec {BIGANNOY} {line} --threads 2"));
        let message = message(line, &output);
        assert!(message.contains(named), "{line}: {message}");
        assert!(message.contains("Cannot allocate memory"), "{line}: {message}");
        assert!(!before.exists() && output.stdout.is_empty(), "{line}");
    }
}
