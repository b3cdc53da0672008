//! Forests over all sorts of rows: whole, the same on any number of threads, safe to build.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bigannoy_build::{
    BuildError, BuildProgress, BuildReport, BuildStage, ForestStore, Generator, IndexBuilder,
    MemoryStore,
};
use bigannoy_format::{Forest, ForestShape, Layout, NodeId, Record};
use bigannoy_matrix::{DenseRows, RowError};
use bigannoy_metric::{Folded, Metric};
use proptest::prelude::*;

fn build(builder: IndexBuilder<'_>, rows: &[f32], dim: usize) -> (BuildReport, Vec<u32>) {
    let mut store = MemoryStore::default();
    let report = builder.build(&DenseRows::row_major(rows, dim), &mut store).unwrap();
    (report, store.into_words())
}

/// Values that look random and need no generator.
fn scattered(count: usize) -> Vec<f32> {
    (0u64..)
        .take(count)
        .map(|i| {
            let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            f32::from(u16::try_from(mixed >> 48).unwrap()) / 65536.0 - 0.5
        })
        .collect()
}

/// The items below `node`, checking counts on the way. `levels` bounds the depth.
fn items_below(forest: Forest<'_>, words: &[u32], node: NodeId, levels: usize) -> Vec<u32> {
    let size = forest.shape().layout().record_words();
    match forest.record(node).unwrap() {
        Record::Item(item) => vec![item],
        Record::Leaf(items) => {
            assert!(items.is_sorted(), "a leaf lists items in order");
            items.to_vec()
        }
        Record::BitSplit(_) => unreachable!("hamming is not built"),
        Record::Split(split) => {
            assert!(levels > 0, "a tree too deep");
            let below: Vec<u32> = split
                .children
                .iter()
                .flat_map(|&child| items_below(forest, words, child, levels - 1))
                .collect();
            assert_eq!(words[node.0 as usize * size] as usize, below.len());
            assert!(split.normal.iter().all(|value| value.is_finite()));
            below
        }
    }
}

/// Checks that every tree reaches every item once, and that the roots are where they belong.
fn check_whole(report: &BuildReport, words: &[u32], metric: Metric, levels: usize) {
    let layout = Layout::new(metric, report.dim).unwrap();
    let bytes: &[u8] = bytemuck::cast_slice(words);
    assert_eq!(bytes.len() as u64, report.bytes);
    let shape = ForestShape::read(bytes, layout).unwrap();
    assert_eq!((shape.n_items(), shape.n_nodes()), (report.n_items, report.n_nodes));
    let forest = shape.over(bytes);
    let verified = forest.verify(&mut |_, _| true).unwrap();
    assert_eq!(verified.n_trees as usize, report.n_trees);
    assert_eq!(verified.n_present, report.n_items);
    assert!(shape.roots().len() >= report.n_trees);
    for &root in &shape.roots()[..report.n_trees] {
        let mut items = items_below(forest, words, root, levels);
        items.sort_unstable();
        assert!(items.into_iter().eq(0..report.n_items), "a tree misses or repeats items");
    }
}

/// A builder of each metric and generator.
fn builders() -> impl Iterator<Item = (Metric, IndexBuilder<'static>)> {
    Metric::OF_NUMBERS.into_iter().flat_map(|metric| {
        Generator::ALL.map(|generator| (metric, IndexBuilder::new(metric).generator(generator)))
    })
}

#[test]
fn neither_threads_nor_kernels_change_a_byte() {
    let rows = scattered(3000 * 5);
    let kernels = Folded::all();
    assert_eq!((kernels[0].name(), kernels[kernels.len() - 1]), ("portable", Folded::new()));
    for (metric, builder) in builders() {
        let builder = builder.trees(9).seed(7);
        let (report, one) = build(builder.threads(1), &rows, 5);
        check_whole(&report, &one, metric, 60);
        for (threads, &kernel) in
            [1, 2, 3, 7].iter().flat_map(|n| kernels.iter().map(move |k| (n, k)))
        {
            let builder = builder.threads(*threads).kernel(kernel);
            let name = kernel.name();
            assert!(build(builder, &rows, 5).1 == one, "{metric}, {threads} threads, {name}");
        }
        assert!(build(builder.seed(8), &rows, 5).1 != one, "the seed matters");
    }
}

