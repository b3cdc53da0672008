//! What can be said to `bigannoy bench`. Names and defaults are those of bigANNOY's benchmarks.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use bigannoy::{DEFAULT_BLOCK_ROWS, Generator, LoadMode, Metric, Strategy};
use bigannoy_bench::{BenchOptions, Queries, Shape, VolumeGrid};
use clap::{Args, Subcommand, ValueEnum};

use crate::values::{built_metric, count, number, number64};

/// Measure builds and searches, on your data or on synthetic data.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One build, one search.
    Single(Single),
    /// A grid of trees and budgets on one data set; each number of trees is built once.
    Recall(Recall),
    /// The same work from files and from plain arrays in memory.
    Compare(Single),
    /// The comparison over a grid of sizes of synthetic data.
    Volume(Volume),
}

#[derive(Debug, Args)]
pub(crate) struct Single {
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) size: Size,
    /// Trees.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = number)]
    pub(crate) n_trees: usize,
    /// Items to gather before ranking, or -1 for K times the number of trees, with cells for a sixteenth
    /// of the rows.
    #[arg(long, value_name = "N", default_value = "-1")]
    pub(crate) search_k: Budget,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Recall {
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) size: Size,
    /// Numbers of trees.
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "10,50,100",
        value_parser = number
    )]
    pub(crate) n_trees: Vec<usize>,
    /// Budgets; -1 stands for K times the number of trees, with cells for a sixteenth of the rows.
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "-1,1000,5000",
        allow_hyphen_values = true
    )]
    pub(crate) search_k: Vec<Budget>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Volume {
    /// Rows of the references.
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "2000,5000,10000",
        value_parser = number
    )]
    pub(crate) n_ref: Vec<usize>,
    /// Queries.
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "200",
        value_parser = number
    )]
    pub(crate) n_query: Vec<usize>,
    /// Columns.
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "20,50",
        value_parser = number
    )]
    pub(crate) n_dim: Vec<usize>,
    /// Search for the rows of the references themselves.
    #[arg(long)]
    pub(crate) self_search: bool,
    /// Trees.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = number)]
    pub(crate) n_trees: usize,
    /// Items to gather before ranking, or -1 for K times the number of trees, with cells for a sixteenth
    /// of the rows.
    #[arg(long, value_name = "N", default_value = "-1")]
    pub(crate) search_k: Budget,
    /// Find exact neighbors too, for the recall.
    #[arg(long)]
    pub(crate) exact: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// A reference and queries of one's own.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// Descriptor file of the reference [default: synthetic].
    #[arg(value_name = "REF.desc")]
    pub(crate) reference: Option<PathBuf>,
    /// Descriptor file of the queries [default: synthetic, for a synthetic reference].
    #[arg(long, value_name = "Q.desc")]
    pub(crate) query: Option<PathBuf>,
    /// Search for the rows of the reference themselves, each without itself.
    #[arg(long, conflicts_with = "query")]
    pub(crate) self_search: bool,
    /// Do not find the exact neighbors: no recall.
    #[arg(long)]
    pub(crate) no_exact: bool,
}

