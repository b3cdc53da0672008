//! How neighbors are looked for.

use std::fmt;
use std::str::FromStr;

use bigannoy_metric::Metric;

/// How neighbors are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// As Annoy does: items are gathered from all trees, those behind the largest margins first. The
    /// answers are Annoy's for the same file, query and budget.
    #[default]
    Annoy,
    /// Every item belongs to the nearest of some middles, which begin as the means of subtrees of the first
    /// tree, and those of one middle are a cell. A query is compared with all items of the cells with the
    /// nearest middles, as many cells as are needed to have as many items as the budget says (elsewhere
    /// called an inverted file). Annoy has nothing like it.
    ///
    /// The answers are a function of the index, the query and the budget, on every processor and any number
    /// of threads. Every item is in one cell, so that one tree does, and a budget of as many items as there are
    /// gives the exact answer. In batches of a thousand queries and more it is several times as fast as
    /// [`Strategy::Annoy`] at the same recall; a single query has no others to share the way with.
    ///
    /// For euclidean, angular and dot. Under dot, where long vectors have large products and are near nothing, cells
    /// are made with one coordinate more, what a vector is short of a length that one in fifty exceeds; and a query takes
    /// cells by its product with their middles and half their spread. With [`Budget::PerTree`](crate::Budget::PerTree), the default, a
    /// sixteenth of all items is compared, and at least 100 for each neighbor sought. Where the first tree is
    /// damaged or does not lead to every item, that is an error.
    ///
    /// The first search makes the cells, on as many threads as the pool has and in about the time of two
    /// or three trees, and they are kept with the open index. Memory, for each item of up to 64 dimensions a byte for
    /// each and 25, of more 20; and for each of about `2 sqrt(n)` cells up to `20 dim + 400` bytes; while
    /// they are made 24 bytes an item more. A thread takes 4 bytes for each cell that a query of its block
    /// visits, and about 300 and 16 for each neighbor for each query. With
    /// [`Sketching::Never`](crate::Sketching::Never) items have no codes, 4 bytes each, and all that are
    /// compared are read from the index.
    Cells,
}

impl Strategy {
    /// Every strategy, the default first.
    pub const ALL: [Strategy; 2] = [Strategy::Annoy, Strategy::Cells];

    /// Whether indexes of this metric can be searched so.
    #[must_use]
    pub fn knows(self, metric: Metric) -> bool {
        match self {
            Strategy::Annoy => true,
            Strategy::Cells => matches!(metric, Metric::Euclidean | Metric::Angular | Metric::Dot),
        }
    }

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
