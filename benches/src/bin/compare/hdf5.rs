//! Rows in the files of ann-benchmarks.

use std::path::Path;
use std::{fs, iter};

use hdf5_pure::{DType, File};

use crate::Failure;
use crate::data::Rows;

/// How many times as large as their file values in chunks are at most, by the format of deflate.
const MOST_DEFLATED: u64 = 1032;

/// Reads at most `most` rows of what `dataset` holds, `train` or `test` for instance: numbers in single precision, a
/// matrix, whole or in chunks, plain or deflated. Of the file only what is asked for comes into memory.
pub(crate) fn read(path: &Path, dataset: &str, most: usize) -> Result<Rows, Failure> {
    let file = File::open_streaming(path)?;
    let found = file.dataset(dataset).map_err(|error| format!("dataset {dataset}: {error}"))?;
    let (shape, dtype) = (found.shape()?, found.dtype()?);
    let (&[nrows, ncols], &DType::F32) = (&shape[..], &dtype) else {
        let fault = format!(
            "expected float32 in two dimensions in dataset {dataset}, found {dtype:?} in {shape:?}"
        );
        return Err(fault.into());
    };
    let bytes = fs::metadata(path)?.len();
    let chunk = found.chunk_shape()?;
    let room = if chunk.is_some() { bytes.saturating_mul(MOST_DEFLATED) } else { bytes };
    let in_chunk = chunk.as_ref().map(|shape| ("values in a chunk", shape));
    for (what, shape) in iter::once(("values", &shape)).chain(in_chunk) {
        let values = shape.iter().try_fold(4, |bytes: u64, extent| bytes.checked_mul(*extent));
        // The library asks for as much memory as a file says.
        if values.is_none_or(|values| values > room) {
            let fault = format!(
                "{shape:?} {what} of dataset {dataset} are more than {bytes} bytes can hold"
            );
            return Err(fault.into());
        }
    }
    let ncols = usize::try_from(ncols)?;
    let count = nrows.min(most as u64);
    let values = found.read_f32_rows(0, count)?;
    if Some(values.len()) != usize::try_from(count)?.checked_mul(ncols) {
        let fault = format!("expected {count} x {ncols} values, found {}", values.len());
        return Err(fault.into());
    }
    Ok(Rows { values, ncols })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use bigannoy::matrix::DenseRows;
    use bigannoy::{ExactMetric, ExactOptions};

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        root.join("tests/fixtures/v1/hdf5").join(name)
    }

    #[test]
    fn exact_neighbors_are_as_far_as_the_file_says() {
        for name in ["points.hdf5", "points_gzip.hdf5"] {
            let rows = |dataset| read(&fixture(name), dataset, usize::MAX).unwrap();
            let (train, test, distances) = (rows("train"), rows("test"), rows("distances"));
            assert_eq!((train.nrows(), train.ncols, test.nrows()), (300, 6, 20));
            let [reference, queries] =
                [&train, &test].map(|rows| DenseRows::row_major(&rows.values, rows.ncols));
            let options = ExactOptions::new(ExactMetric::Euclidean, 10);
            let found = bigannoy::exact(&reference, &queries, &options).unwrap().neighbors;
            for query in 0..test.nrows() {
                let ours: Vec<f64> = found.wide_row(query).map(|near| near.distance).collect();
                for (ours, &theirs) in ours.iter().zip(distances.row(query)) {
                    let theirs = f64::from(theirs);
                    assert!((ours - theirs).abs() <= 1e-6 * theirs, "{ours} {theirs}");
                }
            }
            let some = read(&fixture(name), "train", 17).unwrap();
            assert_eq!(some.values, train.values[..17 * 6]);
        }
    }

    #[test]
    fn what_is_no_matrix_of_floats_is_refused() {
        let refused =
            |dataset| read(&fixture("points.hdf5"), dataset, 5).err().unwrap().to_string();
        assert!(refused("neighbors").contains("expected float32"), "{}", refused("neighbors"));
        assert!(refused("queries").contains("dataset queries"), "{}", refused("queries"));
    }

    #[test]
    fn damaged_files_are_refused_or_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("damaged.hdf5");
        for name in ["points.hdf5", "points_gzip.hdf5"] {
            let whole = fs::read(fixture(name)).unwrap();
            for len in (0..whole.len()).step_by(997) {
                fs::write(&path, &whole[..len]).unwrap();
                drop(read(&path, "train", usize::MAX));
            }
            for at in (0..whole.len().min(6_000)).step_by(13) {
                let mut bytes = whole.clone();
                bytes[at] ^= 0xff;
                fs::write(&path, &bytes).unwrap();
                // Values may be others; the program stays alive.
                drop(read(&path, "train", usize::MAX));
            }
        }
    }
}
