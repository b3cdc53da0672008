//! Reading rows: mapped or not, whole or in pieces, with every policy.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs::File;
use std::path::{Path, PathBuf};

use bigannoy_matrix::{
    AttachError, BigMatrix, Element, FileRows, MatrixSpec, NewMatrix, OnValue, ReadRows, RowError,
    RowSource, StorageError, ValueFault, ValuePolicy,
};
use proptest::prelude::*;

/// A new matrix with element `(row, col)` from `value`.
fn create<T: Element>(
    path: &Path,
    (nrows, ncols): (usize, usize),
    separated: bool,
    value: impl Fn(usize, usize) -> T,
) -> BigMatrix {
    let spec = MatrixSpec::new(T::TYPE, nrows, ncols).separated(separated);
    let mut new = NewMatrix::create(path, &spec).unwrap();
    let mut view = new.view_mut::<T>().unwrap();
    for col in 0..ncols {
        for (row, place) in view.column_mut(col).iter_mut().enumerate() {
            *place = value(row, col);
        }
    }
    new.finish().unwrap()
}

/// A number that tells where it belongs.
fn number(row: usize, col: usize) -> i32 {
    i32::try_from(row * 3 + col).unwrap()
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.desc");
    (directory, path)
}

const KEEP: fn() -> ValuePolicy =
    || ValuePolicy::default().missing(OnValue::Keep).not_finite(OnValue::Keep);

fn reads_alike<T: Element + Into<f64>>(
    shape: (usize, usize),
    separated: bool,
    window: (std::ops::Range<usize>, std::ops::Range<usize>),
    value: impl Fn(usize, usize) -> T,
) {
    let (_directory, path) = directory();
    let whole = create(&path, shape, separated, &value);
    let (rows, cols) = window;
    let [row_range, col_range] = [&rows, &cols].map(|range| range.start as u64..range.end as u64);
    let descriptor = whole.descriptor().window(row_range, col_range).unwrap();
    let mapped = BigMatrix::attach_descriptor(&descriptor).unwrap();
    let unmapped = FileRows::open_descriptor(&descriptor).unwrap();
    let mut expected = Vec::new();
    for row in rows.clone() {
        expected.extend(cols.clone().map(|col| value(row, col).to_f64()));
    }
    let mut out = [vec![0.5f64; expected.len()], vec![0.5f64; expected.len()]];
    mapped.read_rows(0..rows.len(), KEEP(), &mut out[0]).unwrap();
    unmapped.read_rows(0..rows.len(), KEEP(), &mut out[1]).unwrap();
    for out in &out {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(out), bits(&expected));
    }
    // The strict way agrees with itself, in value or in the place of the fault.
    let mut strict = [vec![0.5f32; expected.len()], vec![0.5f32; expected.len()]];
    mapped.will_need(0..rows.len() + 1);
    let found = [
        mapped.copy_rows(0..rows.len(), &mut strict[0]),
        unmapped.copy_rows(0..rows.len(), &mut strict[1]),
    ]
    .map(|result| {
        result.map_err(|error| {
            let RowError::Value { row, column, .. } = error else { panic!("{error}") };
            (row, column)
        })
    });
    assert_eq!(found[0], found[1]);
    let fault = (0..expected.len()).find(|at| {
        let (row, col) = (at / cols.len(), at % cols.len());
        value(rows.start + row, cols.start + col).fault().is_some()
    });
    assert_eq!(found[0], fault.map_or(Ok(()), |at| Err((at / cols.len(), at % cols.len()))));
    if fault.is_none() {
        assert_eq!(strict[0], strict[1]);
    }
}

fn noise(seed: u64, row: usize, col: usize) -> u64 {
    let mixed = (seed ^ (row as u64) << 20 ^ col as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "random bits of the width of the type")]
    fn a_window_is_read_the_same_with_and_without_a_map(
        nrows in 1usize..60, ncols in 1usize..20, separated in any::<bool>(), kind in 0..6,
        a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>(), seed in any::<u64>(),
    ) {
        let rows = a.index(nrows)..nrows;
        let cols = b.index(ncols)..ncols;
        let (shape, window) = ((nrows, ncols), (rows, cols));
        match kind {
            0 => reads_alike(shape, separated, window, |r, c| noise(seed, r, c) as i8),
            1 => reads_alike(shape, separated, window, |r, c| noise(seed, r, c) as i16),
            2 => reads_alike(shape, separated, window, |r, c| noise(seed, r, c) as u8),
            3 => reads_alike(shape, separated, window, |r, c| noise(seed, r, c) as i32),
            4 => reads_alike(shape, separated, window, |r, c| {
                f32::from_bits(noise(seed, r, c) as u32)
            }),
            _ => reads_alike(shape, separated, window, |r, c| f64::from_bits(noise(seed, r, c))),
        }
    }
}

#[test]
fn long_columns_are_read_in_pieces() {
    reads_alike((9000, 3), false, (11..8999, 1..3), |row, col| f64::from(number(row, col)));
    reads_alike((9000, 9), true, (0..9000, 0..9), number);
}

