//! Building and searching, measured: what all measurements are made of.

use std::path::Path;
use std::time::Instant;

use bigannoy::format::{ForestReport, Layout};
use bigannoy::matrix::DenseRows;
use bigannoy::{Index, LoadMode, NeighborBlock, SearchOptions, ValidateOptions, Validation};
use bigannoy_build::{IndexBuilder, MemoryStore};
use bigannoy_search::Query;
use rayon::ThreadPool;

use crate::data::{DataSet, input};
use crate::settings::interrupted;
use crate::{BenchError, BenchOptions, Cost, Latency, MemoryPeak};

/// An index that can be searched, wherever it is.
pub(crate) trait Searchable {
    /// What has to happen before each timed search.
    fn prepare(&self, options: &BenchOptions);

    /// The neighbors of all queries.
    fn batch(
        &self,
        data: &DataSet,
        options: &BenchOptions,
        search_k: Option<usize>,
    ) -> Result<NeighborBlock, BenchError>;

    /// The call that answers a single query.
    fn single(&self, options: &BenchOptions, search_k: Option<usize>) -> Single<'_>;
}

/// A call that answers a single query.
pub(crate) type Single<'a> = Box<dyn Fn(&[f32]) -> Result<(), BenchError> + Sync + 'a>;

impl Searchable for Index {
    fn prepare(&self, options: &BenchOptions) {
        if options.load_mode == LoadMode::Lazy {
            self.close();
        }
    }

    fn batch(
        &self,
        data: &DataSet,
        options: &BenchOptions,
        search_k: Option<usize>,
    ) -> Result<NeighborBlock, BenchError> {
        let options = options.search_options(search_k);
        let found = match &data.queries {
            Some(queries) => queries.with(|rows| self.search(input(rows), &options)),
            None => self.search_self(&options),
        };
        Ok(found?.neighbors)
    }

    fn single(&self, options: &BenchOptions, search_k: Option<usize>) -> Single<'_> {
        let mut options = SearchOptions::new(options.k).strategy(options.strategy);
        if let Some(search_k) = search_k {
            options = options.search_k(search_k);
        }
        Box::new(move |vector| {
            let rows = DenseRows::row_major(vector, vector.len());
            self.search(&rows, &options)?;
            Ok(())
        })
    }
}

/// An index over rows in memory that is itself in memory: the same work without files.
pub(crate) struct InMemory {
    index: bigannoy_search::Index<Words>,
    queries: Option<Vec<f32>>,
}

/// The bytes of an index.
struct Words(Vec<u32>);

impl AsRef<[u8]> for Words {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl InMemory {
    /// Builds it; rows and queries are copied before the clock starts.
    pub(crate) fn build(
        data: &DataSet,
        options: &BenchOptions,
        n_trees: usize,
    ) -> Result<Built<Self>, BenchError> {
        options.watch.begin(&format!("building {n_trees} trees in memory"))?;
        let (nrows, ncols) = data.reference.shape();
        let reference = data.reference.first(nrows)?;
        let queries = match &data.queries {
            Some(queries) => Some(queries.first(queries.shape().0)?),
            None => None,
        };
        let mut builder = IndexBuilder::new(options.metric)
            .trees(n_trees)
            .seed(options.build_seed.unwrap_or(options.seed))
            .generator(options.generator);
        if let Some(threads) = options.build_threads {
            builder = builder.threads(threads);
        }
        if let Some(interrupt) = &options.watch.interrupt {
            builder = builder.interrupt(interrupt);
        }
        let mut store = MemoryStore::default();
        let rows = DenseRows::row_major(&reference, ncols);
        let ((built, cost), peak) =
            MemoryPeak::of(|| Cost::of(|| builder.build(&rows, &mut store)));
        built?;
        let layout = Layout::new(options.metric, ncols).expect("it has just been written");
        let index = bigannoy_search::Index::open(Words(store.into_words()), layout)?;
        Ok(Built { index: InMemory { index, queries }, n_trees, cost, peak })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.index.data().as_ref().len() as u64
    }

    fn query(&self, options: &BenchOptions, search_k: Option<usize>) -> Query<'_> {
        let query = self.index.query(options.k).strategy(options.strategy);
        search_k.map_or(query, |search_k| query.search_k(search_k))
    }
}

impl Searchable for InMemory {
    fn prepare(&self, _: &BenchOptions) {}

