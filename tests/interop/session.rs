//! Destinations that a running R session has attached while we write to them.

use crate::conversation::Conversation;
use bigannoy::matrix::DenseRows;
use bigannoy::{
    BigMatrix, BuildOptions, Destination, MatrixSink, Metric, SearchOptions, SearchResult,
};

const QUERIES: usize = 20;
const K: usize = 4;

/// All cells of ids and distances, as R sees them now.
fn show(r: &mut Conversation) -> Vec<f64> {
    let line = r.ask("show");
    line.split_whitespace().map(|cell| cell.parse().unwrap()).collect()
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
    let (mut session, first) = Conversation::start("interop_session.R", &[dir]);
    assert_eq!(first, "ready");
    assert_eq!(show(&mut session), [7.0; 2 * QUERIES * K]);

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
        assert_eq!(show(&mut session), cells(&expected));
    }

    // And the other way round, with the matrix attached here.
    let live = BigMatrix::attach(path("ids.desc")).unwrap();
    assert!(live.view::<i32>().unwrap().get(0, 0) > 0);
    assert_eq!(session.ask("write"), "written");
    assert_eq!(live.view::<i32>().unwrap().get(0, 0), -1);
    session.end();
}
