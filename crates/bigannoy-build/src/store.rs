//! Where an index goes while it is built.

use std::io;
use std::sync::Arc;

/// A place for the records of an index, in the order in which they come.
///
/// Implement it to build into a file: append the bytes, and let [`ForestStore::items`] give them
/// back, mapped or read.
pub trait ForestStore {
    /// The bytes of the items, for reading. They begin at a multiple of four bytes.
    type Items: AsRef<[u8]> + Sync;

    /// Appends records, which are little-endian words.
    ///
    /// # Errors
    /// What the place says; the build ends with [`crate::BuildError::Store`].
    fn append(&mut self, records: &[u32]) -> io::Result<()>;

    /// What was appended so far, exactly. Called once, when all items are there.
    ///
    /// # Errors
    /// What the place says; the build ends with [`crate::BuildError::Store`].
    fn items(&mut self) -> io::Result<Self::Items>;
}

/// Keeps the index in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    items: MemoryItems,
    trees: Vec<u32>,
    frozen: bool,
}

/// The items of a [`MemoryStore`].
#[derive(Clone, Debug, Default)]
pub struct MemoryItems(Arc<Vec<u32>>);

impl AsRef<[u8]> for MemoryItems {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl MemoryStore {
    /// The finished index, as little-endian words.
    #[must_use]
    pub fn into_words(self) -> Vec<u32> {
        let mut words = Arc::unwrap_or_clone(self.items.0);
        words.extend_from_slice(&self.trees);
        words
    }
}

impl ForestStore for MemoryStore {
    type Items = MemoryItems;

    fn append(&mut self, records: &[u32]) -> io::Result<()> {
        if self.frozen {
            self.trees.extend_from_slice(records);
        } else {
            Arc::make_mut(&mut self.items.0).extend_from_slice(records);
        }
        Ok(())
    }

    fn items(&mut self) -> io::Result<MemoryItems> {
        self.frozen = true;
        Ok(self.items.clone())
    }
}
