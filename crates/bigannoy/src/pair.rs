//! An index and its sidecar: two files that belong together.
//!
//! Both get their names by one list of renames (see [`commit_together`]): whoever comes upon it
//! after a kill, or while the two are being renamed, can tell which sidecar belongs to the index that
//! stands there.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bigannoy_format::{Sidecar, SidecarError};
use bigannoy_metric::Metric;
use bigannoy_storage::{
    Access, Claim, ClosedNewFile, Existing, FileIdentity, OpenFile, PendingCommit, StorageError,
    commit_together,
};

use crate::describe::field;
use crate::ends::ends;
use crate::{Error, input::OpenInput};

/// Where the sidecar of the index at `path` is, unless the caller says otherwise.
pub(crate) fn sidecar_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".meta");
    PathBuf::from(name)
}

/// Whether something stands at `path`, as far as it can be told.
pub(crate) fn try_exists(path: &Path) -> Result<bool, StorageError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::io("look at", path)(error)),
    }
}

/// The right to write an index and its sidecar.
pub(crate) struct Target {
    // Given back in this order: who gets the index gets its sidecar too.
    sidecar: Claim,
    index: Claim,
}

impl Target {
    /// Takes the right, and finishes or removes what killed processes have left there.
    pub(crate) fn claim(index: &Path, sidecar: &Path) -> Result<Self, Error> {
        let of_index = Claim::take(index)?;
        let target = Target { sidecar: Claim::take(sidecar)?, index: of_index };
        if let Some(list) = PendingCommit::find(index)? {
            if is_of_its_index(&list, index)? { list.finish()? } else { list.discard()? }
        }
        target.index.remove_leftovers([index])?;
        target.sidecar.remove_leftovers([sidecar])?;
        Ok(target)
    }

    /// To the index.
    pub(crate) fn index(&self) -> &Claim {
        &self.index
    }

    /// To the sidecar.
    pub(crate) fn sidecar(&self) -> &Claim {
        &self.sidecar
    }

    /// Gives both files their names, after the bytes of both are on the disk.
    pub(crate) fn publish(
        &self,
        index: ClosedNewFile,
        sidecar: ClosedNewFile,
        overwrite: bool,
    ) -> Result<(), StorageError> {
        let existing = if overwrite { Existing::Replace } else { Existing::Refuse };
        commit_together(&self.index, vec![index, sidecar], existing)
    }
}

/// Refuses to write where nothing may be replaced, or where something stands that must not be.
pub(crate) fn check_targets(
    index: &Path,
    sidecar: &Path,
    input: &OpenInput<'_>,
    overwrite: bool,
) -> Result<(), Error> {
    let usual = sidecar_path(index);
    for target in [index, sidecar] {
        check_target(target, input, overwrite)?;
        // What stands there could not be opened any more, whichever of the two it is.
        if target != usual
            && let Some(other) = described_by(target)
        {
            let path = target.to_path_buf();
            return Err(Error::TakenForSidecar { path, other });
        }
    }
    let not_replaced = |path: &Path, what| Error::NotReplaced { path: path.to_path_buf(), what };
    if sidecar == index {
        return Err(not_replaced(sidecar, "to be the sidecar of the index of the same name"));
    }
    // It would tell what another index was.
    if usual != sidecar && try_exists(&usual)? {
        return Err(not_replaced(index, "described by the sidecar beside it, not the one given"));
    }
    Ok(())
}

/// The file of which `path` has the name of the sidecar, if it is there.
fn described_by(path: &Path) -> Option<PathBuf> {
    let other = path.with_extension("");
    (path.extension()? == "meta" && other.is_file()).then_some(other)
}

fn check_target(target: &Path, input: &OpenInput<'_>, overwrite: bool) -> Result<(), Error> {
    // Where a pipe or device stands, asking for overwriting is no way out either.
    Existing::Replace.check(target)?;
    if !try_exists(target)? {
        return Ok(());
    }
    let path = target.to_path_buf();
    if !overwrite {
        return Err(Error::Exists { path });
    }
    if target.is_dir() {
        return Err(Error::NotReplaced { path, what: "a link to a directory" });
    }
    // A dangling link is nobody's matrix.
    if target.exists() && input.consists_of(target)? {
        return Err(Error::NotReplaced { path, what: "part of the reference" });
    }
    Ok(())
}

/// A file, at a moment: the same until it is replaced or written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    identity: FileIdentity,
    pub(crate) len_bytes: u64,
    pub(crate) modified: SystemTime,
}

impl Stamp {
    pub(crate) fn of(file: &OpenFile) -> Result<Self, StorageError> {
        Ok(Stamp {
            identity: file.identity().clone(),
            len_bytes: file.len_bytes()?,
            modified: file.modified()?,
        })
    }
}

/// An index file and what its sidecar says.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) stamp: Stamp,
    /// `None` where there is no sidecar.
    pub(crate) sidecar: Option<Sidecar>,
}

/// How often a pair is read anew that is replaced while it is read. Each time a whole index was
/// built.
const MOST_TRIES: usize = 100;

