//! The values that can be written without computing anything.

use crate::Position;
use crate::error::ParseError;
use crate::lexer::{Spanned, Token};
use crate::parser::{Item, Parser, missing};
use crate::value::{Data, Kind, List, Scalar, append};

impl<'a> Parser<'a> {
    /// The value that starts with `first`, which is already taken.
    pub(crate) fn item(&mut self, first: Spanned<'a>) -> Result<Item, ParseError> {
        const EXPECTED: &str = "a literal value";
        let at = first.at;
        let scalar = match first.token {
            Token::Text(text) => Scalar::Character(text.into()),
            Token::Number { value, whole } => return self.number(at, value, whole),
            Token::Mark(sign @ (b'+' | b'-')) => return self.signed(at, sign == b'-'),
            Token::Word(word) => match word {
                b"NULL" => return Ok(Item::Many(Data::Null)),
                b"TRUE" | b"T" => Scalar::Logical(true),
                b"FALSE" | b"F" => Scalar::Logical(false),
                b"NA" => Scalar::Na(Kind::Logical),
                b"NA_integer_" => Scalar::Na(Kind::Integer),
                b"NA_real_" => Scalar::Na(Kind::Double),
                b"NA_character_" => Scalar::Na(Kind::Character),
                b"Inf" => Scalar::Double(f64::INFINITY),
                b"NaN" => Scalar::Double(f64::NAN),
                b"c" => return self.combine(at).map(Item::Many),
                b"list" => return self.list(at).map(Item::Many),
                b"structure" => return self.structure(at).map(Item::Many),
                b"character" => return self.empty(Data::Character(Vec::new())),
                b"numeric" | b"double" => return self.empty(Data::Double(Vec::new())),
                b"integer" => return self.empty(Data::Integer(Vec::new())),
                b"logical" => return self.empty(Data::Logical(Vec::new())),
                _ => return Err(first.unexpected(EXPECTED)),
            },
            _ => return Err(first.unexpected(EXPECTED)),
        };
        Ok(Item::One(scalar))
    }

    /// What follows a sign.
    fn signed(&mut self, at: Position, negative: bool) -> Result<Item, ParseError> {
        let sign = if negative { -1.0 } else { 1.0 };
        let operand = self.take()?;
        match operand.token {
            Token::Number { value, whole } => self.number(at, sign * value, whole),
            Token::Word(b"Inf") => Ok(Item::One(Scalar::Double(sign * f64::INFINITY))),
            Token::Word(b"NaN") => Ok(Item::One(Scalar::Double(f64::NAN))),
            _ => Err(operand.unexpected("a number after the sign")),
        }
    }

    /// A number, or the range that starts with it.
    fn number(&mut self, at: Position, value: f64, whole: bool) -> Result<Item, ParseError> {
        if !self.accept(b':')? {
            let integer = to_i32(value).filter(|_| whole);
            return Ok(Item::One(integer.map_or(Scalar::Double(value), Scalar::Integer)));
        }
        let mut operand = self.take()?;
        let mut sign = 1.0;
        if let Token::Mark(mark @ (b'+' | b'-')) = operand.token {
            sign = if mark == b'-' { -1.0 } else { 1.0 };
            operand = self.take()?;
        }
        match operand.token {
            Token::Number { value: end, .. } => self.range(at, value, sign * end).map(Item::Many),
            _ => Err(operand.unexpected("the last number of a range")),
        }
    }

    /// `from:to`, upwards or downwards, as far as whole steps lead.
    fn range(&mut self, at: Position, from: f64, to: f64) -> Result<Data, ParseError> {
        // R forgives as much where the last step misses the end by rounding.
        let steps = ((to - from).abs() + 1e-10).floor();
        let count = to_i32(steps).and_then(|steps| usize::try_from(steps).ok()?.checked_add(1));
        let count = count.unwrap_or(usize::MAX);
        self.counts.add_values(at, count)?;
        let step = if to < from { -1 } else { 1 };
        let steps = (0..).take(count).map(|index: i32| step * index);
        Ok(match (to_i32(from), to_i32(to.trunc())) {
            (Some(from), Some(_)) => Data::Integer(steps.map(|step| Some(from + step)).collect()),
            _ => Data::Double(steps.map(|step| Some(from + f64::from(step))).collect()),
        })
    }

