//! `bigannoy matrix export`

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use bigannoy::storage::{Existing, FileIdentity, NewFile, StorageError};
use bigannoy::{BigMatrix, RowSource};

use super::args::{Export, Format};
use super::{csv_export, npy_export, refuse_existing};
use crate::failure::Failure;
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
        let out = Told { out: io::stdout().lock(), what: "to standard output".to_owned() };
        return csv_export::write(&matrix, arguments, out, &work);
    };

    if arguments.overwrite {
        refuse_own(&matrix, &arguments.descriptor, path)?;
    } else {
        refuse_existing(path)?;
    }
    let mut file = NewFile::create(path)?;
    let out = Told { out: &mut file, what: path.display().to_string() };
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
    file.commit(if arguments.overwrite { Existing::Replace } else { Existing::Refuse })?;
    drop(work);
    let seconds = started.elapsed().as_secs_f64();
    let (rows, cols) = (matrix.nrows(), matrix.ncols());
    writeln!(io::stdout(), "{}: {rows} x {cols}, in {seconds:.1} s", path.display())?;
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
    {
        return Err(refuse("a file of the matrix itself").into());
    }
    Ok(())
}

/// A writer whose errors say what was written to.
struct Told<W> {
    out: W,
    what: String,
}

impl<W> Told<W> {
    fn tell(&self, error: &io::Error) -> io::Error {
        // The kind stays: a closed pipe is known by it.
        io::Error::new(error.kind(), format!("cannot write {}: {error}", self.what))
    }
}

impl<W: Write> Write for Told<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).map_err(|error| self.tell(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(|error| self.tell(&error))
    }
}
