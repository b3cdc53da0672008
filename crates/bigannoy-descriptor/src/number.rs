//! Numbers as R spells them.

/// Digits that R writes of a double, at most.
const DIGITS: usize = 15;

/// `value` as `as.character` and `dput` of R write it: up to 15 significant digits, fixed or
/// scientific, whichever is shorter, and fixed where both are equally long.
pub(crate) fn format_double(value: f64) -> String {
    format_double_with(value, 0)
}

/// The same under `options(scipen)`: fixed where that is at most `scipen` longer.
pub(crate) fn format_double_with(value: f64, scipen: i32) -> String {
    if !value.is_finite() {
        let infinite = if value > 0.0 { "Inf" } else { "-Inf" };
        return if value.is_nan() { "NaN" } else { infinite }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    if scipen >= 0
        && let Some(short) = short_whole(value)
    {
        return short.to_string();
    }
    let rounded = format!("{:.*e}", DIGITS - 1, value.abs());
    let (mantissa, exponent) = rounded.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a small exponent");
    let digits: String = mantissa.chars().filter(|&digit| digit != '.').collect();
    let digits = digits.trim_end_matches('0');
    let scientific = scientific(digits, exponent);
    let fixed = fixed(digits, exponent);
    let sign = if value < 0.0 { "-" } else { "" };
    let length = |text: &String| i64::try_from(text.len()).expect("a few hundred digits");
    let is_fixed = length(&fixed) <= length(&scientific) + i64::from(scipen);
    let shorter = if is_fixed { fixed } else { scientific };
    format!("{sign}{shorter}")
}

/// A whole number that is shorter in full than with an exponent, as most numbers in descriptors are:
/// spelled out without the detour over its digits, since a hostile file can hold very many.
fn short_whole(value: f64) -> Option<i64> {
    const MOST: f64 = 1e15;
    if value.abs() >= MOST || value.fract() != 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and of at most 15 digits")]
    let whole = value as i64;
    // An exponent, as in `e+05`, saves no more than it takes unless four digits fall away.
    (whole % 10_000 != 0).then_some(whole)
}

/// `d.ddde+xx`: the point stands after the first digit.
fn scientific(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

/// The same number without an exponent.
fn fixed(digits: &str, exponent: i32) -> String {
    let shift = usize::try_from(exponent.unsigned_abs()).expect("exponents of doubles are small");
    if exponent < 0 {
        return format!("0.{}{digits}", "0".repeat(shift - 1));
    }
    let whole = shift + 1;
    if digits.len() > whole {
        format!("{}.{}", &digits[..whole], &digits[whole..])
    } else {
        format!("{digits}{}", "0".repeat(whole - digits.len()))
    }
}

/// `value` as R writes a double, or with all its digits where 15 do not tell it from its
/// neighbors (R's own `dput` would change such a number).
pub(crate) fn format_extent(value: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "extents stay within MAX_EXTENT, 2^53")]
    let double = value as f64;
    let short = format_double(double);
    if short.parse() == Ok(double) { short } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::{fixed, format_double, format_double_with, format_extent, scientific};

    #[test]
    fn whole_numbers_are_as_short_as_others() {
        for whole in (0..200_000i32).chain((1..100).map(|i| i * 9_999_999)) {
            let value = f64::from(whole);
            let mut digits = whole.to_string();
            let exponent = i32::try_from(digits.len()).unwrap() - 1;
            digits.truncate(digits.trim_end_matches('0').len().max(1));
            let [fixed, scientific] = [fixed(&digits, exponent), scientific(&digits, exponent)];
            let expected = if fixed.len() <= scientific.len() { fixed } else { scientific };
            assert_eq!(format_double(value), expected);
            if whole > 0 {
                assert_eq!(format_double(-value), format!("-{expected}"));
            }
        }
    }

    #[test]
    fn doubles_are_spelled_as_in_r() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (4.0, "4"),
            (2.5, "2.5"),
            (-2.5, "-2.5"),
            (10_000.0, "10000"),
            (99_999.0, "99999"),
            (1e5, "1e+05"),
            (120_000.0, "120000"),
            (123_456.0, "123456"),
            (1.2e6, "1200000"),
            (1.2e7, "1.2e+07"),
            (4_294_967_301.0, "4294967301"),
            (0.1 + 0.2, "0.3"),
            (1e-4, "1e-04"),
            (0.001_234, "0.001234"),
            (1e-300, "1e-300"),
            (1.0 / 3.0, "0.333333333333333"),
            (f64::INFINITY, "Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(format_double(value), text, "{value:e}");
        }
    }

    #[test]
    fn scipen_moves_the_choice_between_fixed_and_scientific() {
        assert_eq!(format_double_with(1e5, 1), "100000");
        assert_eq!(format_double_with(123_456.0, -6), "1.23456e+05");
        assert_eq!(format_double_with(1e15, i32::MIN), "1e+15");
        assert_eq!(format_double_with(1e15, i32::MAX), "1000000000000000");
    }

    #[test]
    fn no_digit_of_an_extent_is_lost() {
        assert_eq!(format_extent(1_000_000), "1e+06");
        assert_eq!(format_extent(9_007_199_254_740_991), "9007199254740991");
        assert_eq!(format_extent(9_007_199_254_740_992), "9007199254740992");
        assert_eq!(format_extent(9_000_000_000_000_000), "9e+15");
    }
}
