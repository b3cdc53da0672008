//! The crate as its users see it, on indexes small enough to check by hand.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use bigannoy_format::Layout;
use bigannoy_metric::{Metric, NeighborBlock, Prepared};
use bigannoy_search::{Index, SearchError};
use proptest::prelude::*;

/// Items on a line, in one tree of a split over two leaves; its leaf capacity is three.
fn line() -> Index<Vec<u8>> {
    let layout = Layout::new(Metric::Euclidean, 1).unwrap();
    let mut words = Vec::new();
    for value in [0.0, 1.0, 10.0, 11.0] {
        layout.push_item(&mut words, &[value]);
    }
    layout.push_leaf(&mut words, 2, &[0, 1]);
    layout.push_leaf(&mut words, 2, &[2, 3]);
    for _ in 0..2 {
        layout.push_split(&mut words, 4, &[1.0], -5.0);
        let root = words.len() - layout.record_words();
        layout.set_children(&mut words[root..], [4, 5]);
    }
    Index::open(bytemuck::cast_slice(&words).to_vec(), layout).unwrap()
}

fn items(block: &NeighborBlock) -> Vec<Vec<u32>> {
    block.rows().map(|row| row.iter().map(|neighbor| neighbor.item).collect()).collect()
}

#[test]
fn the_budget_decides_how_far_the_walk_goes() {
    let index = line();
    let found = |search_k: usize| -> Vec<u32> {
        let near = index.query(4).search_k(search_k).by_vector(&[9.0]).unwrap();
        near.iter().map(|neighbor| neighbor.item).collect()
    };
    assert_eq!(found(1), [2, 3]); // one leaf is enough
    assert_eq!(found(3), [2, 3, 1, 0]);
    assert_eq!(index.query(2).by_vector(&[9.0]).unwrap().len(), 2); // default: 2 x 1 root
}

#[test]
fn the_own_row_is_left_out_and_its_twins_are_not() {
    let layout = Layout::new(Metric::Angular, 2).unwrap();
    let mut words = Vec::new();
    for vector in [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]] {
        layout.push_item(&mut words, &vector);
    }
    layout.push_leaf(&mut words, 3, &[0, 1, 2]);
    layout.push_leaf(&mut words, 3, &[0, 1, 2]);
    let index = Index::open(bytemuck::cast_slice::<u32, u8>(&words), layout).unwrap();
    assert_eq!(items(&index.query(2).by_items(0..3).unwrap()), [[1, 2], [0, 2], [0, 1]]);
    assert_eq!(index.query(1).by_item(1).unwrap()[0].item, 0);
    assert_eq!(items(&index.query(2).by_rows(&[1.0, 0.0]).unwrap()), [[0, 1]]);
}

#[test]
fn settings_and_queries_out_of_range_are_refused() {
    let index = line();
    let message = |error: SearchError| error.to_string();
    assert_eq!(index.query(0).by_vector(&[0.0]), Err(SearchError::ZeroK));
    assert_eq!(
        message(index.query(5).by_vector(&[0.0]).unwrap_err()),
        "k is 5, expected at most 4: the index has 4 items"
    );
    assert_eq!(
        message(index.query(4).by_items(0..4).unwrap_err()),
        "k is 4, expected at most 3: the index has 4 items and a row is not its own neighbor, unless \
         that is asked for (include_self, --include-self)"
    );
    assert_eq!(
        message(index.query(6).by_items(0..4).unwrap_err()),
        "k is 6, expected at most 3: the index has 4 items and a row is not its own neighbor"
    );
    assert_eq!(index.query(1).search_k(0).by_vector(&[0.0]), Err(SearchError::ZeroSearchK));
    assert_eq!(
        message(index.query(1).by_vector(&[0.0, 1.0]).unwrap_err()),
        "the query has 2 columns, expected 1 as in the index"
    );
    assert_eq!(
        message(index.query(1).by_rows(&[0.0, f32::NAN]).unwrap_err()),
        "query row 2, column 1 (counted from 1) is NaN, expected a finite number"
    );
    assert!(matches!(index.query(1).by_item(4), Err(SearchError::NoSuchItem { item: 4, .. })));
    assert!(matches!(index.query(1).by_items(2..5), Err(SearchError::NoSuchItem { .. })));
}

