//! Parquet files.

use std::path::{Path, PathBuf};

use ::parquet::arrow::ArrowWriter;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bigannoy_metric::NeighborBlock;
use bigannoy_sink::{Kept, NeighborSink, ResultShape, SinkError};
use bigannoy_storage::NewFile;

use crate::table::{Table, TableWriter, other};

/// Writes neighbors as a table into a new Parquet file: see the crate's "The table".
#[derive(Debug)]
pub struct ParquetSink(Table<ArrowWriter<NewFile>>);

impl ParquetSink {
    /// Writes to a new file at `path`, which appears when the result is complete. No file may stand
    /// there.
    #[must_use]
    pub fn create(path: impl AsRef<Path>) -> Self {
        ParquetSink(Table::new(path.as_ref()))
    }
}

impl NeighborSink for ParquetSink {
    fn result_path(&self) -> Option<PathBuf> {
        self.0.result_path()
    }

    fn replace_existing(&mut self) {
        self.0.replace_existing();
    }

    fn begin(&mut self, shape: ResultShape) -> Result<(), SinkError> {
        self.0.begin(shape)
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        self.0.write(block)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.0.finish()
    }

    fn kept(&self) -> Kept {
        self.0.kept()
    }
}

impl TableWriter for ArrowWriter<NewFile> {
    fn begin(file: NewFile, schema: SchemaRef) -> Result<Self, SinkError> {
        ArrowWriter::try_new(file, schema, None).map_err(other)
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError> {
        ArrowWriter::write(self, rows).map_err(other)
    }

    fn finish(self) -> Result<NewFile, SinkError> {
        self.into_inner().map_err(other)
    }
}
