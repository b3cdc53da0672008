//! The bodies of fuzz targets, over random bytes and over changed fixtures.
//!
//! What a fuzzer finds in hours is not found here; what it would find in seconds is, on every
//! machine that runs the tests.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use bigannoy::matrix::Descriptor;
use bigannoy_tests::any_input::Outcome::Attached;
use bigannoy_tests::{any_input, fixture};
use flate2::read::GzDecoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::cases;

/// Every descriptor that R wrote, text and RDS.
static DESCRIPTORS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut found = Vec::new();
    collect(&fixture("bigmemory"), &mut found);
    assert_eq!(found.len(), 338);
    found
});

/// Those of them that are text.
static TEXTS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| DESCRIPTORS.iter().filter(|bytes| !is_rds(bytes)).cloned().collect());

/// Those that are RDS, and what those in gzip hold: as it stands, and to be put into another
/// container.
static STREAMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut streams = Vec::new();
    for bytes in DESCRIPTORS.iter().filter(|bytes| is_rds(bytes)) {
        let mut content = Vec::new();
        // What is no gzip, or is damaged, is taken as it stands.
        if GzDecoder::new(&bytes[..]).read_to_end(&mut content).is_ok() {
            streams.extend([0, 1, 2].map(|container| [&[container], &content[..]].concat()));
            streams.push(content);
        }
        streams.push(bytes.clone());
    }
    streams
});

fn collect(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    // The same order everywhere, so that a failing case is the same everywhere.
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, found);
        } else if path.file_name().unwrap().to_string_lossy().contains(".desc") {
            found.push(fs::read(path).unwrap());
        }
    }
}

fn is_rds(bytes: &[u8]) -> bool {
    [&b"\x1f\x8b"[..], b"BZh", b"\xfd7z", b"X\n", b"B\n", b"A\n"]
        .iter()
        .any(|start| bytes.starts_with(start))
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Flip {
        at: Index,
        bit: u8,
    },
    Set {
        at: Index,
        byte: u8,
    },
    Truncate {
        at: Index,
    },
    Remove {
        at: Index,
        len: usize,
    },
    Insert {
        at: Index,
        bytes: Vec<u8>,
    },
    /// A part of another entry takes the place of a part.
    Splice {
        at: Index,
        len: usize,
        entry: Index,
        from: Index,
        taken: usize,
    },
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let number = select(vec![b"0".to_vec(), b"-1".to_vec(), b"NA".to_vec(), b"1e300".to_vec()]);
    let bytes = prop_oneof![vec(any::<u8>(), 1..9), number];
    let change = prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip { at, bit }),
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set { at, byte }),
        1 => at().prop_map(|at| Change::Truncate { at }),
        4 => (at(), 1..40_usize).prop_map(|(at, len)| Change::Remove { at, len }),
        4 => (at(), bytes).prop_map(|(at, bytes)| Change::Insert { at, bytes }),
        4 => (at(), 0..80_usize, at(), at(), 1..80_usize).prop_map(
            |(at, len, entry, from, taken)| Change::Splice { at, len, entry, from, taken }
        ),
    ];
    vec(change, 1..4)
}

/// One of `entries` with some changes.
fn changed(entries: &[Vec<u8>], entry: Index, changes: &[Change]) -> Vec<u8> {
    let mut bytes = entries[entry.index(entries.len())].clone();
    for change in changes {
        let len = bytes.len();
        let place = |at: &Index| at.index(len + 1);
        match change {
            _ if len == 0 => break,
            Change::Flip { at, bit } => bytes[at.index(len)] ^= 1 << bit,
            Change::Set { at, byte } => bytes[at.index(len)] = *byte,
            Change::Truncate { at } => bytes.truncate(at.index(len)),
            Change::Remove { at, len: removed } => {
                let at = place(at);
                drop(bytes.drain(at..(at + removed).min(len)));
            }
            Change::Insert { at, bytes: new } => {
                let at = place(at);
                drop(bytes.splice(at..at, new.iter().copied()));
            }
            Change::Splice { at, len: removed, entry, from, taken } => {
                let other = &entries[entry.index(entries.len())];
                let from = from.index(other.len() + 1);
                let part = &other[from..(from + taken).min(other.len())];
                let at = place(at);
                drop(bytes.splice(at..(at + removed).min(len), part.iter().copied()));
            }
        }
    }
    bytes
}

