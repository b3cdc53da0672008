//! Where to cut a set of items in two.

use bigannoy_metric::kernel::{self, LANES};
use bigannoy_metric::{Folded, Metric};

use crate::grow::{Plane, SplitSets};
use crate::items::Items;
use crate::random::TreeRandom;

/// Items that two-means draws: as many as the set has, within these bounds.
///
/// More draws give planes that keep neighbors together more often. On 390,000 word vectors of 50
/// dimensions, recall at equal search budgets rose by one to three points from 200 draws to 400;
/// a thousand gained nothing more, and fewer than 200 in small sets lost up to six.
const DRAWS: std::ops::RangeInclusive<usize> = 200..=400;
/// Planes that are tried for one set.
const ATTEMPTS: usize = 3;
/// A plane is taken at once if its larger side has no larger share than this.
const GOOD_BALANCE: f64 = 0.95;
/// The last plane tried is kept up to this share; beyond it the set is halved at random.
const WORST_BALANCE: f64 = 0.99;

/// Sets of more bytes than this are not in a core's own cache.
const NEAR_BYTES: usize = 1 << 20;
/// Batches whose items are asked for together: so many misses are waited for at once.
const AHEAD: usize = 8;

/// Under dot, a set is halved by length if the square of the longest is more than this many times
/// that of the median: if it is more than 1.5 times as long.
///
/// Where lengths differ more, the extra coordinates of most items are much larger than their
/// vectors, and planes tell little about inner products. On 20,000 items of 32 dimensions whose
/// lengths were spread log-normally (sigma 1), recall at 10 with a budget of 1,000 rose from 0.01 to
/// 0.99. On three smaller sets 1.25, 1.5 and 2 times did about equally well.
const WIDE_SPREAD: f32 = 2.25;
/// The preference for longer items, whose square readers add to a margin of zero: less than any
/// margin that matters, so that it decides only between ways that no plane tells apart.
const PREFERENCE: f32 = 1e-15;
/// The most that lengths count for, in preferences and in lengths of normals.
const MOST_WEIGHT: f32 = 1e5;

/// Finds planes for one tree; its buffers are used again from set to set.
#[derive(Debug)]
pub(crate) struct Splitter {
    random: TreeRandom,
    /// How sums are computed. Those that decide where items go need not be Annoy's.
    folded: Folded,
    /// The plane found last: `offset + normal · x = 0`.
    normal: Vec<f32>,
    offset: f32,
    /// Under dot, what the normal has for the extra coordinate of items.
    extra: f32,
    /// Under dot, what the file has there: a preference for child 1.
    preference: f32,
    /// Under dot, the squared length of the longest item of all, and of the set that is split.
    squared_radius: (f32, f32),
    /// Under dot, squared lengths, to find their median.
    squares: Vec<f32>,
    /// The two centroids.
    p: Centroid,
    q: Centroid,
    /// For each item of the set that was split last, in order: is it on side 1?
    sides: Vec<bool>,
}

/// A running mean of items.
#[derive(Debug, Default)]
struct Centroid {
    mean: Vec<f32>,
    /// Under dot, the mean of the extra coordinates; zero under other metrics.
    extra: f32,
    count: f32,
}

impl Splitter {
    /// For items of `dim` dimensions and sets of up to `most` items.
    pub(crate) fn new(dim: usize, most: usize, random: TreeRandom) -> Self {
        Splitter {
            random,
            folded: Folded::new(),
            normal: vec![0.0; dim],
            offset: 0.0,
            extra: 0.0,
            preference: 0.0,
            squared_radius: (0.0, 0.0),
            squares: Vec::new(),
            p: Centroid::default(),
            q: Centroid::default(),
            sides: Vec::with_capacity(most),
        }
    }

    /// The same with another code for sums, which changes no bit.
    #[cfg(test)]
    pub(crate) fn with_code(mut self, code: Folded) -> Self {
        self.folded = code;
        self
    }

    /// Halves a set whose lengths differ much, under a plane that is zero; the longer half is on
    /// side 1. Tells whether they do. The first set that it is shown is that of all items.
    fn split_by_length(&mut self, items: Items<'_>, set: &[u32]) -> bool {
        self.squares.clear();
        self.squares.extend(set.iter().filter_map(|&item| items.squared_length(item)));
        let longest = self.squares.iter().copied().fold(0.0, f32::max);
        self.squared_radius = (self.squared_radius.0.max(longest), longest);
        let middle = (set.len() - 1) / 2;
        let (_, &mut median, _) = self.squares.select_nth_unstable_by(middle, f32::total_cmp);
        if longest <= WIDE_SPREAD * median {
            return false;
        }
        self.normal.fill(0.0);
        self.offset = 0.0;
        self.preference = PREFERENCE * weight(self.squared_radius.0, median);
        self.sides.clear();
        self.sides.extend(set.iter().map(|&item| items.squared_length(item) > Some(median)));
        true
    }

