//! Results in memory.

use bigannoy_metric::NeighborBlock;

use crate::{Kept, NeighborSink, Place, ResultShape, SinkError};

/// Keeps all neighbors in memory: eight bytes for each place, sixteen where distances have double
/// precision.
#[derive(Clone, Debug, Default)]
pub struct MemorySink(NeighborBlock);

impl MemorySink {
    /// An empty sink.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    #[must_use]
    pub fn into_neighbors(self) -> NeighborBlock {
        self.0
    }
}

impl NeighborSink for MemorySink {
    fn begin(&mut self, shape: ResultShape) -> Result<(), SinkError> {
        self.0 = shape.block(0);
        Ok(())
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        self.0.append(block);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn kept(&self) -> Kept {
        Kept { index: Place::Memory, distance: Place::Memory }
    }
}
