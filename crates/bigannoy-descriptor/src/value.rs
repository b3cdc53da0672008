//! The values of R that a description is made of.
//!
//! A reader of some form of descriptor produces an [`Instance`]; `fields` makes a descriptor of
//! it and knows nothing of the form. Strings are bytes, `None` is `NA`.

use crate::error::ParseError;
use crate::number::format_double;
use crate::{ByteString, Position};

/// An object with one slot, `description`.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) class: Value,
    pub(crate) description: Value,
}

/// A value of R and the place where it was found.
#[derive(Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) at: Position,
    pub(crate) data: Data,
}

/// What a value holds. Vectors of one element are R's scalars.
#[derive(Debug, PartialEq)]
pub(crate) enum Data {
    Null,
    Logical(Vec<Option<bool>>),
    Integer(Vec<Option<i32>>),
    Double(Vec<Option<f64>>),
    Character(Vec<Option<ByteString>>),
    List(List),
}

/// Values of any type, side by side.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct List {
    pub(crate) values: Vec<Value>,
    /// Empty where nothing has a name, else as long as `values`; an empty string is no name.
    pub(crate) names: Vec<ByteString>,
}

impl List {
    /// Appends a value; an empty `name` means that it has none.
    pub(crate) fn push(&mut self, name: ByteString, value: Value) {
        if !name.is_empty() && self.names.is_empty() {
            self.names.resize_with(self.values.len(), ByteString::default);
        }
        if !name.is_empty() || !self.names.is_empty() {
            self.names.push(name);
        }
        self.values.push(value);
    }

    /// Gives the values the names in `names`; where there are too few, the rest has none.
    pub(crate) fn set_names(&mut self, names: Value) -> Result<(), ParseError> {
        let at = names.at;
        let found = names.data.describe();
        let strings = match names.data {
            Data::Null => Vec::new(),
            Data::Character(strings) if strings.len() <= self.values.len() => strings,
            _ => return Err(ParseError::syntax(at, "at most one string for each value", found)),
        };
        self.names = strings.into_iter().map(Option::unwrap_or_default).collect();
        self.names.resize_with(self.values.len(), ByteString::default);
        Ok(())
    }
}

impl Data {
    /// How many elements a vector has; `None` for a list.
    pub(crate) fn atoms(&self) -> Option<usize> {
        match self {
            Self::Null => Some(0),
            Self::Logical(values) => Some(values.len()),
            Self::Integer(values) => Some(values.len()),
            Self::Double(values) => Some(values.len()),
            Self::Character(values) => Some(values.len()),
            Self::List(_) => None,
        }
    }

    /// What it is, in words, for a message.
    pub(crate) fn describe(&self) -> String {
        let (kind, len) = match self {
            Self::Null => return "NULL".to_owned(),
            Self::List(list) => return format!("a list of {}", list.values.len()),
            Self::Logical(values) => ("a logical", values.len()),
            Self::Integer(values) => ("an integer", values.len()),
            Self::Double(values) => ("a double", values.len()),
            Self::Character(values) => ("a character", values.len()),
        };
        format!("{kind} vector of {len}")
    }

    /// The elements of an atomic vector as R's `as.character` spells them, `None` for a list.
    pub(crate) fn into_strings(self) -> Option<Vec<Option<ByteString>>> {
        Some(match self {
            Self::Null => Vec::new(),
            Self::Logical(values) => strings(values, Scalar::Logical),
            Self::Integer(values) => strings(values, Scalar::Integer),
            Self::Double(values) => strings(values, Scalar::Double),
            Self::Character(values) => values,
            Self::List(_) => return None,
        })
    }
}

fn strings<T>(values: Vec<Option<T>>, scalar: fn(T) -> Scalar) -> Vec<Option<ByteString>> {
    values.into_iter().map(|value| value.and_then(|value| scalar(value).into_string())).collect()
}

/// One element of an atomic vector, before the vector's type is known.
#[derive(Debug)]
pub(crate) enum Scalar {
    /// A missing value of this type.
    Na(Kind),
    Logical(bool),
    Integer(i32),
    Double(f64),
    Character(ByteString),
}

/// The types of atomic vectors, each able to hold the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Logical,
    Integer,
    Double,
    Character,
}

