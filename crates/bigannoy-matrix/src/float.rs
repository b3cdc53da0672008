//! The two types that rows are read as.

use crate::Element;

/// A floating-point number of rows in memory: `f32` or `f64`.
///
/// Unlike stored elements of `bigmemory` these have no missing value: the smallest normal `f32` is
/// a number here.
pub trait RowFloat: Copy + Default + Send + Sync + Into<f64> + private::Sealed {
    /// Whether it is an `f32`.
    const IS_SINGLE: bool;

    /// The stored value, rounded where it has more digits; NaN where it is missing.
    fn of<T: Element>(stored: T) -> Self;

    /// The number, rounded where it has more digits.
    fn from_f64(number: f64) -> Self;

    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// Whether all values are finite.
    fn are_finite(values: &[Self]) -> bool {
        values.iter().fold(true, |all, value| all & value.is_finite())
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl RowFloat for f32 {
    const IS_SINGLE: bool = true;

    fn of<T: Element>(stored: T) -> Self {
        stored.to_f32()
    }

    #[expect(clippy::cast_possible_truncation, reason = "rounds as R and Annoy do")]
    fn from_f64(number: f64) -> Self {
        number as f32
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl RowFloat for f64 {
    const IS_SINGLE: bool = false;

    fn of<T: Element>(stored: T) -> Self {
        stored.to_f64()
    }

    fn from_f64(number: f64) -> Self {
        number
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}
