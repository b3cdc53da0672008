//! Every row compared with every query in codes first, and in double precision where that leaves a
//! doubt.

use bigannoy_metric::kernel::LANES;
use bigannoy_sketch::scan::{
    GROUP, Hit, Limit, NARROW_STRIP, NarrowPlace, NarrowRows, QueryCodes, QueryGroup, QueryLimits,
    RowCodes, Rows, ScanKernel,
};
use rayon::prelude::*;

use crate::block::Block;
use crate::bounds::{Bounds, Space};
use crate::direct;
use crate::nearest::{Key, Nearest};
use crate::search::Task;

/// Strips that stay near the processor while queries pass: 16 or 32 KiB of codes in 50 dimensions.
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
    groups: Vec<(QueryGroup, [Option<Bounds>; GROUP])>,
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
                let (codes, coded) = QueryGroup::new(dim, placed.chunks(dim));
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
#[derive(Debug)]
pub(crate) struct CodedRows {
    rows: Rows,
    /// Rows in the order in which they lie, where they are narrow.
    places: Vec<(NarrowPlace, u32)>,
}

impl CodedRows {
    /// None yet, of `dim` elements.
    pub(crate) fn none(dim: usize) -> Self {
        CodedRows { rows: Rows::none(dim), places: Vec::new() }
    }

    pub(crate) fn set(&mut self, space: &Space, rows: &Block) {
        match &mut self.rows {
            Rows::Narrow(codes) => set_narrow(codes, &mut self.places, space, rows),
            Rows::Wide(codes) => set_wide(codes, space, rows),
        }
    }
}

fn set_narrow(
    codes: &mut NarrowRows,
    places: &mut Vec<(NarrowPlace, u32)>,
    space: &Space,
    rows: &Block,
) {
    let dim = rows.dim();
    let place = |row: u32, out: &mut [f64]| {
        let row = row as usize;
        space.place_row(rows.row(row), rows.length(row), out)
    };
    #[expect(clippy::cast_possible_truncation, reason = "rows were counted before")]
    let all = 0..rows.len() as u32;
    all.into_par_iter()
        .with_min_len(PIECE)
        .map_init(
            || vec![0.0; dim],
            |placed, row| {
                let error = place(row, placed);
                (NarrowPlace::new(placed, error), row)
            },
        )
        .collect_into_vec(places);
    places.par_sort_unstable();
    codes.resize(dim, mixed(places).map(|&(_, row)| row));
    let strips: Vec<_> = codes.strips_mut().collect();
    strips
        .into_par_iter()
        .with_min_len(PIECE)
        .for_each(|mut strip| strip.set(dim, place, |coded| space.row_test(coded)));
}

fn set_wide(codes: &mut RowCodes, space: &Space, rows: &Block) {
    codes.resize(rows.dim(), rows.len());
    let pieces: Vec<_> = codes.pieces_mut(PIECE).collect();
    pieces.into_par_iter().for_each(|mut piece| {
        let mut placed = vec![0.0; rows.dim()];
        for row in piece.rows() {
            let error = space.place_row(rows.row(row), rows.length(row), &mut placed);
            piece.set(row, &placed, error, |coded| space.row_test(coded));
        }
    });
}

/// Rows that passed a query's limit and wait for others, to be compared together.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    rows: [u32; LANES],
    count: usize,
}

/// Whole strips of all lengths in turn, so that early limits are not those of the shortest rows alone;
/// what is left of the last strip at the end.
fn mixed<T>(sorted: &[T]) -> impl Iterator<Item = &T> {
    let (strips, rest) = sorted.as_chunks::<NARROW_STRIP>();
    let count = strips.len().max(1);
    // Steps of about the golden section that come to every strip once.
    let coprime = |step: &usize| {
        let (mut a, mut b) = (count, *step);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    let step = (count * 5 / 8 + 1..=2 * count).find(coprime).unwrap_or(1);
    let order = (0..strips.len()).map(move |at| at * step % count);
    order.flat_map(|at| &strips[at]).chain(rest)
}

/// What all threads look at.
struct Pass<'a> {
    task: &'a Task<'a>,
    rows: &'a Block,
    codes: &'a CodedRows,
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
    let pass = Pass { task, rows, codes: coded_rows, queries };
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
        groups: &[(QueryGroup, [Option<Bounds>; GROUP])],
        nearest: &mut [Nearest],
    ) {
        let mut waiting = vec![Waiting::default(); nearest.len()];
        let mut limits = vec![QueryLimits::NONE; groups.len()];
        for (at, nearest) in nearest.iter_mut().enumerate() {
            let (group, lane) = (at / GROUP, at % GROUP);
            if let Some(bounds) = &groups[group].1[lane] {
                limits[group].set(lane, self.limit(bounds, nearest));
            } else {
                let all = 0..self.rows.len();
                direct::compare_all(self.task, self.rows, all, self.queries, first + at, nearest);
            }
        }
        let strips = self.codes.rows.strips();
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
                self.codes.rows.scan(kernel, tile.clone(), codes, &limits[group], &mut hits);
                for hit in &hits {
                    let lane = hit.query as usize;
                    let at = group * GROUP + lane;
                    let own = self.task.own_row(self.queries.rows.start + first + at);
                    let row = hit.row as usize;
                    if row >= self.rows.len() || Some(self.rows.rows.start + row) == own {
                        continue;
                    }
                    let Some(bounds) = &bounds[lane] else { continue };
                    let waiting = &mut waiting[at];
                    waiting.rows[waiting.count] = hit.row;
                    waiting.count += 1;
                    if waiting.count == LANES {
                        self.resolve(first + at, waiting, &mut nearest[at]);
                        limits[group].set(lane, self.limit(bounds, &nearest[at]));
                    }
                }
            }
        }
        for (at, (waiting, nearest)) in waiting.iter_mut().zip(nearest).enumerate() {
            self.resolve(first + at, waiting, nearest);
        }
    }

    /// What a row among the nearest passes, by what was compared so far.
    fn limit(&self, bounds: &Bounds, nearest: &Nearest) -> Limit {
        let worst = nearest.worst().map(|key| key.neighbor(self.task.metric).distance);
        bounds.limit(worst.unwrap_or(f64::NAN))
    }

    /// Compares the rows that wait in double precision.
    fn resolve(&self, query: usize, waiting: &mut Waiting, nearest: &mut Nearest) {
        let rows = &waiting.rows[..waiting.count];
        let Some(&last) = rows.last() else { return };
        let (vector, length) = (self.queries.row(query), self.queries.length(query));
        // The last row stands in for those that are not there.
        let at: [usize; LANES] =
            std::array::from_fn(|lane| *rows.get(lane).unwrap_or(&last) as usize);
        let vectors = at.map(|at| self.rows.row(at));
        let lengths = at.map(|at| self.rows.length(at));
        let distances = self.task.metric.distances(vector, length, &vectors, &lengths);
        for (&row, distance) in rows.iter().zip(distances) {
            nearest.push(Key::new(self.task.metric, distance, self.rows.number(row)));
        }
        waiting.count = 0;
    }
}
