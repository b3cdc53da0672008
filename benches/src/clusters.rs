//! Points in clusters.

use crate::random::Random;

/// The variable of the environment that replaces the number of rows of every bench.
pub const BENCH_ROWS: &str = "BIGANNOY_BENCH_ROWS";

/// The number of rows that [`BENCH_ROWS`] asks for, or `default` where it is not set.
///
/// # Panics
/// If it is set to something other than a positive number.
#[must_use]
pub fn rows_or(default: usize) -> usize {
    let Ok(rows) = std::env::var(BENCH_ROWS) else { return default };
    let rows = rows.parse().ok().filter(|&rows| rows > 0);
    rows.unwrap_or_else(|| panic!("{BENCH_ROWS} has to be a positive number"))
}

/// Clusters of points: the centers far apart, the points of each spread around it.
///
/// Points without any structure would make every index look bad and every split equal; real data
/// has neighborhoods.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// Row-major.
    centers: Vec<f32>,
    dim: usize,
}

impl Clusters {
    /// How many there are.
    const COUNT: usize = 100;
    /// Centers lie between -10 and 10 along each dimension; points have a standard deviation of 3.
    const REACH: f32 = 10.0;
    const SPREAD: f32 = 3.0;

    /// Clusters in `dim` dimensions, the same each time.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        let mut random = Random::new(1);
        let centers = (0..Self::COUNT * dim).map(|_| Self::REACH * random.signed()).collect();
        Clusters { centers, dim }
    }

    /// `count` points, row-major. Another seed gives other points of the same clusters.
    #[must_use]
    pub fn points(&self, count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        let mut points = Vec::with_capacity(count * self.dim);
        for _ in 0..count {
            let center = random.below(Self::COUNT) * self.dim;
            for coordinate in &self.centers[center..center + self.dim] {
                points.push(coordinate + Self::SPREAD * random.normal());
            }
        }
        points
    }
}
