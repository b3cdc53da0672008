//! Settings of a forest, and the order of the work.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use bigannoy_format::{Layout, MAX_NODES};
use bigannoy_matrix::{RowSource, piece_rows};
use bigannoy_metric::{Folded, Fused, Metric, Rounding, Separate};
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::extra::{Lengths, Measure};
use crate::items::Items;
use crate::memory::{Memory, Wishes};
use crate::numbers::Numbers;
use crate::spare::Spare;
use crate::store::pages;
use crate::tree::Tree;
use crate::{BuildError, ForestStore, Generator, annoy, pipeline};

/// Trees grown when [`IndexBuilder::trees`] is not called.
pub const DEFAULT_TREES: usize = 50;
/// The seed of [`Generator::Default`] when [`IndexBuilder::seed`] is not called.
pub const DEFAULT_SEED: u64 = 42;

/// The most threads that can be asked for. Each has memory of its own, and a number far above
/// that of any machine's processors is a slip.
pub const MAX_THREADS: usize = 1024;

/// Bytes of a thread's stack, of which next to nothing is touched. A thread that waits for a part of a tree may begin
/// another tree above it, and another one above that.
const STACK: usize = 8 << 20;

/// Settings of a forest. Same rows, metric, trees, seed and generator: same bytes, on any number of
/// threads.
///
/// # How planes are chosen
/// This is about [`Generator::Default`]; the others choose as Annoy does.
///
/// A set of items too large for a leaf is cut by the plane halfway between two centroids. These
/// start at two items of a sample, 256 items of the set or all that it has, and move twice to the
/// middle of the sample's items that are nearer. Of three planes the first is taken that leaves no
/// more than 95 % of the set, under dot of the sample, on one side; if the last leaves more than 99 % of the set, as where
/// all items are equal, the set is halved at random. Items within the plane are tossed for. Each
/// tree draws from its own `ChaCha8` stream, each set of a tree from its own place in it. The upper
/// levels of a set that is too large to be copied near the processor are chosen in this way for one
/// larger sample, and then cut the set itself. Other than under dot, samples and copies are 16-bit codes: an item
/// nearer to a plane than some ten-thousandths of the set's spread may be on the other side of it.
///
/// Under angular, directions are compared and planes go through the origin. Under dot, a set whose
/// longest item is more than 1.5 times as long as the median one is halved by length. Otherwise its
/// items get one more coordinate, which makes them equally long, and are treated as under angular;
/// queries have a zero there, and so have the planes in the file. Longer items are searched first:
/// halving by length leaves a trace of preference for them, and normals are the longer the shorter
/// the items of a set are, so that turning away from the query costs more there.
#[derive(Clone, Copy)]
#[must_use = "nothing happens until `build` is called"]
pub struct IndexBuilder<'a> {
    metric: Metric,
    trees: usize,
    seed: Option<u64>,
    generator: Generator,
    kernel: Folded,
    threads: Option<usize>,
    wishes: Wishes,
    progress: Option<&'a (dyn Fn(BuildProgress) + Sync)>,
    interrupt: Option<&'a AtomicBool>,
}

/// What the settings come to for given rows.
struct Plan {
    layout: Layout,
    n_items: u32,
    numbers: Numbers,
    memory: Memory,
}

/// How far a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildProgress {
    /// What is being done.
    pub stage: BuildStage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do.
    pub total: u64,
}

/// What a build is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildStage {
    /// Under dot, rows are read for their lengths; counted in rows.
    Lengths,
    /// Rows are read and stored as items; counted in rows.
    Items,
    /// Trees grow; counted in trees.
    Trees,
}

/// What was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildReport {
    /// Items, that is rows.
    pub n_items: u32,
    /// Dimensions, that is columns.
    pub dim: usize,
    /// Trees.
    pub n_trees: usize,
    /// Records: items, nodes of the trees, copies of the roots.
    pub n_nodes: u32,
    /// The size of the index in bytes.
    pub bytes: u64,
}

impl<'a> IndexBuilder<'a> {
    /// Begins a forest under `metric`, with the default settings.
    pub fn new(metric: Metric) -> Self {
        IndexBuilder {
            metric,
            trees: DEFAULT_TREES,
            seed: None,
            generator: Generator::Default,
            kernel: Folded::new(),
            threads: None,
            wishes: Wishes::default(),
            progress: None,
            interrupt: None,
        }
    }

    /// Sets the number of trees: more give higher recall, a longer build, a larger file.
    /// Default: [`DEFAULT_TREES`].
    pub fn trees(mut self, trees: usize) -> Self {
        self.trees = trees;
        self
    }

