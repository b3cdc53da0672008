//! `bigannoy matrix export`

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use bigannoy::descriptor::Storage;
use bigannoy::storage::{Existing, FileIdentity, NewFile, StorageError};
use bigannoy::{BigMatrix, RowSource};

use super::args::{Export, Format};
use super::{csv_export, npy_export};
use crate::failure::Failure;
use crate::told::{self, Told};
use crate::watch::Work;

pub(super) fn run(arguments: &Export) -> Result<(), Failure> {
    let started = Instant::now();
    let output = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    let format = match output {
        Some(path) => Format::of(arguments.format, path)?,
        None => arguments.format.unwrap_or(Format::Csv),
    };
    match format {
        Format::Npy if arguments.header || arguments.row_names => {
            return Err("--header and --row-names are for CSV: an npy file has no names".into());
        }
        Format::Csv if arguments.c_order || arguments.float_type.is_some() => {
            return Err("--c-order and --type are for npy".into());
        }
        _ => {}
    }
    bigannoy::check_finished(&arguments.descriptor)?;
    let matrix = BigMatrix::attach(&arguments.descriptor)?;
    let mut work = Work::new()?;
    let Some(path) = output else {
        if format == Format::Npy {
            return Err("an npy file is not printed: expected the path of a file".into());
        }
        // Lines on the terminal show by themselves how far it is.
        if !io::stdout().is_terminal() {
            work.begin(matrix.nrows() as u64, "rows");
        }
        return csv_export::write(&matrix, arguments, told::stdout(), &work);
    };

    let existing = if arguments.overwrite { Existing::Replace } else { Existing::Refuse };
    existing.check(path)?;
    if arguments.overwrite {
        refuse_own(&matrix, &arguments.descriptor, path)?;
    }
    let mut file = NewFile::create(path)?;
    let out = Told::new(&mut file, path.display().to_string());
    match format {
        Format::Csv => {
            work.begin(matrix.nrows() as u64, "rows");
            csv_export::write(&matrix, arguments, out, &work)?;
        }
        Format::Npy => {
            work.begin(matrix.nrows() as u64 * matrix.ncols() as u64, "values");
            npy_export::write(&matrix, arguments, out, &work)?;
        }
    }
    file.commit(existing)?;
    drop(work);
    let seconds = started.elapsed().as_secs_f64();
    let (rows, cols) = (matrix.nrows(), matrix.ncols());
    writeln!(told::stdout(), "{}: {rows} x {cols}, in {seconds:.1} s", path.display())?;
    Ok(())
}

/// Refuses to replace what is no file, and the matrix's own files.
fn refuse_own(matrix: &BigMatrix, descriptor: &Path, path: &Path) -> Result<(), Failure> {
    let found = match path.metadata() {
        Ok(found) => found,
        // Nothing there, or a link to nothing, which is replaced.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StorageError::io("look at", path)(error).into()),
    };
    let refuse = |what| format!("cannot write over {}: it is {what}", path.display());
    if !found.is_file() {
        return Err(refuse("not a regular file").into());
    }
    if FileIdentity::of_path(path)? == FileIdentity::of_path(descriptor)?
        || matrix.has_data_in(path)?
        || has_column_in(matrix, path)?
    {
        return Err(refuse("a file of the matrix itself").into());
    }
    Ok(())
}

/// Whether `path` is one of the files of a separated matrix's stored columns, those outside of the
/// window included.
fn has_column_in(matrix: &BigMatrix, path: &Path) -> Result<bool, Failure> {
    let descriptor = matrix.descriptor();
    let (Storage::FileBacked { .. }, true, Some(data)) =
        (descriptor.storage(), descriptor.is_separated(), matrix.data_files().next())
    else {
        return Ok(false);
    };
    let number = descriptor.col_offset().to_string();
    let names =
        data.file_name().and_then(|name| name.as_encoded_bytes().strip_suffix(number.as_bytes()));
    let Some(names) = names else { return Ok(false) };
    let directory = match data.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let (_, columns) = descriptor.stored_shape()?;
    let wanted = FileIdentity::of_path(path)?;
    let failed = |error| StorageError::io("read the directory", directory)(error);
    // A descriptor can claim more columns than could ever be asked for one by one.
    for entry in directory.read_dir().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let column = name
            .as_encoded_bytes()
            .strip_prefix(names)
            .and_then(|column| std::str::from_utf8(column).ok()?.parse::<u64>().ok());
        if column.is_none_or(|column| column >= columns) {
            continue;
        }
        match FileIdentity::of_path(&entry.path()) {
            Ok(found) if found == wanted => return Ok(true),
            // A link to nothing, or a file that has just gone, is not what is at `path`.
            Ok(_) => {}
            Err(StorageError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}
