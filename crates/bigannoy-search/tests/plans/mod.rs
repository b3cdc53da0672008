//! Indexes over values that tie, cancel, overflow and vanish.

use bigannoy_format::Layout;
use bigannoy_metric::Metric;
use proptest::prelude::*;

/// An index over clusters of items, some of them exact copies, and queries beside and on them.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) metric: Metric,
    pub(crate) dim: usize,
    pub(crate) values: Vec<f32>,
    pub(crate) queries: Vec<f32>,
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
pub(crate) enum Values {
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
    pub(crate) fn new(metric: Metric, dim: usize, items: usize, values: Values, seed: u64) -> Self {
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

    /// The index's bytes.
    pub(crate) fn index(&self) -> (Vec<u8>, Layout) {
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
        (bytemuck::cast_slice(&words).to_vec(), layout)
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

/// Plans for each of these metrics.
pub(crate) fn plans(metrics: &'static [Metric]) -> impl Strategy<Value = Plan> {
    let values = prop_oneof![
        3 => Just(Values::Plain),
        3 => Just(Values::Coarse),
        2 => Just(Values::Uneven),
        2 => Just(Values::Cancelling),
        2 => Just(Values::Extreme),
    ];
    let metrics = proptest::sample::select(metrics);
    let dims = prop_oneof![1usize..8, 1usize..140];
    (metrics, dims, 3usize..400, values, any::<u64>())
        .prop_map(|(metric, dim, items, values, seed)| Plan::new(metric, dim, items, values, seed))
}
