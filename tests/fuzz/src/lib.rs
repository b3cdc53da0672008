//! What several fuzz targets need: a forest taken apart, and what a right answer looks like.
#![forbid(unsafe_code)]

mod answers;
mod forest;

pub use answers::{assert_ranked, nearest};
pub use forest::assert_whole;
