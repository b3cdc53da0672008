//! Exact search against a loop over all pairs.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bigannoy_exact::{ExactError, ExactMetric, ExactSearch, Queries};
use bigannoy_matrix::{DenseRows, RowError, RowSource};
use bigannoy_metric::{NeighborBlock, WideNeighbor};
use bigannoy_sketch::scan::ScanKernel;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Written down once more, without anything of the crate: every pair, sums in index order.
fn naive_distance(metric: ExactMetric, a: &[f64], b: &[f64]) -> f64 {
    let (mut product, mut aa, mut bb, mut squares, mut differences) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for i in 0..a.len() {
        product += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        squares += (a[i] - b[i]) * (a[i] - b[i]);
        differences += (a[i] - b[i]).abs();
    }
    let lengths = f64::sqrt(aa) * f64::sqrt(bb);
    let cosine = if lengths > 0.0 { product / lengths } else { 0.0 };
    let positive = |value: f64| if value < 0.0 { 0.0 } else { value };
    match metric {
        ExactMetric::Euclidean => f64::sqrt(squares),
        ExactMetric::SquaredEuclidean => squares,
        ExactMetric::Angular => positive(2.0 - 2.0 * cosine).sqrt(),
        ExactMetric::Cosine => positive(1.0 - cosine),
        ExactMetric::Manhattan => differences,
        ExactMetric::Dot => product,
        other => panic!("a metric without a definition here: {other}"),
    }
}

fn naive(
    metric: ExactMetric,
    k: usize,
    reference: &[Vec<f64>],
    query: &[f64],
    without: Option<usize>,
) -> Vec<WideNeighbor> {
    let mut all: Vec<WideNeighbor> = (0u32..)
        .zip(reference)
        .filter(|(item, _)| Some(*item as usize) != without)
        .map(|(item, row)| WideNeighbor { item, distance: naive_distance(metric, query, row) })
        .collect();
    // A stable sort: equal ones stay in the order of their rows; NaN goes last.
    all.sort_by(|a, b| {
        let nearer = a.distance.partial_cmp(&b.distance);
        let nearer =
            nearer.map(|order| if metric == ExactMetric::Dot { order.reverse() } else { order });
        nearer.unwrap_or_else(|| a.distance.is_nan().cmp(&b.distance.is_nan()))
    });
    all.truncate(k);
    all
}

fn flat(rows: &[Vec<f64>]) -> Vec<f64> {
    rows.iter().flatten().copied().collect()
}

fn run(search: ExactSearch<'_>, reference: &dyn RowSource, queries: Queries<'_>) -> NeighborBlock {
    let job = search.job(reference, queries).unwrap();
    let mut all: Option<NeighborBlock> = None;
    let mut append = |block: NeighborBlock| {
        match &mut all {
            Some(all) => all.append(&block),
            None => all = Some(block),
        }
        Ok::<(), ExactError>(())
    };
    job.run(&mut append).unwrap();
    all.unwrap()
}

/// The same neighbors at distances of the same bits.
fn same(found: Vec<WideNeighbor>, expected: Vec<WideNeighbor>) -> Result<(), TestCaseError> {
    let bits = |all: Vec<WideNeighbor>| -> Vec<(u32, u64)> {
        // Which NaN it is, and the sign of a zero, are no part of the definition.
        let canonical = |d: f64| if d.is_nan() { f64::NAN } else { d + 0.0 };
        all.iter().map(|n| (n.item, canonical(n.distance).to_bits())).collect()
    };
    prop_assert_eq!(bits(found), bits(expected));
    Ok(())
}

/// Coordinates in which ties, cancellation and all magnitudes are common.
fn coordinate() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-3i8..=3).prop_map(f64::from),
        4 => -1.0f64..1.0,
        1 => select(&[0.0, -0.0, 1e-45, -1e-40, 1e-310, 1e19, -3e38, 1e160, -1e300, 1.0 + 1e-15][..]),
        1 => (-1.0f64..1.0).prop_map(|x| 1e6 + 1e-6 * x),
    ]
}

