//! One record: the codes of a vector, and what they lose.

use bigannoy_metric::{Metric, kernel};

use crate::bound;

/// Bytes in a cache line: records are whole ones.
pub(crate) const LINE: usize = 64;
/// Bytes at the end of a record that are no codes.
pub(crate) const TAIL: usize = 12;
/// The largest magnitude of a code.
pub(crate) const MOST_CODE: u8 = 127;
/// Magnitudes whose squares, sums and quotients stay clear of both ends of `f32`.
pub(crate) const SANE: std::ops::RangeInclusive<f32> = 1e-15..=1e15;
/// Squared lengths whose products do.
pub(crate) const SANE_SQUARES: std::ops::RangeInclusive<f64> = 1e-18..=1e18;
/// The residual is stored with these bits flipped: a record of zeros says that nothing is known.
pub(crate) const UNKNOWN: u32 = f32::INFINITY.to_bits();

/// Metric and dimension of sketches, and with them the size of a record.
///
/// | bytes of a record | hold |
/// | --- | --- |
/// | `0..dim` | the codes `c`, from -127 to 127 |
/// | up to 12 before the end | zeros |
/// | the last 12 | three `f32`: the scale `s`; the residual, an upper bound of the length of `x - s c`; the squared length of `s c`, under dot its length |
///
/// `x` is the item's vector, under angular divided by its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    metric: Metric,
    dim: usize,
}

impl Shape {
    /// The largest dimension: sums of products of codes stay within 32 bits, at useful precision.
    pub const MAX_DIM: usize = 1 << 16;

    /// The shape for `metric` in `dim` dimensions; `None` where there are no sketches: under manhattan
    /// and hamming, in no or too many dimensions.
    #[must_use]
    pub fn new(metric: Metric, dim: usize) -> Option<Self> {
        let has = matches!(metric, Metric::Euclidean | Metric::Angular | Metric::Dot);
        (has && (1..=Self::MAX_DIM).contains(&dim)).then_some(Shape { metric, dim })
    }

    /// The metric.
    #[must_use]
    pub fn metric(self) -> Metric {
        self.metric
    }

    /// The number of dimensions.
    #[must_use]
    pub fn dim(self) -> usize {
        self.dim
    }

    /// Bytes in a record: a multiple of 64.
    #[must_use]
    pub fn record_bytes(self) -> usize {
        (self.dim + TAIL).next_multiple_of(LINE)
    }

    /// Writes what is known of a vector over `record`, which holds zeros; leaves them where nothing
    /// is certain.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
    pub(crate) fn write(self, record: &mut [u8], vector: &[f32], squared_length: Option<f32>) {
        assert_eq!(vector.len(), self.dim, "a vector of the sketch's dimension");
        let largest = largest_magnitude(vector);
        // Not finite, or out of range; NaN is in no range.
        if !(largest == 0.0 || SANE.contains(&largest)) {
            return;
        }
        let length = if self.metric == Metric::Angular {
            let Some(length) = certain_length(vector, squared_length) else { return };
            length
        } else {
            1.0
        };
        // Codes of x and of x / |x| are the same.
        let most = f32::from(MOST_CODE);
        let unit = largest / most;
        let inverse = if largest == 0.0 { 0.0 } else { most / largest };
        #[expect(clippy::cast_possible_truncation, reason = "rounded; the residual takes it in")]
        let scale = (f64::from(unit) / length) as f32;
        let (codes, tail) = record.split_at_mut(self.record_bytes() - TAIL);
        let mut lost = Lost::default();
        let (places, last) = codes[..self.dim].as_chunks_mut::<LANES>();
        let (chunks, rest) = vector.as_chunks::<LANES>();
        for (place, chunk) in places.iter_mut().zip(chunks) {
            *place = lost.codes(chunk, unit, inverse);
        }
        let mut chunk = [0.0; LANES];
        chunk[..rest.len()].copy_from_slice(rest);
        last.copy_from_slice(&lost.codes(&chunk, unit, inverse)[..rest.len()]);
        let squares: i32 = lost.squares.iter().sum();
        let scaled = f64::from(scale) * f64::from(squares).sqrt();
        let residual = bound::up(bound::residual(&lost.residuals, self.dim, length, scaled));
        #[expect(clippy::cast_possible_truncation, reason = "rounded; the bounds take it in")]
        let third = if self.metric == Metric::Dot {
            scaled as f32
        } else {
            (f64::from(scale) * f64::from(scale) * f64::from(squares)) as f32
        };
        let words = [scale.to_bits(), residual.to_bits() ^ UNKNOWN, third.to_bits()];
        for (place, word) in tail.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
    }
}

/// Elements that are made codes of side by side.
pub(crate) const LANES: usize = 8;

