//! `bigannoy build`

use std::io::Write;
use std::time::Instant;

use crate::args;
use crate::failure::Failure;
use crate::told;
use crate::watch;

pub(crate) fn run(arguments: &args::Build) -> Result<(), Failure> {
    let started = Instant::now();
    let options =
        arguments.options().interrupt(watch::interrupt()?).progress(watch::progress_bar());
    let index = bigannoy::build(arguments.input(), &arguments.index, &options)?;
    let sidecar = index.sidecar();
    writeln!(
        told::stdout(),
        "{}: {} items, {} dimensions, {} trees, {}, {} bytes, in {:.1} s",
        index.path().display(),
        sidecar.n_ref.unwrap_or_default(),
        index.dim(),
        sidecar.n_trees.unwrap_or_default(),
        index.metric(),
        sidecar.file_size.unwrap_or_default(),
        started.elapsed().as_secs_f64(),
    )?;
    Ok(())
}