    /// Sets the seed of all random choices. Default: [`Generator::default_seed`].
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets how planes are chosen, and so which bytes come out. Default: [`Generator::Default`].
    pub fn generator(mut self, generator: Generator) -> Self {
        self.generator = generator;
        self
    }

    /// Sets the code that computes the sums of [`Generator::Default`]. The bytes do not depend on it.
    /// Default: the fastest on this processor.
    pub fn kernel(mut self, kernel: Folded) -> Self {
        self.kernel = kernel;
        self
    }

    /// Sets how many threads work, at most [`MAX_THREADS`]. Default: one for each processor.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Bounds the memory of the build, in bytes: fewer rows are read, fewer trees grow, at a time, and fewer threads work.
    /// What comes out is the same. Default: no bound, which the crate's documentation puts in numbers
    /// ("Memory").
    ///
    /// A tree is taken to have 20 bytes for each item until a larger one has grown; where no plane
    /// cuts the items well, trees can be larger. What the [`ForestStore`] holds is not counted.
    pub fn memory_budget(mut self, bytes: u64) -> Self {
        self.wishes.budget = Some(bytes);
        self
    }

    /// Sets how many rows are read and stored together. What comes out is the same. Default: as many
    /// as have 4 MiB, or fewer where a memory budget says so.
    pub fn block_rows(mut self, rows: usize) -> Self {
        self.wishes.block_rows = Some(rows);
        self
    }

