//! Starting programs, and how a command fails.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Why a command failed: one line a fault.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) Vec<String>);

impl From<String> for Failure {
    fn from(fault: String) -> Self {
        Self(vec![fault])
    }
}

/// How a command ended.
pub(crate) type Outcome = Result<(), Failure>;

/// `Ok` if there are no faults.
pub(crate) fn outcome(faults: Vec<String>) -> Outcome {
    if faults.is_empty() { Ok(()) } else { Err(Failure(faults)) }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // At run time cargo names the checkout it was started in; the built-in path may be another.
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

/// Reads a file of the repository.
pub(crate) fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(root().join(path)).map_err(|e| format!("cannot read {path}: {e}").into())
}

/// `program` with `args`, to be run at the root of the repository with nothing on its standard
/// input.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs us, with `args`.
pub(crate) fn cargo(args: &[&str]) -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// Runs a command; whatever it prints is seen.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|e| cannot_start(command, &e))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` ended with {status}", shown(command)).into())
    }
}

/// Runs a command and returns its standard output; its standard error is seen.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|e| cannot_start(command, &e))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("`{}` ended with {}\n{text}", shown(command), output.status).into())
    }
}

fn cannot_start(command: &Command, e: &std::io::Error) -> Failure {
    format!("cannot start `{}`: {e}", shown(command)).into()
}

/// The command as one would type it; the program without its folder.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
