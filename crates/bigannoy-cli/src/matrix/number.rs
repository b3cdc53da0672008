//! Numbers on their way between files and matrices: kept as they are, or refused.

use std::fmt;

use bigannoy::ElementType;
use bigannoy::matrix::{Element, ValueFault};

use super::decimal;

/// Any number that can stand in a file or in a matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    /// R's missing value.
    Missing,
    Whole(i64),
    Float(f64),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Cell::Missing => f.write_str("missing (NA)"),
            Cell::Whole(value) => value.fmt(f),
            Cell::Float(value) => Shown(value).fmt(f),
        }
    }
}

/// Why a type cannot hold a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    NoNumber,
    Fraction,
    Infinite,
    OutOfRange,
    /// A whole number that would be rounded.
    Inexact,
    /// So small a number that it would become zero.
    Vanishes,
    /// The value that means missing.
    MeansMissing,
    /// The type has no missing value.
    NoMissing,
    /// Nothing in an npy file of this type stands for a missing value.
    NoNaN,
}

impl Misfit {
    /// The end of a sentence that begins with the value.
    pub(super) fn explain(self, element_type: ElementType) -> String {
        match self {
            Misfit::NoNumber => "expected a number".to_owned(),
            Misfit::Fraction => {
                format!("a fraction, expected a whole number of type {element_type}")
            }
            Misfit::Infinite => format!("infinite, expected a number of type {element_type}"),
            Misfit::OutOfRange => format!("outside of the range of type {element_type}"),
            Misfit::Inexact => format!("which type {element_type} would round"),
            Misfit::Vanishes => format!("which type {element_type} would round to 0"),
            Misfit::MeansMissing => format!("which type {element_type} keeps for what is missing"),
            Misfit::NoMissing => format!("and type {element_type} has no missing value"),
            Misfit::NoNaN => {
                format!("and an npy file of type {element_type} has no number for that")
            }
        }
    }
}

/// An element that can be made of a cell or of text, if it is one, and turned into them again.
pub(super) trait Number: Element {
    /// What an npy file of this type can have in place of a missing value.
    const NAN: Option<Self>;

    /// The element as a cell.
    fn cell(self) -> Cell;

    /// The cell as an element: whole numbers as they are, others rounded where the type has
    /// fractions.
    fn of_cell(cell: Cell) -> Result<Self, Misfit>;

    /// As [`Number::of_cell`], of text without blanks around it. A whole number in any notation
    /// keeps the digits that it is written with, or is refused.
    fn of_text(text: &str) -> Result<Self, Misfit>;

    /// Writes the shortest text that leads back to the element.
    fn show(self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    fn is_missing(self) -> bool {
        self.fault() == Some(ValueFault::Missing)
    }

    /// What is stored for a cell, which reads back as that cell.
    fn stored(cell: Cell) -> Result<Self, Misfit> {
        match cell {
            Cell::Missing => Self::missing(),
            // In files without a missing value, NaN is what stands for one.
            Cell::Float(value) if value.is_nan() && Self::NAN.is_none() => Self::missing(),
            _ => Self::of_cell(cell)?.read_back(),
        }
    }

    /// What is stored for a text, which reads back as that number.
    fn stored_text(text: &str) -> Result<Self, Misfit> {
        if Self::NAN.is_none() && decimal::is_nan(text) {
            return Self::missing();
        }
        Self::of_text(text)?.read_back()
    }

    /// R's missing value, unless the type has none.
    fn missing() -> Result<Self, Misfit> {
        if Self::MISSING.is_missing() { Ok(Self::MISSING) } else { Err(Misfit::NoMissing) }
    }

    /// The value, unless it would be taken for a missing one.
    fn read_back(self) -> Result<Self, Misfit> {
        if self.is_missing() { Err(Misfit::MeansMissing) } else { Ok(self) }
    }
}

/// Shows a number as R writes it: `NA`, `NaN`, `Inf`.
pub(super) struct Shown<T>(pub(super) T);

impl<T: Number> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_missing() { f.write_str("NA") } else { self.0.show(f) }
    }
}

