//! Tables of neighbors, as `read.csv` of R reads them.

use bigannoy::matrix::DenseRows;
use bigannoy::sink::CsvSink;
use bigannoy::{BuildOptions, Destination, MatrixSink, Metric, SearchOptions};
use bigannoy_tests::run_r;

pub(crate) fn r_reads_the_table(seed: i32) {
    const K: usize = 20;
    let dir = tempfile::tempdir().unwrap();
    let seed = seed.unsigned_abs();
    let rows: Vec<f64> = (0..900u32).map(|at| (f64::from(at ^ seed) + 0.5).cos()).collect();
    let rows = DenseRows::row_major(&rows, 3);
    for metric in Metric::OF_NUMBERS {
        let path = |end: &str| dir.path().join(format!("{metric}{end}"));
        let options = BuildOptions::new(metric).trees(3);
        let index = bigannoy::build(&rows, path(".ann"), &options).unwrap();
        // So small a budget that many have fewer neighbors than k.
        let options = SearchOptions::new(K).search_k(18);
        let (table, ids, distances) = (path(".csv"), path("-i.desc"), path("-d.desc"));
        let summary = index.search_self_into(&options, &mut CsvSink::create(&table)).unwrap();
        let mut matrices =
            MatrixSink::new(Destination::create(&ids)).distances(Destination::create(&distances));
        let same = index.search_self_into(&options, &mut matrices).unwrap();
        assert_eq!(summary.short_rows, same.short_rows);
        assert!(summary.short_rows > 30, "{metric}: {summary:?}");
        let told = run_r("interop_tables.R", &[table, ids, distances]).unwrap();
        let told: Vec<usize> = told.trim().split('\t').map(|cell| cell.parse().unwrap()).collect();
        let [queries, k, missing, ids, distances] = told[..] else { panic!("{told:?}") };
        assert_eq!((queries, k, ids, distances), (300, K, 0, 0), "{metric}");
        assert!(missing >= summary.short_rows, "{metric}: {missing} cells are NA");
    }
}
