//! What is refused: with a message that says where and what was expected, and with nothing
//! changed on the disk.

mod destinations;
mod indexes;
mod matrices;
mod settings;
mod values;

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use bigannoy::{BuildOptions, Error, Index, Metric, SearchOptions};
use bigannoy_tests::{changes, copy_matrix, fixture, message_chain, snapshot};

/// A folder with the seed's matrices and an index over its reference of 5 x 2.
struct Scene {
    dir: tempfile::TempDir,
    index: Index,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ref", "ref_sep", "query", "query_sep", "nn_index", "nn_distance"] {
            copy_matrix(fixture(format!("annoy/seed/{name}.desc")), &dir).unwrap();
        }
        let (reference, path) = (dir.path().join("ref.desc"), dir.path().join("ref.ann"));
        let index = bigannoy::build(&reference, path, &build_options()).unwrap();
        Scene { dir, index }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The path as it stands in messages.
    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Replaces `from`, which has to be there, in the file `name`.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} holds no {from:?}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// Does `work`, which has to fail with a message that holds all of `parts`, and leaves every
    /// file in the folder as it is.
    fn refused<T: Debug>(&self, parts: &[&str], work: impl FnOnce() -> Result<T, Error>) {
        let before = snapshot(&self.dir).unwrap();
        let message = match work() {
            Err(error) => message_chain(&error),
            Ok(value) => panic!("expected a refusal with {parts:?}, found {value:?}"),
        };
        for part in parts {
            assert!(message.contains(part), "the message has no {part:?}: {message}");
        }
        let changed = changes(&before, &snapshot(&self.dir).unwrap());
        assert!(changed.is_empty(), "{message}, and yet {changed:?}");
    }

    /// The matrix `name` is refused, as reference and as query, by its path and by its descriptor.
    fn refused_matrix(&self, name: &str, parts: &[&str]) {
        let path = self.path(name);
        let parts: Vec<&str> = parts.to_vec();
        self.refused(&parts, || self.build(&path));
        self.refused(&parts, || self.index.search(&path, &SearchOptions::new(1)));
    }

    /// Builds a new index over the matrix at `path`.
    fn build(&self, path: &Path) -> Result<Index, Error> {
        bigannoy::build(path, self.path("new.ann"), &build_options())
    }
}

fn build_options() -> BuildOptions {
    BuildOptions::new(Metric::Euclidean).trees(5).seed(99)
}

/// The scene would do if nothing were wrong: otherwise every refusal below would prove nothing.
#[test]
fn nothing_else_is_wrong() {
    let scene = Scene::new();
    for name in ["ref.desc", "ref_sep.desc"] {
        let index = scene.build(&scene.path(name)).unwrap();
        assert_eq!(
            index
                .search(&scene.path("query.desc"), &SearchOptions::new(5))
                .unwrap()
                .summary
                .n_query,
            2
        );
        for file in ["new.ann", "new.ann.meta"] {
            fs::remove_file(scene.path(file)).unwrap();
        }
    }
}
