//! The items of a set in 16-bit codes of one scale, close together.

use bigannoy_metric::coded::{CodedRows, Codes, n_codes};
use bigannoy_metric::{Folded, Metric};

use crate::codes::{LENGTH, MOST_DIM, SANE};
use crate::items::Items;

/// Items whose distances from the first one tell how large a step has to be.
const LOOKED_AT: usize = 16;
/// How many times as large as the largest squared distance among these others may be.
const MARGIN: f32 = 2.0;

/// A scale is given up for a finer one if steps become smaller by this, and else kept.
const LEAST_GAIN: f32 = 8.0;

/// Items in codes: directions under angular, and otherwise what they differ by from one of them.
///
/// Vectors of 16 bits an element take half the memory, and what is computed of them half the time, and
/// that may come in any order, since it is whole numbers. All items begin in one scale; those of a smaller set
/// that are too near to each other for its steps get one of their own.
#[derive(Debug, Default)]
pub(crate) struct CodedSet {
    /// The codes of the items, of which there may be those of others behind them.
    codes: Vec<Codes>,
    /// Registers of an item.
    size: usize,
    /// The scales, the one that all items begin in first, and for each item the number of its own.
    scales: Vec<Scale>,
    scale_of: Vec<u32>,
    /// Room for the codes of an item, for an origin, and for a direction.
    room: Vec<Codes>,
    origin: Vec<f32>,
    direction: Vec<f32>,
}

/// What codes stand for: so many steps from an origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// The item at whose vector, or direction, the codes begin; at zero where there is none.
    origin: Option<u32>,
    /// Steps for each unit of length. Zero if there are no codes that tell items apart.
    steps: f32,
}

/// What became of a set that was to be coded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refined {
    /// It has finer codes.
    Yes,
    /// Its codes are as before: the set is not much smaller than what their scale is for, or too small for any.
    No,
    /// All its items are equal.
    Equal,
}

impl CodedSet {
    /// Takes the directions of other items, which are asked for ahead.
    pub(crate) fn take_directions(&mut self, code: Folded, items: Items<'_>, set: &[u32]) {
        let steps = if items.layout().dim() > MOST_DIM { 0.0 } else { LENGTH };
        self.begin(items, set, Scale { origin: None, steps });
        for (item, codes) in items.fetched(set).zip(self.codes.chunks_exact_mut(self.size)) {
            code.encode(items.vector(item), LENGTH * to_direction(items, item), codes);
        }
    }

    /// Takes the differences of other items from the first of them. Items are asked for ahead.
    ///
    /// A step is chosen by some; if others are so far away that they have no codes, all begins anew with a
    /// larger one.
    pub(crate) fn take_differences(&mut self, code: Folded, items: Items<'_>, set: &[u32]) {
        self.begin(items, set, Scale { origin: Some(set[0]), steps: 0.0 });
        let origin = items.vector(set[0]);
        let some: Vec<u32> = set.iter().copied().step_by(set.len().div_ceil(LOOKED_AT)).collect();
        let mut longest = items.fetched(&some).fold(0.0, |longest: f32, item| {
            let codes = &mut self.codes[..self.size];
            longest.max(code.encode_difference(items.vector(item), origin, 0.0, codes))
        });
        loop {
            longest *= MARGIN;
            if !SANE.contains(&longest) || items.layout().dim() > MOST_DIM {
                return;
            }
            let steps = LENGTH / longest.sqrt();
            let mut all = items.fetched(set).zip(self.codes.chunks_exact_mut(self.size));
            let longer = all.find_map(|(item, codes)| {
                let squared = code.encode_difference(items.vector(item), origin, steps, codes);
                (squared > longest).then_some(squared)
            });
            let Some(longer) = longer else {
                self.scales[0].steps = steps;
                return;
            };
            longest = longer;
        }
    }

    fn begin(&mut self, items: Items<'_>, set: &[u32], scale: Scale) {
        self.size = n_codes(items.layout().dim());
        if self.codes.len() < set.len() * self.size {
            self.codes.resize(set.len() * self.size, Codes::default());
        }
        self.scales.clear();
        self.scales.push(scale);
        self.scale_of.clear();
        self.scale_of.resize(set.len(), 0);
    }

