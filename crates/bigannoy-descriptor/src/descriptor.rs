//! What a descriptor says, checked.

use std::ops::Range;

use crate::error::ParseError;
use crate::extent::{Axis, Extent, WindowError};
use crate::{ByteString, Container, DescriptorBuilder, ElementType, fields, parser, rds, writer};

/// Where the data of a matrix lives.
///
/// A contiguous matrix is one object of the name given here. A separated one is an object for
/// each stored column, with `_column_0`, `_column_1`, … appended to the name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// In files.
    FileBacked {
        /// The name of the file; a path below `dirname` in rare cases.
        filename: ByteString,
        /// The directory, which bigmemory 4.5.19 and older did not write. `filename` is to be
        /// appended as it is, so this ends in a slash; a text of other makers may lack it.
        dirname: Option<ByteString>,
    },
    /// In POSIX shared memory.
    SharedMemory {
        /// The name of the object, without the leading slash.
        name: ByteString,
    },
}

/// A checked descriptor of a column-major matrix.
///
/// The *visible* matrix, [`shape`](Self::shape), is a window of the *stored* one: visible element
/// `(row, col)` is stored element `(row + row_offset, col + col_offset)`, all zero-based. Mostly
/// the two are the same.
///
/// Extents are at least 1 and at most [`MAX_EXTENT`](crate::MAX_EXTENT). Whether the window lies
/// within the stored matrix is *not* checked before [`stored_shape`](Self::stored_shape) or
/// [`stored_shape_for`](Self::stored_shape_for) are called, because the text alone may not tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    pub(crate) storage: Storage,
    pub(crate) element_type: ElementType,
    pub(crate) separated: bool,
    pub(crate) rows: Extent,
    pub(crate) cols: Extent,
    /// As many as `rows.len`.
    pub(crate) row_names: Option<Vec<ByteString>>,
    /// As many as `cols.len`.
    pub(crate) col_names: Option<Vec<ByteString>>,
}

