//! The bodies of the fuzz targets `builder` and `index`, over rows of every kind and damaged indexes.

use bigannoy::{Generator, Metric};
use bigannoy_tests::any_input::{self, BuilderInput, IndexChange, IndexContent, IndexInput};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::cases;

/// Numbers of which rows are made: few or many, near each other or of all magnitudes.
fn palettes() -> impl Strategy<Value = Vec<u32>> {
    let bits =
        |values: &[f32]| Just(values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    let ordinary = (-1000..1000_i16).prop_map(|value| (f32::from(value) / 64.0).to_bits());
    prop_oneof![
        4 => vec(ordinary, 1..40),
        1 => Just(Vec::new()), // zeros
        1 => bits(&[1.0, -1.0]),
        1 => bits(&[f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, -1e-45]),
        1 => bits(&[1e-30, 2e-30, -3e-30]),
        1 => bits(&[1e18, -2e18, 1e19]),
        // Each a hundred times the one before: most splits take off an end.
        1 => Just((-18..18).map(|power| 100.0_f32.powi(power).to_bits()).collect()),
        2 => vec(any::<u32>(), 1..40),
    ]
}

fn built() -> impl Strategy<Value = BuilderInput> {
    let dim = prop_oneof![1 => Just(1), 3 => 2..20_usize, 1 => 20..65_usize];
    let n_items = prop_oneof![1 => 1..4_usize, 4 => 4..250_usize];
    let distinct = prop_oneof![1 => Just(1), 1 => 2..20_usize, 2 => Just(usize::MAX)];
    let how = (select(Metric::OF_NUMBERS.to_vec()), select(Generator::ALL.to_vec()), 1..4_usize);
    (how, dim, n_items, distinct, any::<u64>(), palettes()).prop_map(
        |((metric, generator, trees), dim, n_items, distinct, seed, palette)| BuilderInput {
            metric,
            generator,
            dim,
            trees,
            seed,
            n_items,
            distinct,
            palette,
        },
    )
}

fn asked() -> impl Strategy<Value = IndexInput> {
    let change = prop_oneof![
        any::<u32>().prop_map(IndexChange::Bits),
        any::<u8>().prop_map(IndexChange::Small),
        any::<u16>().prop_map(IndexChange::Swap),
    ];
    let changes = vec((any::<u16>(), change), 0..12);
    let cut = prop_oneof![3 => Just(0), 1 => any::<u16>()];
    let damaged =
        (any::<u8>(), any::<u8>(), cut, changes).prop_map(|(n_items, trees, cut, changes)| {
            IndexContent::Damaged { n_items, trees, cut, changes }
        });
    let word = prop_oneof![2 => 0..12_u32, 1 => any::<u32>()];
    let content = prop_oneof![
        1 => vec(word, 0..300).prop_map(IndexContent::Raw),
        4 => damaged,
    ];
    let number = prop_oneof![4 => -20.0..20.0_f32, 1 => any::<f32>()];
    let asked = (any::<u8>(), any::<bool>(), any::<u8>(), any::<u8>(), any::<u16>());
    (asked, vec(number, 0..13), content).prop_map(
        |((metric, unusual_layout, dim, k, search_k), query, content)| IndexInput {
            metric,
            unusual_layout,
            dim,
            k,
            search_k,
            query,
            content,
        },
    )
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn any_rows_make_an_index_that_is_whole(input in built()) {
        any_input::builder(&input);
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_index_is_refused_or_searched_to_the_end(input in asked()) {
        any_input::index(input);
    }
}

/// What is named as degenerate, in every metric and with all generators; beyond one leaf where it can
/// be.
#[test]
fn degenerate_rows_make_an_index_that_is_whole() {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let few = bits(&[0.25, -0.75, 0.5]);
    for (n_items, dim, distinct, palette) in [
        (1, 1, 1, few.clone()),
        (1, 4096, 1, few.clone()),
        (40, 4096, usize::MAX, few.clone()),
        (1000, 1, usize::MAX, bits(&[])),
        (3000, 3, 1, few.clone()),
        (1000, 3, 2, few.clone()),
        (1000, 1, usize::MAX, few),
        (1000, 2, usize::MAX, bits(&[f32::MAX, f32::MIN, 1.0])),
        (1000, 2, usize::MAX, bits(&[1e-45, -1e-45, 1e-38])),
        (1000, 2, usize::MAX, bits(&[f32::MAX, 1e-45])),
    ] {
        for metric in Metric::OF_NUMBERS {
            for generator in Generator::ALL {
                // A multiple of four has it built on two threads as well.
                let (trees, seed, palette) = (2, 4, palette.clone());
                any_input::builder(&BuilderInput {
                    metric,
                    generator,
                    dim,
                    trees,
                    seed,
                    n_items,
                    distinct,
                    palette,
                });
            }
        }
    }
}

/// More items than a leaf of 4,096 dimensions holds.
#[test]
fn trees_of_the_widest_rows_are_whole() {
    any_input::builder(&BuilderInput {
        metric: Metric::Euclidean,
        generator: Generator::Default,
        dim: 4096,
        trees: 1,
        seed: 1,
        n_items: 4200,
        distinct: 50,
        palette: [0.25_f32, -0.75, 0.5].map(f32::to_bits).to_vec(),
    });
}
