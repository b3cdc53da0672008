//! The loops for any processor.

use super::{CodedRows, Codes, Line, WIDTH, filled, fold, mask};

pub(super) fn encode(vector: &[f32], by: f32, codes: &mut [Codes]) {
    for (codes, values) in codes.iter_mut().zip(registers(vector)) {
        codes.0 = values.map(|value| code(value * by));
    }
}

pub(super) fn encode_difference(
    vector: &[f32],
    origin: &[f32],
    by: f32,
    codes: &mut [Codes],
) -> f32 {
    let mut sums = [0.0; WIDTH / 2];
    for (codes, (x, y)) in codes.iter_mut().zip(registers(vector).zip(registers(origin))) {
        let difference: [f32; WIDTH] = std::array::from_fn(|at| x[at] - y[at]);
        codes.0 = difference.map(|value| code(value * by));
        for (at, value) in difference.iter().enumerate() {
            sums[at % (WIDTH / 2)] += value * value;
        }
    }
    fold(sums)
}

/// The elements of a vector register by register.
fn registers(vector: &[f32]) -> impl Iterator<Item = [f32; WIDTH]> {
    let (whole, left) = vector.as_chunks::<WIDTH>();
    let last = match vector.last_chunk::<WIDTH>() {
        Some(last) => {
            let mask = mask(left.len());
            std::array::from_fn(|at| f32::from_bits(last[at].to_bits() & mask[at]))
        }
        None => filled(vector),
    };
    whole.iter().copied().chain((!left.is_empty()).then_some(last))
}

#[expect(clippy::cast_possible_truncation, reason = "codes end where they end")]
fn code(steps: f32) -> i16 {
    steps.round_ties_even() as i16
}

pub(super) fn products(
    planes: CodedRows<'_>,
    rows: CodedRows<'_>,
    pairs: &[[u16; 2]],
    products: &mut [i32],
) {
    for (result, &[plane, row]) in products.iter_mut().zip(pairs) {
        *result = product(planes.row(plane.into()), rows.row(row.into()));
    }
}

pub(super) fn margins(
    plane: &[Codes],
    line: Line,
    rows: CodedRows<'_>,
    picks: &[u32],
    margins: &mut [f32],
) {
    for (margin, &pick) in margins.iter_mut().zip(picks) {
        #[expect(clippy::cast_precision_loss, reason = "rounded, as it is everywhere")]
        let product = product(plane, rows.row(pick as usize)) as f32;
        *margin = product * line.by + line.offset;
    }
}

pub(super) fn add_rows(rows: CodedRows<'_>, picks: &[u32], total: &mut [[i32; WIDTH]]) {
    for &pick in picks {
        for (sums, codes) in total.iter_mut().zip(rows.row(pick as usize)) {
            for (sum, code) in sums.iter_mut().zip(codes.0) {
                *sum = sum.wrapping_add(code.into());
            }
        }
    }
}

fn product(plane: &[Codes], row: &[Codes]) -> i32 {
    let elements = plane.iter().zip(row).flat_map(|(x, y)| x.0.into_iter().zip(y.0));
    elements.fold(0i32, |sum, (x, y)| sum.wrapping_add(i32::from(x) * i32::from(y)))
}

pub(super) fn most_products(_: u32) -> Option<(u64, i32)> {
    None
}
