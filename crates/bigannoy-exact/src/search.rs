//! From rows to their nearest rows.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use bigannoy_matrix::RowSource;
use bigannoy_metric::NeighborBlock;

use bigannoy_sketch::scan::ScanKernel;

use crate::block::Block;
use crate::coded::{self, CodedRows, Space};
use crate::nearest::Nearest;
use crate::pass;
use crate::plan::{DEFAULT_MEMORY, Plan};
use crate::reference::Reference;
use crate::{ExactError, ExactMetric, direct};

/// Rows that neighbors can name: R counts them in 31 bits.
const MOST_ROWS: usize = i32::MAX as usize;

/// What is searched for.
#[derive(Clone, Copy)]
pub enum Queries<'a> {
    /// These rows.
    External(&'a dyn RowSource),
    /// The rows of the reference themselves.
    Own {
        /// Whether a row is among its own neighbors. Another row with the same values always is.
        include_self: bool,
    },
}

/// An exact search: the `k` nearest of all rows of a reference, for each query.
///
/// Work is shared by the threads of the rayon pool in which it is called. The answer depends
/// neither on them nor on the memory nor on the processor.
#[derive(Clone, Copy)]
#[must_use = "nothing is searched until a job is run"]
pub struct ExactSearch<'a> {
    metric: ExactMetric,
    k: usize,
    memory: usize,
    kernel: ScanKernel,
    progress: Option<&'a (dyn Fn(u64, u64) + Sync)>,
    interrupt: Option<&'a AtomicBool>,
}

impl<'a> ExactSearch<'a> {
    /// A search for the `k` nearest rows of each query, everything else at its default.
    pub fn new(metric: ExactMetric, k: usize) -> Self {
        ExactSearch {
            metric,
            k,
            memory: DEFAULT_MEMORY,
            kernel: ScanKernel::new(),
            progress: None,
            interrupt: None,
        }
    }

    /// Sets how many bytes queries, rows and neighbors may take; see [`Plan`] for what they take.
    /// Less memory means more passes over the reference. Default: [`DEFAULT_MEMORY`].
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets the code of the scan: to compare them. The answer does not depend on it. Default: the
    /// fastest on this processor.
    pub fn kernel(mut self, kernel: ScanKernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// Calls `progress` after each block of the reference, with the rows compared so far and those
    /// to be compared in all: the rows of the reference, once for each pass.
    pub fn progress(mut self, progress: &'a (dyn Fn(u64, u64) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Ends the search soon after `interrupt` becomes true, with [`ExactError::Interrupted`].
    pub fn interrupt(mut self, interrupt: &'a AtomicBool) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    /// Checks everything that can be checked before the reference is read: shapes, `k`, the memory,
    /// and, where they do not fit in memory at once, every value of the queries.
    ///
    /// # Errors
    /// [`ExactError`], all but [`ExactError::Interrupted`].
    pub fn job<'b>(
        self,
        reference: &'b dyn RowSource,
        queries: Queries<'b>,
    ) -> Result<Job<'b>, ExactError>
    where
        'a: 'b,
    {
        let (source, exclude_self) = match queries {
            Queries::External(source) => (source, false),
            Queries::Own { include_self } => (reference, !include_self),
        };
        for matrix in [reference, source] {
            let (nrows, ncols) = (matrix.nrows(), matrix.ncols());
            if nrows == 0 || ncols == 0 {
                return Err(ExactError::Empty { matrix: matrix.name(), nrows, ncols });
            }
        }
        let (n_ref, n_query) = (reference.nrows(), source.nrows());
        if n_ref > MOST_ROWS {
            return Err(ExactError::TooManyRows {
                reference: reference.name(),
                n_ref,
                most: MOST_ROWS,
            });
        }
        if source.ncols() != reference.ncols() {
            return Err(ExactError::QueryWidth {
                query: source.name(),
                found: source.ncols(),
                reference: reference.name(),
                expected: reference.ncols(),
            });
        }
        let most = n_ref - usize::from(exclude_self);
        if self.k == 0 {
            return Err(ExactError::ZeroK);
        }
        if self.k > most {
            return Err(ExactError::TooManyNeighbors {
                k: self.k,
                most,
                reference: reference.name(),
                n_ref,
                own_row: exclude_self,
            });
        }
        let value_bytes = if reference.is_single_precision() { 4 } else { 8 };
        let dim = reference.ncols();
        let plan = Plan::of_values(value_bytes, self.memory, dim, self.k, n_ref, n_query)?;
        let task = Task {
            metric: self.metric,
            k: self.k,
            exclude_self,
            kernel: self.kernel,
            interrupt: self.interrupt,
            progress: self.progress,
        };
        let job = Job { task, reference, queries: source, plan };
        if let Queries::External(_) = queries {
            // A fault in the last query must show before the first neighbor is handed over.
            let mut block = Block::<f64>::default();
            for rows in job.query_blocks() {
                block.read(source, rows, self.metric)?;
            }
        }
        Ok(job)
    }
}

/// What all parts of a search know.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) metric: ExactMetric,
    pub(crate) k: usize,
    /// Whether a query is the row of the same number, and not its own neighbor.
    pub(crate) exclude_self: bool,
    kernel: ScanKernel,
    interrupt: Option<&'a AtomicBool>,
    progress: Option<&'a (dyn Fn(u64, u64) + Sync)>,
}

impl Task<'_> {
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed))
    }

    /// The row that a query must not find.
    pub(crate) fn own_row(&self, query: usize) -> Option<usize> {
        self.exclude_self.then_some(query)
    }

    fn report(&self, done: u64, total: u64) {
        if let Some(progress) = self.progress {
            progress(done, total);
        }
    }
}

