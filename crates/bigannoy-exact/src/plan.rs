//! How much is held in memory at a time.

use crate::ExactError;

/// Bytes that a search may take when [`crate::ExactSearch::memory`] is not called: 256 MiB.
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// Rows of the reference in a block at most: each block begins with guesses of its own, so that fewer are faster.
const MOST_ROWS: usize = 1 << 19;

/// How many queries and how many rows of the reference are held at a time.
///
/// With `d` columns, a query takes `11 d + 40 k + 32 min(k, 256) + 1,500` bytes and a row of the reference
/// `9 d + 64`: values in double precision, their codes, the neighbors of the query, and the rows that
/// may be some. Where the matrix holds no more than `f32` does, a row takes `5 d + 64`, which [`Plan::new`] does not know. Up to half of the
/// memory goes to queries, the rest to rows of the reference, of which 524,288 at most are held. The whole reference is read once for each block of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Queries that are answered in one pass over the reference.
    pub query_rows: usize,
    /// Rows of the reference that are compared with them at a time.
    pub reference_rows: usize,
    /// The memory for all of it, in bytes.
    pub bytes: usize,
}

impl Plan {
    /// The plan for a matrix of `n_ref` rows and `n_query` queries of `dim` columns, `k` neighbors
    /// each.
    ///
    /// # Errors
    /// [`ExactError::Memory`]: one query and one row take more than `memory` bytes.
    pub fn new(
        memory: usize,
        dim: usize,
        k: usize,
        n_ref: usize,
        n_query: usize,
    ) -> Result<Self, ExactError> {
        Self::of_values(8, memory, dim, k, n_ref, n_query)
    }

    /// The plan where values of the reference take so many bytes.
    pub(crate) fn of_values(
        value_bytes: usize,
        memory: usize,
        dim: usize,
        k: usize,
        n_ref: usize,
        n_query: usize,
    ) -> Result<Self, ExactError> {
        let row_bytes = dim.saturating_mul(value_bytes + 1).saturating_add(64);
        let neighbor_bytes = k.saturating_mul(40).saturating_add(32 * k.min(256) + 1500);
        let query_bytes = dim.saturating_mul(11).saturating_add(neighbor_bytes);
        let least = query_bytes.saturating_add(row_bytes);
        if memory < least {
            return Err(ExactError::Memory { found: memory, least });
        }
        let query_rows = (memory / 2 / query_bytes).clamp(1, n_query.max(1));
        let left = memory - query_rows * query_bytes;
        let reference_rows = (left / row_bytes).clamp(1, n_ref.clamp(1, MOST_ROWS));
        let bytes = query_rows * query_bytes + reference_rows * row_bytes;
        Ok(Plan { query_rows, reference_rows, bytes })
    }

    /// How often the reference is read.
    #[must_use]
    pub fn passes(&self, n_query: usize) -> usize {
        n_query.div_ceil(self.query_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn too_little_is_refused_with_what_would_do() {
        let error = Plan::new(1000, 100, 10, 5, 5).unwrap_err();
        let ExactError::Memory { least, .. } = error else { panic!("{error}") };
        let plan = Plan::new(least, 100, 10, 5, 5).unwrap();
        assert_eq!((plan.query_rows, plan.reference_rows, plan.bytes), (1, 1, least));
        assert!(Plan::new(least - 1, 100, 10, 5, 5).is_err());
        assert!(Plan::new(usize::MAX - 1, usize::MAX, usize::MAX, 1, 1).is_err());
    }

    proptest! {
        #[test]
        fn a_plan_stays_within_its_memory(
            memory in 0usize..1 << 30, dim in 1usize..2000, k in 1usize..5000,
            n_ref in 1usize..10_000_000, n_query in 1usize..10_000_000,
        ) {
            let Ok(plan) = Plan::new(memory, dim, k, n_ref, n_query) else { return Ok(()) };
            prop_assert!(plan.bytes <= memory);
            prop_assert!((1..=n_query).contains(&plan.query_rows));
            prop_assert!((1..=n_ref.min(MOST_ROWS)).contains(&plan.reference_rows));
            prop_assert!(plan.passes(n_query) * plan.query_rows >= n_query);
        }
    }
}
