//! `cargo xtask readme`: runs the commands that README.md tells people to run.
//!
//! A command is the fenced block after a comment, `<!-- main-command -->` or
//! `<!-- test-command -->`. CI runs them from there, so the page cannot promise what fails.

use crate::markdown;
use crate::run::{Outcome, command, read, run};

const MAIN: &str = "<!-- main-command -->";
const TEST: &str = "<!-- test-command -->";

/// Prints both commands.
pub(crate) fn show() -> Outcome {
    let readme = read("README.md")?;
    for marker in [MAIN, TEST] {
        println!("{marker}\n{}", block(&readme, marker)?);
    }
    Ok(())
}

/// Runs the block after `<!-- main-command -->`.
pub(crate) fn main_command() -> Outcome {
    run_block(MAIN)
}

/// Runs the block after `<!-- test-command -->`.
pub(crate) fn test_command() -> Outcome {
    run_block(TEST)
}

fn run_block(marker: &str) -> Outcome {
    let script = block(&read("README.md")?, marker)?;
    println!("{}", script.trim_end());
    // `-e` and `pipefail`: the first failure ends it.
    run(&mut command("bash", &["-euo", "pipefail", "-c", &script]))
        .map_err(|_| format!("the block after {marker} in README.md failed").into())
}

/// The text of the fenced block that follows the only line `marker`.
fn block(text: &str, marker: &str) -> Result<String, String> {
    let lines = markdown::lines(text);
    let mut markers = lines.iter().enumerate().filter(|(_, l)| !l.code && l.text.trim() == marker);
    let (at, _) = markers.next().ok_or_else(|| format!("README.md has no line {marker}"))?;
    if markers.next().is_some() {
        return Err(format!("README.md has more than one line {marker}"));
    }
    let mut rest = lines[at + 1..].iter().skip_while(|l| l.text.trim().is_empty());
    let fence = rest.next().and_then(|l| markdown::fence(l.text));
    let Some(fence) = fence else {
        return Err(format!("README.md has no fenced block after {marker}"));
    };
    if !matches!(fence.info, "sh" | "bash" | "shell") {
        return Err(format!(
            "README.md: the block after {marker} is for `{}`, expected `sh` or `bash`",
            fence.info
        ));
    }
    let body: Vec<&str> =
        rest.take_while(|l| !fence.is_closed_by(l.text)).map(|l| l.text).collect();
    if body.iter().all(|line| line.trim().is_empty()) {
        return Err(format!("README.md: the block after {marker} is empty"));
    }
    Ok(body.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_block_after_the_marker() {
        let text = "# x\n```sh\nno\n```\n<!-- main-command -->\n\n```sh\na \\\n  b\n\nc\n```\nz\n";
        assert_eq!(block(text, MAIN).unwrap(), "a \\\n  b\n\nc\n");
    }

    #[test]
    fn a_longer_fence_keeps_a_shorter_one() {
        let text = "<!-- test-command -->\n````bash\n```\n````\n";
        assert_eq!(block(text, TEST).unwrap(), "```\n");
    }

    #[test]
    fn says_what_is_wrong() {
        let fails = |text: &str| block(text, MAIN).unwrap_err();
        assert!(fails("```sh\n<!-- main-command -->\n```\n").contains("no line"));
        assert!(fails("<!-- main-command -->\ntext\n```sh\na\n```\n").contains("no fenced block"));
        assert!(fails("<!-- main-command -->\n").contains("no fenced block"));
        assert!(fails("<!-- main-command -->\n```console\n$ a\n```\n").contains("`console`"));
        assert!(fails("<!-- main-command -->\n```sh\n\n```\n").contains("empty"));
        let twice = "<!-- main-command -->\n```sh\na\n```\n".repeat(2);
        assert!(fails(&twice).contains("more than one"));
    }
}
