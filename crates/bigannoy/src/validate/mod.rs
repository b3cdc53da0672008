//! Whether an index is what its sidecar says, and still about its reference.

mod content;
mod options;
mod signature;

use std::path::Path;

use bigannoy_format::Sidecar;

pub use self::options::{Level, UnknownLevel, ValidateOptions};
use crate::{Error, Index, OpenOptions};

/// How much a failed check means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The index must not be used, or what was asked could not be confirmed.
    Error,
    /// Worth knowing: an index that was copied, renamed or built long ago is still good.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name: one word, the same in all versions.
    pub check: &'static str,
    /// Whether it passed.
    pub passed: bool,
    /// What it means if it failed.
    pub severity: Severity,
    /// What was found, and what was expected.
    pub message: String,
}

/// What a validation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl Validation {
    /// Whether no check of severity [`Severity::Error`] has failed.
    #[must_use]
    pub fn valid(&self) -> bool {
        self.first_error().is_none()
    }

    /// The first failed check of severity [`Severity::Error`].
    #[must_use]
    pub fn first_error(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.passed && check.severity == Severity::Error)
    }
}

/// Checks as they are made. In a strict validation the first error ends it.
struct Checks<'a> {
    index: &'a Path,
    strict: bool,
    done: Vec<Check>,
}

/// Why no more checks are made.
enum Stop {
    /// What comes after cannot be looked at, or a strict validation met an error.
    Enough,
    /// The validation itself could not be done.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

impl Checks<'_> {
    fn add(
        &mut self,
        check: &'static str,
        severity: Severity,
        passed: bool,
        message: impl Into<String>,
    ) -> Result<(), Stop> {
        self.done.push(Check { check, passed, severity, message: message.into() });
        if !passed && severity == Severity::Error && self.strict {
            return Err(Stop::Enough);
        }
        Ok(())
    }

    /// A check that compares what was found with what the sidecar has, if it has it.
    fn compare<T: PartialEq + std::fmt::Display>(
        &mut self,
        check: &'static str,
        severity: Severity,
        expected: Option<T>,
        found: &T,
    ) -> Result<(), Stop> {
        match expected {
            Some(expected) if expected == *found => {
                self.add(check, severity, true, found.to_string())
            }
            Some(expected) => {
                self.add(check, severity, false, format!("{found}, expected {expected}"))
            }
            None => self.add(check, Severity::Warning, false, "not recorded in the sidecar"),
        }
    }

    fn error(&mut self, check: &'static str, error: &dyn std::error::Error) -> Result<(), Stop> {
        self.add(check, Severity::Error, false, whole_message(error))
    }

    fn into_validation(self, stop: Result<(), Stop>) -> Result<Validation, Error> {
        match stop {
            Ok(()) | Err(Stop::Enough) => Ok(Validation { checks: self.done }),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

/// An error and its causes, in one line.
fn whole_message(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |message, cause| {
        let cause = cause.to_string();
        if message.ends_with(&cause) { message } else { format!("{message}: {cause}") }
    })
}

/// Validates the index at `path` without opening it first: what keeps it from being opened is a
/// failed check. `open` says what the caller knows of it, as for [`crate::open`].
///
/// The checks, by [`Level`] (severity error unless it says otherwise):
///
/// | check | passes where |
/// | --- | --- |
/// | `index_exists` | the index is a file that can be read |
/// | `metadata_exists` | there is a sidecar; a warning where [`OpenOptions::layout`] is given |
/// | `metadata_fields` | the sidecar can be read, and says metric and dimension |
/// | `metadata_complete` | it has the sixteen fields of bigANNOY (warning) |
/// | `metadata_version` | its version is 3 (warning) |
/// | `layout` | metric and dimension are the caller's, and the file's length is a number of their records |
/// | `index_file` | the sidecar has the file's name (warning) |
/// | `file_size` | the file has the recorded length |
/// | `file_mtime` | it was last changed at the recorded time (warning) |
/// | `file_ends` | both ends of the file have the recorded hash; only for our indexes |
/// | `index_id` | the id ends with the digits of the recorded md5 (warning) |
/// | `load` | the index can be mapped and its roots be found; the number of items is the recorded one |
/// | `structure` | every record is undamaged, and every tree reaches every item once |
/// | `n_trees` | there are as many trees as recorded |
/// | `file_md5` | the md5 of the whole file is the recorded one |
/// | `reference_shape`, `reference_type` (warning), `reference_hash` | the reference is the recorded one |
///
/// The validation is strict or lenient: see [`ValidateOptions::strict`].
///
/// # Errors
/// [`Error`]: the reference that was given cannot be read, an option is wrong, or an interruption. In
/// a strict validation also [`Error::Invalid`], the first failed check of severity error.
pub fn validate(
    path: impl AsRef<Path>,
    open: &OpenOptions,
    options: &ValidateOptions<'_>,
) -> Result<Validation, Error> {
    let path = path.as_ref();
    let found = validate_to_error(path, open, options)?;
    match found.first_error().filter(|_| options.strict) {
        Some(check) => Err(Error::Invalid {
            index: path.to_path_buf(),
            check: check.check,
            problem: check.message.clone(),
        }),
        None => Ok(found),
    }
}

/// Validates as [`validate`] does; in a strict validation the first failed check of severity error
/// is the last one, and not an error of the call: for those who show the checks.
///
/// # Errors
/// As [`validate`], without [`Error::Invalid`].
pub fn validate_to_error(
    path: impl AsRef<Path>,
    open: &OpenOptions,
    options: &ValidateOptions<'_>,
) -> Result<Validation, Error> {
    let path = path.as_ref();
    options.check()?;
    let mut checks = Checks { index: path, strict: options.strict, done: Vec::new() };
    let stop = all(&mut checks, open, options);
    checks.into_validation(stop)
}

fn all(
    checks: &mut Checks<'_>,
    open: &OpenOptions,
    options: &ValidateOptions<'_>,
) -> Result<(), Stop> {
    let (file, sidecar): (_, Sidecar) = signature::check(checks, open)?;
    if options.level >= Level::Structure || options.load {
        content::structure(checks, &file, &sidecar, open, options)?;
    }
    if options.level >= Level::Checksum {
        content::checksum(checks, &file, &sidecar, options)?;
    }
    if options.level >= Level::Reference {
        content::reference(checks, &sidecar, options)?;
    }
    Ok(())
}

impl Index {
    /// Validates the files of this index: see [`validate`] for the checks, and for what is strict.
    ///
    /// Before all others comes the check `same_index`: the files are still those that were opened.
    /// With [`ValidateOptions::load`] the index is mapped, as by [`Index::load`], and stays so;
    /// without it, an index that is closed stays closed.
    ///
    /// # Errors
    /// As [`validate`].
    pub fn validate(&self, options: &ValidateOptions<'_>) -> Result<Validation, Error> {
        let mut checks = Checks { index: &self.path, strict: options.strict, done: Vec::new() };
        options.check()?;
        let same = match self.still_the_same() {
            Ok(()) => checks.add("same_index", Severity::Error, true, "as it was opened"),
            Err(error) => checks.error("same_index", &error),
        };
        let stop = same.and_then(|()| all(&mut checks, &self.options, options));
        let found = checks.into_validation(stop)?;
        match found.first_error() {
            Some(check) if options.strict => Err(Error::Invalid {
                index: self.path.clone(),
                check: check.check,
                problem: check.message.clone(),
            }),
            None if options.load => {
                self.load()?;
                Ok(found)
            }
            _ => Ok(found),
        }
    }
}
