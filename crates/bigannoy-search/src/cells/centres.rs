//! The middles of cells, and how far vectors are from them.

use bigannoy_format::{Forest, NodeId};
use bigannoy_metric::{ABREAST, Metric, Panels, kernel};

/// Items whose vectors are asked for ahead.
const AHEAD: usize = 16;

/// One in so many items is longer than the length of which others are short.
const LONGEST: usize = 50;
/// Items whose lengths are looked at, about.
const MEASURED: usize = 1 << 14;
/// How much of its spread counts for a cell, for a query of length 1.
const COUNTS: f32 = 0.5;

/// How vectors are compared with middles.
///
/// A middle is the mean of a cell's items, under angular of their vectors divided by their lengths. Under dot it has
/// one coordinate more, the mean of what the items' lengths are short of one that nearly none exceeds, as the third side of
/// a right triangle: with it, all but the longest lie on a sphere, where what has a large product with a query is near it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Nearness {
    /// By the squared distance.
    Distance,
    /// By that of a vector divided by its length.
    Direction,
    /// By that with one coordinate more; the square of the length is told.
    Lifted(f32),
    /// By the inner product, and how much more an item of the cell is likely to have.
    Product,
}

impl Nearness {
    /// How items are put into cells.
    pub(super) fn of_items(forest: Forest<'_>) -> Self {
        match forest.shape().layout().metric() {
            Metric::Angular => Nearness::Direction,
            Metric::Dot => Nearness::Lifted(most_squares(forest)),
            _ => Nearness::Distance,
        }
    }

    /// How means of items are compared with middles.
    pub(super) fn of_means(self) -> Self {
        if self == Nearness::Direction { Nearness::Distance } else { self }
    }

    /// How queries choose cells.
    pub(super) fn of_queries(metric: Metric) -> Self {
        match metric {
            Metric::Angular => Nearness::Direction,
            Metric::Dot => Nearness::Product,
            _ => Nearness::Distance,
        }
    }

    /// What a vector's score depends on beside products: its length, or the coordinate more.
    pub(super) fn length(self, vector: &[f32]) -> f32 {
        let squares = || kernel::dot(vector, vector);
        match self {
            Nearness::Distance => 1.0,
            Nearness::Direction | Nearness::Product => squares().sqrt(),
            Nearness::Lifted(most) => (most - squares()).max(0.0).sqrt(),
        }
    }

    /// Smaller is nearer: the squared distance, times `length` under angular, without what all middles have in common;
    /// or the product, which is better the larger it is.
    #[inline]
    pub(super) fn score(self, length: f32, squares: f32, beside: f32, product: f32) -> f32 {
        match self {
            Nearness::Distance => squares - 2.0 * product,
            Nearness::Direction => squares * length - 2.0 * product,
            Nearness::Lifted(_) => squares - 2.0 * (product + length * beside),
            Nearness::Product => -(product + length * beside),
        }
    }
}

/// The squared length that one in [`LONGEST`] items exceeds, by a sample; 0 where it is not finite.
fn most_squares(forest: Forest<'_>) -> f32 {
    let n_items = forest.shape().n_items();
    let step = (n_items as usize / MEASURED).max(1);
    let items = (0..n_items).step_by(step).filter(|&item| forest.is_present(item));
    let mut squares: Vec<f32> = items
        .map(|item| {
            let vector = forest.vector(item);
            kernel::dot(vector, vector)
        })
        .collect();
    let at = squares.len().saturating_sub(1 + squares.len() / LONGEST);
    if squares.is_empty() {
        return 0.0;
    }
    let (_, &mut most, _) = squares.select_nth_unstable_by(at, f32::total_cmp);
    if most.is_finite() { most } else { 0.0 }
}

/// The middles of all cells. All sums are strict, so that the order of cells is the same everywhere.
///
/// Memory: four bytes an element, and eight more, for each cell.
#[derive(Clone, Debug)]
pub(super) struct Centres {
    dim: usize,
    panels: Panels,
    squares: Vec<f32>,
    /// The coordinate more, or for queries what a cell's spread counts; 0 where there is neither.
    beside: Vec<f32>,
}

impl Centres {
    /// Middles of `dim` coordinates, or of one more.
    pub(super) fn new(dim: usize, centres: &[Vec<f32>]) -> Self {
        let mut panels = Panels::new(dim, centres.len());
        centres.iter().enumerate().for_each(|(at, centre)| panels.set(at, &centre[..dim]));
        let squares = centres.iter().map(|centre| kernel::dot(centre, centre)).collect();
        let beside = centres.iter().map(|centre| centre.get(dim).copied().unwrap_or(0.0)).collect();
        Centres { dim, panels, squares, beside }
    }

