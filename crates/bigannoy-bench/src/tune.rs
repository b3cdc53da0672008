//! From a goal to the cheapest settings that reach it.

use std::path::PathBuf;

use bigannoy::{Generator, Index, Metric, NeighborBlock, OpenOptions, Strategy};
use bigannoy_report::{Cell, Table};

use crate::data::{DataSet, Place, Rows};
use crate::exact::Exact;
use crate::run::{Built, Searchable, build, latency};
use crate::sample::{Sample, without_own};
use crate::settings::check_k;
use crate::{BenchError, BenchOptions, Cost, Interval, Queries, Watch};

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// This recall, or more: the lower end of its interval has to reach it.
    Recall(f64),
    /// At most so many milliseconds for 95 percent of single queries, on one thread.
    LatencyMs(f64),
}

/// Numbers of trees that are tried where none are named.
pub const TUNE_TREES: [usize; 4] = [10, 20, 50, 100];

/// Queries of a sample where no number is named.
pub const DEFAULT_SAMPLE: usize = 500;

/// How settings are looked for.
#[derive(Clone, Debug)]
pub struct TuneOptions {
    /// Descriptor file of the reference.
    pub reference: PathBuf,
    /// The index over it. Default: none, indexes with the numbers of trees of `n_trees` are built and
    /// compared.
    pub index: Option<PathBuf>,
    /// Descriptor file of queries like those to come. Default: none, rows of the reference, each
    /// without itself.
    pub query: Option<PathBuf>,
    /// Neighbors for each query. Default: 10.
    pub k: usize,
    /// The metric of indexes that are built. Default: euclidean.
    pub metric: Metric,
    /// By which definition they are built. Default: [`Generator::Default`].
    pub generator: Generator,
    /// How neighbors are looked for. Default: [`Strategy::Annoy`].
    pub strategy: Strategy,
    /// Numbers of trees that are tried, ascending. Default: [`TUNE_TREES`]. Under [`Strategy::Cells`]
    /// one is enough, for no other is looked at.
    pub n_trees: Vec<usize>,
    /// What is to be reached.
    pub goal: Goal,
    /// Queries that are drawn for it, at most. Default: [`DEFAULT_SAMPLE`].
    pub sample: usize,
    /// Seed of the sample, and of indexes that are built. Default: 42.
    pub seed: u64,
    /// Threads of builds and batches. Default: none, one for each processor.
    pub threads: Option<usize>,
    /// The directory in which a directory for indexes is made. Default: the system's for temporary
    /// files.
    pub path_dir: Option<PathBuf>,
    /// Who is told what is being done, and who may end it.
    pub watch: Watch,
}

impl TuneOptions {
    /// Settings for a goal over a reference, everything else at its default.
    #[must_use]
    pub fn new(reference: impl Into<PathBuf>, goal: Goal) -> Self {
        TuneOptions {
            reference: reference.into(),
            index: None,
            query: None,
            k: 10,
            metric: Metric::Euclidean,
            generator: Generator::Default,
            strategy: Strategy::default(),
            n_trees: TUNE_TREES.to_vec(),
            goal,
            sample: DEFAULT_SAMPLE,
            seed: 42,
            threads: None,
            path_dir: None,
            watch: Watch::default(),
        }
    }

    fn check(&self) -> Result<(), BenchError> {
        match self.goal {
            Goal::Recall(recall) if !(recall > 0.0 && recall <= 1.0) => {
                return Err(BenchError::setting("the recall", recall, "above 0, at most 1"));
            }
            Goal::LatencyMs(limit) if !(limit > 0.0 && limit.is_finite()) => {
                return Err(BenchError::setting("the latency", limit, "above 0 milliseconds"));
            }
            _ => {}
        }
        if self.sample < 2 {
            return Err(BenchError::setting("the sample", self.sample, "at least 2 queries"));
        }
        let rising = self.n_trees.is_sorted_by(|a, b| a < b);
        if self.index.is_none() && (self.n_trees.is_empty() || self.n_trees[0] == 0 || !rising) {
            let found = format!("{:?}", self.n_trees);
            return Err(BenchError::setting("n_trees", found, "rising numbers of at least 1"));
        }
        self.bench().check()
    }

