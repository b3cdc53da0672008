//! Descriptors to RDS, as `saveRDS` writes them.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::expand;
use super::item::{HAS_ATTRIBUTES, HAS_TAG, IS_OBJECT, kind};
use crate::extent::{Extent, Total};
use crate::fields::CLASS;
use crate::{ByteString, Descriptor, Field, Storage};

/// The oldest R that reads version 3 of the format, 3.5.0: it also stands for the R that wrote.
const R_VERSION: u32 = 0x0003_0500;

/// What R takes strings without a mark to be in; see [`Stream::string`].
const ENCODING: &[u8] = b"UTF-8";

/// The bit of an S4 object, and that of a string of ASCII alone.
const S4_BIT: u32 = 0x10 << 12;
const ASCII_BIT: u32 = 0x40 << 12;

/// The RDS of a descriptor in gzip: the same bytes for the same descriptor.
pub(crate) fn write(descriptor: &Descriptor) -> Vec<u8> {
    let stream = uncompressed(descriptor);
    let smaller = gzip(&stream, Compression::default());
    // A reader could not tell endless repetition of one name from data made to harm.
    if stream.len() as u64 > expand::limit(smaller.len()) {
        gzip(&stream, Compression::none())
    } else {
        smaller
    }
}

fn gzip(stream: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder: GzEncoder<Vec<u8>> = GzBuilder::new().mtime(0).write(Vec::new(), level);
    encoder.write_all(stream).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// The stream itself, in XDR.
pub(super) fn uncompressed(descriptor: &Descriptor) -> Vec<u8> {
    let mut out = Stream(b"X\n".to_vec());
    out.word(3);
    out.word(R_VERSION);
    out.word(R_VERSION);
    out.len(ENCODING);
    out.0.extend_from_slice(ENCODING);
    out.item(kind::OBJECT, IS_OBJECT | HAS_ATTRIBUTES | S4_BIT);
    out.tag("description");
    out.description(descriptor);
    out.tag("class");
    out.vector(kind::CHARACTER, HAS_ATTRIBUTES, &[CLASS.into()], Stream::string);
    out.tag("package");
    out.strings(&["bigmemory".into()]);
    out.null();
    out.null();
    out.0
}

/// A value of a field.
enum Value<'a> {
    Null,
    String(ByteString),
    Strings(&'a [ByteString]),
    Integer(i32),
    Doubles(Vec<u64>),
    Logical(bool),
}

/// The fields in the order in which R writes them.
fn fields(descriptor: &Descriptor) -> Vec<(Field, Value<'_>)> {
    let string = |string: &str| Value::String(string.into());
    let mut fields = Vec::with_capacity(Field::ALL.len());
    match &descriptor.storage {
        Storage::FileBacked { filename, dirname } => {
            fields.push((Field::SharedType, string("FileBacked")));
            fields.push((Field::FileName, Value::String(filename.clone())));
            if let Some(dirname) = dirname {
                fields.push((Field::DirName, Value::String(dirname.clone())));
            }
        }
        Storage::SharedMemory { name } => {
            fields.push((Field::SharedType, string("SharedMemory")));
            fields.push((Field::SharedName, Value::String(name.clone())));
        }
    }
    let names = |names: Option<_>| names.map_or(Value::Null, Value::Strings);
    let Descriptor { rows, cols, .. } = descriptor;
    fields.extend([
        (Field::TotalRows, total(*rows)),
        (Field::TotalCols, total(*cols)),
        (Field::RowOffset, Value::Doubles(vec![rows.offset, rows.len])),
        (Field::ColOffset, Value::Doubles(vec![cols.offset, cols.len])),
        (Field::NRow, Value::Doubles(vec![rows.len])),
        (Field::NCol, Value::Doubles(vec![cols.len])),
        (Field::RowNames, names(descriptor.row_names())),
        (Field::ColNames, names(descriptor.col_names())),
        (Field::Type, string(descriptor.element_type.name())),
        (Field::Separated, Value::Logical(descriptor.separated)),
    ]);
    fields
}

/// A stored extent: an integer where it was or fits one, else a double, so that R keeps its bits.
fn total(extent: Extent) -> Value<'static> {
    match extent.total {
        Total::Integer(total) => Value::Integer(total),
        Total::Missing => Value::Integer(i32::MIN),
        Total::Exact(total) => Value::Doubles(vec![total]),
    }
}

