//! `bigannoy info`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use bigannoy::descriptor::{ByteString, ReadError, Storage};
use bigannoy::format::Spread;
use bigannoy::{BigMatrix, Descriptor, Index};

use crate::args;
use crate::failure::Failure;
use crate::watch;

pub(crate) fn run(arguments: &args::Info) -> Result<(), Failure> {
    let file = &arguments.file;
    let mut sidecar = file.as_os_str().to_owned();
    sidecar.push(".meta");
    let lines = if arguments.layout.is_given() || PathBuf::from(&sidecar).exists() {
        index_lines(file, arguments)?
    } else {
        let descriptor = match Descriptor::read(file) {
            // There is something, and it is not a descriptor.
            Err(ReadError::Parse { problem, .. }) => {
                let sidecar = PathBuf::from(&sidecar);
                return Err(format!(
                    "{} is neither an index, there being no {}, nor a descriptor ({problem})",
                    file.display(),
                    sidecar.display(),
                )
                .into());
            }
            read => read?,
        };
        descriptor_lines(&descriptor, file)?
    };
    let mut out = io::stdout().lock();
    for (name, value) in lines {
        writeln!(out, "{name}: {value}")?;
    }
    Ok(out.flush()?)
}

type Lines = Vec<(&'static str, String)>;

fn index_lines(file: &Path, arguments: &args::Info) -> Result<Lines, Failure> {
    let index = bigannoy::open(file, &arguments.layout.options())?;
    let mut lines: Lines = index.summary().into();
    if arguments.deep {
        lines.extend(deep_lines(&index)?);
    }
    Ok(lines)
}

/// What reading all of an index tells.
fn deep_lines(index: &Index) -> Result<Lines, Failure> {
    let interrupt = watch::interrupt()?;
    let report = index.verify(&mut |_, _| !interrupt.load(Ordering::Relaxed))?;
    let generator = index.sidecar().other.iter().find(|(name, _)| name == "bigannoy_generator");
    let spread =
        |spread: Spread| format!("{} to {}, mean {:.2}", spread.min, spread.max, spread.mean);
    Ok(vec![
        ("whole", "true".to_owned()),
        ("generator", generator.map_or("unknown", |(_, value)| value).to_owned()),
        ("items_present", report.n_present.to_string()),
        ("trees_found", report.n_trees.to_string()),
        ("records", report.n_nodes.to_string()),
        ("splits", report.splits.to_string()),
        ("splits_without_plane", report.zero_planes.to_string()),
        ("leaves", report.leaves.to_string()),
        ("leaf_size", spread(report.leaf_size)),
        ("depth", spread(report.depth)),
    ])
}

fn descriptor_lines(descriptor: &Descriptor, file: &Path) -> Result<Lines, Failure> {
    // Attaching checks that the data is there and as long as it has to be.
    let matrix = BigMatrix::attach(file)?;
    let (total_rows, total_columns) = matrix.descriptor().stored_shape()?;
    let storage = match descriptor.storage() {
        Storage::FileBacked { .. } => "file-backed".to_owned(),
        Storage::SharedMemory { name } => format!("shared memory {name}"),
    };
    let mut lines = vec![
        ("descriptor", file.display().to_string()),
        ("type", descriptor.element_type().to_string()),
        ("rows", descriptor.nrows().to_string()),
        ("columns", descriptor.ncols().to_string()),
        ("layout", if descriptor.is_separated() { "separated" } else { "contiguous" }.to_owned()),
        ("storage", storage),
        ("row_names", names(descriptor.row_names())),
        ("column_names", names(descriptor.col_names())),
        ("window", if matrix.descriptor().is_window() { "yes" } else { "no" }.to_owned()),
        ("stored_rows", total_rows.to_string()),
        ("stored_columns", total_columns.to_string()),
        ("first_row", (descriptor.row_offset() + 1).to_string()),
        ("first_column", (descriptor.col_offset() + 1).to_string()),
    ];
    for data in matrix.data_files() {
        let bytes = std::fs::metadata(data)?.len();
        lines.push(("data", format!("{} ({bytes} bytes)", data.display())));
    }
    Ok(lines)
}

/// How many names there are, and the first few.
fn names(names: Option<&[ByteString]>) -> String {
    const SHOWN: usize = 5;
    let Some(names) = names else { return "none".to_owned() };
    let first: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{} ({}{more})", names.len(), first.join(", "))
}
