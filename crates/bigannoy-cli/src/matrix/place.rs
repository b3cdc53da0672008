//! Where in a file or a matrix a value stands that cannot be carried over.

use std::fmt::Display;

use bigannoy::ElementType;

use super::number::Misfit;

/// A value that stays where it is. Row and column are counted from 0, and from 1 in the message.
pub(super) struct Place<'a> {
    /// The file or matrix.
    pub(super) of: &'a dyn Display,
    pub(super) row: usize,
    pub(super) col: usize,
    /// The line of a text, counted from 1.
    pub(super) line: Option<u64>,
}

impl Place<'_> {
    /// The message: where, what, and why `element_type` does not hold it.
    pub(super) fn refuse(
        &self,
        value: &dyn Display,
        misfit: Misfit,
        element_type: ElementType,
    ) -> String {
        let Place { of, row, col, line } = self;
        let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
        let why = misfit.explain(element_type);
        format!("{of}: row {}, column {}{line} is {value}, {why}", row + 1, col + 1)
    }
}
