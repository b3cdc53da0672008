//! What a new index's sidecar says of it.

use std::path::Path;
use std::time::SystemTime;

use bigannoy_build::{BuildReport, Generator};
use bigannoy_format::Sidecar;
use jiff::Timestamp;

use crate::BuildOptions;

/// Our fields of a sidecar, beyond the sixteen.
pub(crate) mod field {
    /// The definition of the index's bytes: see [`crate::Generator::recorded_name`].
    pub(crate) const GENERATOR: &str = "bigannoy_generator";
    /// How sums were rounded while the index was built.
    pub(crate) const ARITHMETIC: &str = "bigannoy_arithmetic";
    /// The version of this crate.
    pub(crate) const VERSION: &str = "bigannoy_version";
    /// See [`crate::ends::ends`].
    pub(crate) const ENDS: &str = "bigannoy_ends";
    /// The reference: the path of its descriptor as it was given, or what else it was called.
    pub(crate) const REFERENCE: &str = "bigannoy_reference";
    /// Rows and columns of the reference.
    pub(crate) const REFERENCE_SHAPE: &str = "bigannoy_reference_shape";
    /// The type of the reference's elements; `NA` for rows that are in no matrix.
    pub(crate) const REFERENCE_TYPE: &str = "bigannoy_reference_type";
    /// The fingerprint of the reference: see [`crate::fingerprint::fingerprint`].
    pub(crate) const REFERENCE_HASH: &str = "bigannoy_reference_hash";
}

/// A time as sidecars have it: UTC, to the second.
pub(crate) fn time(at: SystemTime) -> String {
    // Times outside of the years -9999 to 9999 are not worth failing for.
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The name of a file without its directory, as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A shape as sidecars have it.
pub(crate) fn shape(nrows: usize, ncols: usize) -> String {
    format!("{nrows} {ncols}")
}

/// What is known of the reference of an index.
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) shape: String,
    pub(crate) element_type: Option<String>,
    pub(crate) hash: String,
}

/// An index that is on the disk, and has its name soon.
pub(crate) struct Written<'a> {
    pub(crate) report: BuildReport,
    pub(crate) path: &'a Path,
    pub(crate) md5: String,
    pub(crate) ends: String,
    pub(crate) modified: SystemTime,
}

/// The sidecar of a new index.
pub(crate) fn describe(
    written: &Written<'_>,
    reference: &Reference,
    options: &BuildOptions,
) -> Sidecar {
    let Written { report, md5, .. } = written;
    let mut sidecar = Sidecar::new(options.metric, report.dim);
    let text = |value: &str| Some(value.to_owned());
    let now = Timestamp::now().strftime("%Y%m%d%H%M%S");
    sidecar.metadata_version = text("3");
    sidecar.package_version = text(env!("CARGO_PKG_VERSION"));
    sidecar.annoy_version = text("1.17.3");
    sidecar.index_id = Some(format!("annoy-{now}-{}", &md5[..12]));
    sidecar.n_ref = Some(report.n_items.into());
    sidecar.n_trees = Some(report.n_trees as u64);
    sidecar.build_seed = recorded_seed(options);
    let threads = options.threads.and_then(|threads| i64::try_from(threads).ok());
    sidecar.build_threads = Some(threads.unwrap_or(-1));
    sidecar.build_backend = text("rust");
    sidecar.file_size = Some(report.bytes);
    sidecar.file_mtime = Some(time(written.modified));
    sidecar.file_md5 = text(md5);
    sidecar.load_mode = text(options.load_mode.name());
    sidecar.index_file = Some(file_name(written.path));
    let arithmetic = match options.generator {
        Generator::Annoy => "f32 in order",
        Generator::AnnoyFused => "f32 in order, fused multiply-add",
        _ => "f32 in order, splits in eight lanes",
    };
    for (name, value) in [
        (field::GENERATOR, options.generator.recorded_name(options.metric)),
        (field::ARITHMETIC, arithmetic),
        (field::VERSION, env!("CARGO_PKG_VERSION")),
        (field::ENDS, &written.ends),
        (field::REFERENCE, &reference.name),
        (field::REFERENCE_SHAPE, &reference.shape),
        (field::REFERENCE_TYPE, reference.element_type.as_deref().unwrap_or("NA")),
        (field::REFERENCE_HASH, &reference.hash),
    ] {
        sidecar.set_other(name, value);
    }
    sidecar
}

/// The seed as the sidecar has it: what builds the same index again when it is set.
///
/// Annoy's own seed has more digits than a number of R; where it was left to Annoy's, the seed is
/// not set again either. That is `NA` in the file, which R reads as an unset seed.
fn recorded_seed(options: &BuildOptions) -> Option<u64> {
    match options.generator {
        Generator::Annoy | Generator::AnnoyFused => options.seed,
        generator => Some(options.seed.unwrap_or(generator.default_seed())),
    }
}
