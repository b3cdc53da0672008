//! Queries in codes, four at a time.

use bigannoy_sketch::scan::{Coded, GROUP, NarrowQueries, QueryCodes};

use super::bounds::{Bounds, Space};
use super::codes::is_narrow;

/// The codes of four queries.
#[derive(Clone, Debug)]
pub(super) enum Group {
    Narrow(NarrowQueries),
    Wide(QueryCodes),
}

impl Group {
    /// A group of no queries yet.
    pub(super) fn none(dim: usize) -> Self {
        Group::new(dim, &[]).0
    }

    /// The codes of up to four queries, which have become `placed`.
    fn new(dim: usize, placed: &[f64]) -> (Self, [Option<Coded>; GROUP]) {
        if is_narrow(dim) {
            let (codes, coded) = NarrowQueries::new(dim, placed.chunks(dim));
            return (Group::Narrow(codes), coded);
        }
        let (codes, coded) = QueryCodes::new(dim, placed.chunks(dim));
        (Group::Wide(codes), coded)
    }

    /// Makes this a group of up to four queries of `groups`, see [`NarrowQueries::pick`].
    pub(super) fn pick(&mut self, groups: &Groups, which: &[u32]) {
        match (self, groups) {
            (Group::Narrow(group), Groups::Narrow(groups)) => group.pick(groups, which),
            (Group::Wide(group), Groups::Wide(groups)) => group.pick(groups, which),
            _ => unreachable!("all queries have codes of one kind"),
        }
    }
}

/// The codes of many queries, four by four.
#[derive(Debug)]
pub(super) enum Groups {
    Narrow(Vec<NarrowQueries>),
    Wide(Vec<QueryCodes>),
}

impl Groups {
    /// The codes of queries, and what limits for each of them need.
    pub(super) fn new(
        space: &Space,
        dim: usize,
        queries: &[&[f32]],
    ) -> (Self, Vec<Option<Bounds>>) {
        let mut groups =
            if is_narrow(dim) { Groups::Narrow(Vec::new()) } else { Groups::Wide(Vec::new()) };
        let mut bounds = Vec::with_capacity(queries.len());
        let mut placed = vec![0.0; GROUP * dim];
        for four in queries.chunks(GROUP) {
            let mut errors = [f64::INFINITY; GROUP];
            for ((query, out), error) in four.iter().zip(placed.chunks_mut(dim)).zip(&mut errors) {
                *error = space.place_query(query, out);
                if !error.is_finite() {
                    out.fill(0.0);
                }
            }
            let (group, coded) = Group::new(dim, &placed[..four.len() * dim]);
            for (lane, query) in four.iter().enumerate() {
                let coded = coded[lane].as_ref();
                bounds.push(coded.and_then(|coded| space.bounds(query, coded, errors[lane])));
            }
            match (group, &mut groups) {
                (Group::Narrow(group), Groups::Narrow(groups)) => groups.push(group),
                (Group::Wide(group), Groups::Wide(groups)) => groups.push(group),
                _ => unreachable!("all queries have codes of one kind"),
            }
        }
        (groups, bounds)
    }
}