impl Descriptor {
    /// Reads a descriptor: the content of one of the [`Container`]s, else a text.
    ///
    /// The directory in it is kept as it stands; [`read`](Self::read) is for files. Takes time
    /// and memory in proportion to the bytes, or to what they expand to where compressed.
    ///
    /// # Errors
    /// [`ParseError`] where the bytes are not one descriptor, or its fields describe no matrix.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        fields::interpret(match Container::detect(bytes) {
            Some(container) => rds::parse(container, bytes)?,
            None => parser::parse(bytes)?,
        })
    }

    /// The descriptor in R's binary form, as bigmemory writes it when asked for
    /// `binarydescriptor`: RDS in XDR, version 3 (for R 3.5 and later), compressed with gzip.
    ///
    /// Reading it gives an equal descriptor, with the same bound as for [`to_text`](Self::to_text),
    /// and the same descriptor gives the same bytes. Names
    /// carry no mark of an encoding, as those that R writes; any bytes are kept. Where one name
    /// repeated many times would expand beyond [`MAX_EXPANSION`](crate::MAX_EXPANSION), the bytes
    /// are stored without compression.
    ///
    /// # Panics
    /// If a string has 2³¹ bytes or more, or an axis as many names: R could not hold them either.
    #[must_use]
    pub fn to_rds(&self) -> Vec<u8> {
        rds::write(self)
    }

    /// The text that R's `dput` writes of this descriptor, a line feed at its end included.
    ///
    /// Reading it gives an equal descriptor, unless it has more names than
    /// [`MAX_STRINGS`](crate::MAX_STRINGS). Differs from `dput` where R could not read its own
    /// text: characters that R takes for unprintable are written as they are and not as `\u`, or
    /// as bytes in octal where they set the direction of text, and numbers of more than 15 digits
    /// in full.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        writer::text(self)
    }

    /// Describes a new matrix in files: `nrows` by `ncols`, contiguous unless told otherwise.
    ///
    /// `dirname` gets its trailing slash here; an empty one stands for the working directory.
    pub fn file_backed(
        filename: impl Into<ByteString>,
        dirname: impl Into<ByteString>,
        element_type: ElementType,
        nrows: u64,
        ncols: u64,
    ) -> DescriptorBuilder {
        let dirname = Some(with_slash(dirname.into()));
        let storage = Storage::FileBacked { filename: filename.into(), dirname };
        DescriptorBuilder::new(storage, element_type, nrows, ncols)
    }

    /// Describes a new matrix in shared memory: `nrows` by `ncols`, contiguous unless told
    /// otherwise. `name` has no leading slash.
    pub fn shared_memory(
        name: impl Into<ByteString>,
        element_type: ElementType,
        nrows: u64,
        ncols: u64,
    ) -> DescriptorBuilder {
        let storage = Storage::SharedMemory { name: name.into() };
        DescriptorBuilder::new(storage, element_type, nrows, ncols)
    }

    /// The same matrix with its files in another directory, which gets a trailing slash where it
    /// has none and is `./` where it is empty. Nothing changes for shared memory.
    ///
    /// # Panics
    /// If the directory holds a NUL byte: no path does.
    #[must_use]
    pub fn with_dirname(mut self, directory: impl Into<ByteString>) -> Self {
        let directory = directory.into();
        assert!(!directory.as_bytes().contains(&0), "{directory:?} holds a NUL byte");
        if let Storage::FileBacked { dirname, .. } = &mut self.storage {
            *dirname = Some(with_slash(directory));
        }
        self
    }

    /// A window of the visible matrix, as R's `sub.big.matrix` describes it: rows and columns are
    /// counted from 0 at its beginning, and a window of a window is one of the stored matrix. Names
    /// are those of the window.
    ///
    /// ```
    /// use bigannoy_descriptor::{Descriptor, ElementType};
    ///
    /// let whole = Descriptor::file_backed("x.bin", "data", ElementType::Double, 9, 5).build()?;
    /// let window = whole.window(2..8, 1..5)?.window(1..4, 0..1)?;
    /// assert_eq!(window.shape(), (3, 1));
    /// assert_eq!((window.row_offset(), window.col_offset()), (3, 1));
    /// assert_eq!(window.stored_shape()?, (9, 5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WindowError`] where a range is empty or ends after the matrix.
    pub fn window(&self, rows: Range<u64>, cols: Range<u64>) -> Result<Self, WindowError> {
        let part = |names: &Option<Vec<ByteString>>, range: &Range<u64>| {
            // No more names than memory holds, and as many as the axis has.
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).ok());
            names.as_ref().and_then(|names| Some(names.get(start?..end?)?.to_vec()))
        };
        Ok(Self {
            rows: self.rows.window(&rows, Axis::Rows)?,
            cols: self.cols.window(&cols, Axis::Columns)?,
            row_names: part(&self.row_names, &rows),
            col_names: part(&self.col_names, &cols),
            ..self.clone()
        })
    }

    /// Where the data lives.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The type of the stored elements.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// Whether each stored column is a file or shared-memory object of its own.
    #[must_use]
    pub fn is_separated(&self) -> bool {
        self.separated
    }

    /// Rows of the visible matrix.
    #[must_use]
    pub fn nrows(&self) -> u64 {
        self.rows.len
    }

    /// Columns of the visible matrix.
    #[must_use]
    pub fn ncols(&self) -> u64 {
        self.cols.len
    }

    /// `(nrows, ncols)` of the visible matrix.
    #[must_use]
    pub fn shape(&self) -> (u64, u64) {
        (self.rows.len, self.cols.len)
    }

    /// The stored row, zero-based, that is the first visible one.
    #[must_use]
    pub fn row_offset(&self) -> u64 {
        self.rows.offset
    }

    /// The stored column, zero-based, that is the first visible one.
    #[must_use]
    pub fn col_offset(&self) -> u64 {
        self.cols.offset
    }

    /// Names of the visible rows, as many as [`nrows`](Self::nrows).
    ///
    /// A text may name the rows of the window or those of the stored matrix, from which the
    /// window's are cut. Names that fit neither are dropped, as R does. A missing name is the
    /// string `NA`, as bigmemory keeps it; names may be empty or repeated.
    #[must_use]
    pub fn row_names(&self) -> Option<&[ByteString]> {
        self.row_names.as_deref()
    }

    /// Names of the visible columns, as many as [`ncols`](Self::ncols); else like
    /// [`row_names`](Self::row_names).
    #[must_use]
    pub fn col_names(&self) -> Option<&[ByteString]> {
        self.col_names.as_deref()
    }

    /// Whether the visible matrix is a part of the stored one only.
    ///
    /// Where the stored extent is not known from the text, an offset of 0 counts as the whole.
    #[must_use]
    pub fn is_window(&self) -> bool {
        self.rows.is_window() || self.cols.is_window()
    }

    /// `(total_rows, total_cols)` of the stored matrix, as the text says.
    ///
    /// R drops the upper bits of extents of 2³¹ and above. Whoever knows the length of the data
    /// should ask [`stored_shape_for`](Self::stored_shape_for) instead.
    ///
    /// # Errors
    /// [`WindowError`] where the window does not lie within it, or it is `NA` or negative.
    pub fn stored_shape(&self) -> Result<(u64, u64), WindowError> {
        Ok((self.rows.written(Axis::Rows)?, self.cols.written(Axis::Columns)?))
    }

    /// `(total_rows, total_cols)` of the stored matrix, with bits that R dropped brought back
    /// from `data_bytes`, the length of the data file (of one column, where separated).
    ///
    /// An extent is replaced only if it was written as a 32-bit integer or `NA`, and the other
    /// does not hold the window or leaves more than one byte of the data unexplained. The result
    /// may need more or less than `data_bytes`: compare with [`data_bytes`](Self::data_bytes),
    /// where one byte more is normal and data that is longer still is no error to R.
    ///
    /// The number of columns of a separated matrix cannot be told from one column's length.
    ///
    /// # Errors
    /// [`WindowError`] as for [`stored_shape`](Self::stored_shape), if nothing fits the length.
    pub fn stored_shape_for(&self, data_bytes: u64) -> Result<(u64, u64), WindowError> {
        let written = self.stored_shape();
        if let Ok((rows, cols)) = written {
            let explained = self.data_bytes(rows, cols);
            if explained.is_none_or(|bytes| data_bytes <= bytes.saturating_add(1)) {
                return written;
            }
        }
        self.repaired_shape(data_bytes).map_or(written, Ok)
    }

    fn repaired_shape(&self, data_bytes: u64) -> Option<(u64, u64)> {
        let size = self.element_bytes();
        let rows = self.rows.written(Axis::Rows);
        let cols = self.cols.written(Axis::Columns);
        if self.separated {
            return Some((self.rows.repaired(size, data_bytes)?, cols.ok()?));
        }
        let by_rows = || {
            let cols = cols.ok()?;
            Some((self.rows.repaired(size.checked_mul(cols)?, data_bytes)?, cols))
        };
        let by_cols = || {
            let rows = rows.ok()?;
            Some((rows, self.cols.repaired(size.checked_mul(rows)?, data_bytes)?))
        };
        by_rows().or_else(by_cols)
    }

    /// Bytes that one data file of a stored matrix of this shape must have: all elements, or one
    /// column where separated. `None` where the number does not fit 64 bits.
    ///
    /// Builds of bigmemory for macOS and Windows make files one byte longer.
    #[must_use]
    pub fn data_bytes(&self, total_rows: u64, total_cols: u64) -> Option<u64> {
        let elements =
            if self.separated { total_rows } else { total_rows.checked_mul(total_cols)? };
        elements.checked_mul(self.element_bytes())
    }

    fn element_bytes(&self) -> u64 {
        match self.element_type {
            ElementType::Char | ElementType::Raw => 1,
            ElementType::Short => 2,
            ElementType::Integer | ElementType::Float => 4,
            ElementType::Double => 8,
        }
    }
}

/// A directory to which a file name can be appended.
fn with_slash(directory: ByteString) -> ByteString {
    match directory.as_bytes() {
        [] => "./".into(),
        [.., b'/'] => directory,
        _ => {
            let mut bytes = directory.into_bytes();
            bytes.push(b'/');
            bytes.into()
        }
    }
}
