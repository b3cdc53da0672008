//! What a search has answered so far, in a file that outlives the process.
//!
//! A search that takes hours should not begin anew because the machine was restarted. It keeps a
//! [`Journal`] beside its result: first a [`Head`] that says which search this is, then each block of
//! answers, with a hash that no torn or altered block has. Whoever goes on hands the blocks of the
//! journal to the same kind of sink, answers the queries that are left, and the result is the same
//! bytes as if nothing had happened. Until then the journal is what tells that a result is unfinished.
//!
//! No order of writes matters for that: the journal alone says what is kept, so that nothing has to
//! be brought to the disk before something else. It takes 8 bytes a neighbor, 12 where distances have
//! double precision, and goes when the result is complete.
//!
//! ```
//! use bigannoy_journal::{Block, Head, Journal, Shape, journal_path};
//! use bigannoy_metric::{Neighbor, NeighborBlock};
//!
//! let directory = tempfile::tempdir()?;
//! let path = journal_path(&directory.path().join("near.desc"));
//! let head = Head::new(Shape { n_query: 2, k: 1, n_items: 9, double: false }).with("search_k", 40);
//!
//! let mut journal = Journal::create(&path, &head)?;
//! let mut neighbors = NeighborBlock::new(1, 1);
//! neighbors.rows_mut().for_each(|mut row| row.fill([Neighbor { item: 3, distance: 0.5 }]));
//! journal.append(&Block { neighbors, short_rows: 0, skipped_rows: 0 })?;
//! drop(journal); // or the process is killed
//!
//! let mut journal = Journal::resume(&path, &head)?;
//! assert_eq!(journal.complete(), 1);
//! journal.replay(&mut |block| Ok::<_, bigannoy_journal::JournalError>(assert_eq!(block.neighbors.row(0)[0].item, 3)))?;
//! journal.remove()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod block;
mod error;
mod head;
mod journal;

pub use block::Block;
pub use error::JournalError;
pub use head::{Difference, Head, HeadError, Shape};
pub use journal::{Journal, Unfinished, journal_path, unfinished};
