//! Binary descriptors: written and read again, cut, changed and made to harm.

mod common;
mod strategies;

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use bigannoy_descriptor::{
    Container, Descriptor, ElementType, FREE_EXPANDED_BYTES, MAX_DEPTH, MAX_VALUES, ParseError,
    Position,
};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use strategies::descriptors;

/// What gzip holds.
fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut content).expect("gzip");
    content
}

fn gzip(content: impl Read) -> Vec<u8> {
    let mut content = content;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    io::copy(&mut content, &mut encoder).expect("in memory");
    encoder.finish().expect("in memory")
}

/// Whether this build reads what starts so.
fn is_read(bytes: &[u8]) -> bool {
    let container = Container::detect(bytes);
    (cfg!(feature = "bzip2") || container != Some(Container::Bzip2))
        && (cfg!(feature = "xz") || container != Some(Container::Xz))
}

/// The binary descriptors that R made, in every container, and those of gzip expanded.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for name in ["gz_v3", "gz_v2", "plain_v3", "plain_v2", "bz2", "xz", "ascii", "native", "altrep"]
    {
        let bytes = common::bytes(&format!("rds/{name}.desc"));
        if Container::detect(&bytes) == Some(Container::Gzip) {
            samples.push(gunzip(&bytes));
        }
        if is_read(&bytes) {
            samples.push(bytes);
        }
    }
    samples
}

