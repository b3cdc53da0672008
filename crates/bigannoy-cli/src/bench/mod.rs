//! `bigannoy bench`

mod args;

use std::io::Write;

use bigannoy_bench::report::{Report, Table, write_table};
use bigannoy_bench::{BenchOptions, Watch, compare, recall_suite, single, volume_suite};

pub(crate) use self::args::Bench;

use self::args::{Command, Common};
use crate::failure::Failure;
use crate::{plain, told, watch};

pub(crate) fn run(arguments: &Bench) -> Result<(), Failure> {
    match &arguments.command {
        Command::Single(arguments) => measure(&arguments.common, arguments.options(), |options| {
            let run = single(options)?;
            let report = run.report();
            Ok((run.summary, report))
        }),
        Command::Recall(arguments) => {
            let budgets: Vec<_> = arguments.search_k.iter().map(|budget| budget.0).collect();
            let options = arguments.data.options(&arguments.size, &arguments.common);
            measure(&arguments.common, options, |options| {
                let run = recall_suite(options, &arguments.n_trees, &budgets)?;
                let report = run.report();
                Ok((run.summary, report))
            })
        }
        Command::Compare(arguments) => measure(&arguments.common, arguments.options(), |options| {
            let run = compare(options)?;
            let report = run.report();
            Ok((run.summary, report))
        }),
        Command::Volume(arguments) => measure(&arguments.common, arguments.options(), |options| {
            let run = volume_suite(options, &arguments.grid())?;
            let report = run.report();
            Ok((run.summary, report))
        }),
    }
}

/// Makes a measurement and writes what it found to where it was asked for.
fn measure(
    common: &Common,
    mut options: BenchOptions,
    measurement: impl FnOnce(&BenchOptions) -> Result<(Table, Report), Failure>,
) -> Result<(), Failure> {
    // A name that says no form, or a directory that is not there, shows before the work.
    if let Some(output) = &common.output {
        Table::check_path(output)?;
    }
    if let Some(report) = &common.report {
        Report::check_path(report)?;
    }
    options.watch = watched()?;
    let (summary, report) = measurement(&options)?;
    if let Some(path) = &common.report {
        report.write(path)?;
    }
    let Some(output) = &common.output else {
        write!(told::stdout(), "{}", summary.to_csv())?;
        return Ok(());
    };
    write_table(&summary, output)?;
    let rows = summary.rows().len();
    let report = common.report.as_ref().map(|path| format!(", {}", plain::path(path)));
    let output = plain::path(output);
    writeln!(told::stdout(), "{output}{}: {rows} rows", report.unwrap_or_default())?;
    Ok(())
}

/// Progress on a terminal, and Ctrl-C.
pub(crate) fn watched() -> Result<Watch, Failure> {
    Ok(Watch {
        stage: Some(std::sync::Arc::new(watch::stages())),
        progress: Some(std::sync::Arc::new(watch::progress_bar())),
        interrupt: Some(watch::interrupt()?),
    })
}