#[test]
fn a_file_cut_behind_us_is_an_error_and_not_the_end_of_the_process() {
    for separated in [false, true] {
        let (directory, path) = directory();
        drop(create(&path, (100, 2), separated, |row, _| number(row, 0) / 3));
        let rows = FileRows::open(&path).unwrap();
        let file = directory.path().join(if separated { "m.bin_column_1" } else { "m.bin" });
        let len = file.metadata().unwrap().len();
        File::options().write(true).open(&file).unwrap().set_len(len - 4).unwrap();
        let mut out = [0.0; 2];
        rows.copy_rows(98..99, &mut out).unwrap();
        assert_eq!(out, [98.0; 2]);
        let RowError::Data { matrix, source } = rows.copy_rows(99..100, &mut out).unwrap_err()
        else {
            panic!("the last row is cut")
        };
        assert_eq!(matrix, path.display().to_string());
        assert!(
            matches!(&source, StorageError::TooShort { expected, found, path }
                if (*expected, *found) == (len, len - 4) && *path == file),
            "{source}"
        );
        // Opened anew, it is refused at once.
        for error in [BigMatrix::attach(&path).unwrap_err(), FileRows::open(&path).unwrap_err()] {
            let AttachError::Data { source, .. } = error else { panic!("{error}") };
            assert!(matches!(source, StorageError::TooShort { .. }), "{source}");
        }
    }
}

// Elsewhere a file is known by its path, and another one under that path is taken for it.
#[cfg(unix)]
#[test]
fn a_column_file_that_was_replaced_is_not_read() {
    let (directory, path) = directory();
    // So many columns that their files are not kept open.
    drop(create(&path, (10, 200), true, |row, col| {
        f32::from(i16::try_from(number(row, col)).unwrap())
    }));
    let rows = FileRows::open(&path).unwrap();
    let mut out = [0.0; 200];
    rows.copy_rows(3..4, &mut out).unwrap();
    assert_eq!((out[0], out[199]), (9.0, 208.0));
    let file = directory.path().join("m.bin_column_150");
    assert!(rows.has_data_in(&file).unwrap() && !rows.has_data_in(&path).unwrap());
    std::fs::rename(&file, directory.path().join("old")).unwrap();
    std::fs::write(&file, [0; 40]).unwrap();
    let RowError::Data { source, .. } = rows.copy_rows(0..1, &mut out).unwrap_err() else {
        panic!("another file")
    };
    assert!(matches!(source, StorageError::Replaced { path } if path == file));

    // Files that are open are read on, whatever their names lead to by now.
    drop(create(&directory.path().join("few.desc"), (10, 2), true, number));
    let rows = FileRows::open(directory.path().join("few.desc")).unwrap();
    let file = directory.path().join("few.bin_column_1");
    assert!(rows.has_data_in(&file).unwrap() && !rows.has_data_in(&path).unwrap());
    std::fs::remove_file(&file).unwrap();
    rows.copy_rows(2..3, &mut out[..2]).unwrap();
    assert_eq!(out[..2], [6.0, 7.0]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_without_being_opened() {
    let (directory, path) = directory();
    drop(create(&path, (2, 2), false, |_, _| 1.0f64));
    let data = directory.path().join("m.bin");
    let refused = |expected: &str| {
        for error in [BigMatrix::attach(&path).unwrap_err(), FileRows::open(&path).unwrap_err()] {
            let AttachError::Data { matrix, source } = error else { panic!("{error}") };
            assert_eq!(matrix, path.display().to_string());
            let chain = format!("{source}: {:?}", std::error::Error::source(&source));
            assert!(chain.contains(expected), "{chain}");
        }
    };
    std::fs::remove_file(&data).unwrap();
    std::os::unix::fs::symlink(&data, &data).unwrap();
    refused("cannot open"); // a link to itself
    std::fs::remove_file(&data).unwrap();
    std::fs::create_dir(&data).unwrap();
    refused("is a directory, expected a regular file");
    std::fs::remove_dir(&data).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&data).status().unwrap().success());
    refused("is a pipe, expected a regular file");
}

#[test]
fn sizes_that_overflow_are_refused() {
    let (directory, path) = directory();
    drop(create(&path, (2, 2), false, |_, _| 1.0f64));
    let text = std::fs::read_to_string(&path).unwrap();
    for total in ["9007199254740992", "4503599627370496"] {
        let huge = text
            .replace("totalRows = 2L", &format!("totalRows = {total}"))
            .replace("totalCols = 2L", &format!("totalCols = {total}"));
        assert_ne!(huge, text);
        let path = directory.path().join("huge.desc");
        std::fs::write(&path, huge).unwrap();
        for error in [BigMatrix::attach(&path).unwrap_err(), FileRows::open(&path).unwrap_err()] {
            assert!(matches!(error, AttachError::TooLarge { .. }), "{error}");
        }
    }
}

#[test]
fn policies_decide_what_becomes_of_each_kind_of_value() {
    let (_directory, path) = directory();
    let values = [1.0, f64::MISSING, f64::NAN, f64::INFINITY, 1e300, -2.0];
    let matrix = create(&path, (3, 2), false, |row, col| values[row * 2 + col]);
    let read = |policy| {
        let mut out = [0.0f32; 6];
        matrix.read_rows(0..3, policy, &mut out).map(|()| out)
    };
    let zero = ValuePolicy::default().missing(OnValue::Replace(0.0));
    let RowError::Value { row, column, fault, .. } = read(zero).unwrap_err() else { panic!() };
    assert_eq!((row, column, fault), (1, 0, ValueFault::NaN));
    let both = zero.not_finite(OnValue::Replace(9.0));
    assert_eq!(read(both).unwrap(), [1.0, 0.0, 9.0, 9.0, 9.0, -2.0]);
    let kept = read(both.not_finite(OnValue::Keep)).unwrap();
    assert!(kept[2].is_nan() && kept[3] == f32::INFINITY && kept[4] == f32::INFINITY);
}
