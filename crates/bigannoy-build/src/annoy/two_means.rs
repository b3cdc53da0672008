//! Two centroids for a set of items, as Annoy finds them.

use bigannoy_metric::{Metric, angular_comparable, kernel};

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
    pub(crate) fn run(&mut self, items: Items<'_>, set: &[u32], kiss: &mut Kiss) {
        let count = set.len();
        let first = kiss.below(count);
        let second = kiss.below(count - 1);
        let second = second + usize::from(second >= first);
        self.drawn.clear();
        self.drawn.extend((0..DRAWS).map(|_| set[kiss.below(count)]));
        self.p.start(items, set[first]);
        self.q.start(items, set[second]);
        for &item in &self.drawn {
            step(&mut self.p, &mut self.q, items, item);
        }
    }
}

/// Moves the nearer centroid towards `item`. Distances count in proportion to the items a centroid
/// has already, and where they are equal or not a number neither moves.
fn step(p: &mut Centroid, q: &mut Centroid, items: Items<'_>, item: u32) {
    let metric = items.layout().metric();
    let vector = items.vector(item);
    let ([to_p, to_q], length) = match metric {
        Metric::Manhattan => (sums(p, q, vector, |p, q, x| [(p - x).abs(), (q - x).abs()]), None),
        Metric::Angular => {
            let squared = items.squared_length(item).unwrap_or_default();
            let sums = sums(p, q, vector, |p, q, x| [p * x, q * x, p * p, q * q]);
            let to_p = angular_comparable(sums[2], squared, sums[0]);
            let to_q = angular_comparable(sums[3], squared, sums[1]);
            ([to_p, to_q], Some(squared.sqrt()))
        }
        // Of vectors without their extra coordinates, as in Annoy.
        Metric::Dot => {
            let [of_p, of_q, squared] = sums(p, q, vector, |p, q, x| [p * x, q * x, x * x]);
            ([-of_p, -of_q], Some(squared.sqrt()))
        }
        _ => (sums(p, q, vector, |p, q, x| [(p - x) * (p - x), (q - x) * (q - x)]), None),
    };
    if length.is_some_and(|length| length.is_nan() || length <= 0.0) {
        return; // a vector of zeros has no direction
    }
    let (to_p, to_q) = (p.count * to_p, q.count * to_q);
    if to_p < to_q {
        p.add(vector, length);
    } else if to_q < to_p {
        q.add(vector, length);
    }
}

/// The sums of `terms` over the elements of both centroids and `vector`, each in index order.
///
/// Side by side: a few chains of additions take no longer than one.
fn sums<const N: usize>(
    p: &Centroid,
    q: &Centroid,
    vector: &[f32],
    terms: impl Fn(f32, f32, f32) -> [f32; N],
) -> [f32; N] {
    let mut sums = [0.0; N];
    for ((p, q), x) in p.mean.iter().zip(&q.mean).zip(vector) {
        for (sum, term) in sums.iter_mut().zip(terms(*p, *q, *x)) {
            *sum += term;
        }
    }
    sums
}

impl Centroid {
    /// Starts at `item`; under angular and dot at its direction.
    fn start(&mut self, items: Items<'_>, item: u32) {
        self.mean.clear();
        self.mean.extend_from_slice(items.vector(item));
        self.extra = items.extra(item);
        self.count = 1.0;
        match items.layout().metric() {
            Metric::Angular => scale_to_unit(&mut self.mean),
            Metric::Dot => scale_to_unit_with(&mut self.mean, &mut self.extra),
            _ => {}
        }
    }

    /// Takes `vector` into the mean, divided by its length where one is given.
    fn add(&mut self, vector: &[f32], length: Option<f32>) {
        let (count, more) = (self.count, self.count + 1.0);
        match length {
            Some(length) => {
                for (mean, value) in self.mean.iter_mut().zip(vector) {
                    *mean = (*mean * count + value / length) / more;
                }
            }
            None => {
                for (mean, value) in self.mean.iter_mut().zip(vector) {
                    *mean = (*mean * count + value) / more;
                }
            }
        }
        self.count = more;
    }
}

/// Divides a vector by its length if that is above zero.
pub(crate) fn scale_to_unit(vector: &mut [f32]) {
    let length = kernel::dot(vector, vector).sqrt();
    if length > 0.0 {
        for value in vector {
            *value /= length;
        }
    }
}

/// Divides a vector with an extra coordinate by its length if that is above zero. The length is
/// found in double precision, from the inner product in single precision.
#[expect(clippy::cast_possible_truncation, reason = "defined as rounded to f32")]
pub(crate) fn scale_to_unit_with(vector: &mut [f32], extra: &mut f32) {
    let wide = f64::from(*extra);
    let length = (f64::from(kernel::dot(vector, vector)) + wide * wide).sqrt() as f32;
    if length > 0.0 {
        for value in vector {
            *value /= length;
        }
        *extra /= length;
    }
}
