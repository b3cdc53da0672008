//! Results that a search has left unfinished.

use std::path::Path;

use bigannoy_journal::Unfinished;

use crate::Error;

/// What becomes of a search into files that is not finished.
///
/// A search into files keeps a journal beside its result: of `near.desc`, `near.desc.journal` (see
/// [`crate::journal`]). It goes when the result is complete. After a kill, an interruption or a fault in
/// mid-search it stays, if any block was answered, and says that the result is unfinished: it is
/// refused as an input and as the result of another search.
///
/// Which search a journal is of is decided by the index (its size, both its ends and shape), the values
/// of all queries, and every setting that decides an answer; threads and the size of blocks may be
/// others. The last block that is kept is answered again and compared. The result is then the same
/// bytes as if the search had never been broken off; only in files with one record for each block, such
/// as Arrow's, blocks have to have the same size for that.
///
/// Sinks without a file of their own ([`bigannoy_sink::NeighborSink::result_path`]), such as memory and
/// matrices given live or by a descriptor, have no journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journaling {
    /// Keeps a journal. Where there is one already, [`Error::Unfinished`].
    #[default]
    Keep,
    /// Goes on where the journal ends; begins where there is none.
    Resume,
    /// Begins anew, whatever journal there is.
    Restart,
    /// Keeps none: a search that is broken off leaves nothing to go on with, and where it wrote into a
    /// matrix that was there, nothing that says so. Where there is a journal, [`Error::Unfinished`].
    Off,
}

/// How far the result that is found by `path` has come, if a search has left it unfinished; `None` for
/// all other files. Cost: a look for the journal, which is read once if it is there.
///
/// # Errors
/// [`Error::Journal`]: there is one, and it cannot be read.
pub fn unfinished(path: impl AsRef<Path>) -> Result<Option<Unfinished>, Error> {
    Ok(bigannoy_journal::unfinished(path.as_ref())?)
}

/// Fails where a search has left the result found by `path` unfinished. Whatever takes the path of a
/// matrix in this crate looks first; so should who attaches a result by other means.
///
/// # Errors
/// [`Error::Unfinished`], and as [`unfinished`].
pub fn check_finished(path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    match unfinished(path)? {
        Some(Unfinished { journal, complete, n_query }) => {
            Err(Error::Unfinished { result: path.to_path_buf(), journal, complete, n_query })
        }
        None => Ok(()),
    }
}
