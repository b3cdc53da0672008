//! From a CSV file to a matrix, in two passes: one counts, one converts.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bigannoy::descriptor::ByteString;
use bigannoy::matrix::{MatrixSpec, NewMatrix};
use bigannoy::storage::{Access, OpenFile, StorageError};
use bigannoy::{BigMatrix, ElementType};
use csv::ByteRecord;

use super::args::Import;
use super::import::DOUBLE_CAN;
use super::number::{Misfit, Number};
use super::place::Place;
use super::{block_rows, for_type};
use crate::csv_error::system_error;
use crate::failure::Failure;
use crate::watch::Work;

pub(super) fn run(arguments: &Import, mut work: Work) -> Result<BigMatrix, Failure> {
    let path = arguments.input.as_path();
    let file = OpenFile::open(path, Access::ReadOnly)?.into_file();
    let na = if arguments.na.is_empty() {
        vec![b"NA".to_vec(), Vec::new()]
    } else {
        arguments.na.iter().map(|text| text.trim_ascii().as_bytes().to_vec()).collect()
    };
    let bytes = file.metadata().map_err(StorageError::io("look at", path))?.len();
    let table = Table { arguments, path, file, na };
    work.begin(bytes, "bytes");
    let shape = table.survey(&work)?;

    let element_type = arguments.element_type.unwrap_or(ElementType::Double);
    let mut spec =
        MatrixSpec::new(element_type, shape.rows, shape.cols).separated(arguments.separated);
    if arguments.row_names {
        spec = spec.row_names(shape.row_names);
    }
    if let Some(names) = shape.col_names {
        spec = spec.col_names(names);
    }
    let mut new = NewMatrix::create(&arguments.descriptor, &spec)?;
    work.begin(bytes, "bytes");
    for_type!(element_type, T => table.fill::<T>(shape.rows, shape.cols, &mut new, &work))?;
    Ok(new.finish()?)
}

/// The file, and how it is to be understood.
struct Table<'a> {
    arguments: &'a Import,
    path: &'a Path,
    file: File,
    /// What stands for a missing value.
    na: Vec<Vec<u8>>,
}

/// What the first pass finds out.
struct Shape {
    rows: usize,
    cols: usize,
    row_names: Vec<ByteString>,
    col_names: Option<Vec<ByteString>>,
}

/// Lines that are read between two looks at the progress.
const LINES: usize = 1024;