    /// Those of cells with these spreads, for queries: an item of a cell is likely to have half its spread more, for each unit
    /// of a query's length, than the middle.
    pub(super) fn with_spreads(mut self, spreads: &[f32]) -> Self {
        assert_eq!(spreads.len(), self.len(), "one for each cell");
        self.beside = spreads.iter().map(|spread| COUNTS * spread).collect();
        self
    }

    /// Some of them, in this order.
    pub(super) fn pick(&self, cells: &[u32]) -> Self {
        let mut vector = vec![0.0; self.dim];
        let mut panels = Panels::new(self.dim, cells.len());
        for (at, &cell) in cells.iter().enumerate() {
            self.panels.get(cell as usize, &mut vector);
            panels.set(at, &vector);
        }
        let picked = |of: &[f32]| cells.iter().map(|&cell| of[cell as usize]).collect();
        let (squares, beside) = (picked(&self.squares), picked(&self.beside));
        Centres { dim: self.dim, panels, squares, beside }
    }

    pub(super) fn len(&self) -> usize {
        self.squares.len()
    }

    /// Number `at`, with the coordinate more if `nearness` has one.
    pub(super) fn middle(&self, nearness: Nearness, at: usize) -> Vec<f32> {
        let mut middle = self.vector(at);
        middle.extend(matches!(nearness, Nearness::Lifted(_)).then(|| self.beside[at]));
        middle
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
    /// those of it. A mean of items has the coordinate more, if there is one, behind the others.
    pub(super) fn scores(
        &self,
        nearness: Nearness,
        vectors: &[&[f32]],
        scores: &mut Vec<f32>,
        mut each: impl FnMut(usize, &[f32]),
    ) {
        let padded = self.panels.padded_len();
        scores.resize(ABREAST * padded, 0.0);
        let mut cut: [&[f32]; ABREAST] = [&[]; ABREAST];
        cut.iter_mut().zip(vectors).for_each(|(cut, vector)| *cut = &vector[..self.dim]);
        self.panels.products(&cut[..vectors.len()], scores);
        for (at, (vector, scores)) in vectors.iter().zip(scores.chunks_mut(padded)).enumerate() {
            let more = vector.get(self.dim).copied();
            let length = more.unwrap_or_else(|| nearness.length(vector));
            let scores = &mut scores[..self.len()];
            let middles = self.squares.iter().zip(&self.beside);
            for (score, (&squares, &beside)) in scores.iter_mut().zip(middles) {
                *score = nearness.score(length, squares, beside, *score);
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
        let score = |((&squares, &beside), &product): ((&f32, &f32), &f32)| {
            nearness.score(length, squares, beside, product)
        };
        let mut lanes = [f32::INFINITY; 8];
        let (squares, rest) = self.squares.as_chunks::<8>();
        let (besides, beside_rest) = self.beside.as_chunks::<8>();
        let (eights, last) = products[..self.len()].as_chunks::<8>();
        for ((squares, besides), products) in squares.iter().zip(besides).zip(eights) {
            for lane in 0..8 {
                let score = score(((&squares[lane], &besides[lane]), &products[lane]));
                lanes[lane] = if score < lanes[lane] { score } else { lanes[lane] };
            }
        }
        let rest = rest.iter().zip(beside_rest).zip(last);
        let least = lanes.into_iter().chain(rest.map(score));
        let least = least.fold(f32::INFINITY, f32::min);
        let mut scores = self.squares.iter().zip(&self.beside).zip(products).map(score);
        // What is not a number is no nearer than anything.
        let at = scores.position(|score| score == least).unwrap_or_default();
        u32::try_from(at).expect("a number of a cell")
    }
}

/// The mean of `items`, summed in this order; with the coordinate more, if there is one.
pub(super) fn mean(nearness: Nearness, forest: Forest<'_>, items: &[u32]) -> Vec<f32> {
    let dim = forest.shape().layout().dim();
    let lifted = matches!(nearness, Nearness::Lifted(_));
    let mut sums = vec![0.0f64; dim + usize::from(lifted)];
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
        if lifted {
            sums[dim] += f64::from(nearness.length(vector));
        }
        count += 1.0;
    }
    let inverse = 1.0 / f64::max(count, 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "between values that are floats")]
    let mean = sums.iter().map(|sum| (sum * inverse) as f32).collect();
    mean
}

/// How far `items` are from a middle: the root of the mean of the squared distances, summed in this order.
pub(super) fn spread_of(forest: Forest<'_>, items: &[u32], middle: &[f32]) -> f32 {
    let (mut squares, mut count) = (0.0, 0.0);
    for (at, &item) in items.iter().enumerate() {
        if let Some(&later) = items.get(at + AHEAD) {
            forest.fetch_ahead(NodeId(later));
        }
        for (&x, &c) in forest.vector(item).iter().zip(middle) {
            let difference = f64::from(x) - f64::from(c);
            squares += difference * difference;
        }
        count += 1.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounded: an order follows from it")]
    let spread = (squares / f64::max(count, 1.0)).sqrt() as f32;
    spread
}