    /// Codes a `set` of its items anew, by their differences from the first, in steps that are much smaller than
    /// those before. `numbers` has the numbers of the items in the index.
    pub(crate) fn refine(
        &mut self,
        code: Folded,
        (items, numbers): (Items<'_>, &[u32]),
        set: &[u32],
    ) -> Refined {
        let number = |item: u32| numbers[item as usize];
        let least = LEAST_GAIN * self.scale(set).steps;
        let CodedSet { codes, size, scales, scale_of, room, origin, direction } = self;
        let first = number(set[0]);
        let origin = point(items, first, origin);
        let mut encode = |item: u32, steps: f32, codes: &mut [Codes]| {
            let vector = point(items, number(item), direction);
            code.encode_difference(vector, origin, steps, codes)
        };
        room.resize(*size, Codes::default());
        let mut longest: f32 = 0.0;
        for &item in set {
            longest = longest.max(encode(item, 0.0, room));
            if longest.sqrt() * least > LENGTH {
                return Refined::No;
            }
        }
        if longest == 0.0 {
            return Refined::Equal;
        }
        if !SANE.contains(&longest) {
            return Refined::No;
        }
        let steps = LENGTH / longest.sqrt();
        #[expect(clippy::cast_possible_truncation, reason = "no more than there are items")]
        let scale = scales.len() as u32;
        scales.push(Scale { origin: Some(first), steps });
        for &item in set {
            encode(item, steps, &mut codes[item as usize * *size..][..*size]);
            scale_of[item as usize] = scale;
        }
        Refined::Yes
    }

    /// The scale of a set, whose items all have the same.
    pub(crate) fn scale(&self, set: &[u32]) -> Scale {
        self.scales[self.scale_of[set[0] as usize] as usize]
    }

    /// The codes of a set, if there are any that tell items apart.
    pub(crate) fn rows(&self, set: &[u32]) -> Option<CodedRows<'_>> {
        let rows = CodedRows { codes: &self.codes, size: self.size };
        (self.scale(set).steps > 0.0).then_some(rows)
    }
}

impl Scale {
    /// Whether codes are what items differ by from one of them.
    pub(crate) fn has_origin(self) -> bool {
        self.origin.is_some()
    }

    /// The offset of the plane with this normal, of length 1, that lies `offset` steps from where the codes
    /// begin.
    pub(crate) fn offset(self, code: Folded, items: Items<'_>, normal: &[f32], offset: f32) -> f32 {
        let begin = self.origin.map_or(0.0, |item| code.dot(normal, items.vector(item)));
        offset / self.steps - begin
    }

    /// Turns a normal, of length 1, so that its plane goes through zero and still through the middle of two
    /// centroids, which is so many steps from where the codes of directions begin. Puts the point of the middle
    /// in its place, and gives the plane's offset in steps from where the codes begin.
    pub(crate) fn turn_to_zero(
        self,
        code: Folded,
        items: Items<'_>,
        normal: &mut [f32],
        middle: &mut [f32],
    ) -> f32 {
        let Some(origin) = self.origin else { return 0.0 };
        let (vector, by) = (items.vector(origin), to_direction(items, origin));
        for (middle, x) in middle.iter_mut().zip(vector) {
            *middle = x * by + *middle / self.steps;
        }
        let share = code.dot(normal, middle) / code.dot(middle, middle);
        for (normal, middle) in normal.iter_mut().zip(&*middle) {
            *normal -= share * middle;
        }
        let length = code.dot(normal, normal).sqrt();
        for normal in &mut *normal {
            *normal /= length;
        }
        code.dot(normal, vector) * by * self.steps
    }
}

/// What makes a direction of an item's vector. What is without one, or beyond the range, is as near to all as to
/// none.
fn to_direction(items: Items<'_>, item: u32) -> f32 {
    let squared = items.squared_length(item).unwrap_or_default();
    if SANE.contains(&squared) { 1.0 / squared.sqrt() } else { 0.0 }
}

