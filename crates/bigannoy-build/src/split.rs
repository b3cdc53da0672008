//! Where to cut a set of items in two.

mod core;
mod products;

use bigannoy_metric::folded::{Chunk, n_chunks, pad};
use bigannoy_metric::{Folded, Metric};

use crate::coded_means::{CodedMeans, CodedSample};
use crate::coded_set::Refined;
use crate::descent::{BLOCK, Block};
use crate::grow::{Plane, SplitSets};
use crate::items::Items;
use crate::means::{Sample, TwoMeans, scale_to_direction};
use crate::random::{SetKey, TreeRandom};
use crate::reach::Reach;
use crate::rows::{NearRows, Rows};
use crate::upper::{CrownSplit, Upper, is_due};
use products::extra_of;

/// Items that planes are chosen by: all of a set that has no more, or so many of it.
pub(crate) const SAMPLE: usize = 256;
/// Planes that are tried for one set.
const ATTEMPTS: usize = 3;
/// A plane is taken at once if the larger side has no larger share of the sample than this.
const GOOD_BALANCE: f64 = 0.95;
/// The last plane tried is kept up to this share of the set; beyond it the set is halved at random.
const WORST_BALANCE: f64 = 0.99;

/// Finds planes for one tree; its buffers are used again from set to set.
#[derive(Debug)]
pub(crate) struct Splitter {
    random: TreeRandom,
    /// How sums are computed. Those that decide where items go need not be Annoy's.
    code: Folded,
    near: NearRows,
    /// Memory for the sample that chooses upper levels.
    sample: NearRows,
    means: TwoMeans,
    coded_means: CodedMeans,
    /// The plane found last: `offset + normal · x = 0`. Under dot with one more coordinate.
    normal: Vec<f32>,
    offset: f32,
    /// Under dot, what the file has for the extra coordinate: a preference for child 1.
    preference: f32,
    /// Under dot, the squared length of the longest item of all, and of the set that is split.
    squared_radius: (f32, f32),
    /// Under dot, squared lengths of a set or a sample.
    squares: Vec<f32>,
    /// Under dot, whether lengths differ so much in the set that is split that extra coordinates
    /// are left out.
    only_directions: bool,
    reach: Reach,
    /// For each item of the set that was split last, in order: is it on side 1?
    sides: Vec<bool>,
    /// Room for the items drawn, a vector and its extra coordinate, a padded one, and margins.
    drawn: Vec<u32>,
    /// The sample, where it has to be copied, and the numbers of its rows.
    copied: Vec<Chunk>,
    counted: Vec<u32>,
    vector: Vec<f32>,
    padded: Vec<Chunk>,
    margins: Vec<f32>,
}

/// What became of a set that was to be cut by codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Done,
    /// A plane left almost all on one side.
    Lopsided,
    /// All items are equal.
    Equal,
}

impl Splitter {
    pub(crate) fn new(random: TreeRandom) -> Self {
        Splitter {
            random,
            code: Folded::new(),
            near: NearRows::default(),
            sample: NearRows::default(),
            means: TwoMeans::default(),
            coded_means: CodedMeans::default(),
            normal: Vec::new(),
            offset: 0.0,
            preference: 0.0,
            squared_radius: (0.0, 0.0),
            squares: Vec::new(),
            only_directions: false,
            reach: Reach::default(),
            sides: Vec::new(),
            drawn: Vec::new(),
            copied: Vec::new(),
            counted: Vec::new(),
            vector: Vec::new(),
            padded: Vec::new(),
            margins: Vec::new(),
        }
    }

    /// The same with another code for sums, which changes no bit.
    pub(crate) fn with_code(mut self, code: Folded) -> Self {
        self.code = code;
        self
    }

    /// Begins another tree.
    pub(crate) fn renew(&mut self, random: TreeRandom) {
        self.random = random;
        self.squared_radius = (0.0, 0.0);
        self.near.leave();
    }

    /// Memory for the sample that chooses upper levels.
    pub(crate) fn take_sample(&mut self) -> NearRows {
        std::mem::take(&mut self.sample)
    }

    /// Takes back a sample that is done with.
    pub(crate) fn give_sample(&mut self, mut sample: NearRows) {
        sample.leave();
        self.sample = sample;
    }

