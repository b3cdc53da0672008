//! Building an index in memory: items stored, trees grown.
//!
//! Held fixed: 50,000 points in 100 clusters, 50 dimensions, 5 trees, the seed. Compared: the
//! four metrics, one thread and two. An element is an item of one tree, so that the figures of other
//! numbers of trees can be guessed from these; storing the items once is in them. Beside that, one metric
//! and one thread over numbers of rows and of dimensions.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench build_index
//! ```

use std::time::Duration;

use bigannoy_benches::{Clusters, rows_or};
use bigannoy_build::{IndexBuilder, MemoryStore};
use bigannoy_matrix::DenseRows;
use bigannoy_metric::Metric;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const ITEMS: usize = 50_000;
const DIM: usize = 50;
const TREES: usize = 5;

fn build_index(criterion: &mut Criterion) {
    let points = Clusters::new(DIM).points(rows_or(ITEMS), 2);
    let rows = DenseRows::row_major(&points, DIM);
    for metric in Metric::OF_NUMBERS {
        let mut group = criterion.benchmark_group(format!("build/{metric}"));
        group.throughput(Throughput::Elements((points.len() / DIM * TREES) as u64));
        for threads in [1, 2] {
            let builder = IndexBuilder::new(metric).trees(TREES).threads(threads);
            group.bench_function(format!("threads={threads}"), |bencher| {
                bencher.iter_batched_ref(
                    MemoryStore::default,
                    |store| builder.build(&rows, store).expect("every coordinate is finite"),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

/// Five trees on one thread, under euclidean, over rows and over dimensions.
fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build/growth");
    for (items, dim) in
        [(12_500, DIM), (25_000, DIM), (50_000, DIM), (10_000, 10), (10_000, 100), (10_000, 784)]
    {
        let points = Clusters::new(dim).points(rows_or(items).min(items), 2);
        let rows = DenseRows::row_major(&points, dim);
        group.throughput(Throughput::Elements((points.len() / dim * TREES) as u64));
        let builder = IndexBuilder::new(Metric::Euclidean).trees(TREES).threads(1);
        group.bench_function(format!("rows={items}/dim={dim}"), |bencher| {
            bencher.iter_batched_ref(
                MemoryStore::default,
                |store| builder.build(&rows, store).expect("every coordinate is finite"),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = build_index, growth
}
criterion_main!(benches);