/// Rows of one kind of coordinates each, and some twice.
fn rows(dim: usize, most: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let row = prop_oneof![
        proptest::collection::vec(coordinate(), dim),
        proptest::collection::vec((-2i8..=2).prop_map(f64::from), dim),
        Just(vec![0.0; dim]),
    ];
    let copies = proptest::collection::vec((any::<Index>(), 0.5f64..2.0, any::<bool>()), 0..4);
    (proptest::collection::vec(row, 1..most), copies).prop_map(|(mut rows, copies)| {
        for (from, factor, scaled) in copies {
            let row = from.get(&rows).clone();
            rows.push(if scaled { row.iter().map(|x| x * factor).collect() } else { row });
        }
        rows
    })
}

fn case() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<Vec<f64>>)> {
    let dim = prop_oneof![4 => 1usize..20, 1 => 60usize..150];
    dim.prop_flat_map(|dim| (rows(dim, 120), rows(dim, 60)))
}

fn wide(block: &NeighborBlock, row: usize) -> Vec<WideNeighbor> {
    block.wide_row(row).collect()
}

proptest! {
    #[test]
    fn queries_get_what_a_loop_over_all_pairs_finds(
        (mut reference, queries) in case(),
        metric in select(&ExactMetric::ALL[..]),
        k in any::<Index>(),
        tight in any::<bool>(),
        single in any::<bool>(),
        kernel in select(ScanKernel::all()),
    ) {
        let k = k.index(reference.len()) + 1;
        let dim = reference[0].len();
        #[expect(clippy::cast_possible_truncation, reason = "rows as a matrix of floats has them")]
        let narrow: Vec<f32> =
            flat(&reference).iter().map(|x| x.clamp(-3e38, 3e38) as f32).collect();
        if single {
            reference = narrow
                .chunks(dim)
                .map(|row| row.iter().copied().map(f64::from).collect())
                .collect();
        }
        let (values, query_values) = (flat(&reference), flat(&queries));
        let wide_rows = DenseRows::row_major(&values, dim);
        let narrow_rows = DenseRows::row_major(&narrow, dim);
        let source: &dyn RowSource = if single { &narrow_rows } else { &wide_rows };
        let query_source = DenseRows::row_major(&query_values, dim);
        let mut search = ExactSearch::new(metric, k).kernel(kernel);
        if tight {
            let ExactError::Memory { least, .. } =
                search.memory(0).job(source, Queries::External(&query_source)).map(drop).unwrap_err()
            else {
                panic!("no memory at all")
            };
            search = search.memory(3 * least);
        }
        let found = run(search, source, Queries::External(&query_source));
        prop_assert_eq!(found.nrows(), queries.len());
        for (row, query) in queries.iter().enumerate() {
            same(wide(&found, row), naive(metric, k, &reference, query, None))?;
        }
    }

    #[test]
    fn rows_are_searched_for_among_the_others(
        reference in (1usize..8).prop_flat_map(|dim| rows(dim, 60)),
        metric in select(&ExactMetric::ALL[..]),
        k in any::<Index>(),
        include_self in any::<bool>(),
    ) {
        prop_assume!(reference.len() > 1);
        let k = k.index(reference.len() - usize::from(!include_self)) + 1;
        let values = flat(&reference);
        let source = DenseRows::row_major(&values, reference[0].len());
        let found = run(ExactSearch::new(metric, k), &source, Queries::Own { include_self });
        for (row, query) in reference.iter().enumerate() {
            let without = (!include_self).then_some(row);
            same(wide(&found, row), naive(metric, k, &reference, query, without))?;
        }
    }
}

