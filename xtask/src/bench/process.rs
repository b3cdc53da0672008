//! Programs that are run to their end, with what they cost.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::Failure;

/// What a program cost from its start to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    /// The most memory that no file backs, in bytes, as far as samples tell; Linux only.
    pub(crate) anonymous: Option<u64>,
    /// CPU seconds of all its threads; Linux only.
    pub(crate) cpu: Option<f64>,
}

/// Runs a program to its end and returns what it printed, with what it cost.
pub(crate) fn measured(command: &mut Command) -> Result<(String, Cost), Failure> {
    let start = Instant::now();
    let cpu = children_cpu();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let child = child.map_err(|e| format!("cannot start {command:?}: {e}"))?;
    let status = format!("/proc/{}/status", child.id());
    let done = AtomicBool::new(false);
    let (output, seconds, anonymous) = thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut peak: Option<u64> = None;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(anonymous(&status));
                thread::sleep(Duration::from_millis(10));
            }
            peak
        });
        let output = child.wait_with_output();
        let seconds = start.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        (output, seconds, sampler.join().ok().flatten())
    });
    let output = output.map_err(|e| format!("cannot wait for {command:?}: {e}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    let cpu = children_cpu().zip(cpu).map(|(end, start)| end - start);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((text, Cost { seconds, anonymous, cpu }))
}

fn anonymous(status: &str) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(1024 * line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?)
}

/// CPU seconds of all children that have ended, in the hundredths that Linux counts in.
fn children_cpu() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may hold anything; the state follows it.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some(f64::from(ticks(13)? + ticks(14)?) / 100.0)
}

/// The one in the middle; of an even number the smaller of the two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len().max(1) - 1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_measured() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo $i"]);
        let (text, cost) = measured(&mut command).unwrap();
        assert_eq!(text.trim(), "20000");
        assert!(cost.seconds > 0.0 && cost.cpu.is_some());
        assert!(measured(Command::new("sh").args(["-c", "exit 3"])).is_err());
    }

    #[test]
    fn the_middle_is_found() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 1.0);
        assert!(median(Vec::new()).is_nan());
    }
}
