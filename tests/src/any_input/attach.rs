//! Whole matrices: a descriptor, text or RDS, beside data files of any length.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use bigannoy_descriptor::{Descriptor, Storage};
use bigannoy_matrix::{AnyMatrixRef, BigMatrix, Element, MatrixRef, RowError, RowSource};
use tempfile::TempDir;

/// Bytes of a data file, at most; and bytes of it that are not zero.
const MOST_BYTES: u64 = 1 << 43;
const FILLED: u64 = 4096;
/// Data files that are made, cells of a matrix that are all looked at, and values of rows.
const MOST_FILES: usize = 12;
const MOST_CELLS: u64 = 4096;
const MOST_VALUES: usize = 2048;
/// Settings that may stand before the descriptor.
const MOST_SETTINGS: usize = 8;

/// What became of an input of [`attach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is no descriptor, or one of data outside of the folder.
    NotTried,
    /// The matrix could not be attached.
    Refused,
    /// The matrix was attached and looked at.
    Attached,
}

/// An empty folder for [`attach`], in memory where the system has such folders: a disk would take
/// most of the time.
///
/// # Panics
/// If no folder can be made.
#[must_use]
pub fn scratch_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    folder.expect("a folder for temporary files")
}

/// A matrix is attached from a descriptor and data files of lengths that the input sets, all in
/// the existing folder `folder`, which is empty again afterwards: refused, or every cell is the
/// one that the descriptor names.
///
/// The input is a descriptor as R wrote it. A first byte from 1 to 8 instead is the number of
/// settings that follow, a byte each, before the descriptor. The first setting tells how long the
/// data files are made, the others how long each:
///
/// * 0: what the descriptor asks for, and so many bytes more or less, one setting for each file;
/// * 1: as many bytes, a number in big-endian order;
/// * 2: what the descriptor asks for if the rows lost so many times 2³²;
/// * 3: the same of the columns;
/// * any other: what the descriptor asks for.
///
/// Takes no room for the parts of files that are zero, where the file system knows holes.
///
/// # Panics
/// If a cell is not the one that the descriptor names, a row is neither finite nor refused, or
/// the files cannot be made.
pub fn attach(input: &[u8], folder: &Path) -> Outcome {
    let (settings, bytes) = split(input);
    let Ok(descriptor) = Descriptor::parse(bytes) else { return Outcome::NotTried };
    let path = folder.join("m.desc");
    let mut files = Files::default();
    files.put(path.clone(), bytes, bytes.len() as u64);
    let Storage::FileBacked { filename, .. } = descriptor.storage() else {
        // No segment has such a name, unless somebody on this machine made one.
        return match BigMatrix::attach(&path) {
            Ok(_) => Outcome::NotTried,
            Err(_) => Outcome::Refused,
        };
    };
    // Names that are paths would leave the folder in which this may write and read.
    let Some(filename) = filename.as_str().filter(|name| is_plain(name)) else {
        return Outcome::NotTried;
    };
    let data: Vec<u8> = (0..FILLED).map(byte_at).collect();
    if descriptor.is_separated() {
        let columns = descriptor.col_offset()..descriptor.col_offset() + descriptor.ncols();
        for (place, column) in columns.take(MOST_FILES).enumerate() {
            let name = format!("{filename}_column_{column}");
            files.put(folder.join(name), &data, length(&descriptor, settings, place));
        }
    } else {
        files.put(folder.join(filename), &data, length(&descriptor, settings, 0));
    }

    let attached = BigMatrix::attach(&path);
    if let Ok(matrix) = &attached {
        check(&descriptor, matrix);
    }
    let outcome = if attached.is_ok() { Outcome::Attached } else { Outcome::Refused };
    drop(attached);
    match BigMatrix::attach_mut(&path) {
        Ok(matrix) => {
            assert_eq!(outcome, Outcome::Attached, "what can be written can be read");
            check(&descriptor, &matrix);
        }
        Err(error) => assert_eq!(outcome, Outcome::Refused, "as for reading, not {error:?}"),
    }
    outcome
}

/// The settings and the descriptor.
fn split(input: &[u8]) -> (&[u8], &[u8]) {
    match input {
        [count, rest @ ..] if (1..=MOST_SETTINGS).contains(&usize::from(*count)) => {
            rest.split_at_checked(usize::from(*count)).unwrap_or((rest, &[]))
        }
        _ => (&[], input),
    }
}

/// Whether data of this name lies in the folder itself, beside the descriptor.
fn is_plain(name: &str) -> bool {
    let has_place = !matches!(name, "" | "." | ".." | "m.desc");
    has_place && name.len() <= 200 && !name.contains(['/', '\\', '\0'])
}

