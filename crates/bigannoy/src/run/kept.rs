//! The journal of a search.

use std::path::{Path, PathBuf};

use bigannoy_journal::{Block, Head, Journal, Shape, journal_path};
use bigannoy_search::Budget;
use bigannoy_sink::NeighborSink;
use bigannoy_storage::{Access, OpenFile};

use super::Run;
use super::answer::Answer;
use super::read::Vectors;
use crate::ends::ends;
use crate::resume::check_finished;
use crate::{Error, Journaling};

/// What a search is to do about a journal, once nothing speaks against it any more.
pub(super) enum Plan {
    /// Keep none.
    Without,
    /// Begin one at the path, in place of any that is there.
    Begin(PathBuf),
    /// Go on with the one at the path.
    GoOn(PathBuf),
}

/// The journal of a search, or none.
pub(super) struct Kept(Option<Journal>);

impl Run<'_> {
    /// Decides about the journal, and refuses what another search has left unfinished.
    pub(super) fn plan(&self, sink: &dyn NeighborSink) -> Result<Plan, Error> {
        let Some(result) = sink.result_path() else { return Ok(Plan::Without) };
        let path = journal_path(&result);
        match self.options.journaling {
            Journaling::Keep => check_finished(&result).map(|()| Plan::Begin(path)),
            Journaling::Off => check_finished(&result).map(|()| Plan::Without),
            Journaling::Resume if path.symlink_metadata().is_ok() => Ok(Plan::GoOn(path)),
            Journaling::Resume | Journaling::Restart => Ok(Plan::Begin(path)),
        }
    }

    /// All that decides the answers. `queries` is the hash of the rows that are searched for.
    pub(super) fn head(&self, queries: Option<&str>) -> Result<Head, Error> {
        let (options, shape) = (self.options, self.loaded.shape());
        let file = OpenFile::open(&self.index.path, Access::ReadOnly)?;
        let answers = Shape {
            n_query: self.n_query as u64,
            k: u32::try_from(options.k).unwrap_or(u32::MAX),
            n_items: shape.n_items(),
            double: self.reranked.is_some(),
        };
        let budget = match self.search_k {
            Some(search_k) if options.budget != Budget::Exhaustive => search_k.to_string(),
            _ => "all".to_owned(),
        };
        let admitted = self.admitted.as_ref().map_or_else(
            || "all".to_owned(),
            |items| {
                let mut hasher = blake3::Hasher::new();
                items.iter().for_each(|item| {
                    hasher.update(&item.to_le_bytes());
                });
                hasher.finalize().to_hex().to_string()
            },
        );
        let candidates = self.reranked.map_or_else(
            || "no".to_owned(),
            |reranked| format!("{} candidates of {}", self.kept(), reranked.reference().name()),
        );
        Ok(Head::new(answers)
            .with("metric", self.index.metric())
            .with("columns", self.index.dim())
            .with("trees", shape.roots().len())
            .with("index_bytes", file.len_bytes()?)
            .with("index_ends", ends(&file)?)
            .with("query_values", queries.unwrap_or("own rows"))
            .with("strategy", options.strategy)
            .with("search_k", budget)
            .with("widen", options.widen)
            .with("strict", options.strict)
            .with("skip_missing", options.skip_missing)
            .with("include_self", options.include_self)
            .with("only", admitted)
            .with("rerank", candidates))
    }

    /// Opens the journal of this search, and looks whether its last answers would be given today.
    pub(super) fn resumed(&self, path: &Path, head: &Head) -> Result<Journal, Error> {
        let mut journal = Journal::resume(path, head)?;
        if let Some((first, block)) = journal.take_last() {
            let start = usize::try_from(first).unwrap_or(usize::MAX);
            let rows = start..start + block.neighbors.nrows();
            if self.answer(rows, &mut Vectors::default())?.neighbors != block.neighbors {
                let journal = journal.path().to_path_buf();
                return Err(Error::JournalDiffers { journal, first: first + 1 });
            }
        }
        Ok(journal)
    }
}

impl Kept {
    pub(super) fn none() -> Self {
        Kept(None)
    }

    pub(super) fn begun(path: &Path, head: &Head, journaling: Journaling) -> Result<Self, Error> {
        if journaling == Journaling::Restart {
            Journal::discard(path)?;
        }
        Ok(Kept(Some(Journal::create(path, head)?)))
    }

    pub(super) fn resumed(journal: Journal) -> Self {
        Kept(Some(journal))
    }

    /// Hands over the answers that are there.
    pub(super) fn replay(
        &self,
        take: &mut dyn FnMut(Answer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(journal) = &self.0 else { return Ok(()) };
        let rows = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        journal.replay(&mut |Block { neighbors, short_rows, skipped_rows }| {
            let (short_rows, skipped_rows) = (rows(short_rows), rows(skipped_rows));
            take(Answer { neighbors, short_rows, skipped_rows })
        })
    }

    /// Keeps an answer.
    pub(super) fn keep(&mut self, answer: Answer) -> Result<Answer, Error> {
        let Some(journal) = &mut self.0 else { return Ok(answer) };
        let Answer { neighbors, short_rows, skipped_rows } = answer;
        let block =
            Block { neighbors, short_rows: short_rows as u64, skipped_rows: skipped_rows as u64 };
        journal.append(&block)?;
        Ok(Answer { neighbors: block.neighbors, short_rows, skipped_rows })
    }

    /// Leaves the journal of a search that has ended with `error` to the next one, or removes it where
    /// there is nothing to go on with.
    pub(super) fn leave(self, error: &Error) {
        let Some(journal) = self.0 else { return };
        if journal.complete() == 0 || matches!(error, Error::ShortRow { .. }) {
            // Where it cannot be removed it says that nothing was answered, which is so; the error
            // that ended the search is the one to tell.
            let _ = journal.remove();
        }
    }

    /// Removes the journal: the result is complete.
    pub(super) fn done(self) -> Result<(), Error> {
        Ok(self.0.map_or(Ok(()), Journal::remove)?)
    }
}
