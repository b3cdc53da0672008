//! `bigannoy recall`

use std::io::Write;

use crate::args;
use crate::csv_error::system_error;
use crate::failure::Failure;
use crate::told;

/// The percentiles that are told, in percent.
const PERCENTILES: [u8; 7] = [0, 1, 5, 25, 50, 75, 100];

pub(crate) fn run(arguments: &args::Recall) -> Result<(), Failure> {
    let recall = arguments.check().run()?;
    let na = |ratio: Option<f64>| ratio.map_or("NA".to_owned(), |ratio| ratio.to_string());
    let mut out = told::stdout();
    if arguments.per_query {
        let mut writer = csv::Writer::from_writer(out);
        let header = ["query", "recall", "found", "tied", "missing", "ratio"];
        writer.write_record(header).map_err(system_error)?;
        for (at, query) in recall.queries().iter().enumerate() {
            let counts = [query.found, query.tied, query.missing].map(|count| count.to_string());
            let [found, tied, missing] = counts;
            let (row, share) = ((at + 1).to_string(), query.recall().to_string());
            let line = [row, share, found, tied, missing, na(query.ratio)];
            writer.write_record(line).map_err(system_error)?;
        }
        writer.flush()?;
        return Ok(());
    }
    writeln!(out, "k: {}", recall.options().k())?;
    writeln!(out, "queries: {}", recall.queries().len())?;
    writeln!(out, "recall: {}", recall.mean())?;
    for percent in PERCENTILES {
        writeln!(out, "recall_p{percent}: {}", recall.percentile(percent.into()))?;
    }
    writeln!(out, "perfect: {}", recall.perfect())?;
    writeln!(out, "tied: {}", recall.tied())?;
    writeln!(out, "missing: {}", recall.missing())?;
    writeln!(out, "distance_ratio: {}", na(recall.mean_ratio()))?;
    Ok(())
}
