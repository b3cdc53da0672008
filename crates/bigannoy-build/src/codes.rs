//! Vectors in 16-bit codes.

/// The length of a coded vector at most, but for rounding: products of two fit in 32 bits.
pub(crate) const LENGTH: f32 = 32_000.0;
/// Squared lengths that neither vanish nor overflow, nor do those of vectors a little shorter or longer.
pub(crate) const SANE: std::ops::RangeInclusive<f32> = 1e-30..=1e30;
/// Dimensions up to which lengths are right within a hundredth, however their sums are rounded.
pub(crate) const MOST_DIM: usize = 1 << 20;