impl Scalar {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Na(kind) => *kind,
            Self::Logical(_) => Kind::Logical,
            Self::Integer(_) => Kind::Integer,
            Self::Double(_) => Kind::Double,
            Self::Character(_) => Kind::Character,
        }
    }

    fn into_logical(self) -> Option<bool> {
        match self {
            Self::Logical(value) => Some(value),
            _ => None,
        }
    }

    fn into_integer(self) -> Option<i32> {
        match self {
            Self::Logical(value) => Some(i32::from(value)),
            Self::Integer(value) => Some(value),
            _ => None,
        }
    }

    fn into_double(self) -> Option<f64> {
        match self {
            Self::Logical(value) => Some(f64::from(u8::from(value))),
            Self::Integer(value) => Some(f64::from(value)),
            Self::Double(value) => Some(value),
            _ => None,
        }
    }

    fn into_string(self) -> Option<ByteString> {
        Some(match self {
            Self::Na(_) => return None,
            Self::Logical(true) => "TRUE".into(),
            Self::Logical(false) => "FALSE".into(),
            Self::Integer(value) => value.to_string().into(),
            Self::Double(value) => format_double(value).into(),
            Self::Character(value) => value,
        })
    }
}

impl From<Scalar> for Data {
    fn from(scalar: Scalar) -> Self {
        match scalar.kind() {
            Kind::Logical => Self::Logical(vec![scalar.into_logical()]),
            Kind::Integer => Self::Integer(vec![scalar.into_integer()]),
            Kind::Double => Self::Double(vec![scalar.into_double()]),
            Kind::Character => Self::Character(vec![scalar.into_string()]),
        }
    }
}

/// The vector that `c()` makes of its elements: of the widest type among them, `NULL` of none.
impl From<Vec<Scalar>> for Data {
    fn from(scalars: Vec<Scalar>) -> Self {
        let Some(kind) = scalars.iter().map(Scalar::kind).max() else {
            return Self::Null;
        };
        let scalars = scalars.into_iter();
        match kind {
            Kind::Logical => Self::Logical(scalars.map(Scalar::into_logical).collect()),
            Kind::Integer => Self::Integer(scalars.map(Scalar::into_integer).collect()),
            Kind::Double => Self::Double(scalars.map(Scalar::into_double).collect()),
            Kind::Character => Self::Character(scalars.map(Scalar::into_string).collect()),
        }
    }
}

/// A list, where an atomic vector was wanted.
#[derive(Debug)]
pub(crate) struct NotAtomic;

/// Appends the elements of an atomic vector.
pub(crate) fn append(scalars: &mut Vec<Scalar>, data: Data) -> Result<(), NotAtomic> {
    fn push<T>(to: &mut Vec<Scalar>, from: Vec<Option<T>>, kind: Kind, scalar: fn(T) -> Scalar) {
        to.extend(from.into_iter().map(|value| value.map_or(Scalar::Na(kind), scalar)));
    }
    match data {
        Data::Null => {}
        Data::Logical(values) => push(scalars, values, Kind::Logical, Scalar::Logical),
        Data::Integer(values) => push(scalars, values, Kind::Integer, Scalar::Integer),
        Data::Double(values) => push(scalars, values, Kind::Double, Scalar::Double),
        Data::Character(values) => push(scalars, values, Kind::Character, Scalar::Character),
        Data::List(_) => return Err(NotAtomic),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Data, Kind, List, Scalar, Value};
    use crate::Position;

    #[test]
    fn mixed_elements_take_the_widest_type_each_from_its_own() {
        let numbers = vec![Scalar::Logical(true), Scalar::Na(Kind::Integer), Scalar::Double(2.5)];
        assert_eq!(Data::from(numbers), Data::Double(vec![Some(1.0), None, Some(2.5)]));
        let words = vec![Scalar::Logical(true), Scalar::Double(1e5), Scalar::Character("a".into())];
        let expected = ["TRUE", "1e+05", "a"].map(|word| Some(word.into()));
        assert_eq!(Data::from(words), Data::Character(expected.to_vec()));
        assert_eq!(Data::from(Vec::new()), Data::Null);
    }

    #[test]
    fn numbers_become_names_as_in_r() {
        let names = Data::Double(vec![Some(1.0), Some(2.5), None]).into_strings();
        assert_eq!(names, Some(vec![Some("1".into()), Some("2.5".into()), None]));
        assert_eq!(Data::List(List::default()).into_strings(), None);
    }

    #[test]
    fn names_of_a_list_appear_with_the_first_name() {
        let null = || Value { at: Position::Byte(0), data: Data::Null };
        let mut list = List::default();
        list.push("".into(), null());
        assert!(list.names.is_empty());
        list.push("b".into(), null());
        list.push("".into(), null());
        assert_eq!(list.names, ["", "b", ""]);
    }
}
