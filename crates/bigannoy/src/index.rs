//! An index on disk, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

#[cfg(doc)]
use bigannoy_format::ForestShape;
use bigannoy_format::{Layout, Sidecar, Variant};
use bigannoy_metric::Metric;
use bigannoy_storage::Mapping;

use crate::Error;
use crate::pair::{self, Pair, Stamp};

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
    pub(crate) layout: Option<(Metric, usize)>,
    pub(crate) variant: Option<Variant>,
    load_mode: LoadMode,
    prefault: bool,
    metadata_path: Option<PathBuf>,
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
        OpenOptions {
            layout: None,
            variant: None,
            load_mode: LoadMode::Eager,
            prefault: false,
            metadata_path: None,
        }
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

    /// Reads the file into memory whenever it is mapped, and waits for that, so that no search has
    /// to. Default: no. A search can have it otherwise ([`crate::SearchOptions::prefault`]).
    #[must_use]
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }

    /// Says where the sidecar is. Default: the index's path with `.meta` appended.
    #[must_use]
    pub fn metadata_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.metadata_path = Some(path.into());
        self
    }

    /// Where the sidecar of the index at `path` is.
    pub(crate) fn sidecar_path(&self, path: &Path) -> PathBuf {
        self.metadata_path.clone().unwrap_or_else(|| pair::sidecar_path(path))
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
    pub(crate) load_mode: LoadMode,
    pub(crate) prefault: bool,
    /// How it was opened.
    pub(crate) options: OpenOptions,
    /// The sidecar as it was read, and the file that it was found to belong to.
    pub(crate) read: Option<Sidecar>,
    pub(crate) stamp: Stamp,
    pub(crate) loaded: RwLock<Option<Arc<Loaded>>>,
}

/// A mapped index.
pub(crate) type Loaded = bigannoy_search::Index<Mapping>;

/// Opens the index at `path`.
///
/// What it is stands in its sidecar, `path` with `.meta` appended; an index without one opens if
/// [`OpenOptions::layout`] tells, and so does one whose sidecar lacks metric or dimension. The file's
/// size and a hash of both its ends are compared with the sidecar's. What a killed process was about
/// to do here is finished first, or told apart where that cannot be: an index is never opened with
/// the sidecar of another. Cost: microseconds, whatever the size; a damage in the middle of the file
/// is not found (see [`Index::validate`]).
///
/// # Errors
/// [`Error`]: a file is missing or unreadable, the sidecar is faulty, or it and the index or the
/// caller disagree. With [`LoadMode::Eager`], also: the file is no index, or one without items, as Annoy
/// saves it where nothing was added (see [`ForestShape::read`]).
pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Index, Error> {
    let path = path.as_ref();
    let sidecar_path = options.sidecar_path(path);
    pair::settle(path, &sidecar_path)?;
    let Pair { stamp, sidecar: read } = pair::read(path, &sidecar_path, options.layout)?;
    let mut sidecar = match (&read, options.layout) {
        (Some(sidecar), _) => sidecar.clone(),
        (None, Some((metric, dim))) => Sidecar::new(metric, dim),
        (None, None) => {
            return Err(Error::NoSidecar { index: path.to_path_buf(), sidecar: sidecar_path });
        }
    };
    // What old sidecars lack and the file tells.
    sidecar.file_size.get_or_insert(stamp.len_bytes);
    let failed = |source| Error::Dimension { index: path.to_path_buf(), source };
    let mut layout = Layout::new(sidecar.metric, sidecar.n_dim).map_err(failed)?;
    if let Some(variant) = options.variant {
        layout = layout.with_variant(variant).map_err(failed)?;
    }
    let index = Index {
        path: path.to_path_buf(),
        sidecar_path,
        sidecar,
        layout,
        load_mode: options.load_mode,
        prefault: options.prefault,
        options: options.clone(),
        read,
        stamp,
        loaded: RwLock::new(None),
    };
    if options.load_mode == LoadMode::Eager {
        index.load()?;
    }
    Ok(index)
}

impl Index {
    /// The sidecar's path, whether there is one or not.
    #[must_use]
    pub fn metadata_path(&self) -> &Path {
        &self.sidecar_path
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
