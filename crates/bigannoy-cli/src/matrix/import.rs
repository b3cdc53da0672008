//! `bigannoy matrix import`

use std::io::Write;
use std::time::Instant;

use bigannoy::BigMatrix;

use super::args::{Format, Import};
use super::{csv_import, npy_import, refuse_existing, shape};
use crate::failure::Failure;
use crate::told;
use crate::watch::Work;

pub(super) fn run(arguments: &Import) -> Result<(), Failure> {
    let started = Instant::now();
    let format = Format::of(arguments.format, &arguments.input)?;
    if format == Format::Npy
        && (arguments.header || arguments.row_names || !arguments.na.is_empty())
    {
        return Err("--header, --row-names and --na are for CSV: an npy file has none".into());
    }
    // Found out before the file is read, which may take its time.
    refuse_existing(&arguments.descriptor)?;
    let work = Work::new()?;
    let matrix: BigMatrix = match format {
        Format::Npy => npy_import::run(arguments, work)?,
        Format::Csv => csv_import::run(arguments, work)?,
    };
    writeln!(
        told::stdout(),
        "{}: {}, in {:.1} s",
        arguments.descriptor.display(),
        shape(&matrix),
        started.elapsed().as_secs_f64()
    )?;
    Ok(())
}

/// What an error message adds where another type would do.
pub(super) const DOUBLE_CAN: &str = " (--type double can hold it)";