    fn bench(&self) -> BenchOptions {
        BenchOptions {
            reference: Some(self.reference.clone()),
            queries: Queries::OwnRows,
            k: self.k,
            metric: self.metric,
            generator: self.generator,
            strategy: self.strategy,
            seed: self.seed,
            build_threads: self.threads,
            search_threads: self.threads,
            path_dir: self.path_dir.clone(),
            watch: self.watch.clone(),
            ..BenchOptions::default()
        }
    }
}

/// The cheapest budget that reaches the goal with some number of trees, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuned {
    /// Trees.
    pub n_trees: usize,
    /// Items to gather before ranking.
    pub search_k: usize,
    /// The recall to expect.
    pub recall: Interval,
    /// Queries per second in a batch.
    pub queries_per_second: f64,
    /// The time that 95 percent of single queries do not exceed, in milliseconds.
    pub latency_p95_ms: f64,
    /// Seconds that building the index took, if it was built here.
    pub build_elapsed: Option<f64>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// For each number of trees that reaches the goal, its cheapest budget.
    pub candidates: Vec<Tuned>,
    /// Which of them is recommended.
    pub best: Tuned,
    /// The goal.
    pub goal: Goal,
    /// How neighbors were looked for.
    pub strategy: Strategy,
    /// Queries that were drawn.
    pub sample: usize,
    /// Queries per second of exact search in a batch of this size.
    pub exact_queries_per_second: f64,
}

/// Finds the cheapest settings that reach a goal.
///
/// Queries are drawn from those given, their exact neighbors found, and `search_k` is looked for, by
/// doubling and then halving steps, to two percent. Under [`Goal::Recall`] the least is taken whose
/// interval (see [`Interval::of_recalls`]) reaches the goal with its lower end: which that is depends
/// on the data and the seed and on no clock. Under [`Goal::LatencyMs`] the largest is taken that is
/// fast enough.
///
/// Without an index, one is built with each number of trees. Of those, the fewest trees are
/// recommended that need at most a quarter more `search_k` than the number of trees that needs least
/// (under a latency: whose recall is within half a percent of the best).
///
/// # Errors
/// [`BenchError`]: a setting is out of range, a matrix or the index cannot be used, index and reference
/// do not go together, or it was interrupted. [`BenchError::Unreachable`] where nothing reaches
/// the goal.
pub fn tune(options: &TuneOptions) -> Result<Tuning, BenchError> {
    options.check()?;
    let reference = Rows::attach(&options.reference)?;
    let mut bench = options.bench();
    let index = match &options.index {
        Some(path) => Some(bigannoy::open(path, &OpenOptions::new())?),
        None => None,
    };
    if let Some(index) = &index {
        bench.metric = index.metric();
        bench.check()?;
        expect_same_shape(index, &reference)?;
    }
    options.watch.begin("drawing queries")?;
    let sample = Sample::draw(&reference, options.query.as_deref(), options.sample, options.seed)?;
    check_k(options.k, reference.shape().0, sample.own.is_some())?;
    let count = sample.count();
    let data = DataSet { reference, queries: Some(sample.rows) };
    // One more where a row is among its own neighbors, and is taken away.
    bench.k = options.k + usize::from(sample.own.is_some());
    bench.latency_queries = count;
    data.check(&bench)?;
    let mut exact = Exact::of(&data, &bench)?;
    exact.neighbors = without_own(exact.neighbors, sample.own.as_deref(), options.k);
    let searcher =
        Searcher { options, settings: &bench, data: &data, exact: &exact, own: sample.own };
    let mut candidates = Vec::new();
    let mut reached = Vec::new();
    let mut add = |found: Result<Tuned, String>| match found {
        Ok(tuned) => candidates.push(tuned),
        Err(best) => reached.push(best),
    };
    if let Some(index) = index {
        let trees = index.sidecar().n_trees.unwrap_or_default();
        let n_trees = usize::try_from(trees).unwrap_or_default();
        let built = Built { index, n_trees, cost: Cost::default(), peak: None };
        add(searcher.tuned(&built, None)?);
    } else {
        let place = Place::new(&bench)?;
        for &n_trees in &options.n_trees {
            let built = build(&data, &bench, n_trees, &place.index(n_trees))?;
            let elapsed = built.cost.elapsed;
            add(searcher.tuned(&built, Some(elapsed))?);
            drop(built);
            place.remove_index(n_trees)?;
        }
    }
    let Some(best) = choose(&candidates, options.goal) else {
        let goal = match options.goal {
            Goal::Recall(recall) => format!("a recall of {recall}"),
            Goal::LatencyMs(limit) => format!("a latency of {limit} ms"),
        };
        return Err(BenchError::Unreachable { goal, reached: reached.join("; ") });
    };
    let exact_queries_per_second = count as f64 / exact.cost.elapsed;
    Ok(Tuning {
        candidates,
        best,
        goal: options.goal,
        strategy: options.strategy,
        sample: count,
        exact_queries_per_second,
    })
}

