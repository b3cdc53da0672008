//! The items of all cells in codes, cell after cell.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bigannoy_format::{Forest, NodeId};
use bigannoy_sketch::scan::{
    Coded, GROUP, Hit, NARROW_STRIP, NarrowPlace, NarrowRows, QueryBounds, QueryCodes, QueryGroup,
    QueryLimits, RowCodes, RowTest, Rows, ScanKernel, narrow_vector,
};

use super::bounds::Space;
use super::partition::Partition;
use super::spread::Spread;
use crate::SearchError;

/// What stands where a strip has no item.
const NO_ITEM: u32 = u32::MAX;
/// Strips that a thread makes at a time.
const PIECE: usize = 64;
/// Items whose vectors are asked for ahead.
const AHEAD: usize = 16;

/// Codes of all items. Each cell begins with a strip of its own.
///
/// Memory, for each item: up to 64 dimensions one byte for each and 21; beyond, 16. And half a strip for
/// each cell.
#[derive(Debug)]
pub(super) struct Codes {
    space: Space,
    rows: Rows,
    /// Where each cell begins, in strips, and the end.
    strips: Vec<u32>,
    /// The item at each place.
    items: Vec<u32>,
}

impl Codes {
    /// `None` where there are none for this metric and dimension.
    pub(super) fn new(
        forest: Forest<'_>,
        partition: &Partition,
        spread: Spread<'_>,
    ) -> Result<Option<Self>, SearchError> {
        let layout = forest.shape().layout();
        let dim = layout.dim();
        let Some(space) = Space::new(layout.metric(), partition.centres().mean()) else {
            return Ok(None);
        };
        if !(1..=QueryCodes::MOST_DIM).contains(&dim) {
            return Ok(None);
        }
        let mut rows = Rows::none(dim);
        let strip = rows.strip();
        let place = |item: u32, out: &mut [f64]| {
            space.place_item(forest.vector(item), forest.squared_length(item), out)
        };
        let ordered = spread.over(partition.len(), |cell| {
            let mut items = partition.items(cell).to_vec();
            if matches!(rows, Rows::Narrow(_)) {
                order(&mut items, dim, forest, place);
            }
            items
        })?;
        let mut strips = vec![0];
        let mut items = Vec::new();
        for cell in ordered {
            items.extend(cell);
            items.resize(items.len().next_multiple_of(strip), NO_ITEM);
            let Ok(end) = u32::try_from(items.len()) else { return Ok(None) };
            strips.push(end / u32::try_from(strip).expect("small"));
        }
        let test = |coded: &Coded| space.row_test(coded);
        match &mut rows {
            Rows::Narrow(rows) => {
                let fetch = |item: u32| forest.fetch_ahead(NodeId(item));
                set_narrow(rows, dim, &items, spread, fetch, place, test)?;
            }
            Rows::Wide(rows) => set_wide(rows, dim, &items, spread, place, test)?,
        }
        Ok(Some(Codes { space, rows, strips, items }))
    }

    /// The codes of queries, four by four, and what limits for each of them need.
    pub(super) fn groups(
        &self,
        dim: usize,
        queries: &[&[f32]],
    ) -> (Vec<QueryGroup>, Vec<Option<QueryBounds>>) {
        let mut groups = Vec::with_capacity(queries.len().div_ceil(GROUP));
        let mut bounds = Vec::with_capacity(queries.len());
        let mut placed = vec![0.0; GROUP * dim];
        for four in queries.chunks(GROUP) {
            let mut errors = [f64::INFINITY; GROUP];
            for ((query, out), error) in four.iter().zip(placed.chunks_mut(dim)).zip(&mut errors) {
                *error = self.space.place_query(query, out);
                if !error.is_finite() {
                    out.fill(0.0);
                }
            }
            let (group, coded) = QueryGroup::new(dim, placed[..four.len() * dim].chunks(dim));
            for (lane, query) in four.iter().enumerate() {
                let coded = coded[lane].as_ref();
                bounds.push(coded.and_then(|coded| self.space.bounds(query, coded, errors[lane])));
            }
            groups.push(group);
        }
        (groups, bounds)
    }

    /// The strips of a cell.
    pub(super) fn strips(&self, cell: usize) -> Range<usize> {
        self.strips[cell] as usize..self.strips[cell + 1] as usize
    }

