//! Files of NumPy, and files that nobody wrote.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;

use bigannoy_npy::{Dtype, NpyError, NpyHeader};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(path).unwrap()
}

fn value(dtype: Dtype, bytes: &[u8]) -> f64 {
    match dtype {
        Dtype::Bool | Dtype::U8 => f64::from(bytes[0]),
        Dtype::I8 => f64::from(bytes[0].cast_signed()),
        Dtype::I16 => f64::from(i16::from_le_bytes(bytes.try_into().unwrap())),
        Dtype::I32 => f64::from(i32::from_le_bytes(bytes.try_into().unwrap())),
        #[expect(clippy::cast_precision_loss, reason = "the values are small")]
        Dtype::I64 => i64::from_le_bytes(bytes.try_into().unwrap()) as f64,
        Dtype::F32 => f64::from(f32::from_le_bytes(bytes.try_into().unwrap())),
        Dtype::F64 => f64::from_le_bytes(bytes.try_into().unwrap()),
    }
}

#[test]
fn files_of_numpy_are_read_and_written_as_numpy_does() {
    for (name, dtype) in [
        ("b1", Dtype::Bool),
        ("i1", Dtype::I8),
        ("u1", Dtype::U8),
        ("i2", Dtype::I16),
        ("i4", Dtype::I32),
        ("i8", Dtype::I64),
        ("f4", Dtype::F32),
        ("f8", Dtype::F64),
    ] {
        for (order, fortran) in [("c", false), ("f", true)] {
            let name = format!("{name}_{order}.npy");
            let file = fixture(&name);
            let header = NpyHeader::parse(&file).unwrap();
            assert_eq!(header, NpyHeader::new(dtype, 3, 2, fortran).unwrap(), "{name}");
            header.check_file_len(file.len() as u64).unwrap();
            assert_eq!(header.to_bytes(), file[..header.data_offset()], "{name}");

            let expected = [[1.0, -2.0], [0.0, 100.0], [-100.0, 7.0]];
            let cells = file[header.data_offset()..].chunks_exact(dtype.size_bytes());
            for (at, cell) in cells.enumerate() {
                let (row, col) = if fortran { (at % 3, at / 3) } else { (at / 2, at % 2) };
                let expected: f64 = match dtype {
                    Dtype::Bool => f64::from(u8::from(expected[row][col] != 0.0)),
                    Dtype::U8 => f64::abs(expected[row][col]),
                    _ => expected[row][col],
                };
                assert_eq!(value(dtype, cell), expected, "{name}, {row}, {col}");
            }
        }
    }
}

#[test]
fn every_version_is_read() {
    let first = fixture("version1.npy");
    for name in ["version1.npy", "version2.npy", "version3.npy"] {
        let file = fixture(name);
        let header = NpyHeader::parse(&file).unwrap();
        assert_eq!((header.rows(), header.cols()), (3, 2), "{name}");
        assert_eq!((header.dtype(), header.fortran_order()), (Dtype::F64, false));
        assert_eq!(file[header.data_offset()..], first[128..], "{name}");
        assert_eq!(header.file_len(), file.len() as u64);
    }
}

#[test]
fn a_vector_is_a_column_and_nothing_is_a_matrix() {
    let vector = NpyHeader::parse(&fixture("vector.npy")).unwrap();
    assert_eq!((vector.rows(), vector.cols()), (4, 1));
    let empty = NpyHeader::parse(&fixture("empty.npy")).unwrap();
    assert_eq!((empty.rows(), empty.cols()), (0, 3));
    empty.check_file_len(128).unwrap();
}

#[test]
fn what_is_no_matrix_of_plain_numbers_is_refused() {
    let fault = |name| NpyHeader::parse(&fixture(name)).unwrap_err();
    assert_eq!(fault("scalar.npy"), NpyError::Dimensions { found: 0 });
    assert_eq!(fault("cube.npy"), NpyError::Dimensions { found: 3 });
    assert_eq!(fault("big_endian.npy"), NpyError::Dtype { found: ">f8".to_owned() });
    for (name, found) in [("structure.npy", "[('a', '<f4')"), ("structure_utf8.npy", "[('ä☃'")] {
        let message = fault(name).to_string();
        assert!(message.starts_with(&format!("descr is {found}")), "{message}");
    }
}

#[test]
fn other_files_versions_and_lengths_are_refused() {
    assert_eq!(NpyHeader::parse(b"PK\x03\x04"), Err(NpyError::Magic));
    let mut file = fixture("f8_c.npy");
    assert_eq!(
        NpyHeader::parse(&file).unwrap().check_file_len(177),
        Err(NpyError::FileLength { expected: 176, found: 177 })
    );
    file[6] = 4;
    assert_eq!(NpyHeader::parse(&file), Err(NpyError::Version { major: 4, minor: 0 }));
    file[6] = 2;
    file[8..12].copy_from_slice(&[0, 0, 1, 0]);
    assert_eq!(NpyHeader::parse(&file), Err(NpyError::HeaderLength { found: 65_536 }));
}

fn dtypes() -> impl Strategy<Value = Dtype> {
    proptest::sample::select(Dtype::ALL.to_vec())
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        dtype in dtypes(),
        rows in 0usize..1 << 29,
        cols in 0usize..1 << 29,
        fortran: bool,
    ) {
        let header = NpyHeader::new(dtype, rows, cols, fortran).unwrap();
        let bytes = header.to_bytes();
        prop_assert_eq!(NpyHeader::parse(&bytes), Ok(header.clone()));
        prop_assert_eq!(NpyHeader::read_from(&bytes[..]).unwrap(), header);
    }

    #[test]
    fn a_cut_file_is_an_error(
        dtype in dtypes(),
        rows in 1usize..9,
        cols in 1usize..9,
        cut: prop::sample::Index,
    ) {
        let header = NpyHeader::new(dtype, rows, cols, false).unwrap();
        let mut file = header.to_bytes();
        file.resize(usize::try_from(header.file_len()).unwrap(), 0);
        file.truncate(cut.index(file.len()));
        let read = NpyHeader::parse(&file)
            .and_then(|header| header.check_file_len(file.len() as u64));
        prop_assert!(read.is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = NpyHeader::parse(&bytes);
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(u16::try_from(bytes.len()).unwrap().to_le_bytes());
        file.extend(&bytes);
        let _ = NpyHeader::parse(&file);
    }

    #[test]
    fn nearly_a_header_never_panics(
        at in 0usize..118,
        with in "[ -~]{1,3}|'|\\(|\\)|,|9{30}|\\\\|\u{e9}",
    ) {
        let mut file = fixture("i4_c.npy");
        file.splice(10 + at..(10 + at + with.len()).min(128), with.bytes());
        if let Ok(header) = NpyHeader::parse(&file) {
            prop_assert!(header.data_offset() <= file.len());
        }
    }
}