/// Reads bytes, and where they are a descriptor looks at all of it.
fn exercise(bytes: &[u8]) {
    match Descriptor::parse(bytes) {
        Ok(found) => {
            assert_eq!(Descriptor::parse(&found.to_text()).as_ref(), Ok(&found));
            assert_eq!(Descriptor::parse(&found.to_rds()).as_ref(), Ok(&found));
        }
        Err(error) => {
            if let Some(position) = error.position() {
                let start = format!("{position}: ");
                assert!(error.to_string().starts_with(&start), "{error}");
            }
            assert!(error.to_string().len() < 500, "{error}");
        }
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A stream of version 2 in XDR.
fn stream(content: &[u8]) -> Vec<u8> {
    [b"X\n", &*words(&[2, 0x0002_0300, 0x0002_0300]), content].concat()
}

/// The start of an S4 object up to the value of a slot.
fn slot(name: &[u8]) -> Vec<u8> {
    let len = u32::try_from(name.len()).expect("short");
    [&*words(&[0x0001_0319, 0x402, 1, 0x0004_0009, len]), name].concat()
}

#[test]
fn streams_are_those_of_r_but_for_its_version() {
    let mut compared = 0;
    for group in ["types", "sub"] {
        for file in std::fs::read_dir(common::path(group)).expect("a folder") {
            let file = file.expect("an entry").path();
            if !file.to_string_lossy().ends_with("_rds.desc") {
                continue;
            }
            let bytes = std::fs::read(&file).expect("a file");
            let mut theirs = gunzip(&bytes);
            let ours = Descriptor::parse(&bytes).expect("R wrote it").to_rds();
            assert_eq!(ours[4..8], [0; 4], "no time stamp");
            let ours = gunzip(&ours);
            theirs[6..10].copy_from_slice(&ours[6..10]);
            assert_eq!(ours, theirs, "{}", file.display());
            compared += 1;
        }
    }
    assert_eq!(compared, 24);
}

#[test]
fn a_stream_cut_short_is_refused() {
    for sample in samples() {
        assert!(Descriptor::parse(&sample).is_ok());
        for cut in 0..sample.len() {
            assert!(Descriptor::parse(&sample[..cut]).is_err(), "{cut} of {}", sample.len());
        }
    }
}

#[test]
fn a_stream_with_bytes_behind_it_is_refused() {
    for mut sample in samples() {
        sample.extend(b"\0\n");
        assert!(Descriptor::parse(&sample).is_err());
    }
}

#[test]
fn a_stream_with_one_byte_changed_is_read_or_refused() {
    for sample in samples() {
        for at in 0..sample.len() {
            for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut changed = sample.clone();
                changed[at] ^= mask;
                let start = Instant::now();
                exercise(&changed);
                assert!(start.elapsed() < Duration::from_secs(5), "{at} {mask}");
            }
        }
    }
}

#[test]
fn zeros_that_were_compressed_are_refused_at_once() {
    let start = Instant::now();
    let bytes = gzip(io::repeat(0).take(1 << 28));
    let compressed = start.elapsed();
    assert!(bytes.len() < 1 << 19);
    let start = Instant::now();
    let error = Descriptor::parse(&bytes).unwrap_err();
    assert!(matches!(error, ParseError::TooLarge { .. }), "{error}");
    assert!(start.elapsed() < compressed + Duration::from_secs(5));
}

#[test]
#[cfg(feature = "bzip2")]
fn bzip2_expands_no_further() {
    let mut encoder = bzip2::read::BzEncoder::new(
        io::repeat(0).take(FREE_EXPANDED_BYTES + 1),
        bzip2::Compression::best(),
    );
    let mut bytes = Vec::new();
    encoder.read_to_end(&mut bytes).unwrap();
    assert!(bytes.len() < 1000);
    let error = Descriptor::parse(&bytes).unwrap_err();
    let limit = FREE_EXPANDED_BYTES;
    assert_eq!(
        error,
        ParseError::TooLarge { at: Position::Byte(limit), container: Container::Bzip2, limit }
    );
}

#[test]
fn names_without_end_from_little_data_are_refused() {
    let count = u32::try_from(FREE_EXPANDED_BYTES / 8).unwrap();
    let mut content = slot(b"description");
    content.extend(words(&[16, count]));
    content.extend(words(&[0x0004_0009, 0]).repeat(count as usize));
    let error = Descriptor::parse(&gzip(&*stream(&content))).unwrap_err();
    assert!(matches!(error, ParseError::TooLarge { .. }), "{error}");
    // Uncompressed they are as good as any, and refused for other reasons.
    let error = Descriptor::parse(&stream(&content)).unwrap_err();
    assert!(matches!(error, ParseError::Syntax { .. }), "{error}");
}

#[test]
fn what_is_written_can_be_read_however_well_it_compresses() {
    let rows = 3 << 20;
    let matrix = Descriptor::file_backed("x", "", ElementType::Char, rows, 1);
    let names = vec![""; usize::try_from(rows).unwrap()];
    let matrix = matrix.row_names(names).build().unwrap();
    let bytes = matrix.to_rds();
    assert!(bytes.len() as u64 > 8 * rows);
    assert_eq!(Descriptor::parse(&bytes), Ok(matrix));
}

#[test]
fn nesting_without_end_is_refused() {
    let levels = 1_000_000;
    let list = words(&[19, 1]).repeat(levels);
    let pairs = words(&[2]).repeat(levels);
    let attributes = words(&[0x213, 0]).repeat(levels);
    let text_attributes =
        [words(&[16, 1]), words(&[0x0004_0209, 0, 16, 1]).repeat(levels)].concat();
    let compact = words(&[238]).repeat(levels);
    let object = words(&[0x0001_0319]).repeat(levels);
    for content in [list, pairs, attributes, text_attributes, compact, object] {
        for content in [stream(&content), stream(&[slot(b"description"), content].concat())] {
            let error = Descriptor::parse(&content).unwrap_err();
            let limit = MAX_DEPTH;
            assert!(matches!(error, ParseError::TooDeep { limit: l, .. } if l == limit), "{error}");
        }
    }
}

#[test]
fn a_pairlist_without_end_is_refused() {
    let content = words(&[2, 254]).repeat(MAX_VALUES + 1);
    let error = Descriptor::parse(&stream(&content)).unwrap_err();
    assert!(matches!(error, ParseError::TooManyValues { .. }), "{error}");
}

#[test]
fn names_given_again_and_again_take_no_time() {
    let count = 300_000;
    let list = words(&[0x213, count]);
    let values = words(&[254]).repeat(count as usize);
    let names = words(&[0x402, 1, 0x0004_0009, 5]);
    let again = words(&[254, 0x402, 0x2ff]).repeat(count as usize);
    let content = [slot(b"description"), list, values, names, b"names".to_vec(), again].concat();
    let content = [content, words(&[254, 254])].concat();
    let error = Descriptor::parse(&stream(&content)).unwrap_err();
    assert!(error.to_string().contains("expected names once"), "{error}");
}

#[test]
fn numbers_in_vectors_are_bounded() {
    for (kind, bytes) in [(10, 4), (13, 4), (14, 8)] {
        let vector = |count: usize| {
            let numbers = vec![0; count * bytes];
            let count = u32::try_from(count).unwrap();
            stream(&[slot(b"description"), words(&[kind, count]), numbers].concat())
        };
        let error = Descriptor::parse(&vector(MAX_VALUES + 1)).unwrap_err();
        assert!(matches!(error, ParseError::TooManyValues { .. }), "{error}");
        // The slot and its name count, too.
        let error = Descriptor::parse(&vector(MAX_VALUES - 2)).unwrap_err();
        assert!(matches!(error, ParseError::Syntax { .. }), "{error}");
    }
}

/// A number to be spelled with 309 digits takes eight bytes: forty times less than its spelling.
#[test]
fn spelled_numbers_are_bounded() {
    let symbol = |name: &str| {
        let len = u32::try_from(name.len()).expect("short");
        [&*words(&[1, 0x0004_0009, len]), name.as_bytes()].concat()
    };
    let spelled = |count: usize| {
        let class = [words(&[238, 2]), symbol("deferred_string"), words(&[2]), symbol("base")];
        let end_of_class = words(&[2, 13, 1, 0, 254]);
        let numbers = words(&[2, 14, u32::try_from(count).unwrap()]);
        let numbers = [numbers, 1e308_f64.to_be_bytes().repeat(count)].concat();
        let digits = words(&[13, 1, 999]);
        let parts = [slot(b"description"), class.concat(), end_of_class, numbers, digits];
        stream(&[parts.concat(), words(&[254, 254])].concat())
    };
    let error = Descriptor::parse(&spelled(MAX_VALUES / 10)).unwrap_err();
    assert!(matches!(error, ParseError::TooManyValues { .. }), "{error}");
    // As few as this are spelled, and miss nothing but what a descriptor needs besides.
    let error = Descriptor::parse(&spelled(MAX_VALUES / 16)).unwrap_err();
    assert!(error.to_string().contains("expected a class"), "{error}");
}

#[test]
fn lengths_beyond_the_data_are_refused() {
    for kind in [10, 13, 14, 16, 19] {
        for len in [&[1_u32][..], &[0x7fff_ffff], &[0xffff_fffe], &[0xffff_ffff, 1, 1 << 31]] {
            let content = [slot(b"description"), words(&[kind]), words(len)].concat();
            let at = Position::Byte(stream(&slot(b"description")).len() as u64 + 4);
            let error = Descriptor::parse(&stream(&content)).unwrap_err();
            assert!(matches!(error, ParseError::Syntax { .. }), "{error}");
            assert_eq!(error.position(), Some(at), "{error}");
        }
    }
    for len in [1_u32, 0x7fff_ffff, 0xffff_fffe] {
        let error = Descriptor::parse(&stream(&words(&[1, 9, len]))).unwrap_err();
        assert!(error.to_string().contains("the length of a string"), "{error}");
    }
}

/// Words and strings of the format.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let kinds = [1, 2, 9, 10, 13, 14, 16, 19, 24, 25, 238, 254, 255];
    let flags = [0, 0x100, 0x200, 0x300, 0x400, 0x600, 0x0004_0000, 0x0001_0300];
    let flags = (select(kinds.to_vec()), select(flags.to_vec()));
    let symbol = |name: &str| {
        let len = u32::try_from(name.len()).expect("short");
        [&*words(&[1, 0x0004_0009, len]), name.as_bytes()].concat()
    };
    let names = ["description", "class", "names", "levels", "base", "compact_intseq", "wrap_list"];
    let piece = prop_oneof![
        4 => flags.prop_map(|(kind, flags): (u32, u32)| words(&[kind | flags])),
        2 => (0..4_u32).prop_map(|len| words(&[len])),
        1 => any::<u32>().prop_map(|word| words(&[word])),
        1 => select(names.map(symbol).to_vec()),
        1 => any::<f64>().prop_map(|real| real.to_be_bytes().to_vec()),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_descriptor_reads_as_itself(descriptor in descriptors()) {
        let bytes = descriptor.to_rds();
        let from_text = Descriptor::parse(&descriptor.to_text()).map(|found| found.to_rds());
        prop_assert_eq!(from_text.as_ref(), Ok(&bytes));
        let uncompressed = Descriptor::parse(&gunzip(&bytes));
        prop_assert_eq!(uncompressed.as_ref(), Ok(&descriptor));
        prop_assert_eq!(Descriptor::parse(&bytes), Ok(descriptor));
    }

    #[test]
    fn any_bytes_behind_any_start_are_read_or_refused(
        start in select(vec![
            &b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..],
            b"\x1f\x8b",
            b"BZh9",
            b"BZh91AY&SY",
            b"\xfd7zXZ\0",
            b"\xfd7zXZ\0\0\x01\x69\x22\xde\x36",
            b"X\n",
            b"X\n\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0",
            b"B\n\x02\0\0\0\0\0\0\0\0\0\0\0",
            b"A\n2\n0\n0\n",
        ]),
        bytes in vec(any::<u8>(), 0..300),
        words in "[ \n0-9NaxL.e\\-]{0,200}",
    ) {
        exercise(&[start, &bytes].concat());
        exercise(&[start, words.as_bytes()].concat());
    }

    #[test]
    fn any_pieces_of_the_format_are_read_or_refused(pieces in pieces()) {
        exercise(&stream(&pieces));
        exercise(&stream(&[&*slot(b"description"), &pieces].concat()));
    }

    #[test]
    fn a_changed_stream_is_read_or_refused(
        descriptor in descriptors(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = gunzip(&descriptor.to_rds());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        exercise(&bytes);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes).unwrap();
        exercise(&encoder.finish().unwrap());
    }
}
