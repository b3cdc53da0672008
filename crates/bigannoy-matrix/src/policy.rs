//! What becomes of values that are no numbers.

use bigannoy_descriptor::ElementType;

use crate::{Element, RowFloat, ValueFault};

/// What becomes of a value that is no finite number when rows are read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum OnValue {
    /// Reading fails, with the row and column of the first such value.
    #[default]
    Refuse,
    /// NaN where it is missing or NaN, infinity where it is infinite.
    Keep,
    /// This number instead, rounded to the type that is read, and not looked at again: it can be
    /// NaN, and infinite where it is too large for `f32`.
    Replace(f64),
}

/// What becomes of the values of a matrix that are no finite numbers, when its rows are read with
/// `read_rows`. Default: both kinds are refused.
///
/// *Missing* is R's `NA` as the matrix's type stores it. In type `float` that is the smallest
/// normal number (1.175494e-38), and NaN too: `bigmemory` stores an `NA` that is assigned later as
/// NaN. *Not finite* is all the rest: NaN of type `double`, infinities, and doubles that are infinite
/// when they are rounded to 32 bits.
///
/// ```
/// use bigannoy_matrix::{ElementType, MatrixSpec, NewMatrix, OnValue, ReadRows, ValuePolicy};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("m.desc");
/// let mut new = NewMatrix::create(&path, &MatrixSpec::new(ElementType::Integer, 2, 2))?;
/// new.view_mut::<i32>()?.column_mut(1).copy_from_slice(&[7, i32::MIN]); // 7, NA
/// let matrix = new.finish()?;
///
/// let mut rows = [0.0f64; 4];
/// let zeros = ValuePolicy::default().missing(OnValue::Replace(0.5));
/// matrix.read_rows(0..2, zeros, &mut rows)?;
/// assert_eq!(rows, [0.0, 7.0, 0.0, 0.5]);
/// assert!(matrix.read_rows(0..2, ValuePolicy::default(), &mut rows).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValuePolicy {
    missing: OnValue,
    not_finite: OnValue,
    float_min_is_missing: bool,
}

impl Default for ValuePolicy {
    fn default() -> Self {
        ValuePolicy {
            missing: OnValue::Refuse,
            not_finite: OnValue::Refuse,
            float_min_is_missing: true,
        }
    }
}

impl ValuePolicy {
    /// Nothing is refused.
    pub(crate) const KEEP: ValuePolicy = ValuePolicy {
        missing: OnValue::Keep,
        not_finite: OnValue::Keep,
        float_min_is_missing: true,
    };

    /// Sets what becomes of missing values. Default: [`OnValue::Refuse`].
    #[must_use]
    pub fn missing(mut self, missing: OnValue) -> Self {
        self.missing = missing;
        self
    }

    /// Sets what becomes of NaN, infinities and numbers too large for the type that is read.
    /// Default: [`OnValue::Refuse`].
    #[must_use]
    pub fn not_finite(mut self, not_finite: OnValue) -> Self {
        self.not_finite = not_finite;
        self
    }

    /// Sets whether 1.175494e-38 in a matrix of type `float` is a missing value or a number.
    /// Default: missing. R itself shows it as either, depending on how the cell is read.
    #[must_use]
    pub fn float_min_is_missing(mut self, is_missing: bool) -> Self {
        self.float_min_is_missing = is_missing;
        self
    }

    /// What is read for `stored`.
    pub(crate) fn apply<T: Element, F: RowFloat>(self, stored: T) -> Result<F, ValueFault> {
        let taken = F::of(stored);
        if taken.is_finite() {
            return Ok(taken);
        }
        let Some(fault) = stored.fault() else { return Ok(taken) };
        let float = T::TYPE == ElementType::Float;
        let on_value = match fault {
            ValueFault::Missing if float && !self.float_min_is_missing => {
                return Ok(F::from_f64(f64::from(f32::MIN_POSITIVE)));
            }
            ValueFault::Missing => self.missing,
            ValueFault::NaN if float => self.missing,
            _ => self.not_finite,
        };
        match on_value {
            OnValue::Refuse => Err(fault),
            OnValue::Keep => Ok(taken),
            OnValue::Replace(number) => Ok(F::from_f64(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_value_goes_its_own_way() {
        let policy = ValuePolicy::default()
            .missing(OnValue::Replace(-1.0))
            .not_finite(OnValue::Replace(-2.0));
        let double = |value: f64| policy.apply::<f64, f64>(value).unwrap();
        assert_eq!(double(f64::MISSING), -1.0);
        assert_eq!(double(f64::NAN), -2.0);
        assert_eq!(double(f64::NEG_INFINITY), -2.0);
        assert_eq!(policy.apply::<f64, f32>(1e300), Ok(-2.0));
        assert_eq!(policy.apply::<i16, f32>(i16::MISSING), Ok(-1.0));
        assert_eq!(policy.apply::<f32, f32>(f32::NAN), Ok(-1.0));
        assert_eq!(policy.apply::<f32, f64>(f32::MISSING), Ok(-1.0));
        assert_eq!(policy.apply::<f32, f64>(f32::INFINITY), Ok(-2.0));
        let number = policy.float_min_is_missing(false);
        assert_eq!(number.apply::<f32, f32>(f32::MISSING), Ok(f32::MIN_POSITIVE));
        assert_eq!(number.apply::<f32, f64>(f32::NAN), Ok(-1.0));
    }

    #[test]
    fn kept_values_are_nan_or_infinite_and_refused_ones_say_what_they_are() {
        let keep = ValuePolicy::default().missing(OnValue::Keep).not_finite(OnValue::Keep);
        assert!(keep.apply::<i8, f64>(i8::MISSING).unwrap().is_nan());
        assert_eq!(keep.apply::<f64, f32>(-1e300), Ok(f32::NEG_INFINITY));
        // R's own NA keeps its bits, and is NA in R again.
        let kept = keep.apply::<f64, f64>(f64::MISSING).unwrap();
        assert_eq!(kept.to_bits() & 0xffff_ffff, 1954);
        let refuse = ValuePolicy::default();
        assert_eq!(refuse.apply::<f64, f32>(1e300), Err(ValueFault::TooLarge(1e300)));
        assert_eq!(refuse.apply::<f64, f64>(1e300), Ok(1e300));
    }
}