/// Bytes under construction.
struct Stream(Vec<u8>);

impl Stream {
    fn word(&mut self, word: u32) {
        self.0.extend_from_slice(&word.to_be_bytes());
    }

    fn len<T>(&mut self, items: &[T]) {
        let len = i32::try_from(items.len()).expect("R has no longer strings");
        self.word(len.cast_unsigned());
    }

    fn item(&mut self, kind: u8, bits: u32) {
        self.word(u32::from(kind) | bits);
    }

    fn null(&mut self) {
        self.item(kind::NULL, 0);
    }

    /// The start of a pairlist's element; each name stands once, so none is a reference.
    fn tag(&mut self, name: &'static str) {
        self.item(kind::PAIRS, HAS_TAG);
        self.item(kind::SYMBOL, 0);
        self.string(&name.into());
    }

    /// A string without a mark of its encoding, as names come out of bigmemory. R in a UTF-8
    /// locale then takes the bytes as they are, UTF-8 or not.
    fn string(&mut self, string: &ByteString) {
        let bytes = string.as_bytes();
        self.item(kind::CHARS, if bytes.is_ascii() { ASCII_BIT } else { 0 });
        self.len(bytes);
        self.0.extend_from_slice(bytes);
    }

    fn vector<T>(&mut self, kind: u8, bits: u32, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.item(kind, bits);
        self.len(items);
        for item in items {
            each(self, item);
        }
    }

    fn strings(&mut self, strings: &[ByteString]) {
        self.vector(kind::CHARACTER, 0, strings, Self::string);
    }

    fn double(&mut self, number: u64) {
        #[expect(clippy::cast_precision_loss, reason = "extents stay within MAX_EXTENT, 2^53")]
        let number = number as f64;
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn description(&mut self, descriptor: &Descriptor) {
        let fields = fields(descriptor);
        self.vector(kind::LIST, HAS_ATTRIBUTES, &fields, |out, (_, value)| out.value(value));
        self.tag("names");
        let names: Vec<_> = fields.iter().map(|(field, _)| field.name().into()).collect();
        self.strings(&names);
        self.null();
    }

    fn value(&mut self, value: &Value<'_>) {
        let integer = |out: &mut Self, number: &i32| out.word(number.cast_unsigned());
        match value {
            Value::Null => self.null(),
            Value::String(string) => self.strings(std::slice::from_ref(string)),
            Value::Strings(strings) => self.strings(strings),
            Value::Integer(number) => self.vector(kind::INTEGER, 0, &[*number], integer),
            Value::Logical(flag) => self.vector(kind::LOGICAL, 0, &[i32::from(*flag)], integer),
            Value::Doubles(numbers) => {
                self.vector(kind::DOUBLE, 0, numbers, |out, &number| out.double(number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::uncompressed;
    use crate::{Descriptor, ElementType};

    #[test]
    fn strings_carry_no_mark_but_that_of_ascii() {
        let names = [b"a".as_slice(), "é".as_bytes(), b"\xe9"];
        let matrix = Descriptor::file_backed("x", "", ElementType::Short, 3, 1).row_names(names);
        let stream = uncompressed(&matrix.build().unwrap());
        for string in [
            &b"\0\x04\0\x09\0\0\0\x01a"[..],
            b"\0\0\0\x09\0\0\0\x02\xc3\xa9\0\0\0\x09\0\0\0\x01\xe9",
        ] {
            assert!(stream.windows(string.len()).any(|window| window == string), "{string:?}");
        }
    }

    #[test]
    fn stored_extents_from_31_bits_on_are_doubles() {
        let len = |nrows| {
            let matrix = Descriptor::file_backed("x", "", ElementType::Char, nrows, 1);
            uncompressed(&matrix.build().unwrap()).len()
        };
        assert_eq!(len(2_147_483_647) + 4, len(2_147_483_648));
    }
}
