//! What the modules share: attached fixtures, their rows, and small matrices.

use std::path::{Path, PathBuf};

use bigannoy::matrix::{Element, MatrixSpec, NewMatrix};
use bigannoy::{BigMatrix, Metric, Neighbor, NeighborBlock, RowSource};
use bigannoy_tests::fixture;
use proptest::prelude::ProptestConfig;

/// The metrics of the clustered data, each with the name that fixtures give it.
pub(crate) const METRICS: [(Metric, &str); 2] =
    [(Metric::Euclidean, "euclidean"), (Metric::Angular, "angular")];

/// The matrix of a fixture, attached where it is, for reading.
pub(crate) fn attach(desc_path: impl AsRef<Path>) -> BigMatrix {
    BigMatrix::attach(fixture(desc_path)).unwrap()
}

/// All rows of a matrix as `f32`, one after the other.
pub(crate) fn rows_f32(matrix: &BigMatrix) -> Vec<f32> {
    let mut rows = vec![0.0; matrix.nrows() * matrix.ncols()];
    matrix.copy_rows(0..matrix.nrows(), &mut rows).unwrap();
    rows
}

/// Creates the matrix `<name>.desc` in `dir` from its columns.
pub(crate) fn create<T: Element>(dir: &Path, name: &str, columns: &[&[T]]) -> PathBuf {
    let path = dir.join(name).with_extension("desc");
    let spec = MatrixSpec::new(T::TYPE, columns[0].len(), columns.len());
    let mut new = NewMatrix::create(&path, &spec).unwrap();
    let mut view = new.view_mut::<T>().unwrap();
    for (position, column) in columns.iter().enumerate() {
        view.column_mut(position).copy_from_slice(column);
    }
    new.finish().unwrap();
    path
}

/// Ids of R (counted from 1) with the bits of the distances: what has to be equal.
pub(crate) fn answer(row: &[Neighbor]) -> Vec<(u32, u32)> {
    row.iter().map(|near| (near.item + 1, near.distance.to_bits())).collect()
}

/// [`answer`] for each row of a block.
pub(crate) fn answers(block: &NeighborBlock) -> Vec<Vec<(u32, u32)>> {
    block.rows().map(answer).collect()
}

/// The ids of each row of a block, counted from 1.
pub(crate) fn ids(block: &NeighborBlock) -> Vec<Vec<u32>> {
    block.rows().map(|row| row.iter().map(|near| near.item + 1).collect()).collect()
}

/// The share of the exact neighbors that were found, over as many queries as both have.
pub(crate) fn recall(found: &[Vec<u32>], exact: &[Vec<u32>]) -> f64 {
    let (mut hits, mut all) = (0, 0);
    for (found, exact) in found.iter().zip(exact) {
        hits += found.iter().filter(|id| exact.contains(id)).count();
        all += exact.len();
    }
    let [hits, all] = [hits, all].map(|count| f64::from(u32::try_from(count).unwrap()));
    hits / all
}

/// What the environment says about how often something is tried, or else `usual`.
pub(crate) fn count(variable: &str, usual: u32) -> u32 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, no number")),
        Err(_) => usual,
    }
}

/// A property that is tried so often; what fails is told and not kept in a file.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Draws that are the same everywhere.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    /// Nearly normal: the sum of twelve uniform values.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| f64::from(self.below(1 << 20)) / f64::from(1 << 20) - 0.5).sum()
    }

    pub(crate) fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u32::try_from(self.0 >> 33).unwrap() % most
    }
}
