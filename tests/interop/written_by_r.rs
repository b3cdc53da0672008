//! Matrices that R wrote, cell by cell.

use std::fs;
use std::path::Path;

use bigannoy::matrix::{BigMatrix, Element, ValueFault};
use bigannoy::{ElementType, RowSource};
use bigannoy_tests::run_r;

/// The cells of `name`, column-major, as R dumped them.
pub(crate) fn doubles(path: &Path) -> Vec<f64> {
    let bytes = fs::read(path).unwrap();
    bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// The stored value as R shows it, and whether it is missing, not a number or infinite.
fn cells<T: Element + Into<f64>>(matrix: &BigMatrix) -> Vec<(f64, Option<ValueFault>)> {
    let view = matrix.view::<T>().unwrap();
    let columns = (0..view.ncols()).flat_map(|col| view.column(col).to_vec());
    columns.map(|value| (value.into(), value.fault())).collect()
}

pub(crate) fn all_cells(matrix: &BigMatrix) -> Vec<(f64, Option<ValueFault>)> {
    match matrix.element_type() {
        ElementType::Char => cells::<i8>(matrix),
        ElementType::Short => cells::<i16>(matrix),
        ElementType::Raw => cells::<u8>(matrix),
        ElementType::Integer => cells::<i32>(matrix),
        ElementType::Float => cells::<f32>(matrix),
        ElementType::Double => cells::<f64>(matrix),
    }
}

/// Whether a cell of ours is what R showed: the same number, missing where R says `NA`, and NaN
/// where R says `NaN`.
pub(crate) fn same(ours: (f64, Option<ValueFault>), r: f64) -> bool {
    const LOWER_HALF_OF_NA: u64 = 1954;
    match ours {
        (_, Some(ValueFault::Missing)) => {
            r.is_nan() && r.to_bits() & 0xffff_ffff == LOWER_HALF_OF_NA
        }
        (_, Some(ValueFault::NaN)) => r.is_nan() && r.to_bits() & 0xffff_ffff != LOWER_HALF_OF_NA,
        (value, _) => value.to_bits() == r.to_bits(),
    }
}

fn names(given: Option<&[bigannoy::matrix::ByteString]>) -> String {
    given.map_or("-".to_owned(), |names| {
        names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(",")
    })
}

pub(crate) fn every_cell_is_what_r_wrote(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let told =
        run_r("interop_write.R", &[dir.path().as_os_str(), seed.to_string().as_ref()]).unwrap();
    let (mut matrices, mut missing_seen, mut rows_compared) = (0, 0, 0);
    for line in told.lines() {
        let [name, element_type, separated, nrows, ncols, row_names, col_names, missing] =
            *line.split('\t').collect::<Vec<_>>()
        else {
            panic!("a line of another form: {line}")
        };
        let file = |end: &str| dir.path().join(format!("{name}.{end}"));
        let matrix = BigMatrix::attach(file("desc")).unwrap();
        assert_eq!(matrix.element_type().name(), element_type, "{name}");
        assert_eq!(matrix.is_separated(), separated == "TRUE", "{name}");
        assert_eq!(matrix.nrows().to_string(), nrows, "{name}");
        assert_eq!(matrix.ncols().to_string(), ncols, "{name}");
        assert_eq!(names(matrix.row_names()), row_names, "{name}");
        assert_eq!(names(matrix.col_names()), col_names, "{name}");

        let (ours, theirs) = (all_cells(&matrix), doubles(&file("f64")));
        assert_eq!(ours.len(), theirs.len(), "{name}");
        assert_eq!(ours.len(), matrix.nrows() * matrix.ncols(), "{name}");
        let different = ours.iter().zip(&theirs).position(|(ours, r)| !same(*ours, *r));
        if let Some(at) = different {
            panic!("{name}, cell {at}: {:?}, in R {:x}", ours[at], theirs[at].to_bits());
        }
        let unusable = ours.iter().filter(|(_, fault)| fault.is_some()).count();
        let infinite = theirs.iter().filter(|value| value.is_infinite()).count();
        assert_eq!((unusable - infinite).to_string(), missing, "{name}");
        missing_seen += unusable;

        let mut rows = vec![0.0; ours.len()];
        let read = matrix.copy_rows(0..matrix.nrows(), &mut rows);
        assert_eq!(read.is_ok(), unusable == 0, "{name}");
        if read.is_ok() {
            assert_eq!(rows, floats(&file("f32")), "{name}");
            rows_compared += matrix.nrows();
        }
        matrices += 1;
    }
    // Six types, in one file and in many, without and with holes (not raw), whole and a window.
    assert_eq!(matrices, 6 * 2 * 2 + 5 * 2 * 2);
    // Seven holes in each of the ten whole matrices that have any.
    assert!(missing_seen >= 70, "{missing_seen}");
    assert!(rows_compared >= 12 * 20, "{rows_compared}");
}
