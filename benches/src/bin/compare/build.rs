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

/// Times that a forest is built, each in memory that the one before gave back.
///
/// A virtual machine's first use of memory, which its host took back while it was free, costs several times what
/// filling it does.
const ROUNDS: usize = 2;

/// Builds a forest of `--trees` trees over the reference in `--data` on `--threads` threads by
/// `--generator`, [`ROUNDS`] times, and tells the least that adding the rows and growing the trees cost.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let data = arguments.path("data")?;
    let train = BigMatrix::attach(data.join("train.desc"))?;
    let generator: Generator = arguments.value("generator")?;
    let builder = IndexBuilder::new(metric(&data)?)
        .generator(generator)
        .trees(arguments.value("trees")?)
        .threads(arguments.value("threads")?);
    let (mut rows, mut trees, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let mut store = Watched {
            store: MemoryStore::default(),
            watch: Stopwatch::start(),
            rows: Cost::default(),
        };
        bytes = builder.build(&train, &mut store)?.bytes;
        rows.push(store.rows);
        trees.push(store.watch.lap());
    }
    let least = |costs: &[Cost], part: fn(&Cost) -> Option<f64>| {
        costs.iter().filter_map(part).min_by(f64::total_cmp)
    };
    let elapsed = |cost: &Cost| Some(cost.elapsed);
    say(&json!({
        "rows_seconds": least(&rows, elapsed), "rows_cpu": least(&rows, |cost| cost.cpu),
        "trees_seconds": least(&trees, elapsed), "trees_cpu": least(&trees, |cost| cost.cpu),
        "bytes": bytes,
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
