//! Searches that are broken off and gone on with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bigannoy::format::Layout;
use bigannoy::journal::JournalError;
use bigannoy::matrix::{Element, MatrixSpec, NewMatrix};
use bigannoy::sink::{CsvSink, NpySink};
use bigannoy::{
    Destination, Error, ExactMetric, ExactOptions, Index, ItemSet, Journaling, MatrixSink, Metric,
    NeighborSink, OpenOptions, SearchOptions, SearchSummary, Strategy,
};
use bigannoy_tests::message_chain;

use super::Rows;

const ROWS: usize = 100;
const K: usize = 3;

/// The kinds of results that are found by a file.
#[derive(Clone, Copy, Debug)]
enum Kind {
    New,
    Existing { separated: bool },
    Csv,
    Npy,
}

const KINDS: [Kind; 5] = [
    Kind::New,
    Kind::Existing { separated: false },
    Kind::Existing { separated: true },
    Kind::Csv,
    Kind::Npy,
];

impl Kind {
    /// What has to be there before the search.
    fn prepare(self, dir: &Path) {
        let Kind::Existing { separated } = self else { return };
        matrix::<f64>(&dir.join("ids.desc"), separated);
        matrix::<f32>(&dir.join("distances.desc"), separated);
    }

    /// The file by which the result is found.
    fn result(self, dir: &Path) -> PathBuf {
        dir.join(match self {
            Kind::New | Kind::Existing { .. } => "ids.desc",
            Kind::Csv => "table.csv",
            Kind::Npy => "ids.npy",
        })
    }

    fn sink(self, dir: &Path) -> Box<dyn NeighborSink> {
        let result = self.result(dir);
        match self {
            Kind::New | Kind::Existing { .. } => {
                let destination = |name: &str| Destination::path_or_create(dir.join(name));
                Box::new(
                    MatrixSink::new(destination("ids.desc"))
                        .distances(destination("distances.desc")),
                )
            }
            Kind::Csv => Box::new(CsvSink::create(result)),
            Kind::Npy => Box::new(NpySink::create(result).distances(dir.join("distances.npy"))),
        }
    }
}

fn matrix<T: Element>(path: &Path, separated: bool) {
    let spec = MatrixSpec::new(T::TYPE, ROWS, K).separated(separated);
    let mut new = NewMatrix::create(path, &spec).unwrap();
    let mut view = new.view_mut::<T>().unwrap();
    (0..K).for_each(|col| view.column_mut(col).fill(T::MISSING));
    new.finish().unwrap();
}

/// All files by name; descriptors without the folder that stands in them.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        let is_descriptor = path.extension().is_some_and(|end| end == "desc");
        (name, if is_descriptor { Vec::new() } else { bytes })
    };
    entries.map(|entry| read(entry.path())).collect()
}

/// What is searched for, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Queries,
    OwnRows,
    Reranked,
    Cells,
}

struct Scene {
    dir: tempfile::TempDir,
    rows: Rows,
    index: Index,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rows = Rows::new(ROWS, 3, 6);
        let index = rows.index(dir.path(), Metric::Euclidean);
        Scene { dir, rows, index }
    }

    /// An empty folder.
    fn place(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir(&path).unwrap();
        path
    }

    fn search(
        &self,
        way: Way,
        options: &SearchOptions,
        mut sink: Box<dyn NeighborSink>,
    ) -> Result<SearchSummary, Error> {
        let queries = self.rows.dense();
        match way {
            Way::Queries => self.index.search_into(&queries, options, sink.as_mut()),
            Way::Cells => {
                let options = options.clone().strategy(Strategy::Cells);
                self.index.search_into(&queries, &options, sink.as_mut())
            }
            Way::OwnRows => self.index.search_self_into(options, sink.as_mut()),
            Way::Reranked => {
                let reranked = self.index.rerank_with(&queries)?;
                reranked.search_into(&queries, options, sink.as_mut())
            }
        }
    }

    /// Breaks a search off after the block with query number `last`.
    fn broken_off(&self, way: Way, last: u64, kind: Kind, dir: &Path) {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let options = options().block_rows(10).interrupt(stop).progress(move |progress| {
            stopping.fetch_or(progress.done >= last, Ordering::Relaxed);
        });
        let error = self.search(way, &options, kind.sink(dir)).unwrap_err();
        assert!(matches!(error, Error::SearchInterrupted { .. }), "{error}");
    }
}

fn options() -> SearchOptions {
    SearchOptions::new(K).search_k(40)
}

