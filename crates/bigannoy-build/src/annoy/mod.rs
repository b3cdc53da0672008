//! The trees of Annoy itself, byte for byte: see [`crate::Generator::Annoy`].
//!
//! The bytes follow from three things, each a file here: the draws and their order, the order and
//! rounding of every floating-point operation, and the order in which sets are split. Annoy's own
//! arithmetic depends on how it is compiled. Here sums run in index order, and a product that is added
//! to something is rounded before that, or fused with the addition: see [`Rounding`].

mod extra;
mod grow;
mod kiss;
mod near;
mod split;
mod two_means;

pub(crate) use extra::Longest;
pub(crate) use grow::grow_all;

use bigannoy_metric::{Rounding, kernel};

/// The squared length that Annoy stores with an item under angular.
pub(crate) fn squared_length<A: Rounding>(vector: &[f32]) -> f32 {
    kernel::dot_as::<A>(vector, vector)
}
