//! The middles of cells, and how far vectors are from them.

use bigannoy_format::{Forest, NodeId};
use bigannoy_metric::{ABREAST, Metric, Panels, RankKey, kernel};

/// Items whose vectors are asked for ahead.
const AHEAD: usize = 16;

/// How vectors are compared with middles.
///
/// A middle is the mean of a cell's items, under angular of their vectors divided by their lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nearness {
    /// By the squared distance.
    Distance,
    /// By that of a vector divided by its length.
    Direction,
    /// By the inner product.
    Product,
}

impl Nearness {
    /// How items are put into cells.
    pub(super) fn of_items(metric: Metric) -> Self {
        if metric == Metric::Angular { Nearness::Direction } else { Nearness::Distance }
    }

    /// How queries choose cells.
    pub(super) fn of_queries(metric: Metric) -> Self {
        if metric == Metric::Dot { Nearness::Product } else { Nearness::of_items(metric) }
    }

    /// What a vector's score depends on beside products.
    pub(super) fn length(self, vector: &[f32]) -> f32 {
        match self {
            Nearness::Direction => kernel::dot(vector, vector).sqrt(),
            _ => 1.0,
        }
    }

    /// Smaller is nearer: the squared distance, times `length`, without what all middles have in common.
    #[inline]
    pub(super) fn score(self, length: f32, squares: f32, product: f32) -> f32 {
        match self {
            Nearness::Product => -product,
            Nearness::Distance => squares - 2.0 * product,
            Nearness::Direction => squares * length - 2.0 * product,
        }
    }
}

/// The middles of all cells. All sums are strict, so that the order of cells is the same everywhere.
///
/// Memory: four bytes an element, and four more, for each cell.
#[derive(Clone, Debug)]
pub(super) struct Centres {
    dim: usize,
    panels: Panels,
    squares: Vec<f32>,
}

impl Centres {
    pub(super) fn new(dim: usize, centres: &[Vec<f32>]) -> Self {
        let mut panels = Panels::new(dim, centres.len());
        centres.iter().enumerate().for_each(|(at, centre)| panels.set(at, centre));
        let squares = centres.iter().map(|centre| kernel::dot(centre, centre)).collect();
        Centres { dim, panels, squares }
    }

    /// Some of them, in this order.
    pub(super) fn pick(&self, cells: &[u32]) -> Self {
        let mut vector = vec![0.0; self.dim];
        let mut panels = Panels::new(self.dim, cells.len());
        for (at, &cell) in cells.iter().enumerate() {
            self.panels.get(cell as usize, &mut vector);
            panels.set(at, &vector);
        }
        let squares = cells.iter().map(|&cell| self.squares[cell as usize]).collect();
        Centres { dim: self.dim, panels, squares }
    }

    pub(super) fn len(&self) -> usize {
        self.squares.len()
    }

    /// Number `at`.
    pub(super) fn vector(&self, at: usize) -> Vec<f32> {
        let mut vector = vec![0.0; self.dim];
        self.panels.get(at, &mut vector);
        vector
    }

    /// The mean of all, summed in order.
    pub(super) fn mean(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.dim];
        let mut vector = vec![0.0; self.dim];
        for at in 0..self.len() {
            self.panels.get(at, &mut vector);
            sums.iter_mut().zip(&vector).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of cells")]
        let inverse = 1.0 / self.len().max(1) as f64;
        sums.into_iter().map(|sum| sum * inverse).collect()
    }

    /// Writes the scores of up to four vectors to `scores`, and calls `each` with the number of a vector and
    /// those of it.
    pub(super) fn scores(
        &self,
        nearness: Nearness,
        vectors: &[&[f32]],
        scores: &mut Vec<f32>,
        mut each: impl FnMut(usize, &[f32]),
    ) {
        let padded = self.panels.padded_len();
        scores.resize(ABREAST * padded, 0.0);
        self.panels.products(vectors, scores);
        for (at, (vector, scores)) in vectors.iter().zip(scores.chunks_mut(padded)).enumerate() {
            let length = nearness.length(vector);
            let scores = &mut scores[..self.len()];
            for (score, &squares) in scores.iter_mut().zip(&self.squares) {
                *score = nearness.score(length, squares, *score);
            }
            each(at, scores);
        }
    }

    /// For each of `items` the number of the nearest, the first of several.
    pub(super) fn nearest(
        &self,
        nearness: Nearness,
        forest: Forest<'_>,
        items: &[u32],
    ) -> Vec<u32> {
        let padded = self.panels.padded_len();
        let mut products = vec![0.0; ABREAST * padded];
        let mut found = Vec::with_capacity(items.len());
        for (at, four) in items.chunks(ABREAST).enumerate() {
            for &item in items.iter().skip(at * ABREAST + AHEAD).take(ABREAST) {
                forest.fetch_ahead(NodeId(item));
            }
            let mut vectors: [&[f32]; ABREAST] = [&[]; ABREAST];
            for (vector, &item) in vectors.iter_mut().zip(four) {
                *vector = forest.vector(item);
            }
            let vectors = &vectors[..four.len()];
            self.panels.products(vectors, &mut products);
            for (vector, products) in vectors.iter().zip(products.chunks_exact(padded)) {
                found.push(self.least(nearness, nearness.length(vector), products));
            }
        }
        found
    }

    /// The first of the least scores, by products with all.
    fn least(&self, nearness: Nearness, length: f32, products: &[f32]) -> u32 {
        // The least of every eighth, side by side, and then where it is.
        let score = |(&squares, &product): (&f32, &f32)| nearness.score(length, squares, product);
        let mut lanes = [f32::INFINITY; 8];
        let (squares, rest) = self.squares.as_chunks::<8>();
        let (eights, last) = products[..self.len()].as_chunks::<8>();
        for (squares, products) in squares.iter().zip(eights) {
            for lane in 0..8 {
                let score = score((&squares[lane], &products[lane]));
                lanes[lane] = if score < lanes[lane] { score } else { lanes[lane] };
            }
        }
        let least = lanes.into_iter().chain(rest.iter().zip(last).map(score));
        let least = least.fold(f32::INFINITY, f32::min);
        let mut scores = self.squares.iter().zip(products).map(score);
        // What is not a number is no nearer than anything.
        let at = scores.position(|score| score == least).unwrap_or_default();
        u32::try_from(at).expect("a number of a cell")
    }
}

/// The mean of `items`, summed in this order.
pub(super) fn mean(nearness: Nearness, forest: Forest<'_>, items: &[u32]) -> Vec<f32> {
    let mut sums = vec![0.0f64; forest.shape().layout().dim()];
    let mut count = 0.0;
    for (at, &item) in items.iter().enumerate() {
        if let Some(&later) = items.get(at + AHEAD) {
            forest.fetch_ahead(NodeId(later));
        }
        let vector = forest.vector(item);
        let mut factor = 1.0;
        if nearness == Nearness::Direction {
            let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            if squares == 0.0 {
                continue;
            }
            factor = 1.0 / squares.sqrt();
        }
        sums.iter_mut().zip(vector).for_each(|(sum, &x)| *sum += f64::from(x) * factor);
        count += 1.0;
    }
    let inverse = 1.0 / f64::max(count, 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "between values that are floats")]
    let mean = sums.iter().map(|sum| (sum * inverse) as f32).collect();
    mean
}

/// Numbers of cells from near to far, ties by number, and what is not a number last.
pub(super) fn key(score: f32, cell: u32) -> RankKey {
    RankKey::new(score, cell)
}
