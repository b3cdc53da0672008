//! The extra coordinate that items have under dot.
//!
//! The largest inner product with a query is not the smallest angle: long vectors have an
//! advantage. One more coordinate, `sqrt(M^2 - |x|^2)` where `M` is the length of the longest item,
//! makes all items equally long. Where the query has a zero there, its inner products stay what
//! they were and are in the order of the angles, for which trees are good.

/// Length of the longest item.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Radius {
    /// The square, which has the range and the digits that differences of squares need.
    squared: f64,
}

impl Radius {
    /// The length of the longest of `vectors`.
    pub(crate) fn of<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Self {
        Radius { squared: vectors.map(squared_length).fold(0.0, f64::max) }
    }

    /// The longer of two.
    pub(crate) fn or(self, other: Radius) -> Self {
        Radius { squared: self.squared.max(other.squared) }
    }

    /// The square in the arithmetic of trees; infinite beyond its range.
    #[expect(clippy::cast_possible_truncation, reason = "rounded")]
    pub(crate) fn squared(self) -> f32 {
        self.squared as f32
    }

    /// The extra coordinate of `vector`: zero for the longest, and never infinite.
    #[expect(clippy::cast_possible_truncation, reason = "rounded")]
    pub(crate) fn extra(self, vector: &[f32]) -> f32 {
        ((self.squared - squared_length(vector)).max(0.0).sqrt() as f32).min(f32::MAX)
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

    #[test]
    fn all_vectors_become_equally_long() {
        let vectors = [[3.0f32, 4.0], [0.0, 0.0], [1.0, 2.0]];
        let radius = Radius::of(vectors.iter().map(|vector| &vector[..]));
        assert_eq!(radius.squared(), 25.0);
        assert_eq!(vectors.map(|vector| radius.extra(&vector)), [0.0, 5.0, 20f32.sqrt()]);
        let longer = radius.or(Radius::of([&[6.0f32][..]].into_iter()));
        assert_eq!(longer.extra(&[6.0]), 0.0);
        // Longer than the longest, as where the rows changed meanwhile.
        assert_eq!(longer.extra(&[7.0]), 0.0);
        let huge = Radius::of([&[f32::MAX; 4][..]].into_iter());
        assert_eq!((huge.squared(), huge.extra(&[0.0; 4])), (f32::INFINITY, f32::MAX));
        assert_eq!(Radius::default().extra(&[0.0]), 0.0);
    }
}
