//! Bytes at rest: files mapped into memory, and files that appear whole or not at all.
//!
//! * [`OpenFile`] is a file, or a segment of shared memory, that was found to be one.
//! * [`Mapping`] shows its bytes for reading, [`MappingMut`] for writing.
//! * [`Segment`] is new shared memory, which other processes open by its name.
//! * [`NewFile`] is written under a temporary name beside its target and takes the target's name
//!   only when it is complete and on the disk. [`commit_together`] does that for several at once,
//!   and [`Claim`] is the right to do it, which one process has at a time.
//!
//! It knows nothing of what the bytes mean.
//!
//! ```
//! use std::io::Write;
//! use bigannoy_storage::{Existing, Mapping, NewFile};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("numbers.bin");
//! let mut file = NewFile::create(&path)?;
//! file.write_all(&[1, 2, 3, 4])?;
//! assert!(!path.exists()); // not complete, not visible
//! file.commit(Existing::Refuse)?;
//!
//! let bytes = Mapping::open_prefix(&path, 3)?;
//! assert_eq!(bytes.as_ref(), [1, 2, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Trust
//! A mapped file is memory that others can reach. What is promised, and by whom:
//!
//! * The length is checked on the open file before it is mapped, and only the checked part is
//!   mapped. Directories, pipes and devices are refused without being opened.
//! * Within this process a file is mapped either for reading, any number of times, or for writing,
//!   once: the second kind of mapping is refused while the first lives ([`StorageError::InUse`]).
//!   Who reads without a map can hold a [`ReadLease`] to the same end.
//! * Other processes are the caller's affair. If one writes to the file, readers may see old and new
//!   values side by side. If one *shortens* it, touching the lost part ends the process with a bus
//!   error; nothing here ever shortens a file that could be mapped. Where others cannot be trusted,
//!   or on network file systems, [`OpenFile::read_at`] reads without a map: a file that became too
//!   short is an ordinary error there.
//! * Shared memory is opened by name, and a link or pipe of that name is refused. Its users are not
//!   counted: that is the affair of those who agreed on a way to count them.
//!
//! # Limits
//! Little-endian 64-bit hosts. On Unix a file is known by its device and inode number; elsewhere by
//! its canonical path, so that two hard links to one file are not recognised as one. Shared memory:
//! Linux.

#[cfg(not(target_endian = "little"))]
compile_error!(
    "bigannoy reads and writes little-endian files by mapping them: big-endian hosts are not supported"
);
#[cfg(not(target_pointer_width = "64"))]
compile_error!("bigannoy maps files of any size: 64-bit hosts only");

mod claim;
mod error;
mod hidden;
mod identity;
mod lease;
mod mapping;
mod new_file;
mod open_file;
mod reserve;
mod segment;
mod together;

pub use claim::Claim;
pub use error::StorageError;
pub use identity::FileIdentity;
pub use lease::ReadLease;
pub use mapping::{Mapping, MappingMut};
pub use new_file::{ClosedNewFile, Existing, NewFile};
pub use open_file::{Access, OpenFile};
pub use reserve::reserve;
pub use segment::{Segment, new_segment_name, remove_segment, segment_path};
pub use together::{PendingCommit, Rename, commit_together};
