//! Stored numbers and their missing values.

use std::fmt;

use bigannoy_descriptor::ElementType;

/// A number as it stands in a data file. Every bit pattern is a value.
///
/// Implemented for the six types of `bigmemory`, and for no others.
pub trait Element: bytemuck::Pod + Send + Sync + PartialEq + fmt::Debug + private::Sealed {
    /// The type's tag in a descriptor.
    const TYPE: ElementType;

    /// R's missing value, as `bigmemory` stores it. Type `raw` has none; it gets 0, as R does.
    const MISSING: Self;

    /// The value rounded to `f32`; NaN where it is missing. May be infinite.
    fn to_f32(self) -> f32;

    /// The value as `f64`, which holds every one of them exactly; NaN where it is missing.
    fn to_f64(self) -> f64;

    /// Why this value is no coordinate of a point, if it is none.
    ///
    /// Always `Some` where [`Element::to_f32`] is not finite, and only there.
    fn fault(self) -> Option<ValueFault>;
}

mod private {
    pub trait Sealed {}
}

/// Why a value is no coordinate of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueFault {
    /// R's missing value of the matrix's type.
    Missing,
    /// Not a number.
    NaN,
    /// Plus or minus infinity.
    Infinite,
    /// A number that is infinite when rounded to 32 bits.
    TooLarge(f64),
}

impl ValueFault {
    /// Why a floating-point number is no coordinate, leaving missing values aside.
    pub(crate) fn of_float(value: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "the rounding is what is looked at")]
        let narrowed = value as f32;
        if value.is_nan() {
            Some(ValueFault::NaN)
        } else if value.is_infinite() {
            Some(ValueFault::Infinite)
        } else if narrowed.is_infinite() {
            Some(ValueFault::TooLarge(value))
        } else {
            None
        }
    }
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueFault::Missing => f.write_str("missing (NA)"),
            ValueFault::NaN => f.write_str("not a number (NaN)"),
            ValueFault::Infinite => f.write_str("infinite"),
            ValueFault::TooLarge(value) => write!(f, "{value:e}, too large for 32 bits"),
        }
    }
}

macro_rules! integer_element {
    ($($rust:ty, $tag:ident, $missing:expr, $is_missing:expr;)*) => {$(
        impl private::Sealed for $rust {}

        impl Element for $rust {
            const TYPE: ElementType = ElementType::$tag;
            const MISSING: Self = $missing;

            // Only `i32` is wider than the 24 bits that `f32` keeps; it rounds, as in R.
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, reason = "rounds as R does")]
            fn to_f32(self) -> f32 {
                if $is_missing(self) { f32::NAN } else { self as f32 }
            }

            fn to_f64(self) -> f64 {
                if $is_missing(self) { f64::NAN } else { f64::from(self) }
            }

            fn fault(self) -> Option<ValueFault> {
                $is_missing(self).then_some(ValueFault::Missing)
            }
        }
    )*};
}

integer_element! {
    i8, Char, i8::MIN, |value| value == i8::MIN;
    i16, Short, i16::MIN, |value| value == i16::MIN;
    i32, Integer, i32::MIN, |value| value == i32::MIN;
    u8, Raw, 0, |_| false;
}

impl private::Sealed for f32 {}

/// `bigmemory` stores a missing `float` as the smallest normal number. It stores NaN where NaN or
/// NA was assigned later; both are refused as coordinates.
impl Element for f32 {
    const TYPE: ElementType = ElementType::Float;
    const MISSING: Self = f32::MIN_POSITIVE;

    fn to_f32(self) -> f32 {
        if self == Self::MISSING { f32::NAN } else { self }
    }

    fn to_f64(self) -> f64 {
        f64::from(self.to_f32())
    }

    fn fault(self) -> Option<ValueFault> {
        if self == Self::MISSING {
            Some(ValueFault::Missing)
        } else {
            ValueFault::of_float(f64::from(self))
        }
    }
}

impl private::Sealed for f64 {}

impl Element for f64 {
    const TYPE: ElementType = ElementType::Double;
    /// A NaN whose lower half is 1954.
    const MISSING: Self = f64::from_bits(0x7ff0_0000_0000_07a2);

    #[expect(clippy::cast_possible_truncation, reason = "rounds as R and Annoy do")]
    fn to_f32(self) -> f32 {
        self as f32
    }

    fn to_f64(self) -> f64 {
        self
    }

    fn fault(self) -> Option<ValueFault> {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is looked at")]
        let low = self.to_bits() as u32;
        if self.is_nan() && low == 1954 {
            Some(ValueFault::Missing)
        } else {
            ValueFault::of_float(self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agrees<T: Element>(value: T) {
        assert_eq!(value.fault().is_none(), value.to_f32().is_finite(), "{value:?}");
    }

    #[test]
    fn missing_values_of_each_type() {
        assert_eq!(i8::MISSING.fault(), Some(ValueFault::Missing));
        assert_eq!(i16::MISSING.fault(), Some(ValueFault::Missing));
        assert_eq!(i32::MISSING.fault(), Some(ValueFault::Missing));
        assert_eq!(f32::MISSING.fault(), Some(ValueFault::Missing));
        assert_eq!(f64::MISSING.fault(), Some(ValueFault::Missing));
        assert_eq!(0u8.fault(), None);
        // The quiet form of R's NA, and a NaN that is none.
        assert_eq!(f64::from_bits(0x7ff8_0000_0000_07a2).fault(), Some(ValueFault::Missing));
        assert_eq!(f64::NAN.fault(), Some(ValueFault::NaN));
        assert_eq!(f32::NEG_INFINITY.fault(), Some(ValueFault::Infinite));
        assert_eq!(1e300.fault(), Some(ValueFault::TooLarge(1e300)));
        assert_eq!(ValueFault::TooLarge(1e300).to_string(), "1e300, too large for 32 bits");
    }

    #[test]
    fn narrowing_rounds_to_nearest() {
        assert_eq!(16_777_217i32.to_f32(), 16_777_216.0);
        assert_eq!(0.1f64.to_f32(), 0.1f32);
        assert_eq!((-128i16).to_f32(), -128.0);
    }

    proptest! {
        #[test]
        fn a_fault_is_a_value_that_is_not_finite(
            a in any::<i8>(), b in any::<i16>(), c in any::<i32>(), d in any::<u8>(),
            e in any::<u32>(), f in any::<u64>(),
        ) {
            agrees(a); agrees(b); agrees(c); agrees(d);
            agrees(f32::from_bits(e));
            agrees(f64::from_bits(f));
        }
    }
}
