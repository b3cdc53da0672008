//! One build, one search.

use std::path::PathBuf;

use bigannoy::Index;
use bigannoy_report::{Report, Table};

use crate::data::{DataSet, Place};
use crate::exact::Exact;
use crate::run::{Built, Searched, Validated, build, search, validate};
use crate::summary::{Row, table};
use crate::{BenchError, BenchOptions, Latency, page};

/// What `build_backend` in the sidecars of our indexes says.
pub(crate) const BACKEND: &str = "rust";

/// One build and one search, measured.
#[derive(Debug)]
pub struct SingleRun {
    /// One row: see [`crate::DOCUMENTED_COLUMNS`] and [`crate::ADDED_COLUMNS`].
    pub summary: Table,
    /// The settings, by name.
    pub params: Vec<(String, String)>,
    /// The index; it is gone unless files are kept.
    pub index_path: PathBuf,
    /// Its sidecar, likewise.
    pub metadata_path: PathBuf,
    /// Whether exact neighbors were found, so that there is a recall.
    pub exact_available: bool,
    /// What was found when all of the index was looked at, before the timed search.
    pub validation: Validated,
    /// The times of single queries.
    pub latency: Option<Latency>,
}

/// Builds an index over the reference, verifies it, and searches it.
///
/// # Errors
/// [`BenchError`]: a setting is out of range or does not go with another, a matrix cannot be used,
/// a file cannot be written, or the measurement was interrupted. Files of this run are gone then,
/// unless they are to be kept.
pub fn single(options: &BenchOptions) -> Result<SingleRun, BenchError> {
    let place = Place::new(options)?;
    let data = DataSet::new(options, &place)?;
    let exact = exact(&data, options)?;
    let path = place.index(options.n_trees);
    let built = build(&data, options, options.n_trees, &path)?;
    let validation = validate(&built.index, options)?;
    let searched = search(&built.index, &data, options, options.search_k)?;
    let mut summary = table(&[]);
    summary.push(on_disk(&data, options, &built, &searched, exact.as_ref()).cells());
    Ok(SingleRun {
        summary,
        params: options.params(),
        metadata_path: metadata_path(&path),
        index_path: path,
        exact_available: exact.is_some(),
        validation,
        latency: searched.latency,
    })
}

/// The exact neighbors, where they are wanted.
pub(crate) fn exact(data: &DataSet, options: &BenchOptions) -> Result<Option<Exact>, BenchError> {
    options.exact.then(|| Exact::of(data, options)).transpose()
}

/// The row of an index on disk.
pub(crate) fn on_disk<'a>(
    data: &'a DataSet,
    options: &'a BenchOptions,
    built: &'a Built<Index>,
    searched: &'a Searched,
    exact: Option<&'a Exact>,
) -> Row<'a, Index> {
    Row {
        options,
        data,
        built,
        searched,
        exact,
        backend: BACKEND,
        filebacked: data.reference.is_filebacked(),
        load_mode: options.load_mode,
        index_id: built.index.sidecar().index_id.as_deref(),
    }
}

pub(crate) fn metadata_path(index: &std::path::Path) -> PathBuf {
    let mut name = index.as_os_str().to_owned();
    name.push(".meta");
    PathBuf::from(name)
}

impl SingleRun {
    /// The run as a page.
    #[must_use]
    pub fn report(&self) -> Report {
        let latency = self.latency.iter().map(|latency| ("single queries".to_owned(), latency));
        let page = page::begun("One build, one search", &self.summary)
            .plot(page::latency_plot(latency))
            .facts("The index", page::index_facts(&self.validation));
        page::ended(page, &self.summary, &self.params)
    }
}
