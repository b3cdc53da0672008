//! Searching an index in memory, and the sums of which a search consists.
//!
//! Held fixed: 50,000 points in 100 clusters, 50 dimensions, 20 trees, k = 10, 1,000 queries from
//! the same clusters that are not among the points. Compared: four metrics, the default budget
//! (k times the trees) and a `search_k` of 5,000, queries one by one on one thread and in one batch
//! on as many threads as there are processors, with sketches of the items (made before) and without.
//! Beside them the default budget among every hundredth item, and all items without the trees. An
//! element is a query.
//!
//! `kernel` compares one inner product at a time with eight side by side, over 1,024 vectors of 16
//! to 784 dimensions; an element is a vector.
//!
//! `sketch` compares bounds from sketches with the limits of the machine: of 1,024 items, which stay in
//! the nearest caches, where arithmetic is the limit; and of 2²⁰ in no order, where memory is, beside
//! reading one word of each line in the same order and doing nothing with it. An element is an item.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench search_index
//! cargo bench -p bigannoy-benches --bench search_index -- kernel
//! cargo bench -p bigannoy-benches --bench search_index -- sketch
//! ```

use std::hint::black_box;
use std::time::Duration;

use bigannoy_benches::{Clusters, rows_or};
use bigannoy_build::{IndexBuilder, MemoryStore};
use bigannoy_format::Layout;
use bigannoy_matrix::DenseRows;
use bigannoy_metric::{ItemSet, Metric, kernel};
use bigannoy_search::{Budget, Index, Kernel, Sketching};
use bigannoy_sketch::{Shape, Sketch, SketchQuery};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ITEMS: usize = 50_000;
const DIM: usize = 50;
const TREES: usize = 20;
const K: usize = 10;
const SEARCH_K: usize = 5_000;
const QUERIES: usize = 1_000;
/// Vectors of the kernel benches: a multiple of the lanes.
const VECTORS: usize = 1_024;
/// Items of the sketches whose records lie all over memory: no cache holds them.
const MANY: u32 = 1 << 20;
/// Odd, so that it leads to each of [`MANY`] once.
const STRIDE: u32 = 0x9e37_79b1;

fn search(criterion: &mut Criterion) {
    let clusters = Clusters::new(DIM);
    let points = clusters.points(rows_or(ITEMS), 2);
    let queries = clusters.points(QUERIES, 3);
    for metric in Metric::OF_NUMBERS {
        let words = build(metric, &points);
        let layout = Layout::new(metric, DIM).expect("an allowed dimension");
        let index: Index<&[u8]> =
            Index::open(bytemuck::cast_slice(&words), layout).expect("it was just built");

        let mut group = criterion.benchmark_group(format!("search/{metric}"));
        let all = index.query(K);
        let n_items = u32::try_from(points.len() / DIM).expect("items have 32 bits");
        let few = ItemSet::from_fn(n_items, |item| item.is_multiple_of(100));
        let settings = [
            ("filtered", all.admit(&few)),
            ("exhaustive", all.budget(Budget::Exhaustive)),
            ("default", all.sketching(Sketching::Always)),
            ("default/plain", all.sketching(Sketching::Never)),
            ("search_k=5000", all.search_k(SEARCH_K).sketching(Sketching::Always)),
            ("search_k=5000/plain", all.search_k(SEARCH_K).sketching(Sketching::Never)),
        ];
        for (name, query) in settings {
            // Makes the sketch.
            query.by_vector(&queries[..DIM]).expect("an undamaged index");
            group.throughput(Throughput::Elements(1));
            let mut rows = queries.chunks_exact(DIM).cycle();
            group.bench_function(format!("single/{name}"), |bencher| {
                bencher.iter(|| {
                    let row = rows.next().expect("a cycle does not end");
                    query.by_vector(row).expect("an undamaged index")
                });
            });
            group.throughput(Throughput::Elements(QUERIES as u64));
            group.bench_function(format!("batch/{name}"), |bencher| {
                bencher.iter(|| query.by_rows(&queries).expect("an undamaged index"));
            });
        }
        group.finish();
    }
}

fn build(metric: Metric, points: &[f32]) -> Vec<u32> {
    let mut store = MemoryStore::default();
    IndexBuilder::new(metric)
        .trees(TREES)
        .build(&DenseRows::row_major(points, DIM), &mut store)
        .expect("every coordinate is finite");
    store.into_words()
}

fn kernels(criterion: &mut Criterion) {
    for dim in [16, 50, 100, 784] {
        let vectors = Clusters::new(dim).points(VECTORS, 2);
        let rows: Vec<&[f32]> = vectors.chunks_exact(dim).collect();
        let query = Clusters::new(dim).points(1, 3);
        let mut group = criterion.benchmark_group(format!("kernel/dim={dim}"));
        group.throughput(Throughput::Elements(VECTORS as u64));
        group.bench_function("dot", |bencher| {
            bencher.iter(|| {
                for row in &rows {
                    black_box(kernel::dot(&query, row));
                }
            });
        });
        let (lanes, _) = rows.as_chunks::<{ kernel::LANES }>();
        group.bench_function("dot_lanes", |bencher| {
            bencher.iter(|| {
                for rows in lanes {
                    black_box(kernel::dot_lanes(&query, rows));
                }
            });
        });
        group.finish();
    }
}

/// Bounds of items in cache and of items all over memory, and what it costs to fetch these.
fn sketches(criterion: &mut Criterion) {
    for dim in [50, 100] {
        let points = Clusters::new(dim).points(VECTORS, 2);
        let shape = Shape::new(Metric::Euclidean, dim).expect("euclidean has sketches");
        let mut sketch = Sketch::new(shape, MANY).expect("memory for the sketch");
        for mut piece in sketch.pieces_mut(VECTORS) {
            for item in piece.items() {
                let row = item as usize % VECTORS;
                piece.set(item, &points[row * dim..][..dim], None);
            }
        }
        // All of them once, each far from the one before.
        let scattered: Vec<u32> = (0..MANY).map(|at| at.wrapping_mul(STRIDE) % MANY).collect();
        let near: Vec<u32> = scattered.iter().map(|&item| item % 1_024).collect();
        let lines = vec![[1u64; 8]; sketch.memory_bytes() / 64];
        let lines_each = shape.record_bytes() / 64;

        let mut group = criterion.benchmark_group(format!("sketch/dim={dim}"));
        group.throughput(Throughput::Elements(VECTORS as u64));
        let (mut lower, mut upper) = ([0.0; VECTORS], [0.0; VECTORS]);
        for kernel in Kernel::all() {
            let mut query = SketchQuery::new(shape, kernel);
            assert!(query.set(&points[..dim]), "values of an ordinary size");
            for (place, items) in [("in-cache", &near), ("scattered", &scattered)] {
                let mut pieces = items.chunks_exact(VECTORS).cycle();
                group.bench_function(format!("{}/{place}", kernel.name()), |bencher| {
                    bencher.iter(|| {
                        let items = pieces.next().expect("a cycle does not end");
                        query.bounds(&sketch, items, &mut lower, &mut upper);
                        black_box((&lower, &upper));
                    });
                });
            }
        }
        let mut pieces = scattered.chunks_exact(VECTORS).cycle();
        group.bench_function("read-only/scattered", |bencher| {
            bencher.iter(|| {
                let items = pieces.next().expect("a cycle does not end");
                let words = items.iter().flat_map(|&item| {
                    let record = &lines[item as usize * lines_each..][..lines_each];
                    record.iter().map(|line| line[0])
                });
                black_box(words.sum::<u64>())
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = search, kernels, sketches
}
criterion_main!(benches);
