//! `bigannoy search`

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use bigannoy::{Destination, Index, MatrixSink, NeighborSink, SearchOptions, SearchSummary};

use crate::args;
use crate::csv_sink::CsvSink;
use crate::failure::Failure;
use crate::told;
use crate::watch;

pub(crate) fn run(arguments: &args::Search) -> Result<(), Failure> {
    let started = Instant::now();
    let index = bigannoy::open(&arguments.index, &arguments.layout.options())?;
    let mut options = SearchOptions::new(arguments.k).interrupt(watch::interrupt()?);
    if let Some(search_k) = arguments.search_k {
        options = options.search_k(search_k);
    }
    if let Some(threads) = arguments.threads {
        options = options.threads(threads.get());
    }

    // Lines on the terminal show by themselves how far it is.
    if arguments.ids.is_some() || !io::stdout().is_terminal() {
        options = options.progress(watch::progress_bar());
    }
    let summary = if let Some(ids) = &arguments.ids {
        let mut sink = MatrixSink::new(Destination::path_or_create(ids));
        if let Some(distances) = &arguments.distances {
            sink = sink.distances(Destination::path_or_create(distances));
        }
        let summary = search(&index, arguments, &options, &mut sink)?;
        let distances = arguments.distances.as_ref().map(|path| format!(", {}", path.display()));
        writeln!(
            told::stdout(),
            "{}{}: {} queries, {} neighbors each, in {:.1} s",
            ids.display(),
            distances.unwrap_or_default(),
            summary.n_query,
            summary.k,
            started.elapsed().as_secs_f64(),
        )?;
        summary
    } else {
        search(&index, arguments, &options, &mut CsvSink::new(told::stdout()))?
    };
    if summary.short_rows > 0 {
        eprintln!(
            "warning: {} of {} queries have fewer than {} neighbors (NA): a larger --search-k finds \
             more",
            summary.short_rows, summary.n_query, summary.k
        );
    }
    Ok(())
}

fn search(
    index: &Index,
    arguments: &args::Search,
    options: &SearchOptions,
    sink: &mut dyn NeighborSink,
) -> Result<SearchSummary, bigannoy::Error> {
    match arguments.queries() {
        Some(query) => index.search_into(query, options, sink),
        None => index.search_self_into(options, sink),
    }
}
