//! Searches that end early: what they say, and what they leave.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bigannoy::matrix::{Element, MatrixSpec, NewMatrix};
use bigannoy::sink::{CsvSink, MemorySink, NpySink, ResultShape, SinkError};
use bigannoy::{
    BigMatrix, Destination, Error, ExactMetric, ExactOptions, Input, MatrixSink, Metric,
    NeighborBlock, NeighborSink, SearchOptions, Stage, exact_self_into,
};
use bigannoy_tests::message_chain;

use super::{Rows, Watched};

/// Whether the block of a search, not the check of all queries before it, is being read: that reads
/// all rows once.
fn second_reading(reads: &AtomicUsize, nrows: usize, rows: usize) -> bool {
    reads.fetch_add(rows, Ordering::Relaxed) >= nrows
}

/// The wish to stop comes while the third block is being read: two blocks are complete, and the
/// third is not answered.
#[test]
fn a_cancelled_search_tells_what_is_complete_and_leaves_nothing_that_looks_like_it() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(100, 3, 6);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let path = |name: &str| dir.path().join(name);
    let existing = path("old.desc");
    let mut new = NewMatrix::create(&existing, &MatrixSpec::new(i32::TYPE, 100, 2)).unwrap();
    let mut view = new.view_mut::<i32>().unwrap();
    (0..2).for_each(|col| view.column_mut(col).fill(-9));
    new.finish().unwrap();
    let files = || fs::read_dir(dir.path()).unwrap().count();
    let before = files();
    // Those with a file of their own keep what was answered; nothing else is new.
    let journals: [Option<&str>; 5] = [
        Some("new.desc.journal"),
        Some("new.csv.journal"),
        Some("new.npy.journal"),
        None,
        Some("old.desc.journal"),
    ];

    let sinks: [Box<dyn NeighborSink>; 5] = [
        Box::new(MatrixSink::new(Destination::create(path("new.desc")))),
        Box::new(CsvSink::create(path("new.csv"))),
        Box::new(NpySink::create(path("new.npy")).distances(path("d.npy"))),
        Box::new(CsvSink::new(Vec::new())),
        Box::new(MatrixSink::new(Destination::path(&existing))),
    ];
    for (mut sink, journal) in sinks.into_iter().zip(journals) {
        let stop = Arc::new(AtomicBool::new(false));
        let reads = AtomicUsize::new(0);
        let watched = Watched::new(rows.dense(), |rows| {
            if second_reading(&reads, 100, rows.len()) && rows.end > 60 {
                stop.store(true, Ordering::Relaxed);
            }
        });
        let options = SearchOptions::new(2).block_rows(30).threads(1).interrupt(Arc::clone(&stop));
        let error = index.search_into(Input::rows(&watched), &options, sink.as_mut()).unwrap_err();
        assert_eq!(error.to_string(), "interrupted: 60 of 100 queries were written");
        assert!(matches!(error, Error::SearchInterrupted { complete: 60, n_query: 100 }));
        assert!(sink.finish().is_err(), "an unfinished sink cannot be finished");
        drop(sink);
        if let Some(journal) = journal {
            let result = journal.strip_suffix(".journal").unwrap();
            let left = bigannoy::unfinished(path(result)).unwrap().unwrap();
            assert_eq!((left.complete, left.n_query), (60, 100));
            fs::remove_file(path(journal)).unwrap();
        }
        assert_eq!(files(), before);
    }
    // The matrix that was there has the rows that are complete, and its old values after them.
    let old = BigMatrix::attach(&existing).unwrap();
    let view = old.view::<i32>().unwrap();
    let expected = index.search(&rows.dense(), &SearchOptions::new(2)).unwrap().index();
    assert_eq!(view.column(1)[..60], expected[100..160]);
    assert_eq!(view.column(1)[60..], [-9; 40]);
}

#[test]
fn a_search_that_is_cancelled_before_it_begins_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(100, 3, 6);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let options = SearchOptions::new(2).interrupt(Arc::new(AtomicBool::new(true)));
    let mut text = Vec::new();
    for own in [false, true] {
        let mut sink = CsvSink::new(&mut text);
        let ended = if own {
            index.search_self_into(&options, &mut sink)
        } else {
            index.search_into(&rows.dense(), &options, &mut sink)
        };
        assert!(matches!(ended, Err(Error::SearchInterrupted { complete: 0, n_query: 100 })));
    }
    assert!(text.is_empty());
}

