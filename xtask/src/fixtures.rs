//! `cargo xtask fixtures`: makes the fixtures that we have a script for, and verifies all.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::run::{Failure, Outcome, capture, cargo, command, outcome, root, run};

const SCRIPT: &str = "tests/r/make_fixtures.R";
const INSTALLED: &str = "tests/fixtures/v1";

/// Runs the R script and installs what it wrote. A fixture that is there and differs is a fault
/// unless `replace` is given: fixtures are not edited, a new case gets a new name.
pub(crate) fn generate(replace: bool) -> Outcome {
    let made = tempfile::tempdir().map_err(|e| cannot("create", &env::temp_dir(), &e))?;
    make(made.path())?;
    if install(made.path(), &root().join(INSTALLED), replace)? {
        record()?;
    }
    Ok(())
}

/// Verifies the checksums, and then that our crates give the answers of the fixtures.
pub(crate) fn check() -> Outcome {
    run(&mut cargo(&["run", "-q", "--locked", "-p", "bigannoy-tests", "--bin", "check-fixtures"]))?;
    let test = ["test", "-q", "--locked", "-p", "bigannoy-tests", "--test", "it", "fixtures::"];
    // A filter that fits no test passes; that would be a check that checks nothing.
    let list = capture(&mut cargo(&[&test[..], &["--", "--list"]].concat()))?;
    if !list.lines().any(|line| line.ends_with(": test")) {
        return Err("tests/it has no test in a module `fixtures`".to_owned().into());
    }
    run(&mut cargo(&test))
}

fn make(into: &Path) -> Outcome {
    let rscript = env::var_os("BIGANNOY_RSCRIPT").unwrap_or_else(|| "Rscript".into());
    let mut script = command(&rscript, &["--vanilla", SCRIPT]);
    script.arg(into);
    // Asked first, for a better message than the one about any program.
    match command(&rscript, &["--version"]).output() {
        Err(e) if e.kind() == ErrorKind::NotFound => Err(format!(
            "there is no `{}`: fixtures are made by R with its packages bigmemory and RcppAnnoy \
             (Debian: r-base-core, r-cran-bigmemory, r-cran-rcppannoy); BIGANNOY_RSCRIPT can say \
             where Rscript is",
            rscript.display()
        )
        .into()),
        _ => run(&mut script),
    }
}

/// Records the checksums of what was installed, and of nothing else.
fn record() -> Outcome {
    let program = ["run", "-q", "--locked", "-p", "bigannoy-tests", "--bin", "check-fixtures"];
    run(&mut cargo(&[&program[..], &["--", "--write", "v1"]].concat()))
}

/// Installs every folder of `made` in `installed`; returns whether that changed anything. If one
/// differs and `replace` is not given, nothing is changed.
fn install(made: &Path, installed: &Path, replace: bool) -> Result<bool, Failure> {
    let mut faults = Vec::new();
    let mut changes: Vec<(PathBuf, PathBuf)> = Vec::new();
    for entry in fs::read_dir(made).map_err(|e| cannot("read", made, &e))? {
        let from = entry.map_err(|e| cannot("read", made, &e))?.path();
        let Some(name) = from.file_name() else { continue };
        let to = installed.join(name);
        let name = name.display();
        if to.exists() {
            let different = differences(&from, &to).map_err(|e| cannot("compare", &to, &e))?;
            if different.is_empty() {
                println!("{name}: the same as before");
                continue;
            }
            println!("{name}: different");
            if !replace {
                faults.extend(different.iter().map(|file| {
                    format!("{INSTALLED}/{name}/{file} would change; --replace allows it")
                }));
            }
        } else {
            println!("{name}: new");
        }
        changes.push((from, to));
    }
    outcome(faults)?;
    for (from, to) in &changes {
        if to.exists() {
            fs::remove_dir_all(to).map_err(|e| cannot("remove", to, &e))?;
        }
        copy(from, to).map_err(|e| cannot("write", to, &e))?;
    }
    Ok(!changes.is_empty())
}

/// The files that two folders do not have in common, or not with the same content.
fn differences(a: &Path, b: &Path) -> io::Result<Vec<String>> {
    let mut names = BTreeSet::new();
    files(a, "", &mut names)?;
    files(b, "", &mut names)?;
    let content = |path: PathBuf| match fs::read(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    };
    let mut different = Vec::new();
    for name in names {
        if content(a.join(&name))? != content(b.join(&name))? {
            different.push(name);
        }
    }
    Ok(different)
}

/// Adds the path of every file under `dir`, seen from there.
fn files(dir: &Path, prefix: &str, names: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().display());
        if entry.file_type()?.is_dir() {
            files(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.insert(name);
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn cannot(what: &str, path: &Path, e: &io::Error) -> Failure {
    format!("cannot {what} {}: {e}", path.display()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replace_changes_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (made, installed) = (dir.path().join("made"), dir.path().join("installed"));
        fs::create_dir_all(made.join("x/deep")).unwrap();
        fs::create_dir_all(&installed).unwrap();
        fs::write(made.join("x/deep/a"), "1").unwrap();

        assert_eq!(install(&made, &installed, false), Ok(true));
        assert_eq!(fs::read(installed.join("x/deep/a")).unwrap(), b"1");
        assert_eq!(install(&made, &installed, false), Ok(false));

        fs::write(made.join("x/deep/a"), "2").unwrap();
        fs::write(installed.join("x/old"), "").unwrap();
        fs::create_dir(made.join("y")).unwrap();
        let Failure(faults) = install(&made, &installed, false).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert_eq!(fs::read(installed.join("x/deep/a")).unwrap(), b"1");
        assert!(!installed.join("y").exists());

        assert_eq!(install(&made, &installed, true), Ok(true));
        assert_eq!(fs::read(installed.join("x/deep/a")).unwrap(), b"2");
        assert!(!installed.join("x/old").exists());
    }
}