    fn batch(
        &self,
        data: &DataSet,
        options: &BenchOptions,
        search_k: Option<usize>,
    ) -> Result<NeighborBlock, BenchError> {
        let query = self.query(options, search_k);
        let answer = || match &self.queries {
            Some(queries) => query.by_rows(queries),
            None => query.by_items(0..u32::try_from(data.n_query()).expect("items have 32 bits")),
        };
        Ok(match options.search_threads {
            Some(threads) => pool(threads)?.install(answer),
            None => answer(),
        }?)
    }

    fn single(&self, options: &BenchOptions, search_k: Option<usize>) -> Single<'_> {
        let query = self.query(options, search_k);
        Box::new(move |vector| {
            query.by_vector(vector)?;
            Ok(())
        })
    }
}

pub(crate) fn pool(threads: usize) -> Result<ThreadPool, BenchError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|source| BenchError::Threads { threads, source })
}

/// An index, and what building it cost.
pub(crate) struct Built<I> {
    pub(crate) index: I,
    pub(crate) n_trees: usize,
    pub(crate) cost: Cost,
    pub(crate) peak: Option<MemoryPeak>,
}

/// Builds an index on disk.
pub(crate) fn build(
    data: &DataSet,
    options: &BenchOptions,
    n_trees: usize,
    path: &Path,
) -> Result<Built<Index>, BenchError> {
    options.watch.begin(&format!("building {n_trees} trees"))?;
    let settings = options.build_options(n_trees);
    let ((index, cost), peak) = MemoryPeak::of(|| {
        Cost::of(|| data.reference.with(|rows| bigannoy::build(input(rows), path, &settings)))
    });
    Ok(Built { index: index?, n_trees, cost, peak })
}

/// What was found when all of an index was looked at.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The checks of [`Index::validate`], the md5 of the file included. No error is among them.
    pub validation: Validation,
    /// The shape of its trees.
    pub forest: ForestReport,
}

/// Looks at all of an index, before it is trusted with a measurement.
pub(crate) fn validate(index: &Index, options: &BenchOptions) -> Result<Validated, BenchError> {
    options.watch.begin("validating the index")?;
    let mut settings = ValidateOptions::new();
    if let Some(interrupt) = &options.watch.interrupt {
        settings = settings.interrupt(interrupt.clone());
    }
    let validation = index.validate(&settings)?;
    let forest = index.verify(&mut |_, _| !options.watch.is_interrupted())?;
    Ok(Validated { validation, forest })
}

/// Answers, and what they cost.
pub(crate) struct Searched {
    pub(crate) search_k: Option<usize>,
    pub(crate) neighbors: NeighborBlock,
    pub(crate) cost: Cost,
    pub(crate) peak: Option<MemoryPeak>,
    pub(crate) latency: Option<Latency>,
}

/// Searches for all queries, several times, and for some of them one by one.
pub(crate) fn search(
    index: &dyn Searchable,
    data: &DataSet,
    options: &BenchOptions,
    search_k: Option<usize>,
) -> Result<Searched, BenchError> {
    let budget = search_k.map_or("the default".to_owned(), |budget| budget.to_string());
    options.watch.begin(&format!("searching with search_k {budget}"))?;
    // One that does not count: files are in memory after it.
    let neighbors = index.batch(data, options, search_k)?;
    let (costs, peak) = MemoryPeak::of(|| {
        (0..options.repetitions)
            .map(|_| {
                index.prepare(options);
                let (found, cost) = Cost::of(|| index.batch(data, options, search_k));
                found.map(|_| cost)
            })
            .collect::<Result<Vec<Cost>, BenchError>>()
    });
    let latency = latency(index, data, options, search_k)?;
    Ok(Searched { search_k, neighbors, cost: Cost::median(costs?), peak, latency })
}

/// The times of single queries, one after the other on one thread.
pub(crate) fn latency(
    index: &dyn Searchable,
    data: &DataSet,
    options: &BenchOptions,
    search_k: Option<usize>,
) -> Result<Option<Latency>, BenchError> {
    let vectors = data.query_rows().first(options.latency_queries)?;
    let single = index.single(options, search_k);
    // In a pool of one thread nothing is handed from thread to thread.
    let seconds = pool(1)?.install(|| {
        vectors
            .chunks_exact(data.reference.shape().1)
            .map(|vector| {
                if options.watch.is_interrupted() {
                    return Err(interrupted().into());
                }
                let start = Instant::now();
                single(vector)?;
                Ok(start.elapsed().as_secs_f64())
            })
            .collect::<Result<Vec<f64>, BenchError>>()
    })?;
    Ok(Latency::of(seconds))
}
