//! Sums over vectors, beside what the processor can do at all.
//!
//! Held fixed: 512 vectors, which fit in a core's own cache, compared eight at a time with one or two
//! others, as trees are grown. Compared: the strict order of Annoy's arithmetic, and sums in eight
//! lanes in each code that the processor has. The throughput counts the elements that are read.
//!
//! The yardstick is `read`: the sum of all elements of the same vectors in as many lanes as one likes,
//! which is as fast as they come out of the cache.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench kernels
//! ```

use std::hint::black_box;
use std::time::Duration;

use bigannoy_benches::Clusters;
use bigannoy_metric::Folded;
use bigannoy_metric::kernel::{self, LANES};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const VECTORS: usize = 512;

fn kernels(criterion: &mut Criterion) {
    for dim in [50, 100, 784] {
        let points = Clusters::new(dim).points(VECTORS + 2, 2);
        let vectors: Vec<&[f32]> = points.chunks_exact(dim).collect();
        let (p, q, rows) = (vectors[0], vectors[1], &vectors[2..]);
        let batches: Vec<&[&[f32]; LANES]> = rows.as_chunks::<LANES>().0.iter().collect();
        let mut group = criterion.benchmark_group(format!("kernels/{dim}"));
        group.throughput(Throughput::Elements((VECTORS * dim) as u64));
        let mut measure = |name: String, work: &dyn Fn(&[&[f32]; LANES])| {
            group.bench_function(name, |bencher| {
                bencher.iter(|| batches.iter().for_each(|batch| work(batch)));
            });
        };
        measure("read".to_owned(), &|rows| {
            for row in rows {
                let mut lanes = [0.0f32; 32];
                for chunk in row.chunks_exact(32) {
                    for (lane, value) in lanes.iter_mut().zip(chunk) {
                        *lane += value;
                    }
                }
                black_box(lanes);
            }
        });
        measure("dot/strict".to_owned(), &|rows| {
            black_box(kernel::dot_lanes(p, rows));
        });
        measure("two squared_l2/strict".to_owned(), &|rows| {
            black_box((kernel::squared_l2_lanes(p, rows), kernel::squared_l2_lanes(q, rows)));
        });
        for code in Folded::all() {
            measure(format!("dot/{}", code.name()), &|rows| {
                black_box(code.dots(p, rows));
            });
            measure(format!("two squared_l2/{}", code.name()), &|rows| {
                black_box(code.squared_l2_of_two(p, q, rows));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    targets = kernels
}
criterion_main!(benches);
