//! Rows and queries of a block in codes.

use std::ops::Range;

use bigannoy_sketch::scan::{
    GRID_STRIP, GROUP, Grid, GridQueries, GridRows, Hit, NARROW_STRIP, NarrowPlace, NarrowRows,
    QueryCodes, QueryGroup, QueryLimits, RowCodes, Rows, ScanKernel,
};
use rayon::prelude::*;

use crate::ExactMetric;
use crate::block::Block;
use crate::bounds::{Bounds, Moved, grid_error};
use crate::reference::Reference;

/// With fewer queries, making codes of the rows takes longer than comparing them as they are.
const LEAST_QUERIES: usize = 24;
/// So many rows tell what rows are like: one by one, or together in memory.
const SAMPLE: usize = 4096;
const SAMPLE_OF_GRID: usize = 256;
/// Strips whose codes are made at a time.
const PIECE: usize = 64;
/// Rows in the smallest sample, at least.
const LEAST_SAMPLE: usize = 1024;

/// Whether codes are worth their while.
pub(crate) fn takes(queries: &Block<f64>) -> bool {
    queries.len() >= LEAST_QUERIES && queries.dim() <= QueryCodes::MOST_DIM
}

/// How rows and queries get their codes.
#[derive(Clone, Debug)]
pub(crate) enum Space {
    /// For products of codes.
    Moved(Moved),
    /// For sums of their differences: manhattan.
    Grid(Grid),
}

impl Space {
    /// The space for rows like these.
    pub(crate) fn new(metric: ExactMetric, rows: &Reference) -> Self {
        let dim = rows.dim();
        if metric == ExactMetric::Manhattan {
            let sample: Vec<Vec<f64>> = rows.sample(SAMPLE_OF_GRID).map(|(row, _)| row).collect();
            return Space::Grid(Grid::new(dim, sample.iter().map(Vec::as_slice)));
        }
        Space::Moved(Moved::new(metric, dim, rows.sample(SAMPLE)))
    }
}

/// Queries that are looked at together, and what is known of each.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    codes: GroupCodes,
    pub(crate) bounds: [Option<Bounds>; GROUP],
}

#[derive(Clone, Debug)]
enum GroupCodes {
    Moved(QueryGroup),
    Grid(GridQueries),
}

impl Group {
    fn new(space: &Space, queries: &Block<f64>, at: Range<usize>) -> Self {
        match space {
            Space::Moved(space) => Self::moved(space, queries, at),
            Space::Grid(grid) => {
                let dim = queries.dim();
                let rows = at.map(|at| queries.row(at));
                let (codes, bounds) = GridQueries::new(grid, rows, grid_error(dim));
                let bounds = bounds.map(|bounds| bounds.map(Bounds::of_sums));
                Group { codes: GroupCodes::Grid(codes), bounds }
            }
        }
    }

    fn moved(space: &Moved, queries: &Block<f64>, at: Range<usize>) -> Self {
        let dim = queries.dim();
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
        Group { codes: GroupCodes::Moved(codes), bounds }
    }
}

/// The codes of a block of queries, group by group.
pub(crate) fn groups(space: &Space, queries: &Block<f64>) -> Vec<Group> {
    (0..queries.len().div_ceil(GROUP))
        .into_par_iter()
        .map(|group| {
            let at = group * GROUP..queries.len().min((group + 1) * GROUP);
            Group::new(space, queries, at)
        })
        .collect()
}

/// The codes of a block of rows.
#[derive(Debug)]
pub(crate) struct CodedRows {
    codes: Codes,
    /// Numbers of strips, the least first: so many of the first are a sample of all, with each row as likely
    /// in it as any other, whatever order they had.
    pub(crate) samples: Vec<usize>,
    /// The order, where rows are narrow.
    places: Vec<Placed>,
    /// And where they are not.
    turn: Turn,
}

#[derive(Debug)]
enum Codes {
    Moved(Rows),
    Grid(GridRows),
}

impl CodedRows {
    /// None yet, of `dim` elements.
    pub(crate) fn none(metric: ExactMetric, dim: usize) -> Self {
        let codes = match metric {
            ExactMetric::Manhattan => Codes::Grid(GridRows::default()),
            _ => Codes::Moved(Rows::none(dim)),
        };
        CodedRows { codes, samples: Vec::new(), places: Vec::new(), turn: Turn::new(1) }
    }

