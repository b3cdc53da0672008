//! `compare judge`: the recall of answers, by distance.

use std::collections::BTreeSet;
use std::fs;

use bigannoy::ExactMetric;
use serde_json::json;

use crate::Failure;
use crate::arguments::Arguments;
use crate::data::Rows;
use crate::prepare::{K, metric};
use crate::protocol::{answer, count, text};

/// How far above the last exact distance one may lie: both are computed in double precision.
const TOLERANCE: f64 = 1e-9;

/// Answers requests `{"ids": FILE, "queries": N}` with the recall of the row numbers in the file.
///
/// All distances are computed here: a row that is as near as the last of the exact neighbors is right,
/// whichever it is.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let data = arguments.path("data")?;
    let read = |name: &str| Rows::read_prepared(&data.join(name));
    let (train, test) = (read("train.npy")?, read("test.npy")?);
    let metric: ExactMetric = metric(&data)?.to_string().parse()?;
    let exact: Vec<f64> = fs::read(data.join("exact.bin"))?
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight of them")))
        .collect();
    answer(|request| {
        let bytes = fs::read(text(request, "ids")?)?;
        let ids: Vec<i32> = bytes
            .chunks_exact(4)
            .map(|bytes| i32::from_le_bytes(bytes.try_into().expect("four of them")))
            .collect();
        let queries = count(request, "queries")?;
        if ids.len() != K * queries {
            return Err(format!("{} ids for {queries} queries of {K}", ids.len()).into());
        }
        let right: usize = ids
            .chunks_exact(K)
            .enumerate()
            .map(|(query, ids)| right(ids, query, &train, &test, metric, exact[query * K + K - 1]))
            .sum();
        Ok(json!({ "recall": right as f64 / (K * queries) as f64 }))
    })
}

/// How many of `ids` are rows that are as near as the last exact neighbor.
fn right(
    ids: &[i32],
    query: usize,
    train: &Rows,
    test: &Rows,
    metric: ExactMetric,
    last: f64,
) -> usize {
    let wide = |row: &[f32]| -> Vec<f64> { row.iter().map(|&value| value.into()).collect() };
    let query = wide(test.row(query));
    let ids: BTreeSet<usize> = ids.iter().filter_map(|&id| usize::try_from(id).ok()).collect();
    ids.iter()
        .filter(|&&id| id < train.nrows())
        .filter(|&&id| {
            let distance = metric.distance(&query, &wide(train.row(id)));
            distance <= last * (1.0 + TOLERANCE)
        })
        .count()
}
