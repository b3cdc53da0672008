//! Vectors that R writes in short: sequences, numbers to be spelled, and wrappers of others.

use super::item::{Content, Item, Pairs};
use super::reader::Reader;
use crate::number::{format_double, format_double_with};
use crate::value::{Data, Value};
use crate::{Position, error::ParseError, error::quote};

/// The vector that starts at `at`, spelled out.
pub(super) fn read(reader: &mut Reader<'_>, at: Position) -> Result<Data, ParseError> {
    let class = reader.item()?;
    let state = reader.item()?;
    let name = class_name(reader, &class)?;
    let data = match name.as_slice() {
        b"compact_intseq" => integers(reader, at, state)?,
        b"compact_realseq" => doubles(reader, at, state)?,
        b"deferred_string" => spelled(reader, at, state)?,
        _ => {
            let (wrapped, _) = first_and_rest(state)?;
            let wrapped = wrapped.into_value()?;
            let expected = match &wrapped.data {
                Data::Logical(_) => "wrap_logical",
                Data::Integer(_) => "wrap_integer",
                Data::Double(_) => "wrap_real",
                Data::Character(_) => "wrap_string",
                Data::List(_) => "wrap_list",
                Data::Null => "no wrapper",
            };
            if name != expected.as_bytes() {
                return Err(ParseError::syntax(at, "a known compact vector", quote(&name)));
            }
            wrapped.data
        }
    };
    let attributes = reader.attributes()?;
    reader.with_attributes(data, attributes)
}

/// The name in a list of class, package and type; the package is R itself.
fn class_name(reader: &Reader<'_>, class: &Item) -> Result<Vec<u8>, ParseError> {
    if let Content::Pairs(Pairs { elements, .. }) = &class.content
        && let [(_, name), (_, package), ..] = elements.as_slice()
        && let (Content::Symbol(name), Content::Symbol(package)) = (&name.content, &package.content)
        && reader.name(*package) == b"base"
    {
        return Ok(reader.name(*name).to_vec());
    }
    Err(class.unexpected("the class of a compact vector"))
}

fn integers(reader: &mut Reader<'_>, at: Position, state: Item) -> Result<Data, ParseError> {
    let sequence = Sequence::new(reader, at, state)?;
    let Sequence { count, first, last, .. } = sequence;
    let bounds = -f64::from(i32::MAX)..=f64::from(i32::MAX);
    if count > 0 && !(first.fract() == 0.0 && bounds.contains(&first) && bounds.contains(&last)) {
        let found = format!("one from {} to {}", format_double(first), format_double(last));
        return Err(ParseError::syntax(at, "a sequence of integers", found));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within the bounds")]
    Ok(Data::Integer(sequence.values().map(|value| Some(value as i32)).collect()))
}

fn doubles(reader: &mut Reader<'_>, at: Position, state: Item) -> Result<Data, ParseError> {
    let sequence = Sequence::new(reader, at, state)?;
    Ok(Data::Double(sequence.values().map(Some).collect()))
}

/// Numbers one apart, upwards or downwards.
struct Sequence {
    count: u32,
    first: f64,
    last: f64,
    step: f64,
}

impl Sequence {
    /// From a vector of the count, the first number and the step.
    fn new(reader: &mut Reader<'_>, at: Position, state: Item) -> Result<Self, ParseError> {
        const EXPECTED: &str = "the count, start and step of a sequence";
        let Value { at: place, data } = state.into_value()?;
        let refused = || Err(ParseError::syntax(place, EXPECTED, data.describe()));
        let Data::Double(state) = &data else { return refused() };
        let &[Some(count), Some(first), Some(step)] = state.as_slice() else { return refused() };
        if count.fract() != 0.0 || count < 0.0 || !first.is_finite() || step.abs() != 1.0 {
            let [count, first, step] = [count, first, step].map(format_double);
            let found = format!("{count}, {first} and {step}");
            return Err(ParseError::syntax(place, EXPECTED, found));
        }
        // Larger ones are cut to where they stay too large.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and not negative"
        )]
        let count = count as u32;
        reader.counts.add_values(at, count as usize)?;
        let last = first + step * f64::from(count.saturating_sub(1));
        Ok(Self { count, first, last, step })
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let Self { count, first, step, .. } = *self;
        (0..count).map(move |index| first + step * f64::from(index))
    }
}

/// Bytes that a spelled number may take without counting as more than one value.
const SPELLED_BYTES: usize = 32;

/// Numbers as `as.character` spells them; the state ends in what `options(scipen)` was then.
fn spelled(reader: &mut Reader<'_>, at: Position, state: Item) -> Result<Data, ParseError> {
    let (numbers, scipen) = first_and_rest(state)?;
    let Value { at: place, data: scipen } = scipen.into_value()?;
    let scipen = match scipen {
        Data::Integer(values) if matches!(values.as_slice(), [Some(_)]) => values[0].unwrap_or(0),
        other => return Err(ParseError::syntax(place, "one integer", other.describe())),
    };
    let Value { at: place, data: numbers } = numbers.into_value()?;
    match numbers {
        Data::Integer(_) => Ok(Data::Character(numbers.into_strings().unwrap_or_default())),
        Data::Double(values) => {
            // `scipen` may ask for some 300 digits of each.
            let mut spell = |value| {
                let spelled = format_double_with(value, scipen);
                reader.counts.add_values(at, spelled.len() / SPELLED_BYTES)?;
                Ok(spelled.into())
            };
            let strings = values.into_iter().map(|value| value.map(&mut spell).transpose());
            Ok(Data::Character(strings.collect::<Result<_, _>>()?))
        }
        other => Err(ParseError::syntax(place, "numbers to be spelled", other.describe())),
    }
}