/// The length of the data file at `place` among those that are made.
fn length(descriptor: &Descriptor, settings: &[u8], place: usize) -> u64 {
    let (rows, cols) = descriptor.stored_shape().unwrap_or(descriptor.shape());
    let needed = |rows, cols| descriptor.data_bytes(rows, cols).unwrap_or(u64::MAX);
    let (how, rest) = settings.split_first().unwrap_or((&u8::MAX, &[]));
    let number = rest.iter().fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
    let lost = number.min(1 << 10) << 32;
    let length = match how {
        0 if !rest.is_empty() => {
            let more = rest[place % rest.len()].cast_signed();
            needed(rows, cols).saturating_add_signed(more.into())
        }
        1 => number,
        2 => needed(rows.saturating_add(lost), cols),
        3 => needed(rows, cols.saturating_add(lost)),
        _ => needed(rows, cols),
    };
    length.min(MOST_BYTES)
}

/// Files that are gone when this is.
#[derive(Default)]
struct Files(Vec<PathBuf>);

impl Files {
    /// Makes a file of `length` bytes that begins like `start`; a shorter one where the file system
    /// has no files so long.
    fn put(&mut self, path: PathBuf, start: &[u8], length: u64) {
        let filled = usize::try_from(length).unwrap_or(usize::MAX).min(start.len());
        let mut file = File::create(&path).expect("the name was looked at");
        self.0.push(path);
        file.write_all(&start[..filled]).expect("room for a little data");
        let _ = file.set_len(length);
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.0 {
            // A file that stays behind is overwritten by the next.
            let _ = fs::remove_file(path);
        }
    }
}

/// The byte at `offset` in every data file.
fn byte_at(offset: u64) -> u8 {
    if offset < FILLED { (offset * 41 + offset / 256).to_le_bytes()[0] } else { 0 }
}

fn check(descriptor: &Descriptor, matrix: &BigMatrix) {
    assert_eq!((matrix.nrows() as u64, matrix.ncols() as u64), descriptor.shape());
    let names = (matrix.row_names(), matrix.col_names());
    assert_eq!(names, (descriptor.row_names(), descriptor.col_names()));
    match matrix.view_any() {
        AnyMatrixRef::Char(view) => check_cells(matrix, &view, i8::to_le_bytes),
        AnyMatrixRef::Short(view) => check_cells(matrix, &view, i16::to_le_bytes),
        AnyMatrixRef::Raw(view) => check_cells(matrix, &view, u8::to_le_bytes),
        AnyMatrixRef::Integer(view) => check_cells(matrix, &view, i32::to_le_bytes),
        AnyMatrixRef::Float(view) => check_cells(matrix, &view, f32::to_le_bytes),
        AnyMatrixRef::Double(view) => check_cells(matrix, &view, f64::to_le_bytes),
    }
    check_rows(matrix);
}

/// Compares all cells of a small view, of a large one its corners and some in between.
fn check_cells<T: Element, const N: usize>(
    matrix: &BigMatrix,
    view: &MatrixRef<'_, T>,
    bytes: impl Fn(T) -> [u8; N],
) {
    let stored = matrix.descriptor();
    let (total_rows, _) = stored.stored_shape().expect("attached");
    let (nrows, ncols) = (view.nrows() as u64, view.ncols() as u64);
    let at = |row: u64, col: u64| {
        let stored_row = stored.row_offset() + row;
        let stored_col = stored.col_offset() + col;
        let before = if matrix.is_separated() { 0 } else { stored_col * total_rows };
        let start = (before + stored_row) * N as u64;
        let expected: [u8; N] = std::array::from_fn(|byte| byte_at(start + byte as u64));
        let index = |index| usize::try_from(index).expect("an index of the view");
        let found = bytes(view.get(index(row), index(col)));
        assert_eq!(found, expected, "({row}, {col}) of {nrows} x {ncols}");
    };
    // No overflow: so many cells are in one file, or in few.
    let cells = nrows * ncols;
    let step = cells.div_ceil(MOST_CELLS);
    let mut cell = 0;
    while cell < cells {
        at(cell % nrows, cell / nrows);
        // Fewer of a large view: each costs a page of memory.
        cell += if step > 1 { step * 16 } else { 1 };
    }
    for row in [0, nrows - 1] {
        for col in [0, ncols - 1] {
            at(row, col);
        }
    }
}

/// Copies the first rows, the last ones and none.
fn check_rows(matrix: &BigMatrix) {
    let (nrows, ncols) = (matrix.nrows(), matrix.ncols());
    if ncols > MOST_VALUES {
        return;
    }
    let most = (MOST_VALUES / ncols).clamp(1, nrows);
    for rows in [0..most, nrows - most..nrows, nrows..nrows] {
        let mut out = vec![f32::NAN; rows.len() * ncols];
        match matrix.copy_rows(rows.clone(), &mut out) {
            Ok(()) => assert!(out.iter().all(|value| value.is_finite())),
            Err(RowError::Value { row, column, .. }) => {
                assert!(rows.contains(&row) && column < ncols, "{row}, {column}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}
