//! Text to tokens.

use crate::Position;
use crate::error::{ParseError, quote};
use crate::escape;

/// The smallest parts of the text that mean something.
#[derive(Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// A word without quotes, keywords included.
    Word(&'a [u8]),
    /// A string in quotes of either kind, or a raw one.
    Text(Vec<u8>),
    /// A name in backticks.
    Name(Vec<u8>),
    /// A number without its sign; `whole` where it is an integer of R (suffix `L`, in range).
    Number { value: f64, whole: bool },
    /// `::`.
    Scope,
    /// One of `( ) { } , = ; : + -`.
    Mark(u8),
    /// The end of the text.
    End,
}

/// A token, where it starts, and the bytes `start..end` it was read from.
#[derive(Debug)]
pub(crate) struct Spanned<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) at: Position,
    source: &'a [u8],
}

impl Spanned<'_> {
    /// The error that something else was expected here.
    pub(crate) fn unexpected(&self, expected: &'static str) -> ParseError {
        let found = match self.token {
            Token::End => "end of text".to_owned(),
            _ => quote(self.source),
        };
        ParseError::syntax(self.at, expected, found)
    }
}

/// Reads tokens from the front to the end, each byte a bounded number of times.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    next: usize,
    line: u32,
    line_start: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`; a byte-order mark is skipped and takes no column.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self { text, next: 0, line: 1, line_start: 0 }
    }

    /// The next token; after the last one [`Token::End`], for ever.
    pub(crate) fn token(&mut self) -> Result<Spanned<'a>, ParseError> {
        self.skip_blanks();
        let at = self.position();
        let start = self.next;
        let token = match self.peek() {
            None => Token::End,
            Some(quote @ (b'"' | b'\'')) => {
                self.next += 1;
                Token::Text(self.quoted(quote, at)?)
            }
            Some(b'`') => {
                self.next += 1;
                Token::Name(self.quoted(b'`', at)?)
            }
            Some(b'r' | b'R') if matches!(self.peek_at(1), Some(b'"' | b'\'')) => {
                Token::Text(self.raw(at)?)
            }
            Some(b'.') if self.peek_at(1).is_some_and(|byte| byte.is_ascii_digit()) => {
                self.number(at)?
            }
            Some(byte) if byte.is_ascii_digit() => self.number(at)?,
            Some(byte) if is_word(byte) => Token::Word(self.take_while(is_word)),
            Some(b':') if self.peek_at(1) == Some(b':') => {
                self.next += 2;
                Token::Scope
            }
            Some(mark @ (b'(' | b')' | b'{' | b'}' | b',' | b'=' | b';' | b':' | b'+' | b'-')) => {
                self.next += 1;
                Token::Mark(mark)
            }
            Some(byte) => {
                return Err(ParseError::syntax(at, "a part of a literal", quote(&[byte])));
            }
        };
        Ok(Spanned { token, at, source: &self.text[start..self.next] })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.next).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.next + ahead).copied()
    }

    fn position(&self) -> Position {
        self.position_of(self.next)
    }

    /// The position of a byte on the current line.
    fn position_of(&self, index: usize) -> Position {
        let column = index - self.line_start + 1;
        Position::Text { line: self.line, column: u32::try_from(column).unwrap_or(u32::MAX) }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.next..];
        let len = rest.iter().position(|&byte| !wanted(byte)).unwrap_or(rest.len());
        self.next += len;
        &rest[..len]
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\x0c') => self.next += 1,
                Some(b'\n' | b'\r') => self.newline(),
                Some(b'#') => {
                    self.take_while(|byte| byte != b'\n' && byte != b'\r');
                }
                _ => return,
            }
        }
    }

    /// Steps over LF, CR LF or CR, all of which end a line.
    fn newline(&mut self) {
        let pair = self.text[self.next..].starts_with(b"\r\n");
        self.next += if pair { 2 } else { 1 };
        self.line = self.line.saturating_add(1);
        self.line_start = self.next;
    }

    /// The rest of a string that ends in `close`; `opened` is where it started.
    fn quoted(&mut self, close: u8, opened: Position) -> Result<Vec<u8>, ParseError> {
        let special = |byte: u8| byte == close || matches!(byte, b'\\' | b'\n' | b'\r' | 0);
        let mut content = Vec::new();
        loop {
            content.extend_from_slice(self.take_while(|byte| !special(byte)));
            match self.peek() {
                Some(b'\\') if matches!(self.peek_at(1), Some(b'\n' | b'\r')) => {
                    self.next += 1;
                    self.newline();
                    content.push(b'\n');
                }
                Some(b'\\') => {
                    let rest = &self.text[self.next..];
                    match escape::read(rest, &mut content) {
                        Ok(len) => self.next += len,
                        Err((expected, len)) => {
                            let found = quote(&rest[..len]);
                            return Err(ParseError::syntax(self.position(), expected, found));
                        }
                    }
                }
                Some(b'\n' | b'\r') => {
                    self.newline();
                    content.push(b'\n');
                }
                Some(0) => return Err(self.nul()),
                Some(_) => {
                    self.next += 1;
                    return Ok(content);
                }
                None => return Err(unclosed(opened)),
            }
        }
    }

    /// A raw string: `r"--(…)--"`, with any number of dashes and any of three brackets.
    fn raw(&mut self, opened: Position) -> Result<Vec<u8>, ParseError> {
        let quote_mark = self.text[self.next + 1];
        self.next += 2;
        let dashes = self.take_while(|byte| byte == b'-').len();
        let close = match self.peek() {
            Some(b'(') => b')',
            Some(b'[') => b']',
            Some(b'{') => b'}',
            other => {
                let found = other.map_or("end of text".to_owned(), |byte| quote(&[byte]));
                let expected = "the opening bracket of a raw string";
                return Err(ParseError::syntax(self.position(), expected, found));
            }
        };
        self.next += 1;
        let special = |byte: u8| byte == close || matches!(byte, b'\n' | b'\r' | 0);
        let mut content = Vec::new();
        loop {
            content.extend_from_slice(self.take_while(|byte| !special(byte)));
            match self.peek() {
                Some(b'\n' | b'\r') => {
                    self.newline();
                    content.push(b'\n');
                }
                Some(0) => return Err(self.nul()),
                Some(_) => {
                    self.next += 1;
                    // The dashes looked at hold no bracket, so none is looked at twice as one.
                    let rest = &self.text[self.next..];
                    let here = rest.iter().take(dashes).take_while(|&&byte| byte == b'-').count();
                    if here == dashes && rest.get(dashes) == Some(&quote_mark) {
                        self.next += dashes + 1;
                        return Ok(content);
                    }
                    content.push(close);
                }
                None => return Err(unclosed(opened)),
            }
        }
    }

    fn nul(&self) -> ParseError {
        ParseError::syntax(self.position(), "a byte of a string", quote(&[0]))
    }

    /// A number without a sign: decimal or hexadecimal, with an optional `L`.
    fn number(&mut self, at: Position) -> Result<Token<'a>, ParseError> {
        let start = self.next;
        let hex = self.peek() == Some(b'0') && matches!(self.peek_at(1), Some(b'x' | b'X'));
        let value = if hex { self.hexadecimal() } else { self.decimal() };
        let suffix = self.peek() == Some(b'L');
        self.next += usize::from(suffix);
        if self.peek().is_some_and(is_word) || value.is_none() {
            self.take_while(is_word);
            return Err(ParseError::syntax(at, "a number", quote(&self.text[start..self.next])));
        }
        let value = value.unwrap_or_default();
        // R warns of `2.5L` and `3000000000L`, and takes them for doubles.
        let whole = suffix && value.fract() == 0.0 && value <= f64::from(i32::MAX);
        Ok(Token::Number { value, whole })
    }

    fn decimal(&mut self) -> Option<f64> {
        let start = self.next;
        self.take_while(|byte| byte.is_ascii_digit());
        if self.peek() == Some(b'.') {
            self.next += 1;
            self.take_while(|byte| byte.is_ascii_digit());
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.exponent()?;
        }
        std::str::from_utf8(&self.text[start..self.next]).ok()?.parse().ok()
    }

    fn hexadecimal(&mut self) -> Option<f64> {
        self.next += 2;
        let whole = self.take_while(|byte| byte.is_ascii_hexdigit());
        let mut part: &[u8] = &[];
        let point = self.peek() == Some(b'.');
        if point {
            self.next += 1;
            part = self.take_while(|byte| byte.is_ascii_hexdigit());
        }
        let power = match self.peek() {
            Some(b'p' | b'P') => self.exponent()?,
            // R wants an exponent after the digits behind a point.
            _ if point => return None,
            _ => 0,
        };
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        Some(scale(whole, part, power))
    }

    /// A mark, an optional sign and digits; very large ones are cut to where they stay infinite.
    fn exponent(&mut self) -> Option<i32> {
        self.next += 1;
        let negative = self.peek() == Some(b'-');
        if negative || self.peek() == Some(b'+') {
            self.next += 1;
        }
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return None;
        }
        let size = digits.iter().fold(0_i32, |size, digit| {
            size.saturating_mul(10).saturating_add(i32::from(digit - b'0'))
        });
        let size = size.min(1_000_000);
        Some(if negative { -size } else { size })
    }
}

