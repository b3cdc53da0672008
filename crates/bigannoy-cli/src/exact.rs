//! `bigannoy exact`

use std::io::Write;
use std::time::Instant;

use bigannoy::{ExactSummary, NeighborSink};

use crate::args;
use crate::failure::Failure;
use crate::told;
use crate::watch;

pub(crate) fn run(arguments: &args::Exact) -> Result<(), Failure> {
    let started = Instant::now();
    let mut sink = arguments.output.sink()?;
    let summary = search(arguments, sink.as_mut())?;
    drop(sink); // and with it the lock on standard output
    if let Some(files) = arguments.output.files() {
        writeln!(
            told::stdout(),
            "{files}: {} queries, the {} nearest of {} rows each, in {:.1} s",
            summary.n_query,
            summary.k,
            summary.n_ref,
            started.elapsed().as_secs_f64(),
        )?;
    }
    Ok(())
}

fn search(arguments: &args::Exact, sink: &mut dyn NeighborSink) -> Result<ExactSummary, Failure> {
    let mut options = arguments.options().interrupt(watch::interrupt()?);
    if arguments.output.wants_progress() {
        options = options.progress(watch::progress_bar());
    }
    Ok(match arguments.queries() {
        Some(queries) => bigannoy::exact_into(arguments.reference(), queries, &options, sink)?,
        None => bigannoy::exact_self_into(arguments.reference(), &options, sink)?,
    })
}