/// A sink that takes so many blocks.
#[derive(Default)]
struct Fails {
    blocks: usize,
    written: usize,
    asked: usize,
}

impl NeighborSink for Fails {
    fn begin(&mut self, _: ResultShape) -> Result<(), SinkError> {
        Ok(())
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        self.asked += 1;
        if self.asked > self.blocks {
            return Err(SinkError::Other("the tape is full".into()));
        }
        self.written += block.nrows();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Err(SinkError::Other("the tape is torn".into()))
    }
}

#[test]
fn a_sink_that_fails_ends_the_search() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(100, 3, 6);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let options = SearchOptions::new(2).block_rows(30);
    let mut sink = Fails { blocks: 2, ..Fails::default() };
    let error = index.search_self_into(&options, &mut sink).unwrap_err();
    assert_eq!((sink.written, sink.asked), (60, 3));
    assert!(matches!(error, Error::SearchEnded { complete: 60, n_query: 100, .. }), "{error}");
    let message = message_chain(&error);
    assert!(message.contains("60 of 100") && message.contains("the tape is full"), "{message}");

    let mut sink = Fails { blocks: 9, ..Fails::default() };
    let error = index.search_self_into(&options, &mut sink).unwrap_err();
    assert!(matches!(error, Error::SearchEnded { complete: 100, .. }), "{error}");
    assert!(message_chain(&error).contains("the tape is torn"));
}

#[test]
fn an_exact_search_tells_what_was_written_too() {
    let rows = Rows::new(100, 3, 6);
    let options = ExactOptions::new(ExactMetric::Euclidean, 2).memory(8_000);
    let mut all = Fails { blocks: usize::MAX, ..Fails::default() };
    let error = exact_self_into(&rows.dense(), &options, &mut all).unwrap_err();
    assert!(all.asked > 3, "{} blocks", all.asked);
    assert!(matches!(error, Error::SearchEnded { complete: 100, n_query: 100, .. }), "{error}");

    let mut sink = Fails { blocks: 2, ..Fails::default() };
    let error = exact_self_into(&rows.dense(), &options, &mut sink).unwrap_err();
    assert!(sink.written > 0 && sink.written < 100);
    let message = message_chain(&error);
    assert!(message.contains(&format!("{} of 100", sink.written)), "{message}");
    assert!(message.contains("the tape is full"), "{message}");

    // The wish to stop comes with the third block, which is not begun.
    let stop = Arc::new(AtomicBool::new(false));
    let (asked, stopper) = (AtomicUsize::new(0), Arc::clone(&stop));
    let options = options.interrupt(stop).progress(move |progress| {
        if progress.done > 200 && asked.fetch_add(1, Ordering::Relaxed) == 0 {
            stopper.store(true, Ordering::Relaxed);
        }
    });
    let mut sink = MemorySink::new();
    let error = exact_self_into(&rows.dense(), &options, &mut sink).unwrap_err();
    let complete = sink.into_neighbors().nrows();
    assert!(complete > 0 && complete < 100);
    let told =
        matches!(error, Error::SearchInterrupted { complete: c, n_query: 100 } if c == complete);
    assert!(told, "{error}");
}

#[test]
fn a_strict_search_that_finds_too_little_leaves_nothing_new() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(300, 2, 5);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let path = dir.path().join("ids.desc");
    let options = SearchOptions::new(40).search_k(1).strict(true).block_rows(20);
    let before = fs::read_dir(dir.path()).unwrap().count();
    let error = index
        .search_self_into(&options, &mut MatrixSink::new(Destination::create(&path)))
        .unwrap_err();
    assert!(matches!(error, Error::ShortRow { k: 40, .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before);
}

#[test]
fn progress_counts_the_queries_that_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Rows::new(100, 3, 6);
    let index = rows.index(dir.path(), Metric::Euclidean);
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let options = SearchOptions::new(2).block_rows(40).progress(move |progress| {
        assert_eq!((progress.stage, progress.total), (Stage::Queries, 100));
        teller.lock().unwrap().push(progress.done);
    });
    index.search(&rows.dense(), &options).unwrap();
    assert_eq!(*told.lock().unwrap(), [0, 40, 80, 100]);
}
