//! The values of a description to a checked descriptor, whatever form they were read from.

use crate::error::{ParseError, quote};
use crate::extent::{Axis, Extent, MAX_EXTENT, Total};
use crate::value::{Data, Instance, List, Value};
use crate::{ByteString, Descriptor, ElementType, Field, Position, Storage};

pub(crate) const CLASS: &str = "big.matrix.descriptor";

/// Checks the class and every field that means something.
pub(crate) fn interpret(instance: Instance) -> Result<Descriptor, ParseError> {
    check_class(&instance.class)?;
    let mut fields = Fields::collect(instance.description)?;
    let storage = fields.storage()?;
    let rows = fields.extent(Axis::Rows)?;
    let cols = fields.extent(Axis::Columns)?;
    let row_names = fields.names(Field::RowNames, rows)?;
    let col_names = fields.names(Field::ColNames, cols)?;
    let element_type = fields.element_type()?;
    let separated = fields.separated()?;
    Ok(Descriptor { storage, element_type, separated, rows, cols, row_names, col_names })
}

fn check_class(class: &Value) -> Result<(), ParseError> {
    let found = match &class.data {
        Data::Character(names) => match names.as_slice() {
            [Some(name)] if *name == CLASS => return Ok(()),
            [Some(name)] => quote(name.as_bytes()),
            _ => class.data.describe(),
        },
        other => other.describe(),
    };
    Err(ParseError::Class { at: class.at, found })
}

/// The values of the known fields.
struct Fields {
    at: Position,
    values: [Option<Value>; Field::ALL.len()],
}

impl Fields {
    /// Sorts a named list into fields: of two with the same name the first counts, as in R.
    fn collect(description: Value) -> Result<Self, ParseError> {
        let at = description.at;
        let Data::List(List { values, names }) = description.data else {
            let found = description.data.describe();
            return Err(ParseError::syntax(at, "a list of fields", found));
        };
        let mut fields = Self { at, values: [const { None }; Field::ALL.len()] };
        for (name, value) in names.iter().zip(values) {
            if let Some(field) = Field::from_name(name.as_bytes()) {
                fields.values[field as usize].get_or_insert(value);
            }
        }
        Ok(fields)
    }

    /// The value of a field; `NULL` is as good as none.
    fn optional(&mut self, field: Field) -> Option<Value> {
        self.values[field as usize].take().filter(|value| value.data != Data::Null)
    }

    fn required(&mut self, field: Field) -> Result<Value, ParseError> {
        let at = self.at;
        self.optional(field).ok_or(ParseError::MissingField { field, at })
    }

    fn storage(&mut self) -> Result<Storage, ParseError> {
        const EXPECTED: &str = "\"FileBacked\" or \"SharedMemory\"";
        let field = Field::SharedType;
        let (kind, at) = string(field, self.required(field)?)?;
        match kind.as_bytes() {
            b"FileBacked" => {
                let (filename, _) = string(Field::FileName, self.required(Field::FileName)?)?;
                let dirname = self.optional(Field::DirName);
                let dirname = dirname.map(|value| string(Field::DirName, value)).transpose()?;
                Ok(Storage::FileBacked { filename, dirname: dirname.map(|(name, _)| name) })
            }
            b"SharedMemory" => {
                let (name, _) = string(Field::SharedName, self.required(Field::SharedName)?)?;
                Ok(Storage::SharedMemory { name })
            }
            other => {
                let found = quote(other);
                Err(ParseError::UnknownName { field, at, expected: EXPECTED, found })
            }
        }
    }

    fn extent(&mut self, axis: Axis) -> Result<Extent, ParseError> {
        let (total, offset, len) = match axis {
            Axis::Rows => (Field::TotalRows, Field::RowOffset, Field::NRow),
            Axis::Columns => (Field::TotalCols, Field::ColOffset, Field::NCol),
        };
        Ok(Extent {
            total: stored(total, self.required(total)?)?,
            offset: first(offset, &self.required(offset)?)?,
            len: only(len, &self.required(len)?)?,
        })
    }