    pub(crate) fn set(&mut self, space: &Space, rows: &Reference) {
        let levels = levels(rows.len());
        self.samples.clear();
        match (&mut self.codes, space) {
            (Codes::Moved(Rows::Narrow(codes)), Space::Moved(space)) => {
                set_narrow(codes, levels, &mut self.places, &mut self.samples, space, rows);
                return;
            }
            (Codes::Moved(Rows::Wide(codes)), Space::Moved(space)) => {
                self.turn = Turn::new(rows.len());
                set_wide(codes, self.turn, space, rows);
            }
            (Codes::Grid(codes), Space::Grid(grid)) => {
                self.turn = Turn::new(rows.len());
                set_grid(codes, self.turn, grid, rows);
            }
            _ => unreachable!("codes are of the metric's kind"),
        }
        let strips = rows.len() / self.strip();
        self.samples.extend((1..=levels).rev().map(|level| strips >> level));
    }

    /// How many rows lie together.
    pub(crate) fn strip(&self) -> usize {
        match &self.codes {
            Codes::Moved(rows) => rows.strip(),
            Codes::Grid(_) => GRID_STRIP,
        }
    }

    /// How many strips there are.
    pub(crate) fn strips(&self) -> usize {
        match &self.codes {
            Codes::Moved(rows) => rows.strips(),
            Codes::Grid(rows) => rows.strips(),
        }
    }

    /// Adds to `hits` the pairs of a query and a row of some strips that pass the test.
    pub(crate) fn scan(
        &self,
        kernel: ScanKernel,
        strips: Range<usize>,
        queries: &Group,
        limits: &QueryLimits,
        hits: &mut Vec<Hit>,
    ) {
        match (&self.codes, &queries.codes) {
            (Codes::Moved(rows), GroupCodes::Moved(queries)) => {
                rows.scan(kernel, strips, queries, limits, hits);
            }
            (Codes::Grid(rows), GroupCodes::Grid(queries)) => {
                rows.scan(kernel, strips, queries, limits, hits);
            }
            _ => unreachable!("codes are of the metric's kind"),
        }
    }

    /// The row of the block that a hit is of; none where a strip is filled up.
    pub(crate) fn row(&self, hit: &Hit) -> Option<u32> {
        let rows = match &self.codes {
            Codes::Moved(Rows::Narrow(_)) => return Some(hit.row),
            Codes::Moved(Rows::Wide(codes)) => codes.len(),
            Codes::Grid(codes) => codes.len(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "less than there are rows")]
        let row = |at: usize| self.turn.at(at) as u32;
        let at = hit.row as usize;
        (at < rows).then(|| row(at))
    }
}

/// How often samples of so many rows are halved.
fn levels(rows: usize) -> u32 {
    (rows / LEAST_SAMPLE).checked_ilog2().unwrap_or(0)
}

/// A row, and where it belongs: into which sample first, then into which strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    sample: u8,
    place: NarrowPlace,
    row: u32,
}

/// The sample that a row belongs to: the last one for half of all rows, the one before for a half of the
/// others, and so on; in each, rows are evenly spread over the block.
fn sample_of(row: u32, levels: u32) -> u8 {
    // The golden section, as a whole number of 32 bits.
    let spread = row.wrapping_mul(0x9E37_79B9);
    #[expect(clippy::cast_possible_truncation, reason = "32 at most")]
    let sample = (levels - spread.leading_zeros().min(levels)) as u8;
    sample
}

fn set_narrow(
    codes: &mut NarrowRows,
    levels: u32,
    places: &mut Vec<Placed>,
    samples: &mut Vec<usize>,
    space: &Moved,
    rows: &Reference,
) {
    let dim = rows.dim();
    let place = |row: u32| rows.place_narrow(space, row as usize);
    #[expect(clippy::cast_possible_truncation, reason = "rows were counted before")]
    let all = 0..rows.len() as u32;
    all.into_par_iter()
        .with_min_len(PIECE)
        .map(|row| {
            let (vector, error) = place(row);
            let place = NarrowPlace::new(&vector, error);
            Placed { sample: sample_of(row, levels), place, row }
        })
        .collect_into_vec(places);
    places.par_sort_unstable();
    let mut ends: Vec<usize> = places
        .chunk_by(|a, b| a.sample == b.sample)
        .scan(0, |end, sample| {
            *end += sample.len();
            Some(*end / NARROW_STRIP)
        })
        .collect();
    ends.pop();
    samples.extend(ends);
    let order = mixed(places, samples).map(|placed| placed.row);
    codes.resize(dim, order);
    let strips: Vec<_> = codes.strips_mut().collect();
    strips.into_par_iter().with_min_len(PIECE).for_each(|mut strip| {
        // They lie anywhere in memory.
        strip.rows().iter().for_each(|&row| rows.fetch_ahead(row as usize));
        strip.set(place, |coded| space.row_test(coded));
    });
}

