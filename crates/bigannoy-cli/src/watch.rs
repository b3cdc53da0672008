//! Progress on a terminal, and Ctrl-C.

use std::sync::atomic::AtomicBool;
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

fn new_bar(progress: Progress) -> ProgressBar {
    let what = match progress.stage {
        Stage::Items => "rows",
        Stage::Trees => "trees",
        _ => "queries",
    };
    // Hidden by itself where standard error is no terminal.
    let bar = ProgressBar::new(progress.total).with_message(what);
    if let Ok(style) =
        ProgressStyle::with_template("{msg:>8} {wide_bar} {human_pos}/{human_len}, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}
