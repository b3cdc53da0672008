//! Any finite rows, with any generator: an index that is whole, the same on any number of threads,
//! and that finds what is in it.
#![no_main]

use arbitrary::Arbitrary;
use bigannoy_build::Generator;
use bigannoy_metric::Metric;
use bigannoy_tests::any_input::{self, BuilderInput};
use libfuzzer_sys::fuzz_target;

/// More would make an execution slow and show nothing new.
const MOST_ITEMS: u16 = 400;

#[derive(Arbitrary, Debug)]
struct Input {
    metric: u8,
    generator: u8,
    dim: u8,
    trees: u8,
    seed: u64,
    items: u16,
    distinct: u16,
    palette: Vec<u32>,
}

fuzz_target!(|input: Input| {
    any_input::builder(&BuilderInput {
        metric: Metric::OF_NUMBERS[usize::from(input.metric) % Metric::OF_NUMBERS.len()],
        generator: Generator::ALL[usize::from(input.generator) % Generator::ALL.len()],
        dim: usize::from(input.dim % 64) + 1,
        trees: usize::from(input.trees % 4) + 1,
        seed: input.seed,
        n_items: usize::from(input.items % MOST_ITEMS) + 1,
        distinct: usize::from(input.distinct),
        palette: input.palette,
    });
});
