//! Why a result could not be kept.

use std::path::PathBuf;

use bigannoy_matrix::{AttachError, CreateError, ElementType, StorageError, ViewError};

/// Why a result could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// A destination has another shape than the result.
    #[error(
        "{destination} has {found_rows} rows and {found_cols} columns, expected {expected_rows} \
         (one for each query) and {expected_cols} (k)"
    )]
    Shape {
        /// The destination.
        destination: String,
        /// Its rows.
        found_rows: usize,
        /// Its columns.
        found_cols: usize,
        /// Queries.
        expected_rows: usize,
        /// Neighbors for each query.
        expected_cols: usize,
    },
    /// A destination has a type that cannot hold the values.
    #[error("{destination} holds elements of type {found}, expected {expected}")]
    ElementType {
        /// The destination.
        destination: String,
        /// Its type.
        found: ElementType,
        /// The types that would do.
        expected: &'static str,
    },
    /// A destination was attached for reading only.
    #[error("{destination} is attached read-only: attach it with `attach_mut` to write to it")]
    ReadOnly {
        /// The destination.
        destination: String,
    },
    /// A destination cannot be attached for writing.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// A destination cannot be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A new file cannot be created, written, or given its name.
    #[error(transparent)]
    File(#[from] StorageError),
    /// Ids and distances were to be created in one place: they would be the same file, have the same
    /// descriptor, or the same data file, whose name is the descriptor's with the extension `bin`.
    #[error("ids and distances would share {}, expected two destinations", path.display())]
    SameDestination {
        /// The file.
        path: PathBuf,
    },
    /// A destination cannot be written to.
    #[error("the destination {destination} cannot be written to")]
    Write {
        /// The destination.
        destination: String,
        /// The system's reason.
        source: StorageError,
    },
    /// A destination cannot be viewed as it was a moment ago.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The sink was not begun, was begun twice, or had failed before.
    #[error("the sink takes nothing now: it was not begun, or has ended")]
    NotOpen,
    /// More or fewer rows were written than the result has.
    #[error("the result has {expected} rows, but {found} were written")]
    Rows {
        /// Rows of the result.
        expected: usize,
        /// Rows written.
        found: usize,
    },
    /// A sink of another crate failed.
    #[error("the sink failed")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}
