//! Scans find the pairs that pass, whatever the code and the dimension.

use bigannoy_sketch::scan::{
    GROUP, Hit, NarrowPlace, NarrowQueries, NarrowRows, QueryCodes, QueryLimits, RowCodes, RowTest,
    STRIP, ScanKernel, narrow_vector,
};
use proptest::prelude::*;

/// The hits of one group of queries in all rows, in order, by each code that the processor has.
fn hits(rows: &[Vec<f64>], queries: &[Vec<f64>], gamma: f32) -> Vec<Vec<Hit>> {
    let dim = rows[0].len();
    let mut codes = RowCodes::default();
    codes.resize(dim, rows.len());
    for mut piece in codes.pieces_mut(2) {
        for row in piece.rows() {
            piece.set(row, &rows[row], 0.0, |_| RowTest { scale: 1.0, a: 0.0, b: 0.0 });
        }
    }
    let (query_codes, _) = QueryCodes::new(dim, queries.iter().map(Vec::as_slice));
    let limits = QueryLimits { alpha: [1.0; GROUP], beta: [1.0; GROUP], gamma: [gamma; GROUP] };
    let strips = 0..rows.len().div_ceil(STRIP);
    let scan = |kernel: ScanKernel| {
        let mut hits = Vec::new();
        codes.scan(kernel, strips.clone(), &query_codes, &limits, &mut hits);
        hits.retain(|hit| (hit.row as usize) < rows.len() && (hit.query as usize) < queries.len());
        hits.sort_unstable_by_key(|hit| (hit.query, hit.row));
        hits
    };
    ScanKernel::all().into_iter().map(scan).collect()
}

/// Vectors whose codes are as long as they can be, or as uneven.
fn vector(dim: usize) -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        proptest::collection::vec(-1.0f64..1.0, dim),
        proptest::collection::vec(prop_oneof![Just(1.0), Just(-1.0)], dim),
        (any::<bool>(), 0..dim).prop_map(move |(down, at)| {
            let mut vector = vec![if down { -1e-3 } else { 1.0 }; dim];
            vector[at] = -1.0;
            vector
        }),
        Just(vec![0.0; dim]),
    ]
}

proptest! {
    #[test]
    fn every_code_finds_the_same_products(
        (rows, queries) in prop_oneof![1usize..12, 60usize..70, 120usize..300].prop_flat_map(|dim| (
            proptest::collection::vec(vector(dim), 1..40),
            proptest::collection::vec(vector(dim), 1..=GROUP),
        )),
    ) {
        let all = hits(&rows, &queries, f32::NEG_INFINITY);
        prop_assert_eq!(all[0].len(), rows.len() * queries.len());
        for other in &all {
            prop_assert_eq!(other, &all[0]);
        }
        // Whole numbers below 2^24 are compared exactly.
        let middle = all[0][all[0].len() / 2].product;
        if middle.unsigned_abs() < 1 << 24 {
            #[expect(clippy::cast_precision_loss, reason = "less than 2^24")]
            let gamma = middle as f32;
            let passing: Vec<Hit> =
                all[0].iter().copied().filter(|hit| hit.product >= middle).collect();
            for found in hits(&rows, &queries, gamma) {
                prop_assert_eq!(&found, &passing);
            }
        }
    }
}

proptest! {
    #[test]
    fn groups_can_be_made_of_queries_of_others(
        (rows, queries) in (1..=NarrowRows::MOST_DIM).prop_flat_map(|dim| (
            proptest::collection::vec(vector(dim), 1..40),
            proptest::collection::vec(vector(dim), 9),
        )),
        which in proptest::collection::vec(0u32..9, 1..=GROUP),
    ) {
        let dim = rows[0].len();
        let slices: Vec<&[f64]> = queries.iter().map(Vec::as_slice).collect();
        let picked: Vec<&[f64]> = which.iter().map(|&at| slices[at as usize]).collect();
        let mut wide = RowCodes::default();
        wide.resize(dim, rows.len());
        for mut piece in wide.pieces_mut(9) {
            for row in piece.rows() {
                piece.set(row, &rows[row], 0.0, |_| RowTest { scale: 1.0, a: 2.0, b: 3.0 });
            }
        }
        let mut narrow = NarrowRows::default();
        narrow.resize(dim, (0u32..).take(rows.len()));
        for mut strip in narrow.strips_mut() {
            let place = |row: u32| narrow_vector(&rows[row as usize]);
            strip.set(place, |_| RowTest { scale: 1.0, a: 2.0, b: 3.0 });
        }
        let all = f32::NEG_INFINITY;
        let limits = QueryLimits { alpha: [1.0; GROUP], beta: [1.0; GROUP], gamma: [all; GROUP] };
        let wanted = |mut hits: Vec<Hit>| {
            hits.retain(|hit| (hit.row as usize) < rows.len() && (hit.query as usize) < which.len());
            hits.sort_unstable_by_key(|hit| (hit.query, hit.row));
            hits
        };
        let of_wide = |group: &QueryCodes| {
            let mut hits = Vec::new();
            let strips = 0..rows.len().div_ceil(STRIP);
            wide.scan(ScanKernel::new(), strips, group, &limits, &mut hits);
            wanted(hits)
        };
        let of_narrow = |group: &NarrowQueries| {
            let mut hits = Vec::new();
            narrow.scan(ScanKernel::new(), 0..narrow.strips(), group, &limits, &mut hits);
            wanted(hits)
        };
        let new = |four: &[&[f64]]| QueryCodes::new(dim, four.iter().copied()).0;
        let groups: Vec<QueryCodes> = slices.chunks(GROUP).map(new).collect();
        let mut group = new(&[]);
        for (place, &query) in which.iter().enumerate() {
            group.take(place, &groups[query as usize / GROUP], query as usize % GROUP);
        }
        prop_assert_eq!(of_wide(&group), of_wide(&new(&picked)));
        let test = RowTest { scale: 1.0, a: 2.0, b: 3.0 };
        prop_assert!(of_wide(&group).iter().all(|hit| hit.test == test));
        let new = |four: &[&[f64]]| NarrowQueries::new(dim, four.iter().copied()).0;
        let groups: Vec<NarrowQueries> = slices.chunks(GROUP).map(new).collect();
        let mut group = new(&[]);
        for (place, &query) in which.iter().enumerate() {
            group.take(place, &groups[query as usize / GROUP], query as usize % GROUP);
        }
        prop_assert_eq!(of_narrow(&group), of_narrow(&new(&picked)));
        prop_assert!(of_narrow(&group).iter().all(|hit| hit.test == test));
    }
}

