//! An index on disk, and how it is opened.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use bigannoy_format::{Layout, Sidecar, SidecarError, Variant};
use bigannoy_metric::Metric;
use bigannoy_storage::{Access, Mapping, OpenFile, StorageError};

use crate::Error;

/// When an index is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadMode {
    /// At the first search.
    Lazy,
    /// At once.
    Eager,
}

impl LoadMode {
    /// The name in sidecars: `lazy` or `eager`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LoadMode::Lazy => "lazy",
            LoadMode::Eager => "eager",
        }
    }
}

/// How an index is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    layout: Option<(Metric, usize)>,
    variant: Option<Variant>,
    load_mode: LoadMode,
    prefault: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenOptions {
    /// Everything at its default.
    #[must_use]
    pub fn new() -> Self {
        OpenOptions { layout: None, variant: None, load_mode: LoadMode::Eager, prefault: false }
    }

    /// Says what the index is: needed where it has no sidecar, as files of other programs have not.
    /// Default: what the sidecar says.
    ///
    /// For hamming, `dim` is the number of bits, as in Python. R's `RcppAnnoy` gives the number of
    /// 64-bit words: `dim` is 64 times that.
    #[must_use]
    pub fn layout(mut self, metric: Metric, dim: usize) -> Self {
        self.layout = Some((metric, dim));
        self
    }

    /// Says which record layout the index has, for dot and hamming, whose files have had two.
    /// Default: the one that fits the file; where both do, opening fails and asks for this.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.variant = Some(variant);
        self
    }

    /// Sets when the index is mapped. Default: [`LoadMode::Eager`].
    #[must_use]
    pub fn load_mode(mut self, load_mode: LoadMode) -> Self {
        self.load_mode = load_mode;
        self
    }

    /// Reads the file into memory ahead of the first search. Default: no.
    #[must_use]
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }
}

/// An index on disk: a handle that can be shared by any number of threads.
///
/// The file is mapped when it is first needed, or at once (see [`LoadMode`]), and stays mapped
/// until [`Index::close`]. A search after that maps it again.
#[derive(Debug)]
pub struct Index {
    pub(crate) path: PathBuf,
    pub(crate) sidecar_path: PathBuf,
    pub(crate) sidecar: Sidecar,
    pub(crate) layout: Layout,
    /// The record layout asked for; found from the file where it was not.
    pub(crate) variant: Option<Variant>,
    pub(crate) load_mode: LoadMode,
    pub(crate) prefault: bool,
    pub(crate) loaded: RwLock<Option<Arc<Loaded>>>,
}

/// A mapped index.
pub(crate) type Loaded = bigannoy_search::Index<Mapping>;

/// Opens the index at `path`.
///
/// What it is stands in its sidecar, `path` with `.meta` appended; an index without one opens if
/// [`OpenOptions::layout`] tells. The file's size is compared with the sidecar's.
///
/// # Errors
/// [`Error`]: a file is missing or unreadable, the sidecar is faulty, or it and the index or the
/// caller disagree. With [`LoadMode::Eager`], also: the file is no index.
pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Index, Error> {
    let path = path.as_ref();
    let sidecar_path = sidecar_path(path);
    let size = std::fs::metadata(path).map_err(StorageError::io("open", path))?.len();
    let sidecar = if try_exists(&sidecar_path)? {
        read_sidecar(&sidecar_path, path, size, options.layout)?
    } else if let Some((metric, dim)) = options.layout {
        let mut sidecar = Sidecar::new(metric, dim);
        sidecar.file_size = Some(size);
        sidecar
    } else {
        return Err(Error::NoSidecar { index: path.to_path_buf(), sidecar: sidecar_path });
    };
    let mut index = Index::new(path.to_path_buf(), sidecar_path, sidecar, options.load_mode)?;
    index.prefault = options.prefault;
    if let Some(variant) = options.variant {
        index.layout = index
            .layout
            .with_variant(variant)
            .map_err(|source| Error::Dimension { index: path.to_path_buf(), source })?;
        index.variant = Some(variant);
    }
    if options.load_mode == LoadMode::Eager {
        index.load()?;
    }
    Ok(index)
}

/// Where the sidecar of the index at `path` is.
pub(crate) fn sidecar_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".meta");
    PathBuf::from(name)
}

/// Whether something stands at `path`, as far as it can be told.
pub(crate) fn try_exists(path: &Path) -> Result<bool, StorageError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::io("look at", path)(error)),
    }
}

/// A sidecar is a few hundred bytes; what is larger than this is something else.
const MOST_SIDECAR_BYTES: u64 = 1 << 20;

fn read_sidecar(
    path: &Path,
    index: &Path,
    size: u64,
    layout: Option<(Metric, usize)>,
) -> Result<Sidecar, Error> {
    // Read rather than mapped: text must not change once it was found to be text.
    let mut bytes = Vec::new();
    OpenFile::open(path, Access::ReadOnly)?
        .into_file()
        .take(MOST_SIDECAR_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(StorageError::io("read", path))?;
    let sidecar = if bytes.len() as u64 > MOST_SIDECAR_BYTES {
        Err(SidecarError::TooLong { most: MOST_SIDECAR_BYTES })
    } else {
        Sidecar::parse(&String::from_utf8_lossy(&bytes))
    };
    let sidecar = sidecar.map_err(|source| Error::Sidecar { path: path.to_path_buf(), source })?;
    let mismatch = |of: &Path, what, found: String, expected: String, by: &Path| Error::Mismatch {
        path: of.to_path_buf(),
        what,
        found,
        expected,
        by: by.to_path_buf(),
    };
    if let Some(expected) = sidecar.file_size.filter(|&expected| expected != size) {
        let (found, expected) = (size.to_string(), expected.to_string());
        return Err(mismatch(index, "the size in bytes", found, expected, path));
    }
    if let Some((metric, dim)) = layout
        && (metric, dim) != (sidecar.metric, sidecar.n_dim)
    {
        let found = format!("{metric} in {dim} dimensions");
        let expected = format!("{} in {} dimensions", sidecar.metric, sidecar.n_dim);
        return Err(mismatch(index, "the metric asked for", found, expected, path));
    }
    Ok(sidecar)
}

impl Index {
    pub(crate) fn new(
        path: PathBuf,
        sidecar_path: PathBuf,
        sidecar: Sidecar,
        load_mode: LoadMode,
    ) -> Result<Self, Error> {
        let layout = Layout::new(sidecar.metric, sidecar.n_dim)
            .map_err(|source| Error::Dimension { index: path.clone(), source })?;
        Ok(Index {
            path,
            sidecar_path,
            sidecar,
            layout,
            variant: None,
            load_mode,
            prefault: false,
            loaded: RwLock::new(None),
        })
    }

    /// The index file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the sidecar says, or as much as is known without one.
    #[must_use]
    pub fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    /// The metric.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.layout.metric()
    }

    /// The number of dimensions; under hamming of bits.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.layout.dim()
    }
}
