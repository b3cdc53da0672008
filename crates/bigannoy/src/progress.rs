//! How far long work is, and how to end it early.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far a build or a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do.
    pub total: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Rows of the reference are read to find the longest, before an index under dot is built;
    /// counted in rows.
    Lengths,
    /// Rows of the reference are read and stored; counted in rows.
    Items,
    /// Trees grow; counted in trees.
    Trees,
    /// Queries are answered; counted in queries.
    Queries,
    /// Rows of the reference are compared with queries by an exact search; counted in rows, once
    /// for each block of queries.
    Comparisons,
}

/// Who is told about progress, and who may interrupt. Part of the options of long calls.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    pub(crate) progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    pub(crate) interrupt: Option<Arc<AtomicBool>>,
}

impl Watch {
    pub(crate) fn report(&self, stage: Stage, done: u64, total: u64) {
        if let Some(progress) = &self.progress {
            progress(Progress { stage, done, total });
        }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|interrupt| interrupt.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
