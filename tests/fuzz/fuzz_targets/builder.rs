//! Any finite rows, with either generator: an index that is whole, the same on any number of threads, and that finds what
//! is in it.
#![no_main]

use arbitrary::Arbitrary;
use bigannoy_build::{Generator, IndexBuilder, MemoryStore};
use bigannoy_format::Layout;
use bigannoy_fuzz::{assert_ranked, assert_whole, nearest};
use bigannoy_matrix::DenseRows;
use bigannoy_metric::{Metric, Prepared};
use bigannoy_search::Index;
use libfuzzer_sys::fuzz_target;

/// More would make an execution slow and show nothing new.
const MOST_ITEMS: u16 = 400;

#[derive(Arbitrary, Debug)]
struct Input {
    metric: u8,
    generator: bool,
    dim: u8,
    trees: u8,
    seed: u64,
    items: u16,
    /// How many of the items can differ: those beyond repeat them.
    distinct: u16,
    /// The bits of the numbers of which rows are made; those that are not finite are left out.
    palette: Vec<u32>,
}

fuzz_target!(|input: Input| {
    let metric = Metric::OF_NUMBERS[usize::from(input.metric) % Metric::OF_NUMBERS.len()];
    let dim = usize::from(input.dim % 64) + 1;
    let trees = usize::from(input.trees % 4) + 1;
    let n_items = usize::from(input.items % MOST_ITEMS) + 1;
    let generator = if input.generator { Generator::Annoy } else { Generator::Default };
    let rows = rows(&input, n_items, dim);

    let build = |threads| {
        let mut store = MemoryStore::default();
        let builder = IndexBuilder::new(metric)
            .generator(generator)
            .trees(trees)
            .seed(input.seed)
            .threads(threads);
        let report = builder.build(&DenseRows::row_major(&rows, dim), &mut store);
        (report.expect("finite rows can be indexed"), store.into_words())
    };
    let (report, words) = build(1);
    let bytes: &[u8] = bytemuck::cast_slice(&words);
    assert_eq!(report.bytes, bytes.len() as u64);
    // Starting threads is what takes the time of an execution.
    if input.seed.is_multiple_of(4) {
        assert_eq!(words, build(2).1, "two threads give other bytes than one");
    }

    let layout = Layout::new(metric, dim).expect("1 to 64");
    let index = Index::open(bytes, layout).expect("what was built can be opened");
    assert_eq!(index.shape().n_items() as usize, n_items);
    // A root that is a leaf cannot be told from its copy, nor from the item where there is only one.
    let roots = match n_items {
        1 => 2 * trees..=2 * trees + 1,
        _ if n_items <= layout.leaf_capacity() => 2 * trees - 1..=2 * trees - 1,
        _ => trees..=trees,
    };
    assert!(roots.contains(&index.shape().roots().len()), "{:?}", index.shape());
    assert_whole(index.forest());

    let k = n_items.min(5);
    for (item, row) in (0..).zip(rows.chunks_exact(dim)).step_by(n_items.div_ceil(8)) {
        let stored: &[u32] = bytemuck::cast_slice(index.forest().vector(item));
        assert_eq!(stored, bytemuck::cast_slice::<f32, u32>(row));
        let found = index.query(k).search_k(usize::MAX).by_vector(row).expect("an undamaged index");
        let query = Prepared::new(metric, row);
        assert_ranked(index.forest(), &query, k, &found);
        let expected = nearest(index.forest(), &query, k, None);
        assert_eq!(items(&found), items(&expected), "item {item}");
        let some = index.query(k).by_vector(row).expect("an undamaged index");
        assert_ranked(index.forest(), &query, k, &some);
        if matches!(metric, Metric::Euclidean | Metric::Manhattan) {
            assert!(found[0].distance <= 0.0, "item {item} is away from itself");
        }
    }
});

/// Rows of numbers from the palette, mixed so that few bytes make many rows.
fn rows(input: &Input, n_items: usize, dim: usize) -> Vec<f32> {
    let finite = |&bits: &u32| Some(f32::from_bits(bits)).filter(|value| value.is_finite());
    let palette: Vec<f32> = input.palette.iter().filter_map(finite).chain([0.0]).collect();
    let value = |at: usize| {
        let mixed = (at as u64 ^ input.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        palette[usize::try_from(mixed).expect("24 bits") % palette.len()]
    };
    let distinct = usize::from(input.distinct).max(1);
    (0..n_items)
        .flat_map(|item| (0..dim).map(move |col| item % distinct * dim + col))
        .map(value)
        .collect()
}

fn items(neighbors: &[bigannoy_metric::Neighbor]) -> Vec<u32> {
    neighbors.iter().map(|neighbor| neighbor.item).collect()
}
