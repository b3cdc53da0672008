//! `bigannoy matrix create`

use std::io::Write;

use bigannoy::matrix::{MatrixSpec, NewMatrix};

use super::args::Create;
use super::number::Number;
use super::{for_type, names, refuse_existing, shape};
use crate::failure::Failure;
use crate::told;
use crate::watch::Work;

pub(super) fn run(arguments: &Create) -> Result<(), Failure> {
    refuse_existing(&arguments.descriptor)?;
    for_type!(arguments.element_type, T => create::<T>(arguments))
}

fn create<T: Number>(arguments: &Create) -> Result<(), Failure> {
    let text = arguments.fill.trim();
    let value = if text == "NA" { T::missing() } else { T::stored_text(text) };
    let value = value
        .map_err(|misfit| format!("--fill is {:?}, {}", arguments.fill, misfit.explain(T::TYPE)))?;

    let (rows, cols) = (arguments.rows, arguments.cols);
    let mut spec = MatrixSpec::new(T::TYPE, rows, cols).separated(arguments.separated);
    if let Some(file) = &arguments.row_names_file {
        spec = spec.row_names(names::lines(file)?);
    }
    if let Some(file) = &arguments.col_names_file {
        spec = spec.col_names(names::lines(file)?);
    } else if let Some(names) = &arguments.col_names {
        spec = spec.col_names(names.iter().map(String::as_str));
    }
    let mut work = Work::new()?;
    let mut new = NewMatrix::create(&arguments.descriptor, &spec)?;
    // Its files are zeros already. Minus zero is not.
    if !T::stored_text("0").is_ok_and(|zero| zero == value) || text.starts_with('-') {
        const CHUNK: usize = 1 << 20;
        work.begin(rows as u64 * cols as u64, "values");
        let mut view = new.view_mut::<T>()?;
        for col in 0..cols {
            for chunk in view.column_mut(col).chunks_mut(CHUNK) {
                chunk.fill(value);
                work.advance(chunk.len() as u64)?;
            }
        }
    }
    let matrix = new.finish()?;
    drop(work);
    writeln!(told::stdout(), "{}: {}", arguments.descriptor.display(), shape(&matrix))?;
    Ok(())
}
