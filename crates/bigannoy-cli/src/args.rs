//! What can be said on the command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use bigannoy::format::Variant;
use bigannoy::{
    BuildOptions, DEFAULT_BLOCK_ROWS, DEFAULT_MEMORY, DEFAULT_TOLERANCE, DEFAULT_TREES,
    ExactMetric, ExactOptions, Generator, Input, Level, Metric, OpenOptions, RecallCheck,
    Sketching, Strategy,
};
use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bench::Bench;
use crate::matrix::Matrix;
use crate::rows::RowsArgument;
use crate::tune::Tune;
use crate::values::{built_metric, count, number, size, tolerance};

/// Approximate nearest neighbors over R's big.matrix files, from disk to disk.
#[derive(Debug, Parser)]
#[command(name = "bigannoy", version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build an Annoy index over the rows of a matrix.
    Build(Build),
    /// Find the neighbors of the rows of a matrix, or of the index itself. Under dot the distance
    /// is the inner product: larger is nearer, and the largest comes first.
    Search(Search),
    /// Find the exact neighbors of the rows of a matrix, or of the reference itself, by comparing all
    /// rows: no index is needed.
    Exact(Exact),
    /// Tell how many of the exact neighbors an approximate search found.
    Recall(Recall),
    /// Measure builds and searches, on your data or on synthetic data.
    Bench(Bench),
    /// Find the cheapest settings that reach a recall or a latency.
    Tune(Tune),
    /// Tell what an index or a descriptor is, in lines of `name: value`.
    ///
    /// Of an index, `nodes` are the splits and leaves of all trees. An item that stands alone below a
    /// split is a leaf without a record of its own: `lone_items` counts these, and the trees have `nodes`
    /// less `lone_items` records, the copies of the roots not counted.
    Info(Info),
    /// Check that an index is whole, is what its sidecar says, and is still about its reference.
    Validate(Validate),
    /// Create, look at, import and export matrices.
    Matrix(Matrix),
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// Descriptor file of the reference matrix.
    #[arg(value_name = "REF.desc")]
    pub(crate) reference: PathBuf,
    /// Index file to write; its sidecar gets the same name with `.meta` appended.
    #[arg(long, value_name = "FILE")]
    pub(crate) index: PathBuf,
    /// Trees: more give higher recall, a longer build and a larger file.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TREES, value_parser = number)]
    pub(crate) trees: usize,
    /// What near means: euclidean, angular, manhattan or dot.
    #[arg(long, default_value_t = Metric::Euclidean, value_parser = built_metric)]
    pub(crate) metric: Metric,
    /// Seed of the random choices: the same seed gives the same file. Negative ones are those of R
    /// and Python [default: 42; with the generators annoy and annoy-fused, Annoy's own].
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// How trees are grown. default: in parallel, with better recall. annoy: the file is byte for
    /// byte that of RcppAnnoy for the same rows, metric, trees and seed. annoy-fused: the same where
    /// its compiler fused multiplication and addition, as on ARM.
    #[arg(long, value_name = "NAME", default_value_t = Generator::Default)]
    pub(crate) generator: Generator,
    /// Threads; the file does not depend on them [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Memory that the build may take, the matrix and the index not counted: 256MB, 1GiB. Less takes
    /// longer; the file does not depend on it [default: what it takes to grow several trees on each
    /// thread].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<ByteSize>,
    /// Rows that are read at a time; the file does not depend on it [default: as many as have 4 MiB].
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) block_size: Option<NonZeroUsize>,
    /// Replace an index that exists.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Read the matrix with system calls instead of mapping it: for network file systems, and for
    /// files that others may shorten.
    #[arg(long)]
    pub(crate) unmapped: bool,
    #[command(flatten)]
    pub(crate) metadata: Metadata,
}

/// A seed: 64 bits, of which Annoy takes a negative number's as they are.
fn seed(text: &str) -> Result<u64, String> {
    let negative = || text.parse::<i64>().map(i64::cast_unsigned);
    text.parse::<u64>()
        .or_else(|_| negative())
        .map_err(|_| format!("expected a whole number from {} to {}", i64::MIN, u64::MAX))
}

/// The matrix of a descriptor file, mapped or not.
fn input(path: &Path, unmapped: bool) -> Input<'_> {
    if unmapped { Input::unmapped(path) } else { path.into() }
}

