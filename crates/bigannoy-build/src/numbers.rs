//! Numbers for the records of all trees, of which a file has a limited supply.

use crate::BuildError;

/// Gives the trees of a forest their numbers, one after the other, and keeps some for those still to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    /// Records that a file can hold.
    limit: u64,
    trees: usize,
    /// Records of the smallest tree that there could be.
    least: u64,
    /// Trees that have their numbers.
    taken: usize,
    /// Records of the items and of these trees. The copies of roots come behind all trees.
    end: u64,
}

impl Numbers {
    /// Numbers for `trees` trees of `n_items` items, in a file of at most `limit` records.
    ///
    /// # Errors
    /// [`BuildError::TooManyTrees`] if they do not fit however small they turn out to be.
    pub(crate) fn new(
        limit: u32,
        n_items: u32,
        leaf_capacity: usize,
        trees: usize,
    ) -> Result<Self, BuildError> {
        let least = least_records(n_items, leaf_capacity);
        let numbers = Numbers { limit: limit.into(), trees, least, taken: 0, end: n_items.into() };
        numbers.check(0)?;
        Ok(numbers)
    }

    /// Takes the numbers of the next tree, which has `records` records; returns the first of them.
    ///
    /// # Errors
    /// [`BuildError::TooManyTrees`] if there are not enough for this tree, those still to come, and the copies
    /// of all roots.
    pub(crate) fn take(&mut self, records: u32) -> Result<u32, BuildError> {
        debug_assert!(u64::from(records) >= self.least, "a tree smaller than any could be");
        let first = self.end;
        self.end += u64::from(records);
        self.taken += 1;
        self.check(self.taken - 1)?;
        Ok(narrow(first))
    }

    /// Records of the items, the trees so far, and the copies of their roots.
    pub(crate) fn used(&self) -> u32 {
        narrow(self.end + self.taken as u64)
    }

    /// Fails if the trees so far, of which `fitted` are known to fit, leave no room for the others.
    fn check(&self, fitted: usize) -> Result<(), BuildError> {
        let used = self.end + self.taken as u64;
        let fit = match self.limit.checked_sub(used) {
            None => fitted,
            Some(left) => {
                let others = usize::try_from(left / (self.least + 1)).unwrap_or(usize::MAX);
                self.taken.saturating_add(others)
            }
        };
        if fit < self.trees {
            return Err(BuildError::TooManyTrees { asked: self.trees, fit });
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most the limit, which has 32 bits")]
fn narrow(at: u64) -> u32 {
    at as u32
}

/// A lower bound of the records of a tree of `n_items` items, the copy of its root not counted, whatever the
/// items are and whoever chooses the planes.
///
/// A set becomes a leaf, which is a record and lists at most `K = leaf_capacity` items; or a single item below a
/// split, which is no record; or a split, which is a record with two sets below. So `l` leaves and `s` single items
/// have `l + s - 1` splits above them, and the tree has `2 l + s - 1` records, where `s + K l >= n`. With `l` at
/// most `q = n / K`, rounded down, `2 l + s` is at least `n - (K - 2) l`, and so at least `2 q + n % K`, since `K`
/// is more than 2; with more leaves it is at least `2 q + 2`. A root is a record even if there is but one item.
fn least_records(n_items: u32, leaf_capacity: usize) -> u64 {
    let (n, capacity) = (u64::from(n_items), leaf_capacity as u64);
    (2 * (n / capacity) + (n % capacity).min(2)).saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(result: Result<impl std::fmt::Debug, BuildError>) -> usize {
        match result.unwrap_err() {
            BuildError::TooManyTrees { fit, .. } => fit,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_bound_is_that_of_the_best_way_to_cut() {
        for capacity in 3..8 {
            // Records of the smallest subtree of each number of items, by trying every cut.
            let mut best = vec![0, 0];
            for n in 2..80 {
                let cut = (1..n).map(|side| 1 + best[side] + best[n - side]).min().unwrap();
                best.push(if n <= capacity { 1 } else { cut });
            }
            best[1] = 1; // a root
            for (n, &best) in (0..).zip(&best).skip(1) {
                assert_eq!(least_records(n, capacity), best, "{n} items, {capacity} in a leaf");
            }
        }
    }

    #[test]
    fn numbers_go_on_from_the_items_and_leave_room_for_the_copies() {
        // 10 items, trees of 7 records, 3 copies.
        for limit in [34, 100] {
            let mut numbers = Numbers::new(limit, 10, 3, 3).unwrap();
            assert_eq!([(); 3].map(|()| numbers.take(7).unwrap()), [10, 17, 24]);
            assert_eq!(numbers.used(), 34);
        }
    }

    #[test]
    fn a_tree_that_is_too_large_is_told_of_when_it_comes() {
        // At least 6 records: 3 trees and their copies could have fitted, the largest of them does not.
        let mut numbers = Numbers::new(33, 10, 3, 3).unwrap();
        numbers.take(7).unwrap();
        numbers.take(7).unwrap();
        assert_eq!(fit(numbers.take(7)), 2);
    }

    #[test]
    fn trees_to_come_are_missed_as_soon_as_it_is_sure() {
        let mut numbers = Numbers::new(80, 10, 3, 10).unwrap();
        // Each takes 7 with its copy, 70 in all. One that takes 9 leaves 61, enough for 8 others.
        assert_eq!(fit(numbers.take(8)), 9);
        // Seven that take 10 leave 20 of 90, enough for 2 others.
        let mut numbers = Numbers::new(100, 10, 3, 10).unwrap();
        for _ in 0..6 {
            numbers.take(9).unwrap();
        }
        assert_eq!(fit(numbers.take(9)), 9);
    }

    #[test]
    fn what_cannot_fit_is_refused_before_anything_grows() {
        assert_eq!(fit(Numbers::new(79, 10, 3, 10)), 9);
        assert_eq!(fit(Numbers::new(11, 10, 10, 1)), 0);
        assert_eq!(fit(Numbers::new(9, 10, 10, 1)), 0);
        assert_eq!(Numbers::new(12, 10, 10, 1).unwrap().take(1).unwrap(), 10);
        assert!(Numbers::new(u32::MAX, 1, 3, usize::MAX).is_err());
    }
}
