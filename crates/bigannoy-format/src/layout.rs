//! Sizes and places within one record.

use std::fmt;
use std::str::FromStr;

use bigannoy_metric::{Metric, bits, kernel};

/// Records that a file can hold: node numbers are 32-bit signed integers.
pub const MAX_NODES: u32 = i32::MAX as u32;

/// Where things stand in the records of an index. All records have the same size.
///
/// | metric | word 0 | word 1 | word 2 | word 3 | vector |
/// | --- | --- | --- | --- | --- | --- |
/// | euclidean, manhattan | count | plane offset | child 0 | child 1 | from word 4 |
/// | angular | count | child 0, or an item's squared length | child 1 | | from word 3 |
/// | dot | count | child 0 | child 1 | extra coordinate | from word 4 |
/// | dot, [`Variant::WideDot`] | count | child 0 | child 1 | extra coordinate | from word 6 |
/// | hamming | count | child 0 | child 1 | | from word 4 |
/// | hamming, [`Variant::PackedHamming`] | count | child 0 | child 1 | | from word 3 |
///
/// A word is four bytes. Leaves list their items from the place of child 0 on to the record's end.
/// A vector has a word for each dimension, and under hamming, whose dimensions are bits, two words
/// for each 64 of them begun (see [`bits`]).
///
/// Under dot, items have an extra coordinate that makes all of them equally long: their inner
/// products with a query, whose extra coordinate is zero, are then in the order of the angles.
///
/// # Dimensions of hamming indexes
/// Python's Annoy counts bits, as here. `RcppAnnoy` counts 64-bit words: its dimension times 64 is
/// ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    metric: Metric,
    dim: usize,
    variant: Variant,
}

/// Record layouts that files of one metric have had. The metrics not named here have had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Variant {
    /// That of Annoy 1.17 and its later releases. Name: `released`.
    Released,
    /// Dot as the development version of Annoy has it after August 2023, in no release so far:
    /// records are eight bytes longer. Name: `wide-dot`.
    WideDot,
    /// Hamming as Annoy up to 1.16.3 has it: records are four bytes shorter. Name:
    /// `packed-hamming`.
    PackedHamming,
}

impl Variant {
    /// Every variant.
    pub const ALL: [Variant; 3] = [Variant::Released, Variant::WideDot, Variant::PackedHamming];

    /// The variants that files of `metric` can have, the usual one first.
    #[must_use]
    pub fn of(metric: Metric) -> &'static [Variant] {
        match metric {
            Metric::Dot => &[Variant::Released, Variant::WideDot],
            Metric::Hamming => &[Variant::Released, Variant::PackedHamming],
            _ => &[Variant::Released],
        }
    }

    /// The variant's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Variant::Released => "released",
            Variant::WideDot => "wide-dot",
            Variant::PackedHamming => "packed-hamming",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name of no [`Variant`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown record layout {name:?}: expected one of released, wide-dot, packed-hamming")]
pub struct UnknownVariant {
    /// The name as given.
    pub name: String,
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    /// Reads a name exactly as [`Variant::name`] writes it.
    fn from_str(name: &str) -> Result<Self, UnknownVariant> {
        Variant::ALL
            .into_iter()
            .find(|variant| variant.name() == name)
            .ok_or_else(|| UnknownVariant { name: name.to_owned() })
    }
}

/// A layout that no index can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The dimension is out of range.
    #[error("an index of {dim} dimensions: expected 1 to {most}")]
    Dimension {
        /// The dimension asked for.
        dim: usize,
        /// The largest under the metric.
        most: usize,
    },
    /// Files of the metric never had this layout.
    #[error("the record layout {variant} is none of metric {metric}")]
    Variant {
        /// The layout asked for.
        variant: Variant,
        /// The metric.
        metric: Metric,
    },
}

impl Layout {
    /// The largest dimension: a record's size in bytes stays below 2^31.
    pub const MAX_DIM: usize = (1 << 29) - 8;

