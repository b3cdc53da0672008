//! Journals that are kept, broken off, altered, and gone on with.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use bigannoy_journal::{
    Block, Head, HeadError, Journal, JournalError, Shape, journal_path, unfinished,
};
use bigannoy_metric::{Neighbor, NeighborBlock, WideNeighbor};
use proptest::prelude::*;

fn shape(n_query: u64, k: u32, double: bool) -> Shape {
    Shape { n_query, k, n_items: 1000, double }
}

fn head(shape: Shape) -> Head {
    Head::new(shape).with("search_k", 500).with("metric", "euclidean")
}

/// Rows with so many neighbors each.
fn block(k: usize, counts: &[usize], double: bool) -> Block {
    let rows = counts.len();
    let mut neighbors =
        if double { NeighborBlock::double(rows, k) } else { NeighborBlock::new(rows, k) };
    for (row, (mut out, &count)) in neighbors.rows_mut().zip(counts).enumerate() {
        let item = |rank: usize| u32::try_from(17 * row + rank).unwrap();
        if double {
            out.fill_wide((0..count).map(|rank| WideNeighbor {
                item: item(rank),
                distance: f64::from(item(rank)) / 3.0,
            }));
        } else {
            out.fill((0..count).map(|rank| Neighbor { item: item(rank), distance: 0.5 }));
        }
    }
    Block {
        neighbors,
        short_rows: counts.iter().filter(|&&c| c < k).count() as u64,
        skipped_rows: 0,
    }
}

