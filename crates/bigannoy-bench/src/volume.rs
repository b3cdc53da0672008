//! The comparison over a grid of sizes.

use bigannoy_report::{Report, Table};

use crate::compare::{COMPARISON_COLUMNS, compare_into};
use crate::summary::table;
use crate::{BenchError, BenchOptions, page};

/// The sizes of a volume suite: every combination is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeGrid {
    /// Rows of the reference. Default: 2,000, 5,000 and 10,000.
    pub n_ref: Vec<usize>,
    /// Queries. Default: 200.
    pub n_query: Vec<usize>,
    /// Columns. Default: 20 and 50.
    pub n_dim: Vec<usize>,
}

impl Default for VolumeGrid {
    fn default() -> Self {
        VolumeGrid { n_ref: vec![2_000, 5_000, 10_000], n_query: vec![200], n_dim: vec![20, 50] }
    }
}

/// The comparison over a grid of sizes, measured.
#[derive(Debug)]
pub struct VolumeSuite {
    /// Two rows for each combination of sizes, as in [`crate::Comparison`].
    pub summary: Table,
    /// The settings, by name.
    pub params: Vec<(String, String)>,
}

/// Makes [`crate::compare`] for every combination of sizes. The data is synthetic: a reference, the
/// queries and the sizes of the options are not looked at.
///
/// # Errors
/// As [`crate::single`]; also if a reference or queries are given.
pub fn volume_suite(options: &BenchOptions, grid: &VolumeGrid) -> Result<VolumeSuite, BenchError> {
    if options.reference.is_some() {
        return Err(BenchError::setting("the reference", "a matrix", "none: sizes are varied"));
    }
    for (name, values) in
        [("n_ref", &grid.n_ref), ("n_query", &grid.n_query), ("n_dim", &grid.n_dim)]
    {
        if values.is_empty() {
            return Err(BenchError::setting(name, "an empty list", "at least one size"));
        }
    }
    let mut cells = Vec::new();
    for &n_dim in &grid.n_dim {
        for &n_ref in &grid.n_ref {
            for &n_query in &grid.n_query {
                cells.push(BenchOptions { n_ref, n_query, n_dim, ..options.clone() });
            }
        }
    }
    // All sizes are checked before the first is measured.
    for cell in &cells {
        cell.check()?;
    }
    let mut summary = table(&COMPARISON_COLUMNS);
    for cell in &cells {
        compare_into(cell, &mut summary)?;
    }
    Ok(VolumeSuite { summary, params: options.params() })
}

impl VolumeSuite {
    /// The suite as a page.
    #[must_use]
    pub fn report(&self) -> Report {
        let page = page::begun("How cost grows", &self.summary)
            .plot(page::by_rows_plot(
                &self.summary,
                "Build time",
                "build_elapsed",
                "seconds to build the index",
            ))
            .plot(page::by_rows_plot(
                &self.summary,
                "Throughput",
                "queries_per_second",
                "queries per second",
            ))
            .plot(page::by_rows_plot(
                &self.summary,
                "Latency of single queries, median",
                "latency_p50_ms",
                "milliseconds",
            ));
        page::ended(page, &self.summary, &self.params)
    }
}