    fn names(
        &mut self,
        field: Field,
        extent: Extent,
    ) -> Result<Option<Vec<ByteString>>, ParseError> {
        let Some(value) = self.optional(field) else { return Ok(None) };
        // Before they are made: a number takes more room as a name.
        if value.data.atoms().is_some_and(|found| !extent.takes_names(found)) {
            return Ok(None);
        }
        let names = match value.data {
            Data::List(List { values, .. }) => values
                .into_iter()
                .map(|value| {
                    let Value { at, data } = value;
                    let found = data.describe();
                    match data.into_strings().as_deref_mut() {
                        Some([name]) => Ok(name.take()),
                        _ => Err(wrong_type(field, at, "single names", found)),
                    }
                })
                .collect::<Result<_, _>>()?,
            data => data.into_strings().unwrap_or_default(),
        };
        Ok(extent.slice_names(names).map(|names| {
            names.into_iter().map(|name| name.unwrap_or_else(|| "NA".into())).collect()
        }))
    }

    fn element_type(&mut self) -> Result<ElementType, ParseError> {
        const EXPECTED: &str = "char, short, raw, integer, float or double";
        let field = Field::Type;
        let (name, at) = string(field, self.required(field)?)?;
        name.as_str().and_then(ElementType::from_name).ok_or_else(|| {
            let found = quote(name.as_bytes());
            ParseError::UnknownName { field, at, expected: EXPECTED, found }
        })
    }

    /// A logical, or a number, of which every one but zero is true.
    fn separated(&mut self) -> Result<bool, ParseError> {
        const EXPECTED: &str = "TRUE or FALSE";
        let field = Field::Separated;
        let value = self.required(field)?;
        let at = value.at;
        let flag = match &value.data {
            Data::Logical(flags) if flags.len() == 1 => flags[0],
            data => match leading_number(data) {
                Some((first, 1)) => first.filter(|first| !first.is_nan()).map(|first| first != 0.0),
                _ => return Err(wrong_type(field, at, EXPECTED, data.describe())),
            },
        };
        flag.ok_or_else(|| missing_value(field, at, EXPECTED))
    }
}

/// The first number of a vector and the vector's length. `NA` is a number in any vector.
fn leading_number(data: &Data) -> Option<(Option<f64>, usize)> {
    match data {
        Data::Integer(values) => Some((values.first()?.map(f64::from), values.len())),
        Data::Double(values) => Some((*values.first()?, values.len())),
        Data::Logical(values) => values.first()?.is_none().then_some((None, values.len())),
        _ => None,
    }
}

/// The stored extent, which alone may be `NA` or a negative integer.
fn stored(field: Field, value: Value) -> Result<Total, ParseError> {
    const EXPECTED: &str = "one number";
    let at = value.at;
    match (leading_number(&value.data), value.data) {
        (Some((None, 1)), _) => Ok(Total::Missing),
        (Some((Some(_), 1)), Data::Integer(values)) => {
            Ok(values[0].map_or(Total::Missing, Total::Integer))
        }
        (Some((Some(total), 1)), _) => {
            whole(total, 0).map(Total::Exact).ok_or_else(|| out_of_range(field, at, 0, total))
        }
        (_, data) => Err(wrong_type(field, at, EXPECTED, data.describe())),
    }
}

/// The first of one or more numbers, as R reads an offset.
fn first(field: Field, value: &Value) -> Result<u64, ParseError> {
    const EXPECTED: &str = "a vector of numbers";
    match leading_number(&value.data) {
        Some((Some(number), _)) => {
            whole(number, 0).ok_or_else(|| out_of_range(field, value.at, 0, number))
        }
        Some((None, _)) => Err(missing_value(field, value.at, EXPECTED)),
        None => Err(wrong_type(field, value.at, EXPECTED, value.data.describe())),
    }
}

