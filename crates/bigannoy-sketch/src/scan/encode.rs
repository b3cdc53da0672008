//! From vectors to codes.

/// Groups of four elements in a chunk.
pub(super) const CHUNK: usize = 16;
/// Elements in a group.
pub(super) const FOUR: usize = 4;

/// What a row is stored with on top of its codes, so that they are unsigned.
pub(super) const OFFSET: u8 = 64;

/// Codes of rows and of queries: the largest magnitude, and the largest length of half a chunk.
const ROW: (i32, i32) = (63, 140);
const QUERY: (i32, i32) = (127, 234);

const _: () = assert!(ROW.1 * QUERY.1 <= i16::MAX as i32);
const _: () = assert!(2 * (ROW.0 + OFFSET as i32) * QUERY.0 <= i16::MAX as i32);
const _: () = assert!(ROW.0 < OFFSET as i32);

/// Magnitudes whose squares and quotients stay clear of both ends of `f32`.
const SANE: std::ops::RangeInclusive<f64> = 1e-9..=1e9;

/// The largest number of elements: sums of products of codes stay clear of both ends of `i32`.
pub(super) const MOST_DIM: usize = 1 << 16;

/// What is known of a vector in codes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coded {
    /// What a code of 1 stands for.
    pub scale: f32,
    /// The length of the vector that the codes stand for.
    pub length: f64,
    /// At least the length of what the codes lose.
    pub residual: f64,
}

/// Makes codes, one vector after the other.
#[derive(Clone, Debug)]
pub struct Encoder {
    most: f64,
    most_half: i32,
    codes: Vec<i8>,
}

impl Encoder {
    /// For vectors of `dim` elements that are rows.
    pub(super) fn rows(dim: usize) -> Self {
        Encoder::new(dim, ROW)
    }

    /// For vectors of `dim` elements that are queries.
    pub(super) fn queries(dim: usize) -> Self {
        Encoder::new(dim, QUERY)
    }

    fn new(dim: usize, (most, most_half): (i32, i32)) -> Self {
        let padded = dim.next_multiple_of(FOUR);
        Encoder { most: most.into(), most_half, codes: vec![0; padded] }
    }

    /// The codes of the last vector, in groups of four; zeros fill up the last one.
    pub(super) fn groups(&self) -> &[[i8; FOUR]] {
        self.codes.as_chunks().0
    }

    /// Makes the codes of `vector`, which is off by at most `error` (as a length) from what is meant.
    /// `None` where nothing can be certain: magnitudes beyond 1e9 or below 1e-9, all zeros excepted.
    pub(super) fn encode(&mut self, vector: &[f64], error: f64) -> Option<Coded> {
        if !error.is_finite() {
            return None;
        }
        let largest = vector.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let half = longest_half(vector);
        if largest == 0.0 && half == 0.0 {
            self.codes.fill(0);
            return Some(Coded { scale: 0.0, length: 0.0, residual: error });
        }
        // A NaN shows in the sum of squares, not in the largest.
        if !SANE.contains(&largest) || half.is_nan() {
            return None;
        }
        let mut scale = (largest / self.most).max(half / f64::from(self.most_half));
        loop {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "rounded; the residual takes it in"
            )]
            let stored = scale as f32;
            if let Some(squares) = self.round(vector, stored) {
                let lost = self.lost(vector, stored);
                // Far more than the rounding of 65,536 squares and their sum.
                let residual = lost.sqrt() * (1.0 + 1e-10) + error + 1e-25;
                let length = f64::from(stored) * f64::from(squares).sqrt();
                return Some(Coded { scale: stored, length, residual });
            }
            scale *= 1.0 + 1.0 / 64.0;
        }
    }

    /// Rounds to whole numbers; `None` where a half of a chunk became too long.
    fn round(&mut self, vector: &[f64], scale: f32) -> Option<u32> {
        let inverse = 1.0 / f64::from(scale);
        let most = self.most;
        for (code, x) in self.codes.iter_mut().zip(vector) {
            // From 1.5 * 2^52 on, doubles are whole numbers, and their low bits count them.
            const SHIFT: f64 = 6_755_399_441_055_744.0;
            let shifted = (x * inverse).clamp(-most, most) + SHIFT;
            #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
            let low = shifted.to_bits() as i8;
            *code = low;
        }
        let most = self.most_half * self.most_half;
        let mut squares = 0;
        for chunk in self.groups().chunks(CHUNK) {
            let mut halves = [0i32; 2];
            for four in chunk {
                let four = four.map(i32::from);
                halves[0] += four[0] * four[0] + four[1] * four[1];
                halves[1] += four[2] * four[2] + four[3] * four[3];
            }
            if halves[0] > most || halves[1] > most {
                return None;
            }
            squares += (halves[0] + halves[1]).unsigned_abs();
        }
        Some(squares)
    }

    /// The squared length of what the codes lose.
    fn lost(&self, vector: &[f64], scale: f32) -> f64 {
        let scale = f64::from(scale);
        let mut sums = [0.0; 8];
        let (eights, rest) = vector.as_chunks::<8>();
        let (codes, last) = self.codes.split_at(eights.len() * 8);
        for (x, c) in eights.iter().zip(codes.as_chunks::<8>().0) {
            for lane in 0..8 {
                let lost = x[lane] - scale * f64::from(c[lane]);
                sums[lane] += lost * lost;
            }
        }
        for (sum, (x, &c)) in sums.iter_mut().zip(rest.iter().zip(last)) {
            let lost = x - scale * f64::from(c);
            *sum += lost * lost;
        }
        sums.iter().sum()
    }
}