/// The walk through a hamming index: a wrong turn comes after every right one.
#[test]
fn bits_are_followed_and_differing_ones_counted() {
    let layout = Layout::new(Metric::Hamming, 40).unwrap();
    let component = |items: &[usize]| -> Vec<f32> {
        (0..40).map(|at| f32::from(u8::from(items.contains(&at)))).collect()
    };
    let mut words = Vec::new();
    for set in [&[][..], &[1], &[39], &[1, 39], &[2, 39]] {
        layout.push_item(&mut words, &component(set));
    }
    words.resize(8 * layout.record_words(), 0); // ids 5 to 7 were never added
    layout.push_leaf(&mut words, 2, &[0, 1]);
    layout.push_leaf(&mut words, 3, &[2, 3, 4]);
    for _ in 0..2 {
        layout.push_bit_split(&mut words, 8, 63 - 39);
        let root = words.len() - layout.record_words();
        layout.set_children(&mut words[root..], [8, 9]);
    }
    let index = Index::open(bytemuck::cast_slice::<u32, u8>(&words), layout).unwrap();
    let found = |search_k: usize, query: &[usize]| -> Vec<(u32, f32)> {
        let near = index.query(5).search_k(search_k).by_vector(&component(query)).unwrap();
        near.iter().map(|near| (near.item, near.distance)).collect()
    };
    assert_eq!(found(1, &[1, 39]), [(3, 0.0), (2, 1.0), (4, 2.0)]);
    assert_eq!(found(1, &[1]), [(1, 0.0), (0, 1.0)]);
    assert_eq!(found(9, &[1]), [(1, 0.0), (0, 1.0), (3, 1.0), (2, 2.0), (4, 3.0)]);
    let own = index.query(2).search_k(9).by_items(0..6).unwrap();
    assert_eq!(items(&own)[..2], [vec![1, 2], vec![0, 3]]);
    assert!(own.row(5).is_empty());
    assert_eq!(index.query(2).search_k(9).by_item(1).unwrap(), own.row(1));
}

/// Inner products, descending; the square of the plane's extra coordinate leads the walk.
#[test]
fn the_largest_inner_products_come_first() {
    let layout = Layout::new(Metric::Dot, 1).unwrap(); // a leaf holds four
    let mut words = Vec::new();
    for value in [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0] {
        layout.push_item(&mut words, &[value]);
    }
    layout.push_leaf(&mut words, 3, &[0, 1, 2]);
    layout.push_leaf(&mut words, 3, &[3, 4, 5]);
    for _ in 0..2 {
        layout.push_split(&mut words, 6, &[1.0], 0.0);
        let root = words.len() - layout.record_words();
        layout.set_children(&mut words[root..], [6, 7]);
    }
    let found = |words: &[u32], search_k: usize| -> Vec<(u32, f32)> {
        let index = Index::open(bytemuck::cast_slice::<u32, u8>(words), layout).unwrap();
        let near = index.query(5).search_k(search_k).by_vector(&[-0.5]).unwrap();
        near.iter().map(|near| (near.item, near.distance)).collect()
    };
    assert_eq!(found(&words, 1), [(0, 1.0), (1, 0.5), (2, 0.0)]);
    assert_eq!(found(&words, 6)[2..], [(2, 0.0), (3, -0.5), (4, -1.0)]);
    let root = words.len() - layout.record_words();
    layout.set_extra(&mut words[root..], 0.75); // -0.5 + 0.5625 is positive
    assert_eq!(found(&words, 1), [(3, -0.5), (4, -1.0), (5, -1.5)]);
}

/// Splits whose two children are one and the same: 2^200 ways lead to the first leaf.
#[test]
fn a_file_with_endless_ways_ends() {
    let layout = Layout::new(Metric::Euclidean, 1).unwrap();
    let mut words = Vec::new();
    for _ in 0..4 {
        layout.push_item(&mut words, &[1.0]);
    }
    layout.push_leaf(&mut words, 0, &[]);
    for child in 4..204 {
        layout.push_split(&mut words, 4, &[1.0], 0.0);
        let record = words.len() - layout.record_words();
        layout.set_children(&mut words[record..], [child, child]);
    }
    let index = Index::open(bytemuck::cast_slice::<u32, u8>(&words), layout).unwrap();
    let error = index.query(1).by_vector(&[0.0]).unwrap_err();
    assert!(error.to_string().contains("reached more often"), "{error}");
}

/// A small file must not make a walk gather without bound: here each of many roots leads to a chain
/// that doubles the ways down, with nothing at its end.
#[test]
fn a_file_of_many_roots_and_no_leaves_ends_soon() {
    let layout = Layout::new(Metric::Angular, 1).unwrap();
    let (n_items, n_roots) = (10_000u32, 10_000u32);
    let mut words = Vec::new();
    for _ in 0..n_items {
        layout.push_item(&mut words, &[1.0]);
    }
    layout.push_leaf(&mut words, 0, &[]);
    let chain = (0..40).map(|link| (5, n_items + link));
    let roots = (0..n_roots).map(|_| (n_items, n_items + 40));
    for (count, child) in chain.chain(roots) {
        layout.push_split(&mut words, count, &[0.0], 0.0);
        let record = words.len() - layout.record_words();
        layout.set_children(&mut words[record..], [child, child]);
    }
    let index = Index::open(bytemuck::cast_slice::<u32, u8>(&words), layout).unwrap();
    let error = index.query(1).by_vector(&[1.0]).unwrap_err();
    assert!(error.to_string().contains("reached more often"), "{error}");
}