impl Search {
    pub(crate) fn queries(&self) -> Option<Input<'_>> {
        self.query.as_deref().map(|query| input(query, self.unmapped))
    }
}

impl Build {
    pub(crate) fn input(&self) -> Input<'_> {
        input(&self.reference, self.unmapped)
    }

    pub(crate) fn options(&self) -> BuildOptions {
        let mut options = BuildOptions::new(self.metric)
            .trees(self.trees)
            .generator(self.generator)
            .overwrite(self.overwrite);
        if let Some(seed) = self.seed {
            options = options.seed(seed);
        }
        if let Some(path) = &self.metadata.metadata {
            options = options.metadata_path(path);
        }
        if let Some(threads) = self.threads {
            options = options.threads(threads.get());
        }
        if let Some(memory) = self.memory {
            options = options.memory_budget(memory.as_u64());
        }
        if let Some(rows) = self.block_size {
            options = options.block_rows(rows.get());
        }
        options
    }
}

#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "`search_k` is Annoy's word")]
#[expect(clippy::struct_excessive_bools, reason = "flags as they are typed")]
pub(crate) struct Search {
    /// Index file.
    #[arg(value_name = "INDEX.ann")]
    pub(crate) index: PathBuf,
    /// Descriptor file of the queries. Without it the rows of the index are searched for, each
    /// without itself.
    #[arg(long, value_name = "Q.desc")]
    pub(crate) query: Option<PathBuf>,
    /// Neighbors for each query.
    #[arg(short, value_name = "K", default_value_t = 10, value_parser = number)]
    pub(crate) k: usize,
    /// How neighbors are looked for: annoy, as Annoy does, or cells, which is faster in large batches and
    /// whose answers are not Annoy's.
    #[arg(long, value_name = "NAME", default_value_t = Strategy::Annoy)]
    pub(crate) strategy: Strategy,
    /// Items to gather before ranking: more give higher recall and a longer search [default: K
    /// times the number of trees; with cells a sixteenth of all items, at least 100 K].
    #[arg(long, value_name = "N", conflicts_with = "exhaustive", value_parser = number)]
    pub(crate) search_k: Option<usize>,
    /// Compare each query with all items, without the trees.
    #[arg(long)]
    pub(crate) exhaustive: bool,
    /// Whether short copies of the items and planes, kept in memory while searching, save reading most
    /// of the index: auto makes them as soon as it pays. No answer depends on it.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Sketch::Auto)]
    pub(crate) sketch: Sketch,
    /// Fail where a query has fewer than K neighbors. Without it they are NA.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Gather twice as many items, again and again, for a query that has fewer than K neighbors.
    #[arg(long)]
    pub(crate) widen: bool,
    /// Answer queries with missing or infinite values by NA. Without it they are an error.
    #[arg(long, requires = "query")]
    pub(crate) skip_missing: bool,
    /// Let rows of the index be their own neighbors.
    #[arg(long, conflicts_with = "query")]
    pub(crate) include_self: bool,
    /// Rows of the index, counted from 1, that alone may be neighbors: a list like 1,5,10-20, or a
    /// file of such lists, in lines or separated by blanks.
    #[arg(long, value_name = "ROWS")]
    pub(crate) only_rows: Option<RowsArgument>,
    /// Rows of the index that may not be neighbors, as --only-rows.
    #[arg(long, value_name = "ROWS")]
    pub(crate) not_rows: Option<RowsArgument>,
    /// Rank the candidates anew, with distances in double precision, by the reference matrix of
    /// which this is the descriptor file.
    #[arg(long, value_name = "REF.desc")]
    pub(crate) rerank: Option<PathBuf>,
    /// Candidates for each query that are ranked anew [default: twice K, and at least K + 10].
    #[arg(long, value_name = "N", requires = "rerank", value_parser = number)]
    pub(crate) candidates: Option<usize>,
    /// Threads; the answers do not depend on them [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Queries that are read, answered and written at a time, at most; the answers do not depend on
    /// it.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BLOCK_ROWS, value_parser = number)]
    pub(crate) block_size: usize,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Go on with a search that was killed or interrupted: what it had answered stands in OUT.journal
    /// beside the ids. The result is the same as if it had never been broken off.
    #[arg(long, conflicts_with = "restart", requires = "ids")]
    pub(crate) resume: bool,
    /// Begin anew, whatever an earlier search has left unfinished.
    #[arg(long, requires = "ids")]
    pub(crate) restart: bool,
    /// Read the queries with system calls instead of mapping them: for network file systems, and
    /// for files that others may shorten.
    #[arg(long, requires = "query")]
    pub(crate) unmapped: bool,
    #[command(flatten)]
    pub(crate) metadata: Metadata,
    #[command(flatten)]
    pub(crate) layout: Layout,
}

