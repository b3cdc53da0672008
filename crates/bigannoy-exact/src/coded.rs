//! Every row compared with every query in codes first, and in double precision where that leaves a
//! doubt.

use bigannoy_metric::kernel::LANES;
use bigannoy_sketch::scan::{GROUP, Hit, QueryCodes, QueryLimits, RowCodes, STRIP, ScanKernel};
use rayon::prelude::*;

use crate::block::Block;
use crate::bounds::{Bounds, Space};
use crate::direct;
use crate::nearest::{Key, Nearest};
use crate::search::Task;

/// Strips that stay near the processor while queries pass: 16 KiB of codes in 50 dimensions.
const TILE: usize = 16;
/// Groups of queries that a thread answers together.
const GROUPS: usize = 64;
/// With fewer queries, making codes of the rows takes longer than comparing them as they are.
const LEAST_QUERIES: usize = 24;
/// Strips whose codes are made at a time.
const PIECE: usize = 64;

/// Whether codes are worth their while.
pub(crate) fn takes(task: &Task<'_>, queries: &Block) -> bool {
    let has_codes = !matches!(task.metric, crate::ExactMetric::Manhattan);
    has_codes && queries.len() >= LEAST_QUERIES && queries.dim() <= QueryCodes::MOST_DIM
}

/// The codes of a block of queries.
#[derive(Debug, Default)]
pub(crate) struct CodedQueries {
    groups: Vec<(QueryCodes, [Option<Bounds>; GROUP])>,
}

impl CodedQueries {
    pub(crate) fn new(space: &Space, queries: &Block) -> Self {
        let groups = (0..queries.len().div_ceil(GROUP))
            .into_par_iter()
            .map(|group| {
                let dim = queries.dim();
                let at = group * GROUP..queries.len().min((group + 1) * GROUP);
                let mut placed = vec![0.0; at.len() * dim];
                let errors: Vec<f64> = at
                    .clone()
                    .zip(placed.chunks_mut(dim))
                    .map(|(at, out)| space.place_query(queries.row(at), queries.length(at), out))
                    .collect();
                let (codes, coded) = QueryCodes::new(dim, placed.chunks(dim));
                let bounds = std::array::from_fn(|lane| {
                    let error = *errors.get(lane)?;
                    space.bounds(queries.row(at.start + lane), &coded[lane]?, error)
                });
                (codes, bounds)
            })
            .collect();
        CodedQueries { groups }
    }
}

/// The codes of a block of rows.
#[derive(Debug, Default)]
pub(crate) struct CodedRows {
    codes: RowCodes,
}

impl CodedRows {
    pub(crate) fn set(&mut self, space: &Space, rows: &Block) {
        self.codes.resize(rows.dim(), rows.len());
        let pieces: Vec<_> = self.codes.pieces_mut(PIECE).collect();
        pieces.into_par_iter().for_each(|mut piece| {
            let mut placed = vec![0.0; rows.dim()];
            for row in piece.rows() {
                let error = space.place_row(rows.row(row), rows.length(row), &mut placed);
                piece.set(row, &placed, error, |coded| space.row_test(coded));
            }
        });
    }
}

/// A row that may be among the nearest.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    row: u32,
    /// Bounds of its key.
    least: f64,
    most: f64,
}

/// The candidates for one query among the rows of a block.
///
/// Memory: 24 bytes for each of `3 k + 64` candidates.
#[derive(Debug)]
struct Candidates {
    limit: f64,
    all: Vec<Candidate>,
}

impl Candidates {
    fn room(k: usize) -> usize {
        3 * k + 64
    }

    /// Leaves out those that are beaten by `k` others.
    fn prune(&mut self, k: usize, bounds: &Bounds) {
        if self.all.len() > k {
            let (_, kth, _) =
                self.all.select_nth_unstable_by(k - 1, |a, b| a.most.total_cmp(&b.most));
            self.limit = self.limit.min(bounds.limit_among(kth.most));
            let limit = self.limit;
            self.all.retain(|candidate| candidate.least <= limit);
        }
    }
}

/// What all threads look at.
struct Pass<'a> {
    task: &'a Task<'a>,
    rows: &'a Block,
    codes: &'a RowCodes,
    queries: &'a Block,
}

/// Shows all rows of the block to the selections of all queries.
pub(crate) fn compare(
    task: &Task<'_>,
    kernel: ScanKernel,
    (rows, coded_rows): (&Block, &CodedRows),
    (queries, coded_queries): (&Block, &CodedQueries),
    nearest: &mut [Nearest],
) {
    let pass = Pass { task, rows, codes: &coded_rows.codes, queries };
    let share = coded_queries.groups.len().div_ceil(rayon::current_num_threads());
    let chunk = GROUPS.min(share.max(1));
    nearest
        .par_chunks_mut(chunk * GROUP)
        .zip(coded_queries.groups.par_chunks(chunk))
        .enumerate()
        .for_each(|(at, (nearest, groups))| {
            pass.compare_chunk(kernel, at * chunk * GROUP, groups, nearest);
        });
}