fn expect_same_shape(index: &Index, reference: &Rows) -> Result<(), BenchError> {
    let (nrows, ncols) = reference.shape();
    let items = index.sidecar().n_ref.map(|items| items.to_string());
    let found = format!("{nrows} x {ncols}");
    let expected = format!("{} x {}", items.unwrap_or_else(|| nrows.to_string()), index.dim());
    if found == expected {
        return Ok(());
    }
    Err(BenchError::setting("the reference", found, format!("{expected}, as the index")))
}

/// The fewest trees that are about as good as any.
fn choose(candidates: &[Tuned], goal: Goal) -> Option<Tuned> {
    let good_enough = |tuned: &&Tuned| match goal {
        Goal::Recall(_) => {
            let least = candidates.iter().map(|other| other.search_k).min();
            least.is_some_and(|least| tuned.search_k <= least + least / 4)
        }
        Goal::LatencyMs(_) => {
            candidates.iter().all(|other| tuned.recall.mean >= other.recall.mean - 0.005)
        }
    };
    candidates.iter().filter(good_enough).min_by_key(|tuned| tuned.n_trees).copied()
}

/// The sample with its exact neighbors.
struct Searcher<'a> {
    options: &'a TuneOptions,
    settings: &'a BenchOptions,
    data: &'a DataSet,
    exact: &'a Exact,
    own: Option<Vec<u32>>,
}

impl Searcher<'_> {
    /// The cheapest budget of an index; or, in words, the best that it can do.
    fn tuned(
        &self,
        built: &Built<Index>,
        build_elapsed: Option<f64>,
    ) -> Result<Result<Tuned, String>, BenchError> {
        let trees = built.n_trees;
        self.settings.watch.begin(&format!("looking for search_k with {trees} trees"))?;
        // With so much every item of every tree is gathered.
        let most = self.data.reference.shape().0.saturating_mul(trees.max(1));
        let search_k = match self.options.goal {
            Goal::Recall(goal) => {
                let reaches = |search_k| {
                    let recall = self.recall(&built.index, search_k)?;
                    // Who looked at everything and found it has no sample to be unsure of.
                    Ok(recall.lower >= goal || (search_k >= most && recall.mean >= 1.0))
                };
                let Some(search_k) = least(self.settings.k, most, reaches)? else {
                    let recall = self.recall(&built.index, most)?;
                    let Interval { lower, upper, .. } = recall;
                    return Ok(Err(format!("{trees} trees give {lower:.4} to {upper:.4}")));
                };
                search_k
            }
            Goal::LatencyMs(limit) => {
                let too_slow = |search_k| Ok(self.latency_p95_ms(&built.index, search_k)? > limit);
                let first = self.latency_p95_ms(&built.index, self.settings.k)?;
                if first > limit {
                    return Ok(Err(format!("{trees} trees take {first:.3} ms")));
                }
                // The largest that is not too slow, as near as the search goes.
                least(self.settings.k, most, too_slow)?.map_or(most, |slow| slow - slow / 50 - 1)
            }
        };
        let (found, cost) =
            Cost::of(|| built.index.batch(self.data, self.settings, Some(search_k)));
        Ok(Ok(Tuned {
            n_trees: trees,
            search_k,
            recall: self.judge(found?),
            queries_per_second: self.data.n_query() as f64 / cost.elapsed,
            latency_p95_ms: self.latency_p95_ms(&built.index, search_k)?,
            build_elapsed,
        }))
    }

    fn judge(&self, found: NeighborBlock) -> Interval {
        let found = without_own(found, self.own.as_deref(), self.options.k);
        Interval::of_recalls(&self.exact.shares(&found, self.settings.metric), self.options.k)
    }

    fn recall(&self, index: &Index, search_k: usize) -> Result<Interval, BenchError> {
        Ok(self.judge(index.batch(self.data, self.settings, Some(search_k))?))
    }

    fn latency_p95_ms(&self, index: &Index, search_k: usize) -> Result<f64, BenchError> {
        let latency = latency(index, self.data, self.settings, Some(search_k))?;
        Ok(latency.map_or(f64::NAN, |latency| 1e3 * latency.percentile(95.0)))
    }
}

