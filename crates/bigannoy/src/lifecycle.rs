//! Mapping an index, letting go of it, and telling about it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError};

#[cfg(doc)]
use bigannoy_format::Forest;
use bigannoy_format::{ForestReport, ForestSurvey, Layout, OpenError, VerifyError};
use bigannoy_search::Index as Searcher;
use bigannoy_storage::{Access, OpenFile};

use crate::describe::field;
use crate::index::Loaded;
use crate::pair::{self, Stamp};
use crate::{Error, Index};

impl Index {
    /// Maps the index, unless it is mapped already.
    ///
    /// # Errors
    /// [`Error`]: the file is gone, or is no index of the sidecar's metric, dimension and size.
    pub fn load(&self) -> Result<(), Error> {
        self.loaded().map(drop)
    }

    /// Whether the index is mapped.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Lets go of the mapping. Searches under way end undisturbed; the next one maps the file again.
    pub fn close(&self) {
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The mapped index; maps it first if need be.
    pub(crate) fn loaded(&self) -> Result<Arc<Loaded>, Error> {
        self.loaded_with(self.prefault)
    }

    /// The mapped index; if it has to be mapped first, `prefault` says whether it is read into memory.
    pub(crate) fn loaded_with(&self, prefault: bool) -> Result<Arc<Loaded>, Error> {
        if let Some(loaded) = &*self.loaded.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(loaded));
        }
        let mut slot = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here in between.
        if let Some(loaded) = &*slot {
            return Ok(Arc::clone(loaded));
        }
        let file = OpenFile::open(&self.path, Access::ReadOnly)?;
        self.expect_unchanged(&file)?;
        let mapping = file.map(file.len_bytes()?)?;
        if prefault {
            mapping.prefault()?;
        }
        let layout = match self.options.variant {
            Some(_) => Ok(self.layout),
            None => self.layout.detect(mapping.as_ref()),
        };
        let searcher = layout.and_then(|layout| Searcher::open(mapping, layout));
        let searcher = searcher.map_err(|source| not_opened(&self.path, self.layout, source))?;
        let n_items = u64::from(searcher.shape().n_items());
        if let Some(expected) = self.sidecar.n_ref.filter(|&expected| expected != n_items) {
            return Err(Error::Mismatch {
                path: self.path.clone(),
                what: "the number of items",
                found: n_items.to_string(),
                expected: expected.to_string(),
                by: self.sidecar_path.clone(),
            });
        }
        let loaded = Arc::new(searcher);
        *slot = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// How many items there are, those at gaps in the ids included: what an [`ItemSet`](crate::ItemSet)
    /// is over. The index is loaded if it is not.
    ///
    /// # Errors
    /// [`Error`]: the index cannot be mapped or read.
    pub fn n_items(&self) -> Result<u32, Error> {
        Ok(self.loaded()?.shape().n_items())
    }

    /// Refuses files that are not those that were opened, and the lack of one.
    pub(crate) fn still_the_same(&self) -> Result<(), Error> {
        self.expect_unchanged(&OpenFile::open(&self.path, Access::ReadOnly)?)
    }

    /// Refuses a file that is not the one that was opened: it may have been replaced since.
    ///
    /// One that was only copied, restored or touched still has the sidecar that was read.
    fn expect_unchanged(&self, file: &OpenFile) -> Result<(), Error> {
        let stamp = Stamp::of(file)?;
        if stamp == self.stamp {
            return Ok(());
        }
        let now = pair::read(&self.path, &self.sidecar_path, self.options.layout)?;
        if now.sidecar != self.read || now.stamp != stamp {
            return Err(Error::Replaced { index: self.path.clone() });
        }
        Ok(())
    }

    /// Looks at every record of the index and at how they hang together, and tells the shape of its
    /// trees (see [`Forest::verify`]). A search checks only what it visits.
    ///
    /// `go_on` is asked from time to time, with how many of how many steps are done, whether to go
    /// on. Cost: one pass over the items and two over the trees.
    ///
    /// # Errors
    /// [`Error`]: the index cannot be mapped, is damaged, or `go_on` said no.
    pub fn verify(&self, go_on: &mut dyn FnMut(u64, u64) -> bool) -> Result<ForestReport, Error> {
        self.loaded()?.forest().verify(go_on).map_err(|error| self.not_whole(error))
    }

    /// Walks through all trees and tells their shape (see [`Forest::survey`]): how many splits and
    /// leaves, how deep, how full. Looks at no item; [`Index::verify`] looks at everything.
    ///
    /// `go_on` is asked from time to time, with how many of how many steps are done, whether to go
    /// on. Cost: the beginning of each record of the trees is read once.
    ///
    /// # Errors
    /// [`Error`]: the index cannot be mapped, a tree is damaged so that it has no shape, or `go_on`
    /// said no.
    pub fn survey(&self, go_on: &mut dyn FnMut(u64, u64) -> bool) -> Result<ForestSurvey, Error> {
        self.loaded()?.forest().survey(go_on).map_err(|error| self.not_whole(error))
    }

    fn not_whole(&self, error: VerifyError) -> Error {
        match error {
            VerifyError::Interrupted => {
                let written = format!("{} was not looked at to its end", self.path.display());
                Error::Interrupted { written }
            }
            source => Error::Verify { index: self.path.clone(), source },
        }
    }

    /// The name of the definition by which the index was built, as the sidecar has it (see
    /// [`crate::Generator::recorded_name`]); `None` where that is not known, as for indexes of others.
    #[must_use]
    pub fn generator(&self) -> Option<&str> {
        self.sidecar.other(field::GENERATOR)
    }

    /// What the index is, as fifteen names and values in bigANNOY's order; `NA` where a value is
    /// not known.
    #[must_use]
    pub fn summary(&self) -> [(&'static str, String); 15] {
        fn known<T: ToString>(value: Option<T>) -> String {
            value.map_or_else(|| "NA".to_owned(), |value| value.to_string())
        }
        let sidecar = &self.sidecar;
        // A mapped index knows what a missing sidecar does not tell.
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone();
        let shape = loaded.as_ref().map(|loaded| loaded.shape());
        let trees = sidecar.n_trees.or(shape.map(|shape| shape.roots().len() as u64));
        let items = sidecar.n_ref.or(shape.map(|shape| shape.n_items().into()));
        [
            ("path", self.path.display().to_string()),
            ("metadata", self.sidecar_path.display().to_string()),
            ("index_id", known(sidecar.index_id.as_ref())),
            ("metric", self.metric().to_string()),
            ("trees", known(trees)),
            ("items", known(items)),
            ("dimension", self.dim().to_string()),
            ("build_seed", known(sidecar.build_seed)),
            ("build_threads", known(sidecar.build_threads)),
            ("build_backend", known(sidecar.build_backend.as_ref())),
            ("load_mode", self.load_mode.name().to_owned()),
            ("loaded", self.is_loaded().to_string()),
            ("file_size", known(sidecar.file_size)),
            ("file_md5", known(sidecar.file_md5.as_ref())),
            ("prefault", self.prefault.to_string()),
        ]
    }
}

/// The error of a file that is no index of its layout.
pub(crate) fn not_opened(index: &Path, layout: Layout, source: OpenError) -> Error {
    Error::Open { index: index.to_path_buf(), metric: layout.metric(), dim: layout.dim(), source }
}

/// The summary as fifteen lines of `name: value`, without a line feed behind the last.
impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.summary().map(|(name, value)| {
            // Whatever names are in it, a value is one line.
            format!("{name}: {}", value.replace(['\n', '\r'], " "))
        });
        f.write_str(&lines.join("\n"))
    }
}
