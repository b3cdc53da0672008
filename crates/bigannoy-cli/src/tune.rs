//! `bigannoy tune`

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use bigannoy::{Generator, Metric, Strategy};
use bigannoy_bench::report::{Table, write_table};
use bigannoy_bench::{DEFAULT_SAMPLE, Goal, TUNE_TREES, TuneOptions, tune};
use clap::Args;

use crate::bench::watched;
use crate::failure::Failure;
use crate::told;
use crate::values::{built_metric, count, number, number64};

/// Find the cheapest settings that reach a recall or a latency.
#[derive(Debug, Args)]
pub(crate) struct Tune {
    /// An index, with --reference; or the descriptor file of a reference: then indexes are built
    /// beside the system's temporary files and compared, for the number of trees.
    #[arg(value_name = "INDEX|REF.desc")]
    pub(crate) file: PathBuf,
    /// Descriptor file of the reference of the index.
    #[arg(long, value_name = "REF.desc")]
    pub(crate) reference: Option<PathBuf>,
    /// Descriptor file of queries like those to come [default: rows of the reference, each without
    /// itself].
    #[arg(long, value_name = "Q.desc")]
    pub(crate) query: Option<PathBuf>,
    /// The share of the true neighbors that is to be found, up to 1.
    #[arg(long, value_name = "SHARE", required_unless_present = "latency_ms")]
    pub(crate) recall: Option<f64>,
    /// The time that 95 percent of single queries may take, in milliseconds.
    #[arg(long, value_name = "MS", conflicts_with = "recall")]
    pub(crate) latency_ms: Option<f64>,
    /// Neighbors for each query.
    #[arg(short, value_name = "K", default_value_t = 10, value_parser = number)]
    pub(crate) k: usize,
    /// Queries to draw, at most: more make it surer.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SAMPLE, value_parser = number)]
    pub(crate) sample: usize,
    /// Seed of the sample, and of indexes that are built.
    #[arg(long, value_name = "N", default_value_t = 42, value_parser = number64)]
    pub(crate) seed: u64,
    /// How neighbors are looked for: annoy, as Annoy does, or cells, which is faster in large batches.
    #[arg(long, value_name = "NAME", default_value_t = Strategy::Annoy)]
    pub(crate) strategy: Strategy,
    /// Numbers of trees to build and compare [default: 10,20,50,100; with cells 1].
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        conflicts_with = "reference",
        value_parser = number
    )]
    pub(crate) n_trees: Option<Vec<usize>>,
    /// Metric of indexes that are built.
    #[arg(
        long,
        default_value_t = Metric::Euclidean,
        conflicts_with = "reference",
        value_parser = built_metric
    )]
    pub(crate) metric: Metric,
    /// Generator of indexes that are built.
    #[arg(
        long,
        value_name = "NAME",
        default_value_t = Generator::Default,
        conflicts_with = "reference"
    )]
    pub(crate) generator: Generator,
    /// Threads of builds and batches [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Directory for indexes that are built [default: the system's for temporary files].
    #[arg(long, value_name = "DIR")]
    pub(crate) path_dir: Option<PathBuf>,
    /// File for what was compared, as CSV (.csv) or JSON lines (.jsonl).
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Tune) -> Result<(), Failure> {
    if let Some(output) = &arguments.output {
        Table::check_path(output)?;
    }
    let mut sidecar = arguments.file.clone().into_os_string();
    sidecar.push(".meta");
    if arguments.reference.is_none() && Path::new(&sidecar).exists() {
        let index = arguments.file.display();
        return Err(format!("{index} is an index: --reference says which matrix it is over").into());
    }
    let tuning = tune(&arguments.options()?)?;
    if let Some(output) = &arguments.output {
        write_table(&tuning.table(), output)?;
    }
    write!(told::stdout(), "{}", tuning.advice())?;
    Ok(())
}

impl Tune {
    fn options(&self) -> Result<TuneOptions, Failure> {
        let goal = match (self.recall, self.latency_ms) {
            (Some(recall), _) => Goal::Recall(recall),
            (None, Some(limit)) => Goal::LatencyMs(limit),
            (None, None) => return Err("expected --recall or --latency-ms".into()),
        };
        let (reference, index) = match &self.reference {
            Some(reference) => (reference, Some(self.file.clone())),
            None => (&self.file, None),
        };
        let n_trees = self.n_trees.clone().unwrap_or_else(|| match self.strategy {
            Strategy::Cells => vec![1],
            _ => TUNE_TREES.to_vec(),
        });
        Ok(TuneOptions {
            index,
            query: self.query.clone(),
            k: self.k,
            metric: self.metric,
            generator: self.generator,
            strategy: self.strategy,
            n_trees,
            sample: self.sample,
            seed: self.seed,
            threads: self.threads.map(NonZeroUsize::get),
            path_dir: self.path_dir.clone(),
            watch: watched()?,
            ..TuneOptions::new(reference, goal)
        })
    }
}
