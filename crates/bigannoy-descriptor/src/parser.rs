//! Tokens to an object: calls, their arguments, and the frame around a description.

use crate::error::{ParseError, quote};
use crate::lexer::{Lexer, Spanned, Token};
use crate::value::{Data, Instance, Scalar, Value};
use crate::{ByteString, Position};

/// Levels of calls, parentheses and braces of a text, or of items of an RDS, that may stand within
/// each other.
pub const MAX_DEPTH: u32 = 64;

/// Values other than strings that one descriptor may hold: numbers, also those that a range such as
/// `1:10` stands for, and elements of lists. These take more memory than they take room, and what R
/// writes holds few of them.
pub const MAX_VALUES: usize = 1 << 20;

/// Strings that the vectors of one descriptor may hold, 2²⁴: names are strings.
pub const MAX_STRINGS: usize = 1 << 24;

/// Reads a text that holds one object and nothing else.
pub(crate) fn parse(text: &[u8]) -> Result<Instance, ParseError> {
    let mut lexer = Lexer::new(text);
    let next = lexer.token()?;
    let mut parser = Parser { lexer, next, depth: 0, counts: Counts::default() };
    let instance = parser.instance()?;
    while parser.accept(b';')? {}
    match parser.next.token {
        Token::End => Ok(instance),
        _ => Err(parser.next.unexpected("the end of the text")),
    }
}

/// The tokens ahead, the first of them already read.
pub(crate) struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Spanned<'a>,
    depth: u32,
    pub(crate) counts: Counts,
}

/// What a descriptor holds so far, text or RDS.
#[derive(Default)]
pub(crate) struct Counts {
    values: usize,
    strings: usize,
}

impl Counts {
    /// Counts values other than strings.
    pub(crate) fn add_values(&mut self, at: Position, count: usize) -> Result<(), ParseError> {
        let too_many = ParseError::TooManyValues { at, limit: MAX_VALUES };
        add(&mut self.values, count, MAX_VALUES).ok_or(too_many)
    }

    /// Counts one string.
    pub(crate) fn add_string(&mut self, at: Position) -> Result<(), ParseError> {
        let too_many = ParseError::TooManyStrings { at, limit: MAX_STRINGS };
        add(&mut self.strings, 1, MAX_STRINGS).ok_or(too_many)
    }
}

fn add(sum: &mut usize, count: usize, limit: usize) -> Option<()> {
    *sum = sum.checked_add(count).filter(|&sum| sum <= limit)?;
    Some(())
}

/// A value before it is known whether it becomes a vector of its own.
pub(crate) enum Item {
    One(Scalar),
    Many(Data),
}

impl Item {
    pub(crate) fn into_data(self) -> Data {
        match self {
            Self::One(scalar) => scalar.into(),
            Self::Many(data) => data,
        }
    }
}

/// An argument of a call: its name, empty where it has none, its value and where that stands.
pub(crate) struct Argument {
    pub(crate) name: ByteString,
    pub(crate) item: Item,
    pub(crate) at: Position,
}

impl Argument {
    pub(crate) fn into_value(self) -> Value {
        Value { at: self.at, data: self.item.into_data() }
    }

    /// The error that something else was expected in its place.
    pub(crate) fn unexpected(&self, expected: &'static str) -> ParseError {
        let found = if self.name.is_empty() {
            "another argument".to_owned()
        } else {
            quote(self.name.as_bytes())
        };
        ParseError::syntax(self.at, expected, found)
    }
}

