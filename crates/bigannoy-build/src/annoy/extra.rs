//! The extra coordinate that Annoy gives items under dot.

use std::marker::PhantomData;

use bigannoy_metric::Rounding;

use crate::annoy::squared_length;
use crate::extra::Measure;

/// Length of the longest item, in Annoy's arithmetic. See [`crate::extra`] for what it is good for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Longest<A>(f32, PhantomData<A>);

impl<A: Rounding> Measure for Longest<A> {
    fn of<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Self {
        Longest(vectors.map(length::<A>).fold(0.0, f32::max), PhantomData)
    }

    fn and(self, next: Self) -> Self {
        Longest(self.0.max(next.0), PhantomData)
    }
}

impl<A: Rounding> Longest<A> {
    /// The extra coordinate of `vector`. Where squares of lengths are too large for an `f32` it is
    /// infinite or not a number, as Annoy's is.
    pub(crate) fn extra(self, vector: &[f32]) -> f32 {
        let length = length::<A>(vector);
        let rest = A::multiply_add(-length, length, self.0 * self.0);
        if rest < 0.0 { 0.0 } else { rest.sqrt() }
    }
}

fn length<A: Rounding>(vector: &[f32]) -> f32 {
    squared_length::<A>(vector).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_metric::{Fused, Separate};

    #[test]
    fn the_longest_has_none_and_zeros_have_its_length() {
        let vectors = [[3.0f32, 4.0], [0.0, 0.0], [1.0, 2.0]];
        let longest = Longest::<Separate>::of(vectors.iter().map(|vector| &vector[..]));
        let extras = vectors.map(|vector| longest.extra(&vector));
        let length = 5f32.sqrt();
        assert_eq!(extras, [0.0, 5.0, (25.0 - length * length).sqrt()]);
        assert_eq!(longest.and(Longest(6.0, PhantomData)).extra(&[7.0]), 0.0);
        let length = f64::from(length);
        #[expect(clippy::cast_possible_truncation, reason = "rounded once")]
        let rest = (25.0 - length * length) as f32;
        let fused = Longest::<Fused>::of(vectors.iter().map(|vector| &vector[..]));
        assert_eq!(fused.extra(&vectors[2]), rest.sqrt());
    }
}
