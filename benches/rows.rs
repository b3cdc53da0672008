//! Reading the rows of a matrix in files, as building and searching do.
//!
//! Held fixed: 400,000 rows of 50 columns, all files in the page cache, blocks of 16,384 rows read
//! one after the other into one buffer. Compared: the six element types, in one file and in a file
//! for each column; mapped by one thread and by all, and read without a map by one. The throughput
//! counts the bytes of the source; `rows/s` is printed for each in the end.
//!
//! The yardstick of each type is a straight copy of the same mapped bytes by one thread, in order.
//! `copy/whole` goes to memory of the same size, and so writes as much as it reads;
//! `copy/piecewise` goes to a buffer that stays in the processor's cache, as the rows of a piece do,
//! and so is the harder one.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench rows
//! BIGANNOY_BENCH_ROWS=2000000 cargo bench -p bigannoy-benches --bench rows -- double
//! ```
#![expect(clippy::print_stdout, reason = "a table beside what criterion prints")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bigannoy_benches::{Clusters, FromFloat, StoredMatrix, rows_or};
use bigannoy_matrix::{FileRows, RowBlocks, RowSource};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 400_000;
const COLUMNS: usize = 50;
const BLOCK_ROWS: usize = 16_384;
/// Elements: 32 KiB or less for every type.
const PIECE: usize = 4 << 10;

fn rows(criterion: &mut Criterion) {
    let points = Clusters::new(COLUMNS).points(rows_or(ROWS), 2);
    read::<f64>(criterion, &points);
    read::<f32>(criterion, &points);
    read::<i32>(criterion, &points);
    read::<i16>(criterion, &points);
    read::<i8>(criterion, &points);
    read::<u8>(criterion, &points);
}

/// Reads all rows once.
fn pass(source: &dyn RowSource) {
    let mut blocks = RowBlocks::new(source, BLOCK_ROWS);
    while let Some(block) = blocks.next_block().expect("every coordinate is finite") {
        black_box(block.values);
    }
}

fn read<T: FromFloat>(criterion: &mut Criterion, points: &[f32]) {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let all = rayon::ThreadPoolBuilder::new().build().expect("threads");
    let threads = all.current_num_threads();
    let mut group = criterion.benchmark_group(format!("rows/{}", T::TYPE));
    group.throughput(Throughput::Bytes(size_of_val(points) as u64 / 4 * size_of::<T>() as u64));
    let mut rates = Vec::new();
    for separated in [false, true] {
        let stored = StoredMatrix::<T>::write(points, COLUMNS, separated);
        let matrix = &stored.matrix;
        let unmapped = FileRows::open_descriptor(matrix.descriptor()).expect("just attached");
        let layout = if separated { "separated" } else { "contiguous" };
        let ways: [(String, &rayon::ThreadPool, &dyn RowSource); 3] = [
            (format!("{layout}/1 thread"), &one, matrix),
            (format!("{layout}/{threads} threads"), &all, matrix),
            (format!("{layout}/unmapped, 1 thread"), &one, &unmapped),
        ];
        for (name, pool, source) in ways {
            let (mut taken, mut passes) = (Duration::ZERO, 0u32);
            group.bench_function(&name, |bencher| {
                bencher.iter(|| {
                    let start = Instant::now();
                    pool.install(|| pass(source));
                    taken += start.elapsed();
                    passes += 1;
                });
            });
            if passes > 0 {
                rates.push((name, taken / passes));
            }
        }
        if separated {
            continue;
        }
        let view = matrix.view::<T>().expect("its own type");
        let columns: Vec<&[T]> = (0..COLUMNS).map(|col| view.column(col)).collect();
        let mut whole = stored.elements.clone();
        group.bench_function("copy/whole", |bencher| {
            bencher.iter(|| {
                for (out, column) in whole.chunks_exact_mut(matrix.nrows()).zip(&columns) {
                    out.copy_from_slice(column);
                }
                black_box(&whole);
            });
        });
        let mut piece = [T::MISSING; PIECE];
        group.bench_function("copy/piecewise", |bencher| {
            bencher.iter(|| {
                for source in columns.iter().flat_map(|column| column.chunks(PIECE)) {
                    let out = &mut piece[..source.len()];
                    out.copy_from_slice(source);
                    black_box(&*out);
                }
            });
        });
    }
    group.finish();
    let nrows = points.len() / COLUMNS;
    for (name, taken) in rates {
        #[expect(clippy::cast_precision_loss, reason = "a rate to be read")]
        let rate = nrows as f64 / taken.as_secs_f64() / 1e6;
        println!("rows/{}/{name}: {rate:.1} million rows/s", T::TYPE);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = rows
}
criterion_main!(benches);