    /// The largest dimension of a hamming index: numbers of bits are exact as `f32`.
    pub const MAX_BITS: usize = 1 << 24;

    /// The layout of `metric` in `dim` dimensions, in the variant that releases of Annoy write.
    ///
    /// # Errors
    /// [`LayoutError::Dimension`] unless `dim` is 1 to [`Layout::MAX_DIM`], and for hamming 1 to
    /// [`Layout::MAX_BITS`].
    pub fn new(metric: Metric, dim: usize) -> Result<Self, LayoutError> {
        let most = if metric == Metric::Hamming { Self::MAX_BITS } else { Self::MAX_DIM };
        if (1..=most).contains(&dim) {
            Ok(Layout { metric, dim, variant: Variant::Released })
        } else {
            Err(LayoutError::Dimension { dim, most })
        }
    }

    /// This layout in another variant.
    ///
    /// # Errors
    /// [`LayoutError::Variant`] if files of the metric never had it.
    pub fn with_variant(self, variant: Variant) -> Result<Self, LayoutError> {
        if Variant::of(self.metric).contains(&variant) {
            Ok(Layout { variant, ..self })
        } else {
            Err(LayoutError::Variant { variant, metric: self.metric })
        }
    }

    /// The metric.
    #[must_use]
    pub fn metric(self) -> Metric {
        self.metric
    }

    /// The number of dimensions, at least 1; under hamming in bits.
    #[must_use]
    pub fn dim(self) -> usize {
        self.dim
    }

    /// The variant.
    #[must_use]
    pub fn variant(self) -> Variant {
        self.variant
    }

    /// Words in a record.
    #[must_use]
    pub fn record_words(self) -> usize {
        self.vector_word() + self.vector_words()
    }

    /// Bytes in a record.
    #[must_use]
    pub fn record_bytes(self) -> usize {
        4 * self.record_words()
    }

    /// Items that a leaf can hold. A subtree of more items is split.
    #[must_use]
    pub fn leaf_capacity(self) -> usize {
        self.record_words() - self.children_word()
    }

    /// The word at which the vector, of an item or of a split's plane, begins.
    #[must_use]
    pub fn vector_word(self) -> usize {
        match (self.metric, self.variant) {
            (Metric::Angular, _) | (_, Variant::PackedHamming) => 3,
            (_, Variant::WideDot) => 6,
            _ => 4,
        }
    }

    /// Words in a vector.
    #[must_use]
    pub fn vector_words(self) -> usize {
        match self.metric {
            Metric::Hamming => bits::packed_len(self.dim),
            _ => self.dim,
        }
    }

    /// The word of child 0, where a leaf's list of items begins.
    #[must_use]
    pub fn children_word(self) -> usize {
        match self.metric {
            Metric::Euclidean | Metric::Manhattan => 2,
            _ => 1,
        }
    }

    /// The word of the plane's offset, where the metric has one.
    #[must_use]
    pub fn offset_word(self) -> Option<usize> {
        matches!(self.metric, Metric::Euclidean | Metric::Manhattan).then_some(1)
    }

    /// The word of the extra coordinate, under dot.
    #[must_use]
    pub fn extra_word(self) -> Option<usize> {
        (self.metric == Metric::Dot).then_some(3)
    }

    /// What `offset + normal · x` begins with at the split in `record`.
    ///
    /// Releases of Annoy add the square of the normal's extra coordinate under dot, where the
    /// product with the query's, zero, was meant; which side they take depends on it.
    pub(crate) fn plane_offset(self, record: &[u32]) -> f32 {
        match (self.offset_word(), self.extra_word(), self.variant) {
            (Some(word), ..) => f32::from_bits(record[word]),
            (None, Some(word), Variant::Released) => {
                let extra = f32::from_bits(record[word]);
                extra * extra
            }
            _ => 0.0,
        }
    }

