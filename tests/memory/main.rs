//! Memory that does not grow with the data. Counted in a process of its own, whose tests run one
//! after the other.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod peak;
#[cfg(target_os = "linux")]
mod process;

use std::path::{Path, PathBuf};

use bigannoy::matrix::{BigMatrix, DenseRows, FileRows, MatrixSpec, NewMatrix, RowBlocks};
use bigannoy::sink::CsvSink;
use bigannoy::{
    BuildOptions, ElementType, ExactMetric, ExactOptions, Metric, OpenOptions, RowSource,
    SearchOptions, Strategy,
};
use bigannoy_build::{BuildError, IndexBuilder};
use libtest_mimic::{Arguments, Trial};

use peak::peak_bytes;

const COLUMNS: usize = 20;

fn create(dir: &Path, nrows: usize, separated: bool) -> PathBuf {
    let path = dir.join(format!("m{nrows}{separated}.desc"));
    let spec = MatrixSpec::new(ElementType::Short, nrows, COLUMNS).separated(separated);
    let mut new = NewMatrix::create(&path, &spec).unwrap();
    new.view_mut::<i16>().unwrap().column_mut(3).fill(7);
    new.finish().unwrap();
    path
}

fn read_all(rows: &dyn RowSource) {
    let mut blocks = RowBlocks::new(rows, 8192);
    while let Some(block) = blocks.next_block().unwrap() {
        assert_eq!(block.values[3], 7.0);
    }
}

fn reading_rows_takes_no_more_memory_for_more_rows() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    for separated in [false, true] {
        let few = peak_bytes(|| drop(create(dir, 50_000, separated)));
        let many = peak_bytes(|| drop(create(dir, 1_000_000, separated)));
        assert!(many < few + (1 << 20), "creating, separated: {separated}: {few}, {many} bytes");
        let [few, many] =
            [50_000, 1_000_000].map(|nrows| dir.join(format!("m{nrows}{separated}.desc")));
        let mapped = |path: &PathBuf| peak_bytes(|| read_all(&BigMatrix::attach(path).unwrap()));
        let unmapped = |path: &PathBuf| peak_bytes(|| read_all(&FileRows::open(path).unwrap()));
        // The first run starts the threads.
        mapped(&few);
        for (name, few, many) in
            [("mapped", mapped(&few), mapped(&many)), ("unmapped", unmapped(&few), unmapped(&many))]
        {
            // A block has 640 KiB. The 40 MB of the matrix, and the 80 MB of its rows, show nowhere.
            assert!(few > 600 << 10, "{name}: what is counted? {few} bytes");
            assert!(many < few + (2 << 20), "{name}, separated: {separated}: {few}, {many} bytes");
        }
    }
}

fn building_stays_within_its_budget() {
    const ROWS: usize = 60_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.ann");
    let matrix = directory.path().join("rows.desc");
    let spec = MatrixSpec::new(ElementType::Double, ROWS, COLUMNS);
    let mut new = NewMatrix::create(&matrix, &spec).unwrap();
    let mut view = new.view_mut::<f64>().unwrap();
    let mut values = (0u32..).map(|at| f64::from(at.wrapping_mul(0x9e37_79b9) >> 16));
    for col in 0..COLUMNS {
        view.column_mut(col).fill_with(|| values.next().unwrap());
    }
    new.finish().unwrap();
    let file_bytes = ROWS * COLUMNS * 8;
    let rows = BigMatrix::attach(&matrix).unwrap();
    let least = |metric| {
        let Err(BuildError::Memory { least, .. }) =
            IndexBuilder::new(metric).memory_budget(0).check(&rows)
        else {
            panic!("another result");
        };
        usize::try_from(least).unwrap()
    };
    let peak = |options: &BuildOptions| {
        let options = options.clone().threads(2).overwrite(true);
        let peak = peak_bytes(|| drop(bigannoy::build(&rows, &path, &options).unwrap()));
        (peak, std::fs::read(&path).unwrap())
    };
    for metric in [Metric::Euclidean, Metric::Dot] {
        let options = BuildOptions::new(metric);
        // The first run starts the threads.
        let (_, expected) = peak(&options.clone().trees(12));
        assert!(least(metric) < file_bytes, "the file is to be larger: {}", least(metric));
        for budget in [least(metric), 32 << 20] {
            let bounded = options.clone().memory_budget(budget as u64);
            let (few, bytes) = peak(&bounded.clone().trees(12));
            assert!(bytes == expected, "{metric}: another index with {budget} bytes");
            // What does not depend on the rows: threads, the sidecar, the buffer of the file.
            assert!(few < budget + (1 << 20), "{metric}: {few} bytes of {budget}");
            let (many, _) = peak(&bounded.trees(24));
            assert!(many < budget + (1 << 20), "{metric}: {many} bytes of {budget}");
        }
    }
}

