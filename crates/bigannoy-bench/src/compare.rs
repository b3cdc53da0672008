//! The same work from files and in memory.

use std::path::PathBuf;

use bigannoy::LoadMode;
use bigannoy_report::{Cell, Report, Table};

use crate::data::{DataSet, Place, Rows, file_bytes};
use crate::exact::Exact;
use crate::run::{Built, InMemory, Searched, Validated, build, search, validate};
use crate::single::{BACKEND, exact, metadata_path, on_disk};
use crate::summary::{Row, table};
use crate::{BenchError, BenchOptions, Latency, page};

/// What a comparison adds to the columns of a summary.
pub const COMPARISON_COLUMNS: [&str; 7] = [
    "implementation",
    "ref_bytes",
    "query_bytes",
    "index_bytes",
    "metadata_bytes",
    "total_data_bytes",
    "total_artifact_bytes",
];

/// The way through files, and the one in memory.
pub(crate) const IMPLEMENTATIONS: [&str; 2] = ["bigannoy", "dense"];

/// What a comparison left on the disk, if files are kept.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// The index.
    pub index_path: PathBuf,
    /// Its sidecar.
    pub metadata_path: PathBuf,
}

/// The same work from files and in memory, measured.
#[derive(Debug)]
pub struct Comparison {
    /// Two rows, `bigannoy` and `dense`, with [`COMPARISON_COLUMNS`] after those of all summaries.
    /// In memory there are no files: no sidecar, no md5, nothing that lasts.
    pub summary: Table,
    /// The settings, by name.
    pub params: Vec<(String, String)>,
    /// The files of the first row.
    pub artifacts: Artifacts,
    /// What was found when all of its index was looked at.
    pub validation: Validated,
    /// The times of single queries, in the order of the rows.
    pub latency: Vec<Option<Latency>>,
}

/// Builds and searches twice: from matrix to index file as a user does, and with matrix, queries and
/// index as plain arrays in memory, which is what Annoy's own interfaces do. Both indexes are the
/// same bytes and give the same answers.
///
/// # Errors
/// As [`crate::single`].
pub fn compare(options: &BenchOptions) -> Result<Comparison, BenchError> {
    let mut summary = table(&COMPARISON_COLUMNS);
    let compared = compare_into(options, &mut summary)?;
    Ok(Comparison {
        summary,
        params: options.params(),
        artifacts: compared.artifacts,
        validation: compared.validation,
        latency: compared.latency,
    })
}

pub(crate) struct Compared {
    artifacts: Artifacts,
    validation: Validated,
    latency: Vec<Option<Latency>>,
}

/// Adds the two rows of a comparison to `summary`.
pub(crate) fn compare_into(
    options: &BenchOptions,
    summary: &mut Table,
) -> Result<Compared, BenchError> {
    let place = Place::new(options)?;
    let data = DataSet::new(options, &place)?;
    let exact = exact(&data, options)?;
    let path = place.index(options.n_trees);
    let built = build(&data, options, options.n_trees, &path)?;
    let validation = validate(&built.index, options)?;
    let searched = search(&built.index, &data, options, options.search_k)?;
    let artifacts = Artifacts { metadata_path: metadata_path(&path), index_path: path };
    let row = on_disk(&data, options, &built, &searched, exact.as_ref());
    let files = [file_bytes(&artifacts.index_path)?, file_bytes(&artifacts.metadata_path)?];
    summary.push(with_bytes(&row, IMPLEMENTATIONS[0], files));
    let mut latency = vec![searched.latency.clone()];
    let (built, searched) = in_memory(&data, options)?;
    let row = dense(&data, options, &built, &searched, exact.as_ref());
    summary.push(with_bytes(&row, IMPLEMENTATIONS[1], [built.index.bytes(), 0]));
    latency.push(searched.latency.clone());
    Ok(Compared { artifacts, validation, latency })
}

fn in_memory(
    data: &DataSet,
    options: &BenchOptions,
) -> Result<(Built<InMemory>, Searched), BenchError> {
    let built = InMemory::build(data, options, options.n_trees)?;
    let searched = search(&built.index, data, options, options.search_k)?;
    Ok((built, searched))
}

fn dense<'a>(
    data: &'a DataSet,
    options: &'a BenchOptions,
    built: &'a Built<InMemory>,
    searched: &'a Searched,
    exact: Option<&'a Exact>,
) -> Row<'a, InMemory> {
    Row {
        options,
        data,
        built,
        searched,
        exact,
        backend: BACKEND,
        filebacked: false,
        load_mode: LoadMode::Eager,
        index_id: None,
    }
}

fn with_bytes<I>(row: &Row<'_, I>, implementation: &str, files: [u64; 2]) -> Vec<Cell> {
    let reference = row.data.reference.bytes();
    let queries = row.data.queries.as_ref().map_or(0, Rows::bytes);
    let [index, metadata] = files;
    let mut cells = row.cells();
    cells.extend([
        implementation.into(),
        reference.into(),
        queries.into(),
        index.into(),
        metadata.into(),
        (reference + queries).into(),
        (index + metadata).into(),
    ]);
    cells
}

impl Comparison {
    /// The comparison as a page.
    #[must_use]
    pub fn report(&self) -> Report {
        let latency = IMPLEMENTATIONS.iter().zip(&self.latency);
        let latency =
            latency.filter_map(|(name, all)| all.as_ref().map(|all| ((*name).to_owned(), all)));
        let page = page::begun("From files and in memory", &self.summary)
            .plot(page::latency_plot(latency))
            .facts("The index", page::index_facts(&self.validation));
        page::ended(page, &self.summary, &self.params)
    }
}
