//! The names of files that are not for anyone else: hidden, beside what they are for.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::StorageError;

/// File systems take names of 255 bytes; the target's may be that long.
const MOST_CHARS: usize = 50;

/// What hidden files of `target` begin with, up to what tells them apart: the target's name, or of a
/// long one, or one that is no text, its beginning and a hash of all of it.
pub(crate) fn stem(target: &Path) -> Result<String, StorageError> {
    let name = target.file_name().ok_or_else(|| {
        StorageError::io("create", target)(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path names no file",
        ))
    })?;
    let begin = match name.to_str() {
        Some(text) if text.chars().count() <= MOST_CHARS => text.to_owned(),
        _ => {
            let beginning: String = name.to_string_lossy().chars().take(MOST_CHARS - 17).collect();
            format!("{beginning}~{:016x}", hash(name))
        }
    };
    Ok(format!(".{begin}.bigannoy"))
}

/// The hidden file of `target` whose name ends with `end`.
pub(crate) fn beside(target: &Path, end: &str) -> Result<PathBuf, StorageError> {
    Ok(target.with_file_name(format!("{}{end}", stem(target)?)))
}

/// The name of the temporary file `number` of process `process`.
pub(crate) fn temporary(target: &Path, process: u32, number: u64) -> Result<PathBuf, StorageError> {
    beside(target, &format!("-{process}-{number}.tmp"))
}

/// What a temporary file's name begins with: the [`stem`] of its target. `None` for other names.
pub(crate) fn stem_of_temporary(name: &OsStr) -> Option<&str> {
    let (name, number) = name.to_str()?.strip_suffix(".tmp")?.rsplit_once('-')?;
    let (stem, process) = name.rsplit_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (stem.starts_with('.') && digits(process) && digits(number)).then_some(stem)
}

/// FNV-1a: the same in every process, which the standard library's hashes are not.
fn hash(name: &OsStr) -> u64 {
    name.as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The directory that `path` is in.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_are_told_from_others_and_from_those_of_other_targets() {
        let long = "n".repeat(100);
        let longer = "n".repeat(101);
        for target in ["x", "x.y", long.as_str(), longer.as_str()] {
            let target = Path::new(target);
            let temporary = temporary(target, 12, 3).unwrap();
            let name = temporary.file_name().unwrap();
            for other in ["x", "x.y", long.as_str(), longer.as_str()].map(Path::new) {
                let stem = stem(other).unwrap();
                assert_eq!(stem_of_temporary(name) == Some(&stem), other == target);
            }
        }
        let stem = stem(Path::new("d/x")).unwrap();
        for name in [".x.bigannoy.lock", ".x.bigannoy-1.tmp", ".x.bigannoy-1-.tmp", "x", ".x"] {
            assert_ne!(stem_of_temporary(OsStr::new(name)), Some(stem.as_str()), "{name}");
        }
        assert_eq!(stem_of_temporary(OsStr::new(".x.bigannoy-1-0.tmp")), Some(stem.as_str()));
    }
}
