//! Matrices of R's `bigmemory`: numbers in files or shared memory, attached through their descriptors.
//!
//! * [`BigMatrix`] is a matrix in one file or piece of shared memory, or in one for each column.
//! * [`MatrixRef`] and [`MatrixMut`] show its numbers as typed columns; [`AnyMatrixRef`] where the
//!   type is known only at run time.
//! * [`RowSource`] is what searching needs of a matrix: rows of `f32`. A [`BigMatrix`] is one, and
//!   so are rows in memory, as [`DenseRows`], and rows that are read without a map, as [`FileRows`].
//!   `RowBlocks` (feature `rayon`) reads them block by block, on all threads.
//! * [`ReadRows::read_rows`] gives rows of `f32` or `f64`; a [`ValuePolicy`] says what becomes of
//!   missing and infinite values.
//! * [`NewMatrix`] creates a matrix in files that R attaches, [`SharedMatrix`] one in shared memory.
//!
//! ```
//! use bigannoy_matrix::{BigMatrix, ElementType, MatrixSpec, NewMatrix, RowSource};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("numbers.desc");
//! let mut new = NewMatrix::create(&path, &MatrixSpec::new(ElementType::Double, 3, 2))?;
//! new.view_mut::<f64>()?.column_mut(1).copy_from_slice(&[1.0, 2.0, 3.0]);
//! new.finish()?; // numbers.bin and numbers.desc appear
//!
//! let matrix = BigMatrix::attach(&path)?; // in R: attach.big.matrix("numbers.desc")
//! assert_eq!(matrix.view::<f64>()?.column(1), [1.0, 2.0, 3.0]);
//! let mut row = [0.0; 2];
//! matrix.copy_rows(2..3, &mut row)?;
//! assert_eq!(row, [0.0, 3.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Trust
//! What is checked, and when:
//!
//! | when | what | otherwise |
//! | --- | --- | --- |
//! | a descriptor is read | size, syntax, depth and expansion; fields, types and signs; nothing is ever evaluated | [`AttachError::Descriptor`] |
//! | attaching | each data file is a regular file, is there and may be read; R would map a directory or wait at a pipe | [`AttachError::Data`] |
//! | | each file is as long as the stored shape says, one byte more and longer being allowed; totals that R wrapped at 32 bits are repaired from the length | [`AttachError::Data`], [`AttachError::Window`] |
//! | | the window lies within the stored shape; no product of sizes overflows | [`AttachError::Window`], [`AttachError::TooLarge`] |
//! | | no other matrix of this process writes to the file | [`AttachError::Data`] |
//! | viewing | the element type, and that the matrix is writable | [`ViewError`] |
//! | reading rows | every value, against the [`ValuePolicy`] | [`RowError::Value`] |
//! | creating | nothing stands at any of the names, column files included; there is space for all of it | [`CreateError`] |
//!
//! What other processes do to a matrix that is attached cannot be checked. If they write to it, old
//! and new values are seen side by side. If they *shorten* a mapped file, touching the lost part ends
//! the process, as in R. Where that can happen, and on network file systems, read the rows with
//! [`FileRows`]: it maps nothing, and a file that was cut is a [`RowError::Data`]. A file that another
//! is renamed onto is no danger: what is attached stays what it was.
//!
//! Shared memory is looked at as an observer: R's count of users and its semaphore are never
//! touched, and the numbers stay valid here after R has gone. Only [`SharedMatrix`] makes, and
//! removes, a count of its own.
//!
//! # Limits
//! Shared memory: Linux. Separated columns are mapped one by one: systems allow some 65,000 maps in
//! a process.
//!
//! # Source
//! Layout and missing values are those of `bigmemory` 4.6.4.
#![forbid(unsafe_code)]

mod any;
#[cfg(feature = "ndarray")]
mod arrays;
mod attach;
mod big_matrix;
#[cfg(feature = "rayon")]
mod blocks;
mod create;
mod dense;
mod element;
mod error;
mod file_rows;
mod float;
mod locate;
mod policy;
mod rows;
mod shared;
mod transpose;
mod view;
mod view_mut;

pub use any::AnyMatrixRef;
pub use big_matrix::BigMatrix;
pub use bigannoy_descriptor::{ByteString, Descriptor, ElementType, Storage};
pub use bigannoy_storage::StorageError;
#[cfg(feature = "rayon")]
pub use blocks::{
    RowBlock, RowBlocks, par_copy_rows, par_copy_rows_f64, par_read_rows, piece_rows,
};
pub use create::{MatrixSpec, NewMatrix};
pub use dense::DenseRows;
pub use element::{Element, ValueFault};
pub use error::{AttachError, CreateError, RowError, ViewError};
pub use file_rows::FileRows;
pub use float::RowFloat;
pub use policy::{OnValue, ValuePolicy};
pub use rows::{ReadRows, RowSource};
pub use shared::SharedMatrix;
pub use view::MatrixRef;
pub use view_mut::MatrixMut;