/// The length of the longest half of a chunk; NaN where a value is.
fn longest_half(vector: &[f64]) -> f64 {
    let mut longest = 0.0f64;
    for chunk in vector.chunks(CHUNK * FOUR) {
        let mut halves = [0.0; 2];
        let (fours, rest) = chunk.as_chunks::<FOUR>();
        for x in fours {
            halves[0] += x[0] * x[0] + x[1] * x[1];
            halves[1] += x[2] * x[2] + x[3] * x[3];
        }
        for (at, x) in rest.iter().enumerate() {
            halves[at / 2] += x * x;
        }
        for half in halves {
            // Not `max`, which would pass over NaN.
            longest = if half <= longest || longest.is_nan() { longest } else { half };
        }
    }
    longest.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn halves_stay_within_their_length_and_residuals_are_upper_bounds(
            vector in proptest::collection::vec(
                prop_oneof![-1.0f64..1.0, Just(1.0), Just(0.0), -1e-3f64..1e3], 1..200),
            row: bool,
        ) {
            let (most, half) = if row { ROW } else { QUERY };
            let mut encoder = Encoder::new(vector.len(), (most, half));
            let Some(coded) = encoder.encode(&vector, 0.0) else {
                prop_assert!(vector.iter().all(|x| x.abs() < 1e-9));
                return Ok(());
            };
            let (mut squares, mut lost) = (0, 0.0);
            for chunk in encoder.groups().chunks(CHUNK) {
                for side in [0, 2] {
                    let length: i32 = chunk.iter().map(|four| {
                        let [a, b] = [i32::from(four[side]), i32::from(four[side + 1])];
                        assert!(a.abs() <= most && b.abs() <= most);
                        a * a + b * b
                    }).sum();
                    prop_assert!(length <= half * half);
                    squares += length.unsigned_abs();
                }
            }
            for (x, &c) in vector.iter().zip(encoder.groups().as_flattened()) {
                lost += (x - f64::from(coded.scale) * f64::from(c)).powi(2);
            }
            let length = f64::from(coded.scale) * f64::from(squares).sqrt();
            prop_assert_eq!(length, coded.length);
            prop_assert!(lost.sqrt() <= coded.residual);
        }
    }

    #[test]
    fn what_is_out_of_range_has_no_codes() {
        let mut encoder = Encoder::rows(3);
        for bad in [f64::NAN, f64::INFINITY, 1e10, 1e-10] {
            assert_eq!(encoder.encode(&[0.0, bad, 0.0], 0.0), None, "{bad}");
        }
        assert_eq!(encoder.encode(&[1.0, f64::NAN, 0.0], 0.0), None);
        let zero = encoder.encode(&[0.0; 3], 0.0).expect("zeros are known");
        assert_eq!((zero.length, zero.residual), (0.0, 0.0));
    }
}
