//! Rows that are read from files without mapping them.

use std::ops::Range;
use std::path::Path;

use bigannoy_descriptor::{Descriptor, ElementType};
use bigannoy_storage::{Access, FileIdentity, OpenFile, ReadLease, StorageError};

use crate::locate::Located;
use crate::transpose::{STRIP, Transposition};
use crate::{AttachError, Element, ReadRows, RowError, RowFloat, RowSource, ValuePolicy};

/// Rows of each column that are read at a time.
const PIECE_ROWS: usize = 4096;

/// Column files that are kept open. Of more columns than that each is opened when it is read: a
/// process may have no more than some thousand files open.
const MOST_OPEN: u64 = 128;

/// The rows of a big matrix, read with system calls rather than through a map.
///
/// For files that others may cut or replace, and for network file systems: data that has become
/// too short is an ordinary error here, where a mapped matrix would end the process. What is read
/// is the same. It costs a copy, and where there are more than 128 column files, the opening of each
/// in each call. Memory: 256 KiB for each thread that reads. As with a map, the files cannot be
/// attached for writing in this process meanwhile. That a column file was replaced by another is
/// noticed on Unix only.
///
/// ```
/// use bigannoy_matrix::{ElementType, FileRows, MatrixSpec, NewMatrix, RowSource};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("m.desc");
/// NewMatrix::create(&path, &MatrixSpec::new(ElementType::Double, 3, 2))?.finish()?;
///
/// let rows = FileRows::open(&path)?;
/// let mut row = [1.0f32; 2];
/// rows.copy_rows(2..3, &mut row)?;
/// assert_eq!(row, [0.0, 0.0]);
///
/// std::fs::write(directory.path().join("m.bin"), b"cut")?;
/// let error = rows.copy_rows(2..3, &mut row).unwrap_err();
/// assert!(error.to_string().ends_with("cannot be read"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileRows {
    /// The file of everything, or that of each column. Given back before the files are closed.
    leases: Vec<ReadLease>,
    located: Located,
    columns: Columns,
}

/// The files of the window's columns.
#[derive(Debug)]
enum Columns {
    /// All in one.
    Common,
    /// One each, and open.
    Open(Vec<OpenFile>),
    /// One each, opened when it is read. It has to be the one that is leased.
    Leased,
}

impl FileRows {
    /// Opens the matrix of the descriptor file at `path`. Its data is looked for as by
    /// [`crate::BigMatrix::attach`].
    ///
    /// # Errors
    /// [`AttachError`]: the descriptor cannot be read, its data is missing or too short, or its
    /// window lies outside of the data.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AttachError> {
        let path = path.as_ref();
        Self::new(&Descriptor::read(path)?, Some(path.display().to_string()))
    }

    /// Opens the matrix that `descriptor` describes, as
    /// [`crate::BigMatrix::attach_descriptor`] does.
    ///
    /// # Errors
    /// As [`FileRows::open`]; and the descriptor names no directory.
    pub fn open_descriptor(descriptor: &Descriptor) -> Result<Self, AttachError> {
        Self::new(descriptor, None)
    }

    fn new(descriptor: &Descriptor, name: Option<String>) -> Result<Self, AttachError> {
        let located = Located::new(descriptor, name, Access::ReadOnly)?;
        let opened = Self::columns(&located);
        match opened {
            Ok((columns, leases)) => Ok(FileRows { leases, located, columns }),
            Err(source) => Err(AttachError::Data { matrix: located.name, source }),
        }
    }

    fn columns(located: &Located) -> Result<(Columns, Vec<ReadLease>), StorageError> {
        let descriptor = &located.descriptor;
        if !descriptor.is_separated() {
            return Ok((Columns::Common, vec![located.first.lease()?]));
        }
        let (mut files, mut leases) = (Vec::new(), Vec::new());
        for column in 0..descriptor.ncols() {
            let column = descriptor.col_offset() + column;
            let file = located.place.open(Some(column), Access::ReadOnly)?;
            file.expect_len(located.file_bytes)?;
            leases.push(file.lease()?);
            if descriptor.ncols() <= MOST_OPEN {
                files.push(file);
            }
        }
        let columns = if files.is_empty() { Columns::Leased } else { Columns::Open(files) };
        Ok((columns, leases))
    }

    /// The descriptor, with the directory in which the data was found.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.located.descriptor
    }

    fn read<T: Element, F: RowFloat>(
        &self,
        rows: Range<usize>,
        policy: ValuePolicy,
        out: &mut [F],
    ) -> Result<(), RowError> {
        let Located { ncols, row_offset, .. } = self.located;
        let failed = |source| RowError::Data { matrix: self.located.name.clone(), source };
        let mut turned = Transposition::new(out, rows.len(), ncols, policy);
        let mut buffer = vec![T::zeroed(); STRIP * PIECE_ROWS.min(rows.len())];
        for strip in Transposition::<F>::strips(ncols) {
            let files: Vec<Column<'_>> = strip
                .clone()
                .map(|column| self.column(column))
                .collect::<Result<_, _>>()
                .map_err(failed)?;
            for start in rows.clone().step_by(PIECE_ROWS) {
                let count = PIECE_ROWS.min(rows.end - start);
                let mut read: [&[T]; STRIP] = [&[]; STRIP];
                let parts = buffer.chunks_exact_mut(count);
                for ((file, part), place) in files.iter().zip(parts).zip(&mut read) {
                    let byte_offset =
                        file.byte_offset + ((row_offset + start) * size_of::<T>()) as u64;
                    let bytes = bytemuck::cast_slice_mut(part);
                    file.get().read_at(byte_offset, bytes).map_err(failed)?;
                    *place = part;
                }
                turned.put(start - rows.start, strip.start, &read[..strip.len()]);
            }
        }
        turned.finish(rows.start, || self.located.name.clone())
    }

    /// The file of a column of the window, and where in it the column begins.
    fn column(&self, column: usize) -> Result<Column<'_>, StorageError> {
        let Located { descriptor, place, first, total_rows, skip_bytes, .. } = &self.located;
        let file = match &self.columns {
            Columns::Common => {
                let before = column * total_rows * descriptor.element_type().size_bytes();
                let byte_offset = (skip_bytes + before) as u64;
                return Ok(Column { file: ColumnFile::Kept(first), byte_offset });
            }
            Columns::Open(files) => ColumnFile::Kept(&files[column]),
            Columns::Leased => {
                let stored = descriptor.col_offset() + column as u64;
                let file = place.open(Some(stored), Access::ReadOnly)?;
                if !self.leases[column].is_of(&file)? {
                    return Err(StorageError::Replaced { path: file.path().to_path_buf() });
                }
                ColumnFile::Opened(file)
            }
        };
        Ok(Column { file, byte_offset: 0 })
    }
}

