//! The file beside an index that says what it is: `<index>.meta`.

use bigannoy_metric::{Metric, UnknownMetric};

use crate::{DcfError, DcfField, parse_dcf, write_dcf};

/// What is known about an index, as its sidecar file records it.
///
/// The sixteen named fields are bigANNOY's, in its spelling, one to a line in Debian control format.
/// Only `metric` and `n_dim` must be there to read an index; older sidecars lack others. Fields
/// that are not known are kept in `other`, in their order, and written back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// Version of the set of fields; 3 is bigANNOY 0.3's.
    pub metadata_version: Option<String>,
    /// Version of the program that built the index.
    pub package_version: Option<String>,
    /// Version of Annoy whose layout the file has.
    pub annoy_version: Option<String>,
    /// A name for the index: build time and the first digits of the file's md5.
    pub index_id: Option<String>,
    /// The metric.
    pub metric: Metric,
    /// Dimensions.
    pub n_dim: usize,
    /// Items, that is rows of the reference.
    pub n_ref: Option<u64>,
    /// Trees that were built.
    pub n_trees: Option<u64>,
    /// The seed of the build; `NA` in the file where it is not known.
    pub build_seed: Option<u64>,
    /// Threads of the build as asked for; -1 for all.
    pub build_threads: Option<i64>,
    /// What built the index.
    pub build_backend: Option<String>,
    /// Size of the index in bytes.
    pub file_size: Option<u64>,
    /// When the index was last changed.
    pub file_mtime: Option<String>,
    /// md5 of the index, in lower-case hexadecimal digits.
    pub file_md5: Option<String>,
    /// How the index was opened after its build: `lazy` or `eager`.
    pub load_mode: Option<String>,
    /// The index file's name, without directory.
    pub index_file: Option<String>,
    /// Fields of others, and ours beyond the sixteen.
    pub other: Vec<(String, String)>,
}

