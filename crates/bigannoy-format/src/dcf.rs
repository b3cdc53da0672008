//! Debian control format, as far as R's `read.dcf` and `write.dcf` use it.

/// Text that is not one record of fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct DcfError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Reads the one record in `text`: fields in the order in which they stand.
///
/// A field is `Name: value`. A line that begins with a blank or a tab continues the value of the
/// line before; the two are joined by a line feed, unless nothing came before. Lines end in LF, CR or both; blank
/// lines around the record are skipped, and blanks around a value are no part of it.
///
/// # Errors
/// [`DcfError`]: a line without a colon, a field without a name, a field given twice, a second
/// record, or a continuation of nothing.
pub fn parse_dcf(text: &str) -> Result<Vec<(String, String)>, DcfError> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut ended = false;
    for (number, line) in lines(text).enumerate() {
        let fail = |problem: String| Err(DcfError { line: number + 1, problem });
        if line.trim().is_empty() {
            ended = !fields.is_empty();
            continue;
        }
        if ended {
            return fail("a second record begins, expected only one".to_owned());
        }
        if line.starts_with([' ', '\t']) {
            let Some((_, value)) = fields.last_mut() else {
                return fail("continues a field, but none came before".to_owned());
            };
            if !value.is_empty() {
                value.push('\n');
            }
            value.push_str(line.trim());
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            return fail(format!("expected `Name: value`, found {line:?}"));
        };
        if name.is_empty() || name.contains([' ', '\t']) {
            return fail(format!("expected a field name before the colon, found {name:?}"));
        }
        if fields.iter().any(|(known, _)| known == name) {
            return fail(format!("the field {name} is given twice"));
        }
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(fields)
}

/// The lines of a text that was written on any system.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .flat_map(|line| line.split('\r'))
}

/// Writes fields so that [`parse_dcf`] and R's `read.dcf` read them back.
///
/// A line break within a value begins a continuation line. The format cannot hold blank lines
/// within a value, nor blanks around one or around its lines: they are left out.
#[must_use]
pub fn write_dcf<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        text.push_str(name);
        text.push(':');
        for line in lines(value).map(str::trim).filter(|line| !line.is_empty()) {
            text.push(' ');
            text.push_str(line);
            text.push('\n');
        }
        if text.ends_with(':') {
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_continuations_and_line_ends() {
        let fields = parse_dcf("\nmetric: angular\r\nnote: a: b\n more\n\n").unwrap();
        let expected = [("metric", "angular"), ("note", "a: b\nmore")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line, problem) in [
            ("a: 1\nb", 2, "expected `Name: value`"),
            ("a: 1\na: 2", 2, "given twice"),
            ("a: 1\n\nb: 2", 3, "a second record"),
            (" a: 1", 1, "none came before"),
            (": 1", 1, "expected a field name"),
        ] {
            let error = parse_dcf(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.problem.contains(problem), "{error}");
        }
    }

    #[test]
    fn values_that_the_format_cannot_hold_are_written_as_near_as_can_be() {
        let text = write_dcf([("a", " x\r\r y\n\n"), ("b", "\r\n"), ("c", "z")]);
        assert_eq!(text, "a: x\n y\nb:\nc: z\n");
        assert_eq!(parse_dcf("a: 1\rb: 2").unwrap().len(), 2);
        // A value may begin on the line below its name.
        assert_eq!(parse_dcf("a:\n x").unwrap(), [("a".to_owned(), "x".to_owned())]);
    }

    proptest! {
        /// What was read can be written, and reads the same.
        #[test]
        fn any_text_that_is_read_is_written_and_read_again(text in "[a-c:\\n\\r\\t ]{0,40}") {
            if let Ok(fields) = parse_dcf(&text) {
                let borrowed = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                prop_assert_eq!(parse_dcf(&write_dcf(borrowed)), Ok(fields.clone()));
            }
        }

        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec("[!-~é]{1,9}( [!-~]{1,5})?", 0..6)) {
            let names: Vec<String> = (0..values.len()).map(|i| format!("field_{i}")).collect();
            let text = write_dcf(names.iter().map(String::as_str).zip(values.iter().map(String::as_str)));
            let expected: Vec<_> = names.into_iter().zip(values).collect();
            prop_assert_eq!(parse_dcf(&text).unwrap(), expected);
        }
    }
}
