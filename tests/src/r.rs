//! R on the other side: finding it and running the scripts of `tests/r`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::fixtures::package_dir;

/// The program that runs R scripts: `BIGANNOY_RSCRIPT` if that is set, or else the first
/// `Rscript` in `PATH`.
///
/// `None` if there is none; a `BIGANNOY_RSCRIPT` that names no file (for instance because it is
/// empty) counts as none too, so that a run without R can be tried where R is installed.
#[must_use]
pub fn find_rscript() -> Option<PathBuf> {
    find(env::var_os("BIGANNOY_RSCRIPT"), env::var_os("PATH"))
}

fn find(chosen: Option<OsString>, path: Option<OsString>) -> Option<PathBuf> {
    if let Some(chosen) = chosen {
        return Some(PathBuf::from(chosen)).filter(|file| file.is_file());
    }
    env::split_paths(&path?).map(|dir| dir.join("Rscript")).find(|file| file.is_file())
}

/// Whether a test that needs R has to fail, rather than be skipped, where R cannot be used:
/// `BIGANNOY_REQUIRE_R=1`.
#[must_use]
pub fn require_r() -> bool {
    env::var_os("BIGANNOY_REQUIRE_R").is_some_and(|value| value == "1")
}

/// The program that runs R scripts, if it also has the packages bigmemory and `RcppAnnoy`.
///
/// # Errors
/// Why R cannot be used, in one or more lines.
pub fn usable_r() -> Result<PathBuf, String> {
    let rscript = rscript()?;
    let mut command = Command::new(&rscript);
    command.args([
        "--vanilla",
        "-e",
        "invisible({loadNamespace('bigmemory'); loadNamespace('RcppAnnoy')})",
    ]);
    output(command)?;
    Ok(rscript)
}

/// Runs `tests/r/<script>` in a plain R session (`--vanilla`) with nothing on its standard
/// input, and returns what it wrote to standard output.
///
/// # Errors
/// If R is not found, cannot be started, or ends with another status than 0. The text then
/// holds the status and all that was written to both streams.
///
/// # Panics
/// If there is no such script.
pub fn run_r(script: &str, args: &[impl AsRef<OsStr>]) -> Result<String, String> {
    output(script_command(script, args)?)
}

/// Starts `tests/r/<script>` as [`run_r`] does, for a conversation over its standard input and
/// output. Its standard error is ours.
///
/// # Errors
/// If R is not found or cannot be started.
///
/// # Panics
/// If there is no such script.
pub fn spawn_r(script: &str, args: &[impl AsRef<OsStr>]) -> Result<Child, String> {
    let mut command = script_command(script, args)?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().map_err(|e| format!("cannot start R: {e}"))
}

fn script_command(script: &str, args: &[impl AsRef<OsStr>]) -> Result<Command, String> {
    let path = package_dir().join("r").join(script);
    assert!(path.is_file(), "there is no script {}", path.display());
    let mut command = Command::new(rscript()?);
    command.arg("--vanilla").arg(path).args(args);
    // Messages and file names come out the same whatever the language of the machine.
    command.env("LC_ALL", "C.UTF-8").env("LANGUAGE", "en");
    Ok(command)
}

fn rscript() -> Result<PathBuf, String> {
    find_rscript().ok_or_else(|| match env::var("BIGANNOY_RSCRIPT") {
        Ok(path) => format!("BIGANNOY_RSCRIPT is `{path}`, which is no file"),
        Err(_) => {
            "Rscript is not in PATH, and BIGANNOY_RSCRIPT does not say where it is".to_owned()
        }
    })
}

fn output(mut command: Command) -> Result<String, String> {
    // Messages and file names come out the same whatever the language of the machine.
    command.env("LC_ALL", "C.UTF-8").env("LANGUAGE", "en").stdin(Stdio::null());
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|e| format!("cannot start {name}: {e}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(stdout.into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    Err(format!(
        "{name} {} ended with {}\n--- standard output\n{stdout}\n--- standard error\n{stderr}",
        arguments.join(" "),
        output.status
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_chosen_program_or_the_first_in_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let (empty, full) = (dir.path().join("empty"), dir.path().join("full"));
        for dir in [&empty, &full] {
            std::fs::create_dir(dir).unwrap();
        }
        let rscript = full.join("Rscript");
        std::fs::write(&rscript, "").unwrap();
        let path = env::join_paths([&empty, &full]).unwrap();

        assert_eq!(find(None, Some(path.clone())), Some(rscript.clone()));
        assert_eq!(find(None, Some(empty.clone().into())), None);
        assert_eq!(find(None, None), None);
        assert_eq!(find(Some(rscript.clone().into()), None), Some(rscript));
        assert_eq!(find(Some(empty.into()), Some(path.clone())), None);
        assert_eq!(find(Some(OsString::new()), Some(path)), None);
    }

    #[test]
    fn a_failure_tells_both_streams_and_the_status() {
        let sh = |script| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            output(command)
        };
        assert_eq!(sh("echo out; echo err >&2"), Ok("out\n".to_owned()));
        let text = sh("echo out; echo err >&2; exit 3").unwrap_err();
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.contains("output\nout\n") && text.contains("error\nerr\n"), "{text}");
    }
}
