//! Exact search, each code that the processor has.
//!
//! Held fixed: clustered rows in 50 dimensions, 256 queries, one thread. Compared: the codes of the
//! scan, few against many neighbors, and products of codes (euclidean) against sums of differences (manhattan). The throughput counts pairs of a query and a row.
//!
//! Before, the limit of the machine is stated: 8-bit codes multiplied and added in registers, and what share of
//! that the scan alone comes to, narrow, wide and on a grid (for manhattan), on rows that stay in the first cache.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench exact
//! ```

#![expect(clippy::cast_precision_loss, reason = "counts of operations")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bigannoy_benches::Clusters;
use bigannoy_exact::{ExactError, ExactMetric, ExactSearch, Queries};
use bigannoy_matrix::DenseRows;
use bigannoy_sketch::StrictError;
use bigannoy_sketch::scan::{
    Grid, GridQueries, GridRows, QueryGroup, QueryLimits, RowTest, Rows, ScanKernel, narrow_vector,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const DIM: usize = 50;
const ROWS: usize = 20_000;
const QUERIES: usize = 256;

/// Rows in 50 dimensions that stay in the first cache with their queries.
const NEAR_ROWS: usize = 256;
/// Each figure is the best of so many, taken in turn.
const TURNS: usize = 15;

/// Rows and four queries in codes, and the pairs that pass no limit.
struct Scan {
    name: &'static str,
    dim: usize,
    codes: Codes,
}

enum Codes {
    Products(Rows, QueryGroup),
    Differences(GridRows, GridQueries),
}

impl Scan {
    fn points(dim: usize) -> Vec<f64> {
        Clusters::new(dim).points(NEAR_ROWS + 4, 1).into_iter().map(f64::from).collect()
    }

    fn products(dim: usize) -> Self {
        let points = Self::points(dim);
        let mut rows = Rows::none(dim);
        let nothing = RowTest { scale: 1.0, a: 0.0, b: 0.0 };
        let name = match &mut rows {
            Rows::Narrow(rows) => {
                rows.resize(dim, 0..256);
                for mut strip in rows.strips_mut() {
                    let place = |row: u32| narrow_vector(&points[row as usize * dim..][..dim]);
                    strip.set(place, |_| nothing);
                }
                "narrow"
            }
            Rows::Wide(rows) => {
                rows.resize(dim, NEAR_ROWS);
                for mut piece in rows.pieces_mut(1) {
                    for row in piece.rows() {
                        piece.set(row, &points[row * dim..][..dim], 0.0, |_| nothing);
                    }
                }
                "wide"
            }
        };
        let queries = QueryGroup::new(dim, points[NEAR_ROWS * dim..].chunks(dim)).0;
        Scan { name, dim, codes: Codes::Products(rows, queries) }
    }

    fn differences(dim: usize) -> Self {
        let points = Self::points(dim);
        let grid = Grid::new(dim, points.chunks(dim));
        let mut rows = GridRows::default();
        rows.resize(dim, NEAR_ROWS);
        for mut piece in rows.pieces_mut(1) {
            for row in piece.rows() {
                piece.set(row, &grid, &points[row * dim..][..dim]);
            }
        }
        let error = StrictError { relative: 1e-12, absolute: 0.0 };
        let queries = GridQueries::new(&grid, points[NEAR_ROWS * dim..].chunks(dim), error).0;
        Scan { name: "grid", dim, codes: Codes::Differences(rows, queries) }
    }

    /// Operations a second.
    fn speed(&self, kernel: ScanKernel, times: u32) -> f64 {
        let mut hits = Vec::new();
        let start = Instant::now();
        for _ in 0..times {
            match black_box(&self.codes) {
                Codes::Products(rows, queries) => {
                    rows.scan(kernel, 0..rows.strips(), queries, &QueryLimits::NONE, &mut hits);
                }
                Codes::Differences(rows, queries) => {
                    rows.scan(kernel, 0..rows.strips(), queries, &QueryLimits::NONE, &mut hits);
                }
            }
        }
        let operations = f64::from(times) * (2 * 4 * NEAR_ROWS * self.dim) as f64;
        assert!(hits.is_empty(), "nothing passes");
        operations / start.elapsed().as_secs_f64()
    }
}

/// The limit of the machine, and what share of it the scan comes to.
#[expect(clippy::print_stdout, reason = "beside what criterion prints")]
fn limit(_: &mut Criterion) {
    let scans = [Scan::products(DIM), Scan::products(2 * DIM), Scan::differences(DIM)];
    for kernel in ScanKernel::all() {
        let (mut peak, mut speeds) = (0.0f64, [0.0f64; 3]);
        for _ in 0..TURNS {
            let start = Instant::now();
            let (operations, sum) = kernel.peak(black_box(100_000));
            black_box(sum);
            peak = peak.max(operations as f64 / start.elapsed().as_secs_f64());
            for (best, scan) in speeds.iter_mut().zip(&scans) {
                *best = best.max(scan.speed(kernel, 1000));
            }
        }
        let name = kernel.name();
        println!("{name}: at most {:.0} GOP/s of 8-bit codes in registers, one thread", peak / 1e9);
        for (speed, scan) in speeds.iter().zip(&scans) {
            let (kind, dim, share) = (scan.name, scan.dim, 100.0 * speed / peak);
            println!(
                "{name}: {kind} scan in {dim} dimensions {:.0} GOP/s, {share:.0} %",
                speed / 1e9
            );
        }
    }
}

fn exact(criterion: &mut Criterion) {
    let points = Clusters::new(DIM).points(ROWS + QUERIES, 1);
    let (queries, rows) = points.split_at(QUERIES * DIM);
    let (rows, queries) = (DenseRows::row_major(rows, DIM), DenseRows::row_major(queries, DIM));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = criterion.benchmark_group("exact");
    group.throughput(Throughput::Elements((ROWS * QUERIES) as u64));
    for kernel in ScanKernel::all() {
        let settings = [
            (ExactMetric::Euclidean, 10),
            (ExactMetric::Euclidean, 100),
            (ExactMetric::Manhattan, 10),
        ];
        for (metric, k) in settings {
            let search = ExactSearch::new(metric, k).kernel(kernel);
            let job = search.job(&rows, Queries::External(&queries)).expect("rows for all");
            group.bench_function(format!("{}/{metric}/k={k}", kernel.name()), |bencher| {
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
    targets = limit, exact
}
criterion_main!(benches);
