//! `bigannoy matrix`: matrices made, shown, and carried from and to other formats.

mod args;
mod create;
mod csv_export;
mod csv_import;
mod decimal;
mod export;
mod head;
mod import;
mod names;
mod npy_export;
mod npy_import;
mod number;
mod place;
mod stored;

use std::path::Path;

use bigannoy::BigMatrix;
use bigannoy::storage::StorageError;

pub(crate) use self::args::Matrix;

use self::args::Command;
use crate::failure::Failure;

pub(crate) fn run(arguments: &Matrix) -> Result<(), Failure> {
    match &arguments.command {
        Command::Create(arguments) => create::run(arguments),
        Command::Head(arguments) => head::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Export(arguments) => export::run(arguments),
    }
}

/// Runs `$body` with `$T` standing for the type of the elements.
macro_rules! for_type {
    ($element_type:expr, $T:ident => $body:expr) => {
        match $element_type {
            bigannoy::ElementType::Char => {
                type $T = i8;
                $body
            }
            bigannoy::ElementType::Short => {
                type $T = i16;
                $body
            }
            bigannoy::ElementType::Raw => {
                type $T = u8;
                $body
            }
            bigannoy::ElementType::Integer => {
                type $T = i32;
                $body
            }
            bigannoy::ElementType::Float => {
                type $T = f32;
                $body
            }
            bigannoy::ElementType::Double => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(crate) use for_type;

/// Rows that are carried over at a time: about 1 MiB of them.
fn block_rows(bytes_in_row: usize) -> usize {
    const BLOCK_BYTES: usize = 1 << 20;
    (BLOCK_BYTES / bytes_in_row.max(1)).max(1)
}

/// Refuses a path at which something stands.
fn refuse_existing(path: &Path) -> Result<(), StorageError> {
    // A dangling link counts.
    match path.symlink_metadata() {
        Ok(_) => Err(StorageError::Exists { path: path.to_path_buf() }),
        // Whatever else is wrong shows when the file is made.
        Err(_) => Ok(()),
    }
}

/// Shape and type, for the line that tells of success.
fn shape(matrix: &BigMatrix) -> String {
    format!("{} x {} of type {}", matrix.nrows(), matrix.ncols(), matrix.element_type())
}
