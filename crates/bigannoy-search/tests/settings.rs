//! What the settings of a search mean, on forests that are grown at random.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::sync::atomic::AtomicBool;

use bigannoy_format::Layout;
use bigannoy_metric::{ItemSet, Metric, Neighbor, NeighborBlock, Prepared};
use bigannoy_search::{Budget, Index, Query, SearchError};
use proptest::prelude::*;

const DIM: usize = 2;

/// Items, and how trees over them are to grow.
#[derive(Clone, Debug)]
struct Plan {
    metric: Metric,
    values: Vec<f32>,
    trees: u64,
}

impl Plan {
    fn n_items(&self) -> u32 {
        u32::try_from(self.values.len() / DIM).unwrap()
    }

    fn vector(&self, item: u32) -> &[f32] {
        &self.values[item as usize * DIM..][..DIM]
    }

    /// An index over all items. The leaves hold only those that are wanted, and the trees are the
    /// same whichever these are.
    fn index(&self, wanted: &ItemSet) -> Index<Vec<u8>> {
        let layout = Layout::new(self.metric, DIM).unwrap();
        let mut words = Vec::new();
        self.values.chunks_exact(DIM).for_each(|vector| layout.push_item(&mut words, vector));
        let mut roots = Vec::new();
        for tree in 0..self.trees {
            let items: Vec<u32> = (0..self.n_items()).collect();
            let mut grower = Grower { plan: self, wanted, layout, words, random: tree };
            grower.grow(&items);
            words = grower.words;
            roots.extend_from_slice(&words[words.len() - layout.record_words()..]);
        }
        words.extend(roots);
        Index::open(bytemuck::cast_slice(&words).to_vec(), layout).unwrap()
    }

    fn whole(&self) -> Index<Vec<u8>> {
        self.index(&ItemSet::all(self.n_items()))
    }

    /// The nearest of the items for which `wanted`, found by looking at all.
    fn exact(&self, query: &[f32], k: usize, wanted: impl Fn(u32) -> bool) -> Vec<Neighbor> {
        let prepared = Prepared::new(self.metric, query);
        let mut all: Vec<(f32, u32)> = (0..self.n_items())
            .filter(|&item| wanted(item))
            .map(|item| (prepared.comparable(self.vector(item), None), item))
            .collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let neighbor =
            |(distance, item)| Neighbor { item, distance: self.metric.reported(distance) };
        all.into_iter().take(k).map(neighbor).collect()
    }
}

struct Grower<'a> {
    plan: &'a Plan,
    wanted: &'a ItemSet,
    layout: Layout,
    words: Vec<u32>,
    random: u64,
}

impl Grower<'_> {
    /// A number below `end`.
    fn draw(&mut self, end: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.random >> 33).unwrap() % end
    }

    /// Appends the tree over `items`, its root last, and tells the root's number.
    fn grow(&mut self, items: &[u32]) -> u32 {
        if items.len() <= self.layout.leaf_capacity() {
            let held: Vec<u32> =
                items.iter().copied().filter(|&item| self.wanted.contains(item)).collect();
            let count = u32::try_from(held.len()).unwrap();
            self.layout.push_leaf(&mut self.words, count, &held);
        } else {
            // The plane goes between two items, through the middle of all as their order has it.
            let [a, b] = [(); 2].map(|()| items[self.draw(items.len())]);
            let (a, b) = (self.plan.vector(a), self.plan.vector(b));
            let normal = [a[0] - b[0] + 0.25, a[1] - b[1] - 0.5];
            let height = |item: u32| {
                let vector = self.plan.vector(item);
                normal[0] * vector[0] + normal[1] * vector[1]
            };
            let mut sorted = items.to_vec();
            sorted.sort_by(|&a, &b| height(a).total_cmp(&height(b)).then(a.cmp(&b)));
            let (below, above) = sorted.split_at(items.len() / 2);
            let offset = if self.plan.metric == Metric::Angular { 0.0 } else { -height(above[0]) };
            let children = [self.grow(below), self.grow(above)];
            let count = u32::try_from(items.len()).unwrap();
            self.layout.push_split(&mut self.words, count, &normal, offset);
            let record = self.words.len() - self.layout.record_words();
            self.layout.set_children(&mut self.words[record..], children);
        }
        u32::try_from(self.words.len() / self.layout.record_words()).unwrap() - 1
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    const METRICS: &[Metric] = &[Metric::Euclidean, Metric::Angular, Metric::Manhattan];
    (
        proptest::sample::select(METRICS),
        proptest::collection::vec(-9i8..9, DIM * 5..DIM * 50),
        1u64..5,
    )
        .prop_map(|(metric, values, trees)| {
            let whole = values.len() / DIM * DIM;
            Plan { metric, values: values[..whole].iter().map(|&v| v.into()).collect(), trees }
        })
}

