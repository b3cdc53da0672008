//! Sums of differences on a grid: the same by each code, and a limit that excludes nothing within it.

use bigannoy_sketch::StrictError;
use bigannoy_sketch::scan::{
    GROUP, Grid, GridQueries, GridRows, Hit, Limit, QueryBounds, QueryLimits, ScanKernel,
};
use proptest::prelude::*;
use proptest::sample::select;

/// More than sums in double precision are off by in the dimensions of these tests.
const SUMS: StrictError = StrictError { relative: 1e-12, absolute: 0.0 };

fn rows_on(grid: &Grid, rows: &[Vec<f64>]) -> GridRows {
    let mut codes = GridRows::default();
    codes.resize(rows[0].len(), rows.len());
    for mut piece in codes.pieces_mut(1) {
        for row in piece.rows() {
            piece.set(row, grid, &rows[row]);
        }
    }
    codes
}

fn grid_for(rows: &[Vec<f64>]) -> Grid {
    Grid::new(rows[0].len(), rows.iter().map(Vec::as_slice))
}

fn queries_on(grid: &Grid, queries: &[Vec<f64>]) -> (GridQueries, [Option<QueryBounds>; GROUP]) {
    GridQueries::new(grid, queries.iter().map(Vec::as_slice), SUMS)
}

