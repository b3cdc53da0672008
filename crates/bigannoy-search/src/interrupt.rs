//! Asking whether to stop.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::SearchError;

/// What says that a search is to end, if anything does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupt<'a>(pub(crate) Option<&'a AtomicBool>);

impl Interrupt<'_> {
    /// # Errors
    /// [`SearchError::Interrupted`]: it is.
    pub(crate) fn check(self) -> Result<(), SearchError> {
        if self.0.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
            return Err(SearchError::Interrupted);
        }
        Ok(())
    }
}
