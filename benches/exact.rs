//! Exact search, each code that the processor has.
//!
//! Held fixed: clustered rows in 50 dimensions, 256 queries, one thread. Compared: the codes of the
//! scan, and few against many neighbors. The throughput counts pairs of a query and a row.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench exact
//! ```

use std::time::Duration;

use bigannoy_benches::Clusters;
use bigannoy_exact::{ExactError, ExactMetric, ExactSearch, Queries};
use bigannoy_matrix::DenseRows;
use bigannoy_sketch::scan::ScanKernel;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const DIM: usize = 50;
const ROWS: usize = 20_000;
const QUERIES: usize = 256;

fn exact(criterion: &mut Criterion) {
    let points = Clusters::new(DIM).points(ROWS + QUERIES, 1);
    let (queries, rows) = points.split_at(QUERIES * DIM);
    let (rows, queries) = (DenseRows::row_major(rows, DIM), DenseRows::row_major(queries, DIM));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = criterion.benchmark_group("exact");
    group.throughput(Throughput::Elements((ROWS * QUERIES) as u64));
    for kernel in ScanKernel::all() {
        for k in [10, 100] {
            let search = ExactSearch::new(ExactMetric::Euclidean, k).kernel(kernel);
            let job = search.job(&rows, Queries::External(&queries)).expect("rows for all");
            group.bench_function(format!("{}/k={k}", kernel.name()), |bencher| {
                bencher.iter(|| {
                    pool.install(|| job.run(|_| Ok::<(), ExactError>(()))).expect("a search");
                });
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = exact
}
criterion_main!(benches);