/// A plan with a query, a filter that admits something, and how many neighbors are wanted of it.
fn filtered() -> impl Strategy<Value = (Plan, [f32; DIM], ItemSet, usize)> {
    (plans(), [-9f32..9.0, -9f32..9.0], any::<u64>(), any::<usize>(), 1u32..9).prop_map(
        |(plan, query, picks, k, share)| {
            let chosen = |item: u32| (picks >> (item % 64)).is_multiple_of(u64::from(share));
            let mut wanted = ItemSet::from_fn(plan.n_items(), chosen);
            if wanted.is_empty() {
                wanted = ItemSet::from_items(plan.n_items(), [2]).unwrap();
            }
            let k = k % wanted.len() as usize + 1;
            (plan, query, wanted, k)
        },
    )
}

fn budgets() -> impl Strategy<Value = Budget> {
    prop_oneof![
        Just(Budget::PerTree),
        Just(Budget::Exhaustive),
        Just(Budget::Items(usize::MAX)),
        (1usize..80).prop_map(Budget::Items),
    ]
}

/// Every item of an index.
fn own(query: &Query<'_>, plan: &Plan) -> NeighborBlock {
    query.by_items(0..plan.n_items()).unwrap()
}

proptest! {
    /// A filter answers as the same trees would with no other items in their leaves.
    #[test]
    fn what_is_not_admitted_counts_for_nothing(
        (plan, query, wanted, k) in filtered(), budget in budgets(), widen in any::<bool>(),
    ) {
        let (whole, rest) = (plan.whole(), plan.index(&wanted));
        let found = whole.query(k).budget(budget).widen(widen).admit(&wanted).by_vector(&query);
        let expected = match budget {
            Budget::Exhaustive => plan.exact(&query, k, |item| wanted.contains(item)),
            budget => rest.query(k).budget(budget).widen(widen).by_vector(&query).unwrap(),
        };
        prop_assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn a_filter_that_admits_all_changes_nothing(
        (plan, query, _, _) in filtered(), budget in budgets(), k in 1usize..5,
    ) {
        let index = plan.whole();
        let all = ItemSet::all(plan.n_items());
        let plain = index.query(k).budget(budget);
        let admitting = plain.admit(&all);
        prop_assert_eq!(admitting.by_vector(&query).unwrap(), plain.by_vector(&query).unwrap());
        prop_assert_eq!(own(&admitting, &plan), own(&plain, &plan));
    }

    /// The default budget suffices, however narrow the filter.
    #[test]
    fn the_default_budget_finds_k((plan, query, wanted, k) in filtered()) {
        let index = plan.whole();
        let found = index.query(k).admit(&wanted).by_vector(&query).unwrap();
        prop_assert_eq!(found.len(), k);
        prop_assert!(found.iter().all(|near| wanted.contains(near.item)));
        if k < wanted.len() as usize {
            prop_assert_eq!(own(&index.query(k).admit(&wanted), &plan).short_rows(), 0);
        }
    }

    /// Whether by a large budget or by name: what is found when everything is looked at is what an
    /// exact search finds.
    #[test]
    fn an_exhaustive_search_is_exact((plan, query, wanted, k) in filtered()) {
        let index = plan.whole();
        let exact = plan.exact(&query, k, |item| wanted.contains(item));
        let search = index.query(k).admit(&wanted);
        prop_assert_eq!(search.exhaustive().by_vector(&query).unwrap(), &exact[..]);
        prop_assert_eq!(search.search_k(usize::MAX).by_vector(&query).unwrap(), exact);
        if k < wanted.len() as usize {
            let found = own(&search.exhaustive(), &plan);
            for (item, found) in (0..).zip(found.rows()) {
                let others = |other| other != item && wanted.contains(other);
                prop_assert_eq!(found, plan.exact(plan.vector(item), k, others));
            }
        }
    }

    /// A widened answer is that of the first budget, among doubled ones, that finds `k`.
    #[test]
    fn widening_doubles_the_budget_until_all_are_found(
        (plan, query, wanted, k) in filtered(), first in 1usize..20,
    ) {
        let index = plan.whole();
        let search = index.query(k).admit(&wanted);
        let expected = (0..20)
            .map(|times| search.search_k(first << times).by_vector(&query).unwrap())
            .find(|found| found.len() == k);
        let widened = search.search_k(first).widen(true).by_vector(&query).unwrap();
        prop_assert_eq!(Some(widened), expected);
    }

    /// Keeping more changes neither the budget nor what comes first.
    #[test]
    fn the_first_of_many_kept_are_those_of_few(
        (plan, query, wanted, k) in filtered(), budget in budgets(), more in 0usize..60,
    ) {
        let index = plan.whole();
        let search = index.query(k).budget(budget).admit(&wanted);
        let (few, many) = (search.by_vector(&query), search.keep(more).by_vector(&query));
        let (few, many) = (few.unwrap(), many.unwrap());
        prop_assert_eq!(&many[..few.len()], &few[..]);
        prop_assert!(many.len() <= k.max(more));
        if budget == Budget::Exhaustive {
            prop_assert_eq!(many.len(), k.max(more).min(wanted.len() as usize));
        }
        let rows = search.keep(more).by_rows(&query).unwrap();
        prop_assert_eq!(rows.row(0), &many[..]);
    }

    /// An item among its own neighbors is searched for as its vector is.
    #[test]
    fn a_row_that_may_be_its_own_neighbor_is_a_query_like_any_other(
        (plan, _, wanted, k) in filtered(), budget in budgets(),
    ) {
        let index = plan.whole();
        let search = index.query(k).budget(budget).admit(&wanted).include_self(true);
        let by_items = own(&search, &plan);
        prop_assert_eq!(&by_items, &search.by_rows(&plan.values).unwrap());
        prop_assert_eq!(search.by_item(1).unwrap(), by_items.row(1));
    }

    /// Rows that are skipped are short, and change nothing for the others.
    #[test]
    fn skipped_rows_are_empty(
        plan in plans(), faults in proptest::collection::vec((any::<usize>(), 0usize..DIM), 0..9),
    ) {
        let index = plan.whole();
        let search = index.query(1).skip_non_finite(true);
        let whole = search.by_rows(&plan.values).unwrap();
        let mut rows = plan.values.clone();
        for (number, &(row, column)) in faults.iter().enumerate() {
            let fault = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][number % 3];
            rows[row % plan.n_items() as usize * DIM + column] = fault;
        }
        let found = search.by_rows(&rows).unwrap();
        for (row, vector) in rows.chunks_exact(DIM).enumerate() {
            let skipped = vector.iter().any(|value| !value.is_finite());
            prop_assert_eq!(found.row(row), if skipped { &[] } else { whole.row(row) });
        }
    }
}