/// The squares of codes and of what they lose, summed in lanes.
#[derive(Default)]
struct Lost {
    squares: [i32; LANES],
    residuals: [f32; LANES],
}

impl Lost {
    /// The codes of some elements in steps of `unit`, `inverse` being the steps in a unit.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
    fn codes(&mut self, elements: &[f32; LANES], unit: f32, inverse: f32) -> [u8; LANES] {
        let mut codes = [0; LANES];
        for lane in 0..LANES {
            let (code, whole) = rounded(elements[lane] * inverse);
            #[expect(clippy::cast_possible_truncation, reason = "-127 to 127")]
            let byte = code as i8;
            codes[lane] = byte.cast_unsigned();
            self.squares[lane] += code * code;
            let lost = elements[lane] - unit * whole;
            self.residuals[lane] += lost * lost;
        }
        codes
    }
}

/// The largest magnitude, infinite or NaN where a value is.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
pub(crate) fn largest_magnitude(vector: &[f32]) -> f32 {
    // Magnitudes order as their bits do, and what is not finite is above all.
    f32::from_bits(vector.iter().map(|x| x.abs().to_bits()).max().unwrap_or(0))
}

/// The sum of the squares, in lanes.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
pub(crate) fn squares_of(vector: &[f32]) -> f64 {
    let (chunks, rest) = vector.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(x) * f64::from(x);
        }
    }
    let rest: f64 = rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    lanes.iter().sum::<f64>() + rest
}

/// The nearest whole number of a value of at most 127 in magnitude, or a little more by rounding; and the
/// same as a float.
#[inline(always)]
fn rounded(value: f32) -> (i32, f32) {
    // From 1.5 * 2^23 on floats are whole numbers, and their low bits count them.
    const SHIFT: f32 = 12_582_912.0;
    let most = f32::from(MOST_CODE);
    let shifted = value.clamp(-most, most) + SHIFT;
    (shifted.to_bits().cast_signed() - SHIFT.to_bits().cast_signed(), shifted - SHIFT)
}

/// The length of a vector under angular, where the squared length that distances are computed with
/// is as near to it as any order of a strict sum can be; otherwise nothing is certain.
///
/// `squared_length` is as [`bigannoy_metric::Prepared::comparable`] takes it.
#[must_use]
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
pub fn certain_length(vector: &[f32], squared_length: Option<f32>) -> Option<f64> {
    let used = match squared_length {
        Some(known) if known != 0.0 => known,
        _ => kernel::dot(vector, vector),
    };
    let squares = squares_of(vector);
    let near =
        (f64::from(used) - squares).abs() <= bound::stored_length_error(vector.len()) * squares;
    (near && SANE_SQUARES.contains(&squares)).then(|| squares.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_whole_lines() {
        let bytes = |dim| Shape::new(Metric::Euclidean, dim).unwrap().record_bytes();
        assert_eq!([1, 50, 52, 53, 100, 116, 117].map(bytes), [64, 64, 64, 128, 128, 128, 192]);
        assert_eq!(Shape::new(Metric::Manhattan, 5), None);
        assert_eq!(Shape::new(Metric::Dot, 0), None);
        assert_eq!(Shape::new(Metric::Dot, Shape::MAX_DIM + 1), None);
    }

    #[test]
    fn values_are_rounded_to_the_nearest_code() {
        let values = [0.0, 0.49, 0.51, -0.51, 126.6, 127.2, -127.2, -3.4];
        let codes = values.map(|value| rounded(value).0);
        assert_eq!(codes, [0, 0, 1, -1, 127, 127, -127, -3]);
        assert_eq!(
            values.map(|value| rounded(value).1),
            [0.0, 0.0, 1.0, -1.0, 127.0, 127.0, -127.0, -3.0]
        );
    }

    #[test]
    fn what_is_out_of_range_stays_unknown() {
        let written = |metric, vector: &[f32], length| {
            let shape = Shape::new(metric, 2).unwrap();
            let mut record = vec![0; shape.record_bytes()];
            shape.write(&mut record, vector, length);
            record.iter().any(|&byte| byte != 0)
        };
        for bad in [f32::NAN, f32::INFINITY, 1e16, -1e-16] {
            assert!(!written(Metric::Euclidean, &[bad, 0.0], None), "{bad}");
        }
        assert!(written(Metric::Euclidean, &[0.0, 0.0], None)); // known to be zero
        assert!(!written(Metric::Angular, &[0.0, 0.0], None));
        assert!(written(Metric::Angular, &[3.0, 4.0], None));
        assert!(written(Metric::Angular, &[3.0, 4.0], Some(25.0)));
        assert!(!written(Metric::Angular, &[3.0, 4.0], Some(25.1)));
    }
}
