//! Two centroids for a set of items, as Annoy finds them.
#![expect(clippy::inline_always, reason = "compiled for the processor that `Rounding::run` is for")]

use bigannoy_metric::{Metric, Rounding, Work, angular_comparable, kernel};

use crate::annoy::kiss::Kiss;
use crate::items::Items;

/// Items that are drawn after the two at which the centroids start.
const DRAWS: usize = 200;

/// Finds pairs of centroids; its buffers are used again from set to set.
#[derive(Debug, Default)]
pub(crate) struct TwoMeans {
    pub(crate) p: Centroid,
    pub(crate) q: Centroid,
    drawn: Vec<u32>,
}

/// A running mean of items, or under angular and dot of their directions.
#[derive(Debug, Default)]
pub(crate) struct Centroid {
    pub(crate) mean: Vec<f32>,
    /// Under dot, the extra coordinate of the item it started at; never averaged.
    pub(crate) extra: f32,
    count: f32,
}

impl TwoMeans {
    /// Moves two centroids, started at two items of `set`, towards [`DRAWS`] items drawn from it.
    ///
    /// Draws do not depend on the data, so all of them come first.
    pub(crate) fn run<A: Rounding>(
        &mut self,
        arithmetic: A,
        items: Items<'_>,
        set: &[u32],
        kiss: &mut Kiss,
    ) {
        let count = set.len();
        let first = kiss.below(count);
        let second = kiss.below(count - 1);
        let second = second + usize::from(second >= first);
        self.drawn.clear();
        self.drawn.extend((0..DRAWS).map(|_| set[kiss.below(count)]));
        self.p.start::<A>(items, set[first]);
        self.q.start::<A>(items, set[second]);
        arithmetic.run(Steps { means: self, items });
    }
}

/// Moves the centroids towards the items that were drawn.
struct Steps<'a> {
    means: &'a mut TwoMeans,
    items: Items<'a>,
}

impl<A: Rounding> Work<A> for Steps<'_> {
    #[inline(always)]
    fn run(self) {
        let TwoMeans { p, q, drawn } = self.means;
        for &item in &*drawn {
            step::<A>(p, q, self.items, item);
        }
    }
}

/// Moves the nearer centroid towards `item`. Distances count in proportion to the items a centroid
/// has already, and where they are equal or not a number neither moves.
#[inline(always)]
fn step<A: Rounding>(p: &mut Centroid, q: &mut Centroid, items: Items<'_>, item: u32) {
    let metric = items.layout().metric();
    let vector = items.vector(item);
    let ([to_p, to_q], length) = match metric {
        Metric::Manhattan => {
            let factors = |p: f32, q: f32, x: f32| [[(p - x).abs(), 1.0], [(q - x).abs(), 1.0]];
            (sums::<A, 2>(p, q, vector, factors), None)
        }
        Metric::Angular => {
            let squared = items.squared_length(item).unwrap_or_default();
            let sums = sums::<A, 4>(p, q, vector, |p, q, x| [[p, x], [q, x], [p, p], [q, q]]);
            let to_p = angular_comparable(sums[2], squared, sums[0]);
            let to_q = angular_comparable(sums[3], squared, sums[1]);
            ([to_p, to_q], Some(squared.sqrt()))
        }
        // Of vectors without their extra coordinates, as in Annoy.
        Metric::Dot => {
            let factors = |p, q, x| [[p, x], [q, x], [x, x]];
            let [of_p, of_q, squared] = sums::<A, 3>(p, q, vector, factors);
            ([-of_p, -of_q], Some(squared.sqrt()))
        }
        _ => (sums::<A, 2>(p, q, vector, |p, q, x| [[p - x; 2], [q - x; 2]]), None),
    };
    if length.is_some_and(|length| length.is_nan() || length <= 0.0) {
        return; // a vector of zeros has no direction
    }
    let (to_p, to_q) = (p.count * to_p, q.count * to_q);
    if to_p < to_q {
        p.add::<A>(vector, length);
    } else if to_q < to_p {
        q.add::<A>(vector, length);
    }
}

/// The sums of the products of `factors` over the elements of both centroids and `vector`, each in
/// index order.
///
/// Side by side: a few chains of additions take no longer than one.
#[inline(always)]
fn sums<A: Rounding, const N: usize>(
    p: &Centroid,
    q: &Centroid,
    vector: &[f32],
    factors: impl Fn(f32, f32, f32) -> [[f32; 2]; N],
) -> [f32; N] {
    let mut sums = [0.0; N];
    for ((p, q), x) in p.mean.iter().zip(&q.mean).zip(vector) {
        for (sum, [x, y]) in sums.iter_mut().zip(factors(*p, *q, *x)) {
            *sum = A::multiply_add(x, y, *sum);
        }
    }
    sums
}

impl Centroid {
    /// Starts at `item`; under angular and dot at its direction.
    fn start<A: Rounding>(&mut self, items: Items<'_>, item: u32) {
        self.mean.clear();
        self.mean.extend_from_slice(items.vector(item));
        self.extra = items.extra(item);
        self.count = 1.0;
        match items.layout().metric() {
            Metric::Angular => scale_to_unit::<A>(&mut self.mean),
            Metric::Dot => scale_to_unit_with::<A>(&mut self.mean, &mut self.extra),
            _ => {}
        }
    }

    /// Takes `vector` into the mean, divided by its length where one is given.
    #[inline(always)]
    fn add<A: Rounding>(&mut self, vector: &[f32], length: Option<f32>) {
        let (count, more) = (self.count, self.count + 1.0);
        match length {
            Some(length) => {
                for (mean, value) in self.mean.iter_mut().zip(vector) {
                    *mean = A::multiply_add(*mean, count, value / length) / more;
                }
            }
            None => {
                for (mean, value) in self.mean.iter_mut().zip(vector) {
                    *mean = A::multiply_add(*mean, count, *value) / more;
                }
            }
        }
        self.count = more;
    }
}

/// Divides a vector by its length if that is above zero.
pub(crate) fn scale_to_unit<A: Rounding>(vector: &mut [f32]) {
    let length = kernel::dot_as::<A>(vector, vector).sqrt();
    if length > 0.0 {
        for value in vector {
            *value /= length;
        }
    }
}

/// Divides a vector with an extra coordinate by its length if that is above zero. The length is
/// found in double precision, from the inner product in single precision; the square of the extra
/// coordinate is exact there.
#[expect(clippy::cast_possible_truncation, reason = "defined as rounded to f32")]
pub(crate) fn scale_to_unit_with<A: Rounding>(vector: &mut [f32], extra: &mut f32) {
    let wide = f64::from(*extra);
    let length = (f64::from(kernel::dot_as::<A>(vector, vector)) + wide * wide).sqrt() as f32;
    if length > 0.0 {
        for value in vector {
            *value /= length;
        }
        *extra /= length;
    }
}
