//! Sums over vectors, beside what the processor can do at all.
//!
//! Held fixed: 512 vectors, which fit in a core's own caches (in 784 dimensions, half of them do), compared
//! eight at a time with one or two others, as trees are grown. Compared: the strict order of Annoy's arithmetic, and
//! sums in eight lanes in each code that the processor has: one by one, of padded vectors, and while they are added
//! up; and the same of vectors in 16-bit codes, as pairs and with one plane, and how long it takes to make codes.
//! The throughput counts the elements that are read.
//!
//! There are two yardsticks, in the same code as the sums. `read` is the sum of all elements of as many bytes, in
//! as many lanes as one likes, which is as fast as they come out of the caches. The other, for what is written for a
//! kind of processor, is how many elements it can multiply and add at most, all in registers. After what criterion prints
//! comes the share of both that each kernel reaches, the best of some runs in turns: the larger share tells what bounds it.
//!
//! ```text
//! cargo bench -p bigannoy-benches --bench kernels
//! ```

#![expect(clippy::cast_precision_loss, reason = "counts of operations")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bigannoy_benches::Clusters;
use bigannoy_metric::Folded;
use bigannoy_metric::coded::{CodedRows, Codes, Line, WIDTH, n_codes};
use bigannoy_metric::folded::{Chunk, n_chunks, pad};
use bigannoy_metric::kernel::{self, LANES};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const VECTORS: usize = 512;
const DIMS: [usize; 3] = [50, 100, 784];
/// How often each kernel is held against its limits.
const TURNS: usize = 20;

/// Products of what are the most that the processor can compute.
#[derive(Clone, Copy)]
enum Products {
    Floats,
    Codes,
}

/// A kernel that goes through all vectors once.
struct Work<'a> {
    name: String,
    /// The code whose limits are those of the kernel.
    code: Folded,
    /// Bytes of the vectors in the form that is read.
    bytes: usize,
    /// What it computes one of for each element, where that is so.
    products: Option<Products>,
    run: Box<dyn FnMut() + 'a>,
}

/// The vectors in all forms.
struct Data {
    dim: usize,
    /// What the others are compared with.
    pair: [Vec<f32>; 2],
    vectors: Vec<f32>,
    padded: Vec<Chunk>,
    coded: Vec<Codes>,
    picks: Vec<u32>,
    pairs: Vec<[u16; 2]>,
}

impl Data {
    fn new(dim: usize) -> Self {
        let mut points = Clusters::new(dim).points(VECTORS + 2, 2);
        let vectors = points.split_off(2 * dim);
        let q = points.split_off(dim);
        let mut padded = vec![Chunk::default(); VECTORS * n_chunks(dim)];
        let mut coded = vec![Codes::default(); VECTORS * n_codes(dim)];
        let forms =
            padded.chunks_exact_mut(n_chunks(dim)).zip(coded.chunks_exact_mut(n_codes(dim)));
        for (vector, (padded, codes)) in vectors.chunks_exact(dim).zip(forms) {
            pad(vector, padded);
            Folded::new().encode(vector, 100.0, codes);
        }
        let picks = (0..).take(VECTORS).collect();
        let pairs = (0..).take(VECTORS).map(|row| [0, row]).collect();
        Data { dim, pair: [points, q], vectors, padded, coded, picks, pairs }
    }

    fn batches(&self) -> Vec<[&[f32]; LANES]> {
        let rows: Vec<&[f32]> = self.vectors.chunks_exact(self.dim).collect();
        rows.as_chunks::<LANES>().0.to_vec()
    }

