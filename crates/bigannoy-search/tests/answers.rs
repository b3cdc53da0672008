//! Whatever is set to make a search fast, its answers are those of Annoy's definition, to the last bit.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{BTreeSet, BinaryHeap};

use bigannoy_format::{Layout, NodeId, Record};
use bigannoy_metric::{ItemSet, Metric, Neighbor, Prepared, kernel};
use bigannoy_search::{Index, Kernel, Query, Sketching};
use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// An index over clusters of items, some of them exact copies, and queries beside and on them.
#[derive(Clone, Debug)]
struct Plan {
    metric: Metric,
    dim: usize,
    values: Vec<f32>,
    queries: Vec<f32>,
    trees: u64,
}

/// A small generator, so that a failing plan is a few numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    /// From -1 to 1, often the same number twice.
    fn value(&mut self) -> f32 {
        f32::from(u16::try_from(self.below(2001)).unwrap()) / 1000.0 - 1.0
    }
}

/// How large numbers are, and how many of them differ.
#[derive(Clone, Copy, Debug)]
enum Values {
    Plain,
    /// Few different ones: many ties of distances and of margins.
    Coarse,
    /// Rows of very different lengths.
    Uneven,
    /// A large number that all rows share: what differs is lost in rounding.
    Cancelling,
    /// Squares that overflow or vanish.
    Extreme,
}

impl Values {
    fn row(self, random: &mut Random, dim: usize) -> Vec<f32> {
        let scale = match self {
            Values::Plain | Values::Coarse | Values::Cancelling => 1.0,
            Values::Uneven => [1e-3, 1.0, 50.0, 1e4][random.below(4)],
            Values::Extreme => [1e-42, 1e-25, 1e-19, 1e18, 3e19, 3e38][random.below(6)],
        };
        let row = (0..dim).map(|_| match self {
            Values::Coarse => random.value().round(),
            Values::Cancelling => 1000.0 + random.value() / 100.0,
            _ => random.value() * scale,
        });
        row.collect()
    }
}

impl Plan {
    fn new(metric: Metric, dim: usize, items: usize, values: Values, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut rows: Vec<Vec<f32>> = Vec::new();
        for _ in 0..items {
            let copied = !rows.is_empty() && random.below(6) == 0;
            rows.push(if copied {
                rows[random.below(rows.len())].clone()
            } else {
                values.row(&mut random, dim)
            });
        }
        let mut queries: Vec<f32> = (0..20).flat_map(|_| values.row(&mut random, dim)).collect();
        queries.extend_from_slice(&rows[0]);
        queries.extend(std::iter::repeat_n(0.0, dim));
        let trees = random.below(4) as u64 + 1;
        Plan { metric, dim, values: rows.concat(), queries, trees }
    }

    fn index(&self) -> Index<Vec<u8>> {
        let layout = Layout::new(self.metric, self.dim).unwrap();
        let mut words = Vec::new();
        self.values.chunks_exact(self.dim).for_each(|row| layout.push_item(&mut words, row));
        let mut roots = Vec::new();
        for tree in 0..self.trees {
            let items: Vec<u32> =
                (0..u32::try_from(self.values.len() / self.dim).unwrap()).collect();
            let mut grower = Grower { plan: self, layout, words, random: Random(tree) };
            grower.grow(&items);
            words = grower.words;
            roots.extend_from_slice(&words[words.len() - layout.record_words()..]);
        }
        words.extend(roots);
        Index::open(bytemuck::cast_slice(&words).to_vec(), layout).unwrap()
    }
}

struct Grower<'a> {
    plan: &'a Plan,
    layout: Layout,
    words: Vec<u32>,
    random: Random,
}

impl Grower<'_> {
    /// Appends the tree over `items`, its root last, and tells the root's number.
    fn grow(&mut self, items: &[u32]) -> u32 {
        let count = u32::try_from(items.len()).unwrap();
        if count == 1 {
            return items[0];
        }
        if items.len() <= self.layout.leaf_capacity() {
            self.layout.push_leaf(&mut self.words, count, items);
        } else {
            let dim = self.plan.dim;
            let [a, b] = [(); 2].map(|()| {
                let item = items[self.random.below(items.len())] as usize;
                &self.plan.values[item * dim..][..dim]
            });
            // Planes that say nothing are among them, and with these ties of priorities.
            let normal: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
            let (left, right) = items.split_at(self.random.below(items.len() - 1) + 1);
            let children = [left, right].map(|half| self.grow(half));
            let offset = self.random.value();
            let offset = if self.plan.metric == Metric::Angular { 0.0 } else { offset };
            self.layout.push_split(&mut self.words, count, &normal, offset);
            let root = self.words.len() - self.layout.record_words();
            self.layout.set_children(&mut self.words[root..], children);
        }
        u32::try_from(self.words.len() / self.layout.record_words() - 1).unwrap()
    }
}

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

fn plans() -> impl Strategy<Value = Plan> {
    let values = prop_oneof![
        3 => Just(Values::Plain),
        3 => Just(Values::Coarse),
        2 => Just(Values::Uneven),
        2 => Just(Values::Cancelling),
        2 => Just(Values::Extreme),
    ];
    let metrics = proptest::sample::select(&Metric::OF_NUMBERS[..]);
    let dims = prop_oneof![1usize..8, 1usize..140];
    (metrics, dims, 3usize..400, values, any::<u64>())
        .prop_map(|(metric, dim, items, values, seed)| Plan::new(metric, dim, items, values, seed))
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Every setting that must not be seen in an answer.
fn settings(query: Query<'_>) -> impl Iterator<Item = Query<'_>> {
    let kernels = Kernel::all().into_iter();
    let sketched = kernels.map(move |kernel| query.sketching(Sketching::Always).kernel(kernel));
    [query.sketching(Sketching::Never), query].into_iter().chain(sketched)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_setting_changes_an_answer(
        plan in plans(), k in 1usize..20, search_k in 1usize..900, cut in 0usize..20,
        picks in proptest::option::of(any::<u64>()),
    ) {
        let index = plan.index();
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
    fn no_setting_changes_what_an_exhaustive_search_finds(plan in plans(), k in 1usize..20) {
        let index = plan.index();
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
    let (plain, counting) = (plan.index(), plan.index());
    for round in 0..40 {
        let query = &plan.queries[round % 20 * plan.dim..][..plan.dim];
        let expected = plain.query(5).search_k(60).sketching(Sketching::Never).by_vector(query);
        assert_eq!(counting.query(5).search_k(60).by_vector(query), expected);
    }
}
