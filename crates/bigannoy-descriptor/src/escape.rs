//! The backslash escapes of R's strings.

/// What was expected instead of an escape that R does not know, and how many bytes to show.
pub(crate) type Fault = (&'static str, usize);

/// Reads the escape at the start of `text` (a backslash) and appends what it stands for.
///
/// Octal and hexadecimal escapes stand for bytes, `\u` and `\U` for code points, which are
/// appended in UTF-8. Returns the number of bytes read.
pub(crate) fn read(text: &[u8], content: &mut Vec<u8>) -> Result<usize, Fault> {
    let Some(&letter) = text.get(1) else {
        return Err(("an escape", 1));
    };
    let byte = match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        b'\\' | b'"' | b'\'' | b'`' | b' ' => letter,
        b'0'..=b'7' => return number(text, 1, 3, 8, content),
        b'x' => return number(text, 2, 2, 16, content),
        b'u' => return code_point(text, 4, content),
        b'U' => return code_point(text, 8, content),
        _ => return Err(("an escape that R knows", 2)),
    };
    content.push(byte);
    Ok(2)
}

/// The value of the digits from `start`, at most `most` of them, and their number.
fn digits(text: &[u8], start: usize, most: usize, radix: u32) -> (u32, usize) {
    let digits = text[start..].iter().take(most).map_while(|&b| char::from(b).to_digit(radix));
    digits.fold((0, 0), |(value, count), digit| (value * radix + digit, count + 1))
}

fn number(
    text: &[u8],
    start: usize,
    most: usize,
    radix: u32,
    content: &mut Vec<u8>,
) -> Result<usize, Fault> {
    let (value, count) = digits(text, start, most, radix);
    let end = start + count;
    match u8::try_from(value) {
        _ if count == 0 => Err(("hexadecimal digits", end)),
        Ok(0) => Err(("an escape other than NUL", end)),
        Ok(byte) => {
            content.push(byte);
            Ok(end)
        }
        Err(_) => Err(("an octal escape up to \\377", end)),
    }
}

/// `\u` or `\U`, or two of them that are a surrogate pair.
fn code_point(text: &[u8], most: usize, content: &mut Vec<u8>) -> Result<usize, Fault> {
    let (mut value, mut end) = code(text, most)?;
    if (0xd800..0xdc00).contains(&value) && text[end..].starts_with(b"\\u") {
        let (low, low_end) = code(&text[end..], 4).map_err(|(what, len)| (what, end + len))?;
        if (0xdc00..0xe000).contains(&low) {
            value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            end += low_end;
        }
    }
    match char::from_u32(value) {
        None => Err(("a Unicode code point", end)),
        Some('\0') => Err(("an escape other than NUL", end)),
        Some(letter) => {
            content.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            Ok(end)
        }
    }
}

/// The number in a `\u` or `\U`, with or without braces, and where it ends.
fn code(text: &[u8], most: usize) -> Result<(u32, usize), Fault> {
    let braced = text.get(2) == Some(&b'{');
    let start = if braced { 3 } else { 2 };
    let (value, count) = digits(text, start, most, 16);
    let end = start + count;
    match (count, braced) {
        (0, _) => Err(("hexadecimal digits", end)),
        (_, false) => Ok((value, end)),
        _ if text.get(end) == Some(&b'}') => Ok((value, end + 1)),
        _ => Err(("a closing brace after the hexadecimal digits", end)),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn every_escape_of_r() {
        let cases: [(&str, &[u8], usize); 25] = [
            (r"\a", b"\x07", 2),
            (r"\b", b"\x08", 2),
            (r"\t", b"\t", 2),
            (r"\n", b"\n", 2),
            (r"\v", b"\x0b", 2),
            (r"\f", b"\x0c", 2),
            (r"\r", b"\r", 2),
            (r"\\", b"\\", 2),
            (r#"\""#, b"\"", 2),
            (r"\'", b"'", 2),
            (r"\`", b"`", 2),
            (r"\ ", b" ", 2),
            (r"\7", b"\x07", 2),
            (r"\0011", b"\x01", 4),
            (r"\377", b"\xff", 4),
            (r"\18", b"\x01", 2),
            (r"\xe90", b"\xe9", 4),
            (r"\x9g", b"\x09", 3),
            (r"\u00e9", "é".as_bytes(), 6),
            (r"\ue9g", "é".as_bytes(), 4),
            (r"\u{65e5}", "日".as_bytes(), 8),
            (r"\u00e900", "é".as_bytes(), 6),
            (r"\U0001F600", "😀".as_bytes(), 10),
            (r"\U{1f600}x", "😀".as_bytes(), 9),
            (r"\ud83d\ude00", "😀".as_bytes(), 12),
        ];
        for (text, bytes, len) in cases {
            let mut content = Vec::new();
            assert_eq!(read(text.as_bytes(), &mut content), Ok(len), "{text}");
            assert_eq!(content, bytes, "{text}");
        }
    }

    #[test]
    fn what_r_refuses() {
        let texts = [
            "\\",
            r"\q",
            r"\8",
            r"\0",
            r"\000",
            r"\x",
            r"\xg",
            r"\x00",
            r"\400",
            r"\u",
            r"\u{}",
            r"\u{65e5",
            r"\u{12345}",
            r"\ud800",
            r"\ud83d\u0041",
            r"\ud83d\u",
            r"\ude00",
            r"\U110000",
            r"\Uffffffff",
            r"\u0000",
        ];
        for text in texts {
            let mut content = Vec::new();
            let (_, shown) = read(text.as_bytes(), &mut content).unwrap_err();
            assert!(shown <= text.len() && content.is_empty(), "{text}");
        }
    }
}