/// The number that `word` spells from its first byte to its last, without a sign.
pub(crate) fn number(word: &[u8]) -> Option<f64> {
    let mut lexer = Lexer::new(word);
    match lexer.number(lexer.position()) {
        Ok(Token::Number { value, .. }) if lexer.next == word.len() => Some(value),
        _ => None,
    }
}

/// The number `whole.part`, both in hexadecimal digits, times two to the power.
fn scale(whole: &[u8], part: &[u8], power: i32) -> f64 {
    let digits = |start: f64, digits: &[u8]| {
        digits.iter().fold(start, |value, &digit| {
            value * 16.0 + char::from(digit).to_digit(16).map_or(0.0, f64::from)
        })
    };
    // Behind the 16th digit nothing is left that a double could hold.
    let part = &part[..part.len().min(16)];
    let mantissa = digits(digits(0.0, whole), part);
    let shift = i32::try_from(part.len() * 4).expect("at most 64");
    let power = power.saturating_sub(shift);
    // In two steps, so that the factor itself neither overflows nor vanishes too early.
    let half = power / 2;
    if mantissa == 0.0 { 0.0 } else { mantissa * 2_f64.powi(half) * 2_f64.powi(power - half) }
}

fn unclosed(opened: Position) -> ParseError {
    ParseError::syntax(opened, "a string that is closed", "end of text".to_owned())
}

