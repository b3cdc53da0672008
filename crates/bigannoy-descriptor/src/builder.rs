//! New descriptors.

use std::ops::Range;

use crate::extent::{Axis, Extent, MAX_EXTENT, Total, WindowError};
use crate::{ByteString, Descriptor, ElementType, Field, Storage};

/// Why no descriptor can be made of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The matrix, or its window, has no element; R refuses to make such a matrix.
    #[error("a matrix of 0 {axis} cannot be described")]
    Empty {
        /// The axis along which there is nothing.
        axis: Axis,
    },
    /// The matrix is larger than [`MAX_EXTENT`], or a data file would take 2⁶⁴ bytes or more.
    #[error("{nrows} rows and {ncols} columns of {element_type} are too large for a matrix")]
    TooLarge {
        /// Stored rows.
        nrows: u64,
        /// Stored columns.
        ncols: u64,
        /// The type of the elements.
        element_type: ElementType,
    },
    /// The window does not lie within the matrix.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The window ends before it starts.
    #[error("the window of {axis} ends at {end}, before its start at {start}")]
    Backwards {
        /// The axis of the window.
        axis: Axis,
        /// Where it starts.
        start: u64,
        /// Where it ends.
        end: u64,
    },
    /// There are more or fewer names than visible rows or columns.
    #[error("expected {expected} names of {axis}, found {found}")]
    NameCount {
        /// What the names are of.
        axis: Axis,
        /// Visible rows or columns.
        expected: u64,
        /// The number of names.
        found: u64,
    },
    /// A string holds a NUL byte, which no string of R can.
    #[error("{field}: expected no NUL byte, found one at byte {at} of {value:?}")]
    NulByte {
        /// The field that would hold it.
        field: Field,
        /// Where it is, from 0.
        at: usize,
        /// The string.
        value: ByteString,
    },
    /// The name of the file or shared-memory object is empty or holds a slash.
    #[error("{field}: expected a name without a slash, found {value:?}")]
    FileName {
        /// The field that would hold it.
        field: Field,
        /// The name.
        value: ByteString,
    },
}

const _: () = assert!(size_of::<DescriptorError>() <= 64);

/// Settings of a new descriptor, made by [`Descriptor::file_backed`] and
/// [`Descriptor::shared_memory`].
///
/// ```
/// use bigannoy_descriptor::{Descriptor, ElementType};
/// let window = Descriptor::file_backed("x.bin", "/data", ElementType::Double, 100, 3)
///     .separated(true)
///     .rows(10..20)
///     .col_names(["a", "b", "c"])
///     .build()?;
/// assert_eq!(window.shape(), (10, 3));
/// # Ok::<(), bigannoy_descriptor::DescriptorError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `build` is called"]
pub struct DescriptorBuilder {
    storage: Storage,
    element_type: ElementType,
    separated: bool,
    nrows: u64,
    ncols: u64,
    rows: Option<Range<u64>>,
    cols: Option<Range<u64>>,
    row_names: Option<Vec<ByteString>>,
    col_names: Option<Vec<ByteString>>,
}

impl DescriptorBuilder {
    pub(crate) fn new(storage: Storage, element_type: ElementType, nrows: u64, ncols: u64) -> Self {
        let (rows, cols, row_names, col_names) = (None, None, None, None);
        let separated = false;
        Self { storage, element_type, separated, nrows, ncols, rows, cols, row_names, col_names }
    }

    /// Whether each column gets a data file of its own. Default: no.
    pub fn separated(mut self, separated: bool) -> Self {
        self.separated = separated;
        self
    }

    /// Makes only these stored rows visible, zero-based. Default: all.
    pub fn rows(mut self, rows: Range<u64>) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Makes only these stored columns visible, zero-based. Default: all.
    pub fn cols(mut self, cols: Range<u64>) -> Self {
        self.cols = Some(cols);
        self
    }

