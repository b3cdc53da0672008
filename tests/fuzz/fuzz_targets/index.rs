//! Any bytes: refused, found to be damaged, or searched to the end with neighbors that are ranked.
#![no_main]

use arbitrary::Arbitrary;
use bigannoy_tests::any_input::{self, IndexChange, IndexContent, IndexInput};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    metric: u8,
    unusual_layout: bool,
    dim: u8,
    k: u8,
    search_k: u16,
    query: Vec<f32>,
    content: Content,
}

#[derive(Arbitrary, Debug)]
enum Content {
    Raw(Vec<u32>),
    Damaged { n_items: u8, trees: u8, cut: u16, changes: Vec<(u16, Change)> },
}

#[derive(Arbitrary, Debug)]
enum Change {
    Bits(u32),
    Small(u8),
    Swap(u16),
}

fuzz_target!(|input: Input| {
    let Input { metric, unusual_layout, dim, k, search_k, query, content } = input;
    let content = match content {
        Content::Raw(words) => IndexContent::Raw(words),
        Content::Damaged { n_items, trees, cut, changes } => {
            let changes = changes.into_iter().map(|(at, change)| (at, as_is(&change))).collect();
            IndexContent::Damaged { n_items, trees, cut, changes }
        }
    };
    any_input::index(IndexInput { metric, unusual_layout, dim, k, search_k, query, content });
});

fn as_is(change: &Change) -> IndexChange {
    match *change {
        Change::Bits(bits) => IndexChange::Bits(bits),
        Change::Small(value) => IndexChange::Small(value),
        Change::Swap(with) => IndexChange::Swap(with),
    }
}
