//! The items that a stream is made of.

use crate::error::ParseError;
use crate::value::{Data, Value};
use crate::{Position, rds::reader::Symbol};

/// What starts an item: its type, and what else it comes with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags(pub(super) u32);

/// Types of items by their numbers in R.
pub(super) mod kind {
    pub(crate) const SYMBOL: u8 = 1;
    pub(crate) const PAIRS: u8 = 2;
    pub(crate) const CHARS: u8 = 9;
    pub(crate) const LOGICAL: u8 = 10;
    pub(crate) const INTEGER: u8 = 13;
    pub(crate) const DOUBLE: u8 = 14;
    pub(crate) const CHARACTER: u8 = 16;
    pub(crate) const LIST: u8 = 19;
    pub(crate) const OBJECT: u8 = 25;
    pub(crate) const ALTREP: u8 = 238;
    pub(crate) const NULL: u8 = 254;
    pub(crate) const REFERENCE: u8 = 255;
}

/// The item is an object: it has a class.
pub(super) const IS_OBJECT: u32 = 0x100;
/// Attributes follow.
pub(super) const HAS_ATTRIBUTES: u32 = 0x200;
/// The element of a pairlist has a name.
pub(super) const HAS_TAG: u32 = 0x400;

impl Flags {
    pub(super) fn kind(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    pub(super) fn has_attributes(self) -> bool {
        self.0 & HAS_ATTRIBUTES != 0
    }

    pub(super) fn has_tag(self) -> bool {
        self.0 & HAS_TAG != 0
    }

    /// The index of a reference, 0 where a number of its own follows.
    pub(super) fn reference(self) -> u32 {
        self.0 >> 8
    }

    /// The type in words, for a message.
    pub(super) fn describe(self) -> String {
        let words = match self.kind() {
            kind::SYMBOL => "a symbol",
            kind::PAIRS => "a pairlist",
            3 => "a closure",
            4 | 241 | 242 | 247 | 249 | 250 | 253 => "an environment",
            5 => "a promise",
            6 | 240 => "a call",
            7 | 8 => "a built-in function",
            kind::CHARS => "a bare string",
            kind::LOGICAL => "a logical vector",
            kind::INTEGER => "an integer vector",
            kind::DOUBLE => "a double vector",
            15 => "a complex vector",
            kind::CHARACTER => "a character vector",
            17 => "dots",
            kind::LIST => "a list",
            20 => "an expression",
            21 | 243 | 244 => "bytecode",
            22 => "an external pointer",
            23 => "a weak reference",
            24 => "a raw vector",
            kind::OBJECT => "an S4 object",
            kind::ALTREP => "a compact vector",
            kind::NULL => "NULL",
            kind::REFERENCE => "a reference",
            _ => "an item",
        };
        format!("{words} (type {})", self.kind())
    }
}

/// An item and where it starts.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) at: Position,
    pub(super) content: Content,
}

/// What an item holds.
#[derive(Debug)]
pub(super) enum Content {
    Data(Data),
    Symbol(Symbol),
    Pairs(Pairs),
    /// The slots of an S4 object.
    Object(Pairs),
}

/// A pairlist.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// The elements and their names.
    pub(super) elements: Vec<(Option<Symbol>, Item)>,
    /// What ends it, where that is not `NULL`.
    pub(super) tail: Option<Box<Item>>,
}

impl Item {
    /// The value, unless it is something that no value is made of.
    pub(super) fn into_value(self) -> Result<Value, ParseError> {
        match self.content {
            Content::Data(data) => Ok(Value { at: self.at, data }),
            _ => Err(self.unexpected("a vector, a list or NULL")),
        }
    }

    /// The error that something else was expected here.
    pub(super) fn unexpected(&self, expected: &'static str) -> ParseError {
        let found = match &self.content {
            Content::Data(data) => data.describe(),
            Content::Symbol(_) => "a symbol".to_owned(),
            Content::Pairs(_) => "a pairlist".to_owned(),
            Content::Object(_) => "an S4 object".to_owned(),
        };
        ParseError::syntax(self.at, expected, found)
    }
}