/// A single number of at least 1.
fn only(field: Field, value: &Value) -> Result<u64, ParseError> {
    const EXPECTED: &str = "one number";
    match leading_number(&value.data) {
        Some((Some(number), 1)) => {
            whole(number, 1).ok_or_else(|| out_of_range(field, value.at, 1, number))
        }
        Some((None, 1)) => Err(missing_value(field, value.at, EXPECTED)),
        _ => Err(wrong_type(field, value.at, EXPECTED, value.data.describe())),
    }
}

/// The whole part of a number from `least` to [`MAX_EXTENT`]: R cuts fractions off.
fn whole(number: f64, least: u64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 is a double")]
    let most = MAX_EXTENT as f64;
    if !(0.0..=most).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 2^53, and the fraction is to go"
    )]
    let whole = number as u64;
    (whole >= least).then_some(whole)
}

/// One string and where it stands.
fn string(field: Field, value: Value) -> Result<(ByteString, Position), ParseError> {
    const EXPECTED: &str = "one string";
    let Value { at, mut data } = value;
    match &mut data {
        Data::Character(values) if values.len() == 1 => match values[0].take() {
            Some(string) => Ok((string, at)),
            None => Err(missing_value(field, at, EXPECTED)),
        },
        data => Err(wrong_type(field, at, EXPECTED, data.describe())),
    }
}

fn wrong_type(field: Field, at: Position, expected: &'static str, found: String) -> ParseError {
    ParseError::WrongType { field, at, expected, found }
}

fn missing_value(field: Field, at: Position, expected: &'static str) -> ParseError {
    ParseError::MissingValue { field, at, expected }
}

fn out_of_range(field: Field, at: Position, least: u64, found: f64) -> ParseError {
    let expected = if least == 0 { "a number from 0 to 2^53" } else { "a number from 1 to 2^53" };
    ParseError::OutOfRange { field, at, expected, found }
}

#[cfg(test)]
mod tests {
    use crate::{Descriptor, Field, ParseError, Position, Storage};

    const FIELDS: [(&str, &str); 13] = [
        ("sharedType", "'FileBacked'"),
        ("filename", "'x.bin'"),
        ("dirname", "'/d/'"),
        ("totalRows", "4L"),
        ("totalCols", "3L"),
        ("rowOffset", "c(0, 4)"),
        ("colOffset", "c(0, 3)"),
        ("nrow", "4"),
        ("ncol", "3"),
        ("rowNames", "NULL"),
        ("colNames", "NULL"),
        ("type", "'short'"),
        ("separated", "FALSE"),
    ];

    /// The usual fields, one to a line from line 2, with one of them given another value.
    fn with(field: &str, value: &str) -> Result<Descriptor, ParseError> {
        let lines = FIELDS
            .map(|(name, usual)| format!("{name} = {}", if name == field { value } else { usual }));
        let text = format!("new('big.matrix.descriptor', list(\n{}))", lines.join(",\n"));
        Descriptor::parse(text.as_bytes())
    }

    /// Where the value of a field stands in the text of [`with`].
    fn place(field: &str) -> (u32, u32) {
        let index = FIELDS.iter().position(|(name, _)| *name == field).unwrap();
        (u32::try_from(index + 2).unwrap(), u32::try_from(field.len() + 4).unwrap())
    }