/// The least number from `first` to `most` for which `holds`, to two percent; `holds` is taken to be
/// false up to somewhere and true from there on.
fn least(
    first: usize,
    most: usize,
    holds: impl Fn(usize) -> Result<bool, BenchError>,
) -> Result<Option<usize>, BenchError> {
    let mut high = first.min(most);
    let mut low = 0;
    while !holds(high)? {
        if high == most {
            return Ok(None);
        }
        low = high;
        high = high.saturating_mul(2).min(most);
    }
    // Where the first was enough, there is nothing below it to look at.
    while low > 0 && high - low > 1 + high / 50 {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(high))
}

impl Tuning {
    /// The candidates as a table.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            "n_trees",
            "search_k",
            "recall",
            "recall_lower",
            "recall_upper",
            "queries_per_second",
            "latency_p95_ms",
            "build_elapsed",
            "recommended",
        ]);
        for tuned in &self.candidates {
            table.push([
                Cell::from(tuned.n_trees),
                tuned.search_k.into(),
                tuned.recall.mean.into(),
                tuned.recall.lower.into(),
                tuned.recall.upper.into(),
                tuned.queries_per_second.into(),
                tuned.latency_p95_ms.into(),
                tuned.build_elapsed.into(),
                (*tuned == self.best).into(),
            ]);
        }
        table
    }

    /// Whether exact search is faster in batches than the best candidate: then no index is needed.
    #[must_use]
    pub fn exact_is_faster(&self) -> bool {
        self.exact_queries_per_second >= self.best.queries_per_second
    }

    /// What to do, in lines of text, and how sure that is.
    #[must_use]
    pub fn advice(&self) -> String {
        let best = &self.best;
        let goal = match self.goal {
            Goal::Recall(recall) => format!("a recall of {recall}"),
            Goal::LatencyMs(limit) => format!("95 percent of single queries within {limit} ms"),
        };
        let exact = if self.exact_is_faster() {
            format!(
                "Exact search needs no index and is faster in batches: {:.0} queries per second.",
                self.exact_queries_per_second
            )
        } else {
            format!("Exact search: {:.0} queries per second.", self.exact_queries_per_second)
        };
        let strategy = match self.strategy {
            Strategy::Annoy => String::new(),
            other => format!(", strategy {other}"),
        };
        format!(
            "For {goal}: {} trees, search_k {}{strategy}.\n\
             Recall to expect: {:.4}, between {:.4} and {:.4} with 95 percent confidence \
             (Wilson's interval over {} queries).\n\
             Speed here: {:.0} queries per second in a batch, {:.3} ms for 95 percent of single \
             queries.\n{exact}\n",
            best.n_trees,
            best.search_k,
            best.recall.mean,
            best.recall.lower,
            best.recall.upper,
            self.sample,
            best.queries_per_second,
            best.latency_p95_ms,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_search_is_recommended_where_it_is_faster_and_nowhere_else() {
        let interval = Interval { mean: 0.99, lower: 0.98, upper: 1.0 };
        let best = Tuned {
            n_trees: 50,
            search_k: 36_000,
            recall: interval,
            queries_per_second: 2_194.0,
            latency_p95_ms: 1.0,
            build_elapsed: None,
        };
        let advice = |exact_queries_per_second: f64| {
            let tuning = Tuning {
                candidates: vec![best],
                best,
                goal: Goal::Recall(0.98),
                strategy: Strategy::Annoy,
                sample: 1_000,
                exact_queries_per_second,
            };
            tuning.advice()
        };
        let recommended = "Exact search needs no index and is faster in batches";
        assert!(advice(6_143.0).contains(&format!("{recommended}: 6143 queries per second.")));
        let other = advice(2_193.0);
        assert!(!other.contains(recommended), "{other}");
        assert!(other.contains("Exact search: 2193 queries per second."), "{other}");
    }

    #[test]
    fn the_least_is_found_to_two_percent() {
        for wanted in [1, 10, 11, 37, 1_000, 123_456, 999_999] {
            let found = least(10, 1_000_000, |at| Ok(at >= wanted)).unwrap().unwrap();
            assert!(found >= wanted, "{found} for {wanted}");
            assert!(found <= 10 || found <= wanted + 1 + wanted / 50, "{found} for {wanted}");
        }
        assert_eq!(least(10, 1_000, |_| Ok(false)).unwrap(), None);
    }
}
