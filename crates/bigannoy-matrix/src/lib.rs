//! Matrices of R's `bigmemory`: files of numbers, attached through their descriptors.
//!
//! * [`BigMatrix`] is a matrix that lives in one file, or in one file for each column.
//! * [`MatrixRef`] and [`MatrixMut`] show its numbers as typed columns; [`AnyMatrixRef`] where the
//!   type is known only at run time.
//! * [`RowSource`] is what searching needs of a matrix: rows of `f32`. A [`BigMatrix`] is one, and
//!   so are rows in memory, as [`DenseRows`].
//! * [`NewMatrix`] creates a matrix that R attaches.
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
//! Attaching checks what R does not: that every data file is as long as the descriptor says, that
//! the window lies within the stored matrix, that no size overflows. What happens if another
//! process changes or shortens a file that is attached is told in [`bigannoy_storage`].
//!
//! # Limits
//! File-backed matrices. A descriptor of a shared-memory matrix is refused by name. Separated columns
//! are mapped one by one: systems allow some 65,000 maps in a process.
//!
//! # Source
//! Layout and missing values are those of `bigmemory` 4.6.4.
#![forbid(unsafe_code)]

mod any;
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
pub use blocks::{RowBlock, RowBlocks, par_copy_rows};
pub use create::{MatrixSpec, NewMatrix};
pub use dense::DenseRows;
pub use element::{Element, ValueFault};
pub use error::{AttachError, CreateError, RowError, ViewError};
pub use file_rows::FileRows;
pub use float::RowFloat;
pub use policy::{OnValue, ValuePolicy};
pub use rows::RowSource;
pub use shared::SharedMatrix;
pub use view::MatrixRef;
pub use view_mut::MatrixMut;