impl Table<'_> {
    /// Counts rows and columns, compares the lines' numbers of fields, and keeps the names.
    fn survey(&self, work: &Work) -> Result<Shape, Failure> {
        let name = self.path.display();
        let mut lines = Lines::new(&self.file, self.path, self.arguments.delimiter, work)?;
        let mut header: Option<ByteRecord> = None;
        let mut shape = Shape { rows: 0, cols: 0, row_names: Vec::new(), col_names: None };
        let mut header_after_empty_line = false;
        let mut expected = None;
        while lines.next()?.is_some() {
            let record = &lines.record;
            if self.arguments.header && header.is_none() {
                header_after_empty_line = lines.after_empty_line;
                header = Some(record.clone());
                continue;
            }
            let expected = *expected.get_or_insert(record.len());
            if record.len() != expected {
                let (line, found) = (self.line(record)?, record.len());
                return Err(format!(
                    "{name}: line {line} has {found} fields, expected {expected} as in the lines \
                     before"
                )
                .into());
            }
            // A header of one name may stand above two columns of which one is names.
            let before = match &header {
                Some(header) if header_after_empty_line => Some(header),
                _ => lines.after_empty_line.then_some(record),
            };
            if let (Some(record), 1) = (before, expected) {
                let line = self.line(record)?;
                return Err(format!(
                    "{name}: there is an empty line before line {line}: in a table of one column it \
                     could be a missing value; write NA there, or remove it"
                )
                .into());
            }
            if self.arguments.row_names {
                shape.row_names.push(record[0].into());
            }
            shape.rows += 1;
        }
        let Some(fields) = expected else {
            return Err(format!("{name} has no rows, expected at least 1").into());
        };
        shape.cols = fields - usize::from(self.arguments.row_names);
        if shape.cols == 0 {
            return Err(format!("{name} has row names and no columns, expected at least 1").into());
        }
        if let Some(header) = header {
            // R's `write.table` has no field above the row names, `write.csv` an empty one.
            let skip = match header.len() {
                found if found == fields => fields - shape.cols,
                found if found == shape.cols => 0,
                found => {
                    return Err(format!(
                        "{name}: the first line has {found} names, expected {} as there are columns",
                        shape.cols
                    )
                    .into());
                }
            };
            shape.col_names = Some(header.iter().skip(skip).map(ByteString::from).collect());
        }
        Ok(shape)
    }

    /// Fills the matrix, a block of rows at a time, so that each column's pages are touched a piece
    /// at a time and not a number at a time.
    fn fill<T: Number>(
        &self,
        rows: usize,
        cols: usize,
        new: &mut NewMatrix,
        work: &Work,
    ) -> Result<(), Failure> {
        let changed = || format!("{} was changed while it was read", self.path.display());
        let mut lines = Lines::new(&self.file, self.path, self.arguments.delimiter, work)?;
        let (header, names) = (self.arguments.header, usize::from(self.arguments.row_names));
        if header {
            lines.next()?.ok_or_else(changed)?;
        }
        let mut view = new.view_mut::<T>()?;
        let step = block_rows(size_of::<T>().saturating_mul(cols)).min(rows);
        // Column after column, each `step` long.
        let mut block = vec![T::MISSING; step * cols];
        for first in (0..rows).step_by(step) {
            let len = step.min(rows - first);
            for at in 0..len {
                let record = lines.next()?.filter(|record| record.len() == cols + names);
                let record = record.ok_or_else(changed)?;
                for (col, field) in record.iter().skip(names).enumerate() {
                    let field = field.trim_ascii();
                    block[col * step + at] = match read(field, &self.na) {
                        Ok(value) => value,
                        Err(misfit) => {
                            return Err(self
                                .refuse::<T>(record, first + at, col, field, misfit)?
                                .into());
                        }
                    };
                }
            }
            for (col, values) in block.chunks_exact(step).enumerate() {
                view.column_mut(col)[first..first + len].copy_from_slice(&values[..len]);
            }
        }
        if lines.next()?.is_some() {
            return Err(changed().into());
        }
        Ok(())
    }

    /// The message about a field that is no element.
    fn refuse<T: Number>(
        &self,
        record: &ByteRecord,
        row: usize,
        col: usize,
        field: &[u8],
        misfit: Misfit,
    ) -> Result<String, StorageError> {
        let line = Some(self.line(record)?);
        let place = Place { of: &self.path.display(), row, col, line };
        let hint = if read::<f64>(field, &self.na).is_ok() {
            DOUBLE_CAN
        } else if row == 0 && !self.arguments.header && !self.has_number(record) {
            " (--header if the first line has the names of the columns)"
        } else {
            ""
        };
        Ok(place.refuse(&Excerpt(field), misfit, T::TYPE) + hint)
    }

    /// Whether any field but a name is a number.
    fn has_number(&self, record: &ByteRecord) -> bool {
        record
            .iter()
            .skip(usize::from(self.arguments.row_names))
            .any(|field| read::<f64>(field.trim_ascii(), &[]) != Err(Misfit::NoNumber))
    }

    /// The line at which a record begins, counted from 1. Nothing can be read after this.
    fn line(&self, record: &ByteRecord) -> Result<u64, StorageError> {
        let (line, _) = beginning(&self.file, self.path, record)?;
        Ok(line)
    }
}

/// Where a record begins: its line, counted from 1, and its byte, counted from 0. Nothing can be read
/// through a reader of the file after this.
fn beginning(
    mut file: &File,
    path: &Path,
    record: &ByteRecord,
) -> Result<(u64, u64), StorageError> {
    // Where the reader began to look for it: empty lines are still to come there, and what is left
    // of the line end before.
    let (mut line, mut at) =
        record.position().map_or((1, 0), |position| (position.line(), position.byte()));
    let failed = |error| StorageError::io("read", path)(error);
    file.seek(SeekFrom::Start(at)).map_err(failed)?;
    for byte in BufReader::new(file).bytes() {
        match byte.map_err(failed)? {
            b'\n' => line += 1,
            b'\r' => {}
            _ => break,
        }
        at += 1;
    }
    Ok((line, at))
}

/// What a field is as an element.
fn read<T: Number>(field: &[u8], na: &[Vec<u8>]) -> Result<T, Misfit> {
    if na.iter().any(|na| na == field) {
        return T::missing();
    }
    std::str::from_utf8(field).map_err(|_| Misfit::NoNumber).and_then(T::stored_text)
}

