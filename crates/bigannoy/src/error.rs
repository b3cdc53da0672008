//! The one error type of the facade.

use std::path::PathBuf;

use bigannoy_build::BuildError;
use bigannoy_descriptor::DescriptorError;
use bigannoy_exact::ExactError;
use bigannoy_format::{LayoutError, OpenError, SidecarError, VerifyError};
use bigannoy_journal::JournalError;
use bigannoy_matrix::{AttachError, CreateError, RowError, StorageError, ViewError};
use bigannoy_metric::Metric;
use bigannoy_search::SearchError;
use bigannoy_sink::SinkError;

/// Everything that can go wrong between a matrix on disk and neighbors on disk.
///
/// The whole message of an error is its own and those of its sources, in turn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix could not be attached.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// A matrix could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A descriptor could not be made.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// A matrix could not be viewed as asked.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A query value is missing or not finite.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Something stands where an index was to be written.
    #[error("{} exists already, and overwriting was not asked for", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// An index, or its sidecar, was to replace a file that it must not replace.
    #[error("cannot replace {}: it is {what}", path.display())]
    NotReplaced {
        /// The file.
        path: PathBuf,
        /// What the file is.
        what: &'static str,
    },
    /// A file was to be written under the name that the sidecar of another one would have.
    #[error(
        "cannot write {}: it would be taken for the sidecar of {}, which is there; choose another name",
        path.display(), other.display()
    )]
    TakenForSidecar {
        /// The file.
        path: PathBuf,
        /// The one that is there.
        other: PathBuf,
    },
    /// An index could not be built.
    #[error("cannot build {}", index.display())]
    Build {
        /// The index that was to be written.
        index: PathBuf,
        /// Why not.
        source: BuildError,
    },
    /// A file is no index of the metric and dimension that it should have.
    #[error("cannot open {} as an index of metric {metric} in {dim} dimensions", index.display())]
    Open {
        /// The file.
        index: PathBuf,
        /// The metric expected.
        metric: Metric,
        /// The dimension expected.
        dim: usize,
        /// What does not fit.
        source: OpenError,
    },
    /// A dimension that no index has, or a record layout that none of its metric has.
    #[error("cannot open {}", index.display())]
    Dimension {
        /// The index.
        index: PathBuf,
        /// The limit.
        source: LayoutError,
    },
    /// The index has no sidecar, and metric and dimension were not given.
    #[error(
        "{} has no sidecar {}: an index file does not say what it is, so metric and dimension must \
         be given",
        index.display(), sidecar.display()
    )]
    NoSidecar {
        /// The index.
        index: PathBuf,
        /// Where its sidecar was looked for.
        sidecar: PathBuf,
    },
    /// A sidecar cannot be read.
    #[error("cannot use {}", path.display())]
    Sidecar {
        /// The sidecar.
        path: PathBuf,
        /// What is wrong with it.
        source: SidecarError,
    },
    /// Index and sidecar, or sidecar and caller, disagree.
    #[error("{}: {what} is {found}, expected {expected} as in {}", path.display(), by.display())]
    Mismatch {
        /// The file that differs.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// As it is.
        found: String,
        /// As it should be.
        expected: String,
        /// Who says so.
        by: PathBuf,
    },
    /// Another index has taken the path of one that was opened.
    #[error("{} was replaced by another index since it was opened: open it again", index.display())]
    Replaced {
        /// The index.
        index: PathBuf,
    },
    /// An index did not pass a check of its validation.
    #[error("{} is not valid: {check}: {problem}", index.display())]
    Invalid {
        /// The index.
        index: PathBuf,
        /// The name of the check: see [`crate::validate`].
        check: &'static str,
        /// What was found.
        problem: String,
    },
    /// A setting is out of range.
    #[error("{setting} is {found}, expected {expected}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Threads could not be started.
    #[error("cannot start {threads} threads: {problem}")]
    Threads {
        /// The number asked for.
        threads: usize,
        /// The system's reason.
        problem: String,
    },
    /// A search in an index failed.
    #[error("cannot search {}", index.display())]
    Search {
        /// The index.
        index: PathBuf,
        /// Why not.
        source: SearchError,
    },
    /// An exact search could not be done.
    #[error(transparent)]
    Exact(ExactError),
    /// A matrix has another shape than one that belongs to it.
    #[error("{matrix} has {}, as {by} has", differing(*found, *expected))]
    Shape {
        /// The matrix.
        matrix: String,
        /// Its rows and columns.
        found: (usize, usize),
        /// The rows and columns that it should have.
        expected: (usize, usize),
        /// The matrix that says so.
        by: String,
    },
    /// An id is no row of the reference. Row and column are counted from 0 here, and from 1 in the
    /// message, as the id is.
    #[error(
        "{matrix}: row {}, column {} (counted from 1) is {value}, expected the number of a row of the \
         reference, counted from 1",
        row + 1, column + 1
    )]
    Id {
        /// The matrix of ids.
        matrix: String,
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// An index did not pass its verification.
    #[error("{} is not whole", index.display())]
    Verify {
        /// The index.
        index: PathBuf,
        /// What is wrong with it.
        source: VerifyError,
    },
    /// The queries have another width than the index.
    #[error("{query} has {found} columns, expected {expected} as in {}", index.display())]
    QueryWidth {
        /// The queries.
        query: String,
        /// Their columns.
        found: usize,
        /// The index's dimension.
        expected: usize,
        /// The index.
        index: PathBuf,
    },
    /// There are no queries.
    #[error("{query} has no rows, expected at least 1")]
    NoQueries {
        /// The queries.
        query: String,
    },
    /// Results could not be kept.
    #[error("cannot write the results")]
    Sink(#[from] SinkError),
    /// A query has fewer neighbors than asked for, and the search was to be strict.
    #[error(
        "query row {} (counted from 1) has {found} neighbors with a budget of {budget}, expected {k}: \
         {}",
        row + 1,
        if *limited {
            "a larger budget finds more, one that widens as many as there are"
        } else {
            "there are no more items that may be neighbors"
        }
    )]
    ShortRow {
        /// The query, counted from 0.
        row: usize,
        /// Its neighbors.
        found: usize,
        /// Neighbors asked for.
        k: usize,
        /// The budget in words.
        budget: String,
        /// Whether a larger budget finds more.
        limited: bool,
    },
    /// The reference given for ranking is not the one that the index was built from.
    #[error("{reference} is not the reference of {}: {problem}", index.display())]
    OtherReference {
        /// The matrix given.
        reference: String,
        /// The index.
        index: PathBuf,
        /// What differs.
        problem: String,
    },
    /// A search ended early, for a reason other than the caller's wish. New destinations have not
    /// appeared; existing ones hold the rows written.
    #[error("the search ended after {complete} of {n_query} queries were written")]
    SearchEnded {
        /// Queries whose neighbors were handed to the sink.
        complete: usize,
        /// All queries.
        n_query: usize,
        /// Why it ended.
        source: Box<Error>,
    },
    /// A result was to be read or written that a search has left unfinished.
    #[error(
        "{} is unfinished: {} keeps the answers to {complete} of {n_query} queries; the same search \
         goes on with --resume (Journaling::Resume) and begins anew with --restart",
        result.display(), journal.display()
    )]
    Unfinished {
        /// The file by which the result is found.
        result: PathBuf,
        /// What tells that it is unfinished.
        journal: PathBuf,
        /// Queries whose answers are kept.
        complete: u64,
        /// All queries; 0 where the beginning of the journal is damaged.
        n_query: u64,
    },
    /// A journal could not be kept or used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The last answers in a journal are not those that the index gives now.
    #[error(
        "the answers to the queries from {first} on are other ones than in {}: the index, the queries \
         or the program has changed since; begin anew (--restart)",
        journal.display()
    )]
    JournalDiffers {
        /// The journal.
        journal: PathBuf,
        /// The first query of its last block, counted from 1.
        first: u64,
    },
    /// The caller asked to stop a search. New destinations have not appeared; existing ones hold the
    /// rows written.
    #[error("interrupted: {complete} of {n_query} queries were written")]
    SearchInterrupted {
        /// Queries whose neighbors were handed to the sink.
        complete: usize,
        /// All queries.
        n_query: usize,
    },
    /// The caller asked to stop.
    #[error("interrupted: {written}")]
    Interrupted {
        /// What there is of the result.
        written: String,
    },
}

/// What differs between two shapes, rows and columns, in words.
fn differing(found: (usize, usize), expected: (usize, usize)) -> String {
    match (found.0 == expected.0, found.1 == expected.1) {
        (false, true) => format!("{} rows, expected {}", found.0, expected.0),
        (true, false) => format!("{} columns, expected {}", found.1, expected.1),
        _ => format!(
            "{} rows and {} columns, expected {} and {}",
            found.0, found.1, expected.0, expected.1
        ),
    }
}

impl From<ExactError> for Error {
    fn from(error: ExactError) -> Self {
        match error {
            ExactError::Row(error) => Error::Row(error),
            other => Error::Exact(other),
        }
    }
}
