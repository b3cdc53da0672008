//! Numbers in text, looked at digit by digit where a float would have rounded them already.

use std::cmp::Ordering;

use super::number::Misfit;

/// Whether this is how not-a-number is written.
pub(super) fn is_nan(text: &str) -> bool {
    unsigned(text).eq_ignore_ascii_case("nan")
}

/// Whether this is how infinity is written.
pub(super) fn is_infinite(text: &str) -> bool {
    let word = unsigned(text);
    word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")
}

/// The whole number that a text is, in any notation: `12`, `12.0`, `1.2e1`.
pub(super) fn whole(text: &str) -> Result<i64, Misfit> {
    if let Ok(whole) = text.parse() {
        return Ok(whole);
    }
    // From here on the notation is a valid one.
    text.parse::<f64>().map_err(|_| Misfit::NoNumber)?;
    if is_infinite(text) {
        return Err(Misfit::Infinite);
    }
    let digits = Digits::of(text);
    let significant = digits.significant();
    if significant.is_empty() {
        return Ok(0);
    }
    if digits.is_fraction() {
        return Err(Misfit::Fraction);
    }
    let width = usize::try_from(digits.point).ok().filter(|&width| width <= MAX_DIGITS);
    let width = width.ok_or(Misfit::OutOfRange)?;
    let sign = if text.starts_with('-') { "-" } else { "" };
    format!("{sign}{significant:0<width$}").parse().map_err(|_| Misfit::OutOfRange)
}

/// More digits than any whole number has that is looked for.
const MAX_DIGITS: usize = 20;

/// Whether a valid text stands for zero, and not for something that is rounded to zero.
pub(super) fn is_zero(text: &str) -> bool {
    let mantissa = text.split_once(['e', 'E']).map_or(text, |(mantissa, _)| mantissa);
    !mantissa.bytes().any(|byte| byte.is_ascii_digit() && byte != b'0')
}

/// Whether a whole number, written with as many digits as `text` has, is `text`; fractions always
/// are. `value` is finite, at least 1, and the nearest to `text` that its type has.
///
/// Plain notation gives all digits: `123` is 123 and no other number. An exponent may stand for
/// digits that were left out: `1e23` is the double that is nearest to it.
pub(super) fn has_digits_of(value: f64, text: &str) -> bool {
    let digits = Digits::of(text);
    digits.is_fraction()
        || digits.compared_as_integers(value).unwrap_or_else(|| digits.compared_as_text(value))
}

/// The digits of a valid text, as they are written from the first that is not 0.
struct Digits {
    written: String,
    /// Where the point stands among them: after so many.
    point: i64,
}

impl Digits {
    fn of(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (before, after) =
            unsigned(mantissa).split_once('.').unwrap_or((unsigned(mantissa), ""));
        let all = format!("{before}{after}");
        let written = all.trim_start_matches('0').to_owned();
        let length = |digits: usize| i64::try_from(digits).unwrap_or(i64::MAX);
        // No exponent that overflows is near any length.
        let extreme = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
        let point = exponent
            .parse()
            .unwrap_or(extreme)
            .saturating_add(length(before.len()))
            .saturating_sub(length(all.len() - written.len()));
        Digits { written, point }
    }

    /// The digits without zeros at the end.
    fn significant(&self) -> &str {
        self.written.trim_end_matches('0')
    }

    /// Whether there are digits after the point.
    fn is_fraction(&self) -> bool {
        !usize::try_from(self.point).is_ok_and(|point| point >= self.significant().len())
    }

    /// Whether `value` in as many digits is this whole number.
    fn compared_as_text(&self, value: f64) -> bool {
        let all = format!("{:.0}", value.abs());
        if self.written.len() >= all.len() {
            return all.trim_end_matches('0') == self.significant();
        }
        let rounded = format!("{:.*e}", self.written.len().saturating_sub(1), value.abs());
        let digits = rounded.bytes().take_while(|&byte| byte != b'e').filter(u8::is_ascii_digit);
        digits.eq(self.written.bytes())
    }