/// The longest record that is read, in bytes: enough for a row of more than a million numbers. It is
/// kept in memory, and a quote without its pair would make one of all the rest of a file.
const RECORD_BYTES: u64 = 64 << 20;

/// A file of which only so much is read.
struct Limited<'a> {
    file: &'a File,
    left: u64,
}

impl Read for Limited<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the limit is reached"));
        }
        let read = self.file.read(bytes)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

/// Where a byte of a record stands.
#[derive(Clone, Copy)]
enum At {
    /// At the beginning of a field.
    Start,
    /// In a field without quotes, where a quote is like any other character.
    Inside,
    /// In a field in quotes, which begins at this line.
    Quoted { line: u64 },
    /// After a quote in such a field: its end, or the first of two that stand for one.
    QuoteIn { line: u64 },
}

/// The lines of the file, from its beginning.
struct Lines<'a> {
    reader: csv::Reader<Limited<'a>>,
    record: ByteRecord,
    path: &'a Path,
    delimiter: u8,
    work: &'a Work,
    /// Lines read.
    count: usize,
    /// Bytes that are shown to be done.
    shown: u64,
    /// Whether the record has a single field and empty lines, which the reader skips, before it.
    after_empty_line: bool,
}

impl<'a> Lines<'a> {
    fn new(
        mut file: &'a File,
        path: &'a Path,
        delimiter: u8,
        work: &'a Work,
    ) -> Result<Self, Failure> {
        file.rewind().map_err(StorageError::io("read", path))?;
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(Limited { file, left: 0 });
        Ok(Lines {
            reader,
            record: ByteRecord::new(),
            path,
            delimiter,
            work,
            count: 0,
            shown: 0,
            after_empty_line: false,
        })
    }

    fn next(&mut self) -> Result<Option<&ByteRecord>, Failure> {
        self.reader.get_mut().left = RECORD_BYTES;
        let read = self.reader.read_byte_record(&mut self.record);
        if read.is_err() && self.reader.get_ref().left == 0 {
            return Err(self.too_long()?.into());
        }
        let found = read.map_err(|e| StorageError::io("read", self.path)(system_error(e)))?;
        self.after_empty_line = found && self.record.len() == 1 && {
            let inside = self.record[0].iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>();
            let begun = self.record.position().map_or(0, csv::Position::line);
            self.reader.position().line() - begun > inside + 1
        };
        self.count += 1;
        if self.count.is_multiple_of(LINES) {
            let done = self.reader.position().byte();
            self.work.advance(done - self.shown)?;
            self.shown = done;
        }
        Ok(found.then_some(&self.record))
    }

    /// The message about a record of more than [`RECORD_BYTES`].
    #[cold]
    fn too_long(&self) -> Result<String, StorageError> {
        let failed = |error| StorageError::io("read", self.path)(error);
        let mut file = self.reader.get_ref().file;
        let (mut line, at) = beginning(file, self.path, &self.record)?;
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut at = At::Start;
        for byte in BufReader::new(file).take(RECORD_BYTES).bytes() {
            let byte = byte.map_err(failed)?;
            at = match (at, byte) {
                (At::Start, b'"') => At::Quoted { line },
                // The rest of a byte order mark.
                (At::Start, 0xef | 0xbb | 0xbf) => At::Start,
                (At::Quoted { line }, b'"') => At::QuoteIn { line },
                (At::QuoteIn { line }, b'"') | (At::Quoted { line }, _) => At::Quoted { line },
                _ if byte == self.delimiter => At::Start,
                _ => At::Inside,
            };
            line += u64::from(byte == b'\n');
        }
        let name = self.path.display();
        let limit = RECORD_BYTES >> 20;
        Ok(match at {
            At::Quoted { line } => format!(
                "{name}: line {line}: a quoted field that begins there does not end within {limit} \
                 MiB"
            ),
            _ => format!("{name}: line {line} does not end within {limit} MiB"),
        })
    }
}

/// The beginning of a field, in quotes.
struct Excerpt<'a>(&'a [u8]);

impl std::fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 40;
        let more = if self.0.len() > SHOWN { "..." } else { "" };
        write!(f, "{:?}{more}", ByteString::from(&self.0[..self.0.len().min(SHOWN)]))
    }
}