    /// Names the visible rows. Default: no names.
    ///
    /// R drops the row names of a window of some rows when it attaches the text.
    pub fn row_names(mut self, names: impl IntoIterator<Item: Into<ByteString>>) -> Self {
        self.row_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Names the visible columns. Default: no names.
    ///
    /// R drops the column names of a window of some columns when it attaches the text.
    pub fn col_names(mut self, names: impl IntoIterator<Item: Into<ByteString>>) -> Self {
        self.col_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`DescriptorError`] for a matrix that R would not make or a string that it cannot hold.
    pub fn build(self) -> Result<Descriptor, DescriptorError> {
        let Self { nrows, ncols, element_type, .. } = self;
        check_storage(&self.storage)?;
        let rows = extent(Axis::Rows, nrows, self.rows)?;
        let cols = extent(Axis::Columns, ncols, self.cols)?;
        check_names(Axis::Rows, rows, self.row_names.as_deref())?;
        check_names(Axis::Columns, cols, self.col_names.as_deref())?;
        let descriptor = Descriptor {
            storage: self.storage,
            element_type,
            separated: self.separated,
            rows,
            cols,
            row_names: self.row_names,
            col_names: self.col_names,
        };
        descriptor.check_size(nrows, ncols)?;
        Ok(descriptor)
    }
}

impl Descriptor {
    /// The same visible matrix with the stored shape known for certain, as
    /// [`stored_shape_for`](Self::stored_shape_for) finds it: a text written of it says so.
    ///
    /// # Errors
    /// [`DescriptorError`] where the window does not lie within the shape, or the shape is too
    /// large for a matrix.
    pub fn with_stored_shape(
        mut self,
        total_rows: u64,
        total_cols: u64,
    ) -> Result<Self, DescriptorError> {
        self.check_size(total_rows, total_cols)?;
        self.rows.total = Total::from(total_rows);
        self.cols.total = Total::from(total_cols);
        self.stored_shape()?;
        Ok(self)
    }

