//! How far a validation goes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::progress::Watch;
use crate::{Error, Input};

/// How much of an index is looked at; each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Size, names, the fields of the sidecar, both ends of the file: microseconds.
    Fields,
    /// Every record, and how they hang together: a pass over the items and two over the trees. Memory:
    /// see [`crate::format::Forest::verify`].
    Structure,
    /// The md5 of the whole file: a pass over it. Finds any byte that has changed.
    #[default]
    Checksum,
    /// The reference's shape, type and values: a pass over it.
    Reference,
}

impl Level {
    /// All of them, from the cheapest on.
    pub const ALL: [Level; 4] =
        [Level::Fields, Level::Structure, Level::Checksum, Level::Reference];

    /// `fields`, `structure`, `checksum` or `reference`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Fields => "fields",
            Level::Structure => "structure",
            Level::Checksum => "checksum",
            Level::Reference => "reference",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown level {name:?}, expected fields, structure, checksum or reference")]
pub struct UnknownLevel {
    /// The word.
    pub name: String,
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        let found = Level::ALL.into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| UnknownLevel { name: name.to_owned() })
    }
}

/// How an index is validated.
#[derive(Clone, Debug)]
pub struct ValidateOptions<'a> {
    pub(crate) level: Level,
    pub(crate) strict: bool,
    pub(crate) load: bool,
    pub(crate) reference: Option<Input<'a>>,
    pub(crate) watch: Watch,
}

impl Default for ValidateOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> ValidateOptions<'a> {
    /// Strictly, with loading, up to [`Level::Checksum`].
    #[must_use]
    pub fn new() -> Self {
        ValidateOptions {
            level: Level::default(),
            strict: true,
            load: true,
            reference: None,
            watch: Watch::default(),
        }
    }

    /// Sets how far it goes. Default: [`Level::Checksum`].
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets whether the first failed check of severity error ends the validation, as an error.
    /// Otherwise all checks are made that can be, and the result tells. Default: yes.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets whether the index is mapped too, at [`Level::Fields`]; the levels above map it for as
    /// long as they need. [`Index::validate`](crate::Index::validate) leaves the index loaded then.
    /// Default: yes.
    #[must_use]
    pub fn load(mut self, load: bool) -> Self {
        self.load = load;
        self
    }

    /// Gives the reference, and sets the level to [`Level::Reference`].
    #[must_use]
    pub fn reference(mut self, reference: impl Into<Input<'a>>) -> Self {
        self.reference = Some(reference.into());
        self.level = Level::Reference;
        self
    }

    /// Ends the validation soon after `interrupt` becomes true, with [`Error::Interrupted`].
    #[must_use]
    pub fn interrupt(mut self, interrupt: Arc<AtomicBool>) -> Self {
        self.watch.interrupt = Some(interrupt);
        self
    }

    /// Refuses what cannot be done.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.level == Level::Reference && self.reference.is_none() {
            return Err(Error::Setting {
                setting: "the level of validation",
                found: "reference, and no reference was given".to_owned(),
                expected: "a reference to compare with".to_owned(),
            });
        }
        Ok(())
    }
}
