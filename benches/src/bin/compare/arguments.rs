//! Arguments of the form `--name value`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Failure;

/// Values by name.
pub(crate) struct Arguments(BTreeMap<String, String>);

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        while let Some(word) = words.next() {
            let name =
                word.strip_prefix("--").ok_or_else(|| format!("expected --name, found {word}"))?;
            let value = words.next().ok_or_else(|| format!("--{name} has no value"))?;
            values.insert(name.to_owned(), value);
        }
        Ok(Arguments(values))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, Failure> {
        self.find(name).ok_or_else(|| format!("--{name} is missing").into())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        Ok(self.text(name)?.into())
    }

    pub(crate) fn value<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("--{name} cannot be {text}").into())
    }

    /// All of them as one text: what was asked for.
    pub(crate) fn shown(&self) -> String {
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("--{name} {value}")).collect();
        pairs.join("\n")
    }
}
