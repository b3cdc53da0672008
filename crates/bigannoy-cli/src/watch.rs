//! Progress on a terminal, and Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bigannoy::{Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::failure::Failure;

/// A flag that Ctrl-C sets: the work ends at the next good moment. A second Ctrl-C ends at once.
pub(crate) fn interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    // A file that grows past the limit set for it is an error like a full disk, not the end.
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    #[cfg(unix)]
    let signals = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
    #[cfg(not(unix))]
    let signals = [SIGINT, SIGTERM];
    for signal in signals {
        // In this order, so that the first signal finds the flag unset here.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// Shows progress on standard error, if that is a terminal.
pub(crate) fn progress_bar() -> impl Fn(Progress) + Send + Sync + 'static {
    let current: Mutex<Option<(Stage, ProgressBar)>> = Mutex::new(None);
    move |progress| {
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(stage, _)| *stage != progress.stage) {
            *current = Some((progress.stage, new_bar(progress)));
        }
        if let Some((_, bar)) = &*current {
            bar.set_position(progress.done);
            if progress.done == progress.total {
                bar.finish_and_clear();
            }
        }
    }
}

/// Shows in words what is being done on standard error, if that is a terminal.
pub(crate) fn stages() -> impl Fn(&str) + Send + Sync + 'static {
    let line = ProgressBar::new_spinner();
    move |stage| {
        line.set_message(stage.to_owned());
        line.tick();
    }
}

fn new_bar(progress: Progress) -> ProgressBar {
    let what = match progress.stage {
        Stage::Lengths | Stage::Items | Stage::Comparisons => "rows",
        Stage::Trees => "trees",
        _ => "queries",
    };
    bar(progress.total, what)
}

fn bar(total: u64, what: &'static str) -> ProgressBar {
    // Hidden by itself where standard error is no terminal.
    let bar = ProgressBar::new(total).with_message(what);
    if let Ok(style) =
        ProgressStyle::with_template("{msg:>8} {wide_bar} {human_pos}/{human_len}, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}

/// Work of this command itself, shown and interrupted as that of the library is.
pub(crate) struct Work {
    interrupt: Arc<AtomicBool>,
    bar: ProgressBar,
}

impl Work {
    /// Nothing yet: see [`Work::begin`].
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Work { interrupt: interrupt()?, bar: ProgressBar::hidden() })
    }

    /// Begins to show a stage of `total` pieces.
    pub(crate) fn begin(&mut self, total: u64, what: &'static str) {
        self.bar.finish_and_clear();
        self.bar = bar(total, what);
    }

    /// Shows that so many more pieces are done; fails where Ctrl-C was pressed.
    pub(crate) fn advance(&self, pieces: u64) -> Result<(), Failure> {
        self.bar.inc(pieces);
        if self.interrupt.load(Ordering::Relaxed) {
            return Err("interrupted".into());
        }
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
