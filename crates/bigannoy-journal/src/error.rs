//! Why a journal could not be kept or used.

use std::path::PathBuf;

use bigannoy_storage::StorageError;

use crate::{Difference, HeadError};

/// Why a journal could not be kept or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file could not be read or written, or another process has it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file does not begin as a journal does.
    #[error(
        "{} is no journal of a search that can be gone on with: remove it to begin anew",
        path.display()
    )]
    Head {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        source: HeadError,
    },
    /// The journal is of another search.
    #[error("{} was begun by another search: {difference}", path.display())]
    OtherSearch {
        /// The journal.
        path: PathBuf,
        /// The first difference.
        difference: Difference,
    },
}