#[test]
fn no_row_passes_what_is_no_number_and_unknown_rows_pass_all_else() {
    let rows = vec![vec![1.0, f64::NAN], vec![1.0, 1.0]];
    let queries = vec![vec![1.0, 0.5]];
    for (gamma, expected) in [(f32::NAN, 0), (f32::MAX, 1), (f32::NEG_INFINITY, 2)] {
        for found in hits(&rows, &queries, gamma) {
            assert_eq!(found.len(), expected, "{gamma}");
        }
    }
}

#[test]
fn products_are_those_of_the_largest_codes() {
    // One element each: 63 and 127 of them, and no pair of sums saturates.
    for dim in [1, 2, 4] {
        let (rows, queries) = (vec![vec![-2.0; dim]], vec![vec![5.0; dim]]);
        for found in hits(&rows, &queries, f32::NEG_INFINITY) {
            let pairs = i32::try_from(dim).expect("small");
            assert_eq!(found[0].product, -63 * 127 * pairs, "{dim}");
        }
    }
}

/// The hits among narrow rows, by each code, with limits that say no more than `gamma` of the product.
fn narrow_hits(rows: &[Vec<f64>], queries: &[Vec<f64>], gamma: f32) -> Vec<Vec<Hit>> {
    let dim = rows[0].len();
    let mut codes = NarrowRows::default();
    let place = |row: &Vec<f64>| NarrowPlace::new(&narrow_vector(row).0, 0.0);
    let places: Vec<NarrowPlace> = rows.iter().map(place).collect();
    let mut order: Vec<u32> = (0u32..).take(rows.len()).collect();
    order.sort_by_key(|&row| places[row as usize]);
    codes.resize(dim, order);
    for mut strip in codes.strips_mut() {
        let place = |row: u32| narrow_vector(&rows[row as usize]);
        strip.set(place, |_| RowTest { scale: 1.0, a: 0.0, b: 0.0 });
    }
    let (query_codes, _) = NarrowQueries::new(dim, queries.iter().map(Vec::as_slice));
    let limits = QueryLimits { alpha: [1.0; GROUP], beta: [1.0; GROUP], gamma: [gamma; GROUP] };
    let scan = |kernel: ScanKernel| {
        let mut hits = Vec::new();
        codes.scan(kernel, 0..codes.strips(), &query_codes, &limits, &mut hits);
        hits.retain(|hit| (hit.query as usize) < queries.len());
        hits.sort_unstable_by_key(|hit| (hit.query, hit.row));
        hits
    };
    ScanKernel::all().into_iter().map(scan).collect()
}

proptest! {
    #[test]
    fn every_code_finds_the_same_products_of_narrow_rows(
        (rows, queries) in (1..=NarrowRows::MOST_DIM).prop_flat_map(|dim| (
            proptest::collection::vec(vector(dim), 1..80),
            proptest::collection::vec(vector(dim), 1..=GROUP),
        )),
    ) {
        let all = narrow_hits(&rows, &queries, f32::NEG_INFINITY);
        prop_assert_eq!(all[0].len(), rows.len() * queries.len());
        for other in &all {
            prop_assert_eq!(other, &all[0]);
        }
        let middle = all[0][all[0].len() / 2].product;
        #[expect(clippy::cast_precision_loss, reason = "16 bits")]
        let gamma = middle as f32;
        let passing: Vec<Hit> =
            all[0].iter().copied().filter(|hit| hit.product >= middle).collect();
        for found in narrow_hits(&rows, &queries, gamma) {
            prop_assert_eq!(&found, &passing);
        }
    }
}

#[test]
fn no_narrow_row_passes_what_is_no_number_and_unknown_rows_pass_all_else() {
    let rows = vec![vec![1.0, f64::NAN], vec![1.0, 1.0]];
    for (gamma, expected) in [(f32::NAN, 0), (f32::MAX, 1), (f32::NEG_INFINITY, 2)] {
        for found in narrow_hits(&rows, &[vec![1.0, 0.5]], gamma) {
            assert_eq!(found.len(), expected, "{gamma}");
        }
    }
}

#[test]
fn operations_at_the_peak_are_counted_and_done() {
    for kernel in ScanKernel::all() {
        let (none, before) = kernel.peak(0);
        let (some, after) = kernel.peak(5);
        assert_eq!((none, some), (0, 5 * 2 * 12 * 32), "{}", kernel.name());
        assert_ne!(before, after, "{}", kernel.name());
    }
}
