//! Cells hold every item once, and answers are those of the plain rule.

use bigannoy_format::Layout;
use bigannoy_metric::{ItemSet, Metric, Neighbor, NeighborBlock, Prepared, RankKey, kernel};
use bigannoy_sketch::scan::ScanKernel;
use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::partition::Partition;
use super::spread::Spread;
use crate::interrupt::Interrupt;
use crate::{Index, Query, SearchError, Sketching, Strategy};

#[path = "../../tests/plans/mod.rs"]
mod plans;

use plans::{Plan, Values, plans};

const METRICS: [Metric; 3] = [Metric::Euclidean, Metric::Angular, Metric::Dot];

fn index(plan: &Plan) -> Index<Vec<u8>> {
    let (bytes, layout) = plan.index();
    Index::open(bytes, layout).unwrap()
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn partition(index: &Index<Vec<u8>>, threads: usize) -> Partition {
    Partition::new(index.forest(), Spread { threads, interrupt: Interrupt(None) }).unwrap()
}

/// The rule, word for word: the nearest cells until there are items enough, and all of these sorted.
#[derive(Clone, Copy)]
struct Rule<'a> {
    index: &'a Index<Vec<u8>>,
    partition: &'a Partition,
    admit: Option<&'a ItemSet>,
    k: usize,
    widen: bool,
}

impl Rule<'_> {
    fn answer(&self, query: &[f32], exclude: Option<u32>, mut search_k: usize) -> Vec<Neighbor> {
        loop {
            let near = self.with_budget(query, exclude, search_k);
            if !self.widen
                || near.len() >= self.k
                || search_k >= self.index.shape().n_items() as usize
            {
                return near;
            }
            search_k *= 2;
        }
    }

    /// How far the items of a cell are from its middle: the root of the mean of squares.
    fn spread(&self, cell: usize, centre: &[f32]) -> f32 {
        let (mut sum, mut count) = (0.0f64, 0.0);
        for &item in self.partition.items(cell) {
            for (&x, &c) in self.index.forest().vector(item).iter().zip(centre) {
                sum += (f64::from(x) - f64::from(c)).powi(2);
            }
            count += 1.0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "as it is defined")]
        let spread = (sum / count).sqrt() as f32;
        spread
    }

    fn with_budget(&self, query: &[f32], exclude: Option<u32>, search_k: usize) -> Vec<Neighbor> {
        let metric = self.index.shape().layout().metric();
        let mut cells: Vec<RankKey> = (0..self.partition.len())
            .map(|cell| {
                let centre = self.partition.centres().vector(cell);
                let product = kernel::dot(query, &centre);
                let squares = kernel::dot(&centre, &centre);
                let score = match metric {
                    // What an item that lies half the cell's spread in the query's direction has.
                    Metric::Dot => {
                        let half = 0.5 * self.spread(cell, &centre);
                        -(product + kernel::dot(query, query).sqrt() * half)
                    }
                    Metric::Angular => squares * kernel::dot(query, query).sqrt() - 2.0 * product,
                    _ => squares - 2.0 * product,
                };
                RankKey::new(score, u32::try_from(cell).unwrap())
            })
            .collect();
        cells.sort_unstable();
        let prepared = Prepared::new(metric, query);
        let mut near = Vec::new();
        let mut held = 0;
        for cell in cells {
            if held >= search_k {
                break;
            }
            for &item in self.partition.items(cell.item() as usize) {
                if self.admit.is_none_or(|admit| admit.contains(item)) {
                    held += 1;
                    if Some(item) != exclude {
                        near.push(RankKey::new(
                            self.index.forest().comparable(&prepared, item),
                            item,
                        ));
                    }
                }
            }
        }
        near.sort_unstable();
        near.into_iter().take(self.k).map(|key| key.neighbor(metric)).collect()
    }
}

