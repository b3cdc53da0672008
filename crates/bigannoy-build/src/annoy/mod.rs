//! The trees of Annoy itself, byte for byte: see [`crate::Generator::Annoy`].
//!
//! The bytes follow from three things, each a file here: the draws and their order, the order and
//! rounding of every floating-point operation, and the order in which sets are split. Annoy's own
//! arithmetic depends on how it is compiled; what is computed here is the plain IEEE 754 one, a
//! separate multiplication and addition for each element in index order.

mod extra;
mod grow;
mod kiss;
mod split;
mod two_means;

pub(crate) use extra::Longest;
pub(crate) use grow::grow_all;