macro_rules! integers {
    ($($rust:ty),*) => {$(
        impl Number for $rust {
            const NAN: Option<Self> = None;

            fn cell(self) -> Cell {
                if self.is_missing() { Cell::Missing } else { Cell::Whole(self.into()) }
            }

            fn of_cell(cell: Cell) -> Result<Self, Misfit> {
                let value = match cell {
                    Cell::Missing => return Self::missing(),
                    Cell::Float(value) => whole(value)?,
                    Cell::Whole(value) => value,
                };
                value.try_into().map_err(|_| Misfit::OutOfRange)
            }

            fn of_text(text: &str) -> Result<Self, Misfit> {
                decimal::whole(text)?.try_into().map_err(|_| Misfit::OutOfRange)
            }

            fn show(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self, f)
            }
        }
    )*};
}

integers!(i8, u8, i16, i32);

/// 2^53: below, doubles have every whole number.
const DENSE: f64 = 9_007_199_254_740_992.0;

macro_rules! floats {
    ($($rust:ty, $dense:expr, $nan:expr, $of_f64:expr;)*) => {$(
        impl Number for $rust {
            const NAN: Option<Self> = Some($nan);

            fn cell(self) -> Cell {
                if self.is_missing() { Cell::Missing } else { Cell::Float(self.into()) }
            }

            fn of_cell(cell: Cell) -> Result<Self, Misfit> {
                match cell {
                    Cell::Missing => Self::missing(),
                    Cell::Whole(whole) => {
                        #[expect(clippy::cast_precision_loss, reason = "what is looked at")]
                        let value = whole as $rust;
                        #[expect(clippy::cast_possible_truncation, reason = "it is a whole number")]
                        let back = value as i128;
                        if back == i128::from(whole) { Ok(value) } else { Err(Misfit::Inexact) }
                    }
                    Cell::Float(value) => $of_f64(value),
                }
            }

            fn of_text(text: &str) -> Result<Self, Misfit> {
                let value: $rust = text.parse().map_err(|_| Misfit::NoNumber)?;
                if value.is_infinite() && !decimal::is_infinite(text) {
                    return Err(Misfit::OutOfRange);
                }
                if value == 0.0 && !decimal::is_zero(text) {
                    return Err(Misfit::Vanishes);
                }
                if value.abs() >= $dense
                    && value.is_finite()
                    && !decimal::has_digits_of(value.into(), text)
                {
                    return Err(Misfit::Inexact);
                }
                Ok(value)
            }

            fn show(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.is_nan() {
                    return f.write_str("NaN");
                }
                if self.is_infinite() {
                    return f.write_str(if self > 0.0 { "Inf" } else { "-Inf" });
                }
                // A whole number is written out only where its digits are its value.
                if self != 0.0 && !(1e-5..$dense).contains(&self.abs()) {
                    fmt::LowerExp::fmt(&self, f)
                } else {
                    fmt::Display::fmt(&self, f)
                }
            }
        }
    )*};
}

floats! {
    // 2^24: below, floats have every whole number.
    f32, 16_777_216.0, f32::NAN, narrow;
    // R's missing value is a NaN, and stays what it is.
    f64, DENSE, f64::MISSING, Ok;
}

/// The whole number that a float is.
fn whole(value: f64) -> Result<i64, Misfit> {
    // 2^63; every float in between is converted exactly.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value.is_infinite() {
        Err(Misfit::Infinite)
    } else if value.fract() != 0.0 {
        Err(Misfit::Fraction)
    } else if value.abs() >= LIMIT {
        Err(Misfit::OutOfRange)
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the range")]
        Ok(value as i64)
    }
}

