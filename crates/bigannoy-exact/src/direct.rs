//! Every row compared with every query, in double precision.

use std::ops::Range;

use bigannoy_metric::kernel::LANES;
use rayon::prelude::*;

use crate::block::Block;
use crate::nearest::{Key, Nearest};
use crate::reference::Reference;
use crate::search::Task;

/// Queries that share a look at some rows while these are near the processor.
const GROUP: usize = 16;
/// Rows that are near the processor for a group of queries.
const TILE: usize = 64;

/// Shows all rows of the block to the selections of all queries.
pub(crate) fn compare(
    task: &Task<'_>,
    rows: &Reference,
    queries: &Block<f64>,
    nearest: &mut [Nearest],
) {
    let threads = rayon::current_num_threads();
    let groups = queries.len().div_ceil(GROUP);
    // Where there are few queries, threads share the rows instead.
    let pieces = if groups >= threads { 1 } else { (2 * threads).div_ceil(groups) };
    let piece = rows.len().div_ceil(pieces).next_multiple_of(TILE);
    nearest.par_chunks_mut(GROUP).enumerate().for_each(|(group, nearest)| {
        let first = group * GROUP;
        if pieces == 1 {
            compare_group(task, rows, 0..rows.len(), queries, first, nearest);
            return;
        }
        let parts: Vec<Vec<Nearest>> = (0..rows.len())
            .into_par_iter()
            .step_by(piece)
            .map(|start| {
                let mut part = vec![Nearest::new(task.k); nearest.len()];
                let part_rows = start..rows.len().min(start + piece);
                compare_group(task, rows, part_rows, queries, first, &mut part);
                part
            })
            .collect();
        for part in parts {
            nearest.iter_mut().zip(part).for_each(|(nearest, part)| nearest.merge(part));
        }
    });
}

fn compare_group(
    task: &Task<'_>,
    rows: &Reference,
    part: Range<usize>,
    queries: &Block<f64>,
    first_query: usize,
    nearest: &mut [Nearest],
) {
    for start in part.clone().step_by(TILE) {
        if task.is_interrupted() {
            return;
        }
        let tile = start..part.end.min(start + TILE);
        for (at, nearest) in nearest.iter_mut().enumerate() {
            compare_one(task, rows, tile.clone(), queries, first_query + at, nearest);
        }
    }
}

/// Shows some rows to the selection of one query.
pub(crate) fn compare_all(
    task: &Task<'_>,
    rows: &Reference,
    part: Range<usize>,
    queries: &Block<f64>,
    query: usize,
    nearest: &mut Nearest,
) {
    for start in part.clone().step_by(TILE) {
        if task.is_interrupted() {
            return;
        }
        compare_one(task, rows, start..part.end.min(start + TILE), queries, query, nearest);
    }
}

fn compare_one(
    task: &Task<'_>,
    rows: &Reference,
    tile: Range<usize>,
    queries: &Block<f64>,
    query: usize,
    nearest: &mut Nearest,
) {
    let own = task.own_row(queries.rows.start + query);
    let (vector, length) = (queries.row(query), queries.length(query));
    for start in tile.clone().step_by(LANES) {
        // The last row stands in for those that the tile does not have any more.
        let at: [usize; LANES] = std::array::from_fn(|lane| (start + lane).min(tile.end - 1));
        let distances = rows.distances(task.metric, vector, length, at);
        for (row, distance) in (start..tile.end).zip(distances) {
            let row = rows.rows().start + row;
            if Some(row) != own {
                #[expect(clippy::cast_possible_truncation, reason = "rows were counted before")]
                nearest.push(Key::new(task.metric, distance, row as u32));
            }
        }
    }
}