/// Whether a byte can stand within a word; bytes above ASCII are taken for letters.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::{Lexer, Token};
    use crate::error::ParseError;

    fn only(text: &str) -> Result<Token<'_>, ParseError> {
        let mut lexer = Lexer::new(text.as_bytes());
        let first = lexer.token()?;
        let second = lexer.token()?;
        assert_eq!(second.token, Token::End, "{text}");
        Ok(first.token)
    }

    #[test]
    fn numbers_in_every_spelling() {
        let cases = [
            ("4", 4.0, false),
            ("4L", 4.0, true),
            ("3e0L", 3.0, true),
            ("1e+05", 1e5, false),
            ("1E-2", 0.01, false),
            (".5", 0.5, false),
            ("3.", 3.0, false),
            ("3.L", 3.0, true),
            ("2.5L", 2.5, false),
            ("2147483647L", 2_147_483_647.0, true),
            ("2147483648L", 2_147_483_648.0, false),
            ("0x1F", 31.0, false),
            ("0X4L", 4.0, true),
            ("0x1p4", 16.0, false),
            ("0x1.8p1", 3.0, false),
            ("0x.8p1", 1.0, false),
            ("0x1P-1", 0.5, false),
            ("0x0p999999999999", 0.0, false),
            ("1e999999999999", f64::INFINITY, false),
            ("0x1p999999999999", f64::INFINITY, false),
            ("1e-999999999999", 0.0, false),
        ];
        for (text, value, whole) in cases {
            assert_eq!(only(text), Ok(Token::Number { value, whole }), "{text}");
        }
        for text in ["1e", "1e+", "0x", "0xg", "0x.p1", "0x1.8", "4x", "4LL", "4i", "1.2.3"] {
            assert!(matches!(only(text), Err(ParseError::Syntax { .. })), "{text}");
        }
    }

    #[test]
    fn strings_of_every_kind() {
        let text = |bytes: &[u8]| Ok(Token::Text(bytes.to_vec()));
        assert_eq!(only(r#""a'b`c""#), text(b"a'b`c"));
        assert_eq!(only(r#"'a"b'"#), text(b"a\"b"));
        assert_eq!(only("\"a\r\nb\rc\nd\""), text(b"a\nb\nc\nd"));
        assert_eq!(only("\"a\\\r\nb\""), text(b"a\nb"));
        assert_eq!(only("`a\\`b`"), Ok(Token::Name(b"a`b".to_vec())));
        assert_eq!(only(r#"r"(a\n)b)""#), text(br"a\n)b"));
        assert_eq!(only("r\"--[a]-\"b]--\""), text(b"a]-\"b"));
        assert_eq!(only("R'{a)}'"), text(b"a)"));
        for broken in
            ["\"a", "\"a\\\"", "`a", "r\"a\"", "r\"(a)", "r\"-(a)\"", "\"a\0b\"", "r\"(\0)\""]
        {
            assert!(matches!(only(broken), Err(ParseError::Syntax { .. })), "{broken:?}");
        }
    }

    #[test]
    fn positions_count_lines_of_every_ending_and_columns_in_bytes() {
        let mut lexer = Lexer::new("\u{feff}a # x\r\n 'é\n' b\r\t c".as_bytes());
        let mut seen = Vec::new();
        loop {
            let spanned = lexer.token().unwrap();
            seen.push(spanned.at.to_string());
            if spanned.token == Token::End {
                break;
            }
        }
        assert_eq!(seen, ["1:1", "2:2", "3:3", "4:3", "4:4"]);
    }
}
