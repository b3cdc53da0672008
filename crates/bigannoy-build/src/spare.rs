//! Memory that is used again, instead of being given back and asked for anew: the first touch of each page would cost
//! more than what is done with it, and what allocators keep of it for each thread is not theirs to keep.

use std::sync::{Mutex, PoisonError};

/// Memory that was used for one piece of work and can be for another.
#[derive(Debug)]
pub(crate) struct Spare<T>(Mutex<Vec<T>>);

impl<T> Spare<T> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Spare(Mutex::new(Vec::new()))
    }

    /// What was used before, if there is any.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Takes in what is used no more.
    pub(crate) fn give(&self, used: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(used);
    }
}