/// Reads what an index is: never one index with the sidecar of another, even while both are
/// replaced, or after a process was killed that was about to. `layout` is what the caller knows of
/// it.
pub(crate) fn read(
    index: &Path,
    sidecar: &Path,
    layout: Option<(Metric, usize)>,
) -> Result<Pair, Error> {
    for _ in 0..MOST_TRIES {
        let file = OpenFile::open(index, Access::ReadOnly)?;
        let stamp = Stamp::of(&file)?;
        let found = read_sidecars(&file, index, sidecar, layout);
        // It is held open: no other file can have its identity meanwhile.
        if FileIdentity::of_path(index)? == stamp.identity {
            return Ok(Pair { stamp, sidecar: found? });
        }
    }
    Err(StorageError::Replaced { path: index.to_path_buf() }.into())
}

/// The sidecar of an open index: where the two were about to be replaced, or have been only half,
/// the one that describes it.
fn read_sidecars(
    file: &OpenFile,
    index: &Path,
    sidecar: &Path,
    layout: Option<(Metric, usize)>,
) -> Result<Option<Sidecar>, Error> {
    let mut candidates = vec![sidecar.to_path_buf()];
    if let Some(list) = PendingCommit::find(index)?
        && let [new_index, new_sidecar] = list.renames()
        && !new_index.is_to_be_done()?
        && is_same_path(&new_sidecar.target, sidecar)?
    {
        candidates.insert(0, new_sidecar.temporary.clone());
    }
    let mut fault = None;
    for candidate in candidates {
        let read = match read_sidecar(&candidate, layout) {
            Ok(Some(found)) => check(&found, &candidate, file, layout).map(|()| found),
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        match read {
            Ok(found) => return Ok(Some(found)),
            Err(error) => fault = Some(error),
        }
    }
    fault.map_or(Ok(None), Err)
}

fn is_same_path(one: &Path, other: &Path) -> Result<bool, StorageError> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(StorageError::io("find the directory of", path))
    };
    Ok(absolute(one)? == absolute(other)?)
}

/// A sidecar is a few hundred bytes; what is larger than this is something else.
const MOST_SIDECAR_BYTES: u64 = 1 << 20;

/// Reads the sidecar at `path`, if there is one.
pub(crate) fn read_sidecar(
    path: &Path,
    layout: Option<(Metric, usize)>,
) -> Result<Option<Sidecar>, Error> {
    use std::io::Read;
    if !try_exists(path)? {
        return Ok(None);
    }
    // Read rather than mapped: text must not change once it was found to be text.
    let mut bytes = Vec::new();
    OpenFile::open(path, Access::ReadOnly)?
        .into_file()
        .take(MOST_SIDECAR_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(StorageError::io("read", path))?;
    let sidecar = if bytes.len() as u64 > MOST_SIDECAR_BYTES {
        Err(SidecarError::TooLong { most: MOST_SIDECAR_BYTES })
    } else {
        Sidecar::parse_with(&String::from_utf8_lossy(&bytes), layout)
    };
    sidecar.map(Some).map_err(|source| Error::Sidecar { path: path.to_path_buf(), source })
}

/// Compares a sidecar with the index and with what the caller knows: in no more than microseconds.
fn check(
    sidecar: &Sidecar,
    path: &Path,
    file: &OpenFile,
    layout: Option<(Metric, usize)>,
) -> Result<(), Error> {
    let mismatch = |what, found: String, expected: String| {
        let (of, by) = (file.path().to_path_buf(), path.to_path_buf());
        Err(Error::Mismatch { path: of, what, found, expected, by })
    };
    let size = file.len_bytes()?;
    if let Some(expected) = sidecar.file_size.filter(|&expected| expected != size) {
        return mismatch("the size in bytes", size.to_string(), expected.to_string());
    }
    if let Some(expected) = sidecar.other(field::ENDS) {
        let found = ends(file)?;
        if found != expected {
            return mismatch("the hash of both ends", found, expected.to_owned());
        }
    }
    if let Some((metric, dim)) = layout
        && (metric, dim) != (sidecar.metric, sidecar.n_dim)
    {
        let found = format!("{metric} in {dim} dimensions");
        let expected = format!("{} in {} dimensions", sidecar.metric, sidecar.n_dim);
        return mismatch("the metric asked for", found, expected);
    }
    Ok(())
}

/// Whether what is still to be renamed belongs to the index: not where another program has replaced
/// the index since.
fn is_of_its_index(list: &PendingCommit, index: &Path) -> Result<bool, Error> {
    let [new_index, new_sidecar] = list.renames() else { return Ok(false) };
    if new_index.is_to_be_done()? || !new_sidecar.is_to_be_done()? {
        return Ok(true);
    }
    let Some(sidecar) = read_sidecar(&new_sidecar.temporary, None)? else { return Ok(true) };
    // Somebody has removed it, and not what nobody sees.
    if !try_exists(index)? {
        return Ok(false);
    }
    let file = OpenFile::open(index, Access::ReadOnly)?;
    Ok(check(&sidecar, &new_sidecar.temporary, &file, None).is_ok())
}

/// Finishes what a killed process has begun, where that can be done.
pub(crate) fn settle(index: &Path, sidecar: &Path) -> Result<(), StorageError> {
    if PendingCommit::find(index)?.is_some() {
        // Another process may be at it, or the directory be read-only. What is there can be read
        // all the same.
        let _ = Target::claim(index, sidecar);
    }
    Ok(())
}