/// Where neighbors go.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// File that takes the ids, counted from 1. OUT.npy: a new array, a row for each query. OUT.csv:
    /// a new table of queries, ranks, ids and distances. Any other name: the descriptor file of a
    /// matrix, created if it does not exist. Without it that table is printed.
    #[arg(long, value_name = "OUT")]
    pub(crate) ids: Option<PathBuf>,
    /// File that takes the distances, of the same kind.
    #[arg(long, value_name = "OUT", requires = "ids")]
    pub(crate) distances: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Exact {
    /// Descriptor file of the reference matrix.
    #[arg(value_name = "REF.desc")]
    pub(crate) reference: PathBuf,
    /// Descriptor file of the queries. Without it the rows of the reference are searched for, each
    /// without itself.
    #[arg(long, value_name = "Q.desc")]
    pub(crate) query: Option<PathBuf>,
    /// Neighbors for each query.
    #[arg(short, value_name = "K", default_value_t = 10, value_parser = number)]
    pub(crate) k: usize,
    /// What near means: euclidean, sqeuclidean, angular, cosine, manhattan or dot. Under dot the
    /// distance is the inner product: larger is nearer, and the largest comes first.
    #[arg(long, default_value_t = ExactMetric::Euclidean)]
    pub(crate) metric: ExactMetric,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Threads; the answers do not depend on them [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Memory for queries, rows and neighbors: 256MB, 1GiB. With less, the reference is read more often
    /// [default: 256MiB].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<ByteSize>,
    /// Let a row of the reference be its own neighbor.
    #[arg(long, conflicts_with = "query")]
    pub(crate) include_self: bool,
    /// Read the matrices with system calls instead of mapping them: for network file systems, and
    /// for files that others may shorten.
    #[arg(long)]
    pub(crate) unmapped: bool,
}

/// A size in bytes, as far as this processor can count.
fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

impl Exact {
    pub(crate) fn reference(&self) -> Input<'_> {
        input(&self.reference, self.unmapped)
    }

    pub(crate) fn queries(&self) -> Option<Input<'_>> {
        self.query.as_deref().map(|query| input(query, self.unmapped))
    }

    pub(crate) fn options(&self) -> ExactOptions {
        let options = ExactOptions::new(self.metric, self.k)
            .memory(self.memory.map_or(DEFAULT_MEMORY, bytes))
            .include_self(self.include_self);
        match self.threads {
            Some(threads) => options.threads(threads.get()),
            None => options,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Recall {
    /// Descriptor file of the ids that were found: a row for each query, counted from 1.
    #[arg(value_name = "APPROX_IDS.desc")]
    approximate: PathBuf,
    /// Descriptor file of the exact ids.
    #[arg(value_name = "EXACT_IDS.desc")]
    exact: PathBuf,
    /// Recall at so many neighbors [default: the columns of the exact ids].
    #[arg(short, value_name = "K", value_parser = number)]
    k: Option<usize>,
    /// Descriptor files of the distances of both, in this order: neighbors as near as the last exact
    /// one count, whichever they are.
    #[arg(
        long,
        num_args = 2,
        value_names = ["APPROX.desc", "EXACT.desc"],
        conflicts_with = "reference"
    )]
    distances: Option<Vec<PathBuf>>,
    /// Descriptor file of the reference, from which all distances are computed instead.
    #[arg(long, value_name = "REF.desc")]
    reference: Option<PathBuf>,
    /// Descriptor file of the queries. Without it the rows of the reference were searched for.
    #[arg(long, value_name = "Q.desc", requires = "reference")]
    query: Option<PathBuf>,
    /// What near means: euclidean, sqeuclidean, angular, cosine, manhattan or dot. It matters for
    /// distances only.
    #[arg(long, default_value_t = ExactMetric::Euclidean)]
    metric: ExactMetric,
    /// How far, relative to it, a given distance may lie above the last exact one and still count as
    /// equal.
    #[arg(
        long,
        value_name = "X",
        default_value_t = DEFAULT_TOLERANCE,
        requires = "distances",
        value_parser = tolerance
    )]
    tolerance: f64,
    /// Print a line for each query as CSV instead of a summary.
    #[arg(long)]
    pub(crate) per_query: bool,
}

