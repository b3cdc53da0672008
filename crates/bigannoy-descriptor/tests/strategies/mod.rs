//! Descriptors of every kind that can be made.

use bigannoy_descriptor::{ByteString, Descriptor, DescriptorBuilder, ElementType, MAX_EXTENT};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Strings that R can hold: any bytes but NUL, with a taste for those that need an escape.
fn strings() -> impl Strategy<Value = ByteString> {
    let bytes = prop_oneof![
        vec(1_u8..=255, 0..20),
        vec(select(b"\"\\'`\n\r\t\x01\x7fx0a9 \xe9\xc3".to_vec()), 0..20),
        "\\PC{0,12}".prop_map(String::into_bytes),
        "[\u{80}-\u{a0}\u{2028}\u{10ffff}]{0,6}".prop_map(String::into_bytes),
    ];
    bytes.prop_map(ByteString::from)
}

fn file_names() -> impl Strategy<Value = ByteString> {
    strings()
        .prop_filter("a file name", |name| !name.is_empty() && !name.as_bytes().contains(&b'/'))
}

/// Stored extents of every size, those around 2³¹ and 2³² among them.
fn totals() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 1..12_u64,
        1 => 1..=MAX_EXTENT,
        1 => (0..63_u32, 0..3_u64).prop_map(|(bit, more)| {
            ((1 << bit) + more).saturating_sub(1).clamp(1, MAX_EXTENT)
        }),
        1 => (0..16_u32).prop_map(|digits| 10_u64.pow(digits)),
    ]
}

/// A stored extent and a window of it.
fn extents() -> impl Strategy<Value = (u64, std::ops::Range<u64>)> {
    totals().prop_flat_map(|total| {
        let whole = Just((total, 0..total));
        let part = (0..total).prop_flat_map(move |start| {
            (Just(start), start + 1..=total).prop_map(move |(start, end)| (total, start..end))
        });
        prop_oneof![whole, part]
    })
}

/// As many names as an axis is long, if that is not too many.
fn names(len: u64) -> BoxedStrategy<Option<Vec<ByteString>>> {
    match usize::try_from(len) {
        Ok(len) if len < 20 => option::of(vec(strings(), len)).boxed(),
        _ => Just(None).boxed(),
    }
}

fn builders() -> impl Strategy<Value = DescriptorBuilder> {
    let elements = select(ElementType::ALL.to_vec());
    let shape = (extents(), extents()).prop_flat_map(|(rows, cols)| {
        let names = (names(rows.1.end - rows.1.start), names(cols.1.end - cols.1.start));
        (Just(rows), Just(cols), names)
    });
    let storage = (any::<bool>(), file_names(), strings(), any::<bool>());
    (elements, shape, storage).prop_map(|(element, (rows, cols, names), storage)| {
        let (in_files, name, dirname, separated) = storage;
        let mut builder = if in_files {
            Descriptor::file_backed(name, dirname, element, rows.0, cols.0)
        } else {
            Descriptor::shared_memory(name, element, rows.0, cols.0)
        };
        builder = builder.separated(separated).rows(rows.1).cols(cols.1);
        if let Some(names) = names.0 {
            builder = builder.row_names(names);
        }
        if let Some(names) = names.1 {
            builder = builder.col_names(names);
        }
        builder
    })
}

/// Descriptors; those of too many elements are made separated, which leaves room for more.
pub(crate) fn descriptors() -> impl Strategy<Value = Descriptor> {
    builders().prop_map(|builder| {
        let separated = builder.clone().separated(true);
        builder.build().or_else(|_| separated.build()).expect("rows of 2^53 fit one column")
    })
}
