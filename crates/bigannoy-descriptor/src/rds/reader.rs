//! A stream to items, and to the object that holds a description.

use super::altrep;
use super::item::{Content, Flags, Item, Pairs, kind};
use super::stream::Stream;
use crate::error::ParseError;
use crate::parser::{Counts, MAX_DEPTH};
use crate::value::{Data, Instance, List, Value};
use crate::{ByteString, Position};

/// A symbol by its place among those of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol(usize);

/// The rest of a stream, and what was met so far.
pub(super) struct Reader<'a> {
    stream: Stream<'a>,
    symbols: Vec<ByteString>,
    depth: u32,
    pub(super) counts: Counts,
}

impl<'a> Reader<'a> {
    pub(super) fn new(stream: Stream<'a>) -> Self {
        Self { stream, symbols: Vec::new(), depth: 0, counts: Counts::default() }
    }

    /// The object with the slots that a descriptor has; others are skipped.
    pub(super) fn instance(&mut self) -> Result<Instance, ParseError> {
        let item = self.item()?;
        let Content::Object(slots) = item.content else {
            return Err(item.unexpected("an S4 object"));
        };
        let mut class = None;
        let mut description = None;
        for (tag, slot) in slots.elements {
            let place = match tag.map(|tag| self.name(tag)) {
                Some(b"class") => &mut class,
                Some(b"description") => &mut description,
                _ => continue,
            };
            if place.is_some() {
                return Err(slot.unexpected("each slot once"));
            }
            *place = Some(slot.into_value()?);
        }
        let missing =
            |expected| ParseError::syntax(item.at, expected, "an S4 object without it".to_owned());
        Ok(Instance {
            class: class.ok_or_else(|| missing("a class"))?,
            description: description.ok_or_else(|| missing("a description"))?,
        })
    }

    /// Checks that nothing follows.
    pub(super) fn finish(mut self) -> Result<(), ParseError> {
        if self.stream.is_at_end() {
            return Ok(());
        }
        let found = format!("{} more bytes", self.stream.remaining());
        Err(ParseError::syntax(self.stream.at(), "the end of the stream", found))
    }

    /// The name of a symbol.
    pub(super) fn name(&self, symbol: Symbol) -> &[u8] {
        self.symbols[symbol.0].as_bytes()
    }

    /// The next item.
    pub(super) fn item(&mut self) -> Result<Item, ParseError> {
        let at = self.stream.at();
        let flags = self.flags()?;
        self.item_of(at, flags)
    }

    fn flags(&mut self) -> Result<Flags, ParseError> {
        self.stream.int().map(|flags| Flags(flags.cast_unsigned()))
    }