/// A vector like any other of these, from its number alone.
fn scattered(number: usize, dim: usize) -> Vec<f64> {
    let mut state = number as u64 * 2 + 1;
    let next = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 40).unwrap()) / f64::from(1 << 24) - 0.5
    };
    (0..dim).map(next).collect()
}

#[test]
fn limits_guessed_from_a_sample_do_not_change_the_answer() {
    let (nrows, n_query) = (5000usize, 30);
    for dim in [3, 70] {
        // Near are: any rows; those that samples see first and no others; the last rows and no others.
        let is_near: [fn(usize) -> bool; 3] = [
            |row| row % 50 == 0,
            |row| u32::try_from(row).unwrap().wrapping_mul(0x9E37_79B9) < 1 << 26,
            |row| row >= 4900,
        ];
        for is_near in is_near {
            let row = |row: usize| {
                let vector = scattered(row, dim);
                let scale = if is_near(row) { 0.5 } else { 20.0 };
                vector.into_iter().map(|x| x * scale + 1.0).collect::<Vec<f64>>()
            };
            let reference: Vec<Vec<f64>> = (0..nrows).map(row).collect();
            let queries: Vec<Vec<f64>> = (0..n_query).map(|at| scattered(at + 9000, dim)).collect();
            let (values, query_values) = (flat(&reference), flat(&queries));
            let source = DenseRows::row_major(&values, dim);
            let query_source = DenseRows::row_major(&query_values, dim);
            for metric in ExactMetric::ALL {
                let all: Vec<Vec<WideNeighbor>> = queries
                    .iter()
                    .map(|query| naive(metric, 700, &reference, query, None))
                    .collect();
                for (k, memory) in [(1, 1 << 30), (30, 1 << 30), (90, 1_600_000), (700, 1 << 30)] {
                    let search = ExactSearch::new(metric, k).memory(memory);
                    let found = run(search, &source, Queries::External(&query_source));
                    for (at, all) in all.iter().enumerate() {
                        same(wide(&found, at), all[..k].to_vec()).unwrap();
                    }
                }
            }
        }
    }
}

#[test]
fn one_column_and_thousands_have_the_same_answer_under_every_code() {
    for dim in [1, 4096] {
        let row = |row: usize| -> Vec<f64> {
            let scale = [1.0, 1.0, 1e-300, 1e150, 1e-3][row % 5];
            // Some rows are there twice.
            scattered(row - row % 7 / 6, dim).into_iter().map(|x| x * scale).collect()
        };
        let reference: Vec<Vec<f64>> = (0..60).map(row).collect();
        let queries: Vec<Vec<f64>> = (45..71).map(row).collect();
        let (values, query_values) = (flat(&reference), flat(&queries));
        let source = DenseRows::row_major(&values, dim);
        let query_source = DenseRows::row_major(&query_values, dim);
        for metric in [ExactMetric::Manhattan, ExactMetric::Euclidean] {
            for (k, kernel) in
                ScanKernel::all().into_iter().flat_map(|code| [(4, code), (60, code)])
            {
                let search = ExactSearch::new(metric, k).kernel(kernel);
                let found = run(search, &source, Queries::External(&query_source));
                for (at, query) in queries.iter().enumerate() {
                    same(wide(&found, at), naive(metric, k, &reference, query, None)).unwrap();
                }
            }
        }
    }
}

/// Points on a grid that is coarse enough for many ties.
fn grid(nrows: usize, dim: usize) -> Vec<f32> {
    (0..nrows * dim)
        .map(|i| f32::from(u8::try_from((i * 7919 + i / 13) % 31).unwrap()) - 15.0)
        .collect()
}