fn set_wide(codes: &mut RowCodes, turn: Turn, space: &Moved, rows: &Reference) {
    codes.resize(rows.dim(), rows.len());
    let pieces: Vec<_> = codes.pieces_mut(PIECE).collect();
    pieces.into_par_iter().for_each(|mut piece| {
        let (mut wide, mut placed) = (Vec::new(), vec![0.0; rows.dim()]);
        for at in piece.rows() {
            let row = turn.at(at);
            rows.widen(row, &mut wide);
            let error = space.place_row(&wide, rows.length(row), &mut placed);
            piece.set(at, &placed, error, |coded| space.row_test(coded));
        }
    });
}

fn set_grid(codes: &mut GridRows, turn: Turn, grid: &Grid, rows: &Reference) {
    codes.resize(rows.dim(), rows.len());
    let pieces: Vec<_> = codes.pieces_mut(PIECE).collect();
    pieces.into_par_iter().for_each_init(Vec::new, |wide, mut piece| {
        for at in piece.rows() {
            rows.widen(turn.at(at), wide);
            piece.set(at, grid, wide);
        }
    });
}

/// Whole strips of all lengths in turn, between each two of `ends`; what is left of the last strip at the
/// end.
fn mixed<'a, T>(sorted: &'a [T], ends: &[usize]) -> impl Iterator<Item = &'a T> {
    let (strips, rest) = sorted.as_chunks::<NARROW_STRIP>();
    let ends: Vec<usize> = ends.iter().copied().chain([strips.len()]).collect();
    let starts = [0].into_iter().chain(ends.clone());
    let order = starts.zip(ends).flat_map(move |(start, end)| {
        let turn = Turn::new(end - start);
        (0..end - start).map(move |at| start + turn.at(at))
    });
    order.flat_map(|at| &strips[at]).chain(rest)
}

/// An order of some things in which those next to each other are far apart.
#[derive(Clone, Copy, Debug)]
struct Turn {
    count: usize,
    step: usize,
}

impl Turn {
    fn new(count: usize) -> Self {
        let count = count.max(1);
        // Steps of about the golden section that come to everything once.
        let coprime = |step: &usize| {
            let (mut a, mut b) = (count, *step);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a == 1
        };
        let step = (count * 5 / 8 + 1..=2 * count).find(coprime).unwrap_or(1);
        Turn { count, step }
    }

    fn at(self, place: usize) -> usize {
        place * self.step % self.count
    }
}

#[cfg(test)]
mod tests {
    use super::{NARROW_STRIP, Turn, levels, mixed, sample_of};

    #[test]
    fn everything_has_its_turn_once() {
        for count in [1, 2, 3, 10, 32, 97, 1000] {
            let turn = Turn::new(count);
            let mut all: Vec<usize> = (0..count).map(|at| turn.at(at)).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count));
            let rows: Vec<usize> = (0..count * NARROW_STRIP + 5).collect();
            let mut all: Vec<usize> = mixed(&rows, &[count / 4, count / 2]).copied().collect();
            assert!(
                all[..count / 4 * NARROW_STRIP].iter().all(|&at| at < count / 4 * NARROW_STRIP)
            );
            all.sort_unstable();
            assert_eq!(all, rows);
        }
    }

    #[test]
    fn samples_double_and_each_part_of_a_block_has_its_share() {
        assert_eq!((levels(0), levels(1023), levels(2047), levels(2048)), (0, 0, 0, 1));
        let levels = levels(1 << 17);
        for part in [0..1u32 << 17, 1 << 13..1 << 14, 99_000..99_500] {
            let mut rows = f64::from(part.end - part.start);
            for sample in (1..=levels).rev() {
                rows /= 2.0;
                let found = part.clone().filter(|&row| u32::from(sample_of(row, levels)) == sample);
                let found = f64::from(u32::try_from(found.count()).unwrap());
                assert!((found - rows).abs() <= 3.0, "{found} of {rows} in sample {sample}");
            }
        }
    }
}
