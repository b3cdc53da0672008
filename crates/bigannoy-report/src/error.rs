//! Why something could not be shown.

use std::io;
use std::path::PathBuf;

/// Why a table, plot or page could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file name does not say in which form the table is wanted.
    #[error("{} has to end in {expected}, to say what is to be written", path.display())]
    Ending {
        /// The file asked for.
        path: PathBuf,
        /// The endings that are known.
        expected: &'static str,
    },
    /// There is no such directory as the file is to be in.
    #[error("cannot write {}: {} is no directory", path.display(), directory.display())]
    Directory {
        /// The file asked for.
        path: PathBuf,
        /// Its directory.
        directory: PathBuf,
    },
    /// The file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A plot could not be turned into pixels.
    #[error("cannot draw the plot \"{title}\": {problem}")]
    Draw {
        /// The title of the plot.
        title: String,
        /// The reason.
        problem: String,
    },
}