/// Large enough for upper levels that a sample chooses, for parts of a tree on several threads, and for copies near
/// the processor twice on the way down.
#[test]
fn neither_threads_nor_kernels_change_large_trees() {
    let rows = scattered(60_000 * 40);
    let kernels = Folded::all();
    for (metric, builder) in builders() {
        let builder = builder.trees(3).seed(3);
        let (report, one) = build(builder.threads(1), &rows, 40);
        assert!(report.bytes > 10 << 20);
        check_whole(&report, &one, metric, 60);
        for (threads, kernel) in [(2, 0), (3, kernels.len() - 1), (7, 0)] {
            let other = builder.threads(threads).kernel(kernels[kernel]);
            assert!(build(other, &rows, 40).1 == one, "{metric}, {threads} threads");
        }
    }
}

#[test]
fn more_trees_begin_with_the_fewer() {
    let rows = scattered(500 * 3);
    for (metric, builder) in builders() {
        let (few, words_of_few) = build(builder.trees(2), &rows, 3);
        let (_, words_of_many) = build(builder.trees(5), &rows, 3);
        let layout = Layout::new(metric, 3).unwrap();
        let without_copies = (few.n_nodes as usize - 2) * layout.record_words();
        assert_eq!(words_of_few[..without_copies], words_of_many[..without_copies]);
    }
}

#[test]
fn degenerate_rows_give_whole_trees_of_bounded_depth() {
    let equal = vec![0.25; 2000 * 3];
    let zeros = vec![0.0; 2000 * 3];
    let scaled = |factor: f32| scattered(2000 * 3).iter().map(|value| value * factor).collect();
    let huge: Vec<f32> = scaled(3e38);
    let tiny: Vec<f32> = scaled(1e-44);
    // One far away from all others, again and again: the worst a plane can do.
    let ladder: Vec<f32> = (0u8..100).flat_map(|i| [2f32.powi(i32::from(i)), 0.0, 0.0]).collect();
    for rows in [equal, zeros, huge, tiny, ladder] {
        for (metric, builder) in builders() {
            let (report, words) = build(builder.trees(2), &rows, 3);
            check_whole(&report, &words, metric, 400);
        }
    }
}

/// Squares of such values vanish, some of them or in part.
#[test]
fn tiny_values_give_planes_that_readers_take() {
    let rows = scattered(600 * 100);
    for scale in [1e-24, 1e-23, 3e-23, 5e-23, 1e-22, 1e-21, 1e-19, 1e-17] {
        let rows: Vec<f32> = rows.iter().map(|value| value * 4.0 * scale).collect();
        for (metric, builder) in builders() {
            let (report, words) = build(builder.trees(3), &rows, 100);
            check_whole(&report, &words, metric, 400);
        }
    }
}

#[test]
fn the_smallest_indexes() {
    for rows in 1usize..12 {
        for (metric, builder) in builders() {
            let (report, words) = build(builder.trees(3), &scattered(rows * 2), 2);
            check_whole(&report, &words, metric, 20);
        }
    }
    let (report, words) = build(IndexBuilder::new(Metric::Euclidean).trees(1), &[1.0], 1);
    assert_eq!(report.n_nodes, 3); // the item, the root, its copy
    let expected = [1, 0, 0, 0, 1f32.to_bits(), 1, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(words, expected);
}

#[test]
fn bad_settings_and_rows_are_refused() {
    let rows = [1.0f32, 2.0, f32::NAN, 4.0];
    let source = DenseRows::row_major(&rows, 2);
    let builder = IndexBuilder::new(Metric::Euclidean);
    let error = |builder: IndexBuilder<'_>| {
        builder.build(&source, &mut MemoryStore::default()).unwrap_err()
    };
    assert!(matches!(error(builder.trees(0)), BuildError::NoTrees));
    for found in [0, 1025] {
        let message = error(builder.threads(found)).to_string();
        assert_eq!(message, format!("the number of threads is {found}, expected 1 to 1024"));
    }
    assert!(matches!(error(builder.trees(usize::MAX)), BuildError::TooManyTrees { .. }));
    assert_eq!(
        error(builder).to_string(),
        "matrix in memory: row 2, column 1 (counted from 1) is not a number (NaN), expected a \
         finite number"
    );
    let none: [f32; 0] = [];
    let empty = DenseRows::row_major(&none, 2);
    let error = builder.check(&empty).unwrap_err();
    assert_eq!(error.to_string(), "matrix in memory has no rows, expected at least 1");
}

