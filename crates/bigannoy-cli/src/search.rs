//! `bigannoy search`

use std::io::Write;
use std::time::Instant;

use bigannoy::{Error, Index, Journaling, NeighborSink, SearchOptions, SearchSummary};

use crate::args;
use crate::failure::Failure;
use crate::told;
use crate::watch;

pub(crate) fn run(arguments: &args::Search) -> Result<(), Failure> {
    let started = Instant::now();
    let index =
        bigannoy::open(&arguments.index, &arguments.metadata.of(arguments.layout.options()))?;
    let options = options(arguments, &index)?;
    let mut sink = arguments.output.sink()?;
    let found = search(&index, arguments, &options, sink.as_mut());
    let summary = found.map_err(|error| unless_finished(error, arguments))?;
    drop(sink); // and with it the lock on standard output
    if let Some(files) = arguments.output.files() {
        writeln!(
            told::stdout(),
            "{files}: {} queries, {} neighbors each, in {:.1} s",
            summary.n_query,
            summary.k,
            started.elapsed().as_secs_f64(),
        )?;
    }
    if summary.short_rows > 0 {
        let more = match summary.limited_rows {
            0 => "there are no more items that may be neighbors".to_owned(),
            limited => {
                let which = if limited == summary.short_rows {
                    String::new()
                } else {
                    format!(" for {limited} of them")
                };
                format!("a larger --search-k finds more{which}, --widen as many as there are")
            }
        };
        eprintln!(
            "warning: {} of {} queries have fewer than {} neighbors (NA): {more}",
            summary.short_rows, summary.n_query, summary.k
        );
    }
    if arguments.skip_missing && summary.skipped_rows > 0 {
        eprintln!(
            "warning: {} of {} queries have missing or infinite values and no neighbors (NA)",
            summary.skipped_rows, summary.n_query
        );
    }
    Ok(())
}

/// The failure of a search; if another can go on where it ended, it says so.
fn unless_finished(error: Error, arguments: &args::Search) -> Failure {
    let is_ended = matches!(error, Error::SearchInterrupted { .. } | Error::SearchEnded { .. });
    let left = arguments.output.ids.as_ref().filter(|_| is_ended);
    let left = left.and_then(|ids| bigannoy::unfinished(ids).ok().flatten());
    let failure = Failure::from(error);
    match left {
        Some(left) => {
            let journal = left.journal.display();
            let kept = left.complete;
            format!("{failure}; {journal} keeps the answers to {kept} queries, --resume goes on")
                .into()
        }
        None => failure,
    }
}

fn options(arguments: &args::Search, index: &Index) -> Result<SearchOptions, Failure> {
    let journaling = match (arguments.resume, arguments.restart) {
        (true, _) => Journaling::Resume,
        (_, true) => Journaling::Restart,
        _ => Journaling::Keep,
    };
    let mut options = SearchOptions::new(arguments.k)
        .journaling(journaling)
        .strategy(arguments.strategy)
        .sketching(arguments.sketch.choice())
        .strict(arguments.strict)
        .widen(arguments.widen)
        .skip_missing(arguments.skip_missing)
        .include_self(arguments.include_self)
        .block_rows(arguments.block_size)
        .interrupt(watch::interrupt()?);
    if let Some(search_k) = arguments.search_k {
        options = options.search_k(search_k);
    }
    if arguments.exhaustive {
        options = options.exhaustive();
    }
    if let Some(rows) = &arguments.only_rows {
        options = options.only(rows.items(index.n_items()?)?);
    }
    if let Some(rows) = &arguments.not_rows {
        options = options.except(rows.items(index.n_items()?)?);
    }
    if let Some(threads) = arguments.threads {
        options = options.threads(threads.get());
    }
    if arguments.output.wants_progress() {
        options = options.progress(watch::progress_bar());
    }
    Ok(options)
}

fn search(
    index: &Index,
    arguments: &args::Search,
    options: &SearchOptions,
    sink: &mut dyn NeighborSink,
) -> Result<SearchSummary, Error> {
    let Some(reference) = &arguments.rerank else {
        return match arguments.queries() {
            Some(query) => index.search_into(query, options, sink),
            None => index.search_self_into(options, sink),
        };
    };
    let mut reranked = index.rerank_with(reference)?;
    if let Some(candidates) = arguments.candidates {
        reranked = reranked.candidates(candidates);
    }
    match arguments.queries() {
        Some(query) => reranked.search_into(query, options, sink),
        None => reranked.search_self_into(options, sink),
    }
}