impl Recall {
    pub(crate) fn check(&self) -> RecallCheck<'_> {
        let mut check = RecallCheck::new(&self.approximate, &self.exact)
            .metric(self.metric)
            .tolerance(self.tolerance);
        if let Some(k) = self.k {
            check = check.k(k);
        }
        if let Some([approximate, exact]) = self.distances.as_deref() {
            check = check.distances(approximate, exact);
        }
        match &self.reference {
            Some(reference) => check.vectors(reference, self.query.as_ref().map(Input::from)),
            None => check,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// An index or a descriptor.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Read the whole index, items too, and check that it is undamaged.
    #[arg(long)]
    pub(crate) deep: bool,
    #[command(flatten)]
    pub(crate) metadata: Metadata,
    #[command(flatten)]
    pub(crate) layout: Layout,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Index file.
    #[arg(value_name = "INDEX")]
    pub(crate) index: PathBuf,
    /// How far to go, each level after those before it: fields (sizes, names, both ends of the
    /// file), structure (every record), checksum (every byte), reference (the rows that it was built
    /// from) [default: checksum; with --reference, reference].
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<Level>,
    /// Make all checks, also where one has failed that makes the index unusable. Without it that is
    /// the last one. The exit status is 1 in both cases.
    #[arg(long)]
    pub(crate) lenient: bool,
    /// Descriptor file of the matrix that the index should have been built from.
    #[arg(long, value_name = "REF.desc", required_if_eq("level", "reference"))]
    reference: Option<PathBuf>,
    /// Read the reference with system calls instead of mapping it: for network file systems, and for
    /// files that others may shorten.
    #[arg(long, requires = "reference")]
    unmapped: bool,
    #[command(flatten)]
    metadata: Metadata,
    #[command(flatten)]
    layout: Layout,
}

impl Validate {
    pub(crate) fn reference(&self) -> Option<Input<'_>> {
        self.reference.as_deref().map(|reference| input(reference, self.unmapped))
    }

    pub(crate) fn open(&self) -> OpenOptions {
        self.metadata.of(self.layout.options())
    }
}

/// Where the sidecar is.
#[derive(Debug, Args)]
pub(crate) struct Metadata {
    /// Sidecar of the index [default: the index's name with `.meta` appended].
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,
}

impl Metadata {
    pub(crate) fn of(&self, options: OpenOptions) -> OpenOptions {
        match &self.metadata {
            Some(path) => options.metadata_path(path),
            None => options,
        }
    }
}

/// Whether a search keeps short copies of the index in memory.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Sketch {
    /// As soon as it pays.
    Auto,
    /// From the first query on.
    Always,
    /// At no time.
    Never,
}

impl Sketch {
    pub(crate) fn choice(self) -> Sketching {
        match self {
            Sketch::Auto => Sketching::Auto,
            Sketch::Always => Sketching::Always,
            Sketch::Never => Sketching::Never,
        }
    }
}

/// What an index is that has no sidecar.
#[derive(Debug, Args)]
pub(crate) struct Layout {
    /// Metric of an index without sidecar: euclidean, angular, manhattan, dot or hamming.
    #[arg(long, requires = "dim")]
    pub(crate) metric: Option<Metric>,
    /// Dimensions of an index without sidecar; for hamming the number of bits, which is 64 times
    /// the dimension in R.
    #[arg(long, value_name = "N", requires = "metric", value_parser = number)]
    pub(crate) dim: Option<usize>,
    /// Record layout of a dot or hamming index where the file does not tell: released, wide-dot or
    /// packed-hamming.
    #[arg(long = "record-layout", value_name = "NAME")]
    pub(crate) variant: Option<Variant>,
}

impl Layout {
    pub(crate) fn is_given(&self) -> bool {
        self.metric.is_some()
    }

    pub(crate) fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        if let (Some(metric), Some(dim)) = (self.metric, self.dim) {
            options = options.layout(metric, dim);
        }
        match self.variant {
            Some(variant) => options.variant(variant),
            None => options,
        }
    }
}
