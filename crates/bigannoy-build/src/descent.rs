//! Items on their way down past planes: by short codes, and exactly where these leave a side open.
//!
//! A plane's normal `n`, of length 1, is replaced by `n' = c / L` with whole numbers `c`, an item's vector
//! `x` of length `l` by `x' = b l / L`: with `L` = [`LENGTH`] these have 16 bits. Each element is off by half
//! a step and a little, so that `|n - n'| <= r` and `|x - x'| <= r l` with `r = LOSS sqrt(dim) / L`. With
//! `n·x - n'·x' = n·(x - x') + (n - n')·x'` and Cauchy's inequality, the true inner product is within
//! `l r (2 + r)`, and one in a hundred for lengths that are rounded, of `n'·x'`. Let `u = 2^-24`. The margin
//! as it is defined, a sum in eight lanes and the offset, is off by as many roundings as a lane has elements
//! and a few, of `l` at most, and one of the result; the arithmetic here by less than eight roundings of `l`
//! and two of the offset. So the error for a unit of length depends on the dimension alone.
//!
//! `b·c` is a sum in 32 bits: by Cauchy's inequality its end fits, and on the way it may wrap around.

use bigannoy_format::Layout;
use bigannoy_metric::Folded;
use bigannoy_metric::coded::{CodedRows, Codes, n_codes};

use crate::codes::{LENGTH, MOST_DIM, SANE};
use crate::items::Items;
use crate::random::SetKey;

/// What a code loses at most, in steps: a half, and less than a hundredth by rounding a value of up to
/// 32,000 steps a few times.
const LOSS: f64 = 0.51;
/// The rounding of an `f32` operation.
const U: f64 = 1.0 / 16_777_216.0;
/// What rounding does to offsets, and several times more.
const OF_OFFSET: f32 = 8.0 / 16_777_216.0;
/// Items that go down side by side: a power of two.
pub(crate) const BLOCK: usize = 64;
/// Marks the end of a way down: what is left is the number of a part.
pub(crate) const END: u16 = 1 << 15;

/// Some items in codes, near the processor while they go down.
#[derive(Debug)]
pub(crate) struct Block {
    /// Their numbers in the index.
    numbers: Vec<u32>,
    codes: Vec<Codes>,
    measures: [Measure; BLOCK],
    /// The plane at which each item is that is still on its way, its place in the block, and the
    /// product of both.
    pairs: Vec<[u16; 2]>,
    products: Vec<i32>,
}

/// What is known of the codes of an item.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    /// What a product with the codes of a plane is multiplied with.
    scale: f32,
    /// How far a margin may be off, what its offset does not counted.
    error: f32,
}

impl Block {
    /// One of no items.
    pub(crate) fn new() -> Self {
        Block {
            numbers: Vec::new(),
            codes: Vec::new(),
            measures: [Measure::default(); BLOCK],
            pairs: Vec::new(),
            products: Vec::new(),
        }
    }

    /// Takes other items, no more than [`BLOCK`].
    pub(crate) fn fill(
        &mut self,
        code: Folded,
        items: Items<'_>,
        numbers: impl Iterator<Item = u32>,
    ) {
        let size = n_codes(items.layout().dim());
        let error = error_of_length(items.layout());
        self.numbers.clear();
        self.numbers.extend(numbers);
        self.codes.resize(self.numbers.len() * size, Codes::default());
        let all = self.numbers.iter().zip(&mut self.measures);
        for ((&item, measure), codes) in all.zip(self.codes.chunks_exact_mut(size)) {
            let vector = items.vector(item);
            let squared = code.dot(vector, vector);
            let length = squared.sqrt();
            let is_sane = SANE.contains(&squared);
            code.encode(vector, if is_sane { LENGTH / length } else { 0.0 }, codes);
            let error = if is_sane { length * error } else { f32::INFINITY };
            *measure = Measure { scale: length / (LENGTH * LENGTH), error };
        }
    }
}

