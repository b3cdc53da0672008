//! Arrow IPC files.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::SchemaRef;
use bigannoy_metric::NeighborBlock;
use bigannoy_sink::{Kept, NeighborSink, ResultShape, SinkError};
use bigannoy_storage::NewFile;

use crate::table::{Table, TableWriter, other};

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
#[derive(Debug)]
pub struct ArrowSink(Table<FileWriter<BufWriter<NewFile>>>);

impl ArrowSink {
    /// Writes to a new file at `path`, which appears when the result is complete. No file may stand
    /// there.
    #[must_use]
    pub fn create(path: impl AsRef<Path>) -> Self {
        ArrowSink(Table::new(path.as_ref()))
    }
}

impl NeighborSink for ArrowSink {
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