impl Pass<'_> {
    fn compare_chunk(
        &self,
        kernel: ScanKernel,
        first: usize,
        groups: &[(QueryCodes, [Option<Bounds>; GROUP])],
        nearest: &mut [Nearest],
    ) {
        let k = self.task.k;
        let mut candidates: Vec<Candidates> = Vec::with_capacity(nearest.len());
        let mut limits = vec![QueryLimits::NONE; groups.len()];
        for (at, nearest) in nearest.iter_mut().enumerate() {
            let limit = if let Some(bounds) = groups[at / GROUP].1[at % GROUP] {
                let limit = self.limit(&bounds, nearest);
                set(&mut limits[at / GROUP], at % GROUP, &bounds, limit);
                limit
            } else {
                let all = 0..self.rows.len();
                direct::compare_all(self.task, self.rows, all, self.queries, first + at, nearest);
                f64::NEG_INFINITY
            };
            candidates.push(Candidates { limit, all: Vec::new() });
        }
        let strips = self.rows.len().div_ceil(STRIP);
        let mut hits: Vec<Hit> = Vec::new();
        let mut start = 0;
        while start < strips {
            if self.task.is_interrupted() {
                return;
            }
            // The first ones are small: there is no limit yet.
            let tile = start..strips.min(start + TILE.min(start / 2 + 1));
            start = tile.end;
            for (group, (codes, bounds)) in groups.iter().enumerate() {
                hits.clear();
                self.codes.scan(kernel, tile.clone(), codes, &limits[group], &mut hits);
                for hit in &hits {
                    let lane = hit.query as usize;
                    let at = group * GROUP + lane;
                    let own = self.task.own_row(self.queries.rows.start + first + at);
                    let row = hit.row as usize;
                    if row >= self.rows.len() || Some(self.rows.rows.start + row) == own {
                        continue;
                    }
                    let Some(bounds) = &bounds[lane] else { continue };
                    let (least, most) = bounds.of(self.codes.coded(row), hit.product);
                    let candidates = &mut candidates[at];
                    if least > candidates.limit {
                        continue;
                    }
                    candidates.all.push(Candidate { row: hit.row, least, most });
                    if candidates.all.len() >= Candidates::room(k) {
                        candidates.prune(k, bounds);
                        if candidates.all.len() > Candidates::room(k) - k / 2 - 8 {
                            self.resolve(first + at, candidates, &mut nearest[at]);
                            candidates.limit =
                                candidates.limit.min(self.limit(bounds, &nearest[at]));
                        }
                        set(&mut limits[group], lane, bounds, candidates.limit);
                    }
                }
            }
        }
        for (at, nearest) in nearest.iter_mut().enumerate() {
            if let Some(bounds) = &groups[at / GROUP].1[at % GROUP] {
                candidates[at].prune(k, bounds);
                self.resolve(first + at, &mut candidates[at], nearest);
            }
        }
    }

    /// The greatest key that a row among the nearest can have, by what was compared so far.
    fn limit(&self, bounds: &Bounds, nearest: &Nearest) -> f64 {
        let worst = nearest.worst().map(|key| key.neighbor(self.task.metric).distance);
        match worst {
            Some(distance) if !distance.is_nan() => bounds.limit_of(distance),
            _ => f64::INFINITY,
        }
    }

    /// Compares the candidates in double precision.
    fn resolve(&self, query: usize, candidates: &mut Candidates, nearest: &mut Nearest) {
        let (vector, length) = (self.queries.row(query), self.queries.length(query));
        for candidates in candidates.all.chunks(LANES) {
            let at: [usize; LANES] =
                std::array::from_fn(|lane| candidates[lane.min(candidates.len() - 1)].row as usize);
            let distances = self.task.metric.distances(
                vector,
                length,
                &at.map(|at| self.rows.row(at)),
                &at.map(|at| self.rows.length(at)),
            );
            for (candidate, distance) in candidates.iter().zip(distances) {
                let row = self.rows.number(candidate.row);
                nearest.push(Key::new(self.task.metric, distance, row));
            }
        }
        candidates.all.clear();
    }
}

fn set(limits: &mut QueryLimits, lane: usize, bounds: &Bounds, limit: f64) {
    (limits.alpha[lane], limits.beta[lane], limits.gamma[lane]) = bounds.test(limit);
}
