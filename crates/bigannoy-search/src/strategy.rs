//! How neighbors are looked for.

use std::fmt;
use std::str::FromStr;

/// How neighbors are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// As Annoy does: items are gathered from all trees, those behind the largest margins first. The
    /// answers are Annoy's for the same file, query and budget.
    #[default]
    Annoy,
    /// All items are divided into cells, which begin as subtrees of the first tree and then take the
    /// items that are nearest to their middles. A query is compared with all items of the nearest cells,
    /// as many cells as are needed to have as many items as the budget says. Annoy has nothing like it.
    ///
    /// The answers are a function of the index, the query and the budget. Every item is in one cell, so that
    /// one tree does, and a budget of as many items as there are gives the exact answer. In batches it is several times as fast
    /// as [`Strategy::Annoy`] at the same recall; a single query is compared with each item of
    /// its cells nonetheless.
    ///
    /// For euclidean, angular and dot. With [`Budget::PerTree`](crate::Budget::PerTree), the default, a sixteenth of all items is
    /// compared, and at least 100 for each neighbor sought.
    ///
    /// The first search makes the cells, which takes about as long as building a tree, on all threads of
    /// the pool; they are kept with the open index. Memory, for each item of up to 64 dimensions
    /// a byte a dimension and 25; beyond that and 20; and about `2 sqrt(n)` cells with `8 dim + 700`
    /// bytes each. A thread takes 4 bytes for each cell that a query of its block visits,
    /// and about 400 for each query. With [`Sketching::Never`](crate::Sketching::Never) there are
    /// 4 bytes for each item, and vectors are read from the index.
    Cells,
}

impl Strategy {
    /// Every strategy, the default first.
    pub const ALL: [Strategy; 2] = [Strategy::Annoy, Strategy::Cells];

    /// The name, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Annoy => "annoy",
            Strategy::Cells => "cells",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no strategy has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown strategy {name:?}: expected annoy or cells")]
pub struct UnknownStrategy {
    /// The name as given.
    pub name: String,
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    /// Reads a name exactly as [`Strategy::name`] writes it.
    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        let found = Strategy::ALL.into_iter().find(|strategy| strategy.name() == name);
        found.ok_or_else(|| UnknownStrategy { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
            let message = "ivf".parse::<Strategy>().unwrap_err().to_string();
            assert!(message.contains(strategy.name()), "{message}");
        }
    }
}
