//! Results in NumPy's files.

use std::path::{Path, PathBuf};

use bigannoy_matrix::Element;
use bigannoy_metric::NeighborBlock;
use bigannoy_npy::{Dtype, NpyHeader};
use bigannoy_storage::Existing;

use crate::new_files::NewFiles;
use crate::{Kept, NeighborSink, Place, ResultShape, RowCounter, SinkError};

/// Writes neighbors into a `.npy` file of ids and, if asked for, one of distances.
///
/// Both arrays have a row for each query and `k` columns, nearest neighbor first, in C order. They
/// hold what a matrix of R would: ids are `<i4` and counted from 1, so `ids - 1` are NumPy's indices;
/// where nothing was found, -2147483648, which is R's missing value. Distances are `<f4`, or `<f8`
/// where the result has double precision; where nothing was found, NaN.
///
/// The files are written as the blocks come, appear together when the result is complete, and take
/// no memory but for a block. No file may stand under their names.
#[derive(Debug)]
pub struct NpySink {
    ids: PathBuf,
    distances: Option<PathBuf>,
    existing: Existing,
    state: State,
}

#[derive(Debug)]
enum State {
    Given,
    Open { files: NewFiles, shape: ResultShape, rows: RowCounter },
    Finished,
    Failed,
}

impl NpySink {
    /// Writes ids to a new file at `ids`, and no distances.
    #[must_use]
    pub fn create(ids: impl AsRef<Path>) -> Self {
        NpySink {
            ids: ids.as_ref().to_path_buf(),
            distances: None,
            existing: Existing::Refuse,
            state: State::Given,
        }
    }

    /// Writes distances to a new file at `path`, too. Default: none.
    #[must_use]
    pub fn distances(mut self, path: impl AsRef<Path>) -> Self {
        self.distances = Some(path.as_ref().to_path_buf());
        self
    }
}

/// The values of a block, row by row, in the bytes of the file.
fn bytes<const N: usize>(
    block: &NeighborBlock,
    missing: [u8; N],
    value: impl Fn(usize, usize) -> [u8; N],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(block.nrows() * block.k() * N);
    for (row, found) in block.rows().enumerate() {
        (0..found.len()).for_each(|rank| bytes.extend(value(row, rank)));
        (found.len()..block.k()).for_each(|_| bytes.extend(missing));
    }
    bytes
}

impl NeighborSink for NpySink {
    fn result_path(&self) -> Option<PathBuf> {
        Some(self.ids.clone())
    }

    fn replace_existing(&mut self) {
        self.existing = Existing::Replace;
    }

    fn begin(&mut self, shape: ResultShape) -> Result<(), SinkError> {
        let State::Given = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(SinkError::NotOpen);
        };
        let header = |dtype| {
            NpyHeader::new(dtype, shape.n_query, shape.k, false)
                .map_err(|error| SinkError::Other(Box::new(error)))
        };
        let ids_header = header(Dtype::I32)?;
        let distances_header = header(if shape.double { Dtype::F64 } else { Dtype::F32 })?;
        let paths: Vec<&Path> = [Some(&self.ids), self.distances.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect();
        let mut files = NewFiles::create(&paths, self.existing)?;
        files.write(0, &ids_header.to_bytes())?;
        if self.distances.is_some() {
            files.write(1, &distances_header.to_bytes())?;
        }
        self.state = State::Open { files, shape, rows: RowCounter::new(shape.n_query) };
        Ok(())
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        let State::Open { files, shape, rows } = &mut self.state else {
            return Err(SinkError::NotOpen);
        };
        rows.take(block.nrows())?;
        // Item numbers have 31 bits, and the largest is taken by a root.
        let ids = bytes(block, i32::MISSING.to_le_bytes(), |row, rank| {
            (block.row(row)[rank].item + 1).to_le_bytes()
        });
        files.write(0, &ids)?;
        if self.distances.is_some() {
            let distances = if shape.double {
                bytes(block, f64::MISSING.to_le_bytes(), |row, rank| {
                    block.distance(row, rank).to_le_bytes()
                })
            } else {
                bytes(block, f32::NAN.to_le_bytes(), |row, rank| {
                    block.row(row)[rank].distance.to_le_bytes()
                })
            };
            files.write(1, &distances)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let State::Open { files, rows, .. } = std::mem::replace(&mut self.state, State::Failed)
        else {
            return Err(SinkError::NotOpen);
        };
        rows.finish()?;
        files.finish()?;
        self.state = State::Finished;
        Ok(())
    }

    fn kept(&self) -> Kept {
        let State::Finished = self.state else { return Kept::default() };
        let place = |path: &PathBuf| Place::File(path.clone());
        Kept {
            index: place(&self.ids),
            distance: self.distances.as_ref().map_or(Place::Nowhere, place),
        }
    }
}
