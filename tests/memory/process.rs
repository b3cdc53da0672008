//! Memory as the system counts it for a process: what no file backs, allocators and threads included. Linux only.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bigannoy::matrix::{BigMatrix, MatrixSpec, NewMatrix};
use bigannoy::{BuildOptions, ElementType, Generator, Metric};
use bigannoy_build::{BuildError, IndexBuilder};

/// Has a process of its own build, so that nothing that came before counts.
const BUILD: &str = "BIGANNOY_TEST_BUILD";
const ROWS: usize = 16_000;
const COLUMNS: usize = 300;

fn anonymous() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    1024 * line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap()
}

/// The most bytes at once while `work` runs, above what was before, as far as a look every fraction of a
/// millisecond tells.
fn peak_anonymous(work: impl FnOnce()) -> u64 {
    let done = AtomicBool::new(false);
    let before = anonymous();
    let peak = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = before;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(anonymous());
                thread::sleep(Duration::from_micros(200));
            }
            peak
        });
        work();
        done.store(true, Ordering::Relaxed);
        watch.join().unwrap()
    });
    peak - before
}

/// In the process that [`a_build_stays_within_its_budget_as_the_system_counts`] starts: builds, and tells the peak.
/// Whether this is that process.
pub(crate) fn is_build() -> bool {
    let Ok(words) = env::var(BUILD) else { return false };
    let [matrix, index, metric, generator, threads, budget, trees] =
        <[&str; 7]>::try_from(words.split('\n').collect::<Vec<_>>()).unwrap();
    let options = BuildOptions::new(metric.parse().unwrap())
        .generator(generator.parse::<Generator>().unwrap())
        .threads(threads.parse().unwrap())
        .memory_budget(budget.parse().unwrap())
        .trees(trees.parse().unwrap())
        .overwrite(true);
    let peak = peak_anonymous(|| drop(bigannoy::build(matrix, index, &options).unwrap()));
    std::io::stdout().write_all(peak.to_string().as_bytes()).unwrap();
    true
}

fn create(matrix: &Path) {
    let spec = MatrixSpec::new(ElementType::Float, ROWS, COLUMNS);
    let mut new = NewMatrix::create(matrix, &spec).unwrap();
    let mut view = new.view_mut::<f32>().unwrap();
    let mut values = (0u32..).map(|at| f32::from((at.wrapping_mul(0x9e37_79b9) >> 20) as u16));
    for col in 0..COLUMNS {
        view.column_mut(col).fill_with(|| values.next().unwrap());
    }
    new.finish().unwrap();
}

/// Rows that take more memory than the budget are built within it, on one thread and on several.
pub(crate) fn a_build_stays_within_its_budget_as_the_system_counts() {
    let directory = tempfile::tempdir().unwrap();
    let (matrix, index) = (directory.path().join("rows.desc"), directory.path().join("index.ann"));
    create(&matrix);
    let rows = BigMatrix::attach(&matrix).unwrap();
    let least = |metric, generator| {
        let builder = IndexBuilder::new(metric).generator(generator).memory_budget(0);
        match builder.check(&rows) {
            Err(BuildError::Memory { least, .. }) => least,
            other => panic!("another result: {other:?}"),
        }
    };
    for (metric, generator) in [
        (Metric::Euclidean, Generator::Default),
        (Metric::Angular, Generator::Default),
        (Metric::Dot, Generator::Default),
        (Metric::Euclidean, Generator::Annoy),
    ] {
        let least = least(metric, generator);
        assert!(least < (ROWS * COLUMNS * 4) as u64 * 9 / 10, "{metric}: {least} bytes");
        for (threads, budget) in [(1u64, least), (4, least), (4, 2 * least)] {
            let peak = |trees: u64| {
                let words = [&matrix, &index].map(|path| path.to_str().unwrap().to_owned());
                let numbers = [threads, budget, trees].map(|n| n.to_string());
                let names = [metric.name(), generator.name()].map(str::to_owned);
                let words = [&words[..], &names[..], &numbers[..]].concat().join("\n");
                let child = Command::new(env::current_exe().unwrap()).env(BUILD, words).output();
                let child = child.unwrap();
                assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
                String::from_utf8_lossy(&child.stdout).trim().parse::<u64>().unwrap()
            };
            // What does not depend on the rows: threads and what the system keeps for each, the sidecar, the
            // buffer of the file.
            let most = budget + (1 << 20) + threads * (256 << 10);
            for trees in [6, 24] {
                let peak = peak(trees);
                let told = format!("{metric}, {generator}, {threads} threads, {trees} trees");
                assert!(peak < most, "{told}: {peak} bytes of {budget}");
                assert!(peak > budget / 8, "{told}: what is counted? {peak} bytes");
            }
        }
    }
}
