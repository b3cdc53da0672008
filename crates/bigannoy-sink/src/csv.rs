//! Results as lines of text.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use bigannoy_metric::NeighborBlock;
use bigannoy_storage::Existing;

use crate::new_files::NewFiles;
use crate::{Kept, NeighborSink, Place, ResultShape, RowCounter, SinkError};

/// Writes neighbors as CSV: a line for each query and rank, in this order.
///
/// The first line names the columns, `query,rank,id,distance`. Queries, ranks and ids are counted
/// from 1, as R counts rows. A distance has as many digits as it takes to read the same number back,
/// 32 or 64 bits as the result has it, and no exponent; under dot it is the inner product. A neighbor
/// that was not found is `NA,NA`, so that each query has `k` lines. Lines end in a line feed, fields
/// are never quoted.
///
/// ```
/// use bigannoy_metric::{Neighbor, NeighborBlock};
/// use bigannoy_sink::{CsvSink, NeighborSink, ResultShape};
///
/// let mut block = NeighborBlock::new(1, 2);
/// block.rows_mut().for_each(|mut row| row.fill([Neighbor { item: 6, distance: 0.1 }]));
/// let mut text = Vec::new();
/// let mut sink = CsvSink::new(&mut text);
/// sink.begin(ResultShape::new(1, 2))?;
/// sink.write(&block)?;
/// sink.finish()?;
/// drop(sink);
/// assert_eq!(text, b"query,rank,id,distance\n1,1,7,0.1\n1,2,NA,NA\n");
/// # Ok::<(), bigannoy_sink::SinkError>(())
/// ```
pub struct CsvSink<'a> {
    existing: Existing,
    state: State<'a>,
}

enum State<'a> {
    Given(Given<'a>),
    Open(Open<'a>),
    Finished(Option<PathBuf>),
    Failed,
}

enum Given<'a> {
    Writer(Box<dyn Write + 'a>),
    Path(PathBuf),
}

struct Open<'a> {
    out: Out<'a>,
    /// What is to be written next: no more than some lines over [`ENOUGH`].
    lines: Vec<u8>,
    rows: RowCounter,
}

enum Out<'a> {
    Writer(Box<dyn Write + 'a>),
    File { files: NewFiles, path: PathBuf },
}

/// As many bytes are handed over at once.
const ENOUGH: usize = 1 << 16;

impl<'a> CsvSink<'a> {
    /// Writes to `out`, which need not be buffered. What was written when a search ends early is
    /// whole blocks of queries.
    #[must_use]
    pub fn new(out: impl Write + 'a) -> Self {
        Self::given(Given::Writer(Box::new(out)))
    }

    /// Writes to a new file at `path`, which appears when the result is complete. No file may stand
    /// there.
    #[must_use]
    pub fn create(path: impl AsRef<Path>) -> Self {
        Self::given(Given::Path(path.as_ref().to_path_buf()))
    }

    fn given(given: Given<'a>) -> Self {
        CsvSink { existing: Existing::Refuse, state: State::Given(given) }
    }
}

impl Open<'_> {
    fn hand_over(&mut self) -> Result<(), SinkError> {
        match &mut self.out {
            Out::Writer(out) => {
                let written = out.write_all(&self.lines).and_then(|()| out.flush());
                written.map_err(|error| SinkError::Other(Box::new(error)))?;
            }
            Out::File { files, .. } => files.write(0, &self.lines)?,
        }
        self.lines.clear();
        Ok(())
    }
}

/// Appends the lines of query `number`, counted from 1, which is row `row` of the block.
fn push_lines(lines: &mut Vec<u8>, block: &NeighborBlock, row: usize, number: usize) {
    let found = block.row(row);
    for rank in 0..block.k() {
        let place = rank + 1;
        // Writing to memory cannot fail.
        let _ = match found.get(rank) {
            None => writeln!(lines, "{number},{place},NA,NA"),
            Some(near) => {
                let id = u64::from(near.item) + 1;
                if block.is_double() {
                    writeln!(lines, "{number},{place},{id},{}", block.distance(row, rank))
                } else {
                    writeln!(lines, "{number},{place},{id},{}", near.distance)
                }
            }
        };
    }
}

impl NeighborSink for CsvSink<'_> {
    fn result_path(&self) -> Option<PathBuf> {
        match &self.state {
            State::Given(Given::Path(path)) => Some(path.clone()),
            _ => None,
        }
    }

    fn replace_existing(&mut self) {
        self.existing = Existing::Replace;
    }

    fn begin(&mut self, shape: ResultShape) -> Result<(), SinkError> {
        let State::Given(given) = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(SinkError::NotOpen);
        };
        let out = match given {
            Given::Writer(out) => Out::Writer(out),
            Given::Path(path) => {
                Out::File { files: NewFiles::create(&[&path], self.existing)?, path }
            }
        };
        // The head goes with the first lines: a search that finds nothing writes nothing.
        let lines = b"query,rank,id,distance\n".to_vec();
        self.state = State::Open(Open { out, lines, rows: RowCounter::new(shape.n_query) });
        Ok(())
    }

    fn write(&mut self, block: &NeighborBlock) -> Result<(), SinkError> {
        let State::Open(open) = &mut self.state else {
            return Err(SinkError::NotOpen);
        };
        let first = open.rows.take(block.nrows())?;
        for row in 0..block.nrows() {
            push_lines(&mut open.lines, block, row, first + row + 1);
            if open.lines.len() >= ENOUGH {
                open.hand_over()?;
            }
        }
        // A fault of the writer shows with the block in which it is.
        open.hand_over()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let State::Open(open) = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(SinkError::NotOpen);
        };
        open.rows.finish()?;
        self.state = State::Finished(match open.out {
            Out::Writer(_) => None,
            Out::File { files, path } => {
                files.finish()?;
                Some(path)
            }
        });
        Ok(())
    }

    fn kept(&self) -> Kept {
        match &self.state {
            State::Finished(Some(path)) => {
                Kept { index: Place::File(path.clone()), distance: Place::File(path.clone()) }
            }
            _ => Kept::default(),
        }
    }
}

impl fmt::Debug for CsvSink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Given(_) => "not begun",
            State::Open(_) => "open",
            State::Finished(_) => "finished",
            State::Failed => "failed",
        };
        f.debug_struct("CsvSink").field("state", &state).finish_non_exhaustive()
    }
}