/// Exact search holds what its budget lets it hold, and a block of answers beside it, however many rows
/// there are.
fn exact_search_stays_within_its_memory() {
    let dir = tempfile::tempdir().unwrap();
    let budget = 2 << 20;
    let numbers: Vec<f64> =
        (0..2_000 * COLUMNS).map(|at| f64::from(u32::try_from(at * 37 % 101).unwrap())).collect();
    let queries = DenseRows::row_major(&numbers, COLUMNS);
    let fill = |path: &Path, nrows: usize| {
        let spec = MatrixSpec::new(ElementType::Short, nrows, COLUMNS);
        let mut new = NewMatrix::create(path, &spec).unwrap();
        let mut view = new.view_mut::<i16>().unwrap();
        for col in 0..COLUMNS {
            for (row, value) in view.column_mut(col).iter_mut().enumerate() {
                *value = i16::try_from(row * (col + 3) % 97).unwrap();
            }
        }
        new.finish().unwrap();
    };
    let paths = [40_000, 400_000].map(|nrows| {
        let path = dir.path().join(format!("{nrows}.desc"));
        fill(&path, nrows);
        path
    });
    for metric in [ExactMetric::Euclidean, ExactMetric::Manhattan] {
        let options = ExactOptions::new(metric, 10).memory(budget).threads(2);
        let [few, many] = [&paths[0], &paths[1]].map(|path| {
            peak_bytes(|| {
                let mut sink = CsvSink::new(std::io::sink());
                bigannoy::exact_into(path, &queries, &options, &mut sink).unwrap();
            })
        });
        assert!(many < budget + (1 << 20), "{metric}: {many} bytes of {budget}");
        assert!(many < few + (256 << 10), "{metric}: {few} bytes, {many} bytes for more rows");
        assert!(many > budget / 4, "{metric}: what is counted? {many} bytes");
    }
}

/// What a search by some strategy allocates at most on two threads, beside what is kept with the index: for a block
/// of queries, and the first time.
fn most_for_a_block(strategy: Strategy, n_items: usize, search_k: usize) -> [usize; 2] {
    const BLOCK: usize = 1024;
    // The rows of a block, and its answers in the library and in the sink.
    let rows = BLOCK * (4 * COLUMNS + 64 * K);
    match strategy {
        Strategy::Annoy => {
            // A leaf holds up to as many items as a record has words for, and is come to by a few splits.
            let (leaf, depth) = (COLUMNS + 2, 24);
            let visited = 4 * search_k / leaf + depth * TREES;
            let buffers = n_items / 8 + 2 * (60 * visited + 16 * search_k);
            // Lists that are held while short trees are made.
            let records = 4 * n_items / leaf * TREES;
            [rows, rows + 2 * buffers + 20 * records]
        }
        Strategy::Cells => {
            let cells = 2 * n_items.isqrt() + 1;
            let visited = cells.min(5 * search_k * cells / (4 * n_items) + 8);
            // Cells that queries visit, by query and by cell, in lists that double; and what each query is kept with.
            let block = rows + BLOCK * (2 * 2 * 4 * visited + 4 * COLUMNS + 300 + 16 * K);
            let made = n_items * (COLUMNS + 25) + cells * (20 * COLUMNS + 400);
            [block, block + made + 24 * n_items]
        }
        _ => panic!("{strategy} has no formula here"),
    }
}

const TREES: usize = 8;
const K: usize = 5;

/// Neither the number of queries nor what is gathered for all of them is held, only a block's: the formulas of
/// `Strategy` and `Sketching`.
fn a_search_keeps_no_more_than_a_block_of_queries() {
    const ITEMS: usize = 40_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.ann");
    let value = |at: u32| f64::from(at.wrapping_mul(0x9e37_79b9) >> 16);
    let numbers = |rows: usize| (0u32..).take(rows * COLUMNS).map(value).collect::<Vec<f64>>();
    let items = numbers(ITEMS);
    let rows = DenseRows::row_major(&items, COLUMNS);
    drop(
        bigannoy::build(&rows, &path, &BuildOptions::new(Metric::Euclidean).trees(TREES)).unwrap(),
    );
    // The same blocks over and over: others might ask for more by themselves.
    let queries = numbers(2 * 1024).repeat(3);
    let [few, many] =
        [2, 6].map(|blocks| DenseRows::row_major(&queries[..blocks * 1024 * COLUMNS], COLUMNS));
    for strategy in Strategy::ALL {
        for search_k in [200, 8_000] {
            let index = bigannoy::open(&path, &OpenOptions::new()).unwrap();
            let options = SearchOptions::new(K).strategy(strategy).search_k(search_k).threads(2);
            let peak = |queries: &DenseRows<'_, f64>| {
                peak_bytes(|| {
                    let mut sink = CsvSink::new(std::io::sink());
                    index.search_into(queries, &options, &mut sink).unwrap();
                })
            };
            // Makes what is kept with the index: copies or cells, and the buffers of threads.
            let first = peak(&few);
            let (few, many) = (peak(&few), peak(&many));
            let [block, once] = most_for_a_block(strategy, ITEMS, search_k);
            let told = format!("{strategy}, {search_k} items: {first}, {few}, {many} bytes");
            // Which blocks threads have at the same time is theirs to choose. What grows with the queries would be
            // three times as much.
            assert!(many < few + few / 4, "{told} with more queries");
            assert!(many < block && first < once, "{told}, but {block} a block, {once} once");
            assert!(many > block / 8 && first > once / 8, "{told}: what is counted?");
        }
    }
}

fn main() {
    #[cfg(target_os = "linux")]
    if process::is_build() {
        return;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let tests: &[(&str, fn())] = &[
        #[cfg(target_os = "linux")]
        (
            "a_build_stays_within_its_budget_as_the_system_counts",
            process::a_build_stays_within_its_budget_as_the_system_counts,
        ),
        (
            "reading_rows_takes_no_more_memory_for_more_rows",
            reading_rows_takes_no_more_memory_for_more_rows,
        ),
        ("building_stays_within_its_budget", building_stays_within_its_budget),
        ("exact_search_stays_within_its_memory", exact_search_stays_within_its_memory),
        (
            "a_search_keeps_no_more_than_a_block_of_queries",
            a_search_keeps_no_more_than_a_block_of_queries,
        ),
    ];
    let trials = tests.iter().map(|&(name, work)| {
        Trial::test(name, move || {
            work();
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
