//! The dictionary in a header, read as a literal.

use crate::{Dtype, NpyError};

/// What the three keys of a header say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) dtype: Dtype,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

/// Reads the dictionary that is all of `text`; `at` is the place of its first byte in the file.
pub(crate) fn parse(text: &[u8], at: usize) -> Result<Fields, NpyError> {
    let mut parser = Parser { text, next: 0, at };
    let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
    parser.expect(b'{', "a dictionary, `{`")?;
    while !parser.take(b'}') {
        let key_at = parser.place();
        let again = match parser.string("a key in quotes")? {
            b"descr" => parser.after_colon(Parser::dtype, &mut dtype)?,
            b"fortran_order" => parser.after_colon(Parser::boolean, &mut fortran_order)?,
            b"shape" => parser.after_colon(Parser::shape, &mut shape)?,
            _ => {
                let expected = "the key 'descr', 'fortran_order' or 'shape'";
                return Err(NpyError::Syntax { at: key_at, expected });
            }
        };
        if again {
            return Err(NpyError::Syntax { at: key_at, expected: "each key once" });
        }
        if !parser.take(b',') {
            parser.expect(b'}', "`,` or `}`")?;
            break;
        }
    }
    parser.skip_blanks();
    if parser.next != text.len() {
        return Err(parser.fault("nothing but blanks after `}`"));
    }
    let missing = |key| NpyError::MissingKey { key };
    Ok(Fields {
        dtype: dtype.ok_or(missing("descr"))?,
        fortran_order: fortran_order.ok_or(missing("fortran_order"))?,
        shape: shape.ok_or(missing("shape"))?,
    })
}

/// Text of a file for a message, so that it stays on its line and moves no terminal's cursor.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_debug());
        } else {
            shown.push(character);
        }
    }
    shown
}

struct Parser<'a> {
    text: &'a [u8],
    /// The next byte to look at.
    next: usize,
    /// Where the text begins in the file.
    at: usize,
}

impl<'a> Parser<'a> {
    fn skip_blanks(&mut self) {
        let rest = &self.text[self.next..];
        self.next += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    /// Where the next thing stands in the file.
    fn place(&mut self) -> usize {
        self.skip_blanks();
        self.at + self.next
    }

    fn fault(&mut self, expected: &'static str) -> NpyError {
        NpyError::Syntax { at: self.place(), expected }
    }

    /// Steps over `byte`, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let found = self.text.get(self.next) == Some(&byte);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), NpyError> {
        if self.take(byte) { Ok(()) } else { Err(self.fault(expected)) }
    }

    /// A string in quotes of either kind. None that is meant has an escape in it.
    fn string(&mut self, expected: &'static str) -> Result<&'a [u8], NpyError> {
        self.skip_blanks();
        let rest = &self.text[self.next..];
        let Some((&quote @ (b'\'' | b'"'), rest)) = rest.split_first() else {
            return Err(self.fault(expected));
        };
        let ends = |byte: &u8| *byte == quote || matches!(byte, b'\\' | b'\n');
        match rest.iter().position(ends) {
            Some(length) if rest[length] == quote => {
                self.next += length + 2;
                Ok(&rest[..length])
            }
            _ => Err(self.fault(expected)),
        }
    }

    /// The value of a key. Tells whether there was one before.
    fn after_colon<T>(
        &mut self,
        read: fn(&mut Self) -> Result<T, NpyError>,
        value: &mut Option<T>,
    ) -> Result<bool, NpyError> {
        self.expect(b':', "`:` after a key")?;
        let read = read(self)?;
        Ok(value.replace(read).is_some())
    }

    fn dtype(&mut self) -> Result<Dtype, NpyError> {
        const SHOWN: usize = 60;
        self.skip_blanks();
        let rest = &self.text[self.next..];
        // What is not a string is the list of a structure's fields, or a tuple.
        let descr = match rest.first() {
            Some(b'[' | b'(') => rest,
            _ => self.string("a type in quotes")?,
        };
        let known = std::str::from_utf8(descr).ok().and_then(Dtype::from_descr);
        known.ok_or_else(|| {
            let shown = &descr[..descr.len().min(SHOWN)];
            let shown = String::from_utf8_lossy(shown);
            NpyError::Dtype { found: printable(shown.trim_end()) }
        })
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        self.skip_blanks();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if self.text[self.next..].starts_with(word) {
                self.next += word.len();
                return Ok(value);
            }
        }
        Err(self.fault("True or False"))
    }

