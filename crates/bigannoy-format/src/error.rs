//! Why bytes are not an index.

/// Why [`crate::ForestShape::read`] refused the bytes.
///
/// A wrong metric or dimension shows itself here if one is lucky: the file does not say what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There are no bytes.
    #[error("the index is empty: expected at least one record of {record_bytes} bytes")]
    Empty {
        /// The size of a record.
        record_bytes: usize,
    },
    /// The length is not a whole number of records.
    #[error(
        "the index has {found} bytes, which is no multiple of the {record_bytes} bytes of a record: \
         the file was cut, or it is of another metric or dimension"
    )]
    NotWholeRecords {
        /// The length.
        found: usize,
        /// The size of a record.
        record_bytes: usize,
    },
    /// All records are zero.
    #[error(
        "the index has no items: all of its {records} records are zero, as Annoy saves an index to \
         which nothing was added, or leaves one whose build on disk was broken off; expected at \
         least one item"
    )]
    NoItems {
        /// The number of records.
        records: usize,
    },
    /// More records than node numbers.
    #[error("the index has {found} records, more than the {max} that a file can hold", max = crate::MAX_NODES)]
    TooManyRecords {
        /// The number of records.
        found: usize,
    },
    /// The last record is not a root.
    #[error(
        "record {record} should be a root but counts {count} items in a file of {records} records: \
         the file was cut, or it is of another metric or dimension"
    )]
    NoRoot {
        /// The number of the last record.
        record: usize,
        /// Its item count as a signed number.
        count: i32,
        /// The number of records.
        records: usize,
    },
    /// Two record layouts fit the length, and the records do not tell which it is.
    #[error(
        "the index could have the record layout {} ({} bytes a record) or {} ({} bytes): say which, \
         unless it is of another metric or dimension",
        variants[0], record_bytes[0], variants[1], record_bytes[1]
    )]
    AmbiguousLayout {
        /// The layouts.
        variants: [crate::Variant; 2],
        /// Their record sizes, in the same order.
        record_bytes: [usize; 2],
    },
    /// The file ends with an item: it was saved without trees.
    #[error("the index has items but no trees: build it again with at least one tree")]
    NoTrees,
    /// The bytes do not begin at a multiple of four.
    #[error("the index is not aligned to 4 bytes in memory")]
    Unaligned,
}

/// A record that cannot be right. The file is damaged, or it is of another metric or dimension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "record {record} (byte {byte_offset}) {problem}: the index is damaged, or of another metric or dimension"
)]
pub struct DamagedRecord {
    /// The record's number.
    pub record: u32,
    /// Where it begins in the file.
    pub byte_offset: u64,
    /// What is wrong with it.
    pub problem: String,
}
