//! The extents of a matrix along one axis, and what is known of the stored ones.

use std::fmt;
use std::ops::Range;

/// The largest extent or offset, 2⁵³: R counts in doubles, which are exact up to there.
pub const MAX_EXTENT: u64 = 1 << 53;

/// An axis of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Along the rows: shown as `rows`.
    Rows,
    /// Along the columns: shown as `columns`.
    Columns,
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rows => "rows",
            Self::Columns => "columns",
        })
    }
}

/// The visible matrix does not lie within the stored one.
///
/// All numbers are zero-based elements; `end` is the first one behind the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// The window reaches beyond the stored extent.
    #[error("{axis} {} to {end} (counted from 1) lie outside the {total} that are stored", offset + 1)]
    Outside {
        /// The axis along which it does.
        axis: Axis,
        /// Where the window starts.
        offset: u64,
        /// Where the window ends.
        end: u64,
        /// The stored extent.
        total: u64,
    },
    /// A window of nothing: a matrix has at least one row and one column.
    #[error("no {axis}: expected at least one of the {total}")]
    Empty {
        /// The axis without extent.
        axis: Axis,
        /// The extent that there is.
        total: u64,
    },
    /// The stored extent is `NA` or negative: R squeezed it through 32 bits.
    #[error(
        "{axis} {} to {end} (counted from 1) lie outside the stored extent, which is written as {}",
        offset + 1,
        Written(*.written)
    )]
    Unknown {
        /// The axis whose stored extent is not known.
        axis: Axis,
        /// Where the window starts.
        offset: u64,
        /// Where the window ends.
        end: u64,
        /// What the descriptor says, `None` for `NA`.
        written: Option<i32>,
    },
}

struct Written(Option<i32>);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(written) => write!(f, "{written}"),
            None => f.write_str("NA"),
        }
    }
}

/// A stored extent as the descriptor gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Total {
    /// A 32-bit integer; R may have dropped the upper bits.
    Integer(i32),
    /// `NA`: what R makes of 2³¹.
    Missing,
    /// A double, which needed no squeezing.
    Exact(u64),
}

impl From<u64> for Total {
    /// As a writer should give it: as an integer where it fits, else as a double.
    fn from(total: u64) -> Self {
        i32::try_from(total).map_or(Self::Exact(total), Self::Integer)
    }
}

/// The visible range along one axis, and the stored extent around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Zero-based; at most [`MAX_EXTENT`], so that no sum of two overflows.
    pub(crate) offset: u64,
    /// At least 1, at most [`MAX_EXTENT`].
    pub(crate) len: u64,
    pub(crate) total: Total,
}

impl Extent {
    pub(crate) fn end(self) -> u64 {
        self.offset + self.len
    }

    /// The stored extent as written, if the window lies within it.
    pub(crate) fn written(self, axis: Axis) -> Result<u64, WindowError> {
        let Self { offset, .. } = self;
        let end = self.end();
        let total =
            match self.total {
                Total::Exact(total) => total,
                Total::Integer(total) => u64::try_from(total).map_err(|_| {
                    WindowError::Unknown { axis, offset, end, written: Some(total) }
                })?,
                Total::Missing => {
                    return Err(WindowError::Unknown { axis, offset, end, written: None });
                }
            };
        if end > total {
            return Err(WindowError::Outside { axis, offset, end, total });
        }
        Ok(total)
    }

    /// Whether this is a part of the stored extent only, as far as the text tells.
    pub(crate) fn is_window(self) -> bool {
        self.offset > 0 || self.written(Axis::Rows).is_ok_and(|total| total != self.len)
    }

    /// The part `range` of the visible range, counted from its beginning.
    pub(crate) fn window(self, range: &Range<u64>, axis: Axis) -> Result<Self, WindowError> {
        let total = self.len;
        if range.is_empty() {
            return Err(WindowError::Empty { axis, total });
        }
        let Range { start: offset, end } = *range;
        if end > total {
            return Err(WindowError::Outside { axis, offset, end, total });
        }
        Ok(Self { offset: self.offset + offset, len: end - offset, ..self })
    }

    /// Whether so many names belong to the visible range, or to the stored extent.
    pub(crate) fn takes_names(self, found: usize) -> bool {
        u64::try_from(found)
            .is_ok_and(|found| found == self.len || self.written(Axis::Rows) == Ok(found))
    }

    /// The part of `names` that belongs to the visible range, `None` where they fit neither it
    /// nor the stored extent.
    pub(crate) fn slice_names<T>(self, mut names: Vec<T>) -> Option<Vec<T>> {
        let found = u64::try_from(names.len()).ok()?;
        if found == self.len {
            return Some(names);
        }
        if self.written(Axis::Rows) != Ok(found) {
            return None;
        }
        let Range { start, end } =
            usize::try_from(self.offset).ok()?..usize::try_from(self.end()).ok()?;
        names.truncate(end);
        names.drain(..start);
        Some(names)
    }

