//! A matrix attached through its descriptor.

use std::ops::Range;
use std::path::Path;

use bigannoy_descriptor::{ByteString, Descriptor, ElementType};
use bigannoy_storage::{FileIdentity, Mapping, MappingMut, StorageError};

use crate::{
    AnyMatrixRef, Element, MatrixMut, MatrixRef, ReadRows, RowError, RowFloat, RowSource,
    ValuePolicy, ViewError,
};

/// A matrix in files or shared memory, attached through its descriptor: R's `big.matrix`.
///
/// What is seen is the descriptor's window. Attach one with [`BigMatrix::attach`], or for writing
/// with [`BigMatrix::attach_mut`]; within this process a matrix is attached either for reading, as
/// often as one likes, or for writing, once.
#[derive(Debug)]
pub struct BigMatrix {
    pub(crate) descriptor: Descriptor,
    /// What the matrix is called in messages: the descriptor's path, or the data file's.
    pub(crate) name: String,
    pub(crate) nrows: usize,
    pub(crate) ncols: usize,
    /// Rows of the whole stored matrix.
    pub(crate) total_rows: usize,
    pub(crate) row_offset: usize,
    pub(crate) segments: Segments,
}

/// The mapped data. Each piece begins at the first stored row of its first column.
#[derive(Debug)]
pub(crate) enum Segments {
    /// All columns; the window's first one begins at byte `skip`.
    Contiguous { bytes: Bytes, skip: usize },
    /// The columns of the window.
    Separated(Vec<Bytes>),
}

/// The bytes of one data file.
#[derive(Debug)]
pub(crate) enum Bytes {
    ReadOnly(Mapping),
    ReadWrite(MappingMut),
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Bytes::ReadOnly(mapping) => mapping,
            Bytes::ReadWrite(mapping) => mapping,
        }
    }

    fn get_mut(&mut self) -> Option<&mut [u8]> {
        match self {
            Bytes::ReadOnly(_) => None,
            Bytes::ReadWrite(mapping) => Some(mapping.bytes_mut()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Bytes::ReadOnly(mapping) => mapping.path(),
            Bytes::ReadWrite(mapping) => mapping.path(),
        }
    }

    fn identity(&self) -> &FileIdentity {
        match self {
            Bytes::ReadOnly(mapping) => mapping.identity(),
            Bytes::ReadWrite(mapping) => mapping.identity(),
        }
    }

    fn will_need(&self, bytes: Range<usize>) {
        match self {
            Bytes::ReadOnly(mapping) => mapping.will_need(bytes),
            Bytes::ReadWrite(mapping) => mapping.will_need(bytes),
        }
    }

    fn writable(&self) -> Option<&MappingMut> {
        match self {
            Bytes::ReadOnly(_) => None,
            Bytes::ReadWrite(mapping) => Some(mapping),
        }
    }
}

