//! From a matrix to CSV.

use std::io::Write;

use bigannoy::BigMatrix;
use bigannoy::descriptor::ByteString;

use super::args::Export;
use super::number::{Number, Shown};
use super::{for_type, names};
use crate::csv_error::system_error;
use crate::failure::Failure;
use crate::watch::Work;

pub(super) fn write(
    matrix: &BigMatrix,
    arguments: &Export,
    out: impl Write,
    work: &Work,
) -> Result<(), Failure> {
    let row_names = if arguments.row_names { Some(names::rows(matrix)?) } else { None };
    let col_names = if arguments.header { Some(names::cols(matrix)?) } else { None };
    let writer = csv::WriterBuilder::new()
        .delimiter(arguments.delimiter)
        .buffer_capacity(1 << 16)
        .from_writer(out);
    let mut table = Table { writer, row_names, work };
    if let Some(names) = col_names {
        table.header(names).map_err(system_error)?;
    }
    for_type!(matrix.element_type(), T => table.rows::<T>(matrix))
}

struct Table<'a, W: Write> {
    writer: csv::Writer<W>,
    row_names: Option<&'a [ByteString]>,
    work: &'a Work,
}

impl<W: Write> Table<'_, W> {
    fn header(&mut self, names: &[ByteString]) -> csv::Result<()> {
        // As R's `write.csv` has it above row names.
        let above_row_names = self.row_names.map(|_| &b""[..]);
        self.writer
            .write_record(above_row_names.into_iter().chain(names.iter().map(ByteString::as_bytes)))
    }

    fn rows<T: Number>(&mut self, matrix: &BigMatrix) -> Result<(), Failure> {
        /// Rows between two looks at the progress.
        const ROWS: usize = 256;
        let view = matrix.view::<T>()?;
        let columns: Vec<&[T]> = (0..view.ncols()).map(|col| view.column(col)).collect();
        let mut text = Vec::new();
        for row in 0..view.nrows() {
            self.row(row, &columns, &mut text).map_err(system_error)?;
            if row % ROWS == ROWS - 1 {
                self.work.advance(ROWS as u64)?;
            }
        }
        Ok(self.writer.flush()?)
    }

    fn row<T: Number>(
        &mut self,
        row: usize,
        columns: &[&[T]],
        text: &mut Vec<u8>,
    ) -> csv::Result<()> {
        if let Some(names) = self.row_names {
            self.writer.write_field(names[row].as_bytes())?;
        }
        for column in columns {
            text.clear();
            write!(text, "{}", Shown(column[row]))?;
            self.writer.write_field(&*text)?;
        }
        self.writer.write_record(None::<&[u8]>)
    }
}