impl<'a> Parser<'a> {
    /// Moves one token on and gives the one that was next.
    pub(crate) fn take(&mut self) -> Result<Spanned<'a>, ParseError> {
        let following = self.lexer.token()?;
        Ok(std::mem::replace(&mut self.next, following))
    }

    fn at(&self, mark: u8) -> bool {
        self.next.token == Token::Mark(mark)
    }

    /// Takes the next token if it is this mark.
    pub(crate) fn accept(&mut self, mark: u8) -> Result<bool, ParseError> {
        let found = self.at(mark);
        if found {
            self.take()?;
        }
        Ok(found)
    }

    /// Takes the next token, which must be this mark.
    pub(crate) fn expect(&mut self, mark: u8, expected: &'static str) -> Result<(), ParseError> {
        if self.accept(mark)? { Ok(()) } else { Err(self.next.unexpected(expected)) }
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(
        &mut self,
        at: Position,
        inner: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(ParseError::TooDeep { at, limit: MAX_DEPTH });
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// `new(…)`, in any number of parentheses and braces.
    fn instance(&mut self) -> Result<Instance, ParseError> {
        const START: &str = "`new(\"big.matrix.descriptor\", …)`";
        let first = self.take()?;
        match first.token {
            Token::Mark(b'(') => self.nested(first.at, |parser| {
                let instance = parser.instance()?;
                parser.expect(b')', "`)`")?;
                Ok(instance)
            }),
            Token::Mark(b'{') => self.nested(first.at, |parser| {
                let instance = parser.instance()?;
                while parser.accept(b';')? {}
                parser.expect(b'}', "`}`")?;
                Ok(instance)
            }),
            Token::Word(b"methods") if self.next.token == Token::Scope => {
                self.take()?;
                let name = self.take()?;
                match name.token {
                    Token::Word(b"new") => self.construct(name.at),
                    _ => Err(name.unexpected("`new`")),
                }
            }
            Token::Word(b"new") => self.construct(first.at),
            _ => Err(first.unexpected(START)),
        }
    }

    /// The arguments of `new`: the class, and the slot `description`, both with or without name.
    fn construct(&mut self, at: Position) -> Result<Instance, ParseError> {
        let mut class = None;
        let mut description = None;
        self.call(at, |_, argument| {
            let slot = match argument.name.as_bytes() {
                b"Class" => &mut class,
                b"" if class.is_none() => &mut class,
                b"" | b"description" => &mut description,
                _ => return Err(argument.unexpected("`Class` or `description`")),
            };
            if slot.is_some() {
                return Err(argument.unexpected("one class and one description"));
            }
            *slot = Some(argument.into_value());
            Ok(())
        })?;
        match (class, description) {
            (Some(class), Some(description)) => Ok(Instance { class, description }),
            (None, _) => Err(missing(at, "a class")),
            (_, None) => Err(missing(at, "a description")),
        }
    }

    /// `(`, arguments separated by commas, `)`; each argument goes to `each`.
    pub(crate) fn call(
        &mut self,
        at: Position,
        mut each: impl FnMut(&mut Self, Argument) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        self.expect(b'(', "`(`")?;
        self.nested(at, |parser| {
            if parser.accept(b')')? {
                return Ok(());
            }
            loop {
                let argument = parser.argument()?;
                each(parser, argument)?;
                if parser.accept(b')')? {
                    return Ok(());
                }
                parser.expect(b',', "`,` or `)`")?;
            }
        })
    }

    fn argument(&mut self) -> Result<Argument, ParseError> {
        let first = self.take()?;
        if !self.at(b'=') {
            let at = first.at;
            return Ok(Argument { name: ByteString::default(), item: self.item(first)?, at });
        }
        let name = match first.token {
            Token::Word(word) => word.into(),
            Token::Text(name) | Token::Name(name) => name.into(),
            _ => return Err(first.unexpected("the name of an argument")),
        };
        self.take()?;
        let first = self.take()?;
        let at = first.at;
        Ok(Argument { name, item: self.item(first)?, at })
    }
}

/// The error that a call lacks an argument.
pub(crate) fn missing(at: Position, expected: &'static str) -> ParseError {
    ParseError::syntax(at, expected, "a call without it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Counts, MAX_STRINGS, MAX_VALUES, parse};
    use crate::Position;
    use crate::error::ParseError;
    use crate::value::Data;

    #[test]
    fn counts_end_at_their_limits() {
        let at = Position::Byte(7);
        let mut counts = Counts::default();
        assert_eq!(counts.add_values(at, MAX_VALUES), Ok(()));
        for count in [1, usize::MAX] {
            let error = counts.add_values(at, count).unwrap_err();
            assert_eq!(error, ParseError::TooManyValues { at, limit: MAX_VALUES });
        }
        counts.strings = MAX_STRINGS - 1;
        assert_eq!(counts.add_string(at), Ok(()));
        let error = counts.add_string(at).unwrap_err();
        assert_eq!(error.to_string(), "byte 7: more than 16777216 strings");
    }

    #[test]
    fn the_object_may_stand_in_parentheses_and_braces() {
        for text in [
            "new('x', 1)",
            "methods::new('x', 1)",
            "new(Class = 'x', description = 1)",
            "new(description = 1, Class = 'x')",
            "new(structure('x', package = 'y'), description = 1)",
            "({(new('x', 1))});;\n# end",
            "{\nnew('x', 1);\n}",
        ] {
            let instance = parse(text.as_bytes()).expect(text);
            assert_eq!(instance.class.data, Data::Character(vec![Some("x".into())]), "{text}");
            assert_eq!(instance.description.data, Data::Double(vec![Some(1.0)]), "{text}");
        }
        for text in [
            "",
            "new",
            "new()",
            "new('x')",
            "new('x', 1, 2)",
            "new('x', other = 1)",
            "new('x', 1) new('x', 1)",
            "(new('x', 1)",
            "{new('x', 1))",
            "base::new('x', 1)",
            "methods:new('x', 1)",
            "list(1)",
            "n <- 1; new('x', 1)",
            "new('x', Class = 'x')",
        ] {
            let error = parse(text.as_bytes()).expect_err(text);
            assert!(matches!(error, ParseError::Syntax { .. }), "{text}: {error}");
        }
    }
}
