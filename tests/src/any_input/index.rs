//! Any bytes: refused, found to be damaged, or searched to the end with neighbors that are ranked.

use std::cell::RefCell;
use std::collections::HashMap;

use bigannoy_build::{IndexBuilder, MemoryStore};
use bigannoy_format::{Layout, Variant};
use bigannoy_matrix::DenseRows;
use bigannoy_metric::{Metric, Neighbor, Prepared};
use bigannoy_search::{Index, SearchError};

use super::answers::{assert_ranked, nearest};

/// What may be an index, and what it is asked. Numbers out of range stand for others within it.
#[derive(Clone, Debug)]
pub struct IndexInput {
    /// Which metric.
    pub metric: u8,
    /// Whether the second layout of the metric is meant, where it has one.
    pub unusual_layout: bool,
    /// Dimensions, one less than there are.
    pub dim: u8,
    /// Neighbors that are asked for.
    pub k: u8,
    /// The budget.
    pub search_k: u16,
    /// The query, cut or lengthened to the dimension.
    pub query: Vec<f32>,
    /// The bytes.
    pub content: IndexContent,
}

/// Bytes that may be an index.
#[derive(Clone, Debug)]
pub enum IndexContent {
    /// Words from nowhere.
    Raw(Vec<u32>),
    /// A real index, cut and changed in places.
    Damaged {
        /// Its items.
        n_items: u8,
        /// Its trees.
        trees: u8,
        /// Records that are missing at the end.
        cut: u16,
        /// Places and what happens there.
        changes: Vec<(u16, IndexChange)>,
    },
}

/// What happens to a word or record of an index.
#[derive(Clone, Copy, Debug)]
pub enum IndexChange {
    /// The word gets these bits.
    Bits(u32),
    /// The word gets a value that is likely to be an item, a node or a count.
    Small(u8),
    /// The record changes places with this one.
    Swap(u16),
}

/// Opens and searches what may be an index.
///
/// # Panics
/// If a search does not end with an error or with neighbors that are ranked, or if an index that is as
/// it was built is refused or gives other answers than exact ones.
pub fn index(input: IndexInput) {
    let metric = Metric::ALL[usize::from(input.metric) % Metric::ALL.len()];
    let dim = usize::from(input.dim % 12) + 1;
    let variants = Variant::of(metric);
    let variant = variants[usize::from(input.unusual_layout) % variants.len()];
    let usual = Layout::new(metric, dim).expect("1 to 12");
    let layout = usual.with_variant(variant).expect("one of the metric's");
    // A vector of u32 begins at a multiple of four bytes, as an index has to.
    let (words, intact) = match input.content {
        IndexContent::Raw(words) => (words, false),
        IndexContent::Damaged { n_items, trees, cut, changes } => {
            // Only what is built here can be known to be undamaged.
            let built_as = if metric == Metric::Hamming { Metric::Angular } else { metric };
            let mut words = built(built_as, dim, n_items % 80 + 1, trees % 3 + 1);
            let cut = usize::from(cut) % words.len().div_ceil(layout.record_words());
            words.truncate((words.len() / layout.record_words() - cut) * layout.record_words());
            change(&mut words, layout, &changes);
            (words, cut == 0 && changes.is_empty() && metric == built_as && layout == usual)
        }
    };
    // Whatever it is, it is told apart, or not, without a panic.
    let _ = layout.detect(bytemuck::cast_slice(&words));
    let Ok(index) = Index::open(bytemuck::cast_slice::<u32, u8>(&words), layout) else {
        assert!(!intact, "an index as it was built cannot be opened");
        return;
    };
    let forest = index.forest();
    let verified = forest.verify(&mut |_, _| true);
    assert!(!intact || verified.is_ok(), "{verified:?}");
    let n_items = index.shape().n_items();
    let mut query = input.query;
    query.resize(dim, 0.5);
    let prepared = Prepared::new(metric, &query);
    // 0 and numbers that are too large included.
    let k = usize::from(input.k) % (n_items as usize + 2);
    let search_k = usize::from(input.search_k);

    let search = index.query(k);
    for search in [search, search.search_k(search_k), search.search_k(usize::MAX)] {
        match search.by_vector(&query) {
            Ok(found) => assert_ranked(forest, &prepared, k, &found),
            Err(error) => assert_refused(&error, intact),
        }
        // A few items of many: all of them would make an execution slow.
        let last = n_items.saturating_sub(6)..n_items;
        let Ok(block) = search.by_items(last.clone()) else { continue };
        for (item, found) in last.zip(block.rows()) {
            assert_ranked(forest, &forest.prepared(item), k, found);
            assert!(found.iter().all(|neighbor| neighbor.item != item), "{item} finds itself");
        }
        let in_block = block.row(block.nrows() - 1);
        match search.by_item(n_items - 1) {
            Ok(alone) => assert_eq!(bits(&alone), bits(in_block)),
            // A gap in the ids has no neighbors.
            Err(_) => assert!(!forest.is_present(n_items - 1) && in_block.is_empty()),
        }
    }
    if intact && (1..=n_items as usize).contains(&k) && query.iter().all(|v| v.is_finite()) {
        let found = search.search_k(usize::MAX).by_vector(&query).expect("an undamaged index");
        assert_eq!(bits(&found), bits(&nearest(forest, &prepared, k, None)));
    }
}

/// Only a damaged index may be called one.
fn assert_refused(error: &SearchError, intact: bool) {
    assert!(!intact || !matches!(error, SearchError::Damaged { .. }), "{error}");
}

fn bits(neighbors: &[Neighbor]) -> Vec<(u32, u32)> {
    neighbors.iter().map(|neighbor| (neighbor.item, neighbor.distance.to_bits())).collect()
}

fn change(words: &mut [u32], layout: Layout, changes: &[(u16, IndexChange)]) {
    let (len, size) = (words.len(), layout.record_words());
    let records = len / size;
    if records == 0 {
        return;
    }
    for &(at, change) in changes {
        let at = usize::from(at);
        match change {
            IndexChange::Bits(bits) => words[at % len] = bits,
            IndexChange::Small(value) => words[at % len] = u32::from(value),
            IndexChange::Swap(with) => {
                let (a, b) = (at % records, usize::from(with) % records);
                for word in 0..size {
                    words.swap(a * size + word, b * size + word);
                }
            }
        }
    }
}

/// An index of few items, equal ones among them; built once for each choice of settings.
fn built(metric: Metric, dim: usize, n_items: u8, trees: u8) -> Vec<u32> {
    type Settings = (Metric, usize, u8, u8);
    thread_local! {
        static BUILT: RefCell<HashMap<Settings, Vec<u32>>> = RefCell::default();
    }
    let grow = || {
        let value = |at: u16| f32::from(at.wrapping_mul(7919) % 23) - 11.0;
        let rows: Vec<f32> = (0..).map(value).take(usize::from(n_items) * dim).collect();
        let mut store = MemoryStore::default();
        IndexBuilder::new(metric)
            .trees(usize::from(trees))
            .threads(1)
            .build(&DenseRows::row_major(&rows, dim), &mut store)
            .expect("finite rows can be indexed");
        store.into_words()
    };
    let settings = (metric, dim, n_items, trees);
    BUILT.with_borrow_mut(|built| built.entry(settings).or_insert_with(grow).clone())
}