    /// Writes the record of an item over `record`. Under hamming, components greater than 0.5 are
    /// set bits. Under dot the extra coordinate is left zero: see [`Layout::set_extra`].
    ///
    /// # Panics
    /// If `record` is not exactly one record, or `vector` has another dimension.
    pub fn write_item(self, record: &mut [u32], vector: &[f32]) {
        assert_eq!(record.len(), self.record_words(), "exactly one record");
        let (head, values) = record.split_at_mut(self.vector_word());
        head.fill(0);
        head[0] = 1;
        if self.metric == Metric::Angular {
            head[1] = kernel::dot(vector, vector).to_bits();
        }
        if self.metric == Metric::Hamming {
            assert_eq!(vector.len(), self.dim, "a vector of the layout's dimension");
            bits::pack_into(vector, values);
        } else {
            values.copy_from_slice(bytemuck::cast_slice(vector));
        }
    }

    /// Sets the extra coordinate of the item or split in `record` under dot; does nothing under
    /// others.
    ///
    /// # Panics
    /// If `record` is shorter than a record.
    pub fn set_extra(self, record: &mut [u32], extra: f32) {
        if let Some(word) = self.extra_word() {
            record[word] = extra.to_bits();
        }
    }

    /// Sets the squared length that the item in `record` has under angular, where it is not the sum
    /// that [`Layout::write_item`] computes; does nothing under others.
    ///
    /// # Panics
    /// If `record` is shorter than a record.
    pub fn set_squared_length(self, record: &mut [u32], squared_length: f32) {
        if self.metric == Metric::Angular {
            record[1] = squared_length.to_bits();
        }
    }

    /// Appends the record of an item.
    ///
    /// # Panics
    /// If `vector` does not have the layout's dimension.
    pub fn push_item(self, words: &mut Vec<u32>, vector: &[f32]) {
        let start = words.len();
        words.resize(start + self.record_words(), 0);
        self.write_item(&mut words[start..], vector);
    }

    /// Appends a leaf that lists `items` and says that `count` items are below it: their number,
    /// or in a root the number of all items of the index.
    ///
    /// # Panics
    /// If there are more items than a leaf can hold.
    pub fn push_leaf(self, words: &mut Vec<u32>, count: u32, items: &[u32]) {
        assert!(items.len() <= self.leaf_capacity(), "a leaf's items fit in it");
        let start = words.len();
        words.resize(start + self.children_word(), 0);
        words[start] = count;
        words.extend_from_slice(items);
        words.resize(start + self.record_words(), 0);
    }

    /// Appends a split by the plane `offset + normal · x = 0`, whose children are still to be set
    /// with [`Layout::set_children`]. The offset is dropped where the metric has none. Under dot the
    /// extra coordinate is left zero: releases of Annoy add its square where they should not.
    ///
    /// # Panics
    /// If `normal` does not have the layout's dimension, or the metric is hamming.
    pub fn push_split(self, words: &mut Vec<u32>, count: u32, normal: &[f32], offset: f32) {
        assert_ne!(self.metric, Metric::Hamming, "hamming splits by a bit");
        assert_eq!(normal.len(), self.dim, "a plane of the layout's dimension");
        let start = words.len();
        words.resize(start + self.vector_word(), 0);
        words[start] = count;
        if let Some(word) = self.offset_word() {
            words[start + word] = offset.to_bits();
        }
        words.extend(normal.iter().map(|value| value.to_bits()));
    }

    /// Appends a split by the bit `bit` of a hamming index, as numbered in [`crate::BitSplit`], whose
    /// children are still to be set.
    ///
    /// # Panics
    /// Under another metric, or if vectors do not have that bit.
    pub fn push_bit_split(self, words: &mut Vec<u32>, count: u32, bit: u32) {
        assert_eq!(self.metric, Metric::Hamming, "only hamming splits by a bit");
        assert!(bit < self.n_bits(), "bit {bit} of {}", self.n_bits());
        let start = words.len();
        words.resize(start + self.record_words(), 0);
        words[start] = count;
        words[start + self.vector_word()] = bit;
    }

