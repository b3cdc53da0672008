//! Indexes of `RcppAnnoy`, built again byte for byte.

use std::fs;

use bigannoy::matrix::DenseRows;
use bigannoy::{BuildOptions, Generator, Metric};
use bigannoy_tests::run_r;

pub(crate) fn we_build_what_rcppannoy_builds(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run_r("interop_bytes.R", &[dir.as_os_str(), seed.to_string().as_ref()]).unwrap();
    let cases = fs::read_to_string(dir.join("cases.tsv")).unwrap();
    let (mut different, mut items) = (Vec::new(), 0);
    for (number, case) in cases.lines().enumerate() {
        let parts: Vec<&str> = case.split('\t').collect();
        let [name, metric, dim, n, trees, seed, _kind, md5] = parts[..] else { panic!("{case}") };
        let metric: Metric = metric.parse().unwrap();
        let (dim, n): (usize, usize) = (dim.parse().unwrap(), n.parse().unwrap());
        let bytes = fs::read(dir.join(name).with_extension("rows")).unwrap();
        let rows: Vec<f64> =
            bytes.chunks(8).map(|cell| f64::from_le_bytes(cell.try_into().unwrap())).collect();
        assert_eq!(rows.len(), n * dim, "{case}");
        let mut options = BuildOptions::new(metric)
            .generator(Generator::Annoy)
            .trees(trees.parse().unwrap())
            .threads(1 + number % 3);
        if seed != "NA" {
            options = options.seed(seed.parse::<i64>().unwrap().cast_unsigned());
        }
        let path = dir.join(name).with_extension("ann");
        let index = bigannoy::build(&DenseRows::row_major(&rows, dim), path, &options).unwrap();
        if index.sidecar().file_md5.as_deref() != Some(md5) {
            different.push(case);
        }
        items += n;
    }
    // Three metrics, ten dimensions, seven sizes and one more; the largest of all under one metric.
    assert_eq!(cases.lines().count(), 3 * 71 - 2);
    assert!(different.is_empty(), "built otherwise:\n{}", different.join("\n"));
    println!("bytes_of_rcppannoy: {} indexes, {items} items", cases.lines().count());
}