    /// Moves two centroids, started at two items, towards items drawn at random: each to the
    /// nearer centroid, where distances count in proportion to the items a centroid has already,
    /// so that both get some.
    ///
    /// Items are drawn and compared several at a time; the centroids move between the batches.
    fn two_means(&mut self, items: Items<'_>, set: &[u32]) {
        let Splitter { random, folded, p, q, squared_radius: (_, radius), .. } = self;
        let radius = *radius;
        let metric = items.layout().metric();
        let extra_of = |item: u32| match metric {
            Metric::Dot => extra_of(radius, items.squared_length(item)),
            _ => 0.0,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a set of numbered items")]
        let count = set.len() as u32;
        let first = random.below(count);
        let second = random.below(count - 1);
        let second = second + u32::from(second >= first);
        p.start(items, set[first as usize], extra_of(set[first as usize]));
        q.start(items, set[second as usize], extra_of(set[second as usize]));

        for _ in 0..set.len().clamp(*DRAWS.start(), *DRAWS.end()).div_ceil(LANES) {
            let drawn: [u32; LANES] = std::array::from_fn(|_| set[random.below(count) as usize]);
            let vectors = items.vectors(&drawn);
            let extras = drawn.map(extra_of);
            let squared_lengths = drawn.map(|item| match metric {
                Metric::Dot => Some(radius), // with the extra coordinate
                _ => items.squared_length(item),
            });
            let lengths = squared_lengths.map(|square| square.map(f32::sqrt));
            let [to_p, to_q] = match metric {
                Metric::Euclidean => folded.squared_l2_of_two(&p.mean, &q.mean, &vectors),
                Metric::Manhattan => folded.l1_of_two(&p.mean, &q.mean, &vectors),
                _ => {
                    let [of_p, of_q] = folded.dots_of_two(&p.mean, &q.mean, &vectors);
                    [p.away_from(&of_p, &extras, &lengths), q.away_from(&of_q, &extras, &lengths)]
                }
            };
            for (lane, length) in lengths.into_iter().enumerate() {
                if length == Some(0.0) {
                    continue; // a vector of zeros has no direction
                }
                let (to_p, to_q) = (p.count * to_p[lane], q.count * to_q[lane]);
                if to_p < to_q {
                    p.add(vectors[lane], extras[lane], length);
                } else if to_q < to_p {
                    q.add(vectors[lane], extras[lane], length);
                }
            }
        }
    }

    /// Sets the plane halfway between the centroids, or through the origin for directions.
    fn cut_between_centroids(&mut self, metric: Metric) {
        let Splitter { p, q, normal, extra, .. } = self;
        for ((normal, p), q) in normal.iter_mut().zip(&p.mean).zip(&q.mean) {
            *normal = p - q;
        }
        *extra = p.extra - q.extra;
        scale_to_unit(normal, extra);
        self.offset = 0.0;
        if matches!(metric, Metric::Euclidean | Metric::Manhattan) {
            for ((normal, p), q) in normal.iter().zip(&p.mean).zip(&q.mean) {
                self.offset -= normal * (p + q) / 2.0;
            }
        }
    }

    /// Tells the sides of the plane on which the items are; those within it are tossed for.
    fn assign(&mut self, items: Items<'_>, set: &[u32]) {
        let Splitter { random, folded, normal, offset, extra, sides, .. } = self;
        let radius = self.squared_radius.1;
        sides.clear();
        let mut side = |margin: f32| {
            if margin == 0.0 { random.below(2) == 1 } else { margin > 0.0 }
        };
        // What the margin of an item begins with: under dot it is not the same for all.
        let begin = |item: u32| match items.layout().metric() {
            Metric::Dot => *extra * extra_of(radius, items.squared_length(item)),
            _ => *offset,
        };
        let far = items.layout().record_bytes() * set.len() > NEAR_BYTES;
        let (batches, rest) = set.as_chunks::<LANES>();
        for (at, batch) in batches.iter().enumerate() {
            if far && at % AHEAD == 0 {
                items.touch(&set[at * LANES..set.len().min((at + AHEAD) * LANES)]);
            }
            let products = folded.dots(normal, &items.vectors(batch));
            for (&item, product) in batch.iter().zip(products) {
                sides.push(side(begin(item) + product));
            }
        }
        if let Some(&last) = rest.last() {
            // As many as there are, filled up with the last one.
            let batch = std::array::from_fn(|lane| *rest.get(lane).unwrap_or(&last));
            let products = folded.dots(normal, &items.vectors(&batch));
            for (&item, product) in rest.iter().zip(products) {
                sides.push(side(begin(item) + product));
            }
        }
    }

    /// Gives up on planes: halves the set at random, under a plane that prefers no side.
    fn halve(&mut self, count: usize) {
        self.normal.fill(0.0);
        self.offset = 0.0;
        self.extra = 0.0;
        self.sides.clear();
        let mut wanted = count / 2;
        for left in (1..=count).rev() {
            // Each of the items left is as likely as any other to be among those still wanted.
            #[expect(clippy::cast_possible_truncation, reason = "a set of numbered items")]
            let chosen = (self.random.below(left as u32) as usize) < wanted;
            wanted -= usize::from(chosen);
            self.sides.push(chosen);
        }
    }
}

impl SplitSets for Splitter {
    fn split(&mut self, items: Items<'_>, set: &[u32]) {
        self.preference = 0.0;
        if items.layout().metric() == Metric::Dot && self.split_by_length(items, set) {
            return;
        }
        let mut share = 1.0;
        for _ in 0..ATTEMPTS {
            self.two_means(items, set);
            self.cut_between_centroids(items.layout().metric());
            self.assign(items, set);
            share = larger_share(&self.sides);
            if share < GOOD_BALANCE {
                break;
            }
        }
        if share > WORST_BALANCE {
            self.halve(set.len());
        } else if items.layout().metric() == Metric::Dot {
            let weight = weight(self.squared_radius.0, self.squared_radius.1);
            for normal in &mut self.normal {
                *normal *= weight;
            }
        }
    }

