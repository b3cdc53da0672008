//! Any descriptor beside data files of any length: refused, or a matrix whose every cell is where
//! the descriptor says.
#![no_main]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use bigannoy_descriptor::{Descriptor, Storage};
use bigannoy_matrix::{AnyMatrixRef, BigMatrix, RowSource};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Bytes of a data file, at most; and bytes of it that are not zero.
const MOST_BYTES: u64 = 1 << 20;
const FILLED: u64 = 4096;
/// Data files and cells that are looked at.
const MOST_FILES: usize = 12;
const MOST_CELLS: usize = 2048;

// The input is the descriptor's text and, behind the first NUL byte if there is one, settings of
// the lengths: so a descriptor that R wrote is an input as it stands.
fuzz_target!(|input: &[u8]| -> Corpus {
    let end = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let (text, settings) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let Ok(descriptor) = Descriptor::parse(text) else { return Corpus::Reject };
    let Storage::FileBacked { filename, .. } = descriptor.storage() else { return Corpus::Keep };
    // Names that are paths would leave the directory in which this may write and read.
    let Some(filename) = filename.as_str().filter(|name| !name.contains(['/', '\0'])) else {
        return Corpus::Reject;
    };
    if matches!(filename, "." | ".." | "m.desc") || filename.len() > 200 {
        return Corpus::Reject;
    }
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    let path = directory.path().join("m.desc");
    fs::write(&path, text).expect("room for a descriptor");
    if descriptor.is_separated() {
        let columns = descriptor.col_offset()..descriptor.col_offset() + descriptor.ncols();
        for (place, column) in columns.take(MOST_FILES).enumerate() {
            let name = format!("{filename}_column_{column}");
            put_data(&directory.path().join(name), length(&descriptor, settings, place));
        }
    } else {
        put_data(&directory.path().join(filename), length(&descriptor, settings, 0));
    }

    let Ok(matrix) = BigMatrix::attach(&path) else { return Corpus::Keep };
    check(&descriptor, &matrix);
    drop(matrix);
    let matrix = BigMatrix::attach_mut(&path).expect("what can be read can be written here");
    check(&descriptor, &matrix);
    Corpus::Keep
});

/// The length of a data file: what the descriptor asks for, more or less, or a number of its own.
fn length(descriptor: &Descriptor, settings: &[u8], place: usize) -> u64 {
    let (rows, cols) = descriptor.stored_shape().unwrap_or(descriptor.shape());
    let needed = descriptor.data_bytes(rows, cols).unwrap_or(u64::MAX);
    let length = match settings {
        [] => needed,
        [0..128, changes @ ..] if !changes.is_empty() => {
            needed.saturating_add_signed(changes[place % changes.len()].cast_signed().into())
        }
        [_, absolute @ ..] => absolute.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)),
    };
    length.min(MOST_BYTES)
}

fn put_data(path: &Path, length: u64) {
    let bytes: Vec<u8> = (0..length.min(FILLED)).map(byte_at).collect();
    let mut file = File::create(path).expect("the name was looked at");
    file.write_all(&bytes).expect("room for a little data");
    file.set_len(length).expect("room for a hole");
}

/// The byte at `offset` in every data file.
fn byte_at(offset: u64) -> u8 {
    if offset < FILLED { (offset * 41 + offset / 256).to_le_bytes()[0] } else { 0 }
}

fn check(descriptor: &Descriptor, matrix: &BigMatrix) {
    let (total_rows, _) = matrix.descriptor().stored_shape().expect("attached");
    let (nrows, ncols) = (matrix.nrows(), matrix.ncols());
    assert_eq!((nrows as u64, ncols as u64), descriptor.shape());

    let size = descriptor.element_type().size_bytes() as u64;
    let view = matrix.view_any();
    let cells = nrows * ncols;
    // The last cell is the one that may lie outside.
    let some = (0..cells).step_by(cells.div_ceil(MOST_CELLS)).chain([cells - 1]);
    for (row, col) in some.map(|cell| (cell % nrows, cell / nrows)) {
        let stored_row = descriptor.row_offset() + row as u64;
        let stored_col = descriptor.col_offset() + col as u64;
        let before = if matrix.is_separated() { 0 } else { stored_col * total_rows };
        let start = (before + stored_row) * size;
        let expected: Vec<u8> = (start..start + size).map(byte_at).collect();
        assert_eq!(cell(&view, row, col), expected, "({row}, {col})");
    }

    let most = (MOST_CELLS / ncols).clamp(1, nrows);
    for rows in [0..most, nrows - most..nrows, nrows..nrows] {
        let mut out = vec![f32::NAN; rows.len() * ncols];
        match matrix.copy_rows(rows.clone(), &mut out) {
            Ok(()) => assert!(out.iter().all(|value| value.is_finite())),
            Err(error) => {
                assert!(rows.contains(&error.row) && error.column < ncols, "{error}");
            }
        }
    }
}

/// The bytes of one cell.
fn cell(view: &AnyMatrixRef<'_>, row: usize, col: usize) -> Vec<u8> {
    match view {
        AnyMatrixRef::Char(view) => view.get(row, col).to_le_bytes().to_vec(),
        AnyMatrixRef::Short(view) => view.get(row, col).to_le_bytes().to_vec(),
        AnyMatrixRef::Raw(view) => view.get(row, col).to_le_bytes().to_vec(),
        AnyMatrixRef::Integer(view) => view.get(row, col).to_le_bytes().to_vec(),
        AnyMatrixRef::Float(view) => view.get(row, col).to_le_bytes().to_vec(),
        AnyMatrixRef::Double(view) => view.get(row, col).to_le_bytes().to_vec(),
    }
}