    /// How sums are computed.
    pub(crate) fn code(&self) -> Folded {
        self.code
    }

    /// Chooses a plane by a sample of `set`. Tells whether there is one; its normal and offset are
    /// zero if not.
    pub(crate) fn choose(&mut self, rows: Rows<'_>, set: &[u32], key: SetKey) -> bool {
        self.random.begin(key);
        let sampled = self.draw_sample(set);
        let (metric, dim) = (rows.layout().metric(), rows.layout().dim());
        let extra = usize::from(metric == Metric::Dot);
        let (size, directions) =
            (n_chunks(dim + extra), matches!(metric, Metric::Angular | Metric::Dot));
        self.copy_sample(rows, (!sampled).then_some(set));
        let Splitter { code, means, random, .. } = self;
        let sample = Sample { rows: &self.copied, picks: &self.counted, size, directions };
        means.begin(*code, sample);
        try_planes(self.counted.len(), || {
            means.run(*code, sample, random);
            n_ones(means.margins())
        });
        self.normal.resize(dim + extra, 0.0);
        let offset = self.means.plane(self.code, &mut self.normal);
        self.offset = offset.unwrap_or_default();
        offset.is_some()
    }

    /// Draws a sample, one item from each of as many equal parts of the set. Tells whether the set
    /// is larger than a sample.
    fn draw_sample(&mut self, set: &[u32]) -> bool {
        if set.len() <= SAMPLE {
            return false;
        }
        self.drawn.clear();
        let places = places(&mut self.random, set.len(), SAMPLE);
        self.drawn.extend(places.map(|place| set[place as usize]));
        true
    }

    /// Draws so many of `count` places, which are called `key`, in order.
    pub(crate) fn draw(&mut self, count: usize, some: usize, key: SetKey) -> Vec<u32> {
        self.random.begin(key);
        places(&mut self.random, count, some).collect()
    }

