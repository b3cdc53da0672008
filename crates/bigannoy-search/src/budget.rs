//! How far a search goes.

/// How many items a search gathers from the trees before it ranks them.
///
/// Items are counted as often as trees lead to them, and only those that a filter admits. More give
/// a higher recall and a longer search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Budget {
    /// Neighbors sought times the number of roots, as in Annoy. Where a row is left out of its own
    /// neighbors, one more than `k` is sought. No tree has an item twice, so that with this budget
    /// `k` neighbors are found wherever there are so many.
    #[default]
    PerTree,
    /// So many: at least 1.
    Items(usize),
    /// All: each admitted item is compared with the query, and trees are not looked at. The answer
    /// is the exact one.
    Exhaustive,
}
