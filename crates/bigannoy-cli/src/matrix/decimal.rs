//! Numbers in text, looked at digit by digit where a float would have rounded them already.

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
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = unsigned(mantissa).split_once('.').unwrap_or((unsigned(mantissa), ""));
    let digits = format!("{before}{after}");
    let digits = digits.trim_end_matches('0');
    if digits.trim_start_matches('0').is_empty() {
        return Ok(0);
    }
    // Where the point stands among the digits. No exponent that overflows is near any length.
    let extreme = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    let point = exponent
        .parse()
        .unwrap_or(extreme)
        .saturating_add(i64::try_from(before.len()).unwrap_or(i64::MAX));
    if usize::try_from(point).is_ok_and(|point| point >= digits.len()) {
        let width =
            usize::try_from(point).ok().filter(|&width| width <= 2 * MAX_DIGITS + digits.len());
        let width = width.ok_or(Misfit::OutOfRange)?;
        let sign = if text.starts_with('-') { "-" } else { "" };
        return format!("{sign}{digits:0<width$}").parse().map_err(|_| Misfit::OutOfRange);
    }
    Err(Misfit::Fraction)
}

/// More digits than any whole number has that is looked for.
const MAX_DIGITS: usize = 20;

/// The digits of a whole number that is written without exponent, and without leading zeros.
pub(super) fn plain_digits(text: &str) -> Option<&str> {
    let (digits, after) = unsigned(text).split_once('.').unwrap_or((unsigned(text), ""));
    let plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && after.bytes().all(|byte| byte == b'0');
    plain.then(|| digits.trim_start_matches('0'))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn plain_digits_have_no_exponent_and_no_fraction() {
        assert_eq!(plain_digits("-0120.00"), Some("120"));
        for text in ["1e5", "1.5", "nan"] {
            assert_eq!(plain_digits(text), None, "{text}");
        }
    }
}
