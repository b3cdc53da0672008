//! What can be told in microseconds.

use bigannoy_format::{Layout, Sidecar};
use bigannoy_storage::{Access, OpenFile};

use super::{Checks, Severity, Stop};
use crate::describe::{field, file_name, time};
use crate::ends::ends;
use crate::{Error, OpenOptions, pair};

/// Looks at the files, and at what the sidecar says of the index.
pub(super) fn check(
    checks: &mut Checks<'_>,
    open: &OpenOptions,
) -> Result<(OpenFile, Sidecar), Stop> {
    let path = checks.index;
    let file = match OpenFile::open(path, Access::ReadOnly) {
        Ok(file) => file,
        Err(error) => {
            checks.error("index_exists", &error)?;
            return Err(Stop::Enough);
        }
    };
    checks.add("index_exists", Severity::Error, true, path.display().to_string())?;
    let sidecar = sidecar(checks, open)?;
    layout(checks, &file, &sidecar, open)?;
    let name = Some(file_name(path));
    match (&sidecar.index_file, name) {
        (Some(_), Some(name)) => {
            checks.compare("index_file", Severity::Warning, sidecar.index_file.clone(), &name)?;
        }
        _ => checks.compare("index_file", Severity::Warning, None, &String::new())?,
    }
    let size = file.len_bytes().map_err(Error::from)?;
    checks.compare("file_size", Severity::Error, sidecar.file_size, &size)?;
    let modified = time(file.modified().map_err(Error::from)?);
    checks.compare("file_mtime", Severity::Warning, sidecar.file_mtime.clone(), &modified)?;
    // Other programs do not record it, and nothing is amiss then.
    if let Some(expected) = sidecar.other(field::ENDS) {
        let found = ends(&file).map_err(Error::from)?;
        checks.compare("file_ends", Severity::Error, Some(expected.to_owned()), &found)?;
    }
    if let (Some(id), Some(md5)) = (&sidecar.index_id, &sidecar.file_md5) {
        let digits: String = md5.chars().take(12).collect();
        let passed = id.ends_with(&digits);
        let message =
            if passed { id.clone() } else { format!("{id}, expected to end in {digits}") };
        checks.add("index_id", Severity::Warning, passed, message)?;
    }
    Ok((file, sidecar))
}

/// The sidecar, or what the caller knows where there is none.
fn sidecar(checks: &mut Checks<'_>, open: &OpenOptions) -> Result<Sidecar, Stop> {
    let at = open.sidecar_path(checks.index);
    // Where the two are being replaced, or were when a process was killed, this finds the one that
    // belongs to the index.
    let read = match pair::read(checks.index, &at, open.layout) {
        Ok(pair) => Ok(pair.sidecar),
        Err(_) => pair::read_sidecar(&at, open.layout),
    };
    let sidecar = match (read, open.layout) {
        (Ok(Some(sidecar)), _) => sidecar,
        (Ok(None), given) => {
            let severity = given.map_or(Severity::Error, |_| Severity::Warning);
            checks.add("metadata_exists", severity, false, format!("no file {}", at.display()))?;
            let Some((metric, dim)) = given else { return Err(Stop::Enough) };
            return Ok(Sidecar::new(metric, dim));
        }
        (Err(error @ Error::Storage(_)), _) => {
            checks.error("metadata_exists", &error)?;
            return Err(Stop::Enough);
        }
        (Err(error), _) => {
            checks.add("metadata_exists", Severity::Error, true, at.display().to_string())?;
            checks.error("metadata_fields", &error)?;
            return Err(Stop::Enough);
        }
    };
    checks.add("metadata_exists", Severity::Error, true, at.display().to_string())?;
    let what = format!("{} in {} dimensions", sidecar.metric, sidecar.n_dim);
    checks.add("metadata_fields", Severity::Error, true, what)?;
    let missing = sidecar.missing();
    let message = match missing.as_slice() {
        [] => "all sixteen fields".to_owned(),
        missing => format!("not recorded: {}", missing.join(", ")),
    };
    checks.add("metadata_complete", Severity::Warning, missing.is_empty(), message)?;
    let version = sidecar.metadata_version.clone().unwrap_or_else(|| "none".to_owned());
    checks.compare("metadata_version", Severity::Warning, Some("3".to_owned()), &version)?;
    Ok(sidecar)
}

/// Whether the file can be an index of the metric and dimension at all.
fn layout(
    checks: &mut Checks<'_>,
    file: &OpenFile,
    sidecar: &Sidecar,
    open: &OpenOptions,
) -> Result<(), Stop> {
    let shown = |(metric, dim)| format!("{metric} in {dim} dimensions");
    let described = (sidecar.metric, sidecar.n_dim);
    if let Some(given) = open.layout.filter(|&given| given != described) {
        let message = format!("{}, expected {}", shown(given), shown(described));
        checks.add("layout", Severity::Error, false, message)?;
        return Err(Stop::Enough);
    }
    let mut layouts = Vec::new();
    match Layout::new(sidecar.metric, sidecar.n_dim) {
        Ok(layout) => match open.variant {
            Some(variant) => layouts.extend(layout.with_variant(variant).ok()),
            None => layouts.extend(
                bigannoy_format::Variant::of(sidecar.metric)
                    .iter()
                    .filter_map(|&variant| layout.with_variant(variant).ok()),
            ),
        },
        Err(error) => {
            checks.error("layout", &error)?;
            return Err(Stop::Enough);
        }
    }
    let size = file.len_bytes().map_err(Error::from)?;
    let fits = |layout: &&Layout| size > 0 && size.is_multiple_of(layout.record_bytes() as u64);
    if let Some(layout) = layouts.iter().find(fits) {
        let records = size / layout.record_bytes() as u64;
        let message = format!("{records} records of {} bytes", layout.record_bytes());
        return checks.add("layout", Severity::Error, true, message);
    }
    let each: Vec<String> =
        layouts.iter().map(|layout| layout.record_bytes().to_string()).collect();
    let each = each.join(" or ");
    let message = format!("{size} bytes are no number of records of {each} bytes");
    checks.add("layout", Severity::Error, false, message)
}
