//! Journals of searches.

use std::fs;
use std::path::Path;

use bigannoy_journal::{Block, Head, Journal, JournalError, Shape, journal_path, unfinished};
use bigannoy_metric::NeighborBlock;

const N_QUERY: u64 = 9;
const K: u32 = 3;
const N_ITEMS: u32 = 40;

/// A file in `folder`, which is empty again afterwards, is read as a journal, gone on with and
/// completed. Its first byte tells what the rest is: 0, all of the file; 1, what stands behind a good
/// head; any other, the bytes of blocks that have a right hash, each after a byte for its length.
///
/// # Panics
/// If a journal that is accepted holds an answer that no search gives, does not go on where it said, or
/// the file cannot be made.
pub fn journal(input: &[u8], folder: &Path) {
    let Some((&form, rest)) = input.split_first() else { return };
    let double = form % 2 == 1;
    let head = Head::new(Shape { n_query: N_QUERY, k: K, n_items: N_ITEMS, double });
    let result = folder.join("result");
    let path = journal_path(&result);
    let text = head.to_bytes();
    let key = blake3::hash(&text);
    let mut bytes = Vec::new();
    if form > 0 {
        bytes.extend(&text);
        bytes.extend(key.as_bytes());
    }
    if form > 1 {
        let mut rest = rest;
        while let Some((&len, after)) = rest.split_first() {
            let (block, after) = after.split_at(after.len().min(len.into()));
            bytes.extend(block);
            bytes.extend(&blake3::keyed_hash(key.as_bytes(), block).as_bytes()[..16]);
            rest = after;
        }
    } else {
        bytes.extend(rest);
    }
    fs::write(&path, &bytes).expect("a file of its own");
    let told = unfinished(&result).expect("it is there").expect("it is there");
    if let Ok(mut journal) = Journal::resume(&path, &head) {
        let complete = journal.complete();
        assert_eq!((complete, N_QUERY), (told.complete, told.n_query));
        let mut rows = 0;
        let whole = journal.replay(&mut |block: Block| {
            rows += block.neighbors.nrows() as u64;
            assert!(block.neighbors.rows().flatten().all(|near| near.item < N_ITEMS));
            assert!(block.short_rows + block.skipped_rows <= block.neighbors.nrows() as u64);
            Ok::<_, JournalError>(())
        });
        // With a right hash before content that is none, it ends there.
        assert!(rows == complete || whole.is_err());
        let left = usize::try_from(N_QUERY - complete).expect("nine");
        let k = K as usize;
        let neighbors =
            if double { NeighborBlock::double(left, k) } else { NeighborBlock::new(left, k) };
        journal
            .append(&Block { neighbors, short_rows: 0, skipped_rows: left as u64 })
            .expect("room");
        assert_eq!(journal.complete(), N_QUERY);
        drop(journal);
        let told = unfinished(&result).expect("it is there").expect("it is there");
        assert_eq!(told.complete, N_QUERY);
    }
    fs::remove_file(&path).expect("it is there");
}
