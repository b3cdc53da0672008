//! Whatever is set to make a search fast, its answers are those of Annoy's definition, to the last bit.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod plans;

use std::collections::{BTreeSet, BinaryHeap};

use bigannoy_format::{NodeId, Record};
use bigannoy_metric::{ItemSet, Metric, Neighbor, Prepared, kernel};
use bigannoy_search::{Index, Kernel, Query, Sketching};
use plans::{Plan, Values, plans};
use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// An order of numbers in which the two zeros are one.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Number(f32);

impl Eq for Number {}

#[expect(clippy::derive_ord_xor_partial_ord, reason = "none is NaN")]
impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.partial_cmp(other).unwrap()
    }
}

/// The definition, word for word: a heap of priorities and numbers, then a sorted list.
fn by_definition(
    index: &Index<Vec<u8>>,
    query: &[f32],
    k: usize,
    search_k: usize,
    admit: Option<&ItemSet>,
) -> Vec<Neighbor> {
    let forest = index.forest();
    let metric = index.shape().layout().metric();
    let prepared = Prepared::new(metric, query);
    let roots = index.shape().roots().iter();
    let mut heap: BinaryHeap<(Number, u32)> =
        roots.map(|root| (Number(f32::INFINITY), root.0)).collect();
    let mut candidates = Vec::new();
    let lesser = |a: f32, b: f32| if b < a { b } else { a };
    let admitted = |item: &u32| admit.is_none_or(|admit| admit.contains(*item));
    while candidates.len() < search_k
        && let Some((Number(nearest), node)) = heap.pop()
    {
        match forest.record(NodeId(node)).unwrap() {
            Record::Item(item) => candidates.extend([item].iter().filter(|item| admitted(item))),
            Record::Leaf(items) => candidates.extend(items.iter().filter(|item| admitted(item))),
            Record::Split(split) => {
                let margin = split.offset + kernel::dot(split.normal, prepared.vector());
                let [left, right] = split.children;
                heap.push((Number(lesser(nearest, margin)), right.0));
                heap.push((Number(lesser(nearest, -margin)), left.0));
            }
            Record::BitSplit(_) => unreachable!("no bits here"),
        }
    }
    let candidates: BTreeSet<u32> = candidates.into_iter().collect();
    let mut near: Vec<(f32, u32)> =
        candidates.into_iter().map(|item| (forest.comparable(&prepared, item), item)).collect();
    // What is not a number comes last.
    near.sort_by(|a, b| {
        let nan = a.0.is_nan().cmp(&b.0.is_nan());
        nan.then(a.0.partial_cmp(&b.0).unwrap_or(a.1.cmp(&b.1))).then(a.1.cmp(&b.1))
    });
    // The sign of what is not a number depends on the processor; the one that is told does not.
    let told = |distance: f32| if distance.is_nan() { f32::NAN } else { metric.reported(distance) };
    let neighbor = |(distance, item)| Neighbor { item, distance: told(distance) };
    near.into_iter().take(k).map(neighbor).collect()
}

/// Items and the bits of their distances: `==` would take two zeros for one, and no NaN for itself.
fn bits<'a>(neighbors: impl IntoIterator<Item = &'a Neighbor>) -> Vec<(u32, u32)> {
    neighbors.into_iter().map(|near| (near.item, near.distance.to_bits())).collect()
}

fn index(plan: &Plan) -> Index<Vec<u8>> {
    let (bytes, layout) = plan.index();
    Index::open(bytes, layout).unwrap()
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Every setting that must not be seen in an answer.
fn settings(query: Query<'_>) -> impl Iterator<Item = Query<'_>> {
    let kernels = Kernel::all().into_iter();
    let sketched = kernels.map(move |kernel| query.sketching(Sketching::Always).kernel(kernel));
    // Of a batch that is announced the first call makes copies.
    let announced = query.to_come(1_000_000);
    [query.sketching(Sketching::Never), query, announced].into_iter().chain(sketched)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_setting_changes_an_answer(
        plan in plans(&Metric::OF_NUMBERS), k in 1usize..20, search_k in 1usize..900, cut in 0usize..20,
        picks in proptest::option::of(any::<u64>()),
    ) {
        let index = index(&plan);
        let n_items = index.shape().n_items();
        let admit = picks.map(|picks| ItemSet::from_fn(n_items, |item| picks >> (item % 64) & 1 == 1));
        let admitted = admit.as_ref().map_or(n_items, ItemSet::len) as usize;
        prop_assume!(admitted > 0);
        let k = k.min(admitted);
        let expected: Vec<_> = plan.queries.chunks_exact(plan.dim)
            .map(|query| bits(&by_definition(&index, query, k, search_k, admit.as_ref())))
            .collect();
        let mut search = index.query(k).search_k(search_k);
        if let Some(admit) = &admit {
            search = search.admit(admit);
        }
        for search in settings(search) {
            let (first, rest) = plan.queries.split_at(cut * plan.dim);
            for threads in [1, 3] {
                let mut found = pool(threads).install(|| search.by_rows(first).unwrap());
                found.append(&pool(threads).install(|| search.by_rows(rest).unwrap()));
                let found: Vec<_> = found.rows().map(bits).collect();
                prop_assert_eq!(&found, &expected);
            }
            for (query, expected) in plan.queries.chunks_exact(plan.dim).zip(&expected) {
                prop_assert_eq!(&bits(&search.by_vector(query).unwrap()), expected);
            }
        }
    }

    #[test]
    fn no_setting_changes_what_an_exhaustive_search_finds(plan in plans(&Metric::OF_NUMBERS), k in 1usize..20) {
        let index = index(&plan);
        let k = k.min(index.shape().n_items() as usize - 1);
        let own = index.query(k).exhaustive();
        let plain = own.sketching(Sketching::Never).by_items(0..9.min(index.shape().n_items())).unwrap();
        for search in settings(own) {
            for query in plan.queries.chunks_exact(plan.dim) {
                let expected = by_definition(&index, query, k, usize::MAX, None);
                prop_assert_eq!(bits(&search.by_vector(query).unwrap()), bits(&expected));
            }
            let found = search.by_items(0..9.min(index.shape().n_items())).unwrap();
            for (found, plain) in found.rows().zip(plain.rows()) {
                prop_assert_eq!(bits(found), bits(plain));
            }
        }
    }
}

/// The sketch comes when it is due, whichever queries have been asked before.
#[test]
fn a_sketch_that_comes_between_two_searches_is_not_seen() {
    let plan = Plan::new(Metric::Euclidean, 20, 300, Values::Plain, 7);
    let (plain, counting) = (index(&plan), index(&plan));
    for round in 0..40 {
        let query = &plan.queries[round % 20 * plan.dim..][..plan.dim];
        let expected = plain.query(5).search_k(60).sketching(Sketching::Never).by_vector(query);
        assert_eq!(counting.query(5).search_k(60).by_vector(query), expected);
    }
}
