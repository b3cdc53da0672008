//! `bigannoy exact`

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use bigannoy::{Destination, ExactSummary, MatrixSink, NeighborSink};

use crate::args;
use crate::csv_sink::CsvSink;
use crate::failure::Failure;
use crate::told;
use crate::watch;

pub(crate) fn run(arguments: &args::Exact) -> Result<(), Failure> {
    let started = Instant::now();
    let Some(ids) = &arguments.ids else {
        search(arguments, &mut CsvSink::new(told::stdout()))?;
        return Ok(());
    };
    let mut sink = MatrixSink::new(Destination::path_or_create(ids));
    if let Some(distances) = &arguments.distances {
        sink = sink.distances(Destination::path_or_create(distances));
    }
    let summary = search(arguments, &mut sink)?;
    let distances = arguments.distances.as_ref().map(|path| format!(", {}", path.display()));
    writeln!(
        told::stdout(),
        "{}{}: {} queries, the {} nearest of {} rows each, in {:.1} s",
        ids.display(),
        distances.unwrap_or_default(),
        summary.n_query,
        summary.k,
        summary.n_ref,
        started.elapsed().as_secs_f64(),
    )?;
    Ok(())
}

fn search(arguments: &args::Exact, sink: &mut dyn NeighborSink) -> Result<ExactSummary, Failure> {
    let mut options = arguments.options().interrupt(watch::interrupt()?);
    // Lines on the terminal show by themselves how far it is.
    if arguments.ids.is_some() || !io::stdout().is_terminal() {
        options = options.progress(watch::progress_bar());
    }
    Ok(match arguments.queries() {
        Some(queries) => bigannoy::exact_into(arguments.reference(), queries, &options, sink)?,
        None => bigannoy::exact_self_into(arguments.reference(), &options, sink)?,
    })
}
