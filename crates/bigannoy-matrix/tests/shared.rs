//! Matrices in shared memory, without R: what other processes would find under the names.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::{Path, PathBuf};

use bigannoy_matrix::{
    AttachError, BigMatrix, CreateError, ElementType, FileRows, MatrixSpec, RowError, RowSource,
    SharedMatrix, StorageError,
};

/// The names in shared memory that begin with `name`.
fn segments(name: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir("/dev/shm")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|found| found.contains(name))
        .collect();
    names.sort();
    names
}

fn name(shared: &SharedMatrix) -> String {
    let bigannoy_matrix::Storage::SharedMemory { name } = shared.descriptor().storage() else {
        panic!("in shared memory")
    };
    name.as_str().unwrap().to_owned()
}

fn segment(name: &str) -> PathBuf {
    Path::new("/dev/shm").join(name)
}

#[test]
fn r_finds_data_and_a_count_of_one_until_the_owner_goes() {
    let spec = MatrixSpec::new(ElementType::Short, 3, 2).separated(true).col_names(["a", "b"]);
    let shared = SharedMatrix::create(&spec).unwrap();
    let name = name(&shared);
    let expected = ["_column_0", "_column_1", "_counter"].map(|end| format!("{name}{end}"));
    assert_eq!(segments(&name), expected);
    let counter = std::fs::read(segment(&format!("{name}_counter"))).unwrap();
    assert_eq!(counter, 1i64.to_le_bytes());

    let mut matrix = shared.attach_mut().unwrap();
    matrix.view_mut::<i16>().unwrap().column_mut(1).copy_from_slice(&[1, -2, 3]);
    let bytes = std::fs::read(segment(&format!("{name}_column_1"))).unwrap();
    assert_eq!(bytes, [1, 0, 0xfe, 0xff, 3, 0]);
    // Attaching counts nobody.
    assert_eq!(std::fs::read(segment(&format!("{name}_counter"))).unwrap(), counter);
    // What R leaves behind when it was not the last to go.
    std::fs::write(segment(&format!("sem.{name}_bigmemory_counter_mutex")), [0; 32]).unwrap();
    drop(shared);
    assert!(segments(&name).is_empty());
    assert_eq!(matrix.view_mut::<i16>().unwrap().column_mut(1), [1, -2, 3]);
}

#[test]
fn a_matrix_that_cannot_be_made_leaves_nothing() {
    let huge = MatrixSpec::new(ElementType::Double, 1 << 40, 1 << 10);
    for separated in [false, true] {
        let error = SharedMatrix::create(&huge.clone().separated(separated)).unwrap_err();
        let CreateError::Storage(StorageError::NoSpace { path, .. }) = error else {
            panic!("{error}")
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = name.trim_end_matches("_column_0");
        assert_eq!(name.len(), 36);
        assert_eq!(segments(name), [""; 0]);
    }
    let error = SharedMatrix::create(&MatrixSpec::new(ElementType::Raw, 0, 1)).unwrap_err();
    assert!(matches!(error, CreateError::Spec { .. }), "{error}");
}

#[test]
fn more_columns_are_held_than_files_can_be_open() {
    let spec = MatrixSpec::new(ElementType::Raw, 1, 1500).separated(true);
    let shared = SharedMatrix::create(&spec).unwrap();
    let name = name(&shared);
    assert_eq!(segments(&name).len(), 1501);
    shared.attach_mut().unwrap().view_mut::<u8>().unwrap().column_mut(1499)[0] = 7;
    assert_eq!(shared.attach().unwrap().view::<u8>().unwrap().get(0, 1499), 7);
    let too_many =
        SharedMatrix::create(&MatrixSpec::new(ElementType::Raw, 1, 1 << 30).separated(true));
    assert!(matches!(too_many, Err(CreateError::TooManyColumns { .. })));
    drop(shared);
    assert!(segments(&name).is_empty());
}

#[test]
fn what_others_hold_is_only_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.desc");
    let shared = SharedMatrix::create(&MatrixSpec::new(ElementType::Double, 4, 3)).unwrap();
    shared.write_descriptor(&path).unwrap();
    let exists = shared.write_descriptor(&path).unwrap_err();
    assert!(matches!(exists, StorageError::Exists { .. }), "{exists}");
    let mut writer = shared.attach_mut().unwrap();
    for col in 0..3u32 {
        writer.view_mut::<f64>().unwrap().column_mut(col as usize).fill(col.into());
    }
    writer.reserve().unwrap();
    drop(writer);

    let window = shared.descriptor().window(1..3, 1..3).unwrap();
    let seen = BigMatrix::attach_descriptor(&window).unwrap();
    assert_eq!(seen.view::<f64>().unwrap().column(1), [2.0; 2]);
    assert!(seen.name().starts_with("shared memory "), "{}", seen.name());
    let (rows, mut row) = (FileRows::open(&path).unwrap(), [0.0; 3]);
    rows.copy_rows(3..4, &mut row).unwrap();
    assert_eq!(row, [0.0, 1.0, 2.0]);

    // A segment that is too short, and one that is gone.
    let data = segment(&name(&shared));
    std::fs::File::options().write(true).open(&data).unwrap().set_len(95).unwrap();
    let error = BigMatrix::attach(&path).unwrap_err();
    let AttachError::Data {
        source: StorageError::TooShort { expected: 96, found: 95, .. }, ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert!(matches!(rows.copy_rows(3..4, &mut row), Err(RowError::Data { .. })));
    drop(shared);
    let error = BigMatrix::attach(&path).unwrap_err();
    let AttachError::Data { matrix, source } = error else { panic!("{error}") };
    assert_eq!(matrix, path.display().to_string());
    assert!(source.to_string().starts_with("there is no shared memory named"), "{source}");
}
