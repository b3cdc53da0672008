//! Which of its metric's record layouts a file has.

use bigannoy_metric::{Metric, bits};

use crate::{Forest, ForestShape, Layout, NodeId, OpenError, Record, Variant};

/// Records of each kind that are looked at, spread evenly over the file.
const SAMPLE: u32 = 64;

impl Layout {
    /// This layout in the variant that `bytes` have.
    ///
    /// Metrics with one variant have that. Otherwise the record size that divides the length
    /// decides, and where both do, what stands in the records: some of them, spread over the file,
    /// must be right in one variant and not in the other.
    ///
    /// # Errors
    /// [`OpenError::AmbiguousLayout`] where that does not decide: then choose with
    /// [`Layout::with_variant`]. What is wrong with bytes that are no index in any variant is for
    /// [`ForestShape::read`] to say.
    pub fn detect(self, bytes: &[u8]) -> Result<Layout, OpenError> {
        let variants = Variant::of(self.metric());
        let layouts = variants.iter().filter_map(|&variant| self.with_variant(variant).ok());
        let fitting: Vec<Layout> =
            layouts.filter(|layout| bytes.len().is_multiple_of(layout.record_bytes())).collect();
        let usual = self.with_variant(Variant::Released).unwrap_or(self);
        let (first, second) = match fitting[..] {
            [] => return Ok(usual),
            [only] => return Ok(only),
            [first, second, ..] => (first, second),
        };
        let likely = |layout: Layout| {
            ForestShape::read(bytes, layout).is_ok_and(|shape| looks_right(shape.over(bytes)))
        };
        match (likely(first), likely(second)) {
            (true, false) => Ok(first),
            (false, true) => Ok(second),
            (false, false) if ForestShape::read(bytes, usual).is_err() => Ok(usual),
            _ => Err(OpenError::AmbiguousLayout {
                variants: [first.variant(), second.variant()],
                record_bytes: [first.record_bytes(), second.record_bytes()],
            }),
        }
    }
}

/// Whether a sample of the records, the roots among them, is as it is in undamaged files.
fn looks_right(forest: Forest<'_>) -> bool {
    let shape = forest.shape();
    let sample = |first: u32, end: u32| {
        (first..end).step_by((end - first).div_ceil(SAMPLE).max(1) as usize).map(NodeId)
    };
    let trees = sample(shape.n_items(), shape.n_nodes()).chain(shape.roots().iter().copied());
    sample(0, shape.n_items()).all(|id| item_looks_right(forest, id))
        && trees.take(2 * SAMPLE as usize).all(|id| forest.record(id).is_ok())
}

fn item_looks_right(forest: Forest<'_>, id: NodeId) -> bool {
    let layout = forest.shape().layout();
    let record = forest.item_record(id.0);
    let (head, vector) = record.split_at(layout.vector_word());
    let is_zero = |words: &[u32]| words.iter().all(|&word| word == 0);
    let present = match forest.record(id) {
        Ok(Record::Item(_)) => true,
        Ok(_) if is_zero(vector) => false,
        _ => return false,
    };
    // An item has no children.
    if !is_zero(&head[1..3]) {
        return false;
    }
    if layout.metric() == Metric::Hamming {
        let mut beyond = layout.dim()..32 * vector.len();
        return is_zero(&head[3..]) && !beyond.any(|component| bits::is_set(vector, component));
    }
    // Extra coordinate, squared length, and a mark of one byte that the index was built.
    let is_length = |&word: &u32| f32::from_bits(word) >= 0.0;
    let built = head.get(5).is_none_or(|word| !present || word & 0xff == 1);
    head[3..].iter().take(2).all(is_length) && built
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten items and trees of one split over ten items, in `layout`; `trees` of them.
    fn forest(layout: Layout, trees: usize) -> Vec<u32> {
        let (dim, size) = (layout.dim(), layout.record_words());
        let mut words = Vec::new();
        for item in 0..10u8 {
            let vector: Vec<f32> =
                (0u8..).take(dim).map(|z| f32::from((item >> (z % 3)) & 1)).collect();
            layout.push_item(&mut words, &vector);
            if layout.variant() == Variant::WideDot {
                let record = words.len() - size;
                words[record + 4..record + 6].copy_from_slice(&[9f32.to_bits(), 1]);
            }
        }
        let mut roots = Vec::new();
        for _ in 0..trees {
            let number = u32::try_from(words.len() / size).unwrap();
            layout.push_leaf(&mut words, 3, &[0, 1, 2]);
            layout.push_leaf(&mut words, 3, &[3, 4, 5]);
            layout.push_leaf(&mut words, 4, &[6, 7, 8, 9]);
            let mut split = |count, children| {
                match layout.metric() {
                    Metric::Hamming => layout.push_bit_split(&mut words, count, 62),
                    _ => layout.push_split(&mut words, count, &vec![0.25; dim], 0.0),
                }
                let record = words.len() - size;
                layout.set_children(&mut words[record..], children);
            };
            split(6, [number, number + 1]);
            split(10, [number + 3, number + 2]);
            roots.extend_from_slice(&words[words.len() - size..]);
        }
        words.extend(roots);
        words
    }

    #[test]
    fn the_size_decides_and_then_the_records() {
        for (metric, dim) in [(Metric::Dot, 2), (Metric::Hamming, 64), (Metric::Hamming, 3)] {
            let usual = Layout::new(metric, dim).unwrap();
            let mut both_fit = 0;
            for &variant in Variant::of(metric) {
                let layout = usual.with_variant(variant).unwrap();
                for trees in 1..60 {
                    let words = forest(layout, trees);
                    let bytes: &[u8] = bytemuck::cast_slice(&words);
                    for given in [usual, layout] {
                        assert_eq!(given.detect(bytes), Ok(layout), "{metric} {variant} {trees}");
                    }
                    let sizes = Variant::of(metric).iter().map(|&v| usual.with_variant(v).unwrap());
                    let fits = |layout: Layout| bytes.len().is_multiple_of(layout.record_bytes());
                    both_fit += usize::from(sizes.filter(|&layout| fits(layout)).count() == 2);
                }
            }
            assert!(both_fit >= 10, "{metric}: {both_fit} of 118");
        }
    }

    #[test]
    fn files_that_could_be_either_are_not_guessed() {
        // Gaps, and at the end what is a leaf in both sizes: of three items, or of two.
        let layout = Layout::new(Metric::Hamming, 64).unwrap();
        let mut words = [0; 30];
        words[24..26].copy_from_slice(&[3, 2]);
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        let error = layout.detect(bytes).unwrap_err();
        assert!(
            matches!(error, OpenError::AmbiguousLayout { record_bytes: [24, 20], .. }),
            "{error}"
        );
        // Nothing of it is an index: the usual layout says why.
        let nothing = [0u8; 120];
        assert_eq!(layout.detect(&nothing), Ok(layout));
        assert_eq!(layout.detect(&[]), Ok(layout));
    }
}
