//! Files that are no descriptors, and where the data of one is looked for.
#![cfg(unix)]

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use bigannoy_descriptor::{Descriptor, ElementType, MAX_FILE_BYTES, ReadError, Storage};

/// A fresh folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

#[test]
fn a_named_pipe_does_not_block() {
    let pipe = folder("descriptor-pipe").join("m.desc");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = Descriptor::read(&pipe).unwrap_err();
    assert!(matches!(error, ReadError::NotAFile { found: "a named pipe", .. }), "{error}");
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let path = folder("descriptor-large").join("m.desc");
    fs::write(&path, " ".repeat(10_000)).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
    let error = Descriptor::read(&path).unwrap_err();
    let expected = MAX_FILE_BYTES + 1;
    assert!(matches!(error, ReadError::TooLarge { bytes, .. } if bytes == expected), "{error}");
    fs::remove_file(&path).unwrap();
}

#[test]
fn an_array_of_numpy_is_told_as_such_however_large() {
    let path = folder("descriptor-numpy").join("m.npy");
    fs::write(&path, b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', }").unwrap();
    for len in [40, MAX_FILE_BYTES + 1] {
        File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        let error = Descriptor::read(&path).unwrap_err();
        assert!(matches!(error, ReadError::NumPy { .. }), "{error}");
        assert_eq!(error.path(), path);
        assert!(error.to_string().contains("bigannoy matrix import"), "{error}");
    }
    fs::remove_file(&path).unwrap();
}

/// An index given as the reference: its first record counts one item, or none.
#[test]
fn binary_data_is_told_as_such_however_large() {
    let path = folder("descriptor-binary").join("m.ann");
    for start in [&b"\x01\0\0\0\0\0\x80?"[..], b"\0"] {
        fs::write(&path, start).unwrap();
        for len in [40, MAX_FILE_BYTES + 1] {
            File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
            let error = Descriptor::read(&path).unwrap_err();
            assert!(matches!(error, ReadError::Binary { .. }), "{error}");
            assert_eq!(error.path(), path);
            let expected =
                "m.ann seems to be no descriptor: it holds binary data, expected the text";
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
    // A text is told where it goes wrong, whatever bytes its names have.
    fs::write(&path, b"list('caf\xe9', \x1b").unwrap();
    let error = Descriptor::read(&path).unwrap_err();
    assert!(matches!(error, ReadError::Parse { .. }), "{error}");
    fs::remove_file(&path).unwrap();
}

#[test]
fn the_directory_is_that_of_a_link_and_not_of_its_target() {
    let folder = folder("descriptor-link");
    let (there, here) = (folder.join("there"), folder.join("here"));
    fs::create_dir(&there).unwrap();
    fs::create_dir(&here).unwrap();
    let matrix = Descriptor::file_backed("m.bin", "/gone", ElementType::Short, 2, 3);
    let text = matrix.build().unwrap().to_text();
    fs::write(there.join("m.desc"), text).unwrap();
    std::os::unix::fs::symlink("../there/m.desc", here.join("m.desc")).unwrap();
    for place in [&there, &here] {
        let found = Descriptor::read(place.join("m.desc")).unwrap();
        let Storage::FileBacked { dirname, .. } = found.storage() else { panic!("{found:?}") };
        let expected = format!("{}/", place.display());
        assert_eq!(dirname.as_ref().unwrap(), expected.as_str());
    }
}

#[test]
fn what_is_wrong_with_an_rds_is_told_with_its_path_and_byte() {
    let path = folder("descriptor-rds").join("m.desc");
    let matrix = Descriptor::file_backed("m.bin", "/gone", ElementType::Short, 2, 3);
    let bytes = matrix.build().unwrap().to_rds();
    fs::write(&path, &bytes).unwrap();
    assert_eq!(Descriptor::read(&path).unwrap().shape(), (2, 3));
    fs::write(&path, b"X\n\0\0\0\x07").unwrap();
    let error = Descriptor::read(&path).unwrap_err().to_string();
    let message = "byte 2: expected version 2 or 3 of the format, found 7";
    assert_eq!(error, format!("{}: {message}", path.display()));
}

#[test]
fn shared_memory_has_no_directory() {
    let path = folder("descriptor-shared").join("m.desc");
    let matrix = Descriptor::shared_memory("a-b", ElementType::Raw, 2, 3).build().unwrap();
    fs::write(&path, matrix.to_text()).unwrap();
    assert_eq!(Descriptor::read(&path).unwrap(), matrix);
}