    /// Bits in a vector of a hamming index, those that fill up the last word included.
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_BITS")]
    pub(crate) fn n_bits(self) -> u32 {
        32 * self.vector_words() as u32
    }

    /// Sets the children of the split in `record`: 0 is the side of negative values, or of items
    /// whose bit is not set.
    ///
    /// # Panics
    /// If `record` is shorter than a record.
    pub fn set_children(self, record: &mut [u32], children: [u32; 2]) {
        let word = self.children_word();
        record[word..word + 2].copy_from_slice(&children);
    }

    /// The children of the split in `record`.
    ///
    /// # Panics
    /// If `record` is shorter than a record.
    #[must_use]
    pub fn children(self, record: &[u32]) -> [u32; 2] {
        let word = self.children_word();
        [record[word], record[word + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_annoy() {
        let sizes = |metric, dim, variant| {
            let layout = Layout::new(metric, dim).unwrap().with_variant(variant).unwrap();
            (layout.record_bytes(), layout.leaf_capacity(), 4 * layout.vector_word())
        };
        let released = |metric, dim| sizes(metric, dim, Variant::Released);
        assert_eq!(released(Metric::Euclidean, 50), (216, 52, 16));
        assert_eq!(released(Metric::Manhattan, 50), (216, 52, 16));
        assert_eq!(released(Metric::Angular, 50), (212, 52, 12));
        assert_eq!(released(Metric::Dot, 50), (216, 53, 16));
        assert_eq!(sizes(Metric::Dot, 50, Variant::WideDot), (224, 55, 24));
        for (bits, words) in [(1, 1), (64, 1), (65, 2), (256, 4)] {
            assert_eq!(released(Metric::Hamming, bits), (16 + 8 * words, 2 * words + 3, 16));
            let packed = sizes(Metric::Hamming, bits, Variant::PackedHamming);
            assert_eq!(packed, (12 + 8 * words, 2 * words + 2, 12));
        }
    }

    #[test]
    fn impossible_layouts_are_refused() {
        for dim in [0, Layout::MAX_DIM + 1] {
            let error = Layout::new(Metric::Angular, dim).unwrap_err();
            assert!(error.to_string().starts_with(&format!("an index of {dim} dimensions")));
        }
        let largest = Layout::new(Metric::Dot, Layout::MAX_DIM).unwrap();
        assert!(largest.with_variant(Variant::WideDot).unwrap().record_bytes() < 1 << 31);
        let error = Layout::new(Metric::Hamming, Layout::MAX_BITS + 1).unwrap_err();
        assert!(error.to_string().ends_with("expected 1 to 16777216"), "{error}");
        let error = largest.with_variant(Variant::PackedHamming).unwrap_err();
        assert_eq!(error.to_string(), "the record layout packed-hamming is none of metric dot");
    }

    #[test]
    fn names_of_variants_round_trip() {
        for variant in Variant::ALL {
            assert_eq!(variant.name().parse(), Ok(variant));
        }
        assert!("wide".parse::<Variant>().is_err());
    }

    #[test]
    fn records_of_bits_and_of_products() {
        let bits = Layout::new(Metric::Hamming, 3).unwrap();
        let mut words = Vec::new();
        bits.push_item(&mut words, &[1.0, 0.0, 0.7]);
        bits.push_bit_split(&mut words, 9, 63);
        assert_eq!(words, [1, 0, 0, 0, 5, 0, 9, 0, 0, 0, 63, 0]);
        let dot = Layout::new(Metric::Dot, 1).unwrap();
        let mut words = Vec::new();
        dot.push_item(&mut words, &[2.0]);
        dot.set_extra(&mut words, 3.0);
        assert_eq!(words, [1, 0, 0, 3f32.to_bits(), 2f32.to_bits()]);
    }
}