/// A search that was checked.
#[derive(Clone, Copy)]
#[must_use = "nothing is searched until it is run"]
pub struct Job<'a> {
    task: Task<'a>,
    reference: &'a dyn RowSource,
    queries: &'a dyn RowSource,
    plan: Plan,
}

impl<'a> Job<'a> {
    /// How many queries there are.
    #[must_use]
    pub fn n_query(&self) -> usize {
        self.queries.nrows()
    }

    /// How many rows they are compared with.
    #[must_use]
    pub fn n_ref(&self) -> usize {
        self.reference.nrows()
    }

    /// What is held in memory at a time.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// Searches, and hands the neighbors of all queries to `each`, in order, block by block: see
    /// [`Blocks::next_block`].
    ///
    /// # Errors
    /// Those of [`Blocks::next_block`], in the type of the errors of `each`; and what `each` returns.
    pub fn run<E: From<ExactError>>(
        self,
        mut each: impl FnMut(NeighborBlock) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut blocks = self.blocks();
        while let Some(block) = blocks.next_block()? {
            each(block)?;
        }
        Ok(())
    }

    /// The answers, a block at a time.
    pub fn blocks(self) -> Blocks<'a> {
        Blocks {
            next: 0,
            queries: Block::default(),
            rows: Reference::of(self.reference),
            coded_rows: CodedRows::none(self.task.metric, self.reference.ncols()),
            space: None,
            job: self,
        }
    }

    fn query_blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        blocks(self.n_query(), self.plan.query_rows)
    }
}

/// The answers of a [`Job`], block after block.
#[must_use = "nothing is searched until a block is asked for"]
pub struct Blocks<'a> {
    job: Job<'a>,
    /// The first query that was not answered yet.
    next: usize,
    queries: Block<f64>,
    rows: Reference,
    coded_rows: CodedRows,
    space: Option<Space>,
}

impl Blocks<'_> {
    /// Answers the next queries, `None` after the last one.
    ///
    /// Every row of a block has `k` neighbors, nearest first, equal ones in the order of their rows;
    /// their distances have double precision. Cost: one pass over the reference.
    ///
    /// # Errors
    /// [`ExactError::Row`] and [`ExactError::Interrupted`]. The next call begins the same block anew.
    pub fn next_block(&mut self) -> Result<Option<NeighborBlock>, ExactError> {
        let Blocks { job, next, queries, rows, coded_rows, space } = self;
        let Job { task, reference, plan, .. } = *job;
        let (n_ref, n_query) = (job.n_ref(), job.n_query());
        let query_rows = *next..n_query.min(*next + plan.query_rows);
        if query_rows.is_empty() {
            return Ok(None);
        }
        let total = plan.passes(n_query) as u64 * n_ref as u64;
        let mut done = (*next / plan.query_rows) as u64 * n_ref as u64;
        task.report(done, total);
        queries.read(job.queries, query_rows.clone(), task.metric)?;
        let mut groups = None;
        let mut nearest = vec![Nearest::new(task.k); queries.len()];
        for block in blocks(n_ref, plan.reference_rows) {
            if task.is_interrupted() {
                return Err(ExactError::Interrupted);
            }
            reference.will_need(block.end..block.end.saturating_add(plan.reference_rows));
            rows.read(reference, block, task.metric)?;
            if coded::takes(queries) {
                let space = space.get_or_insert_with(|| Space::new(task.metric, rows));
                let groups = groups.get_or_insert_with(|| coded::groups(space, queries));
                coded_rows.set(space, rows);
                let (rows, queries) = ((&*rows, &*coded_rows), (&*queries, groups.as_slice()));
                pass::compare(&task, task.kernel, rows, queries, &mut nearest);
            } else {
                direct::compare(&task, rows, queries, &mut nearest);
            }
            done += rows.len() as u64;
            task.report(done, total);
        }
        if task.is_interrupted() {
            return Err(ExactError::Interrupted);
        }
        *next = query_rows.end;
        let mut block = NeighborBlock::double(nearest.len(), task.k);
        for (mut row, nearest) in block.rows_mut().zip(nearest) {
            let keys = nearest.into_sorted();
            row.fill_wide(keys.into_iter().map(|key| key.neighbor(task.metric)));
        }
        Ok(Some(block))
    }
}

fn blocks(nrows: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..nrows).step_by(size).map(move |start| start..nrows.min(start + size))
}
