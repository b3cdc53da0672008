//! `compare prepare`: the same data for everybody, and the exact answers.

use std::fs;
use std::path::Path;

use bigannoy::matrix::DenseRows;
use bigannoy::{ExactOptions, Metric, RowSource};
use bigannoy_bench::{Shape, Synthetic};

use crate::Failure;
use crate::arguments::Arguments;
use crate::data::Rows;

/// Neighbors of each query.
pub(crate) const K: usize = 10;

/// Makes `train` and `test` in `--out`, for NumPy and for R, `metric.txt` with what near means, and
/// `exact.bin` with the distances of the exact neighbors, unless just that is there already.
///
/// `--reference` and `--query` name files; without them, `--shape`, `--rows`, `--columns`,
/// `--queries` and `--seed` say what is made. `--rows` and `--queries` also limit what is read. Of a file
/// of ann-benchmarks the reference is dataset `train`, the queries are dataset `test`.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let out = arguments.path("out")?;
    let asked = asked(arguments)?;
    let note = out.join("asked.txt");
    if fs::read_to_string(&note).is_ok_and(|found| found == asked) {
        return Ok(());
    }
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let most = |name: &str| arguments.value::<usize>(name);
    let (train, test) = if arguments.find("reference").is_some() {
        let read = |name, dataset, most| Rows::read(&arguments.path(name)?, dataset, most);
        (read("reference", "train", most("rows")?)?, read("query", "test", most("queries")?)?)
    } else {
        let shape: Shape = arguments.value("shape")?;
        let ncols = most("columns")?;
        let rows = Synthetic::reference(shape, most("rows")?, ncols, arguments.value("seed")?);
        let queries = rows.queries(most("queries")?);
        let all = |rows: &Synthetic| Rows { values: rows.to_vec(), ncols: rows.ncols() };
        (all(&rows), all(&queries))
    };
    if train.ncols != test.ncols || train.nrows() < K || test.nrows() == 0 {
        let shape = |rows: &Rows| format!("{} x {}", rows.nrows(), rows.ncols);
        return Err(format!("cannot search {} for {}", shape(&train), shape(&test)).into());
    }
    for (rows, name) in [(&train, "train"), (&test, "test")] {
        rows.write_npy(&out.join(format!("{name}.npy")))?;
        rows.write_matrix(&out.join(format!("{name}.desc")))?;
    }
    let metric: Metric = arguments.value("metric")?;
    fs::write(out.join("metric.txt"), metric.to_string())?;
    fs::write(out.join("exact.bin"), bytemuck::cast_slice(&exact(&train, &test, metric)?))?;
    // Last: what is not whole is made anew.
    Ok(fs::write(note, asked)?)
}

/// What was asked for, and when the files were changed last.
fn asked(arguments: &Arguments) -> Result<String, Failure> {
    let mut asked = arguments.shown();
    for name in ["reference", "query"] {
        if let Some(path) = arguments.find(name) {
            let changed = fs::metadata(Path::new(path))
                .and_then(|file| file.modified())
                .map_err(|error| format!("cannot open {path}: {error}"))?;
            asked = format!("{asked}\n{changed:?}");
        }
    }
    Ok(asked)
}

/// What near means for the prepared data.
pub(crate) fn metric(data: &Path) -> Result<Metric, Failure> {
    Ok(fs::read_to_string(data.join("metric.txt"))?.parse()?)
}

/// The distance of each exact neighbor, `K` for each query.
fn exact(train: &Rows, test: &Rows, metric: Metric) -> Result<Vec<f64>, Failure> {
    let reference = DenseRows::row_major(&train.values, train.ncols);
    let queries = DenseRows::row_major(&test.values, test.ncols);
    let options = ExactOptions::new(metric.to_string().parse()?, K);
    let found = bigannoy::exact(&reference, &queries, &options)?.neighbors;
    let distances = |row| found.wide_row(row).map(|near| near.distance).collect::<Vec<_>>();
    Ok((0..found.nrows()).flat_map(distances).collect())
}
