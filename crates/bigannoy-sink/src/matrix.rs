//! Results in matrices of `bigmemory`.

use std::path::{Path, PathBuf};

use bigannoy_descriptor::Descriptor;
use bigannoy_matrix::{Element, ElementType};
use bigannoy_metric::NeighborBlock;

use crate::destination::OpenDestination;
use crate::{Destination, Kept, NeighborSink, Place, ResultShape, RowCounter, SinkError};

/// Writes neighbors into a matrix of ids and, if asked for, a matrix of distances.
///
/// Both have a row for each query and `k` columns, nearest neighbor first. Ids are counted from 1,
/// as R counts rows, in a matrix of type `integer` or `double`. Distances go to `double` or
/// `float`. Where a row has fewer than `k` neighbors the rest is R's missing value, and NaN in a
/// matrix of type `float`. New matrices
/// are `integer` and `double`, which holds distances of either precision; `float` rounds those of
/// double precision.
///
/// Existing destinations are written to as the blocks come: a search that is broken off leaves
/// them partly overwritten. New ones appear only when they are complete.
#[derive(Debug)]
pub struct MatrixSink<'a> {
    state: State<'a>,
}

#[derive(Debug)]
enum State<'a> {
    Given {
        ids: Destination<'a>,
        distances: Option<Destination<'a>>,
    },
    Open(Open<'a>),
    /// With the descriptors of ids and distances.
    Finished(Descriptor, Option<Descriptor>),
    /// An operation failed; nothing more can be done.
    Failed,
}

#[derive(Debug)]
struct Open<'a> {
    ids: OpenDestination<'a>,
    distances: Option<OpenDestination<'a>>,
    rows: RowCounter,
}

impl<'a> MatrixSink<'a> {
    /// Writes ids to `ids`, and no distances.
    #[must_use]
    pub fn new(ids: Destination<'a>) -> Self {
        MatrixSink { state: State::Given { ids, distances: None } }
    }

    /// Writes distances to `destination` too.
    ///
    /// # Panics
    /// If the sink has begun.
    #[must_use]
    pub fn distances(mut self, destination: Destination<'a>) -> Self {
        let State::Given { distances, .. } = &mut self.state else {
            panic!("the destinations of a sink are given before it begins");
        };
        *distances = Some(destination);
        self
    }

    /// Where the ids are, once the sink is finished.
    #[must_use]
    pub fn ids_descriptor(&self) -> Option<&Descriptor> {
        match &self.state {
            State::Finished(ids, _) => Some(ids),
            _ => None,
        }
    }

    /// Where the distances are, once the sink is finished and if they were asked for.
    #[must_use]
    pub fn distances_descriptor(&self) -> Option<&Descriptor> {
        match &self.state {
            State::Finished(_, distances) => distances.as_ref(),
            _ => None,
        }
    }
}

impl NeighborSink for MatrixSink<'_> {
    fn result_path(&self) -> Option<PathBuf> {
        match &self.state {
            State::Given { ids, .. } => ids.descriptor_path().map(Path::to_path_buf),
            _ => None,
        }
    }

    fn replace_existing(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Failed) {
            State::Given { ids, distances } => State::Given {
                ids: ids.replacing(),
                distances: distances.map(Destination::replacing),
            },
            state => state,
        };
    }

    fn begin(&mut self, shape: ResultShape) -> Result<(), SinkError> {
        const IDS: &[ElementType] = &[ElementType::Integer, ElementType::Double];
        const DISTANCES: &[ElementType] = &[ElementType::Double, ElementType::Float];
        let State::Given { ids, distances } = std::mem::replace(&mut self.state, State::Failed)
        else {
            return Err(SinkError::NotOpen);
        };
        if let Some(distances) = &distances {
            let others = distances.new_files()?;
            if let Some(path) = ids.new_files()?.into_iter().find(|file| others.contains(file)) {
                return Err(SinkError::SameDestination { path });
            }
        }
        let ids = ids.open(shape, ElementType::Integer, IDS, "integer or double for ids")?;
        let distances = distances
            .map(|distances| {
                let expected = "double or float for distances";
                distances.open(shape, ElementType::Double, DISTANCES, expected)
            })
            .transpose()?;
        ids.reserve()?;
        distances.as_ref().map_or(Ok(()), OpenDestination::reserve)?;
        self.state = State::Open(Open { ids, distances, rows: RowCounter::new(shape.n_query) });
        Ok(())
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        let State::Open(open) = &mut self.state else {
            return Err(SinkError::NotOpen);
        };
        let first = open.rows.take(block.nrows())?;
        match open.ids.element_type() {
            // Item numbers have 31 bits, and the largest is taken by a root.
            ElementType::Integer => {
                fill(&mut open.ids, first, block, i32::MISSING, |row, rank| {
                    (block.row(row)[rank].item + 1).cast_signed()
                })?;
            }
            _ => fill(&mut open.ids, first, block, f64::MISSING, |row, rank| {
                f64::from(block.row(row)[rank].item) + 1.0
            })?,
        }
        if let Some(distances) = &mut open.distances {
            match distances.element_type() {
                // Not `bigmemory`'s missing `float`: most ways of reading it in R show a tiny number,
                // which would be the nearest neighbor of all.
                ElementType::Float => {
                    fill(distances, first, block, f32::NAN, |row, rank| {
                        block.row(row)[rank].distance
                    })?;
                }
                _ => fill(distances, first, block, f64::MISSING, |row, rank| {
                    block.distance(row, rank)
                })?,
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let State::Open(open) = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(SinkError::NotOpen);
        };
        open.rows.finish()?;
        // Ids last: where they are, the distances are too.
        let distances = open.distances.map(OpenDestination::finish).transpose()?;
        self.state = State::Finished(open.ids.finish()?, distances);
        Ok(())
    }

    fn kept(&self) -> Kept {
        let State::Finished(ids, distances) = &self.state else { return Kept::default() };
        let place = |descriptor: &Descriptor| Place::Matrix(Box::new(descriptor.clone()));
        Kept { index: place(ids), distance: distances.as_ref().map_or(Place::Nowhere, place) }
    }
}

/// Writes a value of each neighbor of `block`, by row and rank, to the rows from `first_row` on,
/// column by column.
fn fill<T: Element>(
    destination: &mut OpenDestination<'_>,
    first_row: usize,
    block: &NeighborBlock,
    missing: T,
    value: impl Fn(usize, usize) -> T,
) -> Result<(), SinkError> {
    let mut view = destination.view_mut::<T>()?;
    for rank in 0..block.k() {
        let column = &mut view.column_mut(rank)[first_row..first_row + block.nrows()];
        for (row, place) in column.iter_mut().enumerate() {
            *place = if rank < block.row(row).len() { value(row, rank) } else { missing };
        }
    }
    Ok(())
}
