//! The items of a set in 16-bit codes of one scale, close together.

use bigannoy_metric::Folded;
use bigannoy_metric::coded::{CodedRows, Codes, n_codes};

use crate::codes::{LENGTH, SANE};
use crate::items::Items;

/// Items whose distances from the first one tell how large a step has to be.
const LOOKED_AT: usize = 16;
/// How many times as large as the largest squared distance among these others may be.
const MARGIN: f32 = 2.0;

/// Items in codes: directions under angular, and otherwise what they differ by from one of them.
///
/// Vectors of 16 bits an element take half the memory, and what is computed of them half the time, and
/// that may come in any order, since it is whole numbers.
#[derive(Debug, Default)]
pub(crate) struct CodedSet {
    /// The codes of the items, of which there may be those of others behind them.
    codes: Vec<Codes>,
    /// Registers of an item.
    size: usize,
    /// What differences are from: one of the items. Of directions, zeros.
    origin: Vec<f32>,
    /// Steps of the codes for each unit of length. Zero if there are no codes that tell items apart.
    steps: f32,
}

impl CodedSet {
    /// Takes the directions of other items, which are asked for ahead.
    pub(crate) fn take_directions(&mut self, code: Folded, items: Items<'_>, set: &[u32]) {
        self.make_room(items, set);
        self.origin.clear();
        self.origin.resize(items.layout().dim(), 0.0);
        self.steps = LENGTH;
        for (item, codes) in items.fetched(set).zip(self.codes.chunks_exact_mut(self.size)) {
            let squared = items.squared_length(item).unwrap_or_default();
            // What is without direction, or beyond the range, is as near to all as to none.
            let by = if SANE.contains(&squared) { LENGTH / squared.sqrt() } else { 0.0 };
            code.encode(items.vector(item), by, codes);
        }
    }

    /// Takes the differences of other items from the first of them. Items are asked for ahead.
    ///
    /// A step is chosen by some; if others are so far away that they have no codes, all begins anew with a
    /// larger one.
    pub(crate) fn take_differences(&mut self, code: Folded, items: Items<'_>, set: &[u32]) {
        self.make_room(items, set);
        self.origin.clear();
        self.origin.extend_from_slice(items.vector(set[0]));
        let some = set.iter().step_by(set.len().div_ceil(LOOKED_AT));
        let mut longest = some.fold(0.0, |longest: f32, &item| {
            let codes = &mut self.codes[..self.size];
            longest.max(code.encode_difference(items.vector(item), &self.origin, 0.0, codes))
        });
        loop {
            longest *= MARGIN;
            if !SANE.contains(&longest) {
                self.steps = 0.0;
                return;
            }
            self.steps = LENGTH / longest.sqrt();
            let mut all = items.fetched(set).zip(self.codes.chunks_exact_mut(self.size));
            let longer = all.find_map(|(item, codes)| {
                let vector = items.vector(item);
                let squared = code.encode_difference(vector, &self.origin, self.steps, codes);
                (squared > longest).then_some(squared)
            });
            let Some(longer) = longer else { return };
            longest = longer;
        }
    }

    fn make_room(&mut self, items: Items<'_>, set: &[u32]) {
        self.size = n_codes(items.layout().dim());
        if self.codes.len() < set.len() * self.size {
            self.codes.resize(set.len() * self.size, Codes::default());
        }
    }

    /// The codes, if there are any that tell items apart.
    pub(crate) fn rows(&self) -> Option<CodedRows<'_>> {
        let rows = CodedRows { codes: &self.codes, size: self.size };
        (self.steps > 0.0).then_some(rows)
    }

    /// The offset of the plane with this normal, of length 1, that lies `offset` steps from where the codes
    /// begin.
    pub(crate) fn offset(&self, code: Folded, normal: &[f32], offset: f32) -> f32 {
        offset / self.steps - code.dot(normal, &self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_format::Layout;
    use bigannoy_metric::Metric;
    use bigannoy_metric::coded::decode;

    fn words(layout: Layout, vectors: &[Vec<f32>]) -> Vec<u32> {
        let mut words = Vec::new();
        for vector in vectors {
            layout.push_item(&mut words, vector);
        }
        words
    }

    /// The vectors that the codes stand for.
    fn decoded(set: &CodedSet, count: usize, dim: usize) -> Vec<Vec<f32>> {
        let rows = set.rows().expect("codes that tell items apart");
        let decoded = (0..count).map(|at| {
            let codes: Vec<i16> = rows.row(at).iter().flat_map(|codes| codes.0).collect();
            let mut in_order = vec![0; dim];
            decode(&codes, &mut in_order);
            let elements = in_order.iter().zip(&set.origin);
            elements.map(|(&code, origin)| origin + f32::from(code) / set.steps).collect()
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
            assert_near(&decoded(&set, 300, dim), &vectors, 97.0 * 4.36 * 1.5 / LENGTH);
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
        assert_near(&decoded(&set, 40, 3), &vectors, 900.0 * 1.5 / LENGTH);
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
        assert_near(&decoded(&set, 5, 2), &expected, 1.0 / LENGTH);
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
            assert!(set.rows().is_none());
        }
    }
}
