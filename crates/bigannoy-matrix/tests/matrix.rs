//! Attaching, reading, writing and creating, as users of the crate do it.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::{Path, PathBuf};

use bigannoy_matrix::{
    AttachError, BigMatrix, CreateError, Descriptor, Element, ElementType, MatrixSpec, NewMatrix,
    RowError, RowSource, ValueFault, ViewError,
};
use proptest::prelude::*;

/// A new matrix of doubles with the given columns.
fn create<T: Element>(path: &Path, columns: &[Vec<T>]) -> BigMatrix {
    let spec = MatrixSpec::new(T::TYPE, columns[0].len(), columns.len());
    let mut new = NewMatrix::create(path, &spec).unwrap();
    let mut view = new.view_mut::<T>().unwrap();
    for (col, values) in columns.iter().enumerate() {
        view.column_mut(col).copy_from_slice(values);
    }
    new.finish().unwrap()
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.desc");
    (directory, path)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_form_of_a_matrix_is_the_same_matrix() {
    let (_directory, path) = directory();
    let live = create(&path, &[vec![1.0f64, 2.0], vec![3.0, 4.0]]);
    let by_value = BigMatrix::attach_descriptor(live.descriptor()).unwrap();
    let read = BigMatrix::attach_descriptor(&Descriptor::read(&path).unwrap()).unwrap();
    for matrix in [&by_value, &read] {
        assert_eq!(matrix.view::<f64>().unwrap().column(1), [3.0, 4.0]);
        assert!(matrix.has_data_in(live.data_files().next().unwrap()).unwrap());
        assert!(!matrix.has_data_in(&path).unwrap());
    }
    let bare = Descriptor::parse(
        br#"new("big.matrix.descriptor", description = list(sharedType = "FileBacked",
            filename = "m.bin", totalRows = 2L, totalCols = 2L, rowOffset = c(0, 2),
            colOffset = c(0, 2), nrow = 2, ncol = 2, rowNames = NULL, colNames = NULL,
            type = "double", separated = FALSE))"#,
    )
    .unwrap();
    let error = BigMatrix::attach_descriptor(&bare).unwrap_err();
    assert!(matches!(error, AttachError::NoDirectory { .. }), "{error}");
}

#[test]
fn what_is_written_is_there_for_the_next_reader() {
    let (_directory, path) = directory();
    drop(create(&path, &[vec![1i32, 2, 3]]));
    let mut writer = BigMatrix::attach_mut(&path).unwrap();
    assert!(writer.is_writable());
    writer.reserve().unwrap();
    writer.view_mut::<i32>().unwrap().column_mut(0)[1] = i32::MISSING;
    writer.flush().unwrap();
    let error = BigMatrix::attach(&path).unwrap_err();
    assert!(matches!(error, AttachError::Data { .. }), "{error}"); // one writer at a time
    drop(writer);
    let mut reader = BigMatrix::attach(&path).unwrap();
    assert_eq!(reader.view::<i32>().unwrap().column(0), [1, i32::MIN, 3]);
    let error = reader.view_mut::<i32>().unwrap_err();
    assert!(matches!(error, ViewError::ReadOnly { .. }), "{error}");
    let error = reader.view::<f64>().unwrap_err();
    assert!(error.to_string().ends_with("holds elements of type integer, expected double"));
}

#[test]
fn rows_that_are_no_points_are_refused_with_their_place() {
    let (_directory, path) = directory();
    let matrix = create(&path, &[vec![1.0f32, f32::MISSING], vec![f32::INFINITY, 1.0]]);
    let mut out = [0.0; 2];
    for (rows, expected) in
        [(1..2, (1, 0, ValueFault::Missing)), (0..1, (0, 1, ValueFault::Infinite))]
    {
        let error = matrix.copy_rows(rows, &mut out).unwrap_err();
        assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
        let RowError::Value { row, column, fault, .. } = error else { panic!("{error}") };
        assert_eq!((row, column, fault), expected);
    }
}

