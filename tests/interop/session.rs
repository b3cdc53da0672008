//! Destinations that a running R session has attached while we write to them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use bigannoy::matrix::DenseRows;
use bigannoy::{
    BigMatrix, BuildOptions, Destination, MatrixSink, Metric, SearchOptions, SearchResult,
};
use bigannoy_tests::spawn_r;

const QUERIES: usize = 20;
const K: usize = 4;

/// A session of R that answers a line with a line.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    fn start(dir: &std::path::Path) -> Self {
        let mut child = spawn_r("interop_session.R", &[dir]).unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut session = Session { child, input, output };
        assert_eq!(session.line(), "ready");
        session
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.input, "{question}").unwrap();
        self.line()
    }

    /// All cells of ids and distances, as R sees them now.
    fn show(&mut self) -> Vec<f64> {
        let line = self.ask("show");
        line.split_whitespace().map(|cell| cell.parse().unwrap()).collect()
    }

    /// R ends when its input does.
    fn end(self) {
        let Session { mut child, input, .. } = self;
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}

/// The cells of ids and distances, column-major.
fn cells(result: &SearchResult) -> Vec<f64> {
    let column = |value: fn(&bigannoy::Neighbor) -> f64| {
        (0..K).flat_map(move |rank| result.neighbors.rows().map(move |row| value(&row[rank])))
    };
    column(|near| f64::from(near.item) + 1.0)
        .chain(column(|near| f64::from(near.distance)))
        .collect()
}

pub(crate) fn r_sees_what_is_written_while_it_watches(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut session = Session::start(dir);
    assert_eq!(session.show(), [7.0; 2 * QUERIES * K]);

    // Rows that differ with the seed.
    let factor = f64::from(seed.unsigned_abs() % 1000 + 1) / 500.0;
    let rows: Vec<f64> = (0..300u32).map(|at| (f64::from(at) * factor).sin()).collect();
    let reference = DenseRows::row_major(&rows, 3);
    let queries = DenseRows::row_major(&rows[..3 * QUERIES], 3);
    let options = BuildOptions::new(Metric::Euclidean).trees(5);
    let index = bigannoy::build(&reference, dir.join("x.ann"), &options).unwrap();

    let path = |name: &str| dir.join(name);
    for search_k in [10_000, 40] {
        let options = SearchOptions::new(K).search_k(search_k).block_rows(7);
        let expected = index.search(&queries, &options).unwrap();
        assert_eq!(expected.summary.short_rows, 0);
        let mut sink = MatrixSink::new(Destination::path(path("ids.desc")))
            .distances(Destination::path(path("distances.desc")));
        index.search_into(&queries, &options, &mut sink).unwrap();
        assert_eq!(session.show(), cells(&expected));
    }

    // And the other way round, with the matrix attached here.
    let live = BigMatrix::attach(path("ids.desc")).unwrap();
    assert!(live.view::<i32>().unwrap().get(0, 0) > 0);
    assert_eq!(session.ask("write"), "written");
    assert_eq!(live.view::<i32>().unwrap().get(0, 0), -1);
    session.end();
}