    fn check_size(&self, nrows: u64, ncols: u64) -> Result<(), DescriptorError> {
        if nrows.max(ncols) > MAX_EXTENT || self.data_bytes(nrows, ncols).is_none() {
            let element_type = self.element_type;
            return Err(DescriptorError::TooLarge { nrows, ncols, element_type });
        }
        Ok(())
    }
}

fn extent(axis: Axis, total: u64, window: Option<Range<u64>>) -> Result<Extent, DescriptorError> {
    let Range { start: offset, end } = window.unwrap_or(0..total);
    let Some(len) = end.checked_sub(offset) else {
        return Err(DescriptorError::Backwards { axis, start: offset, end });
    };
    if end > total {
        return Err(WindowError::Outside { axis, offset, end, total }.into());
    }
    if len == 0 {
        return Err(DescriptorError::Empty { axis });
    }
    Ok(Extent { offset, len, total: Total::from(total) })
}

fn check_storage(storage: &Storage) -> Result<(), DescriptorError> {
    let (field, name) = match storage {
        Storage::FileBacked { filename, dirname } => {
            check_string(Field::DirName, dirname.as_ref())?;
            (Field::FileName, filename)
        }
        Storage::SharedMemory { name } => (Field::SharedName, name),
    };
    check_string(field, Some(name))?;
    if name.is_empty() || name.as_bytes().contains(&b'/') {
        return Err(DescriptorError::FileName { field, value: name.clone() });
    }
    Ok(())
}

fn check_names(
    axis: Axis,
    extent: Extent,
    names: Option<&[ByteString]>,
) -> Result<(), DescriptorError> {
    let Some(names) = names else { return Ok(()) };
    let found = names.len() as u64;
    if found != extent.len {
        return Err(DescriptorError::NameCount { axis, expected: extent.len, found });
    }
    let field = match axis {
        Axis::Rows => Field::RowNames,
        Axis::Columns => Field::ColNames,
    };
    check_string(field, names)
}

fn check_string<'a>(
    field: Field,
    strings: impl IntoIterator<Item = &'a ByteString>,
) -> Result<(), DescriptorError> {
    for string in strings {
        if let Some(at) = string.as_bytes().iter().position(|&byte| byte == 0) {
            return Err(DescriptorError::NulByte { field, at, value: string.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{DescriptorBuilder, DescriptorError};
    use crate::{Axis, Descriptor, ElementType, Field, Storage, WindowError};

    fn matrix(nrows: u64, ncols: u64) -> DescriptorBuilder {
        Descriptor::file_backed("x.bin", "/data", ElementType::Double, nrows, ncols)
    }

    #[test]
    fn a_whole_matrix_shows_all_that_is_stored() {
        let whole = matrix(4, 3).build().unwrap();
        assert_eq!(whole.stored_shape(), Ok((4, 3)));
        assert_eq!(whole.data_bytes(4, 3), Some(96));
        assert!(!whole.is_window());
        let dirname = Some("/data/".into());
        assert_eq!(whole.storage(), &Storage::FileBacked { filename: "x.bin".into(), dirname });
        let moved = whole.with_dirname("");
        let dirname = Some("./".into());
        assert_eq!(moved.storage(), &Storage::FileBacked { filename: "x.bin".into(), dirname });
    }

    #[test]
    fn a_window_shows_a_part() {
        let window = matrix(4, 3).separated(true).rows(1..3).cols(2..3).build().unwrap();
        assert_eq!(window.shape(), (2, 1));
        assert_eq!((window.row_offset(), window.col_offset()), (1, 2));
        assert_eq!(window.stored_shape(), Ok((4, 3)));
        assert_eq!(window.data_bytes(4, 3), Some(32));
        assert!(window.is_window());
    }

    #[test]
    fn a_stored_shape_can_be_pinned() {
        let window = matrix(4, 3).rows(1..3).build().unwrap();
        let taller = window.clone().with_stored_shape(1 << 32, 3).unwrap();
        assert_eq!(taller.stored_shape(), Ok((1 << 32, 3)));
        let text = String::from_utf8(taller.to_text()).unwrap();
        assert!(text.contains("totalRows = 4294967296, "), "{text}");
        let outside = WindowError::Outside { axis: Axis::Rows, offset: 1, end: 3, total: 2 };
        let error = window.clone().with_stored_shape(2, 3).unwrap_err();
        assert_eq!(error, DescriptorError::Window(outside));
        let error = window.with_stored_shape(u64::MAX, 3).unwrap_err();
        assert!(matches!(error, DescriptorError::TooLarge { .. }));
    }

    #[test]
    #[should_panic(expected = "NUL byte")]
    fn a_directory_with_a_nul_byte_is_a_bug() {
        let _ = matrix(1, 1).build().unwrap().with_dirname("a\0");
    }

    #[test]
    fn what_r_would_not_make_is_refused() {
        use DescriptorError::{Backwards, Empty, FileName, NameCount, NulByte, TooLarge, Window};
        assert_eq!(matrix(0, 3).build(), Err(Empty { axis: Axis::Rows }));
        assert_eq!(matrix(4, 3).cols(1..1).build(), Err(Empty { axis: Axis::Columns }));
        #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
        let backwards = matrix(4, 3).rows(2..1).build();
        assert_eq!(backwards, Err(Backwards { axis: Axis::Rows, start: 2, end: 1 }));
        let outside = WindowError::Outside { axis: Axis::Rows, offset: 2, end: 9, total: 4 };
        assert_eq!(matrix(4, 3).rows(2..9).build(), Err(Window(outside)));
        for (nrows, ncols) in [(u64::MAX, 1), (1 << 53, 1 << 53), ((1 << 53) + 1, 1)] {
            assert!(matches!(matrix(nrows, ncols).build(), Err(TooLarge { .. })));
        }
        assert!(matrix(1 << 53, 1 << 53).separated(true).build().is_ok());
        let names = NameCount { axis: Axis::Columns, expected: 3, found: 2 };
        assert_eq!(matrix(4, 3).col_names(["a", "b"]).build(), Err(names));
        let nul = matrix(1, 1).row_names(["a\0"]).build();
        assert_eq!(nul, Err(NulByte { field: Field::RowNames, at: 1, value: "a\0".into() }));
        for name in ["", "/a", "a/b"] {
            let shared = Descriptor::shared_memory(name, ElementType::Raw, 1, 1).build();
            let value = name.into();
            assert_eq!(shared, Err(FileName { field: Field::SharedName, value }));
        }
    }
}
