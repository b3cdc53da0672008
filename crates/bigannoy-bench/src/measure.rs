//! What work costs: time, CPU time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What a piece of work cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Seconds on the clock on the wall.
    pub elapsed: f64,
    /// Seconds of processors, all threads of the process together; `None` where it is not known.
    pub cpu: Option<f64>,
}

impl Cost {
    /// Does `work` and tells what it cost.
    pub fn of<R>(work: impl FnOnce() -> R) -> (R, Cost) {
        let mut watch = Stopwatch::start();
        let result = work();
        (result, watch.lap())
    }

    /// The cost in the middle by elapsed time; of an even number the cheaper of the two.
    pub(crate) fn median(mut costs: Vec<Cost>) -> Cost {
        costs.sort_by(|a, b| a.elapsed.total_cmp(&b.elapsed));
        costs.get((costs.len().max(1) - 1) / 2).copied().unwrap_or_default()
    }
}

/// Tells what work cost, piece after piece.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    cpu: Option<f64>,
    start: Instant,
}

impl Stopwatch {
    /// Begins with the first piece.
    #[must_use]
    pub fn start() -> Self {
        Stopwatch { cpu: cpu_seconds(), start: Instant::now() }
    }

    /// What this piece cost; the next begins.
    pub fn lap(&mut self) -> Cost {
        let now = Stopwatch::start();
        let elapsed = (now.start - self.start).as_secs_f64();
        let cpu = now.cpu.zip(self.cpu).map(|(end, start)| end - start);
        *self = now;
        Cost { elapsed, cpu }
    }
}

/// CPU seconds of this process so far.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it is not known")]
fn cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64)
}

#[cfg(not(unix))]
fn cpu_seconds() -> Option<f64> {
    None
}

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(10);

/// The most memory that the process had in a span of time, as far as samples tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryPeak {
    /// Bytes in memory, mapped files included.
    pub resident: u64,
    /// Bytes in memory that no file backs.
    pub anonymous: u64,
}

impl MemoryPeak {
    /// Does `work` and tells the peaks meanwhile; `None` where they are not known.
    pub fn of<R>(work: impl FnOnce() -> R) -> (R, Option<MemoryPeak>) {
        let sampler = Sampler::start();
        let result = work();
        (result, sampler.finish())
    }

    /// The larger of each.
    pub(crate) fn join(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (first, second) else { return first.or(second) };
        Some(MemoryPeak {
            resident: a.resident.max(b.resident),
            anonymous: a.anonymous.max(b.anonymous),
        })
    }

    /// Memory now, as Linux tells it.
    fn now() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(1024 * kibibytes)
        };
        Some(MemoryPeak { resident: bytes("VmRSS:")?, anonymous: bytes("RssAnon:")? })
    }
}

/// A thread that looks at memory from time to time.
struct Sampler {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<MemoryPeak>>>,
}

impl Sampler {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let watch = move || {
            let mut peak = MemoryPeak::now()?;
            loop {
                // The last look is after the end: what the work leaves is seen however short it was.
                let is_last = told.load(Ordering::Acquire);
                peak = MemoryPeak::join(Some(peak), MemoryPeak::now())?;
                if is_last {
                    return Some(peak);
                }
                thread::park_timeout(SAMPLE);
            }
        };
        // Without the thread the figures are missing, and nothing else.
        let thread = thread::Builder::new().name("memory".to_owned()).spawn(watch).ok();
        Sampler { stop, thread }
    }

    fn finish(mut self) -> Option<MemoryPeak> {
        self.stop();
        self.thread.take()?.join().ok().flatten()
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn anonymous_memory_is_seen_and_files_are_not() {
        let bytes = 64 << 20;
        let (block, peak) = MemoryPeak::of(|| vec![1_u8; bytes]);
        assert!(block.iter().all(|&byte| byte == 1));
        let peak = peak.unwrap();
        assert!(peak.anonymous >= bytes as u64, "{peak:?}");
        assert!(peak.resident >= peak.anonymous, "{peak:?}");
    }

    #[test]
    fn work_costs_time_and_processors() {
        let ((), cost) = Cost::of(|| {
            let start = Instant::now();
            let mut sum = 0_u64;
            while start.elapsed() < Duration::from_millis(20) {
                sum = std::hint::black_box(sum + 1);
            }
        });
        assert!(cost.elapsed >= 0.02);
        assert!(cost.cpu.unwrap() > 0.0);
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let cost = |elapsed| Cost { elapsed, cpu: Some(2.0 * elapsed) };
        assert_eq!(Cost::median(vec![cost(3.0), cost(1.0), cost(2.0)]), cost(2.0));
        assert_eq!(Cost::median(vec![cost(3.0), cost(1.0)]), cost(1.0));
    }
}