struct Column<'a> {
    file: ColumnFile<'a>,
    byte_offset: u64,
}

enum ColumnFile<'a> {
    Kept(&'a OpenFile),
    Opened(OpenFile),
}

impl Column<'_> {
    fn get(&self) -> &OpenFile {
        match &self.file {
            ColumnFile::Kept(file) => file,
            ColumnFile::Opened(file) => file,
        }
    }
}

impl ReadRows for FileRows {
    fn read_rows<F: RowFloat>(
        &self,
        rows: Range<usize>,
        policy: ValuePolicy,
        out: &mut [F],
    ) -> Result<(), RowError> {
        assert!(rows.end <= self.located.nrows, "rows {rows:?} of {}", self.located.nrows);
        match self.located.descriptor.element_type() {
            ElementType::Char => self.read::<i8, F>(rows, policy, out),
            ElementType::Short => self.read::<i16, F>(rows, policy, out),
            ElementType::Raw => self.read::<u8, F>(rows, policy, out),
            ElementType::Integer => self.read::<i32, F>(rows, policy, out),
            ElementType::Float => self.read::<f32, F>(rows, policy, out),
            ElementType::Double => self.read::<f64, F>(rows, policy, out),
        }
    }
}

impl RowSource for FileRows {
    fn nrows(&self) -> usize {
        self.located.nrows
    }

    fn ncols(&self) -> usize {
        self.located.ncols
    }

    fn name(&self) -> String {
        self.located.name.clone()
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError> {
        self.read_rows(rows, ValuePolicy::default(), out)
    }

    fn copy_rows_f64(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.read_rows(rows, ValuePolicy::default(), out)
    }

    fn is_single_precision(&self) -> bool {
        self.located.descriptor.element_type().fits_single_precision()
    }

    fn copy_rows_with_missing(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.read_rows(rows, ValuePolicy::KEEP, out)
    }

    fn piece_rows(&self) -> usize {
        PIECE_ROWS
    }

    fn has_data_in(&self, file: &Path) -> Result<bool, StorageError> {
        let file = FileIdentity::of_path(file)?;
        Ok(self.leases.iter().any(|lease| *lease.file() == file))
    }

    fn will_need(&self, rows: Range<usize>) {
        // Files that would have to be opened for it are left alone.
        if matches!(self.columns, Columns::Leased) {
            return;
        }
        let rows = rows.start.min(self.located.nrows)..rows.end.min(self.located.nrows);
        let size = self.located.descriptor.element_type().size_bytes();
        let first = (self.located.row_offset + rows.start) * size;
        for column in 0..self.located.ncols {
            if let Ok(column) = self.column(column) {
                let byte_offset = column.byte_offset + first as u64;
                column.get().will_need(byte_offset, (rows.len() * size) as u64);
            }
        }
    }
}
