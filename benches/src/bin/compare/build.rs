//! `compare build`: what the parts of a build cost, in memory, as other libraries build.

use std::io;

use bigannoy::{BigMatrix, Generator};
use bigannoy_bench::{Cost, Stopwatch};
use bigannoy_build::{ForestStore, IndexBuilder, MemoryStore};
use serde_json::json;

use crate::Failure;
use crate::arguments::Arguments;
use crate::prepare::metric;
use crate::protocol::say;

/// Builds a forest of `--trees` trees over the reference in `--data` on `--threads` threads by
/// `--generator`, and tells what adding the rows and growing the trees cost.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let data = arguments.path("data")?;
    let train = BigMatrix::attach(data.join("train.desc"))?;
    let generator: Generator = arguments.value("generator")?;
    let builder = IndexBuilder::new(metric(&data)?)
        .generator(generator)
        .trees(arguments.value("trees")?)
        .threads(arguments.value("threads")?);
    let mut store =
        Watched { store: MemoryStore::default(), watch: Stopwatch::start(), rows: Cost::default() };
    let report = builder.build(&train, &mut store)?;
    let (rows, trees) = (store.rows, store.watch.lap());
    say(&json!({
        "rows_seconds": rows.elapsed, "rows_cpu": rows.cpu,
        "trees_seconds": trees.elapsed, "trees_cpu": trees.cpu, "bytes": report.bytes,
    }))
}

/// Memory, with a look at the watch when all rows are there.
struct Watched {
    store: MemoryStore,
    watch: Stopwatch,
    rows: Cost,
}

impl ForestStore for Watched {
    type Items = <MemoryStore as ForestStore>::Items;

    fn append(&mut self, records: &[u32]) -> io::Result<()> {
        self.store.append(records)
    }

    fn room(&mut self, words: usize) -> io::Result<Option<&mut [u32]>> {
        self.store.room(words)
    }

    fn items(&mut self) -> io::Result<Self::Items> {
        self.rows = self.watch.lap();
        self.store.items()
    }
}