/// The direction of an item under angular, and otherwise its vector.
fn point<'a>(items: Items<'a>, item: u32, room: &'a mut Vec<f32>) -> &'a [f32] {
    let vector = items.vector(item);
    if items.layout().metric() != Metric::Angular {
        return vector;
    }
    let by = to_direction(items, item);
    room.clear();
    room.extend(vector.iter().map(|x| x * by));
    room
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_format::Layout;
    use bigannoy_metric::coded::decode;

    fn words(layout: Layout, vectors: &[Vec<f32>]) -> Vec<u32> {
        let mut words = Vec::new();
        for vector in vectors {
            layout.push_item(&mut words, vector);
        }
        words
    }

    /// The vectors that the codes of some items stand for, all in one scale.
    fn decoded(set: &CodedSet, some: &[u32], vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let rows = set.rows(some).expect("codes that tell items apart");
        let scale = set.scale(some);
        let dim = vectors[0].len();
        let none = vec![0.0; dim];
        let origin = scale.origin.map_or(&none, |item| &vectors[item as usize]);
        let decoded = some.iter().map(|&at| {
            let codes: Vec<i16> = rows.row(at as usize).iter().flat_map(|codes| codes.0).collect();
            let mut in_order = vec![0; dim];
            decode(&codes, &mut in_order);
            let elements = in_order.iter().zip(origin);
            elements.map(|(&code, origin)| origin + f32::from(code) / scale.steps).collect()
        });
        decoded.collect()
    }

    fn assert_near(found: &[Vec<f32>], expected: &[Vec<f32>], by: f32) {
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() <= by, "{found} for {expected}");
        }
    }

    #[test]
    fn codes_stand_for_vectors_far_from_zero_within_a_step_of_their_spread() {
        let (dim, count) = (19, 300u16);
        let value = |item: u16, at: u16| 1e5 + f32::from((item * 31 + at * 17) % 97);
        let vectors: Vec<Vec<f32>> =
            (0..count).map(|item| (0..19).map(|at| value(item, at)).collect()).collect();
        let layout = Layout::new(Metric::Euclidean, dim).unwrap();
        let words = words(layout, &vectors);
        let numbers: Vec<u32> = (0..count.into()).collect();
        for code in Folded::all() {
            let mut set = CodedSet::default();
            set.take_differences(code, Items::new(&words, layout, &[]), &numbers);
            // Differences are at most 97 times the root of 19.
            assert_near(&decoded(&set, &numbers, &vectors), &vectors, 97.0 * 4.36 * 1.5 / LENGTH);
        }
    }

    #[test]
    fn an_item_far_away_makes_steps_larger() {
        let mut vectors: Vec<Vec<f32>> =
            (0..40u8).map(|item| vec![f32::from(item) / 40.0; 3]).collect();
        // Not among those that are looked at.
        vectors[38] = vec![-900.0, 0.0, 7.0];
        vectors[35] = vec![9.0, 0.0, 7.0];
        let layout = Layout::new(Metric::Manhattan, 3).unwrap();
        let words = words(layout, &vectors);
        let numbers: Vec<u32> = (0..40).collect();
        let mut set = CodedSet::default();
        set.take_differences(Folded::new(), Items::new(&words, layout, &[]), &numbers);
        assert_near(&decoded(&set, &numbers, &vectors), &vectors, 900.0 * 1.5 / LENGTH);
    }

    #[test]
    fn directions_are_coded_whatever_the_length() {
        let vectors: Vec<Vec<f32>> =
            [1.0, 1e-9, 1e12, 0.0, 1e-30].map(|by| vec![3.0 * by, -4.0 * by]).to_vec();
        let layout = Layout::new(Metric::Angular, 2).unwrap();
        let words = words(layout, &vectors);
        let mut set = CodedSet::default();
        set.take_directions(Folded::new(), Items::new(&words, layout, &[]), &[0, 1, 2, 3, 4]);
        let (direction, none) = (vec![0.6, -0.8], vec![0.0, 0.0]);
        let expected = [&direction, &direction, &direction, &none, &none].map(Vec::clone);
        assert_near(&decoded(&set, &[0, 1, 2, 3, 4], &vectors), &expected, 1.0 / LENGTH);
    }

    #[test]
    fn a_small_part_of_a_set_gets_finer_codes_and_others_keep_theirs() {
        for (metric, away) in
            [(Metric::Euclidean, 1e4), (Metric::Manhattan, 1e4), (Metric::Angular, 1.0)]
        {
            // Fifty close together, and some far from them and from each other.
            let mut vectors: Vec<Vec<f32>> =
                (0..50u8).map(|item| vec![1.0, 1e-3 * f32::from(item), 1e-3]).collect();
            vectors.extend([[-away, 1.0, 0.0], [0.0, away, 1.0], [-1.0, 0.0, away]].map(Vec::from));
            let layout = Layout::new(metric, 3).unwrap();
            let words = words(layout, &vectors);
            let items = Items::new(&words, layout, &[]);
            if metric == Metric::Angular {
                for vector in &mut vectors {
                    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
                    for x in vector {
                        *x /= length;
                    }
                }
            }
            // The copy numbers its items in another order than the index.
            let numbers: Vec<u32> = (0..53).rev().collect();
            let [near, far] = [3..53, 0..3].map(Vec::from_iter);
            let expected = |some: &[u32]| -> Vec<Vec<f32>> {
                some.iter().map(|&at| vectors[52 - at as usize].clone()).collect()
            };
            for code in Folded::all() {
                let mut set = CodedSet::default();
                if metric == Metric::Angular {
                    set.take_directions(code, items, &numbers);
                } else {
                    set.take_differences(code, items, &numbers);
                }
                let step = 1.0 / set.scale(&near).steps;
                assert_near(&decoded(&set, &near, &vectors), &expected(&near), step);
                assert_eq!(set.refine(code, (items, &numbers), &near), Refined::Yes);
                assert!(set.scale(&near).has_origin());
                let finer = 1.0 / set.scale(&near).steps;
                assert!(finer < 0.06 / LENGTH, "{metric}: {finer}");
                assert_near(&decoded(&set, &near, &vectors), &expected(&near), finer + 1e-7);
                assert_near(&decoded(&set, &far, &vectors), &expected(&far), step);
                // No more to gain.
                assert_eq!(set.refine(code, (items, &numbers), &near), Refined::No);
                assert_eq!(set.refine(code, (items, &numbers), &near[..1]), Refined::Equal);
            }
        }
    }

    #[test]
    fn items_that_nothing_tells_apart_or_that_are_beyond_the_range_have_no_codes() {
        let layout = Layout::new(Metric::Euclidean, 2).unwrap();
        for vectors in
            [[[5.0, 6.0]; 3], [[0.0; 2], [1e20; 2], [0.0; 2]], [[0.0; 2], [1e-20; 2], [0.0; 2]]]
        {
            let vectors = vectors.map(|vector: [f32; 2]| vector.to_vec());
            let words = words(layout, &vectors);
            let mut set = CodedSet::default();
            set.take_differences(Folded::new(), Items::new(&words, layout, &[]), &[0, 1, 2]);
            assert!(set.rows(&[0]).is_none());
        }
    }
}
