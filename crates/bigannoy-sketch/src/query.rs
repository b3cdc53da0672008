//! One query, to be compared with records.

use bigannoy_metric::Metric;

use crate::bound::{self, Terms};
use crate::kernel::{Job, Kernel};
use crate::record::{MOST_CODE, SANE, SANE_SQUARES, Shape, largest_magnitude};
use crate::sketch::Sketch;

/// A query in codes, which can be set again and again.
///
/// Memory: two bytes for each of a record's.
#[derive(Clone, Debug)]
pub struct SketchQuery {
    shape: Shape,
    kernel: Kernel,
    /// As many as a record has bytes: zero where those are no codes.
    codes: Vec<i16>,
    terms: Terms,
}

impl SketchQuery {
    /// A query of nothing yet: see [`SketchQuery::set`].
    #[must_use]
    pub fn new(shape: Shape, kernel: Kernel) -> Self {
        SketchQuery { shape, kernel, codes: vec![0; shape.record_bytes()], terms: Terms::default() }
    }

    /// Metric and dimension.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The code that computes the bounds.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Takes `vector` as the query. `false` where nothing can be proved of it, because its values are
    /// out of range: then it has no bounds. Cost: a few nanoseconds an element.
    ///
    /// # Panics
    /// If `vector` has another dimension.
    #[must_use]
    pub fn set(&mut self, vector: &[f32]) -> bool {
        let dim = self.shape.dim();
        assert_eq!(vector.len(), dim, "a query of the sketch's dimension");
        let largest = largest_magnitude(vector);
        if !(largest == 0.0 || SANE.contains(&largest)) {
            return false;
        }
        let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let angular = self.shape.metric() == Metric::Angular;
        if angular && !SANE_SQUARES.contains(&squares) {
            return false;
        }
        let length = if angular { squares.sqrt() } else { 1.0 };
        let most = most_code(dim);
        #[expect(clippy::cast_possible_truncation, reason = "rounded; the residual takes it in")]
        let scale = (f64::from(largest) / length / f64::from(most)) as f32;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / (f64::from(scale) * length) };
        let (mut code_squares, mut lost) = (0.0, 0.0);
        for (code, &x) in self.codes.iter_mut().zip(vector) {
            let b = (f64::from(x) * inverse).round().clamp(-f64::from(most), f64::from(most));
            #[expect(clippy::cast_possible_truncation, reason = "at most 32767")]
            let whole = b as i16;
            *code = whole;
            code_squares += b * b;
            let difference = f64::from(x) / length - f64::from(scale) * b;
            lost += difference * difference;
        }
        let scaled = f64::from(scale) * code_squares.sqrt();
        let lost = lost.sqrt() + 1e-10 * scaled;
        #[expect(clippy::cast_possible_truncation, reason = "rounded; the bounds take it in")]
        let scaled_squares = (scaled * scaled) as f32;
        let of_squares = |errors: Terms| Terms {
            scale: 2.0 * scale,
            squares: scaled_squares,
            lost: bound::up(lost),
            ..errors
        };
        self.terms = match self.shape.metric() {
            Metric::Angular => of_squares(Terms::angular(dim)),
            Metric::Dot => Terms { scale, ..Terms::dot(dim, squares.sqrt(), lost) },
            _ => of_squares(Terms::euclidean(dim)),
        };
        true
    }

    /// The bounds of the comparable distances of `items`, in the order in which they are given: the
    /// distance of `items[i]` is at least `lower[i]` and at most `upper[i]`, or NaN, which only an item
    /// can have that has an upper bound of infinity. An item whose `lower` is not greater than
    /// some limit is one that may be below it; compare so that a NaN stays in.
    ///
    /// Cost: a few nanoseconds a line of a record. Records are asked for ahead of time.
    ///
    /// # Panics
    /// If the slices differ in length, `sketch` has another shape, or there is no such item.
    pub fn bounds(&self, sketch: &Sketch, items: &[u32], lower: &mut [f32], upper: &mut [f32]) {
        assert_eq!(sketch.shape(), self.shape, "a sketch of the query's shape");
        assert_eq!((lower.len(), upper.len()), (items.len(), items.len()), "one bound an item");
        let (shape, codes, terms) = (self.shape, self.codes.as_slice(), &self.terms);
        self.kernel.bounds(&Job { shape, codes, terms, sketch, items }, lower, upper);
    }
}

/// The largest magnitude of a query's code: sums of `dim` products with items' codes fit in 32 bits.
fn most_code(dim: usize) -> i16 {
    let fits = i64::from(i32::MAX) / (i64::from(MOST_CODE) * i64::try_from(dim).expect("small"));
    i16::try_from(fits).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_products_of_codes_fit() {
        for dim in [1, 50, 516, 517, 4096, Shape::MAX_DIM] {
            let most = i64::from(most_code(dim));
            assert!(most >= 256, "{dim}");
            assert!(most * 127 * i64::try_from(dim).unwrap() <= i64::from(i32::MAX), "{dim}");
        }
    }

    #[test]
    fn queries_out_of_range_have_no_bounds() {
        let takes = |metric, vector: &[f32]| {
            SketchQuery::new(Shape::new(metric, 2).unwrap(), Kernel::new()).set(vector)
        };
        for metric in [Metric::Euclidean, Metric::Angular, Metric::Dot] {
            assert!(takes(metric, &[1.0, -2.0]));
            for bad in [f32::NAN, f32::NEG_INFINITY, 1e16, 1e-16] {
                assert!(!takes(metric, &[0.0, bad]), "{metric} {bad}");
            }
            assert_eq!(takes(metric, &[0.0, -0.0]), metric != Metric::Angular);
        }
    }
}
