//! Whatever is within a limit passes it.

use bigannoy_sketch::StrictError;
use bigannoy_sketch::scan::{
    Coded, GROUP, Hit, QueryBounds, QueryGroup, QueryLimits, RowTest, Rows, ScanKernel,
    narrow_vector,
};
use proptest::prelude::*;

fn rows_in_codes(rows: &[Vec<f64>], test: impl Fn(&Coded) -> RowTest) -> Rows {
    let dim = rows[0].len();
    let mut codes = Rows::none(dim);
    match &mut codes {
        Rows::Narrow(codes) => {
            codes.resize(dim, (0u32..).take(rows.len()));
            for mut strip in codes.strips_mut() {
                strip.set(|row| narrow_vector(&rows[row as usize]), &test);
            }
        }
        Rows::Wide(codes) => {
            codes.resize(dim, rows.len());
            for mut piece in codes.pieces_mut(1) {
                for row in piece.rows() {
                    piece.set(row, &rows[row], 0.0, &test);
                }
            }
        }
    }
    codes
}

/// Vectors of one magnitude, or with one element that stands out.
fn vector(dim: usize) -> impl Strategy<Value = Vec<f64>> {
    let scale = prop_oneof![3 => Just(1.0), 1 => Just(1e-7), 1 => Just(1e8), 1 => Just(0.0)];
    (proptest::collection::vec(-1.0f64..1.0, dim), scale, 0..2 * dim).prop_map(
        |(mut vector, scale, at)| {
            if let Some(x) = vector.get_mut(at) {
                *x *= 20.0;
            }
            vector.into_iter().map(|x| x * scale).collect()
        },
    )
}

fn sum(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| term(a, b)).sum()
}

const SUMS: StrictError = StrictError { relative: 1e-12, absolute: 1e-280 };

proptest! {
    #[test]
    fn rows_pass_the_limit_that_they_are_within(
        (rows, queries, moved_by) in prop_oneof![1usize..12, 60usize..70, 120usize..200]
            .prop_flat_map(|dim| (
                proptest::collection::vec(vector(dim), 1..40),
                proptest::collection::vec(vector(dim), 1..=GROUP),
                vector(dim),
            )),
        products: bool,
        which: proptest::sample::Index,
    ) {
        let dim = rows[0].len();
        let (group, coded) = QueryGroup::new(dim, queries.iter().map(Vec::as_slice));
        let codes = rows_in_codes(&rows, if products {
            RowTest::for_products
        } else {
            RowTest::for_distances
        });
        let value = |query: &[f64], row: &[f64]| {
            if products {
                return -sum(query, row, |q, x| q * x) - sum(query, &moved_by, |q, m| q * m);
            }
            sum(query, row, |q, x| (q - x) * (q - x))
        };
        let bounds = |at: usize| {
            let coded = coded[at].as_ref()?;
            if products {
                QueryBounds::products(coded, queries[at].iter().copied(), &moved_by, SUMS)
            } else {
                QueryBounds::distances(coded, 0.0, SUMS)
            }
        };
        let row = which.index(rows.len());
        let mut limits = QueryLimits::NONE;
        let mut known = Vec::new();
        for (at, query) in queries.iter().enumerate() {
            if let Some(bounds) = bounds(at) {
                limits.set(at, bounds.limit(value(query, &rows[row])));
                known.push(at);
            }
        }
        for kernel in ScanKernel::all() {
            let mut hits: Vec<Hit> = Vec::new();
            codes.scan(kernel, 0..codes.strips(), &group, &limits, &mut hits);
            for &at in &known {
                let of_query: Vec<usize> = hits.iter()
                    .filter(|hit| hit.query as usize == at)
                    .map(|hit| hit.row as usize)
                    .collect();
                let limit = value(&queries[at], &rows[row]);
                for (number, other) in rows.iter().enumerate() {
                    if value(&queries[at], other) <= limit {
                        prop_assert!(of_query.contains(&number), "row {number}, query {at}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_says_nothing_lets_every_row_pass_and_limits_exclude_what_is_far() {
    let rows = vec![vec![1.0, 0.0], vec![0.0, 5.0], vec![-300.0, 40.0]];
    let (group, coded) = QueryGroup::new(2, [&[1.0, 0.1][..]]);
    let query = coded[0].expect("a query of ordinary numbers");
    let passing = |codes: &Rows, bounds: QueryBounds, most: f64| {
        let mut limits = QueryLimits::NONE;
        limits.set(0, bounds.limit(most));
        let mut hits = Vec::new();
        codes.scan(ScanKernel::new(), 0..codes.strips(), &group, &limits, &mut hits);
        let mut rows: Vec<u32> = hits.into_iter().map(|hit| hit.row).collect();
        rows.sort_unstable();
        rows
    };
    let codes = rows_in_codes(&rows, RowTest::for_distances);
    let bounds = QueryBounds::distances(&query, 0.0, SUMS).expect("a query with codes");
    for most in [f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(passing(&codes, bounds, most), [0, 1, 2], "{most}");
    }
    // All rows share the scale of the longest, so that the first ones are not told apart.
    assert!(!passing(&codes, bounds, 0.01).contains(&2));
    let codes = rows_in_codes(&rows, RowTest::for_products);
    let vector = [1.0, 0.1].into_iter();
    let bounds = QueryBounds::products(&query, vector, &[0.0; 2], SUMS).expect("with codes");
    for most in [f64::NAN, f64::INFINITY, 1e300, -1e300] {
        assert_eq!(passing(&codes, bounds, most), [0, 1, 2], "{most}");
    }
    assert!(!passing(&codes, bounds, -1.0).contains(&2));

    let nothing = Coded { scale: 0.0, length: 0.0, residual: 0.0 };
    assert!(QueryBounds::distances(&nothing, 0.0, SUMS).is_none());
    assert!(QueryBounds::products(&nothing, [0.0].into_iter(), &[0.0], SUMS).is_none());
    assert!(QueryBounds::distances(&query, f64::INFINITY, SUMS).is_none());
}
