//! The strategy of cells: items that are near each other, looked at together.
//!
//! Each item is in the cell of the nearest of some middles ([`partition`]). A query visits cells in the order of the distance
//! from their middles ([`centres`]), ties by number, until those visited hold as many items as are to
//! be compared; the nearest of all these items, as distances and ties are ranked anywhere, are the
//! answer. So it is a function of the index, the query and the budget. Everything else is a matter of
//! speed: many queries go from cell to cell together ([`search`]), codes of the items that lie in the
//! order of cells ([`codes`]) exclude nearly all that is too far, by bounds that are proved
//! ([`bounds`]), and the rest is ranked from the index.

mod answer;
mod bounds;
mod centres;
mod codes;
mod partition;
mod search;
mod spread;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use bigannoy_format::Forest;

use self::codes::Codes;
use self::partition::Partition;
use self::spread::Spread;
use crate::interrupt::Interrupt;
use crate::{SearchError, Sketching};

pub(crate) use self::search::Asked;

/// What is kept of cells with an index, once a search has wanted it.
#[derive(Debug, Default)]
pub(crate) struct KeptCells {
    partition: Kept<Partition>,
    /// Nothing inside where there are no codes for the index.
    codes: Kept<Option<Codes>>,
}

/// Something that whoever wants it first makes, while others wait.
#[derive(Debug)]
struct Kept<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// It. What failed is tried anew by the next.
    fn get(&self, make: impl FnOnce() -> Result<T, SearchError>) -> Result<Arc<T>, SearchError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*kept {
            return Ok(made.clone());
        }
        let made = Arc::new(make()?);
        *kept = Some(made.clone());
        Ok(made)
    }
}

/// The cells of an index.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    partition: Arc<Partition>,
    codes: Arc<Option<Codes>>,
}

impl KeptCells {
    /// The cells; whoever comes first makes them, on as many threads as the pool has.
    ///
    /// # Errors
    /// [`SearchError::Damaged`]: the first tree is, or does not lead to all items.
    /// [`SearchError::Interrupted`].
    pub(crate) fn get(
        &self,
        sketching: Sketching,
        forest: Forest<'_>,
        interrupt: Interrupt<'_>,
    ) -> Result<Cells, SearchError> {
        let spread = Spread { threads: rayon::current_num_threads(), interrupt };
        let partition = self.partition.get(|| Partition::new(forest, spread))?;
        let codes = match sketching {
            Sketching::Never => Arc::default(),
            _ => self.codes.get(|| Codes::new(forest, &partition, spread))?,
        };
        Ok(Cells { partition, codes })
    }
}
