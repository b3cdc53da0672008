//! The table that every measurement fills.

use bigannoy::LoadMode;
use bigannoy_report::{Cell, Table};

use crate::data::DataSet;
use crate::exact::Exact;
use crate::run::{Built, Searched};
use crate::{BenchOptions, MemoryPeak};

/// The columns of bigANNOY's summaries, in their order.
pub const DOCUMENTED_COLUMNS: [&str; 17] = [
    "metric",
    "backend",
    "filebacked",
    "self_search",
    "load_mode",
    "n_ref",
    "n_query",
    "n_dim",
    "k",
    "n_trees",
    "search_k",
    "build_threads",
    "build_elapsed",
    "search_elapsed",
    "exact_elapsed",
    "recall_at_k",
    "index_id",
];

/// Ours, which follow them.
pub const ADDED_COLUMNS: [&str; 16] = [
    "queries_per_second",
    "exact_queries_per_second",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "build_cpu_seconds",
    "search_cpu_seconds",
    "exact_cpu_seconds",
    "build_peak_resident_bytes",
    "build_peak_anonymous_bytes",
    "search_peak_resident_bytes",
    "search_peak_anonymous_bytes",
    "search_threads",
    "generator",
    "short_rows",
    "repetitions",
];

/// A table with the columns of all summaries, and those of a particular one.
pub(crate) fn table(more: &[&str]) -> Table {
    Table::new(DOCUMENTED_COLUMNS.iter().chain(&ADDED_COLUMNS).chain(more).copied())
}

/// What was run and found, as far as a row of the summary tells it.
pub(crate) struct Row<'a, I> {
    pub(crate) options: &'a BenchOptions,
    pub(crate) data: &'a DataSet,
    pub(crate) built: &'a Built<I>,
    pub(crate) searched: &'a Searched,
    pub(crate) exact: Option<&'a Exact>,
    pub(crate) backend: &'a str,
    pub(crate) filebacked: bool,
    pub(crate) load_mode: LoadMode,
    pub(crate) index_id: Option<&'a str>,
}

/// The number that stands for a default that depends on other settings.
const UNSET: i64 = -1;

fn or_unset(value: Option<usize>) -> Cell {
    value.map_or(Cell::Count(UNSET), Cell::from)
}

impl<I> Row<'_, I> {
    /// The share of the exact neighbors that was found, if those are known.
    pub(crate) fn recall(&self) -> Option<f64> {
        self.exact.map(|exact| exact.recall(&self.searched.neighbors, self.options.metric))
    }

    pub(crate) fn cells(&self) -> Vec<Cell> {
        let Row { options, data, built, searched, exact, .. } = self;
        let (n_ref, n_dim) = data.reference.shape();
        let n_query = data.n_query();
        let rate = |elapsed: f64| n_query as f64 / elapsed;
        let latency = |percent| {
            Cell::from(searched.latency.as_ref().map(|all| 1e3 * all.percentile(percent)))
        };
        let resident = |peak: Option<MemoryPeak>| Cell::from(peak.map(|peak| peak.resident));
        let anonymous = |peak: Option<MemoryPeak>| Cell::from(peak.map(|peak| peak.anonymous));
        vec![
            options.metric.name().into(),
            self.backend.into(),
            self.filebacked.into(),
            data.is_self_search().into(),
            self.load_mode.name().into(),
            n_ref.into(),
            n_query.into(),
            n_dim.into(),
            options.k.into(),
            built.n_trees.into(),
            or_unset(searched.search_k),
            or_unset(options.build_threads),
            built.cost.elapsed.into(),
            searched.cost.elapsed.into(),
            exact.map(|exact| exact.cost.elapsed).into(),
            self.recall().into(),
            self.index_id.into(),
            rate(searched.cost.elapsed).into(),
            exact.map(|exact| rate(exact.cost.elapsed)).into(),
            latency(50.0),
            latency(95.0),
            latency(99.0),
            built.cost.cpu.into(),
            searched.cost.cpu.into(),
            exact.and_then(|exact| exact.cost.cpu).into(),
            resident(built.peak),
            anonymous(built.peak),
            resident(searched.peak),
            anonymous(searched.peak),
            or_unset(options.search_threads),
            options.generator.to_string().into(),
            searched.neighbors.short_rows().into(),
            options.repetitions.into(),
        ]
    }
}