impl BigMatrix {
    /// The descriptor, with the directory in which the data was found.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The type of the elements.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        self.descriptor.element_type()
    }

    /// Number of rows of the window.
    #[must_use]
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns of the window.
    #[must_use]
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// Whether each column is in a file of its own.
    #[must_use]
    pub fn is_separated(&self) -> bool {
        self.descriptor.is_separated()
    }

    /// Whether the matrix was attached for writing.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.pieces().iter().all(|bytes| bytes.writable().is_some())
    }

    /// The names of the window's rows, if it has any.
    #[must_use]
    pub fn row_names(&self) -> Option<&[ByteString]> {
        self.descriptor.row_names()
    }

    /// The names of the window's columns, if it has any.
    #[must_use]
    pub fn col_names(&self) -> Option<&[ByteString]> {
        self.descriptor.col_names()
    }

    /// What the matrix is called in messages: the path of its descriptor, or of its data.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files that hold the window's numbers: one, or one for each column. Shared memory shows
    /// as the files that Linux makes of it.
    pub fn data_files(&self) -> impl Iterator<Item = &Path> {
        self.pieces().iter().map(Bytes::path)
    }

    /// The numbers as columns of `T`.
    ///
    /// # Errors
    /// [`ViewError::ElementType`] where the matrix holds another type.
    pub fn view<T: Element>(&self) -> Result<MatrixRef<'_, T>, ViewError> {
        self.expect_type::<T>()?;
        match &self.segments {
            Segments::Contiguous { bytes, skip } => {
                let data =
                    elements::<T>(&bytes.get()[*skip..]).get(self.row_offset..).unwrap_or_default();
                MatrixRef::column_major(data, self.nrows, self.ncols, self.total_rows)
            }
            Segments::Separated(columns) => {
                let rows = self.rows();
                MatrixRef::from_columns(
                    columns.iter().map(|bytes| &elements(bytes.get())[rows.clone()]).collect(),
                )
            }
        }
    }

    /// The numbers as columns of `T`, for writing.
    ///
    /// Others that have the matrix attached see what is written at once.
    ///
    /// # Errors
    /// [`ViewError::ElementType`] where the matrix holds another type, [`ViewError::ReadOnly`]
    /// where it was not attached for writing.
    pub fn view_mut<T: Element>(&mut self) -> Result<MatrixMut<'_, T>, ViewError> {
        self.expect_type::<T>()?;
        let rows = self.rows();
        let (nrows, ncols, ld, row_offset) =
            (self.nrows, self.ncols, self.total_rows, self.row_offset);
        let read_only = || ViewError::ReadOnly { matrix: self.name.clone() };
        match &mut self.segments {
            Segments::Contiguous { bytes, skip } => {
                let bytes = &mut bytes.get_mut().ok_or_else(read_only)?[*skip..];
                let data = bytemuck::cast_slice_mut(bytes).get_mut(row_offset..);
                MatrixMut::column_major(data.unwrap_or_default(), nrows, ncols, ld)
            }
            Segments::Separated(columns) => {
                let columns = columns.iter_mut().map(|bytes| {
                    let bytes = bytes.get_mut().ok_or_else(read_only)?;
                    Ok(&mut bytemuck::cast_slice_mut(bytes)[rows.clone()])
                });
                MatrixMut::from_columns(columns.collect::<Result<_, ViewError>>()?)
            }
        }
    }

    /// The numbers, whatever their type.
    ///
    /// # Panics
    /// Never: shape and data were checked when the matrix was attached.
    #[must_use]
    pub fn view_any(&self) -> AnyMatrixRef<'_> {
        const CHECKED: &str = "the view has the matrix's own type and shape";
        match self.element_type() {
            ElementType::Char => AnyMatrixRef::Char(self.view().expect(CHECKED)),
            ElementType::Short => AnyMatrixRef::Short(self.view().expect(CHECKED)),
            ElementType::Raw => AnyMatrixRef::Raw(self.view().expect(CHECKED)),
            ElementType::Integer => AnyMatrixRef::Integer(self.view().expect(CHECKED)),
            ElementType::Float => AnyMatrixRef::Float(self.view().expect(CHECKED)),
            ElementType::Double => AnyMatrixRef::Double(self.view().expect(CHECKED)),
        }
    }

    /// Gives every byte of a writable matrix a place on the disk, so that writing cannot fail.
    /// Does nothing for a read-only one.
    ///
    /// # Errors
    /// [`StorageError::Io`]: no space, most likely.
    pub fn reserve(&self) -> Result<(), StorageError> {
        self.pieces().iter().filter_map(Bytes::writable).try_for_each(MappingMut::reserve)
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// [`StorageError::Io`]: some of it may not be there.
    pub fn flush(&self) -> Result<(), StorageError> {
        self.pieces().iter().filter_map(Bytes::writable).try_for_each(MappingMut::flush)
    }

    fn pieces(&self) -> &[Bytes] {
        match &self.segments {
            Segments::Contiguous { bytes, .. } => std::slice::from_ref(bytes),
            Segments::Separated(columns) => columns,
        }
    }

    fn rows(&self) -> Range<usize> {
        self.row_offset..self.row_offset + self.nrows
    }

    fn expect_type<T: Element>(&self) -> Result<(), ViewError> {
        let found = self.element_type();
        if found == T::TYPE {
            return Ok(());
        }
        Err(ViewError::ElementType { matrix: self.name.clone(), expected: T::TYPE, found })
    }
}

/// Mapped bytes as elements: maps begin at a page, and their lengths are whole elements.
fn elements<T: Element>(bytes: &[u8]) -> &[T] {
    bytemuck::cast_slice(bytes)
}

impl ReadRows for BigMatrix {
    fn read_rows<F: RowFloat>(
        &self,
        rows: Range<usize>,
        policy: ValuePolicy,
        out: &mut [F],
    ) -> Result<(), RowError> {
        self.view_any().read_rows(rows, policy, out, || self.name.clone())
    }
}

impl RowSource for BigMatrix {
    fn nrows(&self) -> usize {
        self.nrows
    }

    fn ncols(&self) -> usize {
        self.ncols
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), RowError> {
        self.read_rows(rows, ValuePolicy::default(), out)
    }

    fn copy_rows_f64(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.read_rows(rows, ValuePolicy::default(), out)
    }

    fn is_single_precision(&self) -> bool {
        self.element_type().fits_single_precision()
    }

    fn copy_rows_with_missing(&self, rows: Range<usize>, out: &mut [f64]) -> Result<(), RowError> {
        self.read_rows(rows, ValuePolicy::KEEP, out)
    }

    fn has_data_in(&self, file: &Path) -> Result<bool, StorageError> {
        let file = FileIdentity::of_path(file)?;
        Ok(self.pieces().iter().any(|bytes| *bytes.identity() == file))
    }

    fn will_need(&self, rows: Range<usize>) {
        let rows = rows.start.min(self.nrows)..rows.end.min(self.nrows);
        let size = self.element_type().size_bytes();
        let start = (self.row_offset + rows.start) * size;
        let len = rows.len() * size;
        match &self.segments {
            Segments::Contiguous { bytes, skip } => {
                for column in 0..self.ncols {
                    let start = skip + column * self.total_rows * size + start;
                    bytes.will_need(start..start + len);
                }
            }
            Segments::Separated(columns) => {
                for bytes in columns {
                    bytes.will_need(start..start + len);
                }
            }
        }
    }
}