fn kept(journal: &Journal) -> Vec<Block> {
    let mut blocks = Vec::new();
    journal
        .replay(&mut |block| {
            blocks.push(block);
            Ok::<_, JournalError>(())
        })
        .unwrap();
    blocks
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn result(&self) -> PathBuf {
        self.0.path().join("near.desc")
    }

    fn journal(&self) -> PathBuf {
        journal_path(&self.result())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[test]
fn what_is_appended_is_found_by_the_next_process() {
    for double in [false, true] {
        let place = Place::new();
        let head = head(shape(10, 3, double));
        assert_eq!(unfinished(&place.result()).unwrap(), None);
        let mut journal = Journal::create(&place.journal(), &head).unwrap();
        let blocks = [block(3, &[3, 0, 2], double), block(3, &[3, 3, 3, 1], double)];
        journal.append(&blocks[0]).unwrap();
        // One process at a time.
        assert!(Journal::resume(&place.journal(), &head).is_err());
        drop(journal);

        let mut journal = Journal::resume(&place.journal(), &head).unwrap();
        assert_eq!((journal.complete(), kept(&journal)), (3, blocks[..1].to_vec()));
        assert_eq!(journal.take_last(), Some((0, blocks[0].clone())));
        journal.append(&blocks[1]).unwrap();
        assert_eq!(kept(&journal), blocks);
        drop(journal);
        let found = unfinished(&place.result()).unwrap().unwrap();
        assert_eq!((found.complete, found.n_query), (7, 10));
        assert_eq!(place.names(), ["near.desc.journal"]);

        let mut journal = Journal::resume(&place.journal(), &head).unwrap();
        assert_eq!(journal.take_last(), Some((3, blocks[1].clone())));
        journal.remove().unwrap();
        assert!(place.names().is_empty());
        Journal::discard(&place.journal()).unwrap();
    }
}

#[test]
fn a_journal_of_another_search_is_told_by_what_differs() {
    let place = Place::new();
    let begun = head(shape(10, 3, false));
    drop(Journal::create(&place.journal(), &begun).unwrap());
    let before = fs::read(place.journal()).unwrap();
    let other = Head::new(shape(10, 3, false)).with("search_k", 900).with("metric", "euclidean");
    for (now, expected) in [
        (other, "there search_k is 500, here 900"),
        (head(shape(11, 3, false)), "there queries is 10, here 11"),
        (head(shape(10, 3, false)).with("widen", true), "there widen is not set, here true"),
        (Head::new(shape(10, 3, false)), "there search_k is 500, here not set"),
    ] {
        let error = Journal::resume(&place.journal(), &now).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    assert!(Journal::create(&place.journal(), &begun).is_err(), "it is there already");
    assert_eq!(fs::read(place.journal()).unwrap(), before);
}

/// A journal of three blocks; the end of its head and of each block.
fn three(path: &Path, head: &Head) -> Vec<usize> {
    let mut journal = Journal::create(path, head).unwrap();
    let len = || usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    let mut ends = vec![len()];
    for counts in [&[2, 1][..], &[0], &[2, 2, 2]] {
        journal.append(&block(2, counts, false)).unwrap();
        ends.push(len());
    }
    ends
}

/// Wherever it is cut, the blocks before the cut are kept, and the rest is written anew.
#[test]
fn every_cut_leaves_the_blocks_before_it() {
    let place = Place::new();
    let head = head(shape(6, 2, false));
    let ends = three(&place.journal(), &head);
    let whole = fs::read(place.journal()).unwrap();
    for cut in 0..whole.len() {
        fs::write(place.journal(), &whole[..cut]).unwrap();
        if cut < ends[0] {
            let error = Journal::resume(&place.journal(), &head).unwrap_err();
            assert!(matches!(error, JournalError::Head { .. }), "{error}");
            assert_eq!(unfinished(&place.result()).unwrap().unwrap().n_query, 0);
            continue;
        }
        let mut journal = Journal::resume(&place.journal(), &head).unwrap();
        let kept = ends[1..].iter().filter(|&&end| end <= cut).count();
        assert_eq!(journal.complete(), [0, 2, 3, 6][kept]);
        let rest: [&[usize]; 3] = [&[2, 1], &[0], &[2, 2, 2]];
        rest[kept..].iter().for_each(|counts| journal.append(&block(2, counts, false)).unwrap());
        assert_eq!(fs::read(place.journal()).unwrap(), whole, "cut at {cut}");
    }
}

/// An altered byte ends the journal before its block.
#[test]
fn every_altered_byte_is_noticed() {
    let place = Place::new();
    let head = head(shape(6, 2, false));
    let ends = three(&place.journal(), &head);
    let whole = fs::read(place.journal()).unwrap();
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(place.journal(), &altered).unwrap();
        let resumed = Journal::resume(&place.journal(), &head);
        match ends.iter().position(|&end| at < end).unwrap() {
            0 => assert!(resumed.is_err(), "byte {at}"),
            block => assert_eq!(resumed.unwrap().complete(), [0, 2, 3][block - 1], "byte {at}"),
        }
    }
}

#[test]
fn settings_are_lines_whatever_they_hold() {
    let shape = shape(1, 1, false);
    let odd = Head::new(shape).with("a: b", "c\nd: e").with("", "");
    let (read, len) = Head::parse(&odd.to_bytes()).unwrap();
    assert_eq!(len, odd.to_bytes().len());
    assert_eq!(read, odd);
    assert_eq!(Head::parse(b"bigannoy journal 2\n\n").unwrap_err(), HeadError::Title);
}

proptest! {
    /// Any bytes are a journal or an error, and take no more memory than they have.
    #[test]
    fn any_bytes_are_a_journal_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        after_head in any::<bool>(),
    ) {
        let place = Place::new();
        let head = head(shape(6, 2, false));
        let bytes = if after_head {
            drop(Journal::create(&place.journal(), &head).unwrap());
            [fs::read(place.journal()).unwrap(), bytes].concat()
        } else {
            bytes
        };
        fs::write(place.journal(), bytes).unwrap();
        unfinished(&place.result()).unwrap();
        if let Ok(journal) = Journal::resume(&place.journal(), &head) {
            prop_assert_eq!(journal.complete(), 0);
            prop_assert!(kept(&journal).is_empty());
        }
    }

    #[test]
    fn heads_come_back(
        settings in proptest::collection::vec(("[a-z][a-z_]{0,8}", "[ -~]{0,20}"), 0..6),
        n_query in any::<u64>(), k in any::<u32>(), n_items in any::<u32>(), double in any::<bool>(),
    ) {
        let head = settings
            .iter()
            .fold(Head::new(Shape { n_query, k, n_items, double }), |head, (name, value)| {
                head.with(name, value)
            });
        let bytes = head.to_bytes();
        prop_assert_eq!(Head::parse(&bytes).unwrap(), (head.clone(), bytes.len()));
        prop_assert_eq!(head.difference(&head), None);
    }
}