/// Items and the bits of their distances: `==` would take no NaN for itself.
fn bits<'a>(neighbors: impl IntoIterator<Item = &'a Neighbor>) -> Vec<(u32, u32)> {
    neighbors.into_iter().map(|near| (near.item, near.distance.to_bits())).collect()
}

fn rows(block: &NeighborBlock) -> Vec<Vec<(u32, u32)>> {
    block.rows().map(bits).collect()
}

/// Every setting that must not be seen in an answer.
fn settings(query: Query<'_>) -> Vec<Query<'_>> {
    let scans = ScanKernel::all().into_iter().map(|scan| {
        let mut query = query;
        query.scan = scan;
        query
    });
    scans.chain([query.sketching(Sketching::Never)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_item_is_in_one_cell_on_any_number_of_threads(plan in plans(&METRICS)) {
        let index = index(&plan);
        let cells = |threads: usize| -> Vec<Vec<u32>> {
            let partition = partition(&index, threads);
            (0..partition.len()).map(|cell| partition.items(cell).to_vec()).collect()
        };
        let one = cells(1);
        prop_assert_eq!(&cells(3), &one);
        let mut items = one.concat();
        items.sort_unstable();
        prop_assert_eq!(items, (0..index.shape().n_items()).collect::<Vec<_>>());
        prop_assert!(one.iter().all(|cell| !cell.is_empty()));
    }

    #[test]
    fn answers_are_those_of_the_rule(
        plan in plans(&METRICS), k in 1usize..20, search_k in 1usize..500, cut in 0usize..20,
        picks in proptest::option::of(any::<u64>()), widen: bool,
    ) {
        let index = index(&plan);
        let n_items = index.shape().n_items();
        let admit = picks.map(|picks| ItemSet::from_fn(n_items, |item| picks >> (item % 64) & 1 == 1));
        let admitted = admit.as_ref().map_or(n_items, ItemSet::len) as usize;
        prop_assume!(admitted > 1);
        let k = k.min(admitted - 1);
        let partition = partition(&index, 1);
        let rule =
            Rule { index: &index, partition: &partition, admit: admit.as_ref(), k, widen };
        let queries = plan.queries.chunks_exact(plan.dim);
        let expected: Vec<_> =
            queries.map(|query| bits(&rule.answer(query, None, search_k))).collect();
        let item = |item: u32| index.forest().vector(item);
        let own: Vec<_> = (0..n_items.min(9))
            .map(|at| bits(&rule.answer(item(at), Some(at), search_k)))
            .collect();
        let mut search = index.query(k).strategy(Strategy::Cells).search_k(search_k).widen(widen);
        if let Some(admit) = &admit {
            search = search.admit(admit);
        }
        for search in settings(search) {
            let (first, rest) = plan.queries.split_at(cut * plan.dim);
            for threads in [1, 3] {
                let mut found = pool(threads).install(|| search.by_rows(first).unwrap());
                found.append(&pool(threads).install(|| search.by_rows(rest).unwrap()));
                prop_assert_eq!(&rows(&found), &expected);
                let found = pool(threads).install(|| search.by_items(0..n_items.min(9)).unwrap());
                prop_assert_eq!(&rows(&found), &own);
            }
            let query = &plan.queries[..plan.dim];
            prop_assert_eq!(&bits(&search.by_vector(query).unwrap()), &expected[0]);
            prop_assert_eq!(&bits(&search.by_item(0).unwrap()), &own[0]);
        }
    }

    #[test]
    fn with_all_items_as_the_budget_the_answer_is_the_exact_one(
        plan in plans(&METRICS), k in 1usize..20,
    ) {
        let index = index(&plan);
        let k = k.min(index.shape().n_items() as usize);
        let exact = rows(&index.query(k).exhaustive().by_rows(&plan.queries).unwrap());
        let cells = index.query(k).strategy(Strategy::Cells);
        let all = cells.search_k(index.shape().n_items() as usize);
        for search in [all, cells.exhaustive()] {
            prop_assert_eq!(&rows(&search.by_rows(&plan.queries).unwrap()), &exact);
        }
    }
}

/// So many that the second round of cells has limits to go by, and strips are passed over.
#[test]
fn answers_over_many_items_are_those_of_the_rule() {
    for (metric, dim) in METRICS.into_iter().flat_map(|metric| [(metric, 12), (metric, 70)]) {
        for values in [Values::Plain, Values::Coarse, Values::Uneven] {
            let plan = Plan::new(metric, dim, 6000, values, 5);
            let index = index(&plan);
            let partition = partition(&index, 2);
            assert!(partition.len() > 50, "{} cells", partition.len());
            let rule =
                Rule { index: &index, partition: &partition, admit: None, k: 7, widen: false };
            let queries = plan.queries.chunks_exact(dim);
            let expected: Vec<_> =
                queries.map(|query| bits(&rule.answer(query, None, 2500))).collect();
            for search in settings(index.query(7).strategy(Strategy::Cells).search_k(2500)) {
                assert_eq!(rows(&search.by_rows(&plan.queries).unwrap()), expected);
            }
        }
    }
}

/// What has the largest product with a query is long, and not near it.
#[test]
fn few_cells_hold_most_neighbors_under_dot() {
    let dim = 24;
    let mut plan = Plan::new(Metric::Dot, dim, 6000, Values::Plain, 7);
    for (number, row) in (0u16..).zip(plan.values.chunks_exact_mut(dim)) {
        let factor = 1.0 + f32::from(number % 32) / 16.0;
        for x in row {
            *x *= factor;
        }
    }
    let index = index(&plan);
    let exact = index.query(10).exhaustive().by_rows(&plan.queries).unwrap();
    let cells = index.query(10).strategy(Strategy::Cells).search_k(600);
    let found = cells.by_rows(&plan.queries).unwrap();
    let hits = exact.rows().zip(found.rows()).map(|(exact, found)| {
        let worst = exact[9].distance;
        found.iter().filter(|near| near.distance >= worst).count().min(10)
    });
    let (hits, all) = (hits.sum::<usize>(), 10 * exact.nrows());
    assert!(hits * 10 >= all * 8, "{hits} of {all}");
}

#[test]
fn one_item_and_rows_that_are_skipped() {
    let layout = Layout::new(Metric::Euclidean, 3).unwrap();
    let mut words = Vec::new();
    layout.push_item(&mut words, &[0.5, 1.0, 0.0]);
    (0..2).for_each(|_| layout.push_leaf(&mut words, 1, &[0]));
    let index = Index::open(bytemuck::cast_slice(&words).to_vec(), layout).unwrap();
    let search = index.query(1).strategy(Strategy::Cells);
    let found = search.skip_non_finite(true).by_rows(&[0.0, 0.5, 1.0, f32::NAN, 0.0, 0.0]).unwrap();
    assert_eq!(found.rows().map(<[Neighbor]>::len).collect::<Vec<_>>(), [1, 0]);
    assert!(search.by_vector(&[f32::NAN, 0.0, 0.0]).is_err());
    assert_eq!(search.by_item(0).unwrap_err(), index.query(1).by_item(0).unwrap_err());
}

#[test]
fn the_default_budget_is_told() {
    let plan = Plan::new(Metric::Euclidean, 2, 5000, Values::Plain, 1);
    let index = index(&plan);
    let search = index.query(2).strategy(Strategy::Cells);
    assert_eq!(search.check(false), Ok(Some(312)));
    assert_eq!(search.check(true), Ok(Some(312)));
    let search = index.query(4).strategy(Strategy::Cells);
    assert_eq!((search.check(false), search.check(true)), (Ok(Some(400)), Ok(Some(500))));
}

#[test]
fn other_metrics_are_refused_before_anything_is_looked_at() {
    for metric in [Metric::Manhattan, Metric::Hamming] {
        let layout = Layout::new(metric, 64).unwrap();
        let mut words = vec![0u32; 2 * layout.record_words()];
        (words[0], words[layout.record_words()]) = (1, 1);
        (0..2).for_each(|_| layout.push_leaf(&mut words, 2, &[0, 1]));
        let index = Index::open(bytemuck::cast_slice(&words).to_vec(), layout).unwrap();
        let refused = index.query(1).strategy(Strategy::Cells).check(false).unwrap_err();
        assert_eq!(refused, SearchError::StrategyMetric { strategy: Strategy::Cells, metric });
        let message = refused.to_string();
        assert!(message.contains("euclidean, angular and dot"), "{message}");
    }
}

/// Trees in which records are not where they should be.
#[test]
fn damaged_trees_are_an_error_that_says_where() {
    let layout = Layout::new(Metric::Euclidean, 1).unwrap();
    let search = |children: [u32; 2], listed: &[u32]| {
        let mut words = Vec::new();
        (0u8..8).for_each(|value| layout.push_item(&mut words, &[value.into()]));
        layout.push_leaf(&mut words, 2, &[0, 1]);
        layout.push_leaf(&mut words, 2, listed);
        layout.push_split(&mut words, 4, &[1.0], 0.0);
        let at = words.len() - layout.record_words();
        layout.set_children(&mut words[at..], [8, 9]);
        layout.push_leaf(&mut words, 2, &[4, 5]);
        layout.push_leaf(&mut words, 2, &[6, 7]);
        layout.push_split(&mut words, 4, &[1.0], 0.0);
        let at = words.len() - layout.record_words();
        layout.set_children(&mut words[at..], [11, 12]);
        for _ in 0..2 {
            layout.push_split(&mut words, 8, &[1.0], 0.0);
            let at = words.len() - layout.record_words();
            layout.set_children(&mut words[at..], children);
        }
        let index = Index::open(bytemuck::cast_slice(&words).to_vec(), layout).unwrap();
        index.query(1).strategy(Strategy::Cells).by_vector(&[3.2])
    };
    assert_eq!(search([10, 13], &[2, 3]).unwrap()[0].item, 3);
    let missing = search([10, 13], &[2, 2]).unwrap_err().to_string();
    assert!(missing.contains("does not lead to item 4 (counted from 1)"), "{missing}");
    let missing = search([10, 10], &[2, 3]).unwrap_err().to_string();
    assert!(missing.contains("does not lead to item 5"), "{missing}");
    let beyond = search([10, 13], &[2, 99]).unwrap_err().to_string();
    assert!(beyond.contains("lists item 99 of 8"), "{beyond}");
}

#[test]
fn an_interrupted_search_keeps_nothing_half_made() {
    let plan = Plan::new(Metric::Angular, 5, 900, Values::Plain, 3);
    let index = index(&plan);
    let stop = std::sync::atomic::AtomicBool::new(true);
    let search = index.query(3).strategy(Strategy::Cells).search_k(200);
    assert_eq!(
        search.interrupt(&stop).by_rows(&plan.queries).unwrap_err(),
        SearchError::Interrupted
    );
    let twin = self::index(&plan);
    let expected = twin.query(3).strategy(Strategy::Cells).search_k(200).by_rows(&plan.queries);
    assert_eq!(search.by_rows(&plan.queries), expected);
}

/// Making cells must not wait for what waits for it.
#[test]
fn searches_within_searches_of_a_pool_end() {
    use rayon::prelude::*;

    let plan = Plan::new(Metric::Euclidean, 8, 3000, Values::Plain, 3);
    let index = index(&plan);
    let found: Vec<_> = pool(4).install(|| {
        plan.queries
            .par_chunks_exact(plan.dim)
            .map(|query| index.query(2).strategy(Strategy::Cells).by_vector(query).unwrap())
            .collect()
    });
    let again = index.query(2).strategy(Strategy::Cells).by_rows(&plan.queries).unwrap();
    assert_eq!(found.iter().map(bits).collect::<Vec<_>>(), rows(&again));
}
