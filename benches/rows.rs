//! Reading the rows of a matrix in files, as building and searching do.
//!
//! Held fixed: 200,000 rows of 50 columns, one thread, all files in the page cache, 256 rows at a
//! time into one buffer (what a thread of a build takes). Compared: four element types, in one file
//! and in a file for each column. The throughput counts the bytes of the source.
//!
//! The yardstick of each type is a straight copy of the same mapped bytes, in order. `copy/whole`
//! goes to memory of the same size, and so writes as much as it reads; `copy/piecewise` goes to a
//! buffer that stays in the processor's cache, as the rows do, and so is the harder one.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench rows
//! BIGANNOY_BENCH_ROWS=2000000 cargo bench -p bigannoy-benches --bench rows -- double
//! ```

use std::hint::black_box;
use std::time::Duration;

use bigannoy_benches::{Clusters, FromFloat, StoredMatrix, rows_or};
use bigannoy_matrix::RowSource;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 200_000;
const COLUMNS: usize = 50;
const BLOCK_ROWS: usize = 256;
/// Elements: 32 KiB or less for every type.
const PIECE: usize = 4 << 10;

fn rows(criterion: &mut Criterion) {
    let points = Clusters::new(COLUMNS).points(rows_or(ROWS), 2);
    read::<f64>(criterion, &points);
    read::<f32>(criterion, &points);
    read::<i32>(criterion, &points);
    read::<i16>(criterion, &points);
}

fn read<T: FromFloat>(criterion: &mut Criterion, points: &[f32]) {
    let mut group = criterion.benchmark_group(format!("rows/{}", T::TYPE));
    group.throughput(Throughput::Bytes(size_of_val(points) as u64 / 4 * size_of::<T>() as u64));
    for separated in [false, true] {
        let stored = StoredMatrix::<T>::write(points, COLUMNS, separated);
        let matrix = &stored.matrix;
        let mut block = vec![0.0; BLOCK_ROWS * COLUMNS];
        let name = if separated { "separated" } else { "contiguous" };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for start in (0..matrix.nrows()).step_by(BLOCK_ROWS) {
                    let end = matrix.nrows().min(start + BLOCK_ROWS);
                    let out = &mut block[..(end - start) * COLUMNS];
                    matrix.copy_rows(start..end, out).expect("every coordinate is finite");
                    black_box(&*out);
                }
            });
        });
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