    #[test]
    fn each_wrong_value_is_refused_at_its_place() {
        let cases = [
            ("sharedType", "'Filebacked'", "expected \"FileBacked\" or \"SharedMemory\""),
            ("sharedType", "1", "found a double vector of 1"),
            ("filename", "c('a', 'b')", "found a character vector of 2"),
            ("filename", "NA_character_", "expected one string, found NA"),
            ("dirname", "list('a')", "found a list of 1"),
            ("totalRows", "-4", "expected a number from 0 to 2^53, found -4"),
            ("totalRows", "NaN", "found NaN"),
            ("totalRows", "1e300", "expected a number from 0 to 2^53"),
            ("totalRows", "'4'", "expected one number, found a character vector of 1"),
            ("totalCols", "c(3, 3)", "found a double vector of 2"),
            ("totalCols", "TRUE", "found a logical vector of 1"),
            ("rowOffset", "c(-1, 4)", "found -1"),
            ("rowOffset", "NA", "expected a vector of numbers, found NA"),
            ("colOffset", "numeric(0)", "found a double vector of 0"),
            ("nrow", "0", "expected a number from 1 to 2^53, found 0"),
            ("nrow", "0.9", "found 0.9"),
            ("nrow", "-4L", "found -4"),
            ("nrow", "NA_real_", "found NA"),
            ("ncol", "Inf", "found inf"),
            ("ncol", "c(3, 4)", "found a double vector of 2"),
            ("colNames", "list('a', 'b', c('c', 'd'))", "expected single names"),
            ("type", "'complex'", "found \"complex\""),
            ("type", "'\\xe9'", "found \"\\xe9\""),
            ("separated", "NA", "expected TRUE or FALSE, found NA"),
            ("separated", "'FALSE'", "found a character vector of 1"),
            ("separated", "c(TRUE, FALSE)", "found a logical vector of 2"),
        ];
        for (field, value, message) in cases {
            let error = with(field, value).expect_err(value);
            let (line, column) = place(field);
            // The names in a list are looked at one by one.
            let column = if field == "colNames" { column + 15 } else { column };
            let start = format!("{line}:{column}: {field}: expected ");
            assert!(error.to_string().starts_with(&start), "{error}, not {start}");
            assert!(error.to_string().contains(message), "{error}, not {message}");
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        for (name, _) in FIELDS {
            match with(name, "NULL") {
                Ok(_) => assert!(["dirname", "rowNames", "colNames"].contains(&name), "{name}"),
                Err(error) => {
                    let field = Field::from_name(name.as_bytes()).unwrap();
                    let expected = ParseError::MissingField {
                        field,
                        at: Position::Text { line: 1, column: 30 },
                    };
                    assert_eq!(error, expected);
                }
            }
        }
    }

    #[test]
    fn numbers_of_either_type_and_lengths_that_r_accepts() {
        let same = with("", "").unwrap();
        for (field, value) in [
            ("nrow", "4L"),
            ("nrow", "4.9"),
            ("rowOffset", "0L"),
            ("rowOffset", "c(0, 99, NA)"),
            ("rowOffset", "-0"),
            ("separated", "0L"),
            ("separated", "F"),
            ("rowNames", "character(0)"),
            ("rowNames", "c('a', 'b')"),
            ("zzz", "1"),
        ] {
            assert_eq!(with(field, value), Ok(same.clone()), "{field} = {value}");
        }
        assert!(with("separated", "2").unwrap().is_separated());
        let names = with("colNames", "list('a', NA, 2.5)").unwrap();
        assert_eq!(names.col_names().unwrap(), ["a", "NA", "2.5"]);
    }

    #[test]
    fn of_two_fields_the_first_counts() {
        let twice = with("filename", "'a', filename = 'b'").unwrap();
        let Storage::FileBacked { filename, .. } = twice.storage() else { panic!("{twice:?}") };
        assert_eq!(filename, &"a");
    }

    #[test]
    fn another_class_is_refused() {
        let error = Descriptor::parse(b"new('numeric', list())").unwrap_err();
        let message = "1:5: expected class \"big.matrix.descriptor\", found \"numeric\"";
        assert_eq!(error.to_string(), message);
        let error = Descriptor::parse(b"new(1, list())").unwrap_err();
        assert!(
            matches!(error, ParseError::Class { at: Position::Text { line: 1, column: 5 }, .. }),
            "{error}"
        );
        let error = Descriptor::parse(b"new('big.matrix.descriptor', 1)").unwrap_err();
        assert_eq!(
            error.to_string(),
            "1:30: expected a list of fields, found a double vector of 1"
        );
    }
}
