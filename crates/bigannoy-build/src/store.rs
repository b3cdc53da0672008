//! Where an index goes while it is built.

use std::io;
use std::sync::Arc;

use bigannoy_pages::Pages;

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

    /// Appends `words` zeros and gives them to be written, where that saves making records elsewhere first.
    /// Called at most once, before all else. By default there is no such room, and items are appended.
    ///
    /// # Errors
    /// What the place says; the build ends with [`crate::BuildError::Store`].
    fn room(&mut self, words: usize) -> io::Result<Option<&mut [u32]>> {
        let _ = words;
        Ok(None)
    }

    /// What was appended so far, exactly. Called once, when all items are there.
    ///
    /// # Errors
    /// What the place says; the build ends with [`crate::BuildError::Store`].
    fn items(&mut self) -> io::Result<Self::Items>;
}

/// Keeps the index in memory, in large pages.
#[derive(Debug, Default)]
pub struct MemoryStore {
    items: Option<MemoryItems>,
    /// What was appended: items, or trees once these are there.
    appended: Appended,
}

/// The items of a [`MemoryStore`].
#[derive(Clone, Debug)]
pub struct MemoryItems(Arc<Pages<u32>>);

impl AsRef<[u8]> for MemoryItems {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl MemoryStore {
    /// The finished index where it is, as little-endian words: pieces in the order of the file.
    pub fn parts(&self) -> impl Iterator<Item = &[u32]> {
        let items = self.items.as_ref().map(|items| &items.0[..]);
        items.into_iter().chain(self.appended.parts())
    }

    /// The finished index in one piece, as little-endian words: a copy, while which it takes its memory twice. Where
    /// it is written to a file or a stream, [`MemoryStore::parts`] needs no more.
    #[must_use]
    pub fn into_words(self) -> Vec<u32> {
        let mut words = Vec::with_capacity(self.parts().map(<[u32]>::len).sum());
        self.parts().for_each(|part| words.extend_from_slice(part));
        words
    }
}

impl ForestStore for MemoryStore {
    type Items = MemoryItems;

    fn append(&mut self, records: &[u32]) -> io::Result<()> {
        self.appended.append(records)
    }

    fn room(&mut self, words: usize) -> io::Result<Option<&mut [u32]>> {
        let items = self.items.insert(MemoryItems(Arc::new(pages(words)?)));
        Ok(Arc::get_mut(&mut items.0).map(|pages| &mut pages[..]))
    }

    fn items(&mut self) -> io::Result<MemoryItems> {
        let items = if let Some(items) = &self.items {
            items.clone()
        } else {
            // What was appended, in one piece.
            let mut items = pages(self.appended.len())?;
            let mut rest = &mut items[..];
            for part in std::mem::take(&mut self.appended).parts() {
                let (to, behind) = std::mem::take(&mut rest).split_at_mut(part.len());
                to.copy_from_slice(part);
                rest = behind;
            }
            MemoryItems(Arc::new(items))
        };
        self.items = Some(items.clone());
        Ok(items)
    }
}

/// Words that come one after the other, in pieces, each as large as all before: nothing moves when more come.
#[derive(Debug, Default)]
struct Appended {
    pieces: Vec<Pages<u32>>,
    /// Words of the last piece that are not taken yet.
    left: usize,
}

/// Words of the first piece, and of the largest.
const LEAST_PIECE: usize = 4 << 10;
const LARGEST_PIECE: usize = 8 << 20;

impl Appended {
    fn append(&mut self, mut words: &[u32]) -> io::Result<()> {
        while !words.is_empty() {
            if self.left == 0 {
                self.left = self.len().clamp(LEAST_PIECE, LARGEST_PIECE);
                self.pieces.push(pages(self.left)?);
            }
            let Some(piece) = self.pieces.last_mut() else { break };
            let first = piece.len() - self.left;
            let (now, later) = words.split_at(words.len().min(self.left));
            piece[first..first + now.len()].copy_from_slice(now);
            self.left -= now.len();
            words = later;
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum::<usize>() - self.left
    }

    fn parts(&self) -> impl Iterator<Item = &[u32]> {
        let last = self.pieces.len().saturating_sub(1);
        self.pieces.iter().enumerate().map(move |(at, piece)| {
            let left = if at == last { self.left } else { 0 };
            &piece[..piece.len() - left]
        })
    }
}

/// Zeros in large pages.
pub(crate) fn pages(words: usize) -> io::Result<Pages<u32>> {
    Pages::new(words).ok_or_else(|| {
        let problem = format!("there is no memory for {words} words of 4 bytes");
        io::Error::new(io::ErrorKind::OutOfMemory, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_comes_out_in_order_wherever_items_end() {
        let words: Vec<u32> = (0..30_000).collect();
        for (n_items, piece) in [(0, 7), (5000, 1000), (4096, 4096), (29_999, 30_000)] {
            for in_room in [true, false] {
                let mut store = MemoryStore::default();
                let (items, trees) = words.split_at(n_items);
                if in_room {
                    let room = store.room(n_items).unwrap().expect("room in memory");
                    room.copy_from_slice(items);
                } else {
                    items.chunks(piece).for_each(|words| store.append(words).unwrap());
                }
                let kept = store.items().unwrap();
                trees.chunks(piece).for_each(|words| store.append(words).unwrap());
                assert_eq!(kept.as_ref(), bytemuck::cast_slice::<u32, u8>(items));
                assert_eq!(store.into_words(), words);
            }
        }
    }
}
