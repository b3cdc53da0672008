//! The bounds hold, whatever the values.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use bigannoy_metric::{Metric, Prepared, kernel};
use bigannoy_sketch::{Kernel, Shape, Sketch, SketchQuery};
use proptest::prelude::*;

const METRICS: [Metric; 3] = [Metric::Euclidean, Metric::Angular, Metric::Dot];

fn sketch_of(metric: Metric, dim: usize, items: &[Vec<f32>], lengths: &[Option<f32>]) -> Sketch {
    let shape = Shape::new(metric, dim).unwrap();
    let mut sketch = Sketch::new(shape, u32::try_from(items.len()).unwrap()).unwrap();
    for mut piece in sketch.pieces_mut(3) {
        for item in piece.items() {
            piece.set(item, &items[item as usize], lengths[item as usize]);
        }
    }
    sketch
}

/// Compares bounds of each code with the distances, and returns the bounds.
fn check(
    metric: Metric,
    items: &[Vec<f32>],
    lengths: &[Option<f32>],
    query: &[f32],
) -> Vec<[f32; 2]> {
    let dim = query.len();
    let sketch = sketch_of(metric, dim, items, lengths);
    let ids: Vec<u32> = (0..sketch.n_items()).rev().collect();
    let prepared = Prepared::new(metric, query);
    let mut all: Vec<Vec<[f32; 2]>> = Vec::new();
    for code in Kernel::all() {
        let mut bounds = SketchQuery::new(sketch.shape(), code);
        if !bounds.set(query) {
            return Vec::new();
        }
        let (mut lower, mut upper) = (vec![0.0; ids.len()], vec![0.0; ids.len()]);
        bounds.bounds(&sketch, &ids, &mut lower, &mut upper);
        for (at, &item) in ids.iter().enumerate() {
            let item = item as usize;
            let distance = prepared.comparable(&items[item], lengths[item]);
            let unknown = upper[at] == f32::INFINITY;
            assert!(
                lower[at] <= distance && distance <= upper[at] || distance.is_nan() && unknown,
                "{metric} {} {distance} {}..{}: {query:?} {:?}",
                code.name(),
                lower[at],
                upper[at],
                items[item]
            );
            assert!(!lower[at].is_nan() && lower[at] <= upper[at]);
        }
        all.push(lower.into_iter().zip(upper).map(|(low, high)| [low, high]).collect());
    }
    let bits = |bounds: &Vec<[f32; 2]>| -> Vec<[u32; 2]> {
        bounds.iter().map(|pair| pair.map(f32::to_bits)).collect()
    };
    assert!(all.iter().all(|other| bits(other) == bits(&all[0])), "every code, the same bits");
    all.swap_remove(0)
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
    let spike = (usual.clone(), 0..dim, -1e9f32..1e9).prop_map(|(mut values, at, x)| {
        values[at] = x;
        values
    });
    let any = proptest::collection::vec(any::<f32>(), dim);
    prop_oneof![4 => usual, 2 => whole, 2 => scaled, 1 => mixed, 1 => spike, 1 => any]
}

/// A query and items, some of them all but equal to the query or its opposite.
fn cases() -> impl Strategy<Value = (Vec<f32>, Vec<Vec<f32>>)> {
    let dims = prop_oneof![Just(1), Just(2), Just(50), Just(53), Just(117), 1usize..200];
    dims.prop_flat_map(|dim| {
        let near = (any::<bool>(), 0..dim, -2i32..3).prop_map(|near| (None, near));
        let far = values(dim).prop_map(|item| (Some(item), (false, 0, 0)));
        let items = proptest::collection::vec(prop_oneof![2 => far, 1 => near], 1..20);
        (values(dim), items).prop_map(|(query, items)| {
            let items = items
                .into_iter()
                .map(|(item, (opposite, at, steps))| {
                    item.unwrap_or_else(|| {
                        let mut item = query.clone();
                        item[at] = f32::from_bits(item[at].to_bits().wrapping_add_signed(steps));
                        if opposite {
                            item = item.iter().map(|x| -x).collect();
                        }
                        item
                    })
                })
                .collect();
            (query, items)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn distances_are_within_their_bounds((query, items) in cases(), wrong in -1f32..1.0) {
        for metric in METRICS {
            let lengths: Vec<Option<f32>> = items.iter().enumerate().map(|(at, item)| match at % 3 {
                0 => None,
                1 => Some(kernel::dot(item, item)),
                // What a damaged file says.
                _ => Some(kernel::dot(item, item) * wrong),
            }).collect();
            check(metric, &items, &lengths, &query);
        }
    }
}

#[test]
fn bounds_are_narrow_where_values_are_usual() {
    // Whatever fixed numbers: bounds a tenth of the distances apart would exclude little.
    let value = |row: u32, column: u32| {
        f32::from(u16::try_from((row * 7919 + column * 104_729) % 1009).unwrap()) / 504.5 - 1.0
    };
    let vector = |row| -> Vec<f32> { (0..50).map(|column| value(row, column)).collect() };
    let items: Vec<Vec<f32>> = (1..40).map(vector).collect();
    for metric in METRICS {
        let bounds = check(metric, &items, &vec![None; items.len()], &vector(0));
        let scale = kernel::dot(&items[0], &items[0]);
        let scale = if metric == Metric::Angular { 1.0 } else { scale };
        for [lower, upper] in bounds {
            assert!(upper - lower < 0.1 * scale, "{metric}: {lower} {upper}");
        }
    }
}

#[test]
fn nothing_is_known_of_items_that_were_not_set() {
    for metric in METRICS {
        let sketch = Sketch::new(Shape::new(metric, 3).unwrap(), 9).unwrap();
        let mut query = SketchQuery::new(sketch.shape(), Kernel::new());
        assert!(query.set(&[1.0, 2.0, 3.0]));
        let (mut lower, mut upper) = ([1.0; 2], [1.0; 2]);
        query.bounds(&sketch, &[8, 0], &mut lower, &mut upper);
        assert_eq!((lower, upper), ([f32::NEG_INFINITY; 2], [f32::INFINITY; 2]));
    }
}

/// Many terms, all of one sign or cancelling: where a strict sum strays farthest.
#[test]
fn long_sums_stay_within_their_bounds() {
    for dim in [4096, Shape::MAX_DIM] {
        let ramp = |step: f32| -> Vec<f32> {
            (0..dim).map(|at| 1.0 + step * f32::from(u16::try_from(at % 251).unwrap())).collect()
        };
        let signs = |items: Vec<f32>| -> Vec<f32> {
            items.iter().enumerate().map(|(at, x)| if at % 2 == 0 { *x } else { -x }).collect()
        };
        let items = vec![ramp(0.003), ramp(1e-7), signs(ramp(0.01)), signs(ramp(0.0))];
        for metric in METRICS {
            check(metric, &items, &vec![None; items.len()], &ramp(0.003));
            check(metric, &items, &vec![None; items.len()], &signs(ramp(0.0)));
        }
    }
}