/// The two parts of a pair, the second of which is mostly no pair itself.
fn first_and_rest(state: Item) -> Result<(Item, Item), ParseError> {
    const EXPECTED: &str = "a pair";
    let Item { at, content: Content::Pairs(mut pairs) } = state else {
        return Err(state.unexpected(EXPECTED));
    };
    match (pairs.elements.pop(), pairs.elements.pop(), pairs.tail) {
        (Some((_, first)), None, Some(rest)) => Ok((first, *rest)),
        (Some((_, second)), Some((_, first)), None) if pairs.elements.is_empty() => {
            Ok((first, second))
        }
        _ => Err(ParseError::syntax(at, EXPECTED, "a longer list".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use crate::error::ParseError;
    use crate::parser::MAX_VALUES;
    use crate::rds::reader::tests::value;
    use crate::value::Data;

    /// The start of a vector of a class.
    fn class(name: &str) -> String {
        format!("238 2 1 9 {} {name} 2 1 9 4 base 2 13 1 0 254", name.len())
    }

    /// A sequence from its count, first number and step.
    fn sequence(name: &str, state: &str) -> String {
        format!("{} 14 3 {state} 254", class(name))
    }

    #[test]
    fn sequences_are_spelled_out() {
        let integers =
            |values: &[i32]| Ok(Data::Integer(values.iter().copied().map(Some).collect()));
        assert_eq!(value(&sequence("compact_intseq", "3 11 1")), integers(&[11, 12, 13]));
        assert_eq!(value(&sequence("compact_intseq", "2 0 -1")), integers(&[0, -1]));
        assert_eq!(value(&sequence("compact_intseq", "0 1 1")), integers(&[]));
        let doubles = Data::Double(vec![Some(3e9), Some(3e9 + 1.0)]);
        assert_eq!(value(&sequence("compact_realseq", "2 3e9 1")), Ok(doubles));
        for state in ["1.5 1 1", "-1 1 1", "2 1 2", "2 1 0", "2 NA 1", "NaN 1 1", "2 Inf 1"] {
            let error = value(&sequence("compact_realseq", state)).expect_err(state);
            assert!(matches!(error, ParseError::Syntax { .. }), "{state}: {error}");
        }
        for state in ["2 2147483647 1", "2 -2147483647 -1", "1 0.5 1", "1 1e300 1"] {
            let error = value(&sequence("compact_intseq", state)).expect_err(state);
            assert!(error.to_string().contains("a sequence of integers"), "{state}: {error}");
        }
    }

    #[test]
    fn sequences_are_bounded() {
        assert!(value(&sequence("compact_intseq", "1000000 1 1")).is_ok());
        let more = (MAX_VALUES + 1).to_string();
        for count in [&*more, "4294967295", "1e300"] {
            let words = sequence("compact_realseq", &format!("{count} 1 1"));
            let error = value(&words).expect_err(count);
            assert!(matches!(error, ParseError::TooManyValues { .. }), "{count}: {error}");
        }
        let two = sequence("compact_intseq", "600000 1 1");
        let error = value(&format!("19 2 {two} {two}")).unwrap_err();
        assert!(matches!(error, ParseError::TooManyValues { .. }), "{error}");
    }

    #[test]
    fn numbers_are_spelled_as_r_would() {
        let strings = |values: &[&str]| {
            Ok(Data::Character(values.iter().map(|&value| Some(value.into())).collect()))
        };
        let deferred = |numbers: &str, scipen: &str| {
            value(&format!("{} 2 {numbers} 13 1 {scipen} 254", class("deferred_string")))
        };
        let spelled = deferred(&sequence("compact_intseq", "2 9 1"), "0");
        assert_eq!(spelled, strings(&["9", "10"]));
        assert_eq!(deferred("14 2 1e5 2.5", "0"), strings(&["1e+05", "2.5"]));
        assert_eq!(deferred("14 1 1e5", "9"), strings(&["100000"]));
        assert_eq!(deferred("13 1 NA", "0"), Ok(Data::Character(vec![None])));
        assert!(deferred("16 0", "0").is_err());
        assert!(deferred("13 0", "NA").is_err());
    }

    #[test]
    fn wrappers_give_what_they_wrap() {
        let wrapped =
            |name: &str, inner: &str| value(&format!("{} 2 {inner} 13 2 1 1 254", class(name)));
        assert_eq!(wrapped("wrap_integer", "13 1 7"), Ok(Data::Integer(vec![Some(7)])));
        assert_eq!(wrapped("wrap_string", "16 1 9 -1"), Ok(Data::Character(vec![None])));
        for (name, inner) in
            [("wrap_real", "13 1 7"), ("wrap_raw", "13 1 7"), ("mmap_integer", "254"), ("", "254")]
        {
            let error = wrapped(name, inner).expect_err(name).to_string();
            assert!(error.contains("expected a known compact vector"), "{name}: {error}");
        }
        let other = class("wrap_integer").replace("4 base", "5 other");
        assert!(value(&format!("{other} 2 13 1 7 13 0 254")).is_err());
    }
}