#[test]
fn the_result_is_the_same_as_if_nothing_had_happened() {
    let scene = Scene::new();
    for way in [Way::Queries, Way::OwnRows, Way::Reranked, Way::Cells] {
        for kind in KINDS {
            let whole = scene.place("whole");
            kind.prepare(&whole);
            let expected = scene.search(way, &options(), kind.sink(&whole)).unwrap();

            let place = scene.place("broken");
            kind.prepare(&place);
            scene.broken_off(way, 20, kind, &place);
            let left = files(&place);
            let unfinished = bigannoy::unfinished(kind.result(&place)).unwrap().unwrap();
            assert_eq!((unfinished.complete, unfinished.n_query), (20, 100));

            // Neither a search that knows nothing of it goes over it, nor one without journals.
            for journaling in [Journaling::Keep, Journaling::Off] {
                let options = options().journaling(journaling);
                let error = scene.search(way, &options, kind.sink(&place)).unwrap_err();
                let message = message_chain(&error);
                assert!(
                    message.contains("is unfinished") && message.contains("20 of 100"),
                    "{message}"
                );
                assert_eq!(files(&place), left);
            }
            // Broken off once more, later.
            let resume = || options().journaling(Journaling::Resume);
            let stop = Arc::new(AtomicBool::new(false));
            let stopping = Arc::clone(&stop);
            let again = resume().block_rows(7).interrupt(stop).progress(move |progress| {
                stopping.fetch_or(progress.done >= 50, Ordering::Relaxed);
            });
            scene.search(way, &again, kind.sink(&place)).unwrap_err();
            let unfinished = bigannoy::unfinished(kind.result(&place)).unwrap().unwrap();
            assert_eq!(unfinished.complete, 55, "20 and five blocks of 7");

            let found = scene.search(way, &resume().threads(2), kind.sink(&place)).unwrap();
            assert_eq!(files(&place), files(&whole), "{way:?} {kind:?}");
            assert_eq!((found.short_rows, found.n_query), (expected.short_rows, expected.n_query));
            assert_eq!(bigannoy::unfinished(kind.result(&place)).unwrap(), None);
        }
    }
}

/// Killed between giving the result its name and removing the journal: nothing is lost.
#[test]
fn a_result_that_was_just_complete_is_made_again() {
    let scene = Scene::new();
    for kind in KINDS {
        let place = scene.place("place");
        kind.prepare(&place);
        let journal = bigannoy::journal::journal_path(&kind.result(&place));
        let (from, to) = (journal.clone(), scene.dir.path().join("copy"));
        // The journal has all answers when the last block is told of.
        let copying = options().block_rows(10).progress(move |progress| {
            if progress.done == progress.total {
                fs::copy(&from, &to).unwrap();
            }
        });
        scene.search(Way::Queries, &copying, kind.sink(&place)).unwrap();
        let whole = files(&place);
        fs::rename(scene.dir.path().join("copy"), &journal).unwrap();
        let error = scene.search(Way::Queries, &options(), kind.sink(&place)).unwrap_err();
        assert!(message_chain(&error).contains("100 of 100"), "{error}");
        let options = options().journaling(Journaling::Resume);
        scene.search(Way::Queries, &options, kind.sink(&place)).unwrap();
        assert_eq!(files(&place), whole, "{kind:?}");
    }
}

#[test]
fn another_search_is_not_gone_on_with() {
    let scene = Scene::new();
    let place = scene.place("place");
    let kind = Kind::New;
    scene.broken_off(Way::Queries, 30, kind, &place);
    let left = files(&place);
    let some = || ItemSet::from_fn(100, |item| item < 90);
    let resume = || options().journaling(Journaling::Resume);
    let others = [
        ("k", Way::Queries, SearchOptions::new(K + 1).search_k(40).journaling(Journaling::Resume)),
        ("strategy", Way::Cells, resume()),
        ("search_k", Way::Queries, resume().search_k(41)),
        ("search_k", Way::Queries, resume().exhaustive()),
        ("widen", Way::Queries, resume().widen(true)),
        ("strict", Way::Queries, resume().strict(true)),
        ("skip_missing", Way::Queries, resume().skip_missing(true)),
        ("only", Way::Queries, resume().only(some())),
        ("query_values", Way::OwnRows, resume()),
        ("double", Way::Reranked, resume()),
    ];
    for (name, way, options) in others {
        let error = scene.search(way, &options, kind.sink(&place)).unwrap_err();
        let Error::Journal(JournalError::OtherSearch { difference, .. }) = &error else {
            panic!("{name}: {error}");
        };
        assert_eq!(difference.name, name);
        assert_eq!(files(&place), left);
    }
    // Other values, and another index over the same rows.
    let other = Rows::new(ROWS, 3, 7);
    let mut sink = kind.sink(&place);
    let error = scene.index.search_into(&other.dense(), &resume(), sink.as_mut()).unwrap_err();
    assert!(message_chain(&error).contains("there query_values is"), "{error}");
    let index = scene.rows.index(scene.dir.path(), Metric::Angular);
    let mut sink = kind.sink(&place);
    let error = index.search_into(&scene.rows.dense(), &resume(), sink.as_mut()).unwrap_err();
    assert!(message_chain(&error).contains("there metric is euclidean, here angular"), "{error}");

    // Begun anew it is what was asked for now.
    let anew = options().search_k(41);
    scene
        .search(Way::Queries, &anew.clone().journaling(Journaling::Restart), kind.sink(&place))
        .unwrap();
    let whole = scene.place("whole");
    scene.search(Way::Queries, &anew, kind.sink(&whole)).unwrap();
    assert_eq!(files(&place), files(&whole));
}

