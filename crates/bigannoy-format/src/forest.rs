//! An index as a whole: how many items, which roots, and its records one by one.

use bigannoy_metric::{Metric, Prepared, fetch_ahead};

use crate::{BitSplit, DamagedRecord, Layout, MAX_NODES, NodeId, OpenError, Record, Split};

/// What the bytes of an index say about the whole: found once, kept apart from the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForestShape {
    layout: Layout,
    n_items: u32,
    n_nodes: u32,
    roots: Vec<NodeId>,
}

impl ForestShape {
    /// Looks at the end of `bytes` for the roots, as Annoy's loader does.
    ///
    /// Cost: one step for each root. Where all items fit in one leaf, the roots and their copies
    /// cannot be told apart and `q` trees are reported as `2q - 1`, as by Annoy; with a single item,
    /// whose own record looks like a root too, as `2q` or `2q + 1`. Answers do not change by that,
    /// only the default search budget does.
    ///
    /// An index without items, `2q` records of zeros, is refused, though Annoy loads it and finds
    /// nothing: no `k` could be asked of it, it would pass under every metric and many dimensions,
    /// and a build on disk that was broken off leaves the same bytes. To see that a file is one, all of
    /// it is read.
    ///
    /// # Errors
    /// [`OpenError`]: the bytes cannot be an index of this layout.
    pub fn read(bytes: &[u8], layout: Layout) -> Result<Self, OpenError> {
        let record_bytes = layout.record_bytes();
        if bytes.is_empty() {
            return Err(OpenError::Empty { record_bytes });
        }
        if !bytes.len().is_multiple_of(record_bytes) {
            return Err(OpenError::NotWholeRecords { found: bytes.len(), record_bytes });
        }
        let words: &[u32] = bytemuck::try_cast_slice(bytes).map_err(|_| OpenError::Unaligned)?;
        let records = bytes.len() / record_bytes;
        let n_nodes = u32::try_from(records)
            .ok()
            .filter(|&records| records <= MAX_NODES)
            .ok_or(OpenError::TooManyRecords { found: records })?;

        let record = |id: u32| {
            let start = id as usize * layout.record_words();
            &words[start..start + layout.record_words()]
        };
        let last = n_nodes - 1;
        let n_items = record(last)[0];
        if n_items == 0 && words.iter().all(|&word| word == 0) {
            return Err(OpenError::NoItems { records });
        }
        // A root comes after at least all items.
        if n_items == 0 || n_items > last {
            return Err(OpenError::NoRoot {
                record: last as usize,
                count: n_items.cast_signed(),
                records,
            });
        }
        // The root over one item lists item 0 and is empty otherwise; an item has a vector, or,
        // if that is zero too, stands where no root can.
        if n_items == 1 && record(last)[1..].iter().any(|&word| word != 0) {
            return Err(OpenError::NoTrees);
        }
        let mut roots: Vec<NodeId> =
            (0..n_nodes).rev().take_while(|&id| record(id)[0] == n_items).map(NodeId).collect();
        // The original of the last tree's root stands right before the copies.
        if let [first, .., oldest] = roots[..]
            && layout.children(record(first.0))[0] == layout.children(record(oldest.0))[0]
        {
            roots.pop();
        }
        Ok(ForestShape { layout, n_items, n_nodes, roots })
    }

    /// The index whose shape this is.
    ///
    /// # Panics
    /// If `bytes` has another length than the bytes that the shape was read from, or another
    /// alignment.
    #[must_use]
    pub fn over<'a>(&'a self, bytes: &'a [u8]) -> Forest<'a> {
        let words: &[u32] = bytemuck::cast_slice(bytes);
        assert_eq!(words.len(), self.n_nodes as usize * self.layout.record_words(), "same bytes");
        Forest { words, shape: self }
    }

    /// Metric, dimension and record size.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Items, gaps in the ids included: the largest item id plus one. At least 1.
    #[must_use]
    pub fn n_items(&self) -> u32 {
        self.n_items
    }

    /// The number of records.
    #[must_use]
    pub fn n_nodes(&self) -> u32 {
        self.n_nodes
    }

    /// The roots, last tree first: at least one. Their number is what Annoy reports as the number
    /// of trees after loading, and what its default search budget grows with.
    #[must_use]
    pub fn roots(&self) -> &[NodeId] {
        &self.roots
    }
}

/// An index in memory: bytes in Annoy's layout and their [`ForestShape`].
#[derive(Clone, Copy, Debug)]
pub struct Forest<'a> {
    words: &'a [u32],
    shape: &'a ForestShape,
}

