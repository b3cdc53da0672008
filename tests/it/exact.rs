//! Exact search on word vectors, against answers of numpy.

use bigannoy::{ExactMetric, ExactOptions, exact};
use bigannoy_tests::fixture;
use serde_json::Value;

use crate::support::attach;

/// More than any rounding of 50 terms in double precision, whatever the order.
const ROUNDING: f64 = 1e-12;

fn table(answers: &Value, metric: &str, key: &str) -> Vec<Vec<f64>> {
    let number = |value: &Value| value.as_f64().unwrap();
    let row = |row: &Value| row.as_array().unwrap().iter().map(number).collect();
    answers[metric][key].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn word_vectors_have_the_neighbors_that_numpy_finds() {
    let (rows, queries) = (attach("v1/glove/rows.desc"), attach("v1/glove/queries.desc"));
    let text = std::fs::read_to_string(fixture("v1/glove/neighbors.json")).unwrap();
    let answers: Value = serde_json::from_str(&text).unwrap();
    for metric in
        [ExactMetric::Euclidean, ExactMetric::Angular, ExactMetric::Manhattan, ExactMetric::Dot]
    {
        let ids = table(&answers, metric.name(), "ids");
        let distances = table(&answers, metric.name(), "distances");
        let found = exact(&rows, &queries, &ExactOptions::new(metric, 25)).unwrap().neighbors;
        assert_eq!((found.nrows(), ids.len()), (40, 40));
        for query in 0..found.nrows() {
            let found: Vec<_> = found.wide_row(query).collect();
            assert_eq!(found.len(), 25);
            for (at, near) in found.iter().enumerate() {
                let expected = distances[query][at];
                assert!(
                    (near.distance - expected).abs() <= ROUNDING * expected.abs().max(1.0),
                    "{metric} query {query} place {at}: {} is not {expected}",
                    near.distance
                );
                assert_eq!(f64::from(near.item + 1), ids[query][at], "{metric} query {query}");
            }
        }
    }
}
