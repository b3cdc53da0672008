//! What synthetic rows look like.

use std::fmt;
use std::str::FromStr;

use super::stream::Stream;

/// How rows are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Independent normal values: no structure at all, the hardest case for every index.
    Normal,
    /// Around 100 centers: centers have a standard deviation of 2 along each dimension, rows of 1
    /// around theirs.
    Clustered,
    /// On a curved surface of 8 dimensions, with a little noise: how many real data sets look.
    Manifold,
    /// Ten copies of each row on average, and queries that are such rows, too: many ties.
    Duplicates,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Shape; 4] =
        [Shape::Normal, Shape::Clustered, Shape::Manifold, Shape::Duplicates];

    /// The name: `normal`, `clustered`, `manifold` or `duplicates`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Shape::Normal => "normal",
            Shape::Clustered => "clustered",
            Shape::Manifold => "manifold",
            Shape::Duplicates => "duplicates",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no shape has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no shape of data is called \"{name}\"; there are normal, clustered, manifold and duplicates"
)]
pub struct UnknownShape {
    /// The name.
    pub name: String,
}

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Self, UnknownShape> {
        let found = Shape::ALL.into_iter().find(|shape| shape.name() == name);
        found.ok_or_else(|| UnknownShape { name: name.to_owned() })
    }
}

const CENTERS: usize = 100;
const CENTER_SPREAD: f32 = 2.0;
/// Dimensions of the surface, as far as the rows have as many.
const SURFACE: usize = 8;
const NOISE: f32 = 0.05;
/// Copies of a row, on average.
const COPIES: usize = 10;

/// A shape with what all of its rows share.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Normal,
    Clustered {
        /// Row-major.
        centers: Vec<f32>,
    },
    Manifold {
        /// For each column the slopes along the surface and, after them, the curvatures.
        bends: Vec<f32>,
        surface: usize,
    },
    Duplicates {
        seed: u64,
        distinct: u64,
    },
}

impl Form {
    pub(super) fn new(shape: Shape, nrows: usize, ncols: usize, seed: u64) -> Self {
        let mut shared = Stream::shared(seed, 0);
        let mut numbers =
            |count: usize, spread: f32| (0..count).map(|_| spread * shared.normal()).collect();
        match shape {
            Shape::Normal => Form::Normal,
            Shape::Clustered => {
                Form::Clustered { centers: numbers(CENTERS * ncols, CENTER_SPREAD) }
            }
            Shape::Manifold => {
                let surface = SURFACE.min(ncols);
                Form::Manifold { bends: numbers(2 * surface * ncols, 1.0), surface }
            }
            Shape::Duplicates => Form::Duplicates { seed, distinct: nrows.div_ceil(COPIES) as u64 },
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Form::Normal => Shape::Normal,
            Form::Clustered { .. } => Shape::Clustered,
            Form::Manifold { .. } => Shape::Manifold,
            Form::Duplicates { .. } => Shape::Duplicates,
        }
    }

    /// One row, from its stream.
    pub(super) fn row(&self, stream: &mut Stream, out: &mut [f32]) {
        match self {
            Form::Normal => out.fill_with(|| stream.normal()),
            Form::Clustered { centers } => {
                let center = below(stream, CENTERS) * out.len();
                for (value, center) in out.iter_mut().zip(&centers[center..]) {
                    *value = center + stream.normal();
                }
            }
            Form::Manifold { bends, surface } => {
                let mut place = [0.0; SURFACE];
                let place = &mut place[..*surface];
                place.fill_with(|| stream.normal());
                for (value, bends) in out.iter_mut().zip(bends.chunks_exact(2 * surface)) {
                    let (slopes, curvatures) = bends.split_at(*surface);
                    let mut sum = NOISE * stream.normal();
                    for ((at, slope), curvature) in place.iter().zip(slopes).zip(curvatures) {
                        sum += slope * at;
                        sum += 0.5 * curvature * at * at;
                    }
                    *value = sum;
                }
            }
            Form::Duplicates { seed, distinct } => {
                // The row that it is a copy of; those have numbers of their own.
                let mut original = Stream::shared(*seed, 1 + stream.below(*distinct));
                out.fill_with(|| original.normal());
            }
        }
    }
}

fn below(stream: &mut Stream, end: usize) -> usize {
    usize::try_from(stream.below(end as u64)).expect("below a number of that type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for shape in Shape::ALL {
            assert_eq!(shape.name().parse(), Ok(shape));
        }
        let unknown = "ring".parse::<Shape>().unwrap_err();
        assert!(unknown.to_string().contains("clustered"));
    }

    #[test]
    fn duplicates_come_about_ten_times() {
        let form = Form::new(Shape::Duplicates, 1_000, 3, 5);
        let mut rows: Vec<[u32; 3]> = (0..1_000)
            .map(|row| {
                let mut out = [0.0; 3];
                form.row(&mut Stream::of_row(5, row, false), &mut out);
                out.map(f32::to_bits)
            })
            .collect();
        rows.sort_unstable();
        rows.dedup();
        assert!((50..=100).contains(&rows.len()), "{} of at most 100", rows.len());
    }
}
