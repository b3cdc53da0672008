//! Descriptors, as text and in every container of RDS.

use std::borrow::Cow;
use std::io::Write;

use bigannoy_descriptor::{
    Container, Descriptor, FREE_EXPANDED_BYTES, MAX_EXTENT, ParseError, Position,
};
use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};

/// Reads bytes as the text of a descriptor; those that a container starts with are left alone.
///
/// # Panics
/// If a text that is accepted does not survive being written and read, or claims something that
/// cannot be; or if what is refused is refused without place or reason.
pub fn descriptor_text(text: &[u8]) {
    if Container::detect(text).is_none() {
        let _ = check(text);
    }
}

/// Reads bytes as an RDS. The first byte tells how they come into a container:
///
/// * 0, 1, 2: the bytes behind it are put into gzip, bzip2 or xz;
/// * any other: the bytes are the container as they stand, the first included.
///
/// # Panics
/// As [`descriptor_text`]; and if a container changes what is read of its content.
pub fn descriptor_rds(input: &[u8]) {
    let (bytes, content) = match input {
        [0, content @ ..] => (Cow::Owned(gzip(content)), Some(content)),
        [1, content @ ..] => (Cow::Owned(bzip2(content)), Some(content)),
        [2, content @ ..] => (Cow::Owned(xz(content)), Some(content)),
        _ => (Cow::Borrowed(input), None),
    };
    if Container::detect(&bytes).is_none() {
        return;
    }
    let found = check(&bytes);
    let Some(content) = content else { return };
    match Container::detect(content) {
        // Beyond this it may be refused for what it shrinks to.
        _ if content.len() as u64 > FREE_EXPANDED_BYTES => {}
        Some(Container::Xdr | Container::Native | Container::Ascii) => {
            // Numbers that are none, which errors may hold, are equal in print only.
            assert_eq!(format!("{found:?}"), format!("{:?}", Descriptor::parse(content)));
        }
        _ => assert!(found.is_err(), "{found:?} from {content:?}"),
    }
}

/// Reads bytes; whatever becomes of them has to keep what is promised.
fn check(bytes: &[u8]) -> Result<Descriptor, ParseError> {
    let found = Descriptor::parse(bytes);
    match &found {
        Ok(descriptor) => check_accepted(descriptor, bytes),
        Err(error) => check_refused(error, bytes),
    }
    found
}

fn check_accepted(descriptor: &Descriptor, bytes: &[u8]) {
    let text = descriptor.to_text();
    let again = Descriptor::parse(&text);
    assert_eq!(again.as_ref(), Ok(descriptor), "{}", String::from_utf8_lossy(&text));
    assert_eq!(Descriptor::parse(&descriptor.to_rds()).as_ref(), Ok(descriptor));

    for extent in [descriptor.nrows(), descriptor.ncols()] {
        assert!((1..=MAX_EXTENT).contains(&extent), "{extent}");
    }
    let holds_window = |(rows, cols): (u64, u64)| {
        assert!(descriptor.row_offset() + descriptor.nrows() <= rows);
        assert!(descriptor.col_offset() + descriptor.ncols() <= cols);
        assert!(rows <= MAX_EXTENT && cols <= MAX_EXTENT, "{rows} x {cols}");
    };
    let written = descriptor.stored_shape();
    written.iter().copied().for_each(holds_window);
    let (rows, cols) = written.unwrap_or(descriptor.shape());
    let needed = descriptor.data_bytes(rows, cols).unwrap_or(u64::MAX);
    // The end of the input serves as a length that has nothing to do with what it says.
    let any = bytes.last_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes));
    let lost_bits = needed.wrapping_add(1 << 32);
    for length in [0, 1, needed, needed.saturating_add(1), lost_bits, any, any >> 20, u64::MAX] {
        match descriptor.stored_shape_for(length) {
            Ok(shape) => {
                holds_window(shape);
                if written != Ok(shape) {
                    check_pinned(descriptor, shape);
                }
            }
            // A length may bring back what is lost, and takes nothing away.
            Err(_) => assert!(written.is_err()),
        }
    }
    for (names, extent) in
        [(descriptor.row_names(), descriptor.nrows()), (descriptor.col_names(), descriptor.ncols())]
    {
        assert!(names.is_none_or(|names| names.len() as u64 == extent));
    }
}

/// What was found of a stored shape is what R should have written.
fn check_pinned(descriptor: &Descriptor, (rows, cols): (u64, u64)) {
    let pinned = descriptor.clone().with_stored_shape(rows, cols);
    let pinned = pinned.expect("the window lies within it, and a file has this length");
    assert_eq!(pinned.stored_shape(), Ok((rows, cols)));
    assert_eq!(Descriptor::parse(&pinned.to_text()), Ok(pinned));
}

fn check_refused(error: &ParseError, bytes: &[u8]) {
    let message = error.to_string();
    assert!(message.len() < 500, "{message}");
    let Some(position) = error.position() else { return };
    assert!(message.starts_with(&format!("{position}: ")), "{message}");
    if let Position::Text { line, column } = position {
        let range = 1..=bytes.len() + 1;
        assert!(
            range.contains(&(line as usize)) && range.contains(&(column as usize)),
            "{message}"
        );
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

fn xz(content: &[u8]) -> Vec<u8> {
    let mut options = XzOptions::with_preset(0);
    // As much as the inputs are long, so that an input takes no more time than it is worth.
    options.lzma_options.dict_size = 1 << 16;
    let encoder = XzWriter::new(Vec::new(), options);
    let mut encoder = encoder.expect("writing to memory does not fail");
    encoder.write_all(content).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}
