//! Whether a product is rounded before it is added to something.
//!
//! All answers round it: see [`Separate`]. Compilers for processors with a fused multiply-add may do
//! without, unless they are told not to; [`Fused`] computes what they make of a program.

use std::fmt::Debug;

/// How `x * y + z` is rounded.
pub trait Rounding: Copy + Debug + Default + Send + Sync {
    /// `x * y + z`.
    fn multiply_add(x: f32, y: f32, z: f32) -> f32;

    /// Does `work` in code that is made for the processor at hand. Changes no result: outside of this,
    /// [`Rounding::multiply_add`] can take several times as long.
    fn run(self, work: impl Work<Self>);
}

/// Something to do that consists of multiplications and additions: see [`Rounding::run`].
pub trait Work<A> {
    /// Does it. `#[inline(always)]`, here and with whatever this calls to compute, is what has it
    /// compiled for the processor.
    fn run(self);
}

/// The product is rounded, and then the sum: the arithmetic of this crate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Separate;

impl Rounding for Separate {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one multiplication and one addition")]
    fn multiply_add(x: f32, y: f32, z: f32) -> f32 {
        x * y + z
    }

    #[inline]
    fn run(self, work: impl Work<Self>) {
        work.run();
    }
}

/// Only the sum is rounded: a fused multiply-add. Its bits are the same on every processor; it is slow
/// on one that has no instruction for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fused(Code);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Fma,
}

impl Fused {
    /// The fastest code on this processor.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("fma") {
            return Fused(Code::Fma);
        }
        Fused(Code::Portable)
    }

    /// Each code that this processor can run, the portable one first: to compare them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Fused(Code::Portable)];
        if Self::new() != all[0] {
            all.push(Self::new());
        }
        all
    }
}

impl Default for Fused {
    fn default() -> Self {
        Self::new()
    }
}

impl Rounding for Fused {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one instruction, where it is inlined to such code")]
    fn multiply_add(x: f32, y: f32, z: f32) -> f32 {
        x.mul_add(y, z)
    }

    #[inline]
    fn run(self, work: impl Work<Self>) {
        match self.0 {
            Code::Portable => work.run(),
            #[cfg(target_arch = "x86_64")]
            Code::Fma => {
                // SAFETY: the processor must have FMA.
                // - `Code::Fma` is made in `Fused::new` alone, which has asked for it.
                #[expect(unsafe_code, reason = "code for a processor that was looked at")]
                unsafe {
                    with_fma(work);
                }
            }
        }
    }
}

/// `work`, compiled for processors with FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "fma")]
fn with_fma(work: impl Work<Fused>) {
    work.run();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{self, LANES};
    use proptest::prelude::*;

    /// `x * y + z` rounded once, without the instruction: the product is exact in `f64`. The sum there
    /// is rounded to odd, which leaves enough digits for a second rounding to do no harm.
    #[expect(clippy::cast_possible_truncation, reason = "the second rounding")]
    fn fused(x: f32, y: f32, z: f32) -> f32 {
        let (product, z) = (f64::from(x) * f64::from(y), f64::from(z));
        let sum = product + z;
        let of_z = sum - product;
        let lost = (product - (sum - of_z)) + (z - of_z);
        if lost == 0.0 || !sum.is_finite() || sum.to_bits() & 1 == 1 {
            return sum as f32;
        }
        (if lost > 0.0 { sum.next_up() } else { sum.next_down() }) as f32
    }

    /// Numbers of all magnitudes, and those that are about one.
    fn numbers() -> impl Strategy<Value = f32> {
        prop_oneof![any::<u32>().prop_map(f32::from_bits), -4f32..4.0]
            .prop_filter("finite", |value| value.is_finite())
    }

    /// The inner products of a vector with each row, side by side and one by one.
    struct Sums<'a> {
        a: &'a [f32],
        rows: [&'a [f32]; LANES],
        found: &'a mut [[f32; LANES]; 2],
    }

    impl<A: Rounding> Work<A> for Sums<'_> {
        #[inline(always)]
        #[expect(clippy::inline_always, reason = "compiled for each processor")]
        fn run(self) {
            let Sums { a, rows, found } = self;
            *found =
                [kernel::dot_lanes_as::<A>(a, &rows), rows.map(|row| kernel::dot_as::<A>(a, row))];
        }
    }

    fn sums<A: Rounding>(arithmetic: A, a: &[f32], rows: [&[f32]; LANES]) -> [[f32; LANES]; 2] {
        let mut sums = [[0.0; LANES]; 2];
        arithmetic.run(Sums { a, rows, found: &mut sums });
        sums
    }

    #[test]
    fn a_fused_product_keeps_what_rounding_would_lose() {
        // 0.1 * 10 is a little above 1 and rounds to it.
        assert_eq!(Separate::multiply_add(0.1, 10.0, -1.0), 0.0);
        assert_eq!(Fused::multiply_add(0.1, 10.0, -1.0), 1.490_116_1e-8);
        assert_eq!(fused(0.1, 10.0, -1.0), 1.490_116_1e-8);
    }

    /// Runs `x * y + z` as a sum of two products.
    fn multiply_add(code: Fused, x: f32, y: f32, z: f32) -> f32 {
        sums(code, &[z, x], [&[1.0, y]; LANES])[0][0]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn each_code_rounds_once(x in numbers(), y in numbers(), z in numbers()) {
            // Where the third number is about the product, much would be lost.
            for z in [z, -(x * y), (-(x * y)).next_up()] {
                for code in Fused::all().into_iter().filter(|_| z.is_finite()) {
                    let found = multiply_add(code, x, y, z);
                    prop_assert_eq!(found.to_bits(), fused(x, y, z + 0.0).to_bits(), "{:?}", code);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn each_code_gives_the_same_sums(
            dim in 0usize..70,
            values in proptest::collection::vec(numbers(), 70 * (LANES + 1)),
        ) {
            let row = |i: usize| &values[i * 70..i * 70 + dim];
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| row(lane + 1));
            let bits = |sums: [[f32; LANES]; 2]| {
                // What is no number has many forms.
                sums.map(|sums| sums.map(|sum| if sum.is_nan() { f32::NAN } else { sum }.to_bits()))
            };
            let expected = rows.map(|other| {
                row(0).iter().zip(other).fold(0.0, |sum, (x, y)| fused(*x, *y, sum))
            });
            for code in Fused::all() {
                prop_assert_eq!(bits(sums(code, row(0), rows)), bits([expected; 2]), "{:?}", code);
            }
            let strict = [kernel::dot_lanes(row(0), &rows), rows.map(|other| kernel::dot(row(0), other))];
            prop_assert_eq!(bits(sums(Separate, row(0), rows)), bits(strict));
        }
    }
}
