//! Many vectors side by side, to be multiplied with a few others.

/// Vectors that lie side by side.
const WIDTH: usize = 16;
/// Vectors that are multiplied with a panel together.
pub const ABREAST: usize = 4;

/// Vectors in panels of sixteen: an element of each, then the next element of each.
///
/// Inner products with all of them come sixteen by four, each a strict sum (see [`crate::kernel`]), so
/// that they are the same bits on every processor, from registers as wide as there are.
///
/// Memory: four bytes an element; vectors are rounded up to a multiple of sixteen.
#[derive(Clone, Debug)]
pub struct Panels {
    dim: usize,
    len: usize,
    values: Vec<[f32; WIDTH]>,
}

impl Panels {
    /// Room for `len` vectors of `dim` elements, all of them zero until they are set.
    #[must_use]
    pub fn new(dim: usize, len: usize) -> Self {
        Panels { dim, len, values: vec![[0.0; WIDTH]; len.div_ceil(WIDTH) * dim] }
    }

    /// How many vectors there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The length of a row of products: [`Panels::len`], rounded up to whole panels.
    #[must_use]
    pub fn padded_len(&self) -> usize {
        self.len.next_multiple_of(WIDTH)
    }

    /// Sets vector number `at`.
    ///
    /// # Panics
    /// If there is no such vector, or this one has another number of elements.
    pub fn set(&mut self, at: usize, vector: &[f32]) {
        assert!(at < self.len, "vector {at} of {}", self.len);
        assert_eq!(vector.len(), self.dim, "a vector of the panels' dimension");
        let panel = &mut self.values[at / WIDTH * self.dim..][..self.dim];
        for (line, &x) in panel.iter_mut().zip(vector) {
            line[at % WIDTH] = x;
        }
    }

    /// Writes vector number `at` to `out`.
    ///
    /// # Panics
    /// If there is no such vector, or `out` has another number of elements.
    pub fn get(&self, at: usize, out: &mut [f32]) {
        assert!(at < self.len, "vector {at} of {}", self.len);
        assert_eq!(out.len(), self.dim, "a vector of the panels' dimension");
        let panel = &self.values[at / WIDTH * self.dim..][..self.dim];
        for (x, line) in out.iter_mut().zip(panel) {
            *x = line[at % WIDTH];
        }
    }

    /// Writes the inner products of up to four `vectors` with all of the panels' to `out`:
    /// [`Panels::padded_len`] for each vector, of which those behind [`Panels::len`] are anything.
    ///
    /// # Panics
    /// If there are no vectors or more than four, one has another number of elements, or `out` is too
    /// short.
    pub fn products(&self, vectors: &[&[f32]], out: &mut [f32]) {
        let last = *vectors.last().expect("a vector");
        assert!(vectors.len() <= ABREAST, "{} vectors", vectors.len());
        assert!(vectors.iter().all(|vector| vector.len() == self.dim), "vectors of one dimension");
        // The last one stands in for those that are not there.
        let all: [&[f32]; ABREAST] = std::array::from_fn(|at| *vectors.get(at).unwrap_or(&last));
        let padded = self.padded_len();
        let out = &mut out[..vectors.len() * padded];
        if self.dim == 0 {
            out.fill(0.0);
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor must have AVX2.
            // - It was asked just now.
            #[expect(unsafe_code, reason = "code for a processor that was looked at")]
            unsafe {
                avx2(&self.values, &all, padded, out);
            }
            return;
        }
        multiply(&self.values, &all, padded, out);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(values: &[[f32; WIDTH]], vectors: &[&[f32]; ABREAST], padded: usize, out: &mut [f32]) {
    multiply(values, vectors, padded, out);
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor of the caller")]
fn multiply(values: &[[f32; WIDTH]], vectors: &[&[f32]; ABREAST], padded: usize, out: &mut [f32]) {
    let dim = vectors[0].len();
    let [a, b, c, d] = vectors.map(|vector| &vector[..dim]);
    for (panel, lines) in values.chunks_exact(dim).enumerate() {
        let mut sums = [[0.0f32; WIDTH]; ABREAST];
        let elements = a.iter().zip(b).zip(c.iter().zip(d));
        for (line, ((a, b), (c, d))) in lines.iter().zip(elements) {
            for (sums, x) in sums.iter_mut().zip([a, b, c, d]) {
                for lane in 0..WIDTH {
                    sums[lane] += x * line[lane];
                }
            }
        }
        for (out, sums) in out.chunks_exact_mut(padded).zip(&sums) {
            out[panel * WIDTH..][..WIDTH].copy_from_slice(sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn products_are_strict_sums(
            dim in 0usize..40, len in 1usize..50, n in 1..=ABREAST,
            values in proptest::collection::vec(-1e6f32..1e6, 54 * 40),
        ) {
            let vector = |at: usize| &values[at * 40..][..dim];
            let mut panels = Panels::new(dim, len);
            (0..len).for_each(|at| panels.set(at, vector(at)));
            let asked: Vec<&[f32]> = (50..50 + n).map(vector).collect();
            let mut out = vec![f32::NAN; n * panels.padded_len()];
            panels.products(&asked, &mut out);
            let all: [&[f32]; ABREAST] = std::array::from_fn(|at| asked[at.min(n - 1)]);
            let mut portable = vec![f32::NAN; n * panels.padded_len()];
            if dim > 0 {
                multiply(&panels.values, &all, panels.padded_len(), &mut portable);
            } else {
                portable.fill(0.0);
            }
            let mut copy = vec![0.0; dim];
            for (asked, (out, portable)) in asked.iter().zip(
                out.chunks(panels.padded_len()).zip(portable.chunks(panels.padded_len())),
            ) {
                for at in 0..len {
                    prop_assert_eq!(out[at].to_bits(), kernel::dot(asked, vector(at)).to_bits());
                    prop_assert_eq!(out[at].to_bits(), portable[at].to_bits());
                    panels.get(at, &mut copy);
                    prop_assert_eq!(&copy, vector(at));
                }
            }
        }
    }
}
