//! Why a measurement could not be made.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// Building, searching or reading failed.
    #[error(transparent)]
    Bigannoy(#[from] bigannoy::Error),
    /// The index in memory, to which the one on disk is compared, could not be built.
    #[error("cannot build the index in memory")]
    Build(#[from] bigannoy_build::BuildError),
    /// The index in memory could not be opened.
    #[error("cannot open the index in memory")]
    Open(#[from] bigannoy::format::OpenError),
    /// The index in memory could not be searched.
    #[error("cannot search the index in memory")]
    Search(#[from] bigannoy_search::SearchError),
    /// There is no place for the files.
    #[error("cannot make a directory for the files in {}", path.display())]
    Place {
        /// Where it was to be.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of the measurement could not be looked at or removed.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A setting is out of range, or does not go with another.
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
    #[error("cannot start {threads} threads")]
    Threads {
        /// The number asked for.
        threads: usize,
        /// The reason.
        source: rayon::ThreadPoolBuildError,
    },
    /// No setting reaches the goal.
    #[error("{goal} is not reached: {reached}")]
    Unreachable {
        /// What was asked for.
        goal: String,
        /// The best there is.
        reached: String,
    },
}

impl BenchError {
    pub(crate) fn setting(
        setting: &'static str,
        found: impl Display,
        expected: impl Into<String>,
    ) -> Self {
        BenchError::Setting { setting, found: found.to_string(), expected: expected.into() }
    }
}

impl From<bigannoy::matrix::RowError> for BenchError {
    fn from(error: bigannoy::matrix::RowError) -> Self {
        BenchError::Bigannoy(error.into())
    }
}

impl From<bigannoy::matrix::AttachError> for BenchError {
    fn from(error: bigannoy::matrix::AttachError) -> Self {
        BenchError::Bigannoy(error.into())
    }
}