    /// A tuple. `(3)` is none: Python takes it for a number.
    fn shape(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut extents = Vec::new();
        self.expect(b'(', "a tuple of extents, `(`")?;
        while !self.take(b')') {
            extents.push(self.extent()?);
            if self.take(b',') {
                continue;
            }
            let expected = if extents.len() == 1 { "`,`" } else { "`,` or `)`" };
            if extents.len() == 1 || !self.take(b')') {
                return Err(self.fault(expected));
            }
            break;
        }
        Ok(extents)
    }

    /// A whole number, with the `L` that Python 2 may have written after it.
    fn extent(&mut self) -> Result<usize, NpyError> {
        self.skip_blanks();
        let rest = &self.text[self.next..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..digits]).ok().and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| self.fault("an extent, a whole number below 2^64"))?;
        self.next += digits + usize::from(rest.get(digits) == Some(&b'L'));
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<Vec<usize>, NpyError> {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {text}}}");
        parse(text.as_bytes(), 10).map(|fields| fields.shape)
    }

    fn fault(text: &str) -> String {
        parse(text.as_bytes(), 10).unwrap_err().to_string()
    }

    #[test]
    fn any_spelling_of_the_dictionary_is_read() {
        let expected = Fields { dtype: Dtype::F32, fortran_order: true, shape: vec![3, 2] };
        for text in [
            "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }      \n",
            "{'shape':(3,2),'fortran_order':True,'descr':'<f4'}",
            "\t{ \"descr\" : \"<f4\" ,\n \"shape\" : ( 3L , 2L , ) , \"fortran_order\" : True , } ",
        ] {
            assert_eq!(parse(text.as_bytes(), 10).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn shapes_are_tuples() {
        assert_eq!(shape("()"), Ok(vec![]));
        assert_eq!(shape("(5,)"), Ok(vec![5]));
        assert_eq!(shape("(0, 3)"), Ok(vec![0, 3]));
        assert_eq!(shape("(1, 2, 3)"), Ok(vec![1, 2, 3]));
        for text in ["(5)", "5", "[5, 2]", "(-1, 2)", "(1 2)", "(,)", "(1.0, 2)", "(1,, 2)", "(1,"]
        {
            assert!(matches!(shape(text), Err(NpyError::Syntax { .. })), "{text}");
        }
        assert!(shape("(99999999999999999999, 2)").unwrap_err().to_string().contains("below 2^64"));
    }

    #[test]
    fn faults_say_where_and_what() {
        assert_eq!(fault(""), "header, byte 10 of the file: expected a dictionary, `{`");
        assert_eq!(
            fault("{'descr' '<f8'}"),
            "header, byte 19 of the file: expected `:` after a key"
        );
        assert_eq!(
            fault("{'fortran_order': 1}"),
            "header, byte 28 of the file: expected True or False"
        );
        assert!(fault("{'x': 1}").contains("byte 11 of the file: expected the key 'descr'"));
        assert!(fault("{'shape': (1,), 'shape': (1,)}").ends_with("expected each key once"));
        assert!(fault("{'shape': (1,)}").contains("no key \"descr\""));
        assert!(fault("{'shape': (1,)} x").ends_with("nothing but blanks after `}`"));
        assert!(fault("{'shape': (1,) 'descr'").ends_with("expected `,` or `}`"));
        assert!(fault("{'a\\'b': 1}").ends_with("a key in quotes"));
    }

    #[test]
    fn other_types_are_named() {
        for descr in [">f8", "<c16", "|O", "<f2"] {
            assert!(
                fault(&format!("{{'descr': '{descr}'")).starts_with(&format!("descr is {descr}"))
            );
        }
        let structure = fault("{'descr': [('a', '<f4'), ('b', '<i4')], 'shape': (1,)}");
        assert!(structure.starts_with("descr is [('a', '<f4'), ('b', '<i4')]"), "{structure}");
        let forged = fault("{'descr': [('é\n\x1b[2J', '<f4')], 'shape': (1,)}");
        assert!(forged.starts_with("descr is [('é\\n\\u{1b}[2J', '<f4')]"), "{forged}");
    }
}