    /// The true stored extent, if R squeezed it through 32 bits and the `data_bytes` of the data
    /// file are that many times `unit` bytes (or one byte more, as some systems have it).
    pub(crate) fn repaired(self, unit: u64, data_bytes: u64) -> Option<u64> {
        let lower = match self.total {
            Total::Integer(total) => total.cast_unsigned(),
            Total::Missing => 1 << 31,
            Total::Exact(_) => return None,
        };
        let fitting = |bytes: Option<u64>| {
            let bytes = bytes?;
            let total = bytes.checked_div(unit)?;
            let holds = (self.end()..=MAX_EXTENT).contains(&total);
            (total * unit == bytes && holds).then_some(total)
        };
        let candidates = [fitting(Some(data_bytes)), fitting(data_bytes.checked_sub(1))];
        let mut candidates = candidates.into_iter().flatten();
        let squeezed =
            candidates.clone().find(|total| total & u64::from(u32::MAX) == u64::from(lower));
        // Below 2^31 nothing is squeezed, so there `NA` is no more than an unknown number.
        squeezed.or_else(|| {
            candidates.next().filter(|&total| self.total == Total::Missing && total < 1 << 31)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Extent, MAX_EXTENT, Total};

    fn extent(offset: u64, len: u64, total: Total) -> Extent {
        Extent { offset, len, total }
    }

    #[test]
    fn a_window_outside_names_its_range() {
        let outside = extent(2, 7, Total::Integer(4)).written(Axis::Rows).unwrap_err();
        assert_eq!(
            outside.to_string(),
            "rows 3 to 9 (counted from 1) lie outside the 4 that are stored"
        );
        let missing = extent(0, 4, Total::Missing).written(Axis::Columns).unwrap_err();
        let text = "columns 1 to 4 (counted from 1) lie outside the stored extent, which is written \
                    as NA";
        assert_eq!(missing.to_string(), text);
        let negative = extent(0, 4, Total::Integer(-3)).written(Axis::Rows).unwrap_err();
        assert!(negative.to_string().ends_with("written as -3"));
        assert_eq!(extent(2, 2, Total::Exact(4)).written(Axis::Rows), Ok(4));
    }

    #[test]
    fn an_offset_makes_a_window_of_any_total() {
        for total in [Total::Integer(9), Total::Exact(9), Total::Missing, Total::Integer(-9)] {
            assert!(extent(1, 4, total).is_window());
        }
        assert!(extent(0, 4, Total::Exact(9)).is_window());
        assert!(!extent(0, 4, Total::Integer(4)).is_window());
        assert!(!extent(0, 4, Total::Missing).is_window());
    }

    #[test]
    fn names_of_the_window_or_of_the_whole_fit() {
        let window = extent(1, 2, Total::Integer(4));
        assert_eq!(window.slice_names(vec![1, 2]), Some(vec![1, 2]));
        assert_eq!(window.slice_names(vec![0, 1, 2, 3]), Some(vec![1, 2]));
        assert_eq!(window.slice_names(vec![0, 1, 2]), None);
        assert_eq!(extent(9, 2, Total::Integer(4)).slice_names(vec![0, 1, 2, 3]), None);
        assert_eq!(extent(0, 2, Total::Missing).slice_names(vec![0, 1]), Some(vec![0, 1]));
    }

    #[test]
    fn lost_bits_come_back_from_the_length() {
        let five = (1 << 32) + 5;
        assert_eq!(extent(0, five, Total::Integer(5)).repaired(2, 2 * five), Some(five));
        assert_eq!(extent(0, five, Total::Integer(5)).repaired(2, 2 * five + 1), Some(five));
        assert_eq!(extent(0, five, Total::Integer(5)).repaired(2, 2 * five + 2), None);
        assert_eq!(extent(0, five, Total::Integer(6)).repaired(2, 2 * five), None);
        assert_eq!(extent(1, five, Total::Integer(5)).repaired(2, 2 * five), None);
        assert_eq!(extent(0, five, Total::Exact(5)).repaired(2, 2 * five), None);
        let negative = Total::Integer(-2_147_483_638);
        assert_eq!(extent(0, 9, negative).repaired(8, 2_147_483_658 * 8), Some(2_147_483_658));
        assert_eq!(extent(0, 9, Total::Missing).repaired(8, 1 << 34), Some(1 << 31));
        assert_eq!(extent(0, 4, Total::Missing).repaired(12, 48), Some(4));
        assert_eq!(extent(0, 4, Total::Missing).repaired(12, 49), Some(4));
        assert_eq!(extent(0, 4, Total::Missing).repaired(12, 50), None);
        assert_eq!(extent(0, 1, Total::Missing).repaired(0, 0), None);
        assert_eq!(extent(0, 4, Total::Missing).repaired(2, (1 << 32) + 2), None);
        // Larger than any matrix, whatever the file system says of the length.
        let minus_one = extent(0, 4, Total::Integer(-1));
        assert_eq!(minus_one.repaired(1, u64::MAX), None);
        assert_eq!(minus_one.repaired(1, MAX_EXTENT - 1), Some(MAX_EXTENT - 1));
        assert_eq!(extent(0, 4, Total::Missing).repaired(1, 1 << 63), None);
        // One byte an element: only one of the two readings of the length has the right bits.
        assert_eq!(extent(0, 4, Total::Missing).repaired(1, (1 << 31) + 1), Some(1 << 31));
    }
}