    /// Cuts a set of items of `near`, or of all where nothing is there, unless no plane leaves enough on both
    /// sides. Tells whether it did.
    pub(crate) fn cut(
        &mut self,
        (near, items): (&mut NearRows, Items<'_>),
        set: &[u32],
        key: SetKey,
    ) -> bool {
        if near.is_entered() {
            return match self.cut_codes((near, items), set, key) {
                Some(Cut::Done) => true,
                Some(Cut::Equal) => false,
                Some(Cut::Lopsided) => self.cut_otherwise(items, &near.numbers(set), key),
                None => self.cut_vectors(items, &near.numbers(set), key),
            };
        }
        self.cut_vectors(items, set, key)
    }

    /// [`Splitter::cut`] by the vectors themselves.
    fn cut_vectors(&mut self, items: Items<'_>, set: &[u32], key: SetKey) -> bool {
        self.cut_rows(Rows::Far(items), set, key) || self.cut_otherwise(items, set, key)
    }

    /// What is left to try where centroids are equal, or planes between them leave almost all on one side.
    fn cut_otherwise(&mut self, items: Items<'_>, set: &[u32], key: SetKey) -> bool {
        items.layout().metric() != Metric::Angular && self.cut_core(items, set, key)
    }

    /// Cuts a set by a plane between centroids of its vectors, if that leaves enough on both sides.
    fn cut_rows(&mut self, rows: Rows<'_>, set: &[u32], key: SetKey) -> bool {
        self.choose(rows, set, key) && self.divide(rows, set, key)
    }

    /// [`Splitter::cut`] by the items' codes, which become finer where these do not tell enough of the set apart.
    /// `None` if that does not help.
    fn cut_codes(
        &mut self,
        (near, items): (&mut NearRows, Items<'_>),
        set: &[u32],
        key: SetKey,
    ) -> Option<Cut> {
        let directions = items.layout().metric() == Metric::Angular;
        let (mut sampled, mut turned);
        loop {
            let rows = near.coded().rows(set)?;
            self.random.begin(key);
            sampled = self.draw_sample(set);
            let Splitter { code, coded_means: means, random, margins, .. } = self;
            let picks = if sampled { &self.drawn } else { set };
            turned = directions && near.coded().scale(set).has_origin();
            let (directions, is_whole) = (directions && !turned, !sampled);
            let sample = CodedSample { rows, picks, directions, is_whole };
            margins.resize(set.len(), 0.0);
            try_planes(set.len(), || {
                means.run(*code, sample, random);
                if is_whole {
                    return n_ones(means.margins());
                }
                code.coded_margins(means.coded_plane(), rows, set, margins);
                n_ones(margins)
            });
            if means.is_clear() {
                break;
            }
            match near.refine(*code, items, set) {
                Refined::Yes => {}
                Refined::No => return None,
                Refined::Equal => return Some(Cut::Equal),
            }
        }
        let Splitter { code, coded_means: means, sides, margins, normal, vector, .. } = self;
        let (rows, scale) = (near.coded().rows(set)?, near.coded().scale(set));
        normal.resize(items.layout().dim(), 0.0);
        let offset = means.plane(normal);
        self.offset = 0.0;
        if turned {
            vector.resize(items.layout().dim(), 0.0);
            means.middle(vector);
            let offset = scale.turn_to_zero(*code, items, normal, vector);
            means.turn(*code, normal, offset);
            code.coded_margins(means.coded_plane(), rows, set, margins);
        } else if !directions {
            self.offset = scale.offset(*code, items, normal, offset);
        }
        let margins = if sampled || turned { margins } else { means.margins() };
        tell_sides(margins, |at| key.toss(near.number(set[at])), sides);
        Some(if self.is_balanced() { Cut::Done } else { Cut::Lopsided })
    }

    /// Tells the sides of the plane chosen, and whether enough is on both.
    fn divide(&mut self, rows: Rows<'_>, set: &[u32], key: SetKey) -> bool {
        self.assign(rows, set, key);
        self.is_balanced()
    }

    /// Whether there are enough items on both sides.
    fn is_balanced(&self) -> bool {
        let ones = self.sides.iter().filter(|&&side| side).count();
        !is_lopsided(ones, self.sides.len())
    }

    /// Copies a set, or the items drawn; of directions, all equally long, under dot with their extra
    /// coordinates unless these are left out.
    fn copy_sample(&mut self, rows: Rows<'_>, set: Option<&[u32]>) {
        let sample = set.unwrap_or(&self.drawn);
        let dim = rows.layout().dim();
        let dot = rows.layout().metric() == Metric::Dot;
        let size = n_chunks(dim + usize::from(dot));
        let (_, squared_radius) = self.squared_radius;
        rows.touch(sample);
        self.copied.resize(sample.len() * size, Chunk::default());
        for (&item, padded) in sample.iter().zip(self.copied.chunks_exact_mut(size)) {
            self.vector.resize(dim + usize::from(dot), 0.0);
            rows.copy(item, &mut self.vector[..dim]);
            let extended = dot && !self.only_directions;
            if dot {
                let extra = || extra_of(squared_radius, rows.squared_length(item));
                self.vector[dim] = if extended { extra() } else { 0.0 };
            }
            pad(&self.vector, padded);
            let squared = if extended { Some(squared_radius) } else { rows.squared_length(item) };
            if let Some(squared) = squared {
                scale_to_direction(padded, squared);
            }
        }
        if self.counted.len() != sample.len() {
            self.counted.clear();
            self.counted.extend((0..).take(sample.len()));
        }
    }

    /// Tells the sides of the plane on which the items are; those within it are tossed for.
    fn assign(&mut self, rows: Rows<'_>, set: &[u32], key: SetKey) {
        let Splitter { code, means, normal, offset, sides, padded, margins, .. } = self;
        let margins = if set.len() <= SAMPLE {
            means.margins()
        } else {
            let dim = rows.layout().dim();
            margins.clear();
            if let Some(extra) = normal.get(dim).filter(|extra| **extra != 0.0) {
                let (_, radius) = self.squared_radius;
                let begin = |&item| extra * extra_of(radius, rows.squared_length(item));
                margins.extend(set.iter().map(begin));
            } else {
                margins.resize(set.len(), *offset);
            }
            rows.add_products(*code, &normal[..dim], padded, set, margins);
            margins
        };
        tell_sides(margins, |at| key.toss(rows.number(set[at])), sides);
    }

    /// Gives up on planes: halves a set of `count` items at random, under a plane that prefers no
    /// side. Gives their sides.
    pub(crate) fn halve(&mut self, dim: usize, count: usize, key: SetKey) -> &[bool] {
        self.no_plane(dim);
        self.random.begin(key.halving());
        self.sides.clear();
        let mut wanted = count / 2;
        for left in (1..=count).rev() {
            // Each of the items left is as likely as any other to be among those still wanted.
            #[expect(clippy::cast_possible_truncation, reason = "a set of numbered items")]
            let chosen = (self.random.below(left as u32) as usize) < wanted;
            wanted -= usize::from(chosen);
            self.sides.push(chosen);
        }
        &self.sides
    }

    fn no_plane(&mut self, dim: usize) {
        self.normal.clear();
        self.normal.resize(dim, 0.0);
        self.offset = 0.0;
    }
}

impl SplitSets for Splitter {
    fn approach(&mut self, items: Items<'_>, set: &mut [u32]) -> bool {
        self.near.enter(self.code, items, set)
    }

    fn leave(&mut self) {
        self.near.leave();
    }

    fn number(&self, item: u32) -> u32 {
        self.near.number(item)
    }

    fn split_upper(&mut self, items: Items<'_>, set: &mut [u32], key: SetKey) -> Vec<CrownSplit> {
        if self.near.is_entered() || !is_due(items.layout(), set.len()) {
            return Vec::new();
        }
        let all: Vec<u32> = set.to_vec();
        let item = |place: usize| all[place];
        let upper = Upper::choose(self, items, (set.len(), &item), key);
        if upper.is_empty() {
            return Vec::new();
        }
        let mut parts = vec![0; all.len()];
        let mut block = Block::new();
        for (some, parts) in all.chunks(BLOCK).zip(parts.chunks_mut(BLOCK)) {
            items.touch(some);
            block.fill(self.code, items, some.iter().copied());
            upper.descend(self.code, (&mut block, items), parts);
        }
        upper.arrange(items.layout().leaf_capacity(), &parts, &item, set)
    }

    fn split(&mut self, items: Items<'_>, set: &[u32], key: SetKey) {
        let mut near = std::mem::take(&mut self.near);
        let layout = items.layout();
        self.preference = 0.0;
        if layout.metric() == Metric::Dot {
            let rows = if near.is_entered() { Rows::Near(&near, layout) } else { Rows::Far(items) };
            self.split_products(rows, set, key);
        } else if !self.cut((&mut near, items), set, key) {
            self.halve(layout.dim(), set.len(), key);
        }
        self.near = near;
        // The plane of the file has no extra coordinate.
        self.normal.truncate(items.layout().dim());
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

/// Draws `some` of `count` places in order, one from each of as many equal parts.
fn places(random: &mut TreeRandom, count: usize, some: usize) -> impl Iterator<Item = u32> {
    #[expect(clippy::cast_possible_truncation, reason = "a set of numbered items")]
    let first = move |part: usize| (part as u64 * count as u64 / some as u64) as u32;
    (0..some).map(move |part| first(part) + random.below(first(part + 1) - first(part)))
}

/// Looks for a plane that leaves much of a sample of `count` items on both sides: `next` tries another one and
/// tells how many are on side 1.
fn try_planes(count: usize, mut next: impl FnMut() -> usize) {
    for _ in 0..ATTEMPTS {
        if larger_share(next(), count) < GOOD_BALANCE {
            break;
        }
    }
}

/// How many items with these margins are on side 1, but for those that are tossed for.
fn n_ones(margins: &[f32]) -> usize {
    margins.iter().filter(|&&margin| margin > 0.0).count()
}

/// Tells for each margin whether it is on side 1; `toss` decides where it is zero.
fn tell_sides(margins: &[f32], toss: impl Fn(usize) -> bool, sides: &mut Vec<bool>) {
    sides.clear();
    sides.extend(margins.iter().map(|&margin| margin > 0.0));
    for (at, _) in margins.iter().enumerate().filter(|(_, margin)| **margin == 0.0) {
        sides[at] = toss(at);
    }
}

/// Whether a plane leaves so little on one side that the set is halved instead.
pub(crate) fn is_lopsided(ones: usize, count: usize) -> bool {
    larger_share(ones, count) > WORST_BALANCE
}

/// The larger side's share of the items.
#[expect(clippy::cast_precision_loss, reason = "numbers of items have 31 bits")]
fn larger_share(ones: usize, count: usize) -> f64 {
    ones.max(count - ones) as f64 / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_format::Layout;
    use bigannoy_metric::kernel;

    /// Items under `metric`, and the squares of their lengths.
    pub(super) fn stored(metric: Metric, vectors: &[[f32; 2]]) -> (Layout, Vec<u32>, Vec<f32>) {
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
                let mut splitter = Splitter::new(TreeRandom::new(5, tree));
                splitter.split(items, &set, SetKey::ROOT);
                splitter
                    .sides()
                    .chunks(2)
                    .all(|pair| pair[0] == splitter.sides()[0] && pair[1] != splitter.sides()[0])
            });
            assert!(clean.count() >= 15, "{metric}");
        }
    }

    /// Also where most items are equal, so that no half of them can be told from the other.
    #[test]
    fn items_are_on_the_side_that_the_plane_says() {
        for equal in [0, 100, 140] {
            let mut vectors: Vec<[f32; 2]> =
                (0u16..200).map(|i| [f32::from(i % 17), f32::from(i % 23)]).collect();
            vectors[..equal].fill([3.0, 4.0]);
            let (layout, words, squares) = stored(Metric::Euclidean, &vectors);
            let items = Items::new(&words, layout, &squares);
            for tree in 0..20 {
                for is_copied in [false, true] {
                    let mut set: Vec<u32> = (0..200).collect();
                    let mut splitter = Splitter::new(TreeRandom::new(9, tree));
                    assert!(!is_copied || splitter.approach(items, &mut set));
                    splitter.split(items, &set, SetKey::ROOT);
                    let Plane { normal, offset, .. } = splitter.plane();
                    assert_ne!(normal, [0.0; 2], "{equal} equal items, tree {tree}");
                    for (vector, side) in vectors.iter().zip(splitter.sides()) {
                        let margin = offset + normal[0] * vector[0] + normal[1] * vector[1];
                        assert!(margin.abs() < 0.01 || (margin > 0.0) == *side, "{margin}");
                    }
                }
            }
        }
    }

    /// The sides of a set that is copied first.
    fn sides_of_copy(splitter: &mut Splitter, items: Items<'_>, count: u32) -> Vec<bool> {
        let mut set: Vec<u32> = (0..count).collect();
        assert!(splitter.approach(items, &mut set));
        splitter.split(items, &set, SetKey::ROOT);
        splitter.leave();
        splitter.sides().to_vec()
    }

    #[test]
    fn items_of_a_copy_are_on_the_sides_of_the_plane_in_the_file() {
        for metric in [Metric::Euclidean, Metric::Angular, Metric::Manhattan] {
            // More than a sample, and no more.
            for count in [150u16, 900] {
                let vectors: Vec<[f32; 2]> = (0..count)
                    .map(|i| [f32::from(i).sin() + 40.0, (f32::from(i) * 0.37).cos() * 9.0])
                    .collect();
                let (layout, words, _) = stored(metric, &vectors);
                let items = Items::new(&words, layout, &[]);
                let mut splitter = Splitter::new(TreeRandom::new(5, 0));
                let sides = sides_of_copy(&mut splitter, items, count.into());
                let plane = splitter.plane();
                let mut near = 0;
                for (side, vector) in sides.iter().zip(&vectors) {
                    let margin = plane.offset + kernel::dot(plane.normal, vector);
                    near += usize::from(margin.abs() < 1e-2);
                    assert!(*side == (margin > 0.0) || margin.abs() < 1e-2, "{metric}: {margin}");
                }
                assert!(near < 30, "{near}");
            }
        }
    }

    #[test]
    fn what_codes_do_not_tell_apart_is_cut_by_finer_ones() {
        // Steps are as large as the last item is far, and the others are within one.
        for metric in [Metric::Euclidean, Metric::Angular, Metric::Manhattan] {
            let mut vectors: Vec<[f32; 2]> =
                (0u8..200).map(|i| [1.0, 1e-5 * f32::from(i % 100)]).collect();
            vectors[199] = [-9.0, 40.0];
            let (layout, words, _) = stored(metric, &vectors);
            let items = Items::new(&words, layout, &[]);
            let cut = (0..20).filter(|&tree| {
                let mut splitter = Splitter::new(TreeRandom::new(5, tree));
                let mut set: Vec<u32> = (0..200).collect();
                assert!(splitter.approach(items, &mut set));
                set.truncate(199);
                splitter.split(items, &set, SetKey::ROOT);
                let of = |side: bool| {
                    let both = splitter.sides().iter().zip(&vectors);
                    both.filter(move |pair| *pair.0 == side).map(|pair| pair.1[1])
                };
                let [zeros, ones] = [false, true].map(|side| {
                    of(side).fold([f32::MAX, f32::MIN], |[least, most], value| {
                        [least.min(value), most.max(value)]
                    })
                });
                zeros[1] <= ones[0] || ones[1] <= zeros[0]
            });
            assert_eq!(cut.count(), 20, "{metric}");
        }
    }

    /// Of heavy tails: three far items pull no centroid away from the others, and are in the way of finer codes.
    #[test]
    fn what_no_codes_tell_apart_is_cut_by_the_vectors() {
        for metric in [Metric::Euclidean, Metric::Angular, Metric::Manhattan] {
            let mut vectors: Vec<[f32; 2]> =
                (0u16..4000).map(|i| [1.0, 1e-5 * f32::from(i % 100)]).collect();
            vectors[1000] = [-9.0, 40.0];
            let (layout, words, _) = stored(metric, &vectors);
            let items = Items::new(&words, layout, &[]);
            let mut splitter = Splitter::new(TreeRandom::new(5, 0));
            let sides = sides_of_copy(&mut splitter, items, 4000);
            let plane = splitter.plane();
            let wrong = sides.iter().zip(&vectors).filter(|(side, vector)| {
                let margin = plane.offset + kernel::dot(plane.normal, &vector[..]);
                (margin > 0.0) != **side
            });
            // But for those within the plane.
            assert!(wrong.count() < 80, "{metric}");
            let ones = sides.iter().filter(|&&side| side).count();
            assert!((400..3600).contains(&ones), "{metric}: {ones}");
        }
    }

    /// Directions with much in common: the plane goes through zero, and is where the codes say.
    #[test]
    fn directions_far_from_their_middle_are_cut_by_finer_codes() {
        let vectors: Vec<[f32; 2]> = (0u16..2000)
            .map(|i| [f32::from(i).sin() + 1000.0, (f32::from(i) * 0.37).cos() + 1000.0])
            .collect();
        let (layout, words, _) = stored(Metric::Angular, &vectors);
        let items = Items::new(&words, layout, &[]);
        for count in [200, 2000] {
            let mut splitter = Splitter::new(TreeRandom::new(5, 0));
            let mut set: Vec<u32> = (0..count).collect();
            assert!(splitter.approach(items, &mut set));
            splitter.split(items, &set, SetKey::ROOT);
            assert!(splitter.near.coded().scale(&set).has_origin());
            let plane = splitter.plane();
            assert_eq!(plane.offset, 0.0);
            let wrong = splitter.sides().iter().zip(&vectors).filter(|(side, vector)| {
                let margin = |at: usize| f64::from(plane.normal[at]) * f64::from(vector[at]);
                (margin(0) + margin(1) > 0.0) != **side
            });
            assert!(wrong.count() * 500 < set.len(), "{count}");
            let ones = splitter.sides().iter().filter(|&&side| side).count();
            assert!((set.len() / 5..set.len() / 5 * 4).contains(&ones), "{count}: {ones}");
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
            let mut splitter = Splitter::new(TreeRandom::new(5, 0));
            splitter.split(items, &[0, 1, 2, 3, 4, 5, 6, 7, 8], SetKey::ROOT);
            let ones = splitter.sides().iter().filter(|&&side| side).count();
            assert!((1..9).contains(&ones), "{metric}: {ones}");
            let sides = splitter.halve(2, 9, SetKey::ROOT);
            assert_eq!(sides.iter().filter(|&&side| side).count(), 4);
            let plane = splitter.plane();
            assert_eq!((plane.normal, plane.offset), (&[0.0, 0.0][..], 0.0));
        }
    }
}