/// Trees of 5,000 items of which no leaf lists more than 6 have 1,667 records at least, and a copy of the root.
#[test]
fn trees_that_cannot_fit_are_refused_before_anything_is_done() {
    let rows = scattered(5000 * 4);
    let source = DenseRows::row_major(&rows, 4);
    let fit = (i32::MAX as usize - 5000) / 1668;
    for generator in [Generator::Default, Generator::Annoy, Generator::AnnoyFused] {
        let builder = IndexBuilder::new(Metric::Euclidean).generator(generator);
        builder.trees(fit).check(&source).unwrap();
        let error = builder.trees(fit + 1).check(&source).unwrap_err();
        assert_eq!(
            error.to_string(),
            "1287458 trees need more than the 2147483647 records of a file: no more than 1287457 can \
             fit"
        );
        let mut store = MemoryStore::default();
        builder.trees(fit + 1).build(&source, &mut store).unwrap_err();
        assert!(store.into_words().is_empty(), "nothing was written");
    }
}

#[test]
fn hamming_is_refused_before_anything_else() {
    let rows = [f32::NAN];
    let source = DenseRows::row_major(&rows, 1);
    let builder = IndexBuilder::new(Metric::Hamming).trees(0);
    for error in [
        builder.check(&source).unwrap_err(),
        builder.build(&source, &mut MemoryStore::default()).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "hamming indexes can be read and searched, not built");
    }
}

/// Items have the extra coordinate that makes them equally long, planes none: a query's is zero.
#[test]
fn under_dot_items_are_made_equally_long() {
    let mut rows = scattered(600 * 3);
    for (row, vector) in rows.chunks_mut(3).enumerate() {
        let factor = f32::from(u16::try_from(row).unwrap()) / 10.0;
        for value in vector {
            *value *= factor;
        }
    }
    let (report, words) = build(IndexBuilder::new(Metric::Dot).trees(3), &rows, 3);
    check_whole(&report, &words, Metric::Dot, 60);
    let layout = Layout::new(Metric::Dot, 3).unwrap();
    let (size, extra) = (layout.record_words(), layout.extra_word().unwrap());
    let records: Vec<&[u32]> = words.chunks(size).collect();
    let length = |record: &[u32]| -> f64 {
        let vector = record[layout.vector_word()..].iter().chain([&record[extra]]);
        vector.map(|&word| f64::from(f32::from_bits(word)).powi(2)).sum::<f64>().sqrt()
    };
    let longest = length(records[599]).max(length(records[598]));
    for record in &records[..600] {
        assert!((length(record) / longest - 1.0).abs() < 1e-5, "{}", length(record));
    }
    assert!(records[..600].iter().any(|record| record[extra] == 0), "the longest has none");
    // A plane's is zero, but for a trace where the set was halved by length.
    let mut planes = [0; 2];
    for record in &records[600..] {
        if record[0] as usize > layout.leaf_capacity() {
            let preference = f32::from_bits(record[extra]);
            let is_zero = record[layout.vector_word()..].iter().all(|&word| word == 0);
            assert!(if is_zero { preference <= 1e-9 } else { preference == 0.0 });
            planes[usize::from(is_zero)] += 1;
        }
    }
    assert!(planes[0] > 100 && planes[1] > 5, "{planes:?}");
}

#[test]
fn the_first_faulty_row_is_the_one_reported() {
    let mut rows = scattered(20_000 * 2);
    for row in [19_000, 700, 4_000] {
        rows[row * 2 + 1] = f32::INFINITY;
    }
    let source = DenseRows::row_major(&rows, 2);
    for metric in Metric::OF_NUMBERS {
        let builder = IndexBuilder::new(metric).threads(4);
        let error = builder.build(&source, &mut MemoryStore::default()).unwrap_err();
        let BuildError::Row(RowError::Value { row, column, .. }) = error else { panic!("{error}") };
        assert_eq!((row, column), (700, 1));
    }
}

#[test]
fn progress_is_told_and_an_interrupt_ends_the_build() {
    let rows = scattered(3000 * 4);
    let source = DenseRows::row_major(&rows, 4);
    for generator in Generator::ALL {
        let told = Mutex::new(Vec::new());
        let record = |progress: BuildProgress| told.lock().unwrap().push(progress);
        let builder =
            IndexBuilder::new(Metric::Angular).generator(generator).trees(4).progress(&record);
        builder.build(&source, &mut MemoryStore::default()).unwrap();
        let trees: Vec<u64> = told
            .lock()
            .unwrap()
            .iter()
            .filter(|progress| progress.stage == BuildStage::Trees)
            .map(|progress| progress.done)
            .collect();
        assert_eq!(trees, [0, 1, 2, 3, 4]);

        let interrupt = AtomicBool::new(false);
        let stop_at_two = |progress: BuildProgress| {
            if progress.stage == BuildStage::Trees && progress.done == 2 {
                interrupt.store(true, Ordering::Relaxed);
            }
        };
        let builder = IndexBuilder::new(Metric::Angular)
            .generator(generator)
            .trees(100_000)
            .progress(&stop_at_two)
            .interrupt(&interrupt);
        let error = builder.build(&source, &mut MemoryStore::default()).unwrap_err();
        assert!(matches!(error, BuildError::Interrupted), "{error}");
    }
}

