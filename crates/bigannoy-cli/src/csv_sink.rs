//! Neighbors as lines of text.

use std::io::{self, Write};

use bigannoy::sink::{ResultShape, SinkError};
use bigannoy::{NeighborBlock, NeighborSink};

/// Writes a line for each query and rank, both counted from 1, as are ids. A neighbor that was not
/// found is `NA`, as R reads it. The column of the distances is named so under dot too, where they
/// are inner products.
pub(crate) struct CsvSink<W: Write> {
    writer: csv::Writer<W>,
    row: usize,
}

impl<W: Write> CsvSink<W> {
    pub(crate) fn new(out: W) -> Self {
        CsvSink { writer: csv::Writer::from_writer(out), row: 0 }
    }
}

fn failed(error: io::Error) -> SinkError {
    SinkError::Other(Box::new(error))
}

fn line_failed(error: csv::Error) -> SinkError {
    failed(system_error(error))
}

/// What the system said of a line that could not be read or written.
pub(crate) fn system_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

impl<W: Write> NeighborSink for CsvSink<W> {
    fn begin(&mut self, _: ResultShape) -> Result<(), SinkError> {
        self.writer.write_record(["query", "rank", "id", "distance"]).map_err(line_failed)
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        for (at, row) in block.rows().enumerate() {
            self.row += 1;
            for rank in 0..block.k() {
                let na = || ("NA".to_owned(), "NA".to_owned());
                let (id, distance) = row.get(rank).map_or_else(na, |near| {
                    // As many digits as the distance has.
                    let distance = if block.is_double() {
                        block.distance(at, rank).to_string()
                    } else {
                        near.distance.to_string()
                    };
                    ((u64::from(near.item) + 1).to_string(), distance)
                });
                let query = self.row.to_string();
                let rank = (rank + 1).to_string();
                self.writer.write_record([query, rank, id, distance]).map_err(line_failed)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.writer.flush().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy::Neighbor;

    #[test]
    fn everything_is_counted_from_one_and_na_stands_for_nothing() {
        let mut block = NeighborBlock::new(1, 2);
        block.rows_mut().for_each(|mut row| row.fill([Neighbor { item: 0, distance: 0.25 }]));
        let mut out = Vec::new();
        let mut sink = CsvSink::new(&mut out);
        sink.begin(ResultShape::new(2, 2)).unwrap();
        sink.write(&block).unwrap();
        sink.write(&block).unwrap();
        sink.finish().unwrap();
        drop(sink);
        let expected = "query,rank,id,distance\n1,1,1,0.25\n1,2,NA,NA\n2,1,1,0.25\n2,2,NA,NA\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