/// The size of synthetic data.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the names of bigANNOY")]
pub(crate) struct Size {
    /// Rows of a synthetic reference.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2_000,
        conflicts_with = "reference",
        value_parser = number
    )]
    pub(crate) n_ref: usize,
    /// Synthetic queries.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
        conflicts_with = "query",
        value_parser = number
    )]
    pub(crate) n_query: usize,
    /// Columns of synthetic data.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        conflicts_with = "reference",
        value_parser = number
    )]
    pub(crate) n_dim: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Neighbors for each query.
    #[arg(short, value_name = "K", default_value_t = 10, value_parser = number)]
    pub(crate) k: usize,
    /// What near means: euclidean, angular, manhattan or dot.
    #[arg(long, default_value_t = Metric::Euclidean, value_parser = built_metric)]
    pub(crate) metric: Metric,
    /// How synthetic rows are distributed: normal, clustered, manifold (on a curved surface of 8
    /// dimensions) or duplicates.
    #[arg(long, value_name = "NAME", default_value_t = Shape::Normal)]
    pub(crate) shape: Shape,
    /// Seed of synthetic data, and of the index.
    #[arg(long, value_name = "N", default_value_t = 42, value_parser = number64)]
    pub(crate) seed: u64,
    /// Seed of the index [default: SEED].
    #[arg(long, value_name = "N", value_parser = number64)]
    pub(crate) build_seed: Option<u64>,
    /// How trees are grown: default, or annoy as RcppAnnoy does.
    #[arg(long, value_name = "NAME", default_value_t = Generator::Default)]
    pub(crate) generator: Generator,
    /// How neighbors are looked for: annoy, as Annoy does, or cells.
    #[arg(long, value_name = "NAME", default_value_t = Strategy::Annoy)]
    pub(crate) strategy: Strategy,
    /// Threads of builds [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) build_threads: Option<NonZeroUsize>,
    /// Threads of searches [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Queries that are read, answered and written at a time.
    #[arg(long, value_name = "ROWS", default_value_t = DEFAULT_BLOCK_ROWS, value_parser = number)]
    pub(crate) block_size: usize,
    /// Put synthetic data into file-backed matrices.
    #[arg(long)]
    pub(crate) filebacked: bool,
    /// Directory for the files [default: the system's for temporary files].
    #[arg(long, value_name = "DIR")]
    pub(crate) path_dir: Option<PathBuf>,
    /// Keep the files.
    #[arg(long)]
    pub(crate) keep_files: bool,
    /// When the index is mapped.
    #[arg(long, value_enum, default_value_t = Load::Eager)]
    pub(crate) load_mode: Load,
    /// Timed searches, of which the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = number)]
    pub(crate) repetitions: usize,
    /// Single queries whose latency is taken, at most.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = number)]
    pub(crate) latency_queries: usize,
    /// File for the summary, as CSV (.csv) or JSON lines (.jsonl). Without it the summary is printed
    /// as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// HTML file for a page with tables and plots, which needs no other file.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
}

/// When an index is mapped.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Load {
    /// Before the timed searches.
    Eager,
    /// Within each.
    Lazy,
}

/// A budget, or -1 where it is to be the default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget(pub(crate) Option<usize>);

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number: i64 = text.parse().map_err(|_| "expected a whole number".to_owned())?;
        match usize::try_from(number) {
            Ok(budget) if budget > 0 => Ok(Budget(Some(budget))),
            _ if number == -1 => Ok(Budget(None)),
            _ => Err("expected a number of at least 1, or -1 for the default".to_owned()),
        }
    }
}

impl Common {
    pub(crate) fn options(&self) -> BenchOptions {
        BenchOptions {
            k: self.k,
            metric: self.metric,
            shape: self.shape,
            seed: self.seed,
            build_seed: self.build_seed,
            generator: self.generator,
            strategy: self.strategy,
            build_threads: self.build_threads.map(NonZeroUsize::get),
            search_threads: self.threads.map(NonZeroUsize::get),
            block_rows: self.block_size,
            filebacked: self.filebacked,
            path_dir: self.path_dir.clone(),
            keep_files: self.keep_files,
            load_mode: match self.load_mode {
                Load::Eager => LoadMode::Eager,
                Load::Lazy => LoadMode::Lazy,
            },
            repetitions: self.repetitions,
            latency_queries: self.latency_queries,
            ..BenchOptions::default()
        }
    }
}

impl Data {
    fn queries(&self) -> Queries {
        match &self.query {
            Some(path) => Queries::Matrix(path.clone()),
            None if self.self_search => Queries::OwnRows,
            None => Queries::Synthetic,
        }
    }

    /// The options, with these matrices and sizes.
    pub(crate) fn options(&self, size: &Size, common: &Common) -> BenchOptions {
        BenchOptions {
            reference: self.reference.clone(),
            queries: self.queries(),
            exact: !self.no_exact,
            n_ref: size.n_ref,
            n_query: size.n_query,
            n_dim: size.n_dim,
            ..common.options()
        }
    }
}

impl Single {
    pub(crate) fn options(&self) -> BenchOptions {
        BenchOptions {
            n_trees: self.n_trees,
            search_k: self.search_k.0,
            ..self.data.options(&self.size, &self.common)
        }
    }
}

impl Volume {
    pub(crate) fn options(&self) -> BenchOptions {
        BenchOptions {
            queries: if self.self_search { Queries::OwnRows } else { Queries::Synthetic },
            n_trees: self.n_trees,
            search_k: self.search_k.0,
            exact: self.exact,
            ..self.common.options()
        }
    }

    pub(crate) fn grid(&self) -> VolumeGrid {
        VolumeGrid {
            n_ref: self.n_ref.clone(),
            n_query: self.n_query.clone(),
            n_dim: self.n_dim.clone(),
        }
    }
}