/// A store that is full after some appends.
struct Full(MemoryStore, AtomicUsize);

impl ForestStore for Full {
    type Items = <MemoryStore as ForestStore>::Items;

    fn append(&mut self, records: &[u32]) -> io::Result<()> {
        if self.1.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.append(records)
    }

    fn items(&mut self) -> io::Result<Self::Items> {
        self.0.items()
    }
}

#[test]
fn a_full_store_ends_the_build_with_its_error() {
    let rows = scattered(1000);
    for (appends, generator) in (0..5).flat_map(|appends| Generator::ALL.map(|it| (appends, it))) {
        let mut store = Full(MemoryStore::default(), AtomicUsize::new(appends));
        let builder = IndexBuilder::new(Metric::Euclidean).generator(generator).trees(3);
        let error = builder.build(&DenseRows::row_major(&rows, 2), &mut store).unwrap_err();
        let BuildError::Store(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}

/// Leaves of many columns hold as many items as a sample can be wrong by: a set that it takes for too large
/// may be a leaf.
#[test]
fn sets_that_are_smaller_than_their_sample_said_are_whole_leaves() {
    let (dim, n_items) = (500, 4000);
    let plane = scattered(2 * dim);
    let rows: Vec<f32> = scattered(2 * n_items)
        .chunks_exact(2)
        .flat_map(|at| {
            plane.chunks_exact(2).map(move |of| at[0] * of[0] + at[1] * of[1]).collect::<Vec<_>>()
        })
        .collect();
    for metric in [Metric::Euclidean, Metric::Angular, Metric::Manhattan] {
        let (report, words) = build(IndexBuilder::new(metric).trees(10), &rows, dim);
        check_whole(&report, &words, metric, 40);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_finite_rows_give_whole_trees(
        values in proptest::collection::vec(
            prop_oneof![Just(0.0f32), -2f32..2.0, any::<f32>().prop_filter("finite", |v| v.is_finite())],
            1..300,
        ),
        dim in 1usize..9, seed in any::<u64>(),
        metric in proptest::sample::select(&Metric::OF_NUMBERS[..]),
        generator in proptest::sample::select(&Generator::ALL[..]),
    ) {
        let rows = &values[..values.len() / dim * dim];
        prop_assume!(!rows.is_empty());
        let builder = IndexBuilder::new(metric).generator(generator).trees(2).seed(seed);
        let mut store = MemoryStore::default();
        let report = builder.build(&DenseRows::row_major(rows, dim), &mut store).unwrap();
        let words = store.into_words();
        let layout = Layout::new(metric, dim).unwrap();
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        prop_assert_eq!(bytes.len() as u64, report.bytes);
        let shape = ForestShape::read(bytes, layout).unwrap();
        prop_assert_eq!(shape.n_items() as usize, rows.len() / dim);
        let verified = shape.over(bytes).verify(&mut |_, _| true);
        prop_assert!(verified.is_ok(), "{:?}", verified);
        prop_assert_eq!(verified.unwrap().n_trees, 2);
    }
}

#[test]
fn neither_memory_nor_blocks_change_the_index() {
    let rows = scattered(3000 * 20);
    for (metric, builder) in builders() {
        let builder = builder.trees(9).threads(2);
        let (_, expected) = build(builder, &rows, 20);
        let Err(BuildError::Memory { asked: 1, least }) =
            builder.memory_budget(1).check(&DenseRows::row_major(&rows, 20))
        else {
            panic!("{metric}: another result");
        };
        let (report, words) = build(builder.memory_budget(least), &rows, 20);
        assert!(words == expected, "{metric}");
        check_whole(&report, &words, metric, 64);
        for block_rows in [1, 7, 2999, 3000, usize::MAX] {
            assert!(build(builder.block_rows(block_rows), &rows, 20).1 == expected, "{metric}");
        }
        let rows = DenseRows::row_major(&rows, 20);
        assert!(builder.memory_budget(least - 1).check(&rows).is_err());
        assert!(matches!(builder.block_rows(0).check(&rows), Err(BuildError::NoBlock)));
    }
}
