//! Rules that hold for every input.

mod strategies;

use bigannoy_descriptor::{Descriptor, ElementType, MAX_VALUES, ParseError, Position};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use strategies::descriptors;

/// Bits and pieces of the grammar.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        "new(",
        "list(",
        "c(",
        "structure(",
        ")",
        "(",
        "{",
        "}",
        ",",
        "=",
        ";",
        ":",
        "::",
        "-",
        "1:",
        "1:9",
        "1:1000000",
        "1e308",
        "0x1p",
        "9L",
        "NA",
        "NULL",
        "TRUE",
        "\"",
        "'",
        "`",
        "r\"(",
        "R'--[",
        "]--'",
        ")\"",
        "\\",
        "\\u{",
        "\\x",
        "\\7",
        "#",
        "\r",
        "\n",
        "\0",
        "\u{feff}",
        "\"big.matrix.descriptor\"",
        "names",
        ".Names",
        "description",
        "nrow",
        "character(0)",
    ]);
    vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Reads bytes, and where they are a descriptor looks at all of it.
fn exercise(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Descriptor::parse(bytes) {
        Ok(found) => {
            let again = Descriptor::parse(&found.to_text());
            prop_assert_eq!(again.as_ref(), Ok(&found));
            for data_bytes in [0, 1, 48, 1 << 40, u64::MAX] {
                let shape = found.stored_shape_for(data_bytes);
                if let Ok((rows, cols)) = shape {
                    prop_assert!(found.row_offset() + found.nrows() <= rows);
                    prop_assert!(found.col_offset() + found.ncols() <= cols);
                }
                prop_assert!(shape.is_ok() || found.stored_shape().is_err());
            }
        }
        Err(error) => {
            if let Some(position) = error.position() {
                if let Position::Text { line, column } = position {
                    let range = 1..=bytes.len() + 1;
                    prop_assert!(range.contains(&(line as usize)), "{}", error);
                    prop_assert!(range.contains(&(column as usize)), "{}", error);
                }
                let start = format!("{position}: ");
                prop_assert!(error.to_string().starts_with(&start), "{}", error);
            }
            prop_assert!(error.to_string().len() < 500, "{}", error);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        exercise(&bytes)?;
    }

    #[test]
    fn any_pieces_of_the_grammar_are_read_or_refused(bytes in pieces()) {
        exercise(&bytes)?;
        let text = [b"new('big.matrix.descriptor', ", &*bytes, b")"].concat();
        exercise(&text)?;
    }

    #[test]
    fn a_changed_descriptor_is_read_or_refused(
        descriptor in descriptors(),
        changes in vec((any::<Index>(), any::<u8>(), pieces(), 0..4_usize), 1..4),
    ) {
        let mut text = descriptor.to_text();
        for (at, byte, piece, removed) in changes {
            let at = at.index(text.len());
            let end = (at + removed).min(text.len());
            match byte {
                0..100 => text[at] = byte,
                100..200 => drop(text.splice(at..end, [])),
                _ => drop(text.splice(at..end, piece)),
            }
            if text.is_empty() {
                break;
            }
        }
        exercise(&text)?;
    }

    #[test]
    fn a_written_descriptor_reads_as_itself(descriptor in descriptors()) {
        let text = descriptor.to_text();
        prop_assert_eq!(Descriptor::parse(&text), Ok(descriptor));
    }

    #[test]
    fn a_written_text_has_no_escape_that_r_mixes_up(descriptor in descriptors()) {
        let text = descriptor.to_text();
        let mut escaped = false;
        for &byte in &text {
            prop_assert!(!(escaped && matches!(byte, b'u' | b'U')));
            escaped = byte == b'\\' && !escaped;
        }
    }

    #[test]
    fn a_text_cut_short_is_refused(descriptor in descriptors(), at in any::<Index>()) {
        let text = descriptor.to_text();
        let complete = text.trim_ascii_end().len();
        let cut = at.index(complete);
        prop_assert!(Descriptor::parse(&text[..cut]).is_err(), "{} of {}", cut, complete);
    }

    #[test]
    fn the_stored_shape_is_found_with_and_without_its_data(descriptor in descriptors()) {
        let (rows, cols) = descriptor.stored_shape().unwrap();
        let bytes = descriptor.data_bytes(rows, cols).unwrap();
        prop_assert_eq!(descriptor.stored_shape_for(bytes), Ok((rows, cols)));
        prop_assert_eq!(descriptor.stored_shape_for(bytes.saturating_add(1)), Ok((rows, cols)));
    }

    #[test]
    fn rows_squeezed_through_32_bits_come_back(
        rows in (1_u64 << 31)..=1 << 40,
        cols in 1..9_u64,
        plus in 0..2_u64,
        separated in any::<bool>(),
        element in select(ElementType::ALL.to_vec()),
    ) {
        let truth = Descriptor::file_backed("x", "", element, rows, cols).separated(separated);
        let truth = truth.build().unwrap();
        let bytes = truth.data_bytes(rows, cols).unwrap();
        let squeezed = (rows & 0xffff_ffff) as u32;
        let written = match squeezed.cast_signed() {
            i32::MIN => "NA_integer_".to_owned(),
            other => format!("{other}L"),
        };
        let text = String::from_utf8(truth.to_text()).unwrap();
        let start = text.find("totalRows = ").unwrap() + "totalRows = ".len();
        let end = start + text[start..].find(',').unwrap();
        let text = format!("{}{written}{}", &text[..start], &text[end..]);
        let found = Descriptor::parse(text.as_bytes()).unwrap();
        prop_assert!(found.stored_shape().is_err());
        prop_assert_eq!(found.stored_shape_for(bytes + plus), Ok((rows, cols)));
        let repaired = found.with_stored_shape(rows, cols).unwrap();
        prop_assert_eq!(repaired, truth);
    }
}

/// Inputs on which a reader that looks at anything twice too often would not end.
#[test]
fn long_inputs_take_time_in_proportion() {
    let size = 4_000_000;
    let start = "new('big.matrix.descriptor', list(zzz = ";
    for (head, unit) in [
        ("", "("),
        ("", "#\n"),
        ("", " "),
        ("", "\\"),
        ("", "c("),
        ("'", "\\"),
        ("'", "\\\n"),
        ("r\"----------(", ")---------"),
        ("0x", "1"),
        ("", "1"),
        ("1.", "1"),
        ("1e", "1"),
        ("0x1p", "1"),
        ("c(", "1,"),
        ("c(", "NULL,"),
        ("list(", "a=1,"),
        ("list(", "c(),"),
        ("c(1:1000,c(1:1000,c(1:1000,", "c(1:1000,"),
        ("structure(list(1), names = ", "c('a',"),
    ] {
        let text = format!("{start}{head}{}", unit.repeat(size / unit.len()));
        assert!(Descriptor::parse(text.as_bytes()).is_err(), "{head}{unit}");
    }
}

#[test]
fn names_given_again_and_again_take_no_time() {
    let (list, names) = ("NULL,".repeat(400_000), "names = c(),".repeat(400_000));
    let text =
        format!("new('big.matrix.descriptor', structure(list({list}1), {names} class = 'x'))");
    let error = Descriptor::parse(text.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("expected names once"), "{error}");
}

#[test]
fn numbers_in_vectors_are_bounded() {
    let text = |count: usize| {
        format!("new('big.matrix.descriptor', list(rowNames = c({}1)))", "1,".repeat(count))
    };
    // The vector itself is an element of a list, and the number behind the last comma counts.
    let error = Descriptor::parse(text(MAX_VALUES - 1).as_bytes()).unwrap_err();
    assert!(matches!(error, ParseError::TooManyValues { .. }), "{error}");
    let error = Descriptor::parse(text(MAX_VALUES - 2).as_bytes()).unwrap_err();
    assert!(matches!(error, ParseError::MissingField { .. }), "{error}");
}

#[test]
fn a_range_is_not_spelled_out_beyond_the_limit() {
    let text = |range: &str| {
        format!(
            "new('big.matrix.descriptor', list(sharedType = 'FileBacked', filename = 'x', \
             totalRows = 2e9, totalCols = 1, rowOffset = 0, colOffset = 0, nrow = 2e9, ncol = 1, \
             rowNames = {range}, type = 'char', separated = FALSE))"
        )
    };
    assert!(Descriptor::parse(text("1:2000000000").as_bytes()).is_err());
    let within = format!("1:{}", MAX_VALUES - 20); // the fields count, too
    let found = Descriptor::parse(text(&within).as_bytes()).unwrap();
    assert_eq!(found.row_names(), None);
}
