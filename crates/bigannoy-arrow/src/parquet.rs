//! Parquet files.

use ::parquet::arrow::ArrowWriter;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bigannoy_sink::SinkError;
use bigannoy_storage::NewFile;

use crate::table::{TableSink, TableWriter, other};

/// Writes neighbors as a table into a new Parquet file: see the crate's "The table".
pub type ParquetSink = TableSink<ArrowWriter<NewFile>>;

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
