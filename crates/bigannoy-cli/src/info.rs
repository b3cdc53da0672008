//! `bigannoy info`

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use bigannoy::descriptor::{ByteString, ReadError, Storage};
use bigannoy::format::Spread;
use bigannoy::matrix::AttachError;
use bigannoy::storage::StorageError;
use bigannoy::{BigMatrix, Descriptor, Error, Index};

use crate::args;
use crate::failure::Failure;
use crate::{plain, told, watch};

pub(crate) fn run(arguments: &args::Info) -> Result<(), Failure> {
    let file = &arguments.file;
    let mut sidecar = file.as_os_str().to_owned();
    sidecar.push(".meta");
    let is_index = arguments.layout.is_given() || arguments.metadata.metadata.is_some();
    if is_index || PathBuf::from(&sidecar).exists() {
        return print(&index_lines(file, arguments)?);
    }
    if let Some(left) = bigannoy::unfinished(file)? {
        let answered = format!("{} of {} queries are answered", left.complete, left.n_query);
        print(&vec![("unfinished", answered), ("journal", plain::path(&left.journal))])?;
        // A matrix that was there before is there; a new one appears when it is complete.
        if !file.exists() {
            return Ok(());
        }
    }
    let descriptor = match Descriptor::read(file) {
        Err(ReadError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            let file = file.display();
            return Err(format!("{file}: no such file, neither an index nor a descriptor").into());
        }
        // There is something, and it is not a descriptor.
        Err(ReadError::Parse { problem, .. }) => {
            return Err(neither(file, &sidecar, &problem.to_string()).into());
        }
        Err(ReadError::Binary { .. }) => {
            let message = neither(file, &sidecar, "it holds binary data");
            return Err(format!(
                "{message}; an index file does not say what it is: without a sidecar, --metric and \
                 --dim must"
            )
            .into());
        }
        read => read?,
    };
    // Attaching checks that the data is there and as long as it has to be. Where it is not, the
    // descriptor tells what it was.
    match BigMatrix::attach(file) {
        Ok(matrix) => {
            let mut lines = descriptor_lines(matrix.descriptor(), file);
            lines.extend(data_lines(&matrix)?);
            print(&lines)
        }
        Err(error) => {
            let mut lines = descriptor_lines(&descriptor, file);
            lines.push(("data", data_fault(&error).to_owned()));
            print(&lines)?;
            Err(error.into())
        }
    }
}

/// The message about a file that is not known.
fn neither(file: &Path, sidecar: &OsStr, problem: &str) -> String {
    let (file, sidecar) = (file.display(), Path::new(sidecar).display());
    format!("{file} is neither an index, there being no {sidecar}, nor a descriptor ({problem})")
}

fn print(lines: &Lines) -> Result<(), Failure> {
    let mut out = told::stdout();
    for (name, value) in lines {
        // Whatever names are in it, a value is one line.
        writeln!(out, "{name}: {}", plain::text(value.as_bytes()))?;
    }
    Ok(out.flush()?)
}

