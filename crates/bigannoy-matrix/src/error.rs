//! Why a matrix could not be attached, viewed, read or created.

use std::path::PathBuf;

use bigannoy_descriptor::{DescriptorError, ElementType, ReadError, WindowError};
use bigannoy_storage::StorageError;

use crate::ValueFault;

/// Why a matrix could not be attached. Nothing is changed on disk then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The descriptor cannot be read.
    #[error(transparent)]
    Descriptor(#[from] ReadError),
    /// A data file cannot be used: missing, too short, not a file, …
    #[error("the data of {matrix} cannot be used")]
    Data {
        /// The matrix: its descriptor's path, or its data file's.
        matrix: String,
        /// What is wrong with which file.
        source: StorageError,
    },
    /// The window is not within the stored matrix.
    #[error("{matrix}: {window}")]
    Window {
        /// The matrix: its descriptor's path, or its data file's.
        matrix: String,
        /// Which rows or columns are outside of what.
        window: WindowError,
    },
    /// The matrix is larger than memory can address.
    #[error("{matrix}: {rows} x {cols} elements of type {element_type} are more than 2^63 bytes")]
    TooLarge {
        /// The matrix: its descriptor's path, or its data file's.
        matrix: String,
        /// Stored rows.
        rows: u64,
        /// Stored columns.
        cols: u64,
        /// Type of an element.
        element_type: ElementType,
    },
    /// A descriptor value does not say in which directory its data is.
    #[error(
        "the descriptor of {filename:?} has no directory: read it from its file, or set one with \
         `with_dirname`"
    )]
    NoDirectory {
        /// The data file's name.
        filename: String,
    },
    /// The data file's name is no name on this system.
    #[error("the data file's name {filename:?} is no file name on this system")]
    FileName {
        /// The name.
        filename: String,
    },
}

/// Why the numbers of a matrix could not be viewed as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The matrix holds elements of another type.
    #[error("{matrix} holds elements of type {found}, expected {expected}")]
    ElementType {
        /// The matrix.
        matrix: String,
        /// The type asked for.
        expected: ElementType,
        /// The type that is stored.
        found: ElementType,
    },
    /// The matrix was attached for reading only.
    #[error("{matrix} is attached read-only: attach it with `attach_mut` to write to it")]
    ReadOnly {
        /// The matrix.
        matrix: String,
    },
    /// Numbers and shape do not fit together.
    #[error(
        "{found} elements cannot be viewed as {nrows} x {ncols} with {ld} from column to column"
    )]
    Shape {
        /// Elements that are there.
        found: usize,
        /// Rows asked for.
        nrows: usize,
        /// Columns asked for.
        ncols: usize,
        /// Elements from one column's beginning to the next.
        ld: usize,
    },
    /// Columns of different length.
    #[error(
        "column {column} (counted from 0) has {found} elements, expected {expected} as in column 0"
    )]
    Ragged {
        /// The column, counted from 0.
        column: usize,
        /// Its length.
        found: usize,
        /// The length of column 0.
        expected: usize,
    },
}

/// Why rows could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A value is no finite number. Row and column are counted from 0 here, and from 1 in the
    /// message, as in R.
    #[error(
        "{matrix}: row {}, column {} (counted from 1) is {fault}, expected a finite number",
        row + 1, column + 1
    )]
    Value {
        /// The matrix.
        matrix: String,
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// What is wrong with the value.
        fault: ValueFault,
    },
    /// The data cannot be read any more: it was cut or replaced, or the disk refuses.
    #[error("the data of {matrix} cannot be read")]
    Data {
        /// The matrix.
        matrix: String,
        /// What is wrong with which file.
        source: StorageError,
    },
}

/// Why a matrix could not be created. Nothing has appeared on disk then, save under
/// [`CreateError::Attach`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// Shape or names that no matrix can have.
    #[error("cannot create {}", path.display())]
    Spec {
        /// The descriptor's path.
        path: PathBuf,
        /// What is wrong.
        source: DescriptorError,
    },
    /// The matrix is larger than a file can be.
    #[error("cannot create {}: {rows} x {cols} elements of type {element_type} are more than 2^63 bytes", path.display())]
    TooLarge {
        /// The descriptor's path.
        path: PathBuf,
        /// Rows asked for.
        rows: u64,
        /// Columns asked for.
        cols: u64,
        /// Type of an element.
        element_type: ElementType,
    },
    /// More separated columns than a process can have mapped.
    #[error(
        "cannot create {}: {cols} separated columns, expected at most {most}: contiguous ones have \
         no such limit",
        path.display()
    )]
    TooManyColumns {
        /// The descriptor's path.
        path: PathBuf,
        /// Columns asked for.
        cols: usize,
        /// Columns that are possible.
        most: usize,
    },
    /// The descriptor's path has no file name, or is that of the data.
    #[error(
        "cannot create {}: expected the path of a descriptor file, as x.desc, whose data then goes \
         to x.bin",
        path.display()
    )]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A file is in the way, or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The matrix was created, and could not be attached.
    #[error("the new matrix is finished and cannot be attached")]
    Attach(#[from] AttachError),
}