    /// `c(…)`: a vector of the widest type among its elements.
    fn combine(&mut self, at: Position) -> Result<Data, ParseError> {
        let mut scalars = Vec::new();
        self.call(at, |parser, argument| match argument.item {
            Item::One(scalar) => {
                match scalar.kind() {
                    Kind::Character => parser.counts.add_string(argument.at)?,
                    _ => parser.counts.add_values(argument.at, 1)?,
                }
                scalars.push(scalar);
                Ok(())
            }
            Item::Many(data) => {
                let found = data.describe();
                append(&mut scalars, data)
                    .map_err(|_| ParseError::syntax(argument.at, "an element of a vector", found))
            }
        })?;
        Ok(scalars.into())
    }

    fn list(&mut self, at: Position) -> Result<Data, ParseError> {
        let mut list = List::default();
        self.call(at, |parser, mut argument| {
            parser.counts.add_values(argument.at, 1)?;
            list.push(std::mem::take(&mut argument.name), argument.into_value());
            Ok(())
        })?;
        Ok(Data::List(list))
    }

    /// `structure(value, …)`: only the names of a list matter, other attributes are skipped.
    fn structure(&mut self, at: Position) -> Result<Data, ParseError> {
        let mut data: Option<Data> = None;
        let mut has_names = false;
        self.call(at, |_, argument| {
            match (&mut data, argument.name.as_bytes()) {
                (data @ None, b"" | b".Data") => *data = Some(argument.item.into_data()),
                (None, _) => return Err(argument.unexpected("a value before attributes")),
                (Some(Data::List(list)), b"names" | b".Names") => {
                    // Each time would take as long as the list is.
                    if std::mem::replace(&mut has_names, true) {
                        return Err(argument.unexpected("names once"));
                    }
                    list.set_names(argument.into_value())?;
                }
                // The words of a factor are in its levels; its numbers alone would mislead.
                (Some(_), b"" | b"levels") => {
                    return Err(argument.unexpected("an attribute that changes no value"));
                }
                (Some(_), _) => {}
            }
            Ok(())
        })?;
        data.ok_or_else(|| missing(at, "a value"))
    }

    /// The rest of `character(0)` and the like.
    fn empty(&mut self, data: Data) -> Result<Item, ParseError> {
        self.expect(b'(', "`(`")?;
        let length = self.take()?;
        if !matches!(length.token, Token::Number { value: 0.0, .. }) {
            return Err(length.unexpected("`0`"));
        }
        self.expect(b')', "`)`")?;
        Ok(Item::Many(data))
    }
}

/// The number as an `i32`, where it is one other than R's `NA`.
fn to_i32(value: f64) -> Option<i32> {
    #[expect(clippy::cast_possible_truncation, reason = "compared with the number itself")]
    let integer = value as i32;
    (f64::from(integer) == value && integer != i32::MIN).then_some(integer)
}

#[cfg(test)]
mod tests {
    use crate::Position;
    use crate::error::ParseError;
    use crate::parser::{MAX_DEPTH, MAX_VALUES, parse};
    use crate::value::{Data, List};

    /// The description of an object whose description is `value`.
    fn value(value: &str) -> Result<Data, ParseError> {
        parse(format!("new('x', {value})").as_bytes()).map(|instance| instance.description.data)
    }

    fn strings(values: &[&str]) -> Data {
        Data::Character(values.iter().map(|&value| Some(value.into())).collect())
    }

