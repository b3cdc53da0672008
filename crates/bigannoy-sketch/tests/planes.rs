//! Margins are within their errors, whatever the values.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use bigannoy_metric::kernel;
use bigannoy_sketch::{Kernel, PlaneQuery, PlaneTable, Planes, Shape};
use proptest::prelude::*;

/// Compares margins of each code with the defined ones and with those from a table, and returns the errors.
fn check(planes: &[(Vec<f32>, f32)], query: &[f32]) -> Vec<f32> {
    let dim = query.len();
    let count = u32::try_from(planes.len()).unwrap();
    let mut records = Planes::new(dim, count).unwrap();
    for mut piece in records.pieces_mut(3) {
        for plane in piece.planes() {
            let (normal, offset) = &planes[plane as usize];
            piece.set(plane, normal, *offset, !plane);
        }
    }
    let mut all = Vec::new();
    for code in Kernel::all() {
        let mut coded = PlaneQuery::new(dim, code);
        if !coded.set(query) {
            return Vec::new();
        }
        let (mut errors, mut bits) = (Vec::new(), Vec::new());
        // All but the last, so that there may be none.
        let mut table = Vec::new();
        coded.all_margins(&PlaneTable::of_first(&records, count - 1), &mut table);
        for first in 0..count {
            let which = std::array::from_fn(|lane| (first + u32::try_from(lane).unwrap()) % count);
            let read = coded.margins(&records, &which);
            for (lane, plane) in which.into_iter().enumerate() {
                let (normal, offset) = &planes[plane as usize];
                let defined = offset + kernel::dot(normal, query);
                let (margin, error) = (read.margins[lane], read.errors[lane]);
                assert!(margin.is_finite() && error > 0.0, "{margin} {error}");
                assert!(
                    margin - error <= defined && defined <= margin + error
                        || defined.is_nan() && error == f32::INFINITY,
                    "{} {margin} {error} {defined}: {query:?} {normal:?} {offset}",
                    code.name()
                );
                assert_eq!(read.words[lane], !plane);
                if plane < count - 1 {
                    let (group, place) = (&table[plane as usize / 8], plane as usize % 8);
                    assert_eq!(group.margins[place].to_bits(), margin.to_bits());
                    assert_eq!(group.errors[place].to_bits(), error.to_bits());
                    assert_eq!(group.words[place], !plane);
                }
                bits.push([margin.to_bits(), error.to_bits()]);
            }
            errors.push(read.errors[0]);
        }
        all.push((errors, bits));
    }
    assert!(all.iter().all(|(_, bits)| *bits == all[0].1), "every code, the same bits");
    all.swap_remove(0).0
}

/// Values of one vector: usual, whole, huge, tiny, of all magnitudes at once, or no numbers.
fn values(dim: usize) -> impl Strategy<Value = Vec<f32>> {
    let usual = proptest::collection::vec(-3f32..3.0, dim);
    let whole = proptest::collection::vec((-4i8..5).prop_map(f32::from), dim);
    let scaled = (usual.clone(), prop_oneof![-14i32..15, -45i32..38])
        .prop_map(|(values, power)| values.iter().map(|x| x * 10f32.powi(power)).collect());
    let mixed = proptest::collection::vec(
        (-3f32..3.0, -8i32..9).prop_map(|(x, power)| x * 10f32.powi(power)),
        dim,
    );
    let one = (0..dim, -1e9f32..1e9).prop_map(move |(at, x)| {
        let mut values = vec![0.0; dim];
        values[at] = x;
        values
    });
    let any = proptest::collection::vec(any::<f32>(), dim);
    prop_oneof![4 => usual, 2 => whole, 2 => scaled, 1 => mixed, 1 => one, 1 => any]
}

/// A query and planes, some of them through the query, all but for a few last bits.
fn cases() -> impl Strategy<Value = (Vec<f32>, Vec<(Vec<f32>, f32)>)> {
    let dims = prop_oneof![Just(1), Just(24), Just(50), Just(57), 1usize..200];
    dims.prop_flat_map(|dim| {
        let offsets = prop_oneof![3 => -5f32..5.0, 1 => Just(0.0), 1 => any::<f32>()];
        let through = proptest::option::of(-2i32..3);
        let plane = (values(dim), offsets, through);
        (values(dim), proptest::collection::vec(plane, 1..20)).prop_map(|(query, planes)| {
            let planes = planes.into_iter().map(|(normal, offset, through)| match through {
                None => (normal, offset),
                Some(steps) => {
                    let bits = (-kernel::dot(&normal, &query)).to_bits();
                    (normal, f32::from_bits(bits.wrapping_add_signed(steps)))
                }
            });
            let planes = planes.collect();
            (query, planes)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn margins_are_within_their_errors((query, planes) in cases()) {
        check(&planes, &query);
    }
}

#[test]
fn errors_are_small_where_values_are_usual() {
    let value = |row: u32, column: u32| {
        f32::from(u16::try_from((row * 7919 + column * 104_729) % 1009).unwrap()) / 504.5 - 1.0
    };
    let vector = |row| -> Vec<f32> { (0..50).map(|column| value(row, column)).collect() };
    let planes: Vec<(Vec<f32>, f32)> = (1..40).map(|row| (vector(row), 0.1)).collect();
    let query = vector(0);
    let length = kernel::dot(&query, &query).sqrt();
    for (error, (normal, _)) in check(&planes, &query).into_iter().zip(&planes) {
        assert!(error < 5e-4 * length * kernel::dot(normal, normal).sqrt(), "{error}");
    }
}

#[test]
fn nothing_is_known_of_planes_that_were_not_set() {
    let planes = Planes::new(3, 2).unwrap();
    let mut query = PlaneQuery::new(3, Kernel::new());
    assert!(query.set(&[1.0, -2.0, 3.0]));
    let read = query.margins(&planes, &[0, 1, 0, 1, 0, 1, 0, 1]);
    assert_eq!((read.margins, read.errors), ([0.0; 8], [f32::INFINITY; 8]));
}

#[test]
fn nothing_is_known_of_planes_that_are_out_of_range() {
    let planes = [
        (vec![f32::NAN, 1.0], 0.0),
        (vec![1e16, 1.0], 0.0),
        (vec![1e-16, 0.0], 0.0),
        (vec![1.0, 1.0], f32::INFINITY),
        (vec![1.0, 1.0], f32::NAN),
    ];
    assert_eq!(check(&planes, &[1.0, 2.0]), [f32::INFINITY; 5]);
    assert_eq!(check(&planes, &[0.0, 0.0]), [f32::INFINITY; 5]);
    for bad in [f32::NAN, f32::INFINITY, 1e16, 1e-16] {
        assert!(!PlaneQuery::new(2, Kernel::new()).set(&[bad, 0.0]), "{bad}");
    }
}

/// The longest sums of codes that there are: all of one sign, in few and in many dimensions.
#[test]
fn sums_of_codes_fit() {
    for dim in [1, 2, 50, 4096, Shape::MAX_DIM] {
        for values in [vec![1.0; dim], vec![-1.0; dim]] {
            let errors = check(&[(vec![1.0; dim], 0.5), (vec![-1.0; dim], 0.5)], &values);
            assert_eq!(errors.len(), 2);
        }
    }
    assert!(Planes::new(0, 1).is_none() && Planes::new(Shape::MAX_DIM + 1, 1).is_none());
}
