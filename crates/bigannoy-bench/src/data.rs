//! The matrices of a measurement, and the directory for its files.

use std::fs;
use std::path::{Path, PathBuf};

use bigannoy::matrix::DenseRows;
use bigannoy::{BigMatrix, Input, Metric, RowSource};
use tempfile::TempDir;

use crate::settings::{Queries, check_k, interrupted};
use crate::{BenchError, BenchOptions, Synthetic};

/// A directory of this run's own, which goes with it unless it is to stay and has something in it.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// None where it stays.
    _temporary: Option<TempDir>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Fails where it is not empty: then it is as it should be.
        let _ = fs::remove_dir(&self.path);
    }
}

impl Place {
    /// Makes the directory, once the settings are found to be possible.
    pub(crate) fn new(options: &BenchOptions) -> Result<Self, BenchError> {
        options.check()?;
        let parent = options.path_dir.clone().unwrap_or_else(std::env::temp_dir);
        let directory = tempfile::Builder::new()
            .prefix("bigannoy-bench-")
            .tempdir_in(&parent)
            .map_err(|source| BenchError::Place { path: parent, source })?;
        let path = directory.path().to_path_buf();
        let temporary = if options.keep_files {
            let _kept: PathBuf = directory.keep();
            None
        } else {
            Some(directory)
        };
        Ok(Place { path, _temporary: temporary })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes an index that was built here, with its sidecar.
    pub(crate) fn remove_index(&self, n_trees: usize) -> Result<(), BenchError> {
        let index = self.index(n_trees);
        for path in [crate::single::metadata_path(&index), index] {
            fs::remove_file(&path).map_err(|source| BenchError::File { path, source })?;
        }
        Ok(())
    }

    pub(crate) fn index(&self, n_trees: usize) -> PathBuf {
        self.file(&format!("trees-{n_trees}.ann"))
    }
}

/// Rows in memory or in files.
pub(crate) enum Rows {
    Memory { rows: Vec<f32>, ncols: usize },
    Attached(Box<BigMatrix>),
}

impl Rows {
    fn make(
        synthetic: &Synthetic,
        path: Option<PathBuf>,
        options: &BenchOptions,
    ) -> Result<Self, BenchError> {
        match path {
            Some(path) => {
                let go_on = &mut |_, _| !options.watch.is_interrupted();
                Ok(Rows::Attached(Box::new(synthetic.write(&path, go_on)?)))
            }
            None => Ok(Rows::Memory { rows: synthetic.to_vec(), ncols: synthetic.ncols() }),
        }
    }

    pub(crate) fn attach(path: &Path) -> Result<Self, BenchError> {
        Ok(Rows::Attached(Box::new(BigMatrix::attach(path)?)))
    }

    /// Calls `work` with the rows.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&dyn RowSource) -> R) -> R {
        match self {
            Rows::Memory { rows, ncols } => work(&DenseRows::row_major(rows, *ncols)),
            Rows::Attached(matrix) => work(&**matrix),
        }
    }

    pub(crate) fn shape(&self) -> (usize, usize) {
        self.with(|rows| (rows.nrows(), rows.ncols()))
    }

    /// Bytes of the numbers.
    pub(crate) fn bytes(&self) -> u64 {
        let (nrows, ncols) = self.shape();
        let element = match self {
            Rows::Memory { .. } => size_of::<f32>(),
            Rows::Attached(matrix) => matrix.element_type().size_bytes(),
        };
        (nrows * ncols * element) as u64
    }

    pub(crate) fn is_filebacked(&self) -> bool {
        matches!(self, Rows::Attached(_))
    }

    /// The first rows, at most `most` of them, one after the other.
    pub(crate) fn first(&self, most: usize) -> Result<Vec<f32>, BenchError> {
        self.with(|rows| {
            let count = most.min(rows.nrows());
            let mut vectors = vec![0.0; count * rows.ncols()];
            rows.copy_rows(0..count, &mut vectors)?;
            Ok(vectors)
        })
    }
}

/// A reference and its queries.
pub(crate) struct DataSet {
    pub(crate) reference: Rows,
    /// None where the reference is searched for its own rows.
    pub(crate) queries: Option<Rows>,
}

impl DataSet {
    /// Makes or attaches both, and checks that they go together and with `k`.
    pub(crate) fn new(options: &BenchOptions, place: &Place) -> Result<Self, BenchError> {
        let synthetic = || {
            let (nrows, ncols) = (options.n_ref, options.n_dim);
            Synthetic::reference(options.shape, nrows, ncols, options.seed)
        };
        let file = |name: &str| options.filebacked.then(|| place.file(name));
        let reference = if let Some(path) = &options.reference {
            Rows::attach(path)?
        } else {
            options.watch.begin("making the reference")?;
            Rows::make(&synthetic(), file("reference.desc"), options)?
        };
        let queries = match &options.queries {
            Queries::OwnRows => None,
            Queries::Matrix(path) => Some(Rows::attach(path)?),
            Queries::Synthetic => {
                let queries = synthetic().queries(options.n_query);
                Some(Rows::make(&queries, file("query.desc"), options)?)
            }
        };
        let data = DataSet { reference, queries };
        data.check(options)?;
        if options.watch.is_interrupted() {
            return Err(interrupted().into());
        }
        Ok(data)
    }

    pub(crate) fn check(&self, options: &BenchOptions) -> Result<(), BenchError> {
        let (n_ref, n_dim) = self.reference.shape();
        if let Some(queries) = &self.queries {
            let (_, found) = queries.shape();
            if found != n_dim {
                let expected = format!("{n_dim}, as the reference has");
                return Err(BenchError::setting(
                    "the number of columns of the queries",
                    found,
                    expected,
                ));
            }
        }
        check_k(options.k, n_ref, self.queries.is_none())
    }

    pub(crate) fn n_query(&self) -> usize {
        self.queries.as_ref().unwrap_or(&self.reference).shape().0
    }

    pub(crate) fn is_self_search(&self) -> bool {
        self.queries.is_none()
    }

    /// The rows that single queries are taken from.
    pub(crate) fn query_rows(&self) -> &Rows {
        self.queries.as_ref().unwrap_or(&self.reference)
    }
}

/// The rows as the library takes them.
pub(crate) fn input(rows: &dyn RowSource) -> Input<'_> {
    Input::rows(rows)
}

/// Bytes of a file.
pub(crate) fn file_bytes(path: &Path) -> Result<u64, BenchError> {
    let file = |source| BenchError::File { path: path.to_path_buf(), source };
    Ok(fs::metadata(path).map_err(file)?.len())
}

/// Whether the nearest have the largest values.
pub(crate) fn larger_is_nearer(metric: Metric) -> bool {
    metric == Metric::Dot
}
