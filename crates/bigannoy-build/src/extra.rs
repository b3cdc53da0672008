//! The extra coordinate that items have under dot.
//!
//! The largest inner product with a query is not the smallest angle: long vectors have an
//! advantage. One more coordinate, `sqrt(M^2 - |x|^2)` where `M` is at least the length of the
//! longest, makes vectors equally long. Where the query has a zero there, its inner products stay
//! what they were and are in the order of the angles, for which trees are good.
//!
//! The file has the coordinates for the longest item of all, as Annoy's files do. Trees use those
//! for the longest item of the set that is split.

/// What is found out of all rows before they are written.
pub(crate) trait Measure: Default + Send {
    /// What `vectors` say.
    fn of<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Self;

    /// What these rows and those of `next`, which come behind them, say together.
    fn and(self, next: Self) -> Self;
}

/// Lengths of vectors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lengths {
    /// The square of each, in the arithmetic of trees; infinite beyond its range.
    pub(crate) squared: Vec<f32>,
    /// The square of the longest, which has the digits that differences of squares need.
    longest: f64,
}

impl Measure for Lengths {
    fn of<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Self {
        let mut lengths = Lengths::default();
        for vector in vectors {
            lengths.push(vector);
        }
        lengths
    }

    fn and(mut self, next: Self) -> Self {
        self.squared.extend_from_slice(&next.squared);
        self.longest = self.longest.max(next.longest);
        self
    }
}

impl Lengths {
    /// Takes in one more vector.
    #[expect(clippy::cast_possible_truncation, reason = "rounded")]
    fn push(&mut self, vector: &[f32]) {
        let squared = squared_length(vector);
        self.squared.push(squared as f32);
        self.longest = self.longest.max(squared);
    }

    /// The extra coordinate of `vector`: zero for the longest, and never infinite.
    #[expect(clippy::cast_possible_truncation, reason = "rounded")]
    pub(crate) fn extra(&self, vector: &[f32]) -> f32 {
        ((self.longest - squared_length(vector)).max(0.0).sqrt() as f32).min(f32::MAX)
    }
}

/// The sum of the squares, in index order.
fn squared_length(vector: &[f32]) -> f64 {
    let mut sum = 0.0;
    for &value in vector {
        let value = f64::from(value);
        sum += value * value;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(vectors: &[&[f32]]) -> Lengths {
        Lengths::of(vectors.iter().copied())
    }

    #[test]
    fn all_vectors_become_equally_long() {
        let vectors: [&[f32]; 3] = [&[3.0, 4.0], &[0.0, 0.0], &[1.0, 2.0]];
        let all = lengths(&vectors);
        assert_eq!(all.squared, [25.0, 0.0, 5.0]);
        assert_eq!(vectors.map(|vector| all.extra(vector)), [0.0, 5.0, 20f32.sqrt()]);
        let all = all.and(lengths(&[&[6.0]]));
        assert_eq!((all.extra(&[6.0]), all.squared.len()), (0.0, 4));
        // Longer than the longest, as where the rows changed meanwhile.
        assert_eq!(all.extra(&[7.0]), 0.0);
        let huge = lengths(&[&[f32::MAX; 4]]);
        assert_eq!((huge.squared[0], huge.extra(&[0.0; 4])), (f32::INFINITY, f32::MAX));
        assert_eq!(Lengths::default().extra(&[0.0]), 0.0);
    }
}
