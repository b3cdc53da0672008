//! Descriptors from files.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::{ByteString, Container, Descriptor, ParseError, Position};

/// The largest file that is read as a descriptor, 256 MiB: room for the names of several million
/// rows, and too little to harm where a data file was given by mistake.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// How NumPy's arrays begin: what people who come from Python give where a matrix is expected.
const NUMPY: &[u8] = b"\x93NUMPY";

/// Bytes by which a file is known that is neither text nor RDS.
const HEAD_BYTES: usize = 4096;

/// Whether a file that begins with `bytes` holds no text: a zero byte is in none, and in most binary
/// files soon.
fn is_binary(bytes: &[u8]) -> bool {
    Container::detect(bytes).is_none() && bytes[..bytes.len().min(HEAD_BYTES)].contains(&0)
}

/// Why a file could not be read as a descriptor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system did not give the file's content.
    #[error("cannot read descriptor {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path leads to something other than a regular file; it was not opened.
    #[error("cannot read descriptor {}: expected a regular file, found {found}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it leads to.
        found: &'static str,
    },
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error(
        "cannot read descriptor {}: expected at most {MAX_FILE_BYTES} bytes, found {bytes}",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length, or as much of it as was read.
        bytes: u64,
    },
    /// The file is one of NumPy's arrays.
    #[error(
        "{} is a NumPy array, expected the descriptor of a matrix: `bigannoy matrix import` makes \
         a matrix of an array",
        path.display()
    )]
    NumPy {
        /// The file.
        path: PathBuf,
    },
    /// The file holds what is neither text nor RDS, such as the numbers of a matrix or an index.
    #[error(
        "{} seems to be no descriptor: it holds binary data, expected the text or RDS that R or \
         `bigannoy matrix import` writes beside the data of a matrix",
        path.display()
    )]
    Binary {
        /// The file.
        path: PathBuf,
    },
    /// The content is no descriptor.
    #[error("{}:{}{problem}", path.display(), if is_in_text(problem) { "" } else { " " })]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where. Said in the message, and so not told as its source again.
        problem: ParseError,
    },
}

/// Whether the message of an error starts with line and column, to be joined to a path.
fn is_in_text(error: &ParseError) -> bool {
    matches!(error.position(), Some(Position::Text { .. }))
}

impl ReadError {
    /// The file that was to be read.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::NotAFile { path, .. }
            | Self::TooLarge { path, .. }
            | Self::NumPy { path }
            | Self::Binary { path }
            | Self::Parse { path, .. } => path,
        }
    }
}

impl Descriptor {
    /// Reads the descriptor in a file.
    ///
    /// As in R, the data files are looked for next to the descriptor: the directory in it gives
    /// way to that of `path` (`./` where it has none), with a trailing slash. Symbolic
    /// links are followed to the descriptor, but the directory is that of the link.
    ///
    /// # Errors
    /// [`ReadError`] where the path leads to no regular file of at most [`MAX_FILE_BYTES`], it
    /// cannot be read, or it holds no descriptor; [`ReadError::Binary`] where that is plain to see. Pipes and devices are refused unopened.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let bytes = content(path)?;
        let descriptor = Self::parse(&bytes).map_err(|problem| {
            let path = path.to_owned();
            if is_binary(&bytes) {
                ReadError::Binary { path }
            } else {
                ReadError::Parse { path, problem }
            }
        })?;
        Ok(descriptor.with_dirname(directory(path)))
    }
}

/// The bytes of a regular file, at most [`MAX_FILE_BYTES`].
fn content(path: &Path) -> Result<Vec<u8>, ReadError> {
    let io_error = |source| ReadError::Io { path: path.to_owned(), source };
    // Opening a pipe without a writer would wait for one.
    let metadata = fs::metadata(path).map_err(io_error)?;
    if !metadata.is_file() {
        let found = describe(metadata.file_type());
        return Err(ReadError::NotAFile { path: path.to_owned(), found });
    }
    let too_large = |bytes| ReadError::TooLarge { path: path.to_owned(), bytes };
    let mut file = File::open(path).map_err(io_error)?;
    let mut bytes = Vec::new();
    (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.starts_with(NUMPY) {
        return Err(ReadError::NumPy { path: path.to_owned() });
    }
    if metadata.len() > MAX_FILE_BYTES {
        // What it is says more than that it is large.
        return Err(if is_binary(&bytes) {
            ReadError::Binary { path: path.to_owned() }
        } else {
            too_large(metadata.len())
        });
    }
    // The file may have grown, or be one whose length the system does not tell.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

fn describe(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        return "a directory";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return "a named pipe";
        }
        if file_type.is_socket() {
            return "a socket";
        }
    }
    "a device"
}

/// The directory part of a path, empty where there is none.
fn directory(path: &Path) -> ByteString {
    path.parent().map(|parent| parent.as_os_str().as_encoded_bytes()).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::path::Path;

    use super::{ReadError, directory};
    use crate::Descriptor;

    #[test]
    fn directories_are_those_of_the_path_given() {
        for (path, expected) in
            [("m.desc", ""), ("a/m.desc", "a"), ("/m.desc", "/"), ("../a b/m.desc", "../a b")]
        {
            assert_eq!(directory(Path::new(path)), expected);
        }
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let manifest = env!("CARGO_MANIFEST_DIR");
        let error = Descriptor::read(manifest).unwrap_err();
        assert!(matches!(error, ReadError::NotAFile { found: "a directory", .. }), "{error}");
        assert_eq!(error.path(), Path::new(manifest));
        let error = Descriptor::read("no/such.desc").unwrap_err();
        assert_eq!(error.to_string(), "cannot read descriptor no/such.desc");
        assert!(error.source().is_some());
        #[cfg(target_os = "linux")]
        {
            let error = Descriptor::read("/dev/zero").unwrap_err();
            assert!(matches!(error, ReadError::NotAFile { found: "a device", .. }), "{error}");
        }
    }

    #[test]
    fn messages_say_path_line_and_column() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let error = Descriptor::read(manifest).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{manifest}:1:1: expected ")), "{error}");
        // The whole is in the message: a source would say it twice.
        assert!(error.source().is_none());
    }
}
