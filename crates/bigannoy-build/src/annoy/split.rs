//! Where Annoy cuts a set of items in two.

use bigannoy_metric::kernel::{self, LANES};
use bigannoy_metric::{Metric, Rounding, Work};
use rayon::prelude::*;

use crate::annoy::kiss::Kiss;
use crate::annoy::near::NearItems;
use crate::annoy::two_means::{TwoMeans, scale_to_unit, scale_to_unit_with};
use crate::grow::{Plane, SplitSets};
use crate::items::Items;
use crate::random::SetKey;
use crate::upper::CrownSplit;

/// Planes that are tried for one set.
const ATTEMPTS: usize = 3;
/// A plane is taken at once if its imbalance is below this.
const GOOD_BALANCE: f64 = 0.95;
/// Above this imbalance, items are tossed for.
const WORST_BALANCE: f64 = 0.99;
/// Items whose margins one thread computes at a time. Sets of fewer are not worth a second thread.
const PIECE: usize = 4096;

/// Finds planes as Annoy does, tree after tree with one generator, in the arithmetic `A`.
#[derive(Debug)]
pub(crate) struct AnnoySplitter<A> {
    arithmetic: A,
    kiss: Kiss,
    near: NearItems,
    means: TwoMeans,
    normal: Vec<f32>,
    offset: f32,
    /// Under dot, what the normal has for the extra coordinate of items.
    extra: f32,
    margins: Vec<f32>,
    sides: Vec<bool>,
}

impl<A: Rounding> AnnoySplitter<A> {
    /// For items of `dim` dimensions.
    pub(crate) fn new(seed: u64, dim: usize) -> Self {
        AnnoySplitter {
            arithmetic: A::default(),
            kiss: Kiss::new(seed),
            near: NearItems::default(),
            means: TwoMeans::default(),
            normal: vec![0.0; dim],
            offset: 0.0,
            extra: 0.0,
            margins: Vec::new(),
            sides: Vec::new(),
        }
    }

    /// Sets the plane halfway between the centroids, or through the origin for directions.
    fn cut_between_centroids(&mut self, metric: Metric) {
        let AnnoySplitter { means: TwoMeans { p, q, .. }, normal, extra, .. } = self;
        for ((normal, p), q) in normal.iter_mut().zip(&p.mean).zip(&q.mean) {
            *normal = p - q;
        }
        if metric == Metric::Dot {
            *extra = p.extra - q.extra;
            scale_to_unit_with::<A>(normal, extra);
        } else {
            scale_to_unit::<A>(normal);
        }
        if matches!(metric, Metric::Euclidean | Metric::Manhattan) {
            self.offset = 0.0;
            for ((normal, p), q) in normal.iter().zip(&p.mean).zip(&q.mean) {
                self.offset = A::multiply_add(-normal * (p + q), 0.5, self.offset);
            }
        }
    }

    /// Tells the sides of the plane on which the items are; those within it are tossed for.
    fn assign(&mut self, items: Items<'_>, set: &[u32]) {
        let begin = match items.layout().metric() {
            // The item's extra coordinate ought to be a factor here, but is none in Annoy.
            Metric::Dot => [self.extra; 2],
            Metric::Euclidean | Metric::Manhattan => [self.offset, 1.0],
            _ => [0.0; 2],
        };
        let (arithmetic, normal) = (self.arithmetic, &self.normal[..]);
        let find_margins = |set: &[u32], margins: &mut [f32]| {
            arithmetic.run(FindMargins { items, set, normal, begin, margins });
        };
        self.margins.resize(set.len(), 0.0);
        if set.len() > PIECE {
            let pieces = self.margins.par_chunks_mut(PIECE).zip(set.par_chunks(PIECE));
            pieces.for_each(|(margins, set)| find_margins(set, margins));
        } else {
            find_margins(set, &mut self.margins);
        }
        // Zeros of either sign are tossed for. What is no number is neither zero nor above it.
        let side = |&margin: &f32| if margin == 0.0 { self.kiss.flip() } else { margin > 0.0 };
        self.sides.clear();
        self.sides.extend(self.margins.iter().map(side));
    }

    fn split_items(&mut self, items: Items<'_>, set: &[u32]) {
        for _ in 0..ATTEMPTS {
            self.means.run(self.arithmetic, items, set, &mut self.kiss);
            self.cut_between_centroids(items.layout().metric());
            self.assign(items, set);
            if imbalance(&self.sides) < GOOD_BALANCE {
                return;
            }
        }
        while imbalance(&self.sides) > WORST_BALANCE {
            self.toss(set.len());
        }
    }

    /// Gives up on planes: tosses for each item, until the sides are balanced well enough. Of the
    /// plane only the offset stays, or under dot the extra coordinate: that is what Annoy does.
    fn toss(&mut self, count: usize) {
        self.normal.fill(0.0);
        self.sides.clear();
        self.sides.extend((0..count).map(|_| self.kiss.flip()));
    }
}

impl<A: Rounding> SplitSets for AnnoySplitter<A> {
    fn approach(&mut self, items: Items<'_>, set: &mut [u32]) -> bool {
        let due = self.near.is_due(set.len(), items.layout());
        if due {
            self.near.enter(items, set);
        }
        due
    }

    fn leave(&mut self) {
        self.near.leave();
    }

    fn number(&self, item: u32) -> u32 {
        self.near.number(item)
    }

    /// None: draws follow from those before.
    fn split_upper(&mut self, _: Items<'_>, _: &mut [u32], _: SetKey) -> Vec<CrownSplit> {
        Vec::new()
    }

    /// Draws follow from those before, whatever the set is called.
    fn split(&mut self, items: Items<'_>, set: &[u32], _key: SetKey) {
        let near = std::mem::take(&mut self.near);
        self.split_items(near.items(items), set);
        self.near = near;
    }

    fn plane(&self) -> Plane<'_> {
        Plane { normal: &self.normal, offset: self.offset, extra: self.extra }
    }

    fn sides(&self) -> &[bool] {
        &self.sides
    }
}

/// The margin of each item of `set`: `normal · x` and the product `begin`.
struct FindMargins<'a> {
    items: Items<'a>,
    set: &'a [u32],
    normal: &'a [f32],
    begin: [f32; 2],
    margins: &'a mut [f32],
}

impl<A: Rounding> Work<A> for FindMargins<'_> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor that the caller is for")]
    fn run(self) {
        let FindMargins { items, set, normal, begin: [x, y], margins } = self;
        let (batches, rest) = set.as_chunks::<LANES>();
        let (margins, last) = margins.as_chunks_mut::<LANES>();
        for (margins, batch) in margins.iter_mut().zip(batches) {
            let products = kernel::dot_lanes_as::<A>(normal, &items.vectors(batch));
            for (margin, product) in margins.iter_mut().zip(products) {
                *margin = A::multiply_add(x, y, product);
            }
        }
        for (margin, &item) in last.iter_mut().zip(rest) {
            *margin = A::multiply_add(x, y, kernel::dot_as::<A>(normal, items.vector(item)));
        }
    }
}

/// The larger side's share of the items, in Annoy's arithmetic.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "defined as rounded to f32"
)]
fn imbalance(sides: &[bool]) -> f64 {
    let ones = sides.iter().filter(|&&side| side).count();
    let [zeros, ones] = [sides.len() - ones, ones].map(|count| f64::from(count as f32));
    let share = (zeros / (zeros + ones + 1e-9)) as f32;
    f64::from(share.max(1.0 - share))
}