fn small() -> Plan {
    let values = (0..20u8).map(f32::from).collect();
    Plan { metric: Metric::Euclidean, values, trees: 2 }
}

#[test]
fn filters_that_do_not_fit_are_refused() {
    let plan = small();
    let index = plan.whole();
    let three = ItemSet::from_items(10, [1, 5, 7]).unwrap();
    let message = |query: Query<'_>, own: bool| query.check(own).unwrap_err().to_string();
    assert_eq!(
        message(index.query(4).admit(&three), false),
        "k is 4, expected at most 3: the index has 10 items, 3 of them admitted"
    );
    assert_eq!(
        message(index.query(3).admit(&three), true),
        "k is 3, expected at most 2: the index has 10 items, 3 of them admitted and a row is not \
         its own neighbor, unless that is asked for (include_self, --include-self)"
    );
    index.query(3).admit(&three).include_self(true).check(true).unwrap();
    index.query(3).admit(&three).check(false).unwrap();
    let none = ItemSet::none(10);
    assert!(message(index.query(1).admit(&none), true).starts_with("k is 1, expected at most 0"));
    assert_eq!(
        message(index.query(1).admit(&ItemSet::all(11)), false),
        "the filter is over 11 items, expected 10 as in the index"
    );
}

#[test]
fn an_interrupted_block_is_no_answer() {
    let plan = small();
    let index = plan.whole();
    let stop = AtomicBool::new(false);
    let search = index.query(2).interrupt(&stop);
    let found = search.by_rows(&plan.values).unwrap();
    assert_eq!(found.short_rows(), 0);
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(search.by_rows(&plan.values), Err(SearchError::Interrupted));
    assert_eq!(search.by_items(0..10), Err(SearchError::Interrupted));
}
