//! Narrow or wide, by the dimension.

use std::ops::Range;

use super::{
    Coded, GROUP, Hit, NARROW_STRIP, NarrowQueries, NarrowRows, QueryCodes, QueryLimits, RowCodes,
    STRIP, ScanKernel,
};

/// Whether vectors have narrow codes.
fn is_narrow(dim: usize) -> bool {
    dim <= NarrowRows::MOST_DIM
}

/// The codes of up to [`GROUP`] queries, of the kind that is fastest in their dimension.
#[derive(Clone, Debug)]
pub enum QueryGroup {
    /// In up to [`NarrowRows::MOST_DIM`] dimensions.
    Narrow(NarrowQueries),
    /// In more.
    Wide(QueryCodes),
}

impl QueryGroup {
    /// The codes of some queries of `dim` elements, and what is known of each: `None` where there are
    /// no codes, see [`QueryCodes::new`].
    ///
    /// # Panics
    /// If there are more than [`GROUP`] queries, one has another length, or `dim` is 0.
    #[must_use]
    pub fn new<'a>(
        dim: usize,
        queries: impl IntoIterator<Item = &'a [f64]>,
    ) -> (Self, [Option<Coded>; GROUP]) {
        if is_narrow(dim) {
            let (codes, coded) = NarrowQueries::new(dim, queries);
            return (QueryGroup::Narrow(codes), coded);
        }
        let (codes, coded) = QueryCodes::new(dim, queries);
        (QueryGroup::Wide(codes), coded)
    }

    /// Makes this a group of up to four queries of other groups: number `4 i + lane` is the query in
    /// that place of `from[i]`. Places that are not given keep what they have.
    ///
    /// # Panics
    /// If there are more than [`GROUP`], there is no such group, or it has another dimension.
    pub fn pick(&mut self, from: &[QueryGroup], which: &[u32]) {
        assert!(which.len() <= GROUP, "{} queries", which.len());
        for (place, &query) in which.iter().enumerate() {
            let (group, lane) = (&from[query as usize / GROUP], query as usize % GROUP);
            match (&mut *self, group) {
                (QueryGroup::Narrow(to), QueryGroup::Narrow(from)) => to.take(place, from, lane),
                (QueryGroup::Wide(to), QueryGroup::Wide(from)) => to.take(place, from, lane),
                _ => panic!("groups of one dimension"),
            }
        }
    }
}

/// Rows in codes, of the kind that is fastest in their dimension.
#[derive(Clone, Debug)]
pub enum Rows {
    /// In up to [`NarrowRows::MOST_DIM`] dimensions.
    Narrow(NarrowRows),
    /// In more.
    Wide(RowCodes),
}

impl Rows {
    /// No rows yet, of `dim` elements.
    #[must_use]
    pub fn none(dim: usize) -> Self {
        if is_narrow(dim) {
            Rows::Narrow(NarrowRows::default())
        } else {
            Rows::Wide(RowCodes::default())
        }
    }

    /// How many rows lie together.
    #[must_use]
    pub fn strip(&self) -> usize {
        match self {
            Rows::Narrow(_) => NARROW_STRIP,
            Rows::Wide(_) => STRIP,
        }
    }

    /// How many strips there are.
    #[must_use]
    pub fn strips(&self) -> usize {
        match self {
            Rows::Narrow(rows) => rows.strips(),
            Rows::Wide(rows) => rows.len().div_ceil(STRIP),
        }
    }

    /// Adds to `hits` the pairs of a query and a row of some strips that pass the test, see
    /// [`NarrowRows::scan`] and [`RowCodes::scan`].
    ///
    /// # Panics
    /// If `queries` have another dimension, or there are no such strips.
    pub fn scan(
        &self,
        kernel: ScanKernel,
        strips: Range<usize>,
        queries: &QueryGroup,
        limits: &QueryLimits,
        hits: &mut Vec<Hit>,
    ) {
        match (self, queries) {
            (Rows::Narrow(rows), QueryGroup::Narrow(queries)) => {
                rows.scan(kernel, strips, queries, limits, hits);
            }
            (Rows::Wide(rows), QueryGroup::Wide(queries)) => {
                rows.scan(kernel, strips, queries, limits, hits);
            }
            _ => panic!("queries of the rows' dimension"),
        }
    }
}