impl<'a> Forest<'a> {
    /// What the index is as a whole.
    #[must_use]
    pub fn shape(&self) -> &'a ForestShape {
        self.shape
    }

    /// The record numbered `id`.
    ///
    /// # Errors
    /// [`DamagedRecord`] where there is no such record or it breaks a rule that every index keeps:
    /// children come before their parents, a leaf holds no more items than fit, items exist.
    pub fn record(&self, id: NodeId) -> Result<Record<'a>, DamagedRecord> {
        if id.0 >= self.shape.n_nodes {
            return Err(self.damaged(id, format!("is past the {} records", self.shape.n_nodes)));
        }
        let layout = self.shape.layout;
        let words = self.words_of(id.0);
        let count = words[0];
        if id.0 < self.shape.n_items {
            // A gap in the ids is a leaf of nothing.
            return match count {
                0 => Ok(Record::Leaf(&[])),
                1 => Ok(Record::Item(id.0)),
                _ => Err(self.damaged(id, format!("is an item but counts {count} items"))),
            };
        }
        if count > self.shape.n_items {
            let problem = format!("counts {} items of {}", count.cast_signed(), self.shape.n_items);
            return Err(self.damaged(id, problem));
        }
        if count as usize <= layout.leaf_capacity() {
            let items = &words[layout.children_word()..][..count as usize];
            // All are compared, several at a time; which it is only matters where there is one.
            let beyond = |item: u32| item >= self.shape.n_items;
            if items.iter().fold(false, |any, &item| any | beyond(item))
                && let Some(item) = items.iter().find(|&&item| beyond(item))
            {
                let problem = format!("lists item {item} of {}", self.shape.n_items);
                return Err(self.damaged(id, problem));
            }
            return Ok(Record::Leaf(items));
        }
        let children = layout.children(words);
        if let Some(child) = children.iter().find(|&&child| child >= id.0) {
            let problem = format!("has the child {child}, which does not come before it");
            return Err(self.damaged(id, problem));
        }
        let children = children.map(NodeId);
        let plane = &words[layout.vector_word()..];
        if layout.metric() == Metric::Hamming {
            // The number has 64 bits.
            let bit = plane[0];
            if bit >= layout.n_bits() || plane[1] != 0 {
                let bit = u64::from(plane[1]) << 32 | u64::from(bit);
                let problem = format!("splits by bit {bit} of {}", layout.n_bits());
                return Err(self.damaged(id, problem));
            }
            return Ok(Record::BitSplit(BitSplit { bit, children }));
        }
        Ok(Record::Split(Split {
            normal: bytemuck::cast_slice(plane),
            offset: layout.plane_offset(words),
            children,
        }))
    }

    /// The items of a leaf that [`Forest::record`] has found to list `count` of them, without checking
    /// it again.
    ///
    /// # Panics
    /// If there is no such record, or a leaf holds fewer.
    #[must_use]
    #[inline]
    pub fn leaf_items(&self, id: NodeId, count: usize) -> &'a [u32] {
        &self.words_of(id.0)[self.shape.layout.children_word()..][..count]
    }

    /// Has the processor fetch the record numbered `id`, if there is one, while it goes on with other
    /// work.
    #[inline]
    pub fn fetch_ahead(&self, id: NodeId) {
        if id.0 < self.shape.n_nodes {
            fetch_ahead(self.words_of(id.0));
        }
    }

    /// Whether `item` is there, or a gap in the ids.
    ///
    /// # Panics
    /// If `item >= n_items`.
    #[must_use]
    pub fn is_present(&self, item: u32) -> bool {
        self.item_record(item)[0] == 1
    }

    /// The vector of `item`. All zeros for a gap.
    ///
    /// # Panics
    /// If `item >= n_items`, or under hamming, whose items are bits.
    #[must_use]
    pub fn vector(&self, item: u32) -> &'a [f32] {
        assert_ne!(self.shape.layout.metric(), Metric::Hamming, "items are bits");
        bytemuck::cast_slice(self.vector_words(item))
    }

    /// The packed bits of `item` under hamming (see [`bigannoy_metric::bits`]). All zeros for a gap.
    ///
    /// # Panics
    /// If `item >= n_items`, or under another metric.
    #[must_use]
    pub fn bits(&self, item: u32) -> &'a [u32] {
        assert_eq!(self.shape.layout.metric(), Metric::Hamming, "items are vectors of numbers");
        self.vector_words(item)
    }

    /// `item`, made ready to be compared with others.
    ///
    /// # Panics
    /// If `item >= n_items`.
    #[must_use]
    pub fn prepared(&self, item: u32) -> Prepared<'a> {
        match self.shape.layout.metric() {
            Metric::Hamming => Prepared::of_bits(self.bits(item)),
            metric => Prepared::new(metric, self.vector(item)),
        }
    }

    /// The comparable distance of `item` to `query` (see [`Prepared::comparable`]).
    ///
    /// # Panics
    /// If `item >= n_items`, or `query` has another metric or dimension.
    #[must_use]
    pub fn comparable(&self, query: &Prepared<'_>, item: u32) -> f32 {
        match self.shape.layout.metric() {
            Metric::Hamming => query.comparable_bits(self.bits(item)),
            _ => query.comparable(self.vector(item), self.squared_length(item)),
        }
    }

    fn vector_words(&self, item: u32) -> &'a [u32] {
        &self.item_record(item)[self.shape.layout.vector_word()..]
    }

    /// The squared length of `item`'s vector, where the layout stores one.
    ///
    /// # Panics
    /// If `item >= n_items`.
    #[must_use]
    pub fn squared_length(&self, item: u32) -> Option<f32> {
        match self.shape.layout.metric() {
            Metric::Angular => Some(f32::from_bits(self.item_record(item)[1])),
            _ => None,
        }
    }

    /// The words of the record of `item`.
    ///
    /// # Panics
    /// If `item >= n_items`.
    #[must_use]
    pub fn item_record(&self, item: u32) -> &'a [u32] {
        assert!(item < self.shape.n_items, "item {item} of {}", self.shape.n_items);
        self.words_of(item)
    }

    /// The words of the record numbered `id`, unchecked.
    pub(crate) fn words(&self, id: NodeId) -> &'a [u32] {
        self.words_of(id.0)
    }

    /// How many items the record numbered `id` says are below it; an item says 1, a gap 0.
    pub(crate) fn count(&self, id: NodeId) -> u32 {
        self.words_of(id.0)[0]
    }

    fn words_of(&self, id: u32) -> &'a [u32] {
        let size = self.shape.layout.record_words();
        &self.words[id as usize * size..][..size]
    }

    /// The error that says what is wrong with record `id`.
    #[cold]
    #[must_use]
    pub fn damaged(&self, id: NodeId, problem: impl Into<String>) -> DamagedRecord {
        let byte_offset = u64::from(id.0) * self.shape.layout.record_bytes() as u64;
        DamagedRecord { record: id.0, byte_offset, problem: problem.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Variant;
    use proptest::prelude::*;

    const LAYOUT: fn() -> Layout = || Layout::new(Metric::Euclidean, 1).unwrap();

    /// Four items, two trees of a split over two leaves each, the copies of the roots.
    fn two_trees() -> Vec<u32> {
        let layout = LAYOUT(); // a leaf holds three items
        let mut words = Vec::new();
        for item in 0..4u8 {
            layout.push_item(&mut words, &[f32::from(item)]);
        }
        let size = layout.record_words();
        for first in [4, 7] {
            layout.push_leaf(&mut words, 2, &[0, 1]);
            layout.push_leaf(&mut words, 2, &[2, 3]);
            layout.push_split(&mut words, 4, &[1.0], -1.5);
            let root = words.len() - size;
            layout.set_children(&mut words[root..], [first, first + 1]);
        }
        for root in [6, 9] {
            words.extend_from_within(root * size..(root + 1) * size);
        }
        words
    }

    #[test]
    fn roots_are_found_from_the_end_and_the_last_original_is_dropped() {
        let words = two_trees();
        let bytes = bytemuck::cast_slice(&words);
        let shape = ForestShape::read(bytes, LAYOUT()).unwrap();
        assert_eq!((shape.n_items(), shape.n_nodes()), (4, 12));
        assert_eq!(shape.roots(), [NodeId(11), NodeId(10)]);
        let forest = shape.over(bytes);
        let Record::Split(split) = forest.record(NodeId(10)).unwrap() else { panic!("a split") };
        assert_eq!((split.normal, split.offset), (&[1.0][..], -1.5));
        assert_eq!(split.children, [NodeId(4), NodeId(5)]);
        assert_eq!(forest.record(NodeId(4)), Ok(Record::Leaf(&[0, 1])));
        assert_eq!(forest.record(NodeId(2)), Ok(Record::Item(2)));
    }

    #[test]
    fn bytes_that_cannot_be_an_index_are_refused() {
        let words = two_trees();
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        let read = |bytes| ForestShape::read(bytes, LAYOUT());
        assert_eq!(read(&[]), Err(OpenError::Empty { record_bytes: 20 }));
        assert_eq!(
            read(&bytes[..30]),
            Err(OpenError::NotWholeRecords { found: 30, record_bytes: 20 })
        );
        // Cut after the last leaf: its count of 2 passes for a number of items, and nothing but
        // the sidecar's file size can tell. Cut within the items it is recognised.
        assert_eq!(read(&bytes[..40]), Err(OpenError::NoTrees));
        let mut negative = words.clone();
        negative[11 * 5] = u32::MAX;
        assert!(matches!(
            read(bytemuck::cast_slice(&negative)),
            Err(OpenError::NoRoot { record: 11, count: -1, records: 12 })
        ));
        let mut gap = words.clone();
        gap[11 * 5..].fill(0);
        assert!(matches!(
            read(bytemuck::cast_slice(&gap)),
            Err(OpenError::NoRoot { record: 11, count: 0, .. })
        ));
    }

    /// What Annoy saves of an index to which nothing was added: two records for each tree.
    #[test]
    fn an_index_without_items_is_told_as_such() {
        for metric in Metric::ALL {
            for &variant in Variant::of(metric) {
                let layout = Layout::new(metric, 2).unwrap().with_variant(variant).unwrap();
                for trees in 1..4 {
                    let words = vec![0u32; 2 * trees * layout.record_words()];
                    let bytes = bytemuck::cast_slice(&words);
                    let detected = layout.detect(bytes).unwrap();
                    let records = bytes.len() / detected.record_bytes();
                    let error = ForestShape::read(bytes, detected).unwrap_err();
                    assert_eq!(error, OpenError::NoItems { records }, "{metric} {variant}");
                    let expected = format!("no items: all of its {records} records are zero");
                    assert!(error.to_string().contains(&expected), "{error}");
                }
            }
        }
    }

    #[test]
    fn damaged_records_say_which_and_why() {
        let (size, layout) = (5, LAYOUT());
        let check = |record: u32, word: usize, value: u32, expected: &str| {
            let mut words = two_trees();
            words[record as usize * size + word] = value;
            let bytes = bytemuck::cast_slice(&words);
            let shape = ForestShape::read(bytes, layout).unwrap();
            let error = shape.over(bytes).record(NodeId(record)).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.byte_offset, u64::from(record) * 20);
        };
        check(10, 2, 10, "has the child 10, which does not come before it");
        check(4, 2, 4, "lists item 4 of 4");
        check(4, 0, (-5i32).cast_unsigned(), "counts -5 items of 4");
        check(1, 0, 3, "is an item but counts 3 items");
    }

    #[test]
    fn one_item_is_an_index_and_items_alone_are_not() {
        for metric in Metric::ALL {
            let layout = Layout::new(metric, 3).unwrap();
            let mut words = Vec::new();
            layout.push_item(&mut words, &[1.0, 2.0, 3.0]);
            layout.push_item(&mut words, &[1.0, 2.0, 4.0]);
            assert_eq!(
                ForestShape::read(bytemuck::cast_slice(&words), layout),
                Err(OpenError::NoTrees)
            );
            words.truncate(layout.record_words());
            layout.push_leaf(&mut words, 1, &[0]);
            layout.push_leaf(&mut words, 1, &[0]);
            let shape = ForestShape::read(bytemuck::cast_slice(&words), layout).unwrap();
            assert_eq!(shape.n_items(), 1);
            let bytes = bytemuck::cast_slice(&words);
            for &root in shape.roots() {
                assert!(matches!(
                    shape.over(bytes).record(root),
                    Ok(Record::Leaf([0]) | Record::Item(0))
                ));
            }
        }
    }

    proptest! {
        /// Whatever the bytes: an error, or records that keep the rules.
        #[test]
        fn any_words_are_read_safely(
            words in proptest::collection::vec(prop_oneof![0u32..12, any::<u32>()], 0..120),
            dim in 1usize..5, metric in proptest::sample::select(&Metric::ALL[..]),
            usual in any::<bool>(),
        ) {
            let variants = Variant::of(metric);
            let variant = if usual { variants[0] } else { variants[variants.len() - 1] };
            let layout = Layout::new(metric, dim).unwrap().with_variant(variant).unwrap();
            let whole = words.len() / layout.record_words() * layout.record_words();
            let bytes = bytemuck::cast_slice(&words[..whole]);
            if let Ok(shape) = ForestShape::read(bytes, layout) {
                let forest = shape.over(bytes);
                for id in (0..=shape.n_nodes()).map(NodeId) {
                    match forest.record(id) {
                        Ok(Record::Split(split)) =>
                            prop_assert!(split.children.iter().all(|&child| child < id)),
                        Ok(Record::BitSplit(split)) => {
                            prop_assert!(split.children.iter().all(|&child| child < id));
                            prop_assert!(split.side(&vec![0; layout.vector_words()]) == 0);
                        }
                        Ok(Record::Leaf(items)) =>
                            prop_assert!(items.iter().all(|&item| item < shape.n_items())),
                        Ok(Record::Item(item)) => prop_assert!(forest.is_present(item)),
                        Err(error) => prop_assert_eq!(error.record, id.0),
                    }
                }
            }
        }
    }
}
