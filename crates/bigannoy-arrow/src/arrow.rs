//! Arrow IPC files.

use std::io::BufWriter;

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::SchemaRef;
use bigannoy_sink::SinkError;
use bigannoy_storage::NewFile;

use crate::table::{TableSink, TableWriter, other};

/// Writes neighbors as a table into a new Arrow IPC file: see the crate's "The table".
///
/// ```
/// use bigannoy_arrow::ArrowSink;
/// use bigannoy_metric::NeighborBlock;
/// use bigannoy_sink::{NeighborSink, ResultShape};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("neighbors.arrow");
/// let mut sink = ArrowSink::create(&path);
/// sink.begin(ResultShape::new(3, 2))?;
/// sink.write(&NeighborBlock::new(3, 2))?;
/// assert!(!path.exists()); // not complete, not visible
/// sink.finish()?;
/// assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type ArrowSink = TableSink<FileWriter<BufWriter<NewFile>>>;

impl TableWriter for FileWriter<BufWriter<NewFile>> {
    fn begin(file: NewFile, schema: SchemaRef) -> Result<Self, SinkError> {
        FileWriter::try_new(BufWriter::new(file), &schema).map_err(other)
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError> {
        FileWriter::write(self, rows).map_err(other)
    }

    fn finish(self) -> Result<NewFile, SinkError> {
        let out = self.into_inner().map_err(other)?;
        out.into_inner().map_err(|error| other(error.into_error()))
    }
}
