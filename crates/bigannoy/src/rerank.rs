//! Candidates of an index, ranked anew by the reference matrix itself.

use std::fmt;

use bigannoy_metric::Metric;
use bigannoy_sink::{MemorySink, NeighborSink};

use crate::index::Loaded;
use crate::input::OpenInput;
use crate::run::{Queries, Run};
use crate::{Error, Index, Input, SearchOptions, SearchResult, SearchSummary};

/// An index together with the reference matrix that it was built from: see [`Index::rerank_with`].
///
/// The index gives each query some candidates more than `k`; their distances are computed in double
/// precision from the values of the matrices, and the `k` nearest are the answer. Distances have all
/// their digits, equal ones are in the order of the rows, and neighbors whose order 32 bits could not
/// tell are put right. Which candidates there are is the index's affair, and its budget's: what it
/// does not meet is not found.
pub struct Reranked<'a> {
    index: &'a Index,
    reference: OpenInput<'a>,
    candidates: Option<usize>,
}

impl Index {
    /// Gives the reference matrix, in any form, so that searches rank their candidates anew with
    /// distances in double precision.
    ///
    /// ```
    /// use bigannoy::matrix::DenseRows;
    /// use bigannoy::{BuildOptions, Metric, SearchOptions};
    ///
    /// // Two items that are one in 32 bits.
    /// let tiny = 0.5f64.powi(30);
    /// let values = [1.0, 1.0 + tiny, 3.0, 4.0];
    /// let reference = DenseRows::row_major(&values, 1);
    /// let directory = tempfile::tempdir()?;
    /// let options = BuildOptions::new(Metric::Manhattan);
    /// let index = bigannoy::build(&reference, directory.path().join("x.ann"), &options)?;
    ///
    /// let query = DenseRows::row_major(&[1.5], 1);
    /// let found = index.rerank_with(&reference)?.search(&query, &SearchOptions::new(2))?;
    /// assert_eq!(found.index(), [2, 1]);
    /// assert_eq!(found.distance(), [0.5 - tiny, 0.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`]: the reference cannot be attached. That it is the index's own is checked when a
    /// search begins, and for every candidate.
    pub fn rerank_with<'a>(
        &'a self,
        reference: impl Into<Input<'a>>,
    ) -> Result<Reranked<'a>, Error> {
        Ok(Reranked { index: self, reference: reference.into().open()?, candidates: None })
    }
}

impl Reranked<'_> {
    /// Sets how many candidates are ranked for each query, if the index meets so many; never fewer
    /// than `k`. Default: twice `k`, and at least `k + 10`.
    ///
    /// The budget of the search does not follow this number: it goes by `k`.
    #[must_use]
    pub fn candidates(mut self, candidates: usize) -> Self {
        self.candidates = Some(candidates);
        self
    }

    /// As [`Index::search`].
    ///
    /// # Errors
    /// As [`Index::search_into`]; and [`Error::OtherReference`], as [`Reranked::search_into`].
    pub fn search<'q>(
        &self,
        queries: impl Into<Input<'q>>,
        options: &SearchOptions,
    ) -> Result<SearchResult, Error> {
        let mut sink = MemorySink::new();
        let summary = self.search_into(queries, options, &mut sink)?;
        Ok(SearchResult { neighbors: sink.into_neighbors(), summary })
    }

    /// As [`Index::search_into`], with blocks of double precision.
    ///
    /// Cost: reading the row of each candidate. In a matrix that is stored by columns that is a
    /// place in memory for each value.
    ///
    /// # Errors
    /// As [`Index::search_into`]; and [`Error::OtherReference`] where the reference has not the
    /// shape of the index, or, in mid-search, not the values of a candidate.
    pub fn search_into<'q>(
        &self,
        queries: impl Into<Input<'q>>,
        options: &SearchOptions,
        sink: &mut dyn NeighborSink,
    ) -> Result<SearchSummary, Error> {
        let input = queries.into().open()?;
        Run::new(self.index, Queries::External(input.rows()), options, Some(self))?.into_sink(sink)
    }

    /// As [`Index::search_self`]; the queries too are rows of the reference.
    ///
    /// # Errors
    /// As [`Reranked::search_into`].
    pub fn search_self(&self, options: &SearchOptions) -> Result<SearchResult, Error> {
        let mut sink = MemorySink::new();
        let summary = self.search_self_into(options, &mut sink)?;
        Ok(SearchResult { neighbors: sink.into_neighbors(), summary })
    }

    /// As [`Index::search_self_into`]; the queries too are rows of the reference.
    ///
    /// # Errors
    /// As [`Reranked::search_into`].
    pub fn search_self_into(
        &self,
        options: &SearchOptions,
        sink: &mut dyn NeighborSink,
    ) -> Result<SearchSummary, Error> {
        Run::new(self.index, Queries::Own, options, Some(self))?.into_sink(sink)
    }

    /// How many candidates there are to be for `k` neighbors.
    pub(crate) fn pool(&self, k: usize) -> usize {
        self.candidates.unwrap_or_else(|| k.saturating_mul(2).max(k.saturating_add(10)))
    }

    pub(crate) fn reference(&self) -> &dyn bigannoy_matrix::RowSource {
        self.reference.rows()
    }

    /// Refuses a reference of another shape than the index.
    pub(crate) fn check(&self, loaded: &Loaded) -> Result<(), Error> {
        let rows = self.reference();
        let expected = (loaded.shape().n_items() as usize, self.index.dim());
        if (rows.nrows(), rows.ncols()) == expected {
            return Ok(());
        }
        let bits = if self.index.metric() == Metric::Hamming { " (bits)" } else { "" };
        let problem = format!(
            "it has {} rows and {} columns, expected {} and {}{bits}",
            rows.nrows(),
            rows.ncols(),
            expected.0,
            expected.1
        );
        Err(self.other(problem))
    }

    pub(crate) fn other(&self, problem: String) -> Error {
        let reference = self.reference().name();
        Error::OtherReference { reference, index: self.index.path.clone(), problem }
    }
}

impl fmt::Debug for Reranked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reranked")
            .field("index", &self.index.path)
            .field("reference", &self.reference().name())
            .field("candidates", &self.candidates)
            .finish()
    }
}