#[test]
fn neither_threads_nor_memory_change_the_answer() {
    let (values, query_values) = (grid(3000, 7), grid(150, 7));
    let (source, queries) =
        (DenseRows::row_major(&values, 7), DenseRows::row_major(&query_values, 7));
    for metric in ExactMetric::ALL {
        let search = ExactSearch::new(metric, 17);
        let expected = run(search, &source, Queries::External(&queries));
        for (threads, memory) in [(1, 1 << 30), (1, 10_000), (3, 50_000), (16, 1 << 20)] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found =
                pool.install(|| run(search.memory(memory), &source, Queries::External(&queries)));
            assert_eq!(found, expected, "{metric}, {threads} threads, {memory} bytes");
        }
    }
}

#[test]
fn a_fault_is_told_with_row_and_column_before_anything_is_found() {
    let mut values = grid(500, 4);
    let good = DenseRows::row_major(&values[..400], 4);
    let mut faulty = grid(500, 4);
    faulty[1999] = f32::NAN;
    let queries = DenseRows::row_major(&faulty, 4);
    let search = ExactSearch::new(ExactMetric::Euclidean, 3).memory(5000);
    let error = search.job(&good, Queries::External(&queries)).map(drop).unwrap_err();
    let message = "matrix in memory: row 500, column 4 (counted from 1) is not a number (NaN)";
    assert!(error.to_string().starts_with(message), "{error}");

    values[401] = f32::INFINITY;
    let reference = DenseRows::row_major(&values, 4);
    let job = search.job(&reference, Queries::Own { include_self: true }).unwrap();
    let error = job.run(|_| Err::<(), ExactError>(ExactError::ZeroK)).unwrap_err();
    assert!(
        matches!(error, ExactError::Row(RowError::Value { row: 100, column: 1, .. })),
        "{error}"
    );
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let values = grid(10, 4);
    let (reference, narrow) = (DenseRows::row_major(&values, 4), DenseRows::row_major(&values, 2));
    let none: [f32; 0] = [];
    let empty = DenseRows::row_major(&none, 4);
    let refused = |k, queries| {
        let job = ExactSearch::new(ExactMetric::Dot, k).job(&reference, queries);
        job.map(drop).unwrap_err().to_string()
    };
    let name = "matrix in memory";
    assert_eq!(refused(0, Queries::External(&reference)), "k is 0, expected at least 1");
    assert_eq!(
        refused(11, Queries::External(&reference)),
        format!("k is 11, expected at most 10: {name} has 10 rows")
    );
    assert_eq!(
        refused(10, Queries::Own { include_self: false }),
        format!(
            "k is 10, expected at most 9: {name} has 10 rows and a row is not its own neighbor, \
             unless that is asked for (include_self, --include-self)"
        )
    );
    assert_eq!(
        refused(1, Queries::External(&narrow)),
        format!("{name} has 2 columns, expected 4 as in {name}")
    );
    assert_eq!(
        refused(1, Queries::External(&empty)),
        format!("{name} has 0 rows and 4 columns, expected at least 1 of each")
    );
}

#[test]
fn progress_counts_rows_and_an_interruption_ends_the_search() {
    let values = grid(1000, 4);
    let source = DenseRows::row_major(&values, 4);
    let (last, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let report = |done: u64, total: u64| {
        assert!(done <= total && (done == 0 || done >= last.load(Ordering::Relaxed)));
        last.store(done, Ordering::Relaxed);
        if done > 500 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let search = ExactSearch::new(ExactMetric::Manhattan, 2).memory(40_000).progress(&report);
    let queries = Queries::Own { include_self: false };
    let job = search.interrupt(&stop).job(&source, queries).unwrap();
    assert!(job.plan().passes(1000) > 1);
    let error = job.run(|_| Ok::<(), ExactError>(())).unwrap_err();
    assert!(matches!(error, ExactError::Interrupted), "{error}");
    assert!(last.load(Ordering::Relaxed) < 1000);

    let found = run(search, &source, queries);
    assert_eq!(found.nrows(), 1000);
    assert_eq!(
        last.load(Ordering::Relaxed),
        1000 * search.job(&source, queries).unwrap().plan().passes(1000) as u64
    );
}