    fn works(&self) -> Vec<Work<'_>> {
        let mut works = self.strict();
        for code in Folded::all() {
            works.extend(self.folded(code));
        }
        works
    }

    /// What is measured in the strict order, whose code is for any processor.
    fn strict(&self) -> Vec<Work<'_>> {
        let (code, [p, q]) = (Folded::all()[0], &self.pair);
        let batches = self.batches();
        let dots = move || {
            for rows in &batches {
                black_box(kernel::dot_lanes(p, rows));
            }
        };
        let batches = self.batches();
        let squares = move || {
            for rows in &batches {
                black_box((kernel::squared_l2_lanes(p, rows), kernel::squared_l2_lanes(q, rows)));
            }
        };
        let bytes = size_of_val(&self.vectors[..]);
        let work = |name: &str, products, run| Work {
            name: format!("{name}/strict"),
            code,
            bytes,
            products,
            run,
        };
        vec![
            work("dot", Some(Products::Floats), Box::new(dots)),
            work("two squared_l2", None, Box::new(squares)),
        ]
    }

    /// What is measured in each code.
    fn folded(&self, code: Folded) -> Vec<Work<'_>> {
        let (dim, picks, p) = (self.dim, &self.picks, &self.pair[0]);
        let batches = self.batches();
        let dots = move || {
            for rows in &batches {
                black_box(code.dots(p, rows));
            }
        };
        let mut room = self.coded.clone();
        let encode = move || {
            let rows = self.vectors.chunks_exact(dim).zip(room.chunks_exact_mut(n_codes(dim)));
            for (row, room) in rows {
                black_box(code.encode_difference(row, p, 100.0, room));
            }
        };

        let plane = &self.padded[..n_chunks(dim)];
        let mut sums = vec![0.0; VECTORS];
        let padded_dots =
            move || code.add_products(plane, &self.padded, picks, black_box(&mut sums));
        let mut total = plane.to_vec();
        let add = move || code.add_rows(&self.padded, picks, black_box(&mut total));

        let codes = CodedRows { codes: &self.coded, size: n_codes(dim) };
        let mut products = vec![0; VECTORS];
        let coded_dots =
            move || code.coded_products(codes, codes, &self.pairs, black_box(&mut products));
        let plane = (codes.row(0), Line { by: 0.5, offset: 1.0 });
        let mut sums = vec![0.0; VECTORS];
        let margins = move || code.coded_margins(plane, codes, picks, black_box(&mut sums));
        let mut total = vec![[0; WIDTH]; n_codes(dim)];
        let add_coded = move || code.add_coded_rows(codes, picks, black_box(&mut total));

        let work = |name: &str, bytes, products, run| Work {
            name: format!("{name}/{}", code.name()),
            code,
            bytes,
            products,
            run,
        };
        let vectors = size_of_val(&self.vectors[..]);
        let (padded, coded) = (size_of_val(&self.padded[..]), size_of_val(&self.coded[..]));
        vec![
            work("dot", vectors, Some(Products::Floats), Box::new(dots)),
            work("padded dot", padded, Some(Products::Floats), Box::new(padded_dots)),
            work("coded dot", coded, Some(Products::Codes), Box::new(coded_dots)),
            work("coded margins", coded, Some(Products::Codes), Box::new(margins)),
            // Two codes are added by one step that multiplies and adds both.
            work("coded add", coded, Some(Products::Codes), Box::new(add_coded)),
            work("encode difference", vectors, None, Box::new(encode)),
            work("add", padded, None, Box::new(add)),
        ]
    }

    /// As many bytes as a kernel reads.
    fn bytes(&self, bytes: usize) -> Vec<Chunk> {
        self.padded.iter().copied().cycle().take(bytes / size_of::<Chunk>()).collect()
    }
}

fn kernels(criterion: &mut Criterion) {
    for dim in DIMS {
        let data = Data::new(dim);
        let mut group = criterion.benchmark_group(format!("kernels/{dim}"));
        group.throughput(Throughput::Elements((VECTORS * dim) as u64));
        let chunks = data.bytes(size_of_val(&data.vectors[..]));
        for code in Folded::all() {
            group.bench_function(format!("read/{}", code.name()), |bencher| {
                bencher.iter(|| code.total(black_box(&chunks)));
            });
        }
        for mut work in data.works() {
            group.bench_function(&work.name, |bencher| bencher.iter(&mut work.run));
        }
        group.finish();
    }
}

/// The limits of the machine, and what share of them each kernel comes to.
#[expect(clippy::print_stdout, reason = "beside what criterion prints")]
fn limits(_: &mut Criterion) {
    for code in Folded::all() {
        for (of, what) in [(Products::Floats, "floats"), (Products::Codes, "16-bit codes")] {
            let best = (0..TURNS).filter_map(|_| most(code, of)).fold(0.0, f64::max);
            if best > 0.0 {
                let (name, best) = (code.name(), best / 1e9);
                println!(
                    "{name}: at most {best:.1} G products a second of {what} in registers, one thread"
                );
            }
        }
    }
    for dim in DIMS {
        let data = Data::new(dim);
        for Work { name, code, bytes, products, mut run } in data.works() {
            let chunks = data.bytes(bytes);
            let (mut speed, mut read, mut arithmetic) = (0.0f64, 0.0f64, 0.0f64);
            for _ in 0..TURNS {
                speed = speed.max(passes(&mut run));
                read = read.max(passes(&mut || {
                    black_box(code.total(black_box(&chunks)));
                }));
                if let Some(most) = products.and_then(|of| most(code, of)) {
                    arithmetic = arithmetic.max(most);
                }
            }
            let elements = speed * (VECTORS * dim) as f64;
            let of_read = 100.0 * speed / read;
            print!("{dim}, {name}: {:.1} G elements/s, {of_read:.0} % of read", elements / 1e9);
            if arithmetic > 0.0 {
                print!(", {:.0} % of products in registers", 100.0 * elements / arithmetic);
            }
            println!();
        }
    }
}

/// How often in a second something is done.
fn passes(run: &mut dyn FnMut()) -> f64 {
    const TIMES: u32 = 20;
    let start = Instant::now();
    for _ in 0..TIMES {
        run();
    }
    f64::from(TIMES) / start.elapsed().as_secs_f64()
}

/// How many elements are multiplied and added in a second, at most; `None` where that is not known.
fn most(code: Folded, of: Products) -> Option<f64> {
    let rounds = black_box(10_000);
    let start = Instant::now();
    let products = match of {
        Products::Floats => black_box(code.most_products(rounds))?.0,
        Products::Codes => black_box(code.most_coded_products(rounds))?.0,
    };
    Some(products as f64 / start.elapsed().as_secs_f64())
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    targets = kernels, limits
}
criterion_main!(benches);
