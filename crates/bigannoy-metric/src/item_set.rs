//! Sets of items, to say which of them are wanted.

use std::fmt;

/// A set of items of an index: one bit for each item, in or out.
///
/// A predicate over items becomes one with [`ItemSet::from_fn`]: it is asked once for each item and
/// not while a search goes on, so that answers depend on nothing else.
///
/// ```
/// use bigannoy_metric::ItemSet;
///
/// let even = ItemSet::from_fn(10, |item| item % 2 == 0);
/// let few = ItemSet::from_items(10, [0, 1, 2])?;
/// assert_eq!(even.len(), 5);
/// assert_eq!(even.without(&few).iter().collect::<Vec<_>>(), [4, 6, 8]);
/// # Ok::<(), bigannoy_metric::ItemOutOfRange>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ItemSet {
    n_items: u32,
    /// Bits behind the last item are zero.
    words: Vec<u64>,
}

impl ItemSet {
    /// No item of `n_items`.
    #[must_use]
    pub fn none(n_items: u32) -> Self {
        ItemSet { n_items, words: vec![0; (n_items as usize).div_ceil(64)] }
    }

    /// All of `n_items`.
    #[must_use]
    pub fn all(n_items: u32) -> Self {
        Self::none(n_items).complement()
    }

    /// The items, out of `n_items`, of which `wanted` is true. Each is asked about once, in order.
    #[must_use]
    pub fn from_fn(n_items: u32, mut wanted: impl FnMut(u32) -> bool) -> Self {
        let mut set = Self::none(n_items);
        for item in 0..n_items {
            set.words[item as usize / 64] |= u64::from(wanted(item)) << (item % 64);
        }
        set
    }

    /// `items`, counted from 0, out of `n_items`; in any order and as often as they come.
    ///
    /// # Errors
    /// [`ItemOutOfRange`]: the first that there is not.
    pub fn from_items(
        n_items: u32,
        items: impl IntoIterator<Item = u32>,
    ) -> Result<Self, ItemOutOfRange> {
        let mut set = Self::none(n_items);
        for item in items {
            if item >= n_items {
                return Err(ItemOutOfRange { item, n_items });
            }
            set.words[item as usize / 64] |= 1 << (item % 64);
        }
        Ok(set)
    }

    /// How many items there could be: the set is over `0..n_items`.
    #[must_use]
    pub fn n_items(&self) -> u32 {
        self.n_items
    }

    /// How many items are in the set. Cost: one pass over the bits.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether no item is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Whether `item` is in the set; one that there is not is in none.
    #[must_use]
    pub fn contains(&self, item: u32) -> bool {
        self.words.get(item as usize / 64).is_some_and(|word| word >> (item % 64) & 1 == 1)
    }

    /// The items that are not in the set.
    #[must_use]
    pub fn complement(mut self) -> Self {
        self.words.iter_mut().for_each(|word| *word = !*word);
        if let Some(last) = self.words.last_mut()
            && !self.n_items.is_multiple_of(64)
        {
            *last &= (1 << (self.n_items % 64)) - 1;
        }
        self
    }

    /// The items that are not in `other`.
    ///
    /// # Panics
    /// If the sets are over different numbers of items.
    #[must_use]
    pub fn without(mut self, other: &ItemSet) -> Self {
        assert_eq!(self.n_items, other.n_items, "sets over different numbers of items");
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
        self
    }

    /// The items in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0u32..).step_by(64).zip(&self.words).flat_map(|(first, &word)| {
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| first + rest.trailing_zeros())
        })
    }
}

impl fmt::Debug for ItemSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemSet({} of {} items)", self.len(), self.n_items)
    }
}

/// An item that is not among those that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemOutOfRange {
    /// The item, counted from 0.
    pub item: u32,
    /// How many there are.
    pub n_items: u32,
}

impl fmt::Display for ItemOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = u64::from(self.item) + 1;
        write!(f, "row {row} (counted from 1) is not among {} items", self.n_items)
    }
}

impl std::error::Error for ItemOutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn items_that_are_not_there_are_refused_and_in_no_set() {
        let error = ItemSet::from_items(64, [3, 64, 99]).unwrap_err();
        assert_eq!(error.to_string(), "row 65 (counted from 1) is not among 64 items");
        assert!(!ItemSet::all(64).contains(64));
        assert!(!ItemSet::all(65).contains(65));
        assert!(ItemSet::all(0).is_empty());
    }

    proptest! {
        #[test]
        fn it_is_the_set_that_it_says(
            n_items in 1u32..200, picks in proptest::collection::vec((any::<u32>(), any::<u32>()), 0..90),
        ) {
            let side = |of: fn(&(u32, u32)) -> u32| -> BTreeSet<u32> {
                picks.iter().map(|pick| of(pick) % n_items).collect()
            };
            let (a, b) = (side(|pick| pick.0), side(|pick| pick.1));
            let set = ItemSet::from_items(n_items, a.iter().rev().copied()).unwrap();
            let other = ItemSet::from_fn(n_items, |item| b.contains(&item));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len() as usize, a.len());
            prop_assert_eq!(set.is_empty(), a.is_empty());
            prop_assert!((0..n_items + 70).all(|item| set.contains(item) == a.contains(&item)));
            let rest = set.clone().complement();
            prop_assert_eq!(rest.len() + set.len(), n_items);
            prop_assert_eq!(&ItemSet::all(n_items).without(&set), &rest);
            let difference: Vec<u32> = a.difference(&b).copied().collect();
            prop_assert_eq!(set.without(&other).iter().collect::<Vec<_>>(), difference);
        }
    }
}
