//! The extra coordinate that Annoy gives items under dot.

use bigannoy_metric::kernel;

use crate::extra::Measure;

/// Length of the longest item, in Annoy's arithmetic. See [`crate::extra`] for what it is good for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Longest(f32);

impl Measure for Longest {
    fn of<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Self {
        Longest(vectors.map(length).fold(0.0, f32::max))
    }

    fn and(self, next: Longest) -> Self {
        Longest(self.0.max(next.0))
    }
}

impl Longest {
    /// The extra coordinate of `vector`. Where squares of lengths are too large for an `f32` it is
    /// infinite or not a number, as Annoy's is.
    pub(crate) fn extra(self, vector: &[f32]) -> f32 {
        let length = length(vector);
        let rest = self.0 * self.0 - length * length;
        if rest < 0.0 { 0.0 } else { rest.sqrt() }
    }
}

fn length(vector: &[f32]) -> f32 {
    kernel::dot(vector, vector).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_has_none_and_zeros_have_its_length() {
        let vectors = [[3.0f32, 4.0], [0.0, 0.0], [1.0, 2.0]];
        let longest = Longest::of(vectors.iter().map(|vector| &vector[..]));
        let extras = vectors.map(|vector| longest.extra(&vector));
        let length = 5f32.sqrt();
        assert_eq!(extras, [0.0, 5.0, (25.0 - length * length).sqrt()]);
        assert_eq!(longest.and(Longest(6.0)).extra(&[7.0]), 0.0);
    }
}
