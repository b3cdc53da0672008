//! Sums over vectors, beside what the processor can do at all.
//!
//! Held fixed: 512 vectors, which fit in a core's own cache, compared eight at a time with one or two
//! others, as trees are grown. Compared: the strict order of Annoy's arithmetic, and sums in eight
//! lanes in each code that the processor has: one by one, of padded vectors, and while they are added
//! up; and the same of vectors in 16-bit codes, as pairs and with one plane, and how long it takes to make codes.
//! The throughput counts the elements that are read.
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
use bigannoy_metric::coded::{CodedRows, Codes, Line, WIDTH, n_codes};
use bigannoy_metric::folded::{Chunk, n_chunks, pad};
use bigannoy_metric::kernel::{self, LANES};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const VECTORS: usize = 512;

fn kernels(criterion: &mut Criterion) {
    for dim in [50, 100, 784] {
        let points = Clusters::new(dim).points(VECTORS + 2, 2);
        let vectors: Vec<&[f32]> = points.chunks_exact(dim).collect();
        let (p, q, rows) = (vectors[0], vectors[1], &vectors[2..]);
        let batches: Vec<&[&[f32]; LANES]> = rows.as_chunks::<LANES>().0.iter().collect();
        let mut padded = vec![Chunk::default(); rows.len() * n_chunks(dim)];
        for (row, padded) in rows.iter().zip(padded.chunks_exact_mut(n_chunks(dim))) {
            pad(row, padded);
        }
        let (plane, mut total) =
            (padded[..n_chunks(dim)].to_vec(), padded[..n_chunks(dim)].to_vec());
        let picks: Vec<u32> = (0..).take(rows.len()).collect();
        let mut sums = vec![0.0; rows.len()];
        let mut coded = vec![Codes::default(); rows.len() * n_codes(dim)];
        for (row, codes) in rows.iter().zip(coded.chunks_exact_mut(n_codes(dim))) {
            Folded::new().encode(row, 100.0, codes);
        }
        let pairs: Vec<[u16; 2]> = (0..).take(rows.len()).map(|row| [0, row]).collect();
        let mut products = vec![0; rows.len()];
        let mut coded_total = vec![[0; WIDTH]; n_codes(dim)];
        let mut room = coded.clone();
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
        }
        for code in Folded::all() {
            group.bench_function(format!("padded dot/{}", code.name()), |bencher| {
                bencher.iter(|| code.add_products(&plane, &padded, &picks, black_box(&mut sums)));
            });
            group.bench_function(format!("coded dot/{}", code.name()), |bencher| {
                let codes = CodedRows { codes: &coded, size: n_codes(dim) };
                bencher
                    .iter(|| code.coded_products(codes, codes, &pairs, black_box(&mut products)));
            });
            let codes = CodedRows { codes: &coded, size: n_codes(dim) };
            group.bench_function(format!("coded margins/{}", code.name()), |bencher| {
                let plane = (codes.row(0), Line { by: 0.5, offset: 1.0 });
                bencher.iter(|| code.coded_margins(plane, codes, &picks, black_box(&mut sums)));
            });
            group.bench_function(format!("coded add/{}", code.name()), |bencher| {
                bencher.iter(|| code.add_coded_rows(codes, &picks, black_box(&mut coded_total)));
            });
            group.bench_function(format!("encode difference/{}", code.name()), |bencher| {
                bencher.iter(|| {
                    for (row, room) in rows.iter().zip(room.chunks_exact_mut(n_codes(dim))) {
                        black_box(code.encode_difference(row, p, 100.0, room));
                    }
                });
            });
            group.bench_function(format!("add/{}", code.name()), |bencher| {
                bencher.iter(|| code.add_rows(&padded, &picks, black_box(&mut total)));
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
