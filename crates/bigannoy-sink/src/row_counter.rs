//! How many rows of a result have come.

use crate::SinkError;

/// Holds the rows that are written against those that a result has: the check that every sink makes.
///
/// ```
/// use bigannoy_sink::RowCounter;
///
/// let mut rows = RowCounter::new(3);
/// assert_eq!(rows.take(2)?, 0); // the first of them
/// assert!(rows.take(2).is_err());
/// assert!(rows.finish().is_err()); // one is missing
/// assert_eq!(rows.take(1)?, 2);
/// rows.finish()?;
/// # Ok::<(), bigannoy_sink::SinkError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RowCounter {
    expected: usize,
    written: usize,
}

impl RowCounter {
    /// None so far, of `n_query`.
    #[must_use]
    pub const fn new(n_query: usize) -> Self {
        RowCounter { expected: n_query, written: 0 }
    }

    /// Counts the next `count` rows; returns the first of them, counted from 0.
    ///
    /// # Errors
    /// [`SinkError::Rows`]: those would be more than the result has. They are not counted.
    pub fn take(&mut self, count: usize) -> Result<usize, SinkError> {
        let (first, found) = (self.written, self.written.saturating_add(count));
        if found > self.expected {
            return Err(SinkError::Rows { expected: self.expected, found });
        }
        self.written = found;
        Ok(first)
    }

    /// Tells whether all rows have come.
    ///
    /// # Errors
    /// [`SinkError::Rows`]: some are missing.
    pub fn finish(self) -> Result<(), SinkError> {
        if self.written == self.expected {
            return Ok(());
        }
        Err(SinkError::Rows { expected: self.expected, found: self.written })
    }
}