    /// The item that a hit is of; none where a strip is filled up.
    pub(super) fn item(&self, hit: Hit) -> Option<u32> {
        self.items.get(hit.row as usize).copied().filter(|&item| item != NO_ITEM)
    }

    /// Adds to `hits` what passes in some strips.
    pub(super) fn scan(
        &self,
        kernel: ScanKernel,
        strips: Range<usize>,
        group: &QueryGroup,
        limits: &QueryLimits,
        hits: &mut Vec<Hit>,
    ) {
        self.rows.scan(kernel, strips, group, limits, hits);
    }
}

/// Puts the items of a cell in an order in which those of a strip are about as long as each other.
fn order(
    items: &mut [u32],
    dim: usize,
    forest: Forest<'_>,
    place: impl Fn(u32, &mut [f64]) -> f64,
) {
    let mut placed = vec![0.0; dim];
    let mut places: Vec<(NarrowPlace, u32)> = Vec::with_capacity(items.len());
    for (at, &item) in items.iter().enumerate() {
        if let Some(&later) = items.get(at + AHEAD) {
            forest.fetch_ahead(NodeId(later));
        }
        let error = place(item, &mut placed);
        let (vector, rounded) = narrow_vector(&placed);
        places.push((NarrowPlace::new(&vector, error + rounded), item));
    }
    places.sort_unstable();
    items.iter_mut().zip(places).for_each(|(item, (_, placed))| *item = placed);
}

fn set_narrow(
    rows: &mut NarrowRows,
    dim: usize,
    items: &[u32],
    spread: Spread<'_>,
    fetch: impl Fn(u32) + Sync,
    place: impl Fn(u32, &mut [f64]) -> f64 + Sync,
    test: impl Fn(&Coded) -> RowTest + Sync,
) -> Result<(), SearchError> {
    #[expect(clippy::cast_possible_truncation, reason = "strips are counted in 32 bits")]
    rows.resize(dim, 0..items.len() as u32);
    let mut strips: Vec<_> = rows.strips_mut().collect();
    let pieces = in_turns(strips.chunks_mut(PIECE).collect());
    spread.over(pieces.len(), |at| {
        let mut placed = vec![0.0; dim];
        for (number, strip) in take(&pieces, at).iter_mut().enumerate() {
            let later = items.iter().skip((at * PIECE + number + 1) * NARROW_STRIP);
            later.take(NARROW_STRIP).filter(|&&item| item != NO_ITEM).for_each(|&item| fetch(item));
            let vector = |row: u32| {
                // What fills up a strip is like the last item in it.
                let upto = &items[..=row as usize];
                let item = upto.iter().rev().find(|&&item| item != NO_ITEM);
                let error = item.map_or(f64::INFINITY, |&item| place(item, &mut placed));
                let (vector, rounded) = narrow_vector(&placed);
                (vector, error + rounded)
            };
            strip.set(vector, &test);
        }
    })?;
    Ok(())
}

fn set_wide(
    rows: &mut RowCodes,
    dim: usize,
    items: &[u32],
    spread: Spread<'_>,
    place: impl Fn(u32, &mut [f64]) -> f64 + Sync,
    test: impl Fn(&Coded) -> RowTest + Sync,
) -> Result<(), SearchError> {
    /// Nothing passes.
    const NOTHING: RowTest = RowTest { scale: 0.0, a: f32::NEG_INFINITY, b: 0.0 };
    rows.resize(dim, items.len());
    let pieces = in_turns(rows.pieces_mut(PIECE).collect());
    spread.over(pieces.len(), |at| {
        let mut placed = vec![0.0; dim];
        let mut piece = take(&pieces, at);
        for row in piece.rows() {
            if items[row] == NO_ITEM {
                placed.fill(0.0);
                piece.set(row, &placed, 0.0, |_| NOTHING);
            } else {
                let error = place(items[row], &mut placed);
                piece.set(row, &placed, error, &test);
            }
        }
    })?;
    Ok(())
}

/// Pieces that threads take one by one.
fn in_turns<T>(pieces: Vec<T>) -> Vec<Mutex<Option<T>>> {
    pieces.into_iter().map(|piece| Mutex::new(Some(piece))).collect()
}

fn take<T>(pieces: &[Mutex<Option<T>>], at: usize) -> T {
    let mut piece = pieces[at].lock().unwrap_or_else(PoisonError::into_inner);
    piece.take().expect("each piece is taken once")
}
