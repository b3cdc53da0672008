//! The table, and the sink of a file of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bigannoy_metric::NeighborBlock;
use bigannoy_sink::{Kept, NeighborSink, Place, ResultShape, RowCounter, SinkError};
use bigannoy_storage::{Existing, NewFile};

/// A writer of one kind of file: those of this crate.
pub trait TableWriter: Sized {
    /// Begins the table.
    fn begin(file: NewFile, schema: SchemaRef) -> Result<Self, SinkError>;

    /// Appends rows.
    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError>;

    /// Ends the table.
    fn finish(self) -> Result<NewFile, SinkError>;
}

/// Writes neighbors as a table into a new file, which appears when the result is complete: see the
/// crate's "The table". It goes by the names of its kinds, `ArrowSink` and `ParquetSink`.
pub struct TableSink<W> {
    path: PathBuf,
    existing: Existing,
    state: State<W>,
}

enum State<W> {
    Given,
    Open { writer: W, schema: SchemaRef, rows: RowCounter },
    Finished,
    Failed,
}

impl<W: TableWriter> TableSink<W> {
    /// Writes to a new file at `path`, which appears when the result is complete. No file may stand
    /// there.
    #[must_use]
    pub fn create(path: impl AsRef<Path>) -> Self {
        TableSink {
            path: path.as_ref().to_path_buf(),
            existing: Existing::Refuse,
            state: State::Given,
        }
    }
}

impl<W: TableWriter> NeighborSink for TableSink<W> {
    fn result_path(&self) -> Option<PathBuf> {
        Some(self.path.clone())
    }

    fn replace_existing(&mut self) {
        self.existing = Existing::Replace;
    }

    fn begin(&mut self, shape: ResultShape) -> Result<(), SinkError> {
        let State::Given = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(SinkError::NotOpen);
        };
        // Found now, and not after a long search.
        self.existing.check(&self.path)?;
        let schema = schema(shape.double);
        let writer = W::begin(NewFile::create(&self.path)?, Arc::clone(&schema))?;
        self.state = State::Open { writer, schema, rows: RowCounter::new(shape.n_query) };
        Ok(())
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        let State::Open { writer, schema, rows } = &mut self.state else {
            return Err(SinkError::NotOpen);
        };
        let first = rows.take(block.nrows())?;
        writer.write(&batch(block, first, schema).map_err(other)?)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let State::Open { writer, rows, .. } = std::mem::replace(&mut self.state, State::Failed)
        else {
            return Err(SinkError::NotOpen);
        };
        rows.finish()?;
        writer.finish()?.commit(self.existing)?;
        self.state = State::Finished;
        Ok(())
    }

    fn kept(&self) -> Kept {
        let State::Finished = self.state else { return Kept::default() };
        let place = || Place::File(self.path.clone());
        Kept { index: place(), distance: place() }
    }
}

impl<W> fmt::Debug for TableSink<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableSink").field("path", &self.path).finish_non_exhaustive()
    }
}

pub(crate) fn other(error: impl std::error::Error + Send + Sync + 'static) -> SinkError {
    SinkError::Other(Box::new(error))
}

fn schema(double: bool) -> SchemaRef {
    let distance = if double { DataType::Float64 } else { DataType::Float32 };
    Arc::new(Schema::new(vec![
        Field::new("query", DataType::Int64, false),
        Field::new("rank", DataType::Int32, false),
        Field::new("id", DataType::Int32, true),
        Field::new("distance", distance, true),
    ]))
}

/// The rows of the table for a block whose first query is `first`, counted from 0.
fn batch(
    block: &NeighborBlock,
    first: usize,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let too_many = || ArrowError::ComputeError("more rows than 63 bits count".to_owned());
    let first = i64::try_from(first).map_err(|_| too_many())?;
    let k = i32::try_from(block.k()).map_err(|_| too_many())?;
    let places = || (0..block.nrows()).flat_map(|row| (0..block.k()).map(move |rank| (row, rank)));
    let queries = (first + 1..).take(block.nrows());
    let queries = queries.flat_map(|query| std::iter::repeat_n(query, block.k()));
    let ranks = (0..block.nrows()).flat_map(|_| 1..=k);
    // Item numbers have 31 bits, and the largest is taken by a root.
    let ids = places()
        .map(|(row, rank)| block.row(row).get(rank).map(|near| (near.item + 1).cast_signed()));
    let distances: ArrayRef = if block.is_double() {
        let found = |(row, rank)| block.row(row).get(rank).map(|_| block.distance(row, rank));
        Arc::new(places().map(found).collect::<Float64Array>())
    } else {
        let found =
            |(row, rank): (usize, usize)| block.row(row).get(rank).map(|near| near.distance);
        Arc::new(places().map(found).collect::<Float32Array>())
    };
    RecordBatch::try_new(
        Arc::clone(schema),
        vec![
            Arc::new(Int64Array::from_iter_values(queries)),
            Arc::new(Int32Array::from_iter_values(ranks)),
            Arc::new(ids.collect::<Int32Array>()),
            distances,
        ],
    )
}