    /// Calls `progress` after each block of rows and each tree, from the thread that builds.
    pub fn progress(mut self, progress: &'a (dyn Fn(BuildProgress) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Ends the build soon after `interrupt` becomes true, with [`BuildError::Interrupted`].
    pub fn interrupt(mut self, interrupt: &'a AtomicBool) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    /// Checks the settings against the shape of `rows`; reads no value.
    ///
    /// # Errors
    /// [`BuildError`]: hamming, a setting out of range, or a matrix that has no rows, no columns, or
    /// too many of one.
    pub fn check(&self, rows: &dyn RowSource) -> Result<(), BuildError> {
        self.plan(rows).map(drop)
    }

    /// Builds the index of `rows` into `store`.
    ///
    /// Cost: one pass over the rows, two under dot, then time in proportion to `trees * n log n`.
    ///
    /// # Errors
    /// [`BuildError`]: hamming, a setting out of range, a value that is missing or not finite, more nodes
    /// than a file can number, a store that fails, an interruption.
    pub fn build<S: ForestStore>(
        &self,
        rows: &dyn RowSource,
        store: &mut S,
    ) -> Result<BuildReport, BuildError> {
        let Plan { layout, n_items, mut numbers, memory } = self.plan(rows)?;
        let threads = memory.threads;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK)
            .build()
            .map_err(|error| BuildError::Threads { threads, problem: error.to_string() })?;

        let mut lengths = Lengths::default();
        match (self.metric, self.generator) {
            (Metric::Dot, Generator::Default) => {
                lengths = self.measure(rows, layout, memory, &pool)?;
                lengths.squared.shrink_to_fit();
                self.store_items(
                    rows,
                    layout,
                    &|record, vector| layout.set_extra(record, lengths.extra(vector)),
                    memory,
                    &pool,
                    store,
                )?;
            }
            (Metric::Dot, Generator::Annoy) => {
                self.store_for_products::<Separate, S>(rows, layout, memory, &pool, store)?;
            }
            (Metric::Dot, Generator::AnnoyFused) => {
                self.store_for_products::<Fused, S>(rows, layout, memory, &pool, store)?;
            }
            (Metric::Angular, Generator::AnnoyFused) => {
                let complete = |record: &mut [u32], vector: &[f32]| {
                    let squared_length = annoy::squared_length::<Fused>(vector);
                    layout.set_squared_length(record, squared_length);
                };
                self.store_items(rows, layout, &complete, memory, &pool, store)?;
            }
            _ => self.store_items(rows, layout, &|_, _| {}, memory, &pool, store)?,
        }
        let items = store.items().map_err(BuildError::Store)?;
        let items = Items::new(bytemuck::cast_slice(items.as_ref()), layout, &lengths.squared);
        let mut roots: Vec<u32> = Vec::new();
        self.report(BuildStage::Trees, 0, self.trees as u64);
        let take = |number: usize, tree: &mut Tree| {
            let first = numbers.take(tree.n_records(layout))?;
            tree.renumber(layout, n_items, first);
            tree.parts()
                .try_for_each(|records| store.append(records))
                .map_err(BuildError::Store)?;
            roots.extend_from_slice(tree.root(layout));
            self.report(BuildStage::Trees, number as u64 + 1, self.trees as u64);
            Ok(())
        };
        match self.generator {
            Generator::Default => pipeline::grow_all(self, items, n_items, memory, &pool, take)?,
            Generator::Annoy => {
                annoy::grow_all::<Separate>(self, items, n_items, &pool, take)?;
            }
            Generator::AnnoyFused => {
                annoy::grow_all::<Fused>(self, items, n_items, &pool, take)?;
            }
        }
        store.append(&roots).map_err(BuildError::Store)?;
        let n_nodes = numbers.used();
        Ok(BuildReport {
            n_items,
            dim: layout.dim(),
            n_trees: self.trees,
            n_nodes,
            bytes: u64::from(n_nodes) * layout.record_bytes() as u64,
        })
    }

    fn plan(&self, rows: &dyn RowSource) -> Result<Plan, BuildError> {
        if self.metric == Metric::Hamming {
            return Err(BuildError::NotBuilt { metric: self.metric });
        }
        if self.trees == 0 {
            return Err(BuildError::NoTrees);
        }
        if let Some(found) = self.threads.filter(|threads| !(1..=MAX_THREADS).contains(threads)) {
            return Err(BuildError::ThreadCount { found });
        }
        let matrix = || rows.name();
        if rows.nrows() == 0 {
            return Err(BuildError::NoRows { matrix: matrix() });
        }
        let layout = Layout::new(self.metric, rows.ncols())
            .map_err(|source| BuildError::Columns { matrix: matrix(), source })?;
        // The smallest index has a root and its copy.
        let n_items = u32::try_from(rows.nrows()).ok().filter(|&n| n <= MAX_NODES - 2);
        let n_items = n_items
            .ok_or_else(|| BuildError::TooManyRows { matrix: matrix(), rows: rows.nrows() })?;
        let numbers = Numbers::new(MAX_NODES, n_items, layout.leaf_capacity(), self.trees)?;
        if self.wishes.block_rows == Some(0) {
            return Err(BuildError::NoBlock);
        }
        let threads = self.threads.unwrap_or_else(rayon::current_num_threads);
        let memory = Memory::plan(self.wishes, layout, n_items, threads, self.generator)?;
        Ok(Plan { layout, n_items, numbers, memory })
    }

    /// Reads the rows block by block for what has to be known of all before the first is written.
    fn measure<T: Measure>(
        &self,
        rows: &dyn RowSource,
        layout: Layout,
        memory: Memory,
        pool: &ThreadPool,
    ) -> Result<T, BuildError> {
        let dim = layout.dim();
        let mut all = T::default();
        let spare = Spare::new();
        self.each_block(BuildStage::Lengths, rows, memory, |block| {
            let piece_rows = piece_rows(rows, block.len(), pool.current_num_threads());
            let pieces = block.clone().into_par_iter().step_by(piece_rows);
            let read = pieces.map(|first| {
                let piece = first..block.end.min(first + piece_rows);
                with_vectors(rows, piece, &spare, |vectors| T::of(vectors.chunks(dim)))
            });
            // Collected before looked at, so that the first faulty row is the one reported.
            let read: Vec<Result<T, BuildError>> = pool.install(|| read.collect());
            for of_piece in read {
                all = std::mem::take(&mut all).and(of_piece?);
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Stores the rows as items under dot, with Annoy's extra coordinates.
    fn store_for_products<A: Rounding, S: ForestStore>(
        &self,
        rows: &dyn RowSource,
        layout: Layout,
        memory: Memory,
        pool: &ThreadPool,
        store: &mut S,
    ) -> Result<(), BuildError> {
        let longest: annoy::Longest<A> = self.measure(rows, layout, memory, pool)?;
        let complete = |record: &mut [u32], vector: &[f32]| {
            layout.set_extra(record, longest.extra(vector));
        };
        self.store_items(rows, layout, &complete, memory, pool, store)
    }

    /// Reads the rows block by block and stores them as items; `complete` sets in a record what else
    /// it has of its vector.
    fn store_items<S: ForestStore>(
        &self,
        rows: &dyn RowSource,
        layout: Layout,
        complete: &(dyn Fn(&mut [u32], &[f32]) + Sync),
        memory: Memory,
        pool: &ThreadPool,
        store: &mut S,
    ) -> Result<(), BuildError> {
        let size = layout.record_words();
        let spare = &Spare::new();
        if let Some(room) = store.room(rows.nrows() * size).map_err(BuildError::Store)? {
            return self.each_block(BuildStage::Items, rows, memory, |block| {
                let records = &mut room[block.start * size..block.end * size];
                pool.install(|| make_items(rows, block, layout, complete, records, spare))
            });
        }
        // While the records of a block are stored, those of the next one are made.
        let mut words = 0;
        let most = memory.block_rows.min(rows.nrows()) * size;
        let room = |words| pages(words).map_err(BuildError::Store);
        let (mut made, mut next) = (room(most)?, room(most)?);
        self.each_block(BuildStage::Items, rows, memory, |block| {
            let stored = &made[..words];
            words = block.len() * size;
            let mut read = Ok(());
            let stored = pool.in_place_scope(|scope| {
                let records = &mut next[..words];
                scope.spawn(|_| read = make_items(rows, block, layout, complete, records, spare));
                if stored.is_empty() { Ok(()) } else { store.append(stored) }
            });
            stored.map_err(BuildError::Store)?;
            read?;
            std::mem::swap(&mut made, &mut next);
            Ok(())
        })?;
        store.append(&made[..words]).map_err(BuildError::Store)
    }

    /// Hands the rows to `work`, block by block, and tells of it as `stage`.
    fn each_block(
        &self,
        stage: BuildStage,
        rows: &dyn RowSource,
        memory: Memory,
        mut work: impl FnMut(Range<usize>) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let nrows = rows.nrows();
        let block_rows = memory.block_rows;
        self.report(stage, 0, nrows as u64);
        for start in (0..nrows).step_by(block_rows) {
            if self.is_interrupted() {
                return Err(BuildError::Interrupted);
            }
            let end = nrows.min(start.saturating_add(block_rows));
            rows.will_need(end..nrows.min(end.saturating_add(block_rows)));
            work(start..end)?;
            self.report(stage, end as u64, nrows as u64);
        }
        Ok(())
    }

    fn report(&self, stage: BuildStage, done: u64, total: u64) {
        if let Some(progress) = self.progress {
            progress(BuildProgress { stage, done, total });
        }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed))
    }

    pub(crate) fn n_trees(&self) -> usize {
        self.trees
    }

    pub(crate) fn kernel_value(&self) -> Folded {
        self.kernel
    }

    pub(crate) fn seed_value(&self) -> u64 {
        self.seed.unwrap_or_else(|| self.generator.default_seed())
    }
}

impl std::fmt::Debug for IndexBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexBuilder")
            .field("metric", &self.metric)
            .field("trees", &self.trees)
            .field("seed", &self.seed)
            .field("generator", &self.generator)
            .field("threads", &self.threads)
            .field("wishes", &self.wishes)
            .finish_non_exhaustive()
    }
}

/// Makes the records of a block of rows on the threads of the pool in which it is called; `complete` sets in each what
/// else it has of its vector.
fn make_items(
    rows: &dyn RowSource,
    block: Range<usize>,
    layout: Layout,
    complete: &(dyn Fn(&mut [u32], &[f32]) + Sync),
    records: &mut [u32],
    spare: &Spare<Vec<f32>>,
) -> Result<(), BuildError> {
    let (size, dim) = (layout.record_words(), layout.dim());
    let piece_rows = piece_rows(rows, block.len(), rayon::current_num_threads());
    let pieces = records.par_chunks_mut(piece_rows * size).enumerate();
    let read = pieces.map(|(piece, records)| {
        let first = block.start + piece * piece_rows;
        with_vectors(rows, first..first + records.len() / size, spare, |vectors| {
            for (record, vector) in records.chunks_exact_mut(size).zip(vectors.chunks(dim)) {
                layout.write_item(record, vector);
                complete(record, vector);
            }
        })
    });
    // Collected before looked at, so that the first faulty row is the one reported.
    let read: Vec<Result<(), BuildError>> = read.collect();
    read.into_iter().collect()
}

/// Reads a piece of the rows into memory that was used for others, and hands it to `work`.
fn with_vectors<T>(
    rows: &dyn RowSource,
    piece: Range<usize>,
    spare: &Spare<Vec<f32>>,
    work: impl FnOnce(&[f32]) -> T,
) -> Result<T, BuildError> {
    let mut vectors = spare.take().unwrap_or_default();
    vectors.resize(piece.len() * rows.ncols(), 0.0);
    rows.copy_rows(piece, &mut vectors)?;
    let result = work(&vectors);
    spare.give(vectors);
    Ok(result)
}
