//! `compare serve`: our own figures, through the library.

use std::fs;
use std::path::Path;

use bigannoy::matrix::DenseRows;
use bigannoy::{
    BuildOptions, ExactMetric, ExactOptions, Generator, Index, Metric, NeighborBlock, OpenOptions,
    SearchOptions, Strategy,
};
use bigannoy_bench::Cost;
use serde_json::{Value, json};

use crate::Failure;
use crate::arguments::Arguments;
use crate::data::Rows;
use crate::prepare::{K, metric};
use crate::protocol::{answer, count, say, text};

const LADDER: [&str; 11] =
    ["100", "200", "400", "800", "1600", "3200", "6400", "12800", "25600", "51200", "102400"];

/// Answers requests about a forest of `--trees` trees, or with `--trees 0` about exact search.
///
/// `--index` names an index that is there; otherwise one is built in `--cache` by `--generator`,
/// unless it was before. `--strategy` says how it is searched, as Annoy does unless it is given.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Single queries are answered on this thread, without another to hand them to.
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    let data = arguments.path("data")?;
    let read = |name: &str| Rows::read_prepared(&data.join(name));
    let queries = read("test.npy")?;
    let trees: usize = arguments.value("trees")?;
    let metric = metric(&data)?;
    let version = format!("bigannoy {}", env!("CARGO_PKG_VERSION"));
    if trees == 0 {
        let train = read("train.npy")?;
        let metric: ExactMetric = metric.to_string().parse()?;
        say(&json!({
            "version": version, "ladder": ["exact"], "whole": false, "build_seconds": 0.0,
            "build_cpu": 0.0, "bytes": 4 * train.values.len(),
        }))?;
        return answer(|request| {
            respond(request, &queries, &mut |queries, k, threads| {
                let reference = DenseRows::row_major(&train.values, train.ncols);
                let options = ExactOptions::new(metric, k);
                let options = match threads {
                    None => options,
                    Some(threads) => options.threads(threads),
                };
                Ok(bigannoy::exact(&reference, queries, &options)?.neighbors)
            })
        });
    }
    let strategy: Strategy = arguments.find("strategy").unwrap_or("annoy").parse()?;
    let (mut index, mut built) = index(arguments, &data.join("train.desc"), metric, trees)?;
    built["version"] = version.into();
    built["ladder"] = LADDER.as_slice().into();
    built["whole"] = true.into();
    say(&built)?;
    answer(|request| {
        let budget: usize = text(request, "setting")?.parse()?;
        if request["fresh"] == true {
            index = bigannoy::open(index.path(), &OpenOptions::new().prefault(true))?;
        }
        respond(request, &queries, &mut |queries, k, threads| {
            let options = SearchOptions::new(k).strategy(strategy).search_k(budget);
            let options = match threads {
                None => options,
                Some(threads) => options.threads(threads),
            };
            Ok(index.search(queries, &options)?.neighbors)
        })
    })
}

/// Builds or opens the index, with what building it cost.
fn index(
    arguments: &Arguments,
    train: &Path,
    metric: Metric,
    trees: usize,
) -> Result<(Index, Value), Failure> {
    if let Some(path) = arguments.find("index") {
        let index = bigannoy::open(path, &OpenOptions::new().prefault(true))?;
        let bytes = fs::metadata(path)?.len();
        return Ok((index, json!({ "build_seconds": null, "build_cpu": null, "bytes": bytes })));
    }
    let threads: usize = arguments.value("threads")?;
    let generator: Generator = arguments.value("generator")?;
    let path = arguments.path("cache")?.join(format!("bigannoy-{generator}-{trees}.ann"));
    let options = BuildOptions::new(metric)
        .trees(trees)
        .threads(threads)
        .generator(generator)
        .overwrite(true);
    // Built anew in every run: it is quick, and the code may be another.
    let (index, cost) = Cost::of(|| bigannoy::build(train, &path, &options));
    let bytes = fs::metadata(&path)?.len();
    let built = json!({ "build_seconds": cost.elapsed, "build_cpu": cost.cpu, "bytes": bytes });
    Ok((index?, built))
}

/// A search for so many neighbors with so many threads, or on the one that it is called on.
type Answer<'a> =
    dyn FnMut(&DenseRows<'_, f32>, usize, Option<usize>) -> Result<NeighborBlock, Failure> + 'a;

fn respond(request: &Value, queries: &Rows, search: &mut Answer<'_>) -> Result<Value, Failure> {
    let asked = count(request, "queries")?.min(queries.nrows());
    let asked = &queries.values[..asked * queries.ncols];
    let k = if request["k"].is_null() { K } else { count(request, "k")? };
    let rows = |values| DenseRows::row_major(values, queries.ncols);
    let (found, cost) = if text(request, "op")? == "single" {
        Cost::of(|| {
            let mut all = NeighborBlock::new(0, k);
            for query in asked.chunks_exact(queries.ncols) {
                all.append(&search(&rows(query), k, None)?);
            }
            Ok::<_, Failure>(all)
        })
    } else {
        let threads = count(request, "threads")?;
        Cost::of(|| search(&rows(asked), k, Some(threads)))
    };
    let found = found?;
    let mut ids = vec![-1_i32; found.nrows() * k];
    for (ids, row) in ids.chunks_exact_mut(k).zip(found.rows()) {
        for (id, near) in ids.iter_mut().zip(row) {
            *id = i32::try_from(near.item)?;
        }
    }
    fs::write(text(request, "out")?, bytemuck::cast_slice(&ids))?;
    Ok(json!({ "seconds": cost.elapsed, "cpu": cost.cpu }))
}
