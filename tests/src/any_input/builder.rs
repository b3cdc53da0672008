//! Any finite rows: an index that is whole, the same on any number of threads, and that finds what is
//! in it.

use bigannoy_build::{Generator, IndexBuilder, MemoryStore};
use bigannoy_format::Layout;
use bigannoy_matrix::DenseRows;
use bigannoy_metric::{Metric, Prepared};
use bigannoy_search::Index;

use super::answers::{assert_ranked, nearest};
use super::forest::assert_whole;

/// Rows, and how trees are to grow over them.
#[derive(Clone, Debug)]
pub struct BuilderInput {
    /// What near means: any metric of numbers.
    pub metric: Metric,
    /// Whose trees.
    pub generator: Generator,
    /// Dimensions: at least 1.
    pub dim: usize,
    /// Trees: at least 1.
    pub trees: usize,
    /// The seed, of the rows too.
    pub seed: u64,
    /// Items: at least 1.
    pub n_items: usize,
    /// How many of the items can differ: those beyond repeat them.
    pub distinct: usize,
    /// The bits of the numbers of which rows are made; those that are not finite are left out.
    pub palette: Vec<u32>,
}

/// Builds an index, takes it apart and searches it.
///
/// # Panics
/// If that fails, if the index is not whole, depends on threads, has trees that are deeper than items
/// can make them, or if a search without limit finds others than the nearest.
pub fn builder(input: &BuilderInput) {
    let BuilderInput { metric, generator, dim, trees, seed, n_items, .. } = *input;
    let rows = rows(input);

    let build = |threads| {
        let mut store = MemoryStore::default();
        let builder =
            IndexBuilder::new(metric).generator(generator).trees(trees).seed(seed).threads(threads);
        let report = builder.build(&DenseRows::row_major(&rows, dim), &mut store);
        (report.expect("finite rows can be indexed"), store.into_words())
    };
    let (report, words) = build(1);
    let bytes: &[u8] = bytemuck::cast_slice(&words);
    assert_eq!(report.bytes, bytes.len() as u64);
    // Starting threads is what takes the time of an execution.
    if seed.is_multiple_of(4) {
        assert_eq!(words, build(2).1, "two threads give other bytes than one");
    }

    let layout = Layout::new(metric, dim).expect("a dimension that was built");
    let index = Index::open(bytes, layout).expect("what was built can be opened");
    assert_eq!(index.shape().n_items() as usize, n_items);
    // A root that is a leaf cannot be told from its copy, nor from the item where there is only one.
    let roots = match n_items {
        1 => 2 * trees..=2 * trees + 1,
        _ if n_items <= layout.leaf_capacity() => 2 * trees - 1..=2 * trees - 1,
        _ => trees..=trees,
    };
    assert!(roots.contains(&index.shape().roots().len()), "{:?}", index.shape());
    let depth = assert_whole(index.forest());
    // Two sides of a split are both items at least; equal ones are halved.
    assert!(depth as usize <= n_items, "{depth} levels over {n_items} items");
    if input.distinct <= 1 {
        assert!(depth <= 2 * n_items.ilog2() + 8, "{depth} levels over {n_items} equal items");
    }

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
}

/// Rows of numbers from the palette, mixed so that few bytes make many rows.
fn rows(input: &BuilderInput) -> Vec<f32> {
    let finite = |&bits: &u32| Some(f32::from_bits(bits)).filter(|value| value.is_finite());
    let palette: Vec<f32> = input.palette.iter().filter_map(finite).chain([0.0]).collect();
    let value = |at: usize| {
        let mixed = (at as u64 ^ input.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        palette[usize::try_from(mixed).expect("24 bits") % palette.len()]
    };
    let distinct = input.distinct.max(1);
    (0..input.n_items)
        .flat_map(|item| (0..input.dim).map(move |col| item % distinct * input.dim + col))
        .map(value)
        .collect()
}

fn items(neighbors: &[bigannoy_metric::Neighbor]) -> Vec<u32> {
    neighbors.iter().map(|neighbor| neighbor.item).collect()
}