#[test]
fn a_new_matrix_appears_whole_or_not_at_all() {
    let (directory, path) = directory();
    let spec = MatrixSpec::new(ElementType::Short, 3, 2).col_names(["a", "b"]);
    let new = NewMatrix::create(&path, &spec).unwrap();
    assert!(names(directory.path()).iter().all(|name| name.starts_with('.')));
    drop(new);
    assert!(names(directory.path()).is_empty());

    let matrix = NewMatrix::create(&path, &spec).unwrap().finish().unwrap();
    assert_eq!(matrix.col_names().unwrap()[1].as_str(), Some("b"));
    assert_eq!(names(directory.path()), ["m.bin", "m.desc"]);
    assert_eq!(std::fs::metadata(directory.path().join("m.bin")).unwrap().len(), 12);
}

#[test]
fn what_cannot_be_created_changes_nothing() {
    let (directory, path) = directory();
    let create = |path: &Path, spec: &MatrixSpec| NewMatrix::create(path, spec).unwrap_err();
    let double = |nrows, ncols| MatrixSpec::new(ElementType::Double, nrows, ncols);

    assert!(matches!(create(&path, &double(0, 2)), CreateError::Spec { .. }));
    let misnamed = double(2, 2).row_names(["only"]);
    assert!(matches!(create(&path, &misnamed), CreateError::Spec { .. }));
    let huge = double(1 << 40, 1 << 30);
    assert!(!create(&path, &huge).to_string().is_empty());
    let nowhere = directory.path().join("no/m.desc");
    assert!(matches!(create(&nowhere, &double(1, 1)), CreateError::Storage(_)));
    let clash = directory.path().join("m.bin");
    assert!(matches!(create(&clash, &double(1, 1)), CreateError::Path { .. }));
    let clash = directory.path().join("m.bin_column_0");
    let separated = |ncols| double(1, ncols).separated(true);
    assert!(matches!(create(&clash, &separated(1)), CreateError::Path { .. }));
    let many = create(&path, &separated(1_000_000_000));
    assert!(matches!(many, CreateError::TooManyColumns { cols: 1_000_000_000, .. }), "{many}");
    let long = directory.path().join("n".repeat(254)).with_extension("desc");
    assert!(matches!(create(&long, &double(1, 1)), CreateError::Storage(_)));
    assert!(names(directory.path()).is_empty());

    for present in ["m.desc", "m.bin"] {
        std::fs::write(directory.path().join(present), b"mine").unwrap();
        assert!(matches!(create(&path, &double(1, 1)), CreateError::Storage(_)));
        assert_eq!(std::fs::read(directory.path().join(present)).unwrap(), b"mine");
        std::fs::remove_file(directory.path().join(present)).unwrap();
    }
}

#[test]
fn a_separated_matrix_is_created_column_by_column() {
    let (directory, path) = directory();
    let spec = MatrixSpec::new(ElementType::Integer, 2, 3).separated(true);
    let mut new = NewMatrix::create(&path, &spec).unwrap();
    new.view_mut::<i32>().unwrap().column_mut(2).copy_from_slice(&[7, 8]);
    let matrix = new.finish().unwrap();
    assert!(matrix.is_separated());
    assert_eq!(matrix.view::<i32>().unwrap().column(2), [7, 8]);
    drop(matrix);
    let files = ["m.bin_column_0", "m.bin_column_1", "m.bin_column_2", "m.desc"];
    assert_eq!(names(directory.path()), files);

    // R would overwrite the columns of another matrix; here the one that is in the way is named.
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(directory.path().join("m.bin_column_0")).unwrap();
    let error = NewMatrix::create(&path, &spec).unwrap_err();
    let CreateError::Storage(error) = error else { panic!("{error}") };
    assert_eq!(error.path(), directory.path().join("m.bin_column_1"));
    assert_eq!(names(directory.path()), &files[1..3]);
}

#[test]
fn more_columns_are_created_than_files_can_be_open() {
    let (directory, path) = directory();
    let spec = MatrixSpec::new(ElementType::Raw, 1, 1500).separated(true);
    let mut new = NewMatrix::create(&path, &spec).unwrap();
    new.view_mut::<u8>().unwrap().column_mut(1499)[0] = 7;
    assert_eq!(new.finish().unwrap().view::<u8>().unwrap().get(0, 1499), 7);
    assert_eq!(names(directory.path()).len(), 1501);
}

