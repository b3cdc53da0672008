//! What needs a pass over the index or over its reference.

use bigannoy_format::{Layout, Sidecar, VerifyError};
use bigannoy_search::Index as Searcher;
use bigannoy_storage::{OpenFile, StorageError};
use md5::{Digest, Md5};

use super::{Checks, Level, Severity, Stop, ValidateOptions};
use crate::describe::field;
use crate::fingerprint::fingerprint;
use crate::index_file::hex;
use crate::{Error, OpenOptions};

/// Bytes of the index that are read at a time.
const CHUNK_BYTES: usize = 1 << 20;

fn interrupted(checks: &Checks<'_>) -> Error {
    Error::Interrupted { written: format!("{} was not validated", checks.index.display()) }
}

/// Maps the index, and looks at all of its records where the level asks for it.
pub(super) fn structure(
    checks: &mut Checks<'_>,
    file: &OpenFile,
    sidecar: &Sidecar,
    open: &OpenOptions,
    options: &ValidateOptions<'_>,
) -> Result<(), Stop> {
    let loaded = Layout::new(sidecar.metric, sidecar.n_dim)
        .map_err(|source| Error::Dimension { index: checks.index.to_path_buf(), source })
        .and_then(|layout| {
            let mapping = file.map(file.len_bytes()?)?;
            let layout = match open.variant {
                Some(variant) => layout.with_variant(variant).map_err(|source| {
                    Error::Dimension { index: checks.index.to_path_buf(), source }
                })?,
                None => layout
                    .detect(mapping.as_ref())
                    .map_err(|source| crate::lifecycle::not_opened(checks.index, layout, source))?,
            };
            Searcher::open(mapping, layout)
                .map_err(|source| crate::lifecycle::not_opened(checks.index, layout, source))
        });
    let searcher = match loaded {
        Ok(searcher) => searcher,
        // What is wrong with the bytes is told by the checks that follow too.
        Err(error) => return checks.error("load", &error),
    };
    let n_items = u64::from(searcher.shape().n_items());
    let expected = sidecar.n_ref.filter(|&expected| expected != n_items);
    let message = match expected {
        None => format!("{n_items} items"),
        Some(expected) => format!("{n_items} items, expected {expected}"),
    };
    checks.add("load", Severity::Error, expected.is_none(), message)?;
    if options.level < Level::Structure {
        return Ok(());
    }
    match searcher.forest().verify(&mut |_, _| !options.watch.is_interrupted()) {
        Ok(report) => {
            let message = format!("{} records of {} trees", report.n_nodes, report.n_trees);
            checks.add("structure", Severity::Error, true, message)?;
            let trees = u64::from(report.n_trees);
            checks.compare("n_trees", Severity::Error, sidecar.n_trees, &trees)
        }
        Err(VerifyError::Interrupted) => Err(interrupted(checks).into()),
        Err(error) => checks.error("structure", &error),
    }
}

/// Compares the md5 of the whole file.
pub(super) fn checksum(
    checks: &mut Checks<'_>,
    file: &OpenFile,
    sidecar: &Sidecar,
    options: &ValidateOptions<'_>,
) -> Result<(), Stop> {
    let Some(expected) = &sidecar.file_md5 else {
        return checks.add("file_md5", Severity::Error, false, "not recorded in the sidecar");
    };
    // Read rather than mapped: a file that is cut meanwhile is an error then.
    let len = file.len_bytes().map_err(Error::from)?;
    let mut bytes = vec![0; CHUNK_BYTES];
    let mut digest = Md5::new();
    let mut start = 0;
    while start < len {
        if options.watch.is_interrupted() {
            return Err(interrupted(checks).into());
        }
        let count = usize::try_from(len - start).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        let read: Result<(), StorageError> = file.read_at(start, &mut bytes[..count]);
        if let Err(error) = read {
            return checks.error("file_md5", &error);
        }
        digest.update(&bytes[..count]);
        start += count as u64;
    }
    let found = hex(&digest.finalize());
    checks.compare("file_md5", Severity::Error, Some(expected.to_ascii_lowercase()), &found)
}

/// Compares the reference with what it was when the index was built.
pub(super) fn reference(
    checks: &mut Checks<'_>,
    sidecar: &Sidecar,
    options: &ValidateOptions<'_>,
) -> Result<(), Stop> {
    let Some(reference) = options.reference else { return Ok(()) };
    let input = reference.open()?;
    let given = input.describe(String::new());
    let recorded = |name| sidecar.other(name).map(str::to_owned);
    // Without our fields, the shape is known all the same.
    let shape = recorded(field::REFERENCE_SHAPE)
        .or_else(|| Some(format!("{} {}", sidecar.n_ref?, sidecar.n_dim)));
    let is_shape = shape.as_ref().is_none_or(|shape| *shape == given.shape);
    checks.compare("reference_shape", Severity::Error, shape, &given.shape)?;
    if let (Some(expected), Some(found)) = (recorded(field::REFERENCE_TYPE), given.element_type) {
        checks.compare("reference_type", Severity::Warning, Some(expected), &found)?;
    }
    let Some(expected) = recorded(field::REFERENCE_HASH) else {
        return checks.add("reference_hash", Severity::Error, false, "not recorded in the sidecar");
    };
    if !is_shape {
        let message = "the values of another shape are others";
        return checks.add("reference_hash", Severity::Error, false, message);
    }
    match fingerprint(input.rows(), &|| options.watch.is_interrupted()) {
        Ok(Some(found)) => {
            checks.compare("reference_hash", Severity::Error, Some(expected), &found)
        }
        Ok(None) => Err(interrupted(checks).into()),
        // An index has no such rows.
        Err(error) => checks.error("reference_hash", &error),
    }
}