/// Bytes from nowhere, mostly behind a start that makes a reader look further.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let starts = [
        &b""[..],
        b"new(\"big.matrix.descriptor\", description = list(",
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
        b"BZh91AY&SY",
        b"\xfd7zXZ\0\0\x01\x69\x22\xde\x36",
        b"X\n\0\0\0\x02\0\0\0\0\0\0\0\0",
        b"B\n\x02\0\0\0\0\0\0\0\0\0\0\0",
        b"A\n2\n0\n0\n",
        b"\0X\n\0\0\0\x02\0\0\0\0\0\0\0\0",
        b"\x01B\n\x02\0\0\0\0\0\0\0\0\0\0\0",
        b"\x02A\n2\n0\n0\n",
    ];
    (select(starts.map(<[u8]>::to_vec).to_vec()), vec(any::<u8>(), 0..200))
        .prop_map(|(start, bytes)| [start, bytes].concat())
}

/// Settings of the lengths of data files.
fn settings() -> impl Strategy<Value = Vec<u8>> {
    let near = vec(select(vec![0, 1, 2, 8, 255, 254, 248]), 1..4);
    let settings = prop_oneof![
        2 => Just(Vec::new()),
        2 => near.prop_map(|more| [vec![0], more].concat()),
        1 => vec(any::<u8>(), 1..7).prop_map(|length| [vec![1], length].concat()),
        2 => (2..4_u8, 1..3_u8).prop_map(|(axis, times)| vec![axis, times]),
    ];
    settings.prop_map(|settings| match u8::try_from(settings.len()) {
        Ok(0) => settings,
        len => [vec![len.unwrap()], settings].concat(),
    })
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn any_bytes_as_a_descriptor(bytes in any_bytes()) {
        any_input::descriptor_text(&bytes);
        any_input::descriptor_rds(&bytes);
    }

    #[test]
    fn a_changed_text(entry in any::<Index>(), changes in changes()) {
        any_input::descriptor_text(&changed(&TEXTS, entry, &changes));
    }

    #[test]
    fn a_changed_rds(entry in any::<Index>(), changes in changes()) {
        any_input::descriptor_rds(&changed(&STREAMS, entry, &changes));
    }
}

#[test]
fn any_matrix_beside_any_data() {
    let folder = any_input::scratch_folder();
    let rule = (settings(), any::<Index>(), changes(), any::<bool>());
    proptest!(cases(10_000), |((settings, entry, changes, is_changed) in rule)| {
        let changes = if is_changed { &changes[..] } else { &[] };
        let descriptor = changed(&DESCRIPTORS, entry, changes);
        any_input::attach(&[settings, descriptor].concat(), folder.path());
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Lines that have something of a sidecar's, and fields that are none.
fn sidecar_lines() -> impl Strategy<Value = String> {
    let names = ["metric", "n_dim", "n_ref", "n_trees", "build_seed", "file_md5", "zzz", "", " "];
    let values = ["angular", "euclidean", "3", "-1", "NA", "TRUE", "2147483648", "1e300", ""];
    let line = prop_oneof![
        4 => (select(names.to_vec()), select(values.to_vec()))
            .prop_map(|(name, value)| format!("{name}: {value}")),
        1 => "[a-z_]{0,8}:?\\PC{0,12}",
        1 => " \\PC{0,12}",
    ];
    vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn any_text_as_a_sidecar(text in sidecar_lines()) {
        any_input::sidecar(&text);
    }
}

/// Blocks whose numbers may be anything, after the byte for their length.
fn journal_blocks() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0..12_u64, Just(u64::MAX), any::<u64>()];
    let fixed = proptest::collection::vec(number, 5);
    let rest = proptest::collection::vec(prop_oneof![3 => 0..4_u8, 1 => any::<u8>()], 0..80);
    let block = (fixed, rest).prop_map(|(fixed, rest)| {
        let numbers: Vec<u8> = fixed.iter().flat_map(|number| number.to_le_bytes()).collect();
        let len = u8::try_from(numbers.len() + rest.len()).expect("at most 120");
        [vec![len], numbers, rest].concat()
    });
    proptest::collection::vec(block, 0..4).prop_map(|blocks| blocks.concat())
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn any_bytes_as_a_journal(
        form in 0..4_u8,
        blocks in journal_blocks(),
        noise in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let folder = any_input::scratch_folder();
        any_input::journal(&[vec![form], blocks, noise].concat(), folder.path());
    }
}

/// With the data that they ask for, and with data that is longer by lost bits of the rows.
#[test]
fn fixtures_are_inputs_as_they_stand() {
    let folder = any_input::scratch_folder();
    let (mut read, mut attached, mut larger) = (0, 0, 0);
    for bytes in &*DESCRIPTORS {
        any_input::descriptor_text(bytes);
        any_input::descriptor_rds(bytes);
        read += usize::from(Descriptor::parse(bytes).is_ok());
        let is_attached = |input: &[u8]| any_input::attach(input, folder.path()) == Attached;
        attached += usize::from(is_attached(bytes));
        larger += usize::from(is_attached(&[&[2, 2, 1], &bytes[..]].concat()));
    }
    assert_eq!((read, attached, larger), (312, 307, 307));
}
