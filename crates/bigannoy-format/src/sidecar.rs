//! The file beside an index that says what it is: `<index>.meta`.

use bigannoy_metric::{Metric, UnknownMetric};

use crate::{DcfError, parse_dcf, write_dcf};

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
    #[error("the field {field} is {found:?}, expected {expected}")]
    Value {
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
    #[error(transparent)]
    Metric(#[from] UnknownMetric),
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
        let mut fields = Fields(parse_dcf(text)?);
        Ok(Sidecar {
            metadata_version: fields.text("metadata_version"),
            package_version: fields.text("package_version"),
            annoy_version: fields.text("annoy_version"),
            index_id: fields.text("index_id"),
            metric: fields
                .text("metric")
                .ok_or(SidecarError::Missing { field: "metric" })?
                .parse()?,
            n_dim: fields.number("n_dim")?.ok_or(SidecarError::Missing { field: "n_dim" })?,
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
            other: fields.0,
        })
    }

    /// The sidecar's text. Fields that are `None` are left out, an unknown seed is `NA`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let fields = [
            ("metadata_version", self.metadata_version.clone()),
            ("package_version", self.package_version.clone()),
            ("annoy_version", self.annoy_version.clone()),
            ("index_id", self.index_id.clone()),
            ("metric", Some(self.metric.to_string())),
            ("n_dim", Some(self.n_dim.to_string())),
            ("n_ref", number(self.n_ref)),
            ("n_trees", number(self.n_trees)),
            ("build_seed", Some(number(self.build_seed).unwrap_or_else(|| NA.to_owned()))),
            ("build_threads", self.build_threads.map(|value| value.to_string())),
            ("build_backend", self.build_backend.clone()),
            ("file_size", number(self.file_size)),
            ("file_mtime", self.file_mtime.clone()),
            ("file_md5", self.file_md5.clone()),
            ("load_mode", self.load_mode.clone()),
            ("index_file", self.index_file.clone()),
        ];
        let named = fields.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let other = self.other.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        write_dcf(named.chain(other))
    }
}

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
struct Fields(Vec<(String, String)>);

impl Fields {
    fn text(&mut self, field: &'static str) -> Option<String> {
        let position = self.0.iter().position(|(name, _)| name == field)?;
        let (_, value) = self.0.remove(position);
        (value != NA).then_some(value)
    }

    fn number<T: std::str::FromStr>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, SidecarError> {
        let Some(value) = self.text(field) else { return Ok(None) };
        let number = value.parse().ok().or_else(|| as_r_writes_doubles(&value)?.parse().ok());
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(SidecarError::Value { field, expected: "a whole number", found: value }),
        }
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
            "the field n_dim is \"-3\", expected a whole number"
        );
        assert!(error("metric: angular\nn_dim: 2.5").contains("expected a whole number"));
        let of_r = Sidecar::parse("metric: angular\nn_dim: 3\nfile_size: 5e+06\nn_ref: 1e+05");
        assert_eq!(
            of_r.map(|of_r| (of_r.file_size, of_r.n_ref)),
            Ok((Some(5_000_000), Some(100_000)))
        );
        assert!(error("metric: cosine\nn_dim: 3").starts_with("unknown metric \"cosine\""));
        assert!(error("metric").starts_with("line 1:"));
    }
}
