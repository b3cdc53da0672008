//! Where the answers of a search go, block after block.
//!
//! * [`MemorySink`] keeps them.
//! * [`MatrixSink`] writes them into one or two matrices of R's `bigmemory`: ids counted from 1,
//!   and distances.
//! * [`CsvSink`] writes them as lines of text, to a writer or into a file.
//! * [`NpySink`] writes them into one or two of NumPy's `.npy` files.
//! * Anything else implements [`NeighborSink`].
//!
//! ```
//! use bigannoy_matrix::BigMatrix;
//! use bigannoy_metric::{Neighbor, NeighborBlock};
//! use bigannoy_sink::{Destination, MatrixSink, NeighborSink, ResultShape};
//!
//! let mut block = NeighborBlock::new(2, 1); // two queries, k = 1
//! for mut row in block.rows_mut() {
//!     row.fill([Neighbor { item: 4, distance: 0.5 }]);
//! }
//!
//! let directory = tempfile::tempdir()?;
//! let ids = directory.path().join("nn_index.desc");
//! let mut sink = MatrixSink::new(Destination::create(&ids));
//! sink.begin(ResultShape::new(2, 1))?;
//! sink.write(&block)?;
//! sink.finish()?;
//! assert_eq!(BigMatrix::attach(&ids)?.view::<i32>()?.column(0), [5, 5]); // rows of R
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! Knows neither queries nor indexes. Rows come in order, each once.
#![forbid(unsafe_code)]

mod csv;
mod destination;
mod error;
mod matrix;
mod memory;
mod new_files;
mod npy;
mod row_counter;
mod sink;

pub use csv::CsvSink;
pub use destination::Destination;
pub use error::SinkError;
pub use matrix::MatrixSink;
pub use memory::MemorySink;
pub use npy::NpySink;
pub use row_counter::RowCounter;
pub use sink::{Kept, NeighborSink, Place, ResultShape};