    /// The same, many times faster, where both numbers fit and have equally many digits before the
    /// point.
    fn compared_as_integers(&self, value: f64) -> Option<bool> {
        // 10^38 fits, with room for twice a difference.
        let point = usize::try_from(self.point).ok().filter(|&point| point <= 38)?;
        let power = |exponent: usize| 10u128.pow(u32::try_from(exponent).expect("at most 38"));
        let unit = power(point.saturating_sub(self.written.len()));
        let written = &self.written[..self.written.len().min(point)];
        let written = written.parse::<u128>().ok()? * unit;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number, which is held against its limits"
        )]
        let value = value.abs() as u128;
        if value < power(point.checked_sub(1)?) || value >= power(point) {
            return None;
        }
        Some(match (2 * value.abs_diff(written)).cmp(&unit) {
            Ordering::Less => true,
            // Halfway, the even digit is written.
            Ordering::Equal => (written / unit).is_multiple_of(2),
            Ordering::Greater => false,
        })
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// With a little more or less than a float has, and around powers of ten.
        #[test]
        fn integers_and_text_are_compared_alike(
            mantissa in 1u64..1 << 53,
            exponent in 0i32..80,
            ten in 0i32..30,
            near_ten: bool,
            digits in 0usize..25,
            last in 0u8..10,
        ) {
            let value = if near_ten {
                10f64.powi(ten)
            } else {
                #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
                let mantissa = mantissa as f64;
                mantissa * 2f64.powi(exponent)
            };
            let text = format!("{value:.digits$e}");
            let (before, after) = text.split_once('e').unwrap();
            let other = format!("{}{last}e{after}", &before[..before.len() - 1]);
            for text in [&text, &other] {
                let digits = Digits::of(text);
                for value in [value, value.next_up(), value.next_down()].map(f64::round) {
                    let by_text = digits.compared_as_text(value);
                    if !digits.is_fraction() && !digits.written.is_empty() {
                        let by_integers = digits.compared_as_integers(value).unwrap_or(by_text);
                        prop_assert_eq!(by_integers, by_text, "{} {}", value, text);
                    }
                }
            }
        }
    }

    #[test]
    fn whole_numbers_in_every_notation() {
        for (text, expected) in [
            ("12", 12),
            ("+12", 12),
            ("-12.", -12),
            ("12.000", 12),
            ("1.2e1", 12),
            (".12E+2", 12),
            ("1200e-2", 12),
            ("0.0012e4", 12),
            ("00012", 12),
            ("0e999999999999999999999", 0),
            ("-0.0", 0),
            ("9.223372036854775807e18", i64::MAX),
        ] {
            assert_eq!(whole(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_says_why() {
        for (text, expected) in [
            ("1.5", Misfit::Fraction),
            ("1e-400", Misfit::Fraction),
            ("1e-99999999999999999999", Misfit::Fraction),
            ("2.00000000000000000000000001", Misfit::Fraction),
            ("9223372036854775808", Misfit::OutOfRange),
            ("1e400", Misfit::OutOfRange),
            ("1e99999999999999999999", Misfit::OutOfRange),
            ("-inf", Misfit::Infinite),
            ("", Misfit::NoNumber),
            ("1 2", Misfit::NoNumber),
            ("0x10", Misfit::NoNumber),
            ("TRUE", Misfit::NoNumber),
        ] {
            assert_eq!(whole(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn zero_is_told_from_what_is_rounded_to_it() {
        for text in ["0", "-0.000", "0e9", ".0E-400", "+0."] {
            assert!(is_zero(text), "{text}");
        }
        for text in ["1e-400", "0.0000001", "-.5", "10"] {
            assert!(!is_zero(text), "{text}");
        }
    }

    #[test]
    fn as_many_digits_as_are_written_are_compared() {
        for (value, text) in [
            (16_777_216.0, "16777216"),
            (16_777_216.0, "16777216.000"),
            (16_777_216.0, "-0.16777216e8"),
            (16_777_216.0, "167772160e-1"),
            (16_777_216.0, "1.6777216000000000000000000000000000000e7"),
            (16_777_216.0, "16777216.5"),
            (67_108_872.0, "6.710887e7"),
            (1e23, "1e23"),
            (1e23, "9.999999999999999161e+22"),
            (f64::from(f32::MAX), "3.4028235e38"),
        ] {
            assert!(has_digits_of(value, text), "{value} {text}");
        }
        for (value, text) in [
            (16_777_216.0, "16777217"),
            (16_777_216.0, "16777217.0"),
            (16_777_216.0, "1.6777217e7"),
            (16_777_216.0, "0.0016777217E+10"),
            (16_777_216.0, "167772170e-1"),
            (67_108_872.0, "67108870"),
            (67_108_872.0, "6.7108870e7"),
            (100_000_000.0, "99999999"),
            (1e23, "100000000000000000000000"),
        ] {
            assert!(!has_digits_of(value, text), "{value} {text}");
        }
    }
}