/// Ids 0 and 2 were never added.
#[test]
fn gaps_in_the_ids_have_no_neighbors_and_are_none() {
    let layout = Layout::new(Metric::Euclidean, 1).unwrap();
    let mut words = vec![0; 4 * layout.record_words()];
    for (item, value) in [(1, 5.0), (3, 6.0)] {
        let size = layout.record_words();
        layout.write_item(&mut words[item * size..][..size], &[value]);
    }
    for _ in 0..2 {
        // Four items do not fit in a leaf of three: a split whose children are the two items.
        layout.push_split(&mut words, 4, &[0.0], 0.0);
        let root = words.len() - layout.record_words();
        layout.set_children(&mut words[root..], [1, 3]);
    }
    let index = Index::open(bytemuck::cast_slice::<u32, u8>(&words), layout).unwrap();
    assert_eq!(items(&index.query(1).by_items(0..4).unwrap()), [vec![], vec![3], vec![], vec![1]]);
    assert!(matches!(index.query(1).by_item(2), Err(SearchError::NoSuchItem { item: 2, .. })));
    let all = index.query(4).by_vector(&[5.0]).unwrap();
    assert_eq!(all.iter().map(|near| near.item).collect::<Vec<_>>(), [1, 3]);
}

proptest! {
    /// No bytes make a search fail in any way but an error, and none makes it endless.
    #[test]
    fn hostile_indexes_are_searched_safely(
        words in proptest::collection::vec(prop_oneof![0u32..40, any::<u32>()], 1..400),
        dim in 1usize..6, metric in proptest::sample::select(&Metric::ALL[..]),
        query in -2f32..2.0, search_k in 1usize..300,
    ) {
        let layout = Layout::new(metric, dim).unwrap();
        let whole = words.len() / layout.record_words() * layout.record_words();
        if let Ok(index) = Index::open(bytemuck::cast_slice::<u32, u8>(&words[..whole]), layout) {
            let k = index.shape().n_items() as usize;
            let _ = index.query(k).search_k(search_k).by_vector(&vec![query; dim]);
            let _ = index.query(k).search_k(usize::MAX).by_vector(&vec![query; dim]);
        }
    }

    /// With a budget of everything the answer is the exact one, in blocks of any size.
    #[test]
    fn an_exhaustive_search_is_exact(
        values in proptest::collection::vec(-9i8..9, 2..60), k in 1usize..5, cut in 0usize..60,
    ) {
        let values: Vec<f32> = values.into_iter().map(f32::from).collect();
        let layout = Layout::new(Metric::Euclidean, 2).unwrap();
        let n_items = u32::try_from(values.len() / 2).unwrap();
        let mut words = Vec::new();
        values.chunks_exact(2).for_each(|vector| layout.push_item(&mut words, vector));
        prop_assume!(n_items > 4 && k < n_items as usize);
        // A chain of splits that says nothing, down to a full leaf: everything has to be looked at.
        layout.push_leaf(&mut words, 4, &[0, 1, 2, 3]);
        for item in 4..n_items {
            layout.push_split(&mut words, item + 1, &[0.0, 0.0], 0.0);
            let record = words.len() - layout.record_words();
            layout.set_children(&mut words[record..], [n_items + item - 4, item]);
        }
        let record = words.len() - layout.record_words();
        words.extend_from_within(record..);
        let index = Index::open(bytemuck::cast_slice::<u32, u8>(&words), layout).unwrap();

        let all = index.query(k).search_k(usize::MAX).by_rows(&values[..n_items as usize * 2]).unwrap();
        for (query, found) in values.chunks_exact(2).zip(all.rows()) {
            let prepared = Prepared::new(Metric::Euclidean, query);
            let mut exact: Vec<(f32, u32)> = (0..n_items)
                .map(|item| (prepared.comparable(&values[item as usize * 2..][..2], None).sqrt(), item))
                .collect();
            exact.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let found: Vec<(f32, u32)> = found.iter().map(|n| (n.distance, n.item)).collect();
            prop_assert_eq!(&found[..], &exact[..k]);
        }
        let cut = cut % n_items as usize * 2;
        let mut pieces = index.query(k).search_k(usize::MAX).by_rows(&values[..cut]).unwrap();
        pieces.append(
            &index.query(k).search_k(usize::MAX).by_rows(&values[cut..n_items as usize * 2]).unwrap(),
        );
        prop_assert_eq!(pieces, all);
    }
}
