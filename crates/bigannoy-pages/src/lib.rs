//! Memory for what is much, or read in no order.
//!
//! Systems hand out memory in pages of mostly 4 KiB, each cleared when it is touched first, and the processor looks
//! up where a page is before it reads from it. [`Pages`] asks for pages of 2 MiB: five hundred times fewer
//! to hand out and to look up.
//!
//! ```
//! use bigannoy_pages::Pages;
//!
//! let mut table = Pages::<u32>::new(1_000_000).expect("4 MB of memory");
//! table[999_999] = 7;
//! assert_eq!(table.iter().sum::<u32>(), 7);
//! ```
//!
//! # Limits
//! Where the system has no such pages, or none left, they are small ones. Memory is rounded up to whole pages, as
//! they are touched: below some MB an ordinary `Vec` is smaller.
#![forbid(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use memmap2::MmapMut;

/// A slice of zeros to begin with, in pages of the system that are asked to be large ones. It begins at a multiple
/// of 64 bytes.
pub struct Pages<T> {
    len: usize,
    map: MmapMut,
    values: PhantomData<T>,
}

impl<T: Pod> Pages<T> {
    /// `len` zeros. `None` where the system has not the memory.
    #[must_use]
    pub fn new(len: usize) -> Option<Self> {
        let bytes = size_of::<T>().checked_mul(len)?;
        let map = MmapMut::map_anon(bytes.max(1)).ok()?;
        // A hint: where it is not taken, reading takes longer.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Some(Pages { len, map, values: PhantomData })
    }

    fn bytes(&self) -> usize {
        size_of::<T>() * self.len
    }
}

impl<T: Pod> Deref for Pages<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.map[..self.bytes()])
    }
}

impl<T: Pod> DerefMut for Pages<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes = self.bytes();
        bytemuck::cast_slice_mut(&mut self.map[..bytes])
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_zeros_that_can_be_written() {
        let mut pages = Pages::<[u32; 2]>::new(1000).expect("a little memory");
        assert_eq!(*pages, [[0; 2]; 1000]);
        pages[999] = [1, 2];
        assert_eq!(pages[999], [1, 2]);
        assert!(Pages::<u8>::new(0).expect("none").is_empty());
        assert!(Pages::<u64>::new(usize::MAX).is_none() && Pages::<u8>::new(usize::MAX).is_none());
    }
}