    #[test]
    fn scalars_and_vectors() {
        let integers = |values: &[i32]| Data::Integer(values.iter().copied().map(Some).collect());
        let doubles = |values: &[f64]| Data::Double(values.iter().copied().map(Some).collect());
        let cases = [
            ("NULL", Data::Null),
            ("c()", Data::Null),
            ("T", Data::Logical(vec![Some(true)])),
            ("NA", Data::Logical(vec![None])),
            ("NA_integer_", Data::Integer(vec![None])),
            ("c(NA, 2L)", Data::Integer(vec![None, Some(2)])),
            ("-2147483647L", integers(&[-i32::MAX])),
            ("-2147483648L", doubles(&[-2_147_483_648.0])),
            ("+3", doubles(&[3.0])),
            ("- 4L", integers(&[-4])),
            ("-Inf", doubles(&[f64::NEG_INFINITY])),
            ("1:3", integers(&[1, 2, 3])),
            ("-1:1", integers(&[-1, 0, 1])),
            ("1:-1", integers(&[1, 0, -1])),
            ("0.5:2.6", doubles(&[0.5, 1.5, 2.5])),
            ("3000000000:3000000001", doubles(&[3e9, 3e9 + 1.0])),
            ("c(a = 0, 5L)", doubles(&[0.0, 5.0])),
            ("c(c(1L, 2L), 3:4)", integers(&[1, 2, 3, 4])),
            ("c('a', 1, TRUE)", strings(&["a", "1", "TRUE"])),
            ("character(0)", strings(&[])),
            ("numeric(0)", doubles(&[])),
            ("integer(0L)", integers(&[])),
            ("logical(0)", Data::Logical(vec![])),
            ("structure('m.bin', class = c('fs_path', 'character'))", strings(&["m.bin"])),
        ];
        for (text, data) in cases {
            assert_eq!(value(text), Ok(data), "{text}");
        }
    }

    #[test]
    fn names_of_lists() {
        let names = |text| match value(text) {
            Ok(Data::List(List { names, values })) => (names.len() == values.len(), names),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(names("list(a = 1, 'b c' = 2, `d` = 3)").1, ["a", "b c", "d"]);
        assert_eq!(
            names("structure(list(1, 2), names = c('x', NA))"),
            (true, vec!["x".into(), "".into()])
        );
        assert_eq!(names("structure(list(a = 1, 2), .Names = 'x')").1, ["x", ""]);
        assert!(value("structure(list(1), names = c('a', 'b'))").is_err());
    }

    #[test]
    fn anything_to_evaluate_is_refused_where_it_stands() {
        let cases = [
            ("n", 10),
            ("1 + 1", 12),
            ("f(1)", 10),
            ("c(1, )", 15),
            ("c(1, 2", 17),
            ("list(a = )", 19),
            ("list(1 = 2)", 15),
            ("paste0('a', 'b')", 10),
            ("character(3)", 20),
            ("-TRUE", 11),
            ("- -1", 12),
            ("`a`", 10),
            ("function(x) x", 10),
            ("structure(1:2, levels = c('a', 'b'))", 34),
            ("structure(names = 'a', list(1))", 28),
            ("structure()", 10),
            ("structure(list(1), names = 'a', .Names = 'b')", 51),
            ("1:n", 12),
            ("c(1, list(2))", 15),
        ];
        for (text, expected) in cases {
            let error = value(text).expect_err(text);
            let expected = Position::Text { line: 1, column: expected };
            assert_eq!(error.position(), Some(expected), "{text}: {error}");
            assert!(matches!(error, ParseError::Syntax { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn depth_and_ranges_are_bounded() {
        let nested = |levels: usize| format!("{}1{}", "c(".repeat(levels), ")".repeat(levels));
        let allowed = MAX_DEPTH as usize - 1; // `new(` is one level
        assert!(value(&nested(allowed)).is_ok());
        assert!(matches!(value(&nested(allowed + 1)), Err(ParseError::TooDeep { .. })));
        let open = "(".repeat(1_000_000);
        assert!(matches!(parse(open.as_bytes()), Err(ParseError::TooDeep { .. })));

        assert!(value(&format!("1:{MAX_VALUES}")).is_ok());
        let list = format!("list({}1)", "1,".repeat(MAX_VALUES));
        for text in ["1:2000000000", "1:1e300", "0:1e999", "c(1:1000000, 1:1000000)", &list] {
            let error = value(text).expect_err("too many values");
            let text = &text[..text.len().min(30)];
            assert!(matches!(error, ParseError::TooManyValues { .. }), "{text}: {error}");
        }
    }
}
