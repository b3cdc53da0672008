//! Planes that every query is compared with, eight side by side.

use crate::bound::WIDTH;
use crate::planes::Planes;

/// Two codes of each of eight planes: those of the first, of the second and so on.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct Pairs(pub(crate) [i16; 2 * WIDTH]);

/// The first planes of [`Planes`] once more, laid out so that a query is compared with all of them: eight at a
/// time and nothing is waited for, in a tenth of the time in which eight that lie anywhere are.
///
/// Memory: `2 * dim + 16` bytes a plane, if `dim` is even, for a number of planes that is rounded up to a
/// multiple of eight.
#[derive(Clone, Debug)]
pub struct PlaneTable {
    dim: usize,
    /// As many for eight planes as there are pairs of dimensions.
    groups: Vec<Pairs>,
    /// Of eight planes, in columns: the last four words of their records.
    tails: Vec<[[u32; WIDTH]; 4]>,
}

impl PlaneTable {
    /// The first `count` of `planes`.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn of_first(planes: &Planes, count: u32) -> Self {
        assert!(count <= planes.count(), "{count} of {} planes", planes.count());
        let dim = planes.dim();
        let pairs = dim.div_ceil(2);
        let count = count as usize;
        let mut groups = vec![Pairs([0; 2 * WIDTH]); count.div_ceil(WIDTH) * pairs];
        let mut tails = vec![[[0; WIDTH]; 4]; count.div_ceil(WIDTH)];
        for (at, plane) in (0..planes.count()).take(count).enumerate() {
            let record = planes.record(plane);
            let (group, lane) = (at / WIDTH, at % WIDTH);
            let codes = record.as_chunks::<4>().0;
            for (place, pair) in groups[group * pairs..].iter_mut().zip(&codes[..pairs]) {
                let pair = [[pair[0], pair[1]], [pair[2], pair[3]]].map(i16::from_le_bytes);
                place.0[2 * lane..][..2].copy_from_slice(&pair);
            }
            let words = record.last_chunk::<16>().expect("a record is a line at least");
            for (column, word) in tails[group].iter_mut().zip(words.as_chunks::<4>().0) {
                column[lane] = u32::from_le_bytes(*word);
            }
        }
        PlaneTable { dim, groups, tails }
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    pub(crate) fn groups(&self) -> &[Pairs] {
        &self.groups
    }

    pub(crate) fn tails(&self) -> &[[[u32; WIDTH]; 4]] {
        &self.tails
    }
}
