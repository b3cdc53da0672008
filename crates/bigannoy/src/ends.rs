//! A glance at an index file that tells it from others, whatever its size.

use bigannoy_storage::{OpenFile, StorageError};

/// Bytes at each end of the file that are looked at.
const END_BYTES: u64 = 4096;

/// The beginning of a BLAKE3 hash over the length of `file` and its first and last 4 KiB, in 32
/// hexadecimal digits.
///
/// At the end of an index stand the roots of its trees, at the beginning its first items: two
/// indexes that were built from other rows or with other settings hardly ever agree in both. Cost:
/// microseconds, whatever the size.
pub(crate) fn ends(file: &OpenFile) -> Result<String, StorageError> {
    let len = file.len_bytes()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&len.to_le_bytes());
    let mut bytes = vec![0; usize::try_from(END_BYTES).expect("4096")];
    let behind = len.saturating_sub(END_BYTES);
    for (start, count) in [(0, len.min(END_BYTES)), (behind.max(END_BYTES), behind.min(END_BYTES))]
    {
        let count = usize::try_from(count).expect("at most 4096");
        let bytes = &mut bytes[..count];
        file.read_at(start, bytes)?;
        hasher.update(bytes);
    }
    let mut digits = hasher.finalize().to_hex().to_string();
    digits.truncate(32);
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigannoy_storage::Access;

    #[test]
    fn length_and_both_ends_count() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            ends(&OpenFile::open(&path, Access::ReadOnly).unwrap()).unwrap()
        };
        let mut seen = std::collections::BTreeSet::new();
        for len in [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 20_000] {
            let mut bytes = vec![7; len];
            assert!(seen.insert(of(&bytes)), "{len}");
            for at in [0, len / 2, len.saturating_sub(1)] {
                if at < len && (at < 4096 || at >= len - 4096) {
                    bytes[at] = 8;
                    assert!(seen.insert(of(&bytes)) || at == len / 2, "{len}, byte {at}");
                    bytes[at] = 7;
                }
            }
        }
    }
}