/// Why a sidecar could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SidecarError {
    /// It is not one record of fields.
    #[error(transparent)]
    Syntax(#[from] DcfError),
    /// A field without which the index cannot be read is not there.
    #[error("the field {field} is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field's value is not what it has to be.
    #[error("line {line}: the field {field} is {found:?}, expected {expected}")]
    Value {
        /// The line on which it stands, counted from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// It is larger than any sidecar.
    #[error("it has more than {most} bytes, which no sidecar has")]
    TooLong {
        /// The most bytes that are read.
        most: u64,
    },
    /// The metric is none that we know.
    #[error("line {line}: {problem}")]
    Metric {
        /// The line on which it stands, counted from 1.
        line: usize,
        /// What stands there.
        problem: UnknownMetric,
    },
}

impl Sidecar {
    /// A sidecar that says no more than how to read the index.
    #[must_use]
    pub fn new(metric: Metric, n_dim: usize) -> Self {
        Sidecar {
            metadata_version: None,
            package_version: None,
            annoy_version: None,
            index_id: None,
            metric,
            n_dim,
            n_ref: None,
            n_trees: None,
            build_seed: None,
            build_threads: None,
            build_backend: None,
            file_size: None,
            file_mtime: None,
            file_md5: None,
            load_mode: None,
            index_file: None,
            other: Vec::new(),
        }
    }

    /// Reads a sidecar's text.
    ///
    /// # Errors
    /// [`SidecarError`]: bad syntax, `metric` or `n_dim` missing, or a number that is none.
    pub fn parse(text: &str) -> Result<Self, SidecarError> {
        Self::parse_with(text, None)
    }

    /// Reads a sidecar's text; metric and dimension are taken from `layout` where they are missing.
    ///
    /// # Errors
    /// As [`Sidecar::parse`].
    pub fn parse_with(text: &str, layout: Option<(Metric, usize)>) -> Result<Self, SidecarError> {
        let mut fields = Fields(parse_dcf(text)?);
        let metric = match fields.take("metric") {
            Some(DcfField { value, line, .. }) => {
                value.parse().map_err(|problem| SidecarError::Metric { line, problem })?
            }
            None => layout.ok_or(SidecarError::Missing { field: "metric" })?.0,
        };
        let n_dim = fields.number("n_dim")?.or(layout.map(|(_, dim)| dim));
        Ok(Sidecar {
            metadata_version: fields.text("metadata_version"),
            package_version: fields.text("package_version"),
            annoy_version: fields.text("annoy_version"),
            index_id: fields.text("index_id"),
            metric,
            n_dim: n_dim.ok_or(SidecarError::Missing { field: "n_dim" })?,
            n_ref: fields.number("n_ref")?,
            n_trees: fields.number("n_trees")?,
            build_seed: fields.number("build_seed")?,
            build_threads: fields.number("build_threads")?,
            build_backend: fields.text("build_backend"),
            file_size: fields.number("file_size")?,
            file_mtime: fields.text("file_mtime"),
            file_md5: fields.text("file_md5"),
            load_mode: fields.text("load_mode"),
            index_file: fields.text("index_file"),
            other: fields.0.into_iter().map(|field| (field.name, field.value)).collect(),
        })
    }

    /// The value of a field beyond the sixteen, if it is there and known (not `NA`).
    #[must_use]
    pub fn other(&self, field: &str) -> Option<&str> {
        let found = self.other.iter().find(|(name, _)| name == field);
        found.map(|(_, value)| value.as_str()).filter(|&value| value != NA)
    }

    /// Sets a field beyond the sixteen, at its place if it is there and else behind all others.
    ///
    /// # Panics
    /// If `field` is one of the sixteen, or no name of a field (see [`crate::is_field_name`]).
    pub fn set_other(&mut self, field: &str, value: impl Into<String>) {
        assert!(crate::is_field_name(field) && !NAMES.contains(&field), "no other field: {field}");
        match self.other.iter_mut().find(|(name, _)| name == field) {
            Some((_, place)) => *place = value.into(),
            None => self.other.push((field.to_owned(), value.into())),
        }
    }

    /// Those of the sixteen fields that are not known. A seed may be left unset: it is none of them.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let values = NAMES.into_iter().zip(self.values());
        let unknown = values.filter(|(_, value)| value.is_none());
        unknown.map(|(name, _)| name).collect()
    }

    /// The sidecar's text. Fields that are `None` are left out, an unknown seed is `NA`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let values = self.values();
        let named = NAMES.into_iter().zip(&values);
        let named = named.filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let other = self.other.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        write_dcf(named.chain(other))
    }

    /// The values of the sixteen fields, in their order.
    fn values(&self) -> [Option<String>; 16] {
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        [
            self.metadata_version.clone(),
            self.package_version.clone(),
            self.annoy_version.clone(),
            self.index_id.clone(),
            Some(self.metric.to_string()),
            Some(self.n_dim.to_string()),
            number(self.n_ref),
            number(self.n_trees),
            Some(number(self.build_seed).unwrap_or_else(|| NA.to_owned())),
            self.build_threads.map(|value| value.to_string()),
            self.build_backend.clone(),
            number(self.file_size),
            self.file_mtime.clone(),
            self.file_md5.clone(),
            self.load_mode.clone(),
            self.index_file.clone(),
        ]
    }
}

/// The sixteen fields, in their order.
const NAMES: [&str; 16] = [
    "metadata_version",
    "package_version",
    "annoy_version",
    "index_id",
    "metric",
    "n_dim",
    "n_ref",
    "n_trees",
    "build_seed",
    "build_threads",
    "build_backend",
    "file_size",
    "file_mtime",
    "file_md5",
    "load_mode",
    "index_file",
];

/// The digits of a whole number that R wrote as a double: `5e+06`.
fn as_r_writes_doubles(value: &str) -> Option<String> {
    let number: f64 = value.parse().ok()?;
    // Up to 2^53 doubles are exact.
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0)
        .then(|| format!("{number:.0}"))
}

