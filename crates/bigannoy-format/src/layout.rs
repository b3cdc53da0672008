//! Sizes and places within one record.

use bigannoy_metric::{Metric, kernel};

/// Records that a file can hold: node numbers are 32-bit signed integers.
pub const MAX_NODES: u32 = i32::MAX as u32;

/// Where things stand in the records of an index. All records have the same size.
///
/// | metric | word 0 | word 1 | word 2 | word 3 | vector |
/// | --- | --- | --- | --- | --- | --- |
/// | euclidean | count | plane offset | child 0 | child 1 | from word 4 |
/// | angular | count | child 0, or an item's squared length | child 1 | | from word 3 |
///
/// A word is four bytes. Leaves list their items from the place of child 0 on to the record's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    metric: Metric,
    dim: usize,
}

/// A dimension that no index can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an index of {dim} dimensions: expected 1 to {max}", max = Layout::MAX_DIM)]
pub struct LayoutError {
    /// The dimension asked for.
    pub dim: usize,
}

impl Layout {
    /// The largest dimension: a record's size in bytes stays below 2^31.
    pub const MAX_DIM: usize = (1 << 29) - 8;

    /// The layout of `metric` in `dim` dimensions.
    ///
    /// # Errors
    /// [`LayoutError`] unless `dim` is 1 to [`Layout::MAX_DIM`].
    pub fn new(metric: Metric, dim: usize) -> Result<Self, LayoutError> {
        if (1..=Self::MAX_DIM).contains(&dim) {
            Ok(Layout { metric, dim })
        } else {
            Err(LayoutError { dim })
        }
    }

    /// The metric.
    #[must_use]
    pub fn metric(self) -> Metric {
        self.metric
    }

    /// The number of dimensions, at least 1.
    #[must_use]
    pub fn dim(self) -> usize {
        self.dim
    }

    /// Words in a record.
    #[must_use]
    pub fn record_words(self) -> usize {
        self.vector_word() + self.dim
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
        match self.metric {
            Metric::Angular => 3,
            _ => 4,
        }
    }

    /// The word of child 0, where a leaf's list of items begins.
    #[must_use]
    pub fn children_word(self) -> usize {
        match self.metric {
            Metric::Angular => 1,
            _ => 2,
        }
    }

    /// The word of the plane's offset, where the metric has one.
    #[must_use]
    pub fn offset_word(self) -> Option<usize> {
        match self.metric {
            Metric::Angular => None,
            _ => Some(1),
        }
    }

    /// Writes the record of an item over `record`.
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
        values.copy_from_slice(bytemuck::cast_slice(vector));
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
    /// with [`Layout::set_children`]. The offset is dropped where the metric has none.
    ///
    /// # Panics
    /// If `normal` does not have the layout's dimension.
    pub fn push_split(self, words: &mut Vec<u32>, count: u32, normal: &[f32], offset: f32) {
        assert_eq!(normal.len(), self.dim, "a plane of the layout's dimension");
        let start = words.len();
        words.resize(start + self.vector_word(), 0);
        words[start] = count;
        if let Some(word) = self.offset_word() {
            words[start + word] = offset.to_bits();
        }
        words.extend(normal.iter().map(|value| value.to_bits()));
    }

    /// Sets the children of the split in `record`: 0 is the side of negative values.
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
        let euclidean = Layout::new(Metric::Euclidean, 50).unwrap();
        assert_eq!((euclidean.record_bytes(), euclidean.leaf_capacity()), (216, 52));
        let angular = Layout::new(Metric::Angular, 50).unwrap();
        assert_eq!((angular.record_bytes(), angular.leaf_capacity()), (212, 52));
    }

    #[test]
    fn impossible_dimensions_are_refused() {
        for dim in [0, Layout::MAX_DIM + 1] {
            let error = Layout::new(Metric::Angular, dim).unwrap_err();
            assert!(error.to_string().starts_with(&format!("an index of {dim} dimensions")));
        }
        let largest = Layout::new(Metric::Euclidean, Layout::MAX_DIM).unwrap();
        assert!(largest.record_bytes() < 1 << 31);
    }
}
