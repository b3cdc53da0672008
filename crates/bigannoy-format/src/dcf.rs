//! Debian control format, as far as R's `read.dcf` and `write.dcf` use it.

use std::collections::HashMap;

/// Text that is not one record of fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct DcfError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// A field, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DcfField {
    /// Its name.
    pub name: String,
    /// Its value; lines that were continued are joined by line feeds.
    pub value: String,
    /// The line on which it begins, counted from 1.
    pub line: usize,
}

/// Reads the one record in `text`: fields in the order in which they stand.
///
/// A field is `Name: value`. A line that begins with a blank or a tab continues the value of the
/// line before; the two are joined by a line feed, unless nothing came before. Lines end in LF, CR or both; blank
/// lines around the record are skipped, and blanks around a value are no part of it. So is a byte
/// order mark, which some editors put before everything.
///
/// Cost: in proportion to the text.
///
/// # Errors
/// [`DcfError`]: a line without a colon, a field without a name, a field given twice, a second
/// record, a continuation of nothing, or a zero byte, which R cannot read.
pub fn parse_dcf(text: &str) -> Result<Vec<DcfField>, DcfError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut fields: Vec<DcfField> = Vec::new();
    let mut names = HashMap::new();
    let mut ended = false;
    for (number, line) in lines(text).enumerate() {
        let fail = |problem: String| Err(DcfError { line: number + 1, problem });
        if line.contains('\0') {
            return fail("holds a zero byte".to_owned());
        }
        if line.trim().is_empty() {
            ended = !fields.is_empty();
            continue;
        }
        if ended {
            return fail("a second record begins, expected only one".to_owned());
        }
        if line.starts_with([' ', '\t']) {
            let Some(DcfField { value, .. }) = fields.last_mut() else {
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
        if !is_field_name(name) {
            return fail(format!("expected a field name before the colon, found {name:?}"));
        }
        if let Some(first) = names.insert(name, number + 1) {
            return fail(format!("the field {name} is given twice, first in line {first}"));
        }
        let (name, value) = (name.to_owned(), value.trim().to_owned());
        fields.push(DcfField { name, value, line: number + 1 });
    }
    Ok(fields)
}

/// Whether a field can have this name: something, and no blanks, colons or control characters.
#[must_use]
pub fn is_field_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == ':' || c == '\u{feff}';
    !name.is_empty() && !name.contains(forbidden)
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
/// within a value, nor blanks around one or around its lines, nor zero bytes: they are left out. So
/// are fields whose name no field can have (see [`is_field_name`]).
#[must_use]
pub fn write_dcf<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in fields.into_iter().filter(|(name, _)| is_field_name(name)) {
        text.push_str(name);
        text.push(':');
        let value = value.replace('\0', "");
        for line in lines(&value).map(str::trim).filter(|line| !line.is_empty()) {
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
        let field = |name: &str, value: &str, line| DcfField {
            name: name.to_owned(),
            value: value.to_owned(),
            line,
        };
        assert_eq!(fields, [field("metric", "angular", 2), field("note", "a: b\nmore", 3)]);
        assert_eq!(parse_dcf("\u{feff}a: 1\u{feff}").unwrap(), [field("a", "1\u{feff}", 1)]);
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line, problem) in [
            ("a: 1\nb", 2, "expected `Name: value`"),
            ("a: 1\na: 2", 2, "given twice"),
            ("a: 1\n\nb: 2", 3, "a second record"),
            (" a: 1", 1, "none came before"),
            (": 1", 1, "expected a field name"),
            ("a: 1\nb\u{1b}: 1", 2, "expected a field name"),
            ("a: 1\n x\0", 2, "zero byte"),
            ("a: 1\nb: 2\n\u{feff}c: 2", 3, "expected a field name"),
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
        assert_eq!(parse_dcf("a:\n x").unwrap()[0].value, "x");
        // A name cannot break out of its line.
        assert_eq!(
            write_dcf([("a: 1\nb", "x"), ("", "x"), ("c", "y\0\nmetric: z")]),
            "c: y\n metric: z\n"
        );
    }

    /// Once this took time in proportion to the square of the number of fields.
    #[test]
    fn as_many_fields_as_fit_are_read_in_no_time() {
        let lines: Vec<String> = (0..200_000).map(|at| format!("f{at}:\n")).collect();
        let text = lines.concat();
        assert_eq!(parse_dcf(&text).unwrap().len(), 200_000);
        let twice = format!("{text}f7:");
        let error = parse_dcf(&twice).unwrap_err();
        assert_eq!((error.line, error.problem.ends_with("first in line 8")), (200_001, true));
    }

    proptest! {
        /// What was read can be written, and reads the same.
        #[test]
        fn any_text_that_is_read_is_written_and_read_again(text in "[a-c:\\n\\r\\t ]{0,40}") {
            if let Ok(fields) = parse_dcf(&text) {
                let pairs = fields.iter().map(|field| (field.name.as_str(), field.value.as_str()));
                let again = parse_dcf(&write_dcf(pairs)).unwrap();
                let same = |a: &DcfField, b: &DcfField| a.name == b.name && a.value == b.value;
                prop_assert!(fields.len() == again.len());
                prop_assert!(fields.iter().zip(&again).all(|(a, b)| same(a, b)), "{:?}", again);
            }
        }

        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec("[!-~é]{1,9}( [!-~]{1,5})?", 0..6)) {
            let names: Vec<String> = (0..values.len()).map(|i| format!("field_{i}")).collect();
            let text = write_dcf(names.iter().map(String::as_str).zip(values.iter().map(String::as_str)));
            let read = parse_dcf(&text).unwrap();
            let read = read.into_iter().map(|field| (field.name, field.value));
            prop_assert!(read.eq(names.into_iter().zip(values)));
        }
    }
}