#[test]
fn files_that_appear_meanwhile_are_kept() {
    let (directory, path) = directory();
    for (late, separated) in
        [("m.bin", false), ("m.desc", false), ("m.bin_column_1", true), ("m.desc", true)]
    {
        let spec = MatrixSpec::new(ElementType::Raw, 1, 2).separated(separated);
        let new = NewMatrix::create(&path, &spec).unwrap();
        std::fs::write(directory.path().join(late), b"mine").unwrap();
        assert!(matches!(new.finish(), Err(CreateError::Storage(_))));
        assert_eq!(names(directory.path()), [late]);
        std::fs::remove_file(directory.path().join(late)).unwrap();
    }
}

proptest! {
    /// Rows of any matrix, window, layout and block are what the columns say.
    #[test]
    fn rows_are_the_transpose_of_columns(
        (nrows, ncols) in (1usize..40, 1usize..40),
        start in 0usize..40, len in 0usize..40, separated in any::<bool>(),
        (row_cut, col_cut) in (0usize..40, 0usize..40),
    ) {
        let (directory, path) = directory();
        let value = |row: usize, col: usize| i16::try_from(row * 40 + col).unwrap();
        // A window that leaves out the first rows and columns, in either layout.
        let (row_cut, col_cut) = (row_cut % nrows, col_cut % ncols);
        let column = |col: usize| (0..nrows).flat_map(move |row| value(row, col).to_le_bytes());
        if separated {
            for col in 0..ncols {
                let file = directory.path().join(format!("m.bin_column_{col}"));
                std::fs::write(file, column(col).collect::<Vec<u8>>()).unwrap();
            }
        } else {
            let bytes: Vec<u8> = (0..ncols).flat_map(column).collect();
            std::fs::write(directory.path().join("m.bin"), bytes).unwrap();
        }
        let descriptor = Descriptor::file_backed(
            "m.bin", "", ElementType::Short, nrows as u64, ncols as u64,
        )
        .separated(separated)
        .rows(row_cut as u64..nrows as u64)
        .cols(col_cut as u64..ncols as u64)
        .build()
        .unwrap();
        std::fs::write(&path, descriptor.to_text()).unwrap();

        let matrix = BigMatrix::attach(&path).unwrap();
        let (nrows, ncols) = (nrows - row_cut, ncols - col_cut);
        prop_assert_eq!((matrix.nrows(), matrix.ncols()), (nrows, ncols));
        let start = start % nrows;
        let rows = start..start + len % (nrows - start + 1);
        let mut out = vec![0.0; rows.len() * ncols];
        matrix.copy_rows(rows.clone(), &mut out).unwrap();
        for (at, found) in out.iter().enumerate() {
            let expected = value(row_cut + rows.start + at / ncols, col_cut + at % ncols);
            prop_assert_eq!(*found, f32::from(expected));
        }
    }
}

/// R writes the number of rows modulo 2^32; the length of the file brings it back.
#[cfg(target_os = "linux")]
#[test]
fn totals_that_wrapped_are_repaired_from_the_file() {
    let (directory, path) = directory();
    let rows = (1u64 << 32) + 5;
    // A file of holes: it takes no space.
    let data = std::fs::File::create(directory.path().join("m.bin")).unwrap();
    data.set_len(rows * 2).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&data, &[7], rows).unwrap();
    let text = format!(
        r#"new("big.matrix.descriptor", description = list(sharedType = "FileBacked",
        filename = "m.bin", dirname = "/gone/", totalRows = 5L, totalCols = 2L,
        rowOffset = c(0, {rows}), colOffset = c(0, 2), nrow = {rows}, ncol = 2, rowNames = NULL,
        colNames = NULL, type = "char", separated = FALSE))"#
    );
    std::fs::write(&path, text).unwrap();
    let matrix = BigMatrix::attach(&path).unwrap();
    assert_eq!(matrix.view::<i8>().unwrap().get(0, 1), 7);
    assert_eq!(matrix.descriptor().stored_shape().unwrap(), (rows, 2));
}