/// How far a margin may be off for each unit of an item's length.
fn error_of_length(layout: Layout) -> f32 {
    if layout.dim() > MOST_DIM {
        return f32::INFINITY;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of columns")]
    let dim = layout.dim() as f64;
    let loss = LOSS * dim.sqrt() / f64::from(LENGTH);
    let of_codes = 1.01 * loss * (2.0 + loss);
    let roundings = dim / 8.0 + 16.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is made larger than it has to be")]
    let error = (1.01 * (of_codes + roundings * U)) as f32;
    error
}

/// Planes that items go down past, the first one's all.
#[derive(Debug, Default)]
pub(crate) struct Descent {
    planes: Vec<Plane>,
    codes: Vec<Codes>,
    /// The normals, one behind the other, and what the sets are called that they cut.
    normals: Vec<f32>,
    keys: Vec<SetKey>,
}

/// The plane `offset + normal · x = 0`.
#[derive(Clone, Copy, Debug)]
struct Plane {
    offset: f32,
    /// How far margins may be off because of the offset.
    error: f32,
    /// For either side, the number of the next plane, or that of a part with [`END`].
    next: [u16; 2],
}

impl Descent {
    /// Appends the plane `offset + normal · x = 0`, whose normal has length 1, which cuts the set `key`.
    pub(crate) fn push(&mut self, code: Folded, (normal, offset): (&[f32], f32), key: SetKey) {
        let start = self.codes.len();
        self.codes.resize(start + n_codes(normal.len()), Codes::default());
        code.encode(normal, LENGTH, &mut self.codes[start..]);
        let error = offset.abs() * OF_OFFSET;
        self.planes.push(Plane { offset, error, next: [END; 2] });
        self.normals.extend_from_slice(normal);
        self.keys.push(key);
    }

    /// Sets what comes on a side of a plane.
    pub(crate) fn lead(&mut self, plane: usize, side: usize, next: u16) {
        self.planes[plane].next[side] = next;
    }

    /// What comes on either side of a plane.
    #[cfg(test)]
    pub(crate) fn next(&self, plane: usize) -> [u16; 2] {
        self.planes[plane].next
    }

    /// Tells the parts in which the items of a block are.
    pub(crate) fn go(
        &self,
        code: Folded,
        (block, items): (&mut Block, Items<'_>),
        parts: &mut [u16],
    ) {
        let Descent { planes, codes, normals, keys } = self;
        let Block { numbers, codes: of_items, measures, pairs, products } = block;
        let (numbers, measures): (&[u32], &[Measure; BLOCK]) = (numbers, measures);
        let dim = items.layout().dim();
        let size = n_codes(dim);
        pairs.clear();
        #[expect(clippy::cast_possible_truncation, reason = "a block is small")]
        pairs.extend((0..numbers.len()).map(|place| [0, place as u16]));
        // On which side the item at a place in the block is, where its codes leave it open.
        let exact = |plane: usize, place: usize| {
            let item = numbers[place];
            let normal = &normals[plane * dim..][..dim];
            let margin = planes[plane].offset + code.dot(normal, items.vector(item));
            usize::from(margin > 0.0 || margin == 0.0 && keys[plane].toss(item))
        };
        while !pairs.is_empty() {
            products.resize(pairs.len(), 0);
            let (coded, rows) = (CodedRows { codes, size }, CodedRows { codes: of_items, size });
            code.coded_products(coded, rows, pairs, products);
            let mut kept = 0;
            for (i, &product) in products.iter().enumerate() {
                let [at, place] = pairs[i].map(usize::from);
                let Measure { scale, error } = measures[place % BLOCK];
                let plane = &planes[at];
                #[expect(clippy::cast_precision_loss, reason = "bounds allow for it")]
                let margin = product as f32 * scale + plane.offset;
                // By the sign's bit: a side is as hard to foretell as a coin, and nothing branches by it.
                let mut side = usize::from(margin.to_bits() >> 31 == 0);
                let certain = margin.abs() > error + plane.error;
                if !certain {
                    side = exact(at, place);
                }
                let to = plane.next[side];
                // Written at each plane; what is written last stays.
                parts[place] = to & !END;
                #[expect(clippy::cast_possible_truncation, reason = "a block is small")]
                let pair = [to, place as u16];
                pairs[kept] = pair;
                kept += usize::from(to & END == 0);
            }
            pairs.truncate(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use bigannoy_metric::Metric;
    use proptest::prelude::*;

    use super::*;

    /// One plane after the other, with the sums that define margins.
    fn one_by_one(descent: &Descent, code: Folded, vector: &[f32], item: u32) -> u16 {
        let (dim, mut at) = (vector.len(), 0);
        loop {
            let Plane { offset, next, .. } = descent.planes[at];
            let margin = offset + code.dot(&descent.normals[at * dim..][..dim], vector);
            let toss = margin == 0.0 && descent.keys[at].toss(item);
            let to = next[usize::from(margin > 0.0 || toss)];
            if to & END != 0 {
                return to & !END;
            }
            at = usize::from(to);
        }
    }

    proptest! {
        /// Among the items are some in planes, some without direction, and some whose squares vanish or
        /// overflow.
        #[test]
        fn codes_send_no_item_to_another_part(
            dim in prop_oneof![1usize..20, 120usize..140],
            metric in prop_oneof![Just(Metric::Euclidean), Just(Metric::Angular)],
            whole in any::<bool>(),
            values in proptest::collection::vec(-3.0f32..3.0, 140 * 50),
            magnitudes in proptest::collection::vec(-26i32..26, 40),
            lengths in proptest::collection::vec(0usize..140, 9),
        ) {
            let value = |at: usize| if whole { values[at].round() } else { values[at] };
            let layout = Layout::new(metric, dim).unwrap();
            let mut words = Vec::new();
            let vectors: Vec<Vec<f32>> = (0..40).map(|item| {
                // Every second one is of the usual magnitude.
                let by = if item % 2 == 0 { 1.0 } else { 10f32.powi(magnitudes[item]) };
                (0..dim).map(|at| value(item * 140 + at) * by).collect()
            }).collect();
            for vector in &vectors {
                layout.push_item(&mut words, vector);
            }
            let items = Items::new(&words, layout, &[]);
            for code in Folded::all() {
                // Nine planes, of which each leads to the next one and to a part. Normals of one
                // element have margins of zero.
                let mut descent = Descent::default();
                let mut key = SetKey::ROOT;
                for (plane, &elements) in lengths.iter().enumerate() {
                    let mut normal: Vec<f32> = (0..dim)
                        .map(|at| if at <= elements { value((40 + plane) * 140 + at) } else { 0.0 })
                        .collect();
                    let length = code.dot(&normal, &normal).sqrt();
                    if length == 0.0 {
                        normal[0] = 1.0;
                    } else {
                        for value in &mut normal {
                            *value /= length;
                        }
                    }
                    let on = &vectors[plane * 4];
                    let offset = if plane % 3 == 0 { -code.dot(&normal, on) } else { value(plane) };
                    descent.push(code, (&normal, offset), key);
                    key = key.side(1);
                    let part = END | u16::try_from(plane).unwrap();
                    let next = u16::try_from(plane + 1).unwrap();
                    descent.lead(plane, plane % 2, part);
                    descent.lead(plane, 1 - plane % 2, if plane < 8 { next } else { END | 9 });
                }
                let mut block = Block::new();
                // Two blocks, the second one smaller, in the memory of the first.
                for numbers in [0..40u32, 7..30] {
                    block.fill(code, items, numbers.clone());
                    let mut parts = vec![0; numbers.len()];
                    descent.go(code, (&mut block, items), &mut parts);
                    for (item, part) in numbers.zip(parts) {
                        let expected = one_by_one(&descent, code, &vectors[item as usize], item);
                        prop_assert_eq!(part, expected, "item {}", item);
                    }
                }
            }
        }
    }

    #[test]
    fn codes_decide_for_almost_all_items() {
        let (dim, code) = (50, Folded::new());
        let value = |at: u32| (f64::from(at) * 0.7).sin() + 0.2;
        #[expect(clippy::cast_possible_truncation, reason = "test data")]
        let vector = |item: u32| -> Vec<f32> {
            (0..dim).map(|at| value(item * 977 + at * 31) as f32).collect()
        };
        let layout = Layout::new(Metric::Euclidean, dim as usize).unwrap();
        let mut words = Vec::new();
        (0..2000).for_each(|item| layout.push_item(&mut words, &vector(item)));
        let items = Items::new(&words, layout, &[]);
        let mut normal = vector(5000);
        let length = code.dot(&normal, &normal).sqrt();
        for value in &mut normal {
            *value /= length;
        }
        let (mut block, mut open) = (Block::new(), 0);
        for first in (0..1984u32).step_by(BLOCK) {
            block.fill(code, items, (first..).take(BLOCK));
            for (item, measure) in (first..).zip(&block.measures) {
                let margin = code.dot(&normal, items.vector(item));
                open += usize::from(margin.abs() <= measure.error);
            }
        }
        assert!(open < 20, "{open} of 1,984");
    }
}