/// A double as a float. Whole numbers up to 2^53 have to stay what they are: they may be counts or
/// ids. Fractions are rounded, though not to zero, and so are the largest numbers, which were rounded
/// before.
fn narrow(value: f64) -> Result<f32, Misfit> {
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is what is wanted")]
    let narrowed = value as f32;
    if narrowed.is_infinite() && value.is_finite() {
        Err(Misfit::OutOfRange)
    } else if narrowed == 0.0 && value != 0.0 {
        Err(Misfit::Vanishes)
    } else if f64::from(narrowed) != value && value.abs() < DENSE && value.fract() == 0.0 {
        Err(Misfit::Inexact)
    } else {
        Ok(narrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is stored reads back as the whole number that it was.
    fn keeps<T: Number>(whole: i64) -> Result<(), TestCaseError> {
        for stored in [T::stored(Cell::Whole(whole)), T::stored_text(&whole.to_string())] {
            match stored.map(T::cell) {
                Err(_) => {}
                Ok(Cell::Whole(found)) => prop_assert_eq!(found, whole),
                #[expect(clippy::cast_possible_truncation, reason = "it is a whole number")]
                Ok(Cell::Float(found)) => prop_assert_eq!(found as i128, i128::from(whole)),
                Ok(Cell::Missing) => prop_assert!(false, "{} is missing", whole),
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_whole_number_is_kept_or_refused(whole: i64, shift in 0u32..64) {
            let whole = whole >> shift;
            keeps::<i8>(whole)?;
            keeps::<u8>(whole)?;
            keeps::<i16>(whole)?;
            keeps::<i32>(whole)?;
            keeps::<f32>(whole)?;
            keeps::<f64>(whole)?;
        }

        #[test]
        fn floats_are_shown_as_text_that_leads_back(bits: u64, narrow: u32) {
            let (value, narrow) = (f64::from_bits(bits), f32::from_bits(narrow));
            if !value.is_nan() {
                let text = Shown(value).to_string();
                prop_assert_eq!(f64::stored_text(&text).unwrap().to_bits(), bits, "{}", text);
            }
            if !narrow.is_nan() && !narrow.is_missing() {
                let text = Shown(narrow).to_string();
                prop_assert_eq!(f32::stored_text(&text).unwrap().to_bits(), narrow.to_bits());
            }
        }

        /// In any precision that a program may have chosen to write floats with.
        #[test]
        fn exponents_are_taken_with_any_number_of_digits(bits: u64, digits in 0usize..30) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                let text = format!("{value:.digits$e}");
                let nearest: f64 = text.parse().unwrap();
                let expected = if nearest.is_finite() { Ok(nearest) } else { Err(Misfit::OutOfRange) };
                prop_assert_eq!(f64::stored_text(&text), expected, "{}", text);
            }
        }

        #[test]
        fn every_notation_is_judged_alike(whole in 0u64..1 << 60, shift in 0u32..60, zeros in 0usize..3) {
            let plain = (whole >> shift).to_string();
            let zeros = "0".repeat(zeros);
            for text in [
                format!("{plain}.{zeros}"),
                format!("{}.{}{zeros}e{}", &plain[..1], &plain[1..], plain.len() - 1),
                format!("0.{zeros}{plain}e{}", plain.len() + zeros.len()),
                format!("{plain}{zeros}e-{}", zeros.len()),
            ] {
                prop_assert_eq!(f32::stored_text(&text), f32::stored_text(&plain), "{}", text);
                prop_assert_eq!(f64::stored_text(&text), f64::stored_text(&plain), "{}", text);
            }
        }

        #[test]
        fn text_never_panics(text in "[-+]?[0-9.]{0,25}([eE][-+]?[0-9]{1,25})?|\\PC{0,9}") {
            let text = text.trim();
            let _ = (i8::stored_text(text), i32::stored_text(text));
            let _ = (f32::stored_text(text), f64::stored_text(text));
        }
    }

    #[test]
    fn integers_hold_whole_numbers_of_their_range() {
        assert_eq!(i8::stored(Cell::Whole(-127)), Ok(-127));
        assert_eq!(i8::stored(Cell::Whole(-128)), Err(Misfit::MeansMissing));
        assert_eq!(i8::stored(Cell::Whole(128)), Err(Misfit::OutOfRange));
        assert_eq!(u8::stored(Cell::Float(255.0)), Ok(255));
        assert_eq!(u8::stored(Cell::Missing), Err(Misfit::NoMissing));
        assert_eq!(u8::stored(Cell::Float(f64::NAN)), Err(Misfit::NoMissing));
        assert_eq!(i16::stored(Cell::Float(f64::NAN)), Ok(i16::MISSING));
        assert_eq!(i32::stored(Cell::Float(0.5)), Err(Misfit::Fraction));
        assert_eq!(i32::stored(Cell::Float(f64::INFINITY)), Err(Misfit::Infinite));
        assert_eq!(i32::stored(Cell::Float(1e300)), Err(Misfit::OutOfRange));
    }

    #[test]
    fn floats_round_fractions_and_keep_whole_numbers() {
        assert_eq!(f32::stored(Cell::Float(0.1)), Ok(0.1));
        assert_eq!(f32::stored(Cell::Float(16_777_217.0)), Err(Misfit::Inexact));
        assert_eq!(f32::stored(Cell::Float(1e30)), Ok(1e30));
        assert_eq!(f32::stored(Cell::Float(1e39)), Err(Misfit::OutOfRange));
        assert_eq!(f32::stored(Cell::Float(-1e-46)), Err(Misfit::Vanishes));
        assert_eq!(f32::stored(Cell::Float(-0.0)).map(f32::to_bits), Ok((-0.0f32).to_bits()));
        assert_eq!(f32::stored(Cell::Float(f64::INFINITY)), Ok(f32::INFINITY));
        assert_eq!(f32::stored(Cell::Float(f32::MISSING.into())), Err(Misfit::MeansMissing));
        assert_eq!(f32::stored(Cell::Missing), Ok(f32::MISSING));
        assert_eq!(f64::stored(Cell::Whole(i64::MAX)), Err(Misfit::Inexact));
        assert_eq!(f64::stored(Cell::Whole(i64::MIN)), Ok(-9_223_372_036_854_775_808.0));
        assert!(f64::stored(Cell::Missing).unwrap().is_missing());
        assert!(!f64::stored(Cell::Float(f64::NAN)).unwrap().is_missing());
    }

    #[test]
    fn text_is_held_to_the_same_rules() {
        assert_eq!(i8::stored_text("-128"), Err(Misfit::MeansMissing));
        assert_eq!(i8::stored_text("NaN"), Ok(i8::MISSING));
        assert_eq!(i32::stored_text("1.0e3"), Ok(1000));
        assert_eq!(i32::stored_text("1e-400"), Err(Misfit::Fraction));
        assert_eq!(f32::stored_text("16777217"), Err(Misfit::Inexact));
        assert_eq!(f32::stored_text("16777218.0"), Ok(16_777_218.0));
        for text in ["1.6777217e7", "16777217.0", "0.16777217E+8", "167772170e-1"] {
            assert_eq!(f32::stored_text(text), Err(Misfit::Inexact), "{text}");
        }
        assert_eq!(f32::stored_text("16777216.5"), Ok(16_777_216.0));
        assert_eq!(f32::stored_text("1e-50"), Err(Misfit::Vanishes));
        assert_eq!(f64::stored_text("-1e-400"), Err(Misfit::Vanishes));
        assert_eq!(f64::stored_text("0e-400"), Ok(0.0));
        assert_eq!(f64::stored_text("9.007199254740993e15"), Err(Misfit::Inexact));
        // What NumPy, R and C write of large numbers, with more digits and with fewer.
        assert_eq!(f64::stored_text("9.999999999999999161e+22"), Ok(1e23));
        assert_eq!(f64::stored_text("1.15292150460685e+18"), Ok(1.152_921_504_606_85e18));
        assert_eq!(f64::stored_text("1.4411518807585587e+17"), Ok(2f64.powi(57)));
        assert_eq!(f32::stored_text("1.1754944e-38"), Err(Misfit::MeansMissing));
        assert_eq!(f64::stored_text("9007199254740993"), Err(Misfit::Inexact));
        assert_eq!(f64::stored_text("-9007199254740994"), Ok(-9_007_199_254_740_994.0));
        assert_eq!(f64::stored_text("1e400"), Err(Misfit::OutOfRange));
        assert_eq!(f64::stored_text("-Inf"), Ok(f64::NEG_INFINITY));
        assert_eq!(f64::stored_text("1,5"), Err(Misfit::NoNumber));
        assert_eq!(f64::stored_text("-0").unwrap().to_bits(), (-0.0f64).to_bits());
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        for value in [0.0, -0.0, 0.1, 1e-5, 9.9e-6, 1e23, -5e-324, 2f64.powi(53), f64::MAX, 1.5e300]
        {
            let text = Shown(value).to_string();
            assert_eq!(f64::stored_text(&text).unwrap().to_bits(), value.to_bits(), "{text}");
        }
        for value in [0.1f32, 16_777_216.0, 1.234_567_9e10, f32::MAX, 1e-45, 1e-5] {
            let text = Shown(value).to_string();
            assert_eq!(f32::stored_text(&text), Ok(value), "{text}");
        }
        assert_eq!(Shown(1e23).to_string(), "1e23");
        assert_eq!(Shown(150_000.25).to_string(), "150000.25");
        assert_eq!(Shown(f32::MISSING).to_string(), "NA");
        assert_eq!(Shown(f64::MISSING).to_string(), "NA");
        assert_eq!(Shown(f64::NAN).to_string(), "NaN");
        assert_eq!(Shown(f32::NEG_INFINITY).to_string(), "-Inf");
    }
}