type Lines = Vec<(&'static str, String)>;

fn index_lines(file: &Path, arguments: &args::Info) -> Result<Lines, Failure> {
    let index = bigannoy::open(file, &arguments.metadata.of(arguments.layout.options()))?;
    let mut lines: Lines = index.summary().into();
    lines.push(("generator", index.generator().unwrap_or("NA").to_owned()));
    lines.extend(if arguments.deep { deep_lines(&index)? } else { tree_lines(&index)? });
    Ok(lines)
}

/// The shape of the trees. Of a damaged index the damage is told, and it is none to whoever asks only
/// what the sidecar says.
fn tree_lines(index: &Index) -> Result<Lines, Failure> {
    let interrupt = watch::interrupt()?;
    let survey = match index.survey(&mut |_, _| !interrupt.load(Ordering::Relaxed)) {
        Err(Error::Verify { source, .. }) => return Ok(vec![("damage", source.to_string())]),
        survey => survey?,
    };
    let mut lines = vec![("nodes", (survey.splits + survey.leaves).to_string())];
    let leaves = [survey.leaves, survey.lone_items];
    lines.extend(shape_lines(survey.splits, leaves, survey.leaf_size, survey.depth));
    Ok(lines)
}

fn shape_lines(splits: u64, leaves: [u64; 2], leaf_size: Spread, depth: Spread) -> Lines {
    let [leaves, lone_items] = leaves;
    let spread =
        |spread: Spread| format!("{} to {}, mean {:.2}", spread.min, spread.max, spread.mean);
    vec![
        ("splits", splits.to_string()),
        ("leaves", leaves.to_string()),
        ("lone_items", lone_items.to_string()),
        ("leaf_size", spread(leaf_size)),
        ("depth", spread(depth)),
    ]
}

/// What reading all of an index tells.
fn deep_lines(index: &Index) -> Result<Lines, Failure> {
    let interrupt = watch::interrupt()?;
    let report = index.verify(&mut |_, _| !interrupt.load(Ordering::Relaxed))?;
    let mut lines = vec![
        ("whole", "true".to_owned()),
        ("items_present", report.n_present.to_string()),
        ("trees_found", report.n_trees.to_string()),
        ("records", report.n_nodes.to_string()),
        ("nodes", (report.splits + report.leaves).to_string()),
        ("splits_without_plane", report.zero_planes.to_string()),
    ];
    let leaves = [report.leaves, report.lone_items];
    lines.extend(shape_lines(report.splits, leaves, report.leaf_size, report.depth));
    Ok(lines)
}

fn descriptor_lines(descriptor: &Descriptor, file: &Path) -> Lines {
    let storage = match descriptor.storage() {
        Storage::FileBacked { .. } => "file-backed".to_owned(),
        Storage::SharedMemory { name } => {
            format!("shared memory {}", plain::text(name.as_bytes()))
        }
    };
    let mut lines = vec![
        ("descriptor", plain::path(file)),
        ("type", descriptor.element_type().to_string()),
        ("rows", descriptor.nrows().to_string()),
        ("columns", descriptor.ncols().to_string()),
        ("layout", if descriptor.is_separated() { "separated" } else { "contiguous" }.to_owned()),
        ("storage", storage),
        ("row_names", names(descriptor.row_names())),
        ("column_names", names(descriptor.col_names())),
        ("window", if descriptor.is_window() { "yes" } else { "no" }.to_owned()),
    ];
    // Else attaching fails, with the reason.
    if let Ok((rows, columns)) = descriptor.stored_shape() {
        lines.push(("stored_rows", rows.to_string()));
        lines.push(("stored_columns", columns.to_string()));
    }
    lines.push(("first_row", (descriptor.row_offset() + 1).to_string()));
    lines.push(("first_column", (descriptor.col_offset() + 1).to_string()));
    lines
}

fn data_lines(matrix: &BigMatrix) -> Result<Lines, Failure> {
    let line = |data: &Path| {
        let bytes = std::fs::metadata(data).map_err(StorageError::io("look at", data))?.len();
        Ok(("data", format!("{} ({bytes} bytes)", plain::path(data))))
    };
    matrix.data_files().map(line).collect()
}

/// What is said in place of data that cannot be attached; the reason is told as an error.
fn data_fault(error: &AttachError) -> &'static str {
    let AttachError::Data { source, .. } = error else { return "unusable" };
    match source {
        StorageError::Io { source, .. } if source.kind() == ErrorKind::NotFound => "missing",
        StorageError::NoSegment { .. } => "missing",
        _ => "unusable",
    }
}

/// How many names there are, and the first few.
fn names(names: Option<&[ByteString]>) -> String {
    const SHOWN: usize = 5;
    let Some(names) = names else { return "none".to_owned() };
    let first: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{} ({}{more})", names.len(), first.join(", "))
}
