//! Descriptors to text, byte for byte as R's `dput` breaks and spells it.

use std::io::Write;

use crate::extent::{Extent, Total};
use crate::number::format_extent;
use crate::{ByteString, Descriptor, Field, Storage};

/// R breaks a line at the next chance once it is longer than this, in bytes.
const LINE_BYTES: usize = 60;

/// What every line but the first starts with.
const INDENT: &[u8] = b"    ";

/// The text of a descriptor, a line feed at its end included.
pub(crate) fn text(descriptor: &Descriptor) -> Vec<u8> {
    let mut out = Lines::default();
    out.put(b"new(\"big.matrix.descriptor\", description = list(");
    match &descriptor.storage {
        Storage::FileBacked { filename, dirname } => {
            // The first field starts without a comma.
            out.put(b"sharedType = \"FileBacked\"");
            out.field(Field::FileName, &string(filename));
            if let Some(dirname) = dirname {
                out.field(Field::DirName, &string(dirname));
            }
        }
        Storage::SharedMemory { name } => {
            out.put(b"sharedType = \"SharedMemory\"");
            out.field(Field::SharedName, &string(name));
        }
    }
    let Descriptor { rows, cols, .. } = descriptor;
    out.field(Field::TotalRows, total(*rows).as_bytes());
    out.field(Field::TotalCols, total(*cols).as_bytes());
    out.vector(Field::RowOffset, offset(*rows));
    out.vector(Field::ColOffset, offset(*cols));
    out.field(Field::NRow, format_extent(rows.len).as_bytes());
    out.field(Field::NCol, format_extent(cols.len).as_bytes());
    out.names(Field::RowNames, descriptor.row_names());
    out.names(Field::ColNames, descriptor.col_names());
    out.field(Field::Type, &string(&descriptor.element_type.name().into()));
    out.field(Field::Separated, if descriptor.separated { b"TRUE" } else { b"FALSE" });
    out.put(b"))\n");
    out.bytes
}

/// Text under construction and the length of its last line.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    line: usize,
}

impl Lines {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.line += bytes.len();
    }

    fn break_if_long(&mut self) {
        if self.line > LINE_BYTES {
            self.bytes.push(b'\n');
            self.line = 0;
            self.put(INDENT);
        }
    }

    /// The start of a field other than the first.
    fn name(&mut self, field: Field) {
        self.put(b", ");
        self.break_if_long();
        self.put(field.name().as_bytes());
        self.put(b" = ");
    }

    fn field(&mut self, field: Field, value: &[u8]) {
        self.name(field);
        self.put(value);
    }

    /// A vector; of a single element the element alone.
    fn vector(&mut self, field: Field, elements: impl ExactSizeIterator<Item = Vec<u8>>) {
        self.name(field);
        let len = elements.len();
        if len > 1 {
            self.put(b"c(");
        }
        for (index, element) in elements.enumerate() {
            self.put(&element);
            if len > 1 {
                if index + 1 < len {
                    self.put(b", ");
                }
                self.break_if_long();
            }
        }
        if len > 1 {
            self.put(b")");
        }
    }

    fn names(&mut self, field: Field, names: Option<&[ByteString]>) {
        match names {
            None => self.field(field, b"NULL"),
            Some(names) => self.vector(field, names.iter().map(string)),
        }
    }
}

/// A stored extent: an integer where it was or fits one, else a double, so that R keeps its bits.
fn total(extent: Extent) -> String {
    match extent.total {
        Total::Integer(total) => format!("{total}L"),
        Total::Missing => "NA_integer_".to_owned(),
        Total::Exact(total) => format_extent(total),
    }
}

/// Offset and length of the window, as doubles.
fn offset(extent: Extent) -> impl ExactSizeIterator<Item = Vec<u8>> {
    [extent.offset, extent.len].into_iter().map(|number| format_extent(number).into_bytes())
}

/// A string in double quotes; only what R reads back is escaped, and never with `\u`.
fn string(string: &ByteString) -> Vec<u8> {
    let mut out = Vec::with_capacity(string.len() + 2);
    out.push(b'"');
    for chunk in string.as_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            match u8::try_from(letter) {
                Ok(byte) if letter.is_ascii() => escape(byte, &mut out),
                _ => wide(letter, &mut out),
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("writing to memory does not fail");
        }
    }
    out.push(b'"');
    out
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        0x07 => b'a',
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0b => b'v',
        0x0c => b'f',
        b'\r' => b'r',
        0..0x20 | 0x7f => return octal(byte, out),
        _ => return out.push(byte),
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// A character above ASCII: as it is, save for the nine that set the direction of text, which R's
/// parser refuses where it meets them in a string (R 4.2).
fn wide(letter: char, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    let bytes = letter.encode_utf8(&mut buffer).as_bytes();
    match letter {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            for &byte in bytes {
                octal(byte, out);
            }
        }
        _ => out.extend_from_slice(bytes),
    }
}

fn octal(byte: u8, out: &mut Vec<u8>) {
    write!(out, "\\{byte:03o}").expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::string;
    use crate::{Descriptor, ElementType};

    #[test]
    fn strings_are_escaped_so_that_r_reads_them() {
        let cases: [(&[u8], &str); 7] = [
            (b"it's \"`%$\\", r#""it's \"`%$\\""#),
            (b"\x07\x08\t\n\x0b\x0c\r", r#""\a\b\t\n\v\f\r""#),
            (b"\x01\x1b\x7f1", r#""\001\033\1771""#),
            ("é\u{85}\u{2028}日".as_bytes(), "\"é\u{85}\u{2028}日\""),
            ("é\u{202e}\u{2066}0".as_bytes(), r#""é\342\200\256\342\201\2460""#),
            (b"caf\xe90", r#""caf\xe90""#),
            (b"", "\"\""),
        ];
        for (bytes, text) in cases {
            assert_eq!(string(&bytes.into()), text.as_bytes(), "{text}");
        }
    }

    #[test]
    fn stored_extents_from_31_bits_on_are_doubles() {
        let text = |nrows| {
            let matrix = Descriptor::file_backed("x", "", ElementType::Char, nrows, 1);
            String::from_utf8(matrix.build().unwrap().to_text()).unwrap()
        };
        assert!(text(2_147_483_647).contains("totalRows = 2147483647L, "));
        assert!(text(2_147_483_648).contains("totalRows = 2147483648, "));
        assert!(text(10_000_000_000).contains("totalRows = 1e+10, "));
    }
}
