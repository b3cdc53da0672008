//! Values of options: what is expected is said in words.

use std::num::NonZeroUsize;

use bigannoy::Metric;
use bytesize::ByteSize;

/// A number of things.
pub(crate) fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| not_whole(text, "a whole number, 0 or more"))
}

/// A seed, which has 64 bits everywhere.
pub(crate) fn number64(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| not_whole(text, "a whole number, 0 or more"))
}

/// A number of things of which there has to be one.
pub(crate) fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| not_whole(text, "a whole number, 1 or more"))
}

fn not_whole(text: &str, expected: &str) -> String {
    let is_large = text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_large && text.bytes().any(|byte| byte != b'0') {
        format!("expected a number of no more than {}", u64::MAX)
    } else {
        format!("expected {expected}")
    }
}

/// A size in bytes.
pub(crate) fn size(text: &str) -> Result<ByteSize, String> {
    // What is too large to be counted comes out as the most that can be.
    let size = text.parse().ok().filter(|&size: &ByteSize| size.as_u64() < u64::MAX);
    size.ok_or_else(|| "expected a number of bytes, such as 256MB, 1GiB or 1000000".to_owned())
}

/// A share or a difference, which is not below zero.
pub(crate) fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&number: &f64| number >= 0.0);
    number.ok_or_else(|| "expected a number, 0 or more".to_owned())
}

/// A metric under which indexes can be built. Hamming is one, and what it is used for is the affair of
/// the build to refuse.
pub(crate) fn built_metric(text: &str) -> Result<Metric, String> {
    text.parse().map_err(|_| {
        let names = Metric::OF_NUMBERS.map(Metric::name).join(", ");
        format!("expected one of {names}, under which indexes are built")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_said() {
        assert_eq!(number("0"), Ok(0));
        assert_eq!(count("7").map(NonZeroUsize::get), Ok(7));
        assert_eq!(size("1KiB"), Ok(ByteSize::kib(1)));
        assert_eq!(tolerance("0"), Ok(0.0));
        for wrong in ["", "-1", "abc", "1.5", "1e3"] {
            assert_eq!(number64(wrong).unwrap_err(), "expected a whole number, 0 or more");
            assert_eq!(count(wrong).unwrap_err(), "expected a whole number, 1 or more");
        }
        assert_eq!(count("0").unwrap_err(), "expected a whole number, 1 or more");
        assert_eq!(count("00").unwrap_err(), "expected a whole number, 1 or more");
        let large = "expected a number of no more than 18446744073709551615";
        assert_eq!(number("18446744073709551616").unwrap_err(), large);
        for wrong in ["", "abc", "-5", "5XB", "16777216TiB", "18446744073709551616"] {
            assert!(
                size(wrong).unwrap_err().starts_with("expected a number of bytes, "),
                "{wrong}"
            );
        }
        for wrong in ["", "-1", "NaN", "x"] {
            assert_eq!(tolerance(wrong).unwrap_err(), "expected a number, 0 or more");
        }
    }

    #[test]
    fn metrics_that_are_not_built_are_not_named() {
        assert_eq!(built_metric("dot"), Ok(Metric::Dot));
        assert_eq!(built_metric("hamming"), Ok(Metric::Hamming));
        assert_eq!(
            built_metric("cosine").unwrap_err(),
            "expected one of euclidean, angular, manhattan, dot, under which indexes are built"
        );
    }
}