/// The hits in all rows in order, by each code that the processor has.
fn hits(rows: &GridRows, queries: &GridQueries, limits: &QueryLimits) -> Vec<Vec<Hit>> {
    let scan = |kernel: ScanKernel| {
        let mut hits = Vec::new();
        rows.scan(kernel, 0..rows.strips(), queries, limits, &mut hits);
        hits.sort_unstable_by_key(|hit| (hit.query, hit.row));
        hits
    };
    ScanKernel::all().into_iter().map(scan).collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

/// Elements of one magnitude, with much that is equal, cancels or stands out.
fn vector(dim: usize) -> impl Strategy<Value = Vec<f64>> {
    let scale = select(&[1.0, 1.0, 1.0, 1e-3, 1e6, 1e-300, 1e300, 0.0][..]);
    let element = prop_oneof![
        4 => -1.0f64..1.0,
        2 => (-2i8..=2).prop_map(f64::from),
        1 => select(&[5e-324, -1e-310, 1e15, -1e150, 1.7e308, 1.0 + 1e-15][..]),
        1 => (-1.0f64..1.0).prop_map(|x| 1e6 + 1e-6 * x),
    ];
    let ordinary = proptest::collection::vec(-1.0f64..1.0, dim);
    let any = proptest::collection::vec(element, dim);
    (prop_oneof![ordinary, any], scale).prop_map(|(vector, scale)| {
        vector.into_iter().map(|x: f64| (x * scale).clamp(f64::MIN, f64::MAX)).collect()
    })
}

type Vectors = Vec<Vec<f64>>;

/// Rows, up to four queries, and other rows that a grid may have been made for.
fn case() -> impl Strategy<Value = (Vectors, Vectors, Vectors)> {
    let dim = prop_oneof![8 => 1usize..20, 4 => 60usize..70, 1 => Just(4096usize)];
    dim.prop_flat_map(|dim| {
        let most = if dim > 100 { 3 } else { 70 };
        (
            proptest::collection::vec(vector(dim), 1..most),
            proptest::collection::vec(vector(dim), 1..=GROUP),
            proptest::collection::vec(vector(dim), 1..4),
        )
    })
}

proptest! {
    #[test]
    fn rows_pass_the_limit_that_they_are_within(
        (rows, queries, others) in case(),
        for_others: bool,
        which: proptest::sample::Index,
    ) {
        let grid = grid_for(if for_others { &others } else { &rows });
        let codes = rows_on(&grid, &rows);
        let (group, bounds) = queries_on(&grid, &queries);
        let row = which.index(rows.len());
        let mut limits = QueryLimits::NONE;
        for (at, query) in queries.iter().enumerate() {
            let bounds = bounds[at].expect("numbers have codes");
            limits.set(at, bounds.limit(distance(query, &rows[row])));
        }
        for hits in hits(&codes, &group, &limits) {
            for (at, query) in queries.iter().enumerate() {
                let limit = distance(query, &rows[row]);
                for (number, other) in rows.iter().enumerate() {
                    let passes = hits.iter().any(|hit| {
                        (hit.query as usize, hit.row as usize) == (at, number)
                    });
                    prop_assert!(
                        passes || distance(query, other) > limit,
                        "row {number}, query {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_code_finds_what_the_test_says(
        (rows, queries, _) in case(),
        gamma in prop_oneof![
            (-2000i16..100).prop_map(f32::from),
            select(&[f32::NAN, f32::MAX, f32::NEG_INFINITY, -0.5, 0.0][..]),
        ],
    ) {
        let grid = grid_for(&rows);
        let codes = rows_on(&grid, &rows);
        let (group, _) = queries_on(&grid, &queries);
        let with = |gamma: f32| {
            let mut limits = QueryLimits::NONE;
            for at in 0..queries.len() {
                limits.set(at, Limit { alpha: 1.0, beta: 1.0, gamma });
            }
            hits(&codes, &group, &limits)
        };
        let all = &with(f32::NEG_INFINITY)[0];
        prop_assert_eq!(all.len(), rows.len() * queries.len());
        let passing: Vec<Hit> = all
            .iter()
            .copied()
            .filter(|hit| hit.value(1.0) + hit.test.b >= gamma)
            .collect();
        for found in with(gamma) {
            prop_assert_eq!(&found, &passing);
        }
    }
}

/// A number from 0 to 1 that looks like any other.
fn scattered(number: u32) -> f64 {
    f64::from(number.wrapping_mul(0x9E37_79B9) ^ number.wrapping_mul(0x85EB_CA6B) >> 7)
        / f64::from(u32::MAX)
}

#[test]
fn most_rows_are_excluded_whatever_stands_out() {
    // Nothing stands out; a column does; rows do; a value does.
    let changes: [fn(usize, usize, f64) -> f64; 4] = [
        |_, _, x| x,
        |_, z, x| if z == 3 { 1e4 + 5.0 * x } else { x },
        |row, _, x| if row % 97 == 1 { x - 9999.0 } else { x },
        |row, z, x| if (row, z) == (500, 7) { 1e300 } else { x },
    ];
    let dim = 16;
    for (number, change) in changes.into_iter().enumerate() {
        let rows: Vec<Vec<f64>> = (0..2000usize)
            .map(|row| {
                let element = |z| {
                    let at = u32::try_from(row * dim + z).expect("small");
                    change(row, z, scattered(at))
                };
                (0..dim).map(element).collect()
            })
            .collect();
        let grid = grid_for(&rows);
        let codes = rows_on(&grid, &rows);
        let query = rows[42].clone();
        let (group, bounds) = queries_on(&grid, std::slice::from_ref(&query));
        let mut distances: Vec<f64> = rows.iter().map(|row| distance(&query, row)).collect();
        distances.sort_unstable_by(f64::total_cmp);
        let mut limits = QueryLimits::NONE;
        limits.set(0, bounds[0].expect("numbers have codes").limit(distances[9]));
        for hits in hits(&codes, &group, &limits) {
            assert!((10..=100).contains(&hits.len()), "{} pass, change {number}", hits.len());
        }
    }
}

#[test]
fn what_says_nothing_lets_every_row_pass() {
    let rows = vec![vec![1.0, f64::NAN], vec![1.0, 1.0], vec![9.0, 1.0]];
    let grid = grid_for(&rows[1..]);
    let codes = rows_on(&grid, &rows);
    let (group, bounds) = queries_on(&grid, &[vec![1.0, 1.0], vec![f64::NAN, 0.0]]);
    assert!(bounds[1].is_none());
    let known = bounds[0].expect("numbers have codes");
    let passing = |limit: Limit| {
        let mut limits = QueryLimits::NONE;
        limits.set(0, limit);
        let mut all = hits(&codes, &group, &limits);
        let found = all.pop().expect("some code");
        assert!(all.into_iter().all(|other| other == found));
        for hit in &found {
            assert!(!limit.excludes(hit.value(limit.alpha), hit.test.b));
            assert_eq!(hit.row == 0, known.estimate(hit).is_infinite());
        }
        found.into_iter().map(|hit| hit.row).collect::<Vec<u32>>()
    };
    for most in [f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(passing(known.limit(most)), [0, 1, 2], "{most}");
    }
    assert_eq!(passing(known.limit(0.0)), [0, 1]);
    assert_eq!(passing(Limit::NONE), []);
}