    fn plane(&self) -> Plane<'_> {
        // A query has zero for the extra coordinate, so the plane may have anything there, and
        // readers add its square where they should not: the file gets the preference.
        Plane { normal: &self.normal, offset: self.offset, extra: self.preference }
    }

    fn sides(&self) -> &[bool] {
        &self.sides
    }
}

impl Centroid {
    /// Starts at `item`; under angular and dot at its direction.
    fn start(&mut self, items: Items<'_>, item: u32, extra: f32) {
        self.mean.clear();
        self.mean.extend_from_slice(items.vector(item));
        self.extra = extra;
        if matches!(items.layout().metric(), Metric::Angular | Metric::Dot) {
            scale_to_unit(&mut self.mean, &mut self.extra);
        }
        self.count = 1.0;
    }

    /// How far the directions of items are from the centroid's, from their inner products: one less
    /// the cosine, times the length of the item, which changes nothing where two centroids are
    /// compared. Under dot with the extra coordinates.
    fn away_from(
        &self,
        products: &[f32; LANES],
        extras: &[f32; LANES],
        lengths: &[Option<f32>; LANES],
    ) -> [f32; LANES] {
        let own = (kernel::dot(&self.mean, &self.mean) + self.extra * self.extra).sqrt();
        let shrink = if own > 0.0 { 1.0 / own } else { 0.0 };
        std::array::from_fn(|lane| {
            let product = products[lane] + self.extra * extras[lane];
            lengths[lane].unwrap_or_default() - product * shrink
        })
    }

    /// Takes `vector` into the mean, divided by its length where one is given.
    fn add(&mut self, vector: &[f32], extra: f32, length: Option<f32>) {
        let share = 1.0 / (self.count + 1.0);
        let weight = 1.0 / length.unwrap_or(1.0);
        for (mean, value) in self.mean.iter_mut().zip(vector) {
            *mean = (*mean * self.count + value * weight) * share;
        }
        self.extra = (self.extra * self.count + extra * weight) * share;
        self.count += 1.0;
    }
}

/// The coordinate that makes an item as long as the longest of its set.
fn extra_of(squared_radius: f32, squared_length: Option<f32>) -> f32 {
    (squared_radius - squared_length.unwrap_or_default()).max(0.0).sqrt()
}

/// How many times as long the longest item of all is as others, within bounds.
fn weight(squared_of_longest: f32, squared: f32) -> f32 {
    let times = (squared_of_longest / squared).sqrt();
    // Not a number where both are zero, or beyond the range.
    if times > 1.0 { times.min(MOST_WEIGHT) } else { 1.0 }
}