/// R's word for a value that is not known.
const NA: &str = "NA";

/// Fields that have not been taken yet.
struct Fields(Vec<DcfField>);

impl Fields {
    fn take(&mut self, field: &'static str) -> Option<DcfField> {
        let position = self.0.iter().position(|known| known.name == field)?;
        Some(self.0.remove(position)).filter(|known| known.value != NA)
    }

    fn text(&mut self, field: &'static str) -> Option<String> {
        self.take(field).map(|field| field.value)
    }

    fn number<T: std::str::FromStr>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, SidecarError> {
        let Some(DcfField { value, line, .. }) = self.take(field) else { return Ok(None) };
        let number = value.parse().ok().or_else(|| as_r_writes_doubles(&value)?.parse().ok());
        let expected = "a whole number";
        let wrong = || SidecarError::Value { line, field, expected, found: value };
        number.map(Some).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_sidecar_comes_back_with_fields_of_others() {
        let mut sidecar = Sidecar::new(Metric::Angular, 3);
        sidecar.n_ref = Some(6);
        sidecar.build_threads = Some(-1);
        sidecar.index_id = Some("annoy-20260101000000-0123456789ab".to_owned());
        sidecar.other = vec![("generator".to_owned(), "chacha8".to_owned())];
        let text = sidecar.to_text();
        assert!(text.contains("metric: angular\nn_dim: 3\nn_ref: 6\nbuild_seed: NA\n"), "{text}");
        assert_eq!(Sidecar::parse(&text), Ok(sidecar));
    }

    #[test]
    fn what_an_index_cannot_be_read_without() {
        let error = |text: &str| Sidecar::parse(text).unwrap_err().to_string();
        assert_eq!(error("metric: angular\n"), "the field n_dim is missing");
        assert_eq!(error("n_dim: 3\n"), "the field metric is missing");
        assert_eq!(
            error("metric: angular\nn_dim: -3\n"),
            "line 2: the field n_dim is \"-3\", expected a whole number"
        );
        assert!(error("metric: angular\nn_dim: 2.5").contains("expected a whole number"));
        let of_r = Sidecar::parse("metric: angular\nn_dim: 3\nfile_size: 5e+06\nn_ref: 1e+05");
        assert_eq!(
            of_r.map(|of_r| (of_r.file_size, of_r.n_ref)),
            Ok((Some(5_000_000), Some(100_000)))
        );
        assert!(error("n_dim: 3\nmetric: cosine").starts_with("line 2: unknown metric \"cosine\""));
        assert!(error("metric").starts_with("line 1:"));
    }

    #[test]
    fn what_is_missing_is_taken_from_who_knows_it() {
        let given = Some((Metric::Dot, 7));
        let sidecar = Sidecar::parse_with("metric: NA\nn_ref: 4", given).unwrap();
        assert_eq!((sidecar.metric, sidecar.n_dim, sidecar.n_ref), (Metric::Dot, 7, Some(4)));
        let sidecar = Sidecar::parse_with("metric: angular\nn_dim: 3", given).unwrap();
        assert_eq!((sidecar.metric, sidecar.n_dim), (Metric::Angular, 3));
        assert!(Sidecar::parse_with("n_ref: 4", None).is_err());
    }

    #[test]
    fn other_fields_are_set_at_their_places() {
        let text = "metric: dot\nn_dim: 2\nnote: a\n b\nour: NA\nlast: x\n";
        let mut sidecar = Sidecar::parse(text).unwrap();
        assert_eq!((sidecar.other("note"), sidecar.other("our")), (Some("a\nb"), None));
        sidecar.set_other("our", "1");
        sidecar.set_other("new", "2");
        let written = sidecar.to_text();
        assert!(written.ends_with("note: a\n b\nour: 1\nlast: x\nnew: 2\n"), "{written}");
    }
}