    /// The item that starts with `flags`, one level deeper.
    fn item_of(&mut self, at: Position, flags: Flags) -> Result<Item, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(ParseError::TooDeep { at, limit: MAX_DEPTH });
        }
        self.depth += 1;
        let content = self.content(at, flags);
        self.depth -= 1;
        Ok(Item { at, content: content? })
    }

    fn content(&mut self, at: Position, flags: Flags) -> Result<Content, ParseError> {
        let data = match flags.kind() {
            kind::NULL => return Ok(Content::Data(Data::Null)),
            kind::SYMBOL => return self.symbol(at).map(Content::Symbol),
            kind::REFERENCE => return self.reference(at, flags).map(Content::Symbol),
            kind::PAIRS => return self.pairs(at, flags).map(Content::Pairs),
            kind::OBJECT => {
                let slots =
                    if flags.has_attributes() { self.attributes()? } else { Pairs::default() };
                return Ok(Content::Object(slots));
            }
            kind::ALTREP => return altrep::read(self, at).map(Content::Data),
            kind::LOGICAL => {
                let each = |value: i32| (value != i32::MIN).then_some(value != 0);
                Data::Logical(self.numbers(4, |stream| stream.int().map(each))?)
            }
            kind::INTEGER => {
                let each = |value: i32| (value != i32::MIN).then_some(value);
                Data::Integer(self.numbers(4, |stream| stream.int().map(each))?)
            }
            kind::DOUBLE => Data::Double(self.numbers(8, Stream::real)?),
            kind::CHARACTER => Data::Character(self.vector(8, |reader| {
                let at = reader.stream.at();
                reader.counts.add_string(at)?;
                reader.string()
            })?),
            kind::LIST => {
                let values = self.vector(4, |reader| {
                    let at = reader.stream.at();
                    reader.counts.add_values(at, 1)?;
                    reader.item()?.into_value()
                })?;
                Data::List(List { values, names: Vec::new() })
            }
            _ => {
                let expected = "a part of a descriptor";
                return Err(ParseError::syntax(at, expected, flags.describe()));
            }
        };
        if flags.has_attributes() {
            let attributes = self.attributes()?;
            return self.with_attributes(data, attributes).map(Content::Data);
        }
        Ok(Content::Data(data))
    }

    /// A length and as many elements, each of `bytes` or more in the binary encodings.
    fn vector<T>(
        &mut self,
        bytes: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let at = self.stream.at();
        let mut len = i64::from(self.stream.int()?);
        if len == -1 {
            // Longer vectors give the upper and the lower half of their length.
            let upper = i64::from(self.stream.int()?);
            len = (upper << 32) | i64::from(self.stream.int()?.cast_unsigned());
        }
        match usize::try_from(len) {
            // No memory is taken yet: that many may be promised on each level of nesting.
            Ok(len) if len <= self.stream.room(bytes) => (0..len).map(|_| element(self)).collect(),
            _ => {
                let found = format!("{len} with {} bytes before the end", self.stream.remaining());
                Err(ParseError::syntax(at, "the length of a vector", found))
            }
        }
    }

    /// A vector of numbers or logicals.
    fn numbers<T>(
        &mut self,
        bytes: usize,
        mut number: impl FnMut(&mut Stream<'a>) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.vector(bytes, |reader| {
            let at = reader.stream.at();
            reader.counts.add_values(at, 1)?;
            number(&mut reader.stream)
        })
    }

    /// A string with its flags, `None` for `NA`. Its bytes are kept whatever encoding they are
    /// marked to be in: so does bigmemory, which hands them to C++ without the mark.
    fn string(&mut self) -> Result<Option<ByteString>, ParseError> {
        let at = self.stream.at();
        let flags = self.flags()?;
        if flags.kind() != kind::CHARS {
            return Err(ParseError::syntax(at, "a string", flags.describe()));
        }
        let at = self.stream.at();
        let len = self.stream.int()?;
        let string = if len == -1 {
            None
        } else {
            let room = self.stream.remaining();
            let Some(len) = usize::try_from(len).ok().filter(|&len| len <= room) else {
                let found = format!("{len} with {room} bytes before the end");
                return Err(ParseError::syntax(at, "the length of a string", found));
            };
            let start = self.stream.at();
            let bytes = self.stream.bytes(len)?;
            if bytes.contains(&0) {
                return Err(ParseError::syntax(start, "a string", "a NUL byte in it".to_owned()));
            }
            Some(bytes.into())
        };
        if flags.has_attributes() {
            self.attributes()?;
        }
        Ok(string)
    }

    /// The name of a new symbol.
    fn symbol(&mut self, at: Position) -> Result<Symbol, ParseError> {
        self.counts.add_values(at, 1)?;
        let found = || "a symbol without it".to_owned();
        let name = self.string()?.ok_or_else(|| ParseError::syntax(at, "a name", found()))?;
        self.symbols.push(name);
        Ok(Symbol(self.symbols.len() - 1))
    }

    /// A symbol that was met before, counted from 1.
    fn reference(&mut self, at: Position, flags: Flags) -> Result<Symbol, ParseError> {
        let index = match flags.reference() {
            0 => usize::try_from(self.stream.int()?).unwrap_or(0),
            index => index as usize,
        };
        if (1..=self.symbols.len()).contains(&index) {
            return Ok(Symbol(index - 1));
        }
        let found = format!("symbol {index} of {}", self.symbols.len());
        Err(ParseError::syntax(at, "a reference to an earlier symbol", found))
    }

    /// The pairlist that starts with `flags`.
    fn pairs(&mut self, mut at: Position, mut flags: Flags) -> Result<Pairs, ParseError> {
        let mut pairs = Pairs::default();
        while flags.kind() == kind::PAIRS {
            self.counts.add_values(at, 1)?;
            if flags.has_attributes() {
                self.attributes()?;
            }
            let tag = if flags.has_tag() { Some(self.tag()?) } else { None };
            pairs.elements.push((tag, self.item()?));
            at = self.stream.at();
            flags = self.flags()?;
        }
        if flags.kind() != kind::NULL {
            pairs.tail = Some(Box::new(self.item_of(at, flags)?));
        }
        Ok(pairs)
    }

    fn tag(&mut self) -> Result<Symbol, ParseError> {
        let item = self.item()?;
        match item.content {
            Content::Symbol(symbol) => Ok(symbol),
            _ => Err(item.unexpected("a symbol")),
        }
    }

    /// A pairlist, or `NULL` for an empty one, that ends in `NULL`.
    pub(super) fn attributes(&mut self) -> Result<Pairs, ParseError> {
        let item = self.item()?;
        match item.content {
            Content::Data(Data::Null) => Ok(Pairs::default()),
            Content::Pairs(pairs) => match pairs.tail {
                Some(tail) => Err(tail.unexpected("the end of a pairlist")),
                None => Ok(pairs),
            },
            _ => Err(item.unexpected("a pairlist")),
        }
    }

    /// `data` with its attributes: only the names of a list matter, others are skipped.
    pub(super) fn with_attributes(
        &self,
        mut data: Data,
        attributes: Pairs,
    ) -> Result<Data, ParseError> {
        let mut has_names = false;
        for (tag, item) in attributes.elements {
            match (&mut data, tag.map(|tag| self.name(tag))) {
                (Data::List(list), Some(b"names")) => {
                    // Each time would take as long as the list is.
                    if std::mem::replace(&mut has_names, true) {
                        return Err(item.unexpected("names once"));
                    }
                    let Value { at, data } = item.into_value()?;
                    list.set_names(Value { at, data })?;
                }
                // The words of a factor are in its levels; its numbers alone would mislead.
                (_, Some(b"levels")) => {
                    let found = "\"levels\"".to_owned();
                    let expected = "an attribute that changes no value";
                    return Err(ParseError::syntax(item.at, expected, found));
                }
                _ => {}
            }
        }
        Ok(data)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::Reader;
    use crate::error::ParseError;
    use crate::rds::stream::{Encoding, Stream};
    use crate::value::{Data, List};

    /// The value that these words say, without the header of the stream.
    pub(in crate::rds) fn value(words: &str) -> Result<Data, ParseError> {
        let words = format!("{words}\n");
        let mut reader = Reader::new(Stream::new(words.as_bytes(), 0, Encoding::Ascii));
        let value = reader.item()?.into_value()?;
        reader.finish()?;
        Ok(value.data)
    }

    #[test]
    fn vectors_of_every_type() {
        let strings = [Some("ab".into()), None, Some("".into()), Some("é".into())];
        let cases = [
            ("254", Data::Null),
            ("10 3 0 1 NA", Data::Logical(vec![Some(false), Some(true), None])),
            ("13 2 NA -5", Data::Integer(vec![None, Some(-5)])),
            ("14 2 NA 2.5", Data::Double(vec![None, Some(2.5)])),
            ("16 4 262153 2 ab 9 -1 262153 0 9 2 \\303\\251", Data::Character(strings.to_vec())),
            ("13 -1 0 1 7", Data::Integer(vec![Some(7)])),
            ("525 1 7 1026 1 262153 3 foo 13 0 254", Data::Integer(vec![Some(7)])),
            ("16 1 521 1 x 254", Data::Character(vec![Some("x".into())])),
        ];
        for (words, data) in cases {
            assert_eq!(value(words), Ok(data), "{words}");
        }
        let Ok(Data::Double(values)) = value("14 1 NaN") else { panic!("not a double") };
        assert!(values[0].is_some_and(f64::is_nan));
    }

    #[test]
    fn names_of_lists_and_references_to_symbols() {
        let names = "1026 1 262153 5 names 16 1 262153 1 a 254";
        let again = "1026 511 16 1 262153 1 b 254";
        let found = value(&format!("19 2 531 1 13 0 {names} 531 1 254 {again}"));
        let Ok(Data::List(List { values, names })) = found else { panic!("{found:?}") };
        assert!(names.is_empty());
        let names = |index: usize| match &values[index].data {
            Data::List(List { names, .. }) => names.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!((names(0), names(1)), (vec!["a".into()], vec!["b".into()]));
    }

    #[test]
    fn whatever_a_descriptor_is_not_made_of_is_refused_by_name_and_place() {
        for (words, message) in [
            ("3 254", "byte 0: expected a part of a descriptor, found a closure (type 3)"),
            ("19 1 6", "byte 5: expected a part of a descriptor, found a call (type 6)"),
            ("22 254 254", "found an external pointer (type 22)"),
            ("253", "found an environment (type 253)"),
            ("21 1", "found bytecode (type 21)"),
            ("24 1 0", "found a raw vector (type 24)"),
            ("9 1 x", "found a bare string (type 9)"),
            ("99", "found an item (type 99)"),
            ("16 1 13 1 1", "byte 5: expected a string, found an integer vector (type 13)"),
            ("16 1 9 2 \\000b", "expected a string, found a NUL byte in it"),
            ("19 1 1 262153 1 a", "byte 5: expected a vector, a list or NULL, found a symbol"),
            ("2 254 254", "found a pairlist"),
            ("25", "found an S4 object"),
            ("255 1", "expected a reference to an earlier symbol, found symbol 1 of 0"),
            ("767", "found symbol 2 of 0"),
            ("1 9 -1", "expected a name, found a symbol without it"),
            ("1026 13 0 254 254", "byte 5: expected a symbol, found an integer vector of 0"),
            ("525 1 1 1026 1 9 6 levels 16 0 254", "expected an attribute that changes no value"),
            ("531 1 254 1026 1 9 5 names 16 2 9 -1 9 -1 254", "expected at most one string"),
            ("531 0 1026 1 9 5 names 254 1026 511 254 254", "expected names once, found NULL"),
            ("525 0 2 254 13 0", "expected the end of a pairlist, found an integer vector of 0"),
            ("525 0 13 0", "expected a pairlist, found an integer vector of 0"),
            ("254 254", "expected the end of the stream, found 4 more bytes"),
        ] {
            let error = value(words).expect_err(words).to_string();
            assert!(error.contains(message), "{words}: {error}");
        }
    }

    #[test]
    fn objects_without_their_slots_are_refused() {
        let slot = |name: &str| format!("1026 1 9 {} {name} 13 1 7", name.len());
        let instance = |words: &str| {
            let words = format!("{words}\n");
            Reader::new(Stream::new(words.as_bytes(), 0, Encoding::Ascii)).instance()
        };
        let (class, description) = (slot("class"), slot("description"));
        for (words, message) in [
            ("13 0".to_owned(), "expected an S4 object, found an integer vector of 0"),
            ("25".to_owned(), "expected a class, found an S4 object without it"),
            (format!("537 {class} 254"), "expected a description"),
            (format!("537 {description} 254"), "expected a class"),
            (format!("537 {class} 1026 255 1 13 0 254"), "expected each slot once"),
            (format!("537 {class} 1026 1 9 11 description 25 254"), "found an S4 object"),
        ] {
            let error = instance(&words).expect_err(&words).to_string();
            assert!(error.contains(message), "{words}: {error}");
        }
        let found = instance(&format!("537 {description} {} {class} 254", slot("more"))).unwrap();
        assert_eq!(found.description.data, Data::Integer(vec![Some(7)]));
    }
}