/// Divides a vector with an extra coordinate by its length, unless that is zero or no number.
fn scale_to_unit(vector: &mut [f32], extra: &mut f32) {
    let length = (kernel::dot(vector, vector) + *extra * *extra).sqrt();
    if length > 0.0 {
        *extra /= length;
        for value in vector {
            *value /= length;
        }
    }
}

/// The larger side's share of the items.
#[expect(clippy::cast_precision_loss, reason = "numbers of items have 31 bits")]
fn larger_share(sides: &[bool]) -> f64 {
    let ones = sides.iter().filter(|&&side| side).count();
    ones.max(sides.len() - ones) as f64 / sides.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_format::Layout;

    fn stored(metric: Metric, vectors: &[[f32; 2]]) -> (Layout, Vec<u32>, Vec<f32>) {
        let layout = Layout::new(metric, 2).unwrap();
        let mut words = Vec::new();
        for vector in vectors {
            layout.push_item(&mut words, vector);
        }
        let squares = vectors.iter().map(|vector| vector[0] * vector[0] + vector[1] * vector[1]);
        (layout, words, squares.collect())
    }

    #[test]
    fn two_clusters_are_mostly_cut_apart() {
        for metric in Metric::OF_NUMBERS {
            let vectors: Vec<[f32; 2]> = (0u8..40)
                .map(|i| f32::from(i) / 40.0)
                .enumerate()
                .map(|(i, spread)| if i % 2 == 0 { [9.0, spread] } else { [spread, 9.0] })
                .collect();
            let (layout, words, squares) = stored(metric, &vectors);
            let items = Items::new(&words, layout, &squares);
            let set: Vec<u32> = (0..40).collect();
            // Not always: both centroids may start in one cluster.
            let clean = (0..20).filter(|&tree| {
                let mut splitter = Splitter::new(2, 40, TreeRandom::new(5, tree));
                splitter.split(items, &set);
                splitter
                    .sides()
                    .chunks(2)
                    .all(|pair| pair[0] == splitter.sides()[0] && pair[1] != splitter.sides()[0])
            });
            assert!(clean.count() >= 15, "{metric}");
        }
    }

    #[test]
    fn items_that_no_plane_separates_are_halved() {
        for (metric, vector) in [
            (Metric::Euclidean, [3.0, 4.0]),
            (Metric::Angular, [0.0, 0.0]),
            (Metric::Manhattan, [3.0, 4.0]),
            (Metric::Dot, [0.0, 0.0]),
            (Metric::Dot, [3.0, 4.0]),
        ] {
            let (layout, words, squares) = stored(metric, &[vector; 9]);
            let items = Items::new(&words, layout, &squares);
            let mut splitter = Splitter::new(2, 40, TreeRandom::new(5, 0));
            splitter.split(items, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
            let ones = splitter.sides().iter().filter(|&&side| side).count();
            assert!((1..9).contains(&ones), "{metric}: {ones}");
            splitter.halve(9);
            assert_eq!(splitter.sides().iter().filter(|&&side| side).count(), 4);
            let plane = splitter.plane();
            assert_eq!((plane.normal, plane.offset), (&[0.0, 0.0][..], 0.0));
        }
    }

    #[test]
    fn lengths_that_differ_much_are_cut_first_and_preferred() {
        let vectors: Vec<[f32; 2]> = (1u8..=20).map(|i| [f32::from(i), 0.0]).collect();
        let (layout, words, squares) = stored(Metric::Dot, &vectors);
        let items = Items::new(&words, layout, &squares);
        let mut splitter = Splitter::new(2, 20, TreeRandom::new(5, 0));
        let all: Vec<u32> = (0..20).collect();
        splitter.split(items, &all);
        assert!(splitter.sides().iter().eq((0..20).map(|i| i >= 10).collect::<Vec<_>>().iter()));
        assert_eq!((splitter.plane().normal, splitter.plane().extra), (&[0.0, 0.0][..], 2e-15));
        // From 14 to 20 there is a plane; it is not lengthened, these being the longest of all.
        splitter.split(items, &all[13..]);
        let length = |normal: &[f32]| kernel::dot(normal, normal).sqrt();
        assert_eq!(splitter.plane().extra, 0.0);
        assert!(length(splitter.plane().normal) <= 1.001);
        // Of other lengths but the same direction: planes tell them apart by the extra coordinate.
        let sides = splitter.sides().to_vec();
        assert!(sides.contains(&true) && sides.contains(&false), "{sides:?}");
        // Sets of shorter items have longer normals: 7 to 10 of 20, twice as long.
        splitter.split(items, &all[6..10]);
        assert!(splitter.plane().extra == 0.0 && length(splitter.plane().normal) <= 2.001);
    }
}