/// Between its ends an index can change without changing what the journal knows of it.
#[test]
fn answers_of_another_index_are_noticed() {
    let scene = Scene::new();
    let place = scene.place("place");
    // More than 8 KiB of items.
    let rows = Rows::new(2000, 3, 6);
    let index = rows.index(&place, Metric::Euclidean);
    let stop = Arc::new(AtomicBool::new(true));
    let path = index.path().to_path_buf();
    let result = place.join("ids.npy");
    let stopping = Arc::clone(&stop);
    stop.store(false, Ordering::Relaxed);
    let breaking = options().block_rows(100).interrupt(stop).progress(move |progress| {
        stopping.fetch_or(progress.done >= 1000, Ordering::Relaxed);
    });
    index.search_self_into(&breaking, &mut NpySink::create(&result)).unwrap_err();
    drop(index);
    let mut bytes = fs::read(&path).unwrap();
    let layout = Layout::new(Metric::Euclidean, 3).unwrap();
    let (record, vector) = (layout.record_bytes(), 4 * layout.vector_word());
    // The vectors in the middle have their columns in another order.
    bytes[500 * record..1500 * record].chunks_exact_mut(record).for_each(|item| {
        item[vector..].rotate_left(4);
    });
    fs::write(&path, bytes).unwrap();
    let index = bigannoy::open(&path, &OpenOptions::new()).unwrap();
    let options = options().journaling(Journaling::Resume);
    let error = index.search_self_into(&options, &mut NpySink::create(&result)).unwrap_err();
    assert!(matches!(error, Error::JournalDiffers { first: 901, .. }), "{error}");
}

#[test]
fn an_unfinished_matrix_is_no_input() {
    let scene = Scene::new();
    let place = scene.place("place");
    let kind = Kind::Existing { separated: false };
    kind.prepare(&place);
    scene.broken_off(Way::Queries, 30, kind, &place);
    let result = kind.result(&place);
    let options = ExactOptions::new(ExactMetric::Euclidean, 2);
    let error = bigannoy::exact_self(&result, &options).unwrap_err();
    assert!(matches!(error, Error::Unfinished { complete: 30, n_query: 100, .. }), "{error}");
    // Nor does another kind of search write into it.
    let error = bigannoy::exact_into(
        &scene.rows.dense(),
        &scene.rows.dense(),
        &ExactOptions::new(ExactMetric::Euclidean, K),
        kind.sink(&place).as_mut(),
    );
    assert!(matches!(error.unwrap_err(), Error::Unfinished { .. }));
    assert!(bigannoy::check_finished(&result).is_err());
    // The distances are found by a name of their own, and are as unfinished: the ids tell.
    assert!(bigannoy::check_finished(place.join("distances.desc")).is_ok());
}

/// What ends in the first block leaves nothing to go on with.
#[test]
fn nothing_is_kept_of_nothing() {
    let scene = Scene::new();
    let place = scene.place("place");
    let strict = SearchOptions::new(60).search_k(1).strict(true);
    scene.search(Way::Queries, &strict, Kind::Csv.sink(&place)).unwrap_err();
    let stopped = options().interrupt(Arc::new(AtomicBool::new(true)));
    scene.search(Way::OwnRows, &stopped, Kind::Csv.sink(&place)).unwrap_err();
    let missing = place.join("no such folder");
    scene.search(Way::OwnRows, &options(), Kind::Csv.sink(&missing)).unwrap_err();
    assert!(files(&place).is_empty());
    // Without a journal an interrupted search leaves none, and there is none to go on with.
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let off = options().journaling(Journaling::Off).block_rows(10).interrupt(stop).progress(
        move |progress| {
            stopping.fetch_or(progress.done >= 30, Ordering::Relaxed);
        },
    );
    scene.search(Way::OwnRows, &off, Kind::Csv.sink(&place)).unwrap_err();
    assert!(files(&place).is_empty());
    let resume = options().journaling(Journaling::Resume);
    scene.search(Way::OwnRows, &resume, Kind::Csv.sink(&place)).unwrap();
    assert_eq!(files(&place).into_keys().collect::<Vec<_>>(), ["table.csv"]);
}
