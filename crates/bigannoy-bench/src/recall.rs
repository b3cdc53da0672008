//! A grid of trees and budgets over one data set.

use bigannoy_report::{Report, Table};

use crate::data::{DataSet, Place};
use crate::run::{Validated, build, search, validate};
use crate::single::{exact, on_disk};
use crate::summary::table;
use crate::{BenchError, BenchOptions, page};

/// Trees of a suite where none are named.
pub const SUITE_TREES: [usize; 3] = [10, 50, 100];

/// Budgets of a suite where none are named; none is the default of a search.
pub const SUITE_SEARCH_K: [Option<usize>; 3] = [None, Some(1_000), Some(5_000)];

/// A grid of trees and budgets, measured.
#[derive(Debug)]
pub struct RecallSuite {
    /// A row for each pair of a number of trees and a budget, in the order in which they were given.
    pub summary: Table,
    /// The settings, by name.
    pub params: Vec<(String, String)>,
    /// For each number of trees what was found when all of the index was looked at.
    pub validation: Vec<Validated>,
}

/// Builds an index for each number of trees, once, and searches it with each budget.
///
/// `n_trees` and `search_k` of the options are not looked at.
///
/// # Errors
/// As [`crate::single`].
pub fn recall_suite(
    options: &BenchOptions,
    n_trees: &[usize],
    search_k: &[Option<usize>],
) -> Result<RecallSuite, BenchError> {
    for (name, values) in [
        ("n_trees", n_trees.to_vec()),
        ("search_k", search_k.iter().map(|budget| budget.unwrap_or(1)).collect()),
    ] {
        if values.is_empty() || values.contains(&0) {
            let found = format!("{values:?}");
            return Err(BenchError::setting(name, found, "numbers of at least 1"));
        }
    }
    let mut trees = n_trees.to_vec();
    trees.sort_unstable();
    if let Some([twice, ..]) = trees.windows(2).find(|pair| pair[0] == pair[1]) {
        let found = format!("{twice} twice");
        return Err(BenchError::setting("n_trees", found, "different numbers"));
    }
    let place = Place::new(options)?;
    let data = DataSet::new(options, &place)?;
    let exact = exact(&data, options)?;
    let mut summary = table(&[]);
    let mut validation = Vec::new();
    for &trees in n_trees {
        let built = build(&data, options, trees, &place.index(trees))?;
        validation.push(validate(&built.index, options)?);
        for &budget in search_k {
            let searched = search(&built.index, &data, options, budget)?;
            summary.push(on_disk(&data, options, &built, &searched, exact.as_ref()).cells());
        }
        if !options.keep_files {
            drop(built);
            place.remove_index(trees)?;
        }
    }
    Ok(RecallSuite { summary, params: options.params(), validation })
}

impl RecallSuite {
    /// The suite as a page.
    #[must_use]
    pub fn report(&self) -> Report {
        let page = page::begun("Recall and speed", &self.summary)
            .plot(page::recall_plot(&self.summary))
            .plot(page::latency_by_recall_plot(&self.summary))
            .plot(page::build_by_trees_plot(&self.summary));
        page::ended(page, &self.summary, &self.params)
    }
}
