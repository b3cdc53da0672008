//! The same matrices wherever they are and however they are read: the same index, the same answers.

use std::fs;

use bigannoy::matrix::{FileRows, RowBlocks};
use bigannoy::{BuildOptions, Destination, Input, MatrixSink, Metric, RowSource, SearchOptions};
use bigannoy_tests::{copy_matrix, fixture};

use crate::support::answers;

fn options() -> BuildOptions {
    BuildOptions::new(Metric::Euclidean).trees(25).seed(99)
}

#[cfg(target_os = "linux")]
mod in_shared_memory {
    use std::path::Path;

    use bigannoy::matrix::{MatrixSpec, SharedMatrix};

    use super::*;

    /// A copy in shared memory of the matrix at `path`, and its descriptor file.
    fn shared(path: &Path, to: &Path, separated: bool) -> SharedMatrix {
        let rows = bigannoy::BigMatrix::attach(path).unwrap();
        let spec = MatrixSpec::new(bigannoy::ElementType::Double, rows.nrows(), rows.ncols());
        let shared = SharedMatrix::create(&spec.separated(separated)).unwrap();
        let (mut matrix, view) = (shared.attach_mut().unwrap(), rows.view::<f64>().unwrap());
        for col in 0..rows.ncols() {
            matrix.view_mut::<f64>().unwrap().column_mut(col).copy_from_slice(view.column(col));
        }
        shared.write_descriptor(to).unwrap();
        shared
    }

    #[test]
    fn a_search_from_and_to_shared_memory_is_that_of_files() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["ref", "query"] {
            copy_matrix(fixture(format!("annoy/seed/{name}.desc")), &dir).unwrap();
        }
        let _reference = shared(&at("ref.desc"), &at("shared_ref.desc"), false);
        let _query = shared(&at("query.desc"), &at("shared_query.desc"), true);
        let index = bigannoy::build(&at("ref.desc"), at("ref.ann"), &options()).unwrap();
        bigannoy::build(&at("shared_ref.desc"), at("shared.ann"), &options()).unwrap();
        assert_eq!(fs::read(at("ref.ann")).unwrap(), fs::read(at("shared.ann")).unwrap());

        let search = SearchOptions::new(2).search_k(100);
        let expected = index.search(&at("query.desc"), &search).unwrap();
        let found = index.search(&at("shared_query.desc"), &search).unwrap();
        assert_eq!(answers(&found.neighbors), answers(&expected.neighbors));

        let ids =
            SharedMatrix::create(&MatrixSpec::new(bigannoy::ElementType::Integer, 2, 2)).unwrap();
        let mut sink = MatrixSink::new(Destination::descriptor(ids.descriptor()));
        index.search_into(&at("shared_query.desc"), &search, &mut sink).unwrap();
        drop(sink);
        let matrix = ids.attach().unwrap();
        let written = matrix.view::<i32>().unwrap();
        for (row, neighbors) in expected.neighbors.rows().enumerate() {
            for (rank, near) in neighbors.iter().enumerate() {
                assert_eq!(written.get(row, rank), i32::try_from(near.item + 1).unwrap());
            }
        }
    }
}

#[test]
fn reading_without_a_map_changes_no_answer_and_a_cut_file_no_process() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["ref", "query_sep"] {
        copy_matrix(fixture(format!("annoy/seed/{name}.desc")), &dir).unwrap();
    }
    let index = bigannoy::build(&at("ref.desc"), at("ref.ann"), &options()).unwrap();
    let unmapped = at("ref.desc");
    bigannoy::build(Input::unmapped(&unmapped), at("other.ann"), &options()).unwrap();
    assert_eq!(fs::read(at("ref.ann")).unwrap(), fs::read(at("other.ann")).unwrap());
    let search = SearchOptions::new(2).search_k(100);
    let query = at("query_sep.desc");
    let expected = index.search(&query, &search).unwrap();
    let found = index.search(Input::unmapped(&query), &search).unwrap();
    assert_eq!(answers(&found.neighbors), answers(&expected.neighbors));
    // The reference is not to be overwritten by its own index, however it is read.
    let error =
        bigannoy::build(Input::unmapped(&unmapped), at("ref.bin"), &options().overwrite(true));
    assert!(error.unwrap_err().to_string().contains("ref.bin"));

    // Nor are queries by their own neighbors.
    let query = at("query.desc");
    copy_matrix(fixture("annoy/seed/query.desc"), &dir).unwrap();
    let bytes = fs::read(at("query.bin")).unwrap();
    let rows = FileRows::open(&query).unwrap();
    for input in [Input::unmapped(&query), Input::rows(&rows)] {
        let mut sink = MatrixSink::new(Destination::path(&query));
        let error = index.search_into(input, &search, &mut sink).unwrap_err();
        assert!(format!("{error:?}").contains("InUse"), "{error:?}");
        assert_eq!(fs::read(at("query.bin")).unwrap(), bytes);
    }

    let rows = FileRows::open(&unmapped).unwrap();
    fs::File::options().write(true).open(at("ref.bin")).unwrap().set_len(72).unwrap();
    let error = RowBlocks::new(&rows, 5).next_block().unwrap_err();
    assert!(error.to_string().ends_with("ref.desc cannot be read"), "{error}");
    let error = bigannoy::build(Input::rows(&rows), at("cut.ann"), &options()).unwrap_err();
    let mut chain = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    assert!(chain.contains("ref.bin has 72 bytes, expected at least 80"), "{chain}");
    assert!(!at("cut.ann").exists() && !at("cut.ann.meta").exists());
    assert_eq!(rows.nrows(), 5);
}
