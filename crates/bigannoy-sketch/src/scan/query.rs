//! Queries in codes, four at a time.

use super::encode::{CHUNK, Encoder, FOUR, MOST_DIM, OFFSET};
use super::{Coded, Limit};

/// Queries that are looked at together.
pub const GROUP: usize = 4;

/// The codes of up to [`GROUP`] queries.
#[derive(Clone, Debug)]
pub struct QueryCodes {
    /// For each four elements, the codes of each query.
    pub(super) words: Vec<[[i8; FOUR]; GROUP]>,
    /// For each chunk, what the sums of each query's halves begin with.
    pub(super) starts: Vec<[[i16; 2]; GROUP]>,
    /// What whole sums of each query begin with.
    pub(super) offsets: [i32; GROUP],
}

/// What a row has to come to for each query of a group: see the module.
#[derive(Clone, Copy, Debug)]
pub struct QueryLimits {
    /// The factor of the row's first bound.
    pub alpha: [f32; GROUP],
    /// The factor of the row's second bound.
    pub beta: [f32; GROUP],
    /// The limit. No row passes NaN.
    pub gamma: [f32; GROUP],
}

impl QueryLimits {
    /// Limits that no row passes.
    pub const NONE: QueryLimits =
        QueryLimits { alpha: [0.0; GROUP], beta: [0.0; GROUP], gamma: [f32::NAN; GROUP] };

    /// Sets the limit of one query.
    ///
    /// # Panics
    /// If there is no such place in a group.
    pub fn set(&mut self, query: usize, limit: Limit) {
        (self.alpha[query], self.beta[query]) = (limit.alpha, limit.beta);
        self.gamma[query] = limit.gamma;
    }
}

impl QueryCodes {
    /// The codes of some queries of `dim` elements, and what is known of each: `None` where there are
    /// no codes, see [`QueryCodes::MOST_DIM`] and the range of 1e-9 to 1e9 for the largest magnitude.
    ///
    /// # Panics
    /// If there are more than [`GROUP`] queries, or one has another length.
    #[must_use]
    pub fn new<'a>(
        dim: usize,
        queries: impl IntoIterator<Item = &'a [f64]>,
    ) -> (Self, [Option<Coded>; GROUP]) {
        let mut encoder = Encoder::queries(dim);
        let groups = dim.div_ceil(FOUR);
        let mut words = vec![[[0; FOUR]; GROUP]; groups];
        let mut starts = vec![[[0; 2]; GROUP]; groups.div_ceil(CHUNK)];
        let mut offsets = [0; GROUP];
        let mut coded = [None; GROUP];
        for (at, query) in queries.into_iter().enumerate() {
            assert_eq!(query.len(), dim, "a query of the rows' dimension");
            if dim > MOST_DIM {
                continue;
            }
            coded[at] = encoder.encode(query, 0.0);
            if coded[at].is_none() {
                continue;
            }
            for (word, four) in words.iter_mut().zip(encoder.groups()) {
                word[at] = *four;
            }
            let sum: i32 = encoder.groups().as_flattened().iter().map(|&b| i32::from(b)).sum();
            offsets[at] = -i32::from(OFFSET) * sum;
            for (start, fours) in starts.iter_mut().zip(encoder.groups().chunks(CHUNK)) {
                let side = |side: usize| -> i16 {
                    // At most 64 * 127 * 32 in magnitude, and modulo 2^16 is what is wanted.
                    let sum: i32 =
                        fours.iter().map(|b| i32::from(b[side]) + i32::from(b[side + 1])).sum();
                    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^16")]
                    let start = (-i32::from(OFFSET) * sum) as i16;
                    start
                };
                start[at] = [side(0), side(2)];
            }
        }
        (QueryCodes { words, starts, offsets }, coded)
    }

    /// Puts a query of another group into a place of this one.
    ///
    /// # Panics
    /// If one of both groups has no such place, or they have different dimensions.
    pub fn take(&mut self, place: usize, from: &QueryCodes, lane: usize) {
        assert_eq!(from.words.len(), self.words.len(), "groups of one dimension");
        self.offsets[place] = from.offsets[lane];
        for (to, from) in self.words.iter_mut().zip(&from.words) {
            to[place] = from[lane];
        }
        for (to, from) in self.starts.iter_mut().zip(&from.starts) {
            to[place] = from[lane];
        }
    }

    /// The largest dimension in which there are codes.
    pub const MOST_DIM: usize = MOST_DIM;
}
