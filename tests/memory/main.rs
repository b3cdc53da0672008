//! Memory that does not grow with the data: measured on this process, so that the tests here run
//! one after the other in a process of their own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;

use bigannoy::matrix::{BigMatrix, FileRows, MatrixSpec, NewMatrix, RowBlocks};
use bigannoy::{ElementType, RowSource};

const COLUMNS: usize = 20;

/// Anonymous memory of this process in bytes: what it has allocated and touched. Mapped files are
/// not in it.
fn anonymous_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

fn create(dir: &Path, nrows: usize, separated: bool) -> std::path::PathBuf {
    let path = dir.join(format!("m{nrows}{separated}.desc"));
    let spec = MatrixSpec::new(ElementType::Short, nrows, COLUMNS).separated(separated);
    let mut new = NewMatrix::create(&path, &spec).unwrap();
    new.view_mut::<i16>().unwrap().column_mut(3).fill(7);
    new.finish().unwrap();
    path
}

/// The most anonymous memory that was in use between two blocks, above what was there before.
fn most_while_reading(rows: &dyn RowSource) -> usize {
    let before = anonymous_bytes();
    let mut most = 0;
    let mut blocks = RowBlocks::new(rows, 8192);
    while let Some(block) = blocks.next_block().unwrap() {
        assert_eq!(block.values[3], 7.0);
        most = most.max(anonymous_bytes().saturating_sub(before));
    }
    most
}

#[test]
fn reading_rows_takes_no_more_memory_for_more_rows() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    for separated in [false, true] {
        let [few, many] = [50_000, 1_000_000].map(|nrows| create(dir, nrows, separated));
        // The first run starts the threads and fills their pools.
        most_while_reading(&BigMatrix::attach(&few).unwrap());
        most_while_reading(&FileRows::open(&few).unwrap());
        for (name, most) in [
            ("mapped", most_while_reading(&BigMatrix::attach(&many).unwrap())),
            ("unmapped", most_while_reading(&FileRows::open(&many).unwrap())),
        ] {
            // A block has 640 KiB as f32; the 40 MB of the matrix, and the 80 MB of its rows, show
            // nowhere.
            assert!(most < 6 << 20, "{name}, separated: {separated}: {most} bytes");
        }
    }
}
