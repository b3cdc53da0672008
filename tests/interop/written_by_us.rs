//! Matrices that we create, as R reads and changes them.

use std::fs;
use std::path::Path;

use bigannoy::matrix::{Element, MatrixSpec, NewMatrix, ValueFault};
use bigannoy::{BigMatrix, Descriptor, ElementType};
use bigannoy_tests::run_r;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::written_by_r::{all_cells, doubles, same};

/// The end of the names of matrices in separated columns.
const SEPARATED: &str = "_separated";

/// A generator of numbers for a seed.
fn generator(seed: i32) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

fn bits(rng: &mut TestRng) -> u64 {
    rng.next_u64()
}

/// R's missing value of type double.
fn na() -> f64 {
    f64::from_bits(0x7ff0_0000_0000_07a2)
}

/// Creates a matrix of type `T` in both layouts.
fn create<T: Element + Into<f64>>(
    dir: &Path,
    rng: &mut TestRng,
    edges: &[T],
    value: impl Fn(u64) -> T,
) -> [String; 2] {
    [false, true].map(|separated| {
        // R shows the missing `float` of separated columns as the number that stands for it.
        let hidden = usize::from(separated && T::TYPE == ElementType::Float);
        create_as(separated, dir, rng, &edges[hidden..], &value)
    })
}

/// Creates `<name>.desc` in `dir` and what R has to find in it, `<name>.f64`. Returns the name.
fn create_as<T: Element + Into<f64>>(
    separated: bool,
    dir: &Path,
    rng: &mut TestRng,
    edges: &[T],
    value: impl Fn(u64) -> T,
) -> String {
    let [nrows, ncols] = [10, 3].map(|least| least + (bits(rng) % 20) as usize);
    let name = format!("{}{}", T::TYPE, if separated { SEPARATED } else { "" });
    let mut spec = MatrixSpec::new(T::TYPE, nrows, ncols).separated(separated);
    if bits(rng).is_multiple_of(2) {
        spec = spec.row_names((0..nrows).map(|row| format!("row {row} \"é\\")));
    }
    spec = spec.col_names((0..ncols).map(|col| format!("c{col}")));
    let mut new = NewMatrix::create(dir.join(&name).with_extension("desc"), &spec).unwrap();
    let mut view = new.view_mut::<T>().unwrap();
    let mut expected = Vec::new();
    for col in 0..ncols {
        let column: Vec<T> = (0..nrows)
            .map(|row| match edges.get(col * nrows + row) {
                Some(edge) => *edge,
                None => value(bits(rng)),
            })
            .collect();
        view.column_mut(col).copy_from_slice(&column);
        for value in column {
            let number =
                if value.fault() == Some(ValueFault::Missing) { na() } else { value.into() };
            expected.extend(number.to_le_bytes());
        }
    }
    new.finish().unwrap();
    fs::write(dir.join(&name).with_extension("f64"), expected).unwrap();
    name
}

#[expect(clippy::cast_possible_truncation, reason = "random bits of the width of the type")]
fn create_all(dir: &Path, rng: &mut TestRng) -> Vec<String> {
    let edges_f32 = [f32::MISSING, 0.0, -0.0, f32::MAX, f32::NAN, 1.0e-40];
    let edges_f64 = [na(), 0.0, -0.0, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324];
    let made = [
        create::<i8>(dir, rng, &[i8::MISSING, i8::MAX, -127, 0], |bits| bits as i8),
        create::<i16>(dir, rng, &[i16::MISSING, i16::MAX, -32767, 0], |bits| bits as i16),
        create::<i32>(dir, rng, &[i32::MISSING, i32::MAX, -i32::MAX, 0], |bits| bits as i32),
        create::<u8>(dir, rng, &[0, 128, 255], |bits| bits as u8),
        create::<f32>(dir, rng, &edges_f32, |bits| {
            f32::from(bits as i16) / 1024.0 * f32::from((bits >> 16) as i16)
        }),
        create::<f64>(dir, rng, &edges_f64, |bits| {
            f64::from(bits as i32) / 1e9 * f64::from((bits >> 32) as i32)
        }),
    ];
    made.concat()
}

pub(crate) fn r_reads_and_writes_every_type(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let names = create_all(dir, &mut generator(seed));
    let file = |name: &str, end: &str| dir.join(format!("{name}.{end}"));
    // Attached before R writes: what R writes has to show through.
    let attached: Vec<BigMatrix> =
        names.iter().map(|name| BigMatrix::attach(file(name, "desc")).unwrap()).collect();
    let mut args = vec![dir.to_str().unwrap()];
    args.extend(names.iter().map(String::as_str));
    let told = run_r("interop_read.R", &args).unwrap();

    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 12);
    for ((line, name), matrix) in lines.into_iter().zip(&names).zip(attached) {
        let joined = |names: Option<&[bigannoy::matrix::ByteString]>| match names {
            None => "-".to_owned(),
            Some(names) => {
                names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(",")
            }
        };
        let shown = match name.trim_end_matches(SEPARATED) {
            "char" | "short" | "integer" => "integer",
            "raw" => "raw",
            _ => "double",
        };
        let cells = matrix.nrows() * matrix.ncols();
        let (rows, cols) = (joined(matrix.row_names()), joined(matrix.col_names()));
        assert_eq!(line, format!("{name}\t{shown}\t{cells}\t0\t{rows}\t{cols}"));

        // The cell that R wrote, and no other.
        let (now, before) = (all_cells(&matrix), doubles(&file(name, "f64")));
        assert_eq!((now.len(), before.len()), (cells, cells));
        assert_eq!(now[cells - 1], (42.0, None), "{name}");
        for at in 0..cells - 1 {
            assert!(same(now[at], before[at]), "{name}, cell {at}: {:?}", now[at]);
        }
        let described = Descriptor::read(file(name, "described")).unwrap();
        assert_eq!(&described, matrix.descriptor(), "{name}");
        let text = fs::read(file(name, "described")).unwrap();
        let ours = fs::read(file(name, "desc")).unwrap();
        assert_eq!(Descriptor::parse(&text).unwrap(), Descriptor::parse(&ours).unwrap(), "{name}");
    }
}
