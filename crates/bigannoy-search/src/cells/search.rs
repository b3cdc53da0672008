//! Many queries, from cell to cell.

use bigannoy_format::{Forest, NodeId};
use bigannoy_metric::kernel::LANES;
use bigannoy_metric::{ABREAST, ItemSet, Prepared, RankKey, TopK};
use bigannoy_sketch::scan::{GROUP, Hit, Limit, QueryBounds, QueryGroup, QueryLimits, ScanKernel};

use super::Cells;
use super::centres::Nearness;
use super::codes::Codes;
use crate::SearchError;
use crate::interrupt::Interrupt;
use crate::rank;

/// Cells that each query visits before any query visits others: what is found there limits the rest.
const FIRST: usize = 2;
/// Strips that are looked at between two looks at the limits.
const TILE: usize = 16;
/// Strips that are looked at first while there is no limit, at least.
const LEAST_OPEN: usize = 2;

/// A query, and the item that is not to be among its neighbors.
pub(crate) struct Asked<'v> {
    pub(crate) query: Prepared<'v>,
    pub(crate) exclude: Option<u32>,
}

/// What queries are looking for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hunt<'a> {
    pub(crate) forest: Forest<'a>,
    pub(crate) cells: &'a Cells,
    /// Admitted items of each cell.
    pub(crate) counts: &'a [u32],
    pub(crate) admit: Option<&'a ItemSet>,
    pub(crate) k: usize,
    /// Items that the cells visited are to hold.
    pub(crate) search_k: usize,
    pub(crate) kernel: ScanKernel,
    pub(crate) interrupt: Interrupt<'a>,
}

impl Cells {
    /// How many items of each cell `admit` has.
    pub(crate) fn counts(&self, admit: Option<&ItemSet>) -> Vec<u32> {
        let admitted = |items: &[u32]| match admit {
            None => items.len(),
            Some(admit) => items.iter().filter(|&&item| admit.contains(item)).count(),
        };
        let cells = 0..self.partition.len();
        #[expect(clippy::cast_possible_truncation, reason = "no more than items")]
        let counts = cells.map(|cell| admitted(self.partition.items(cell)) as u32).collect();
        counts
    }
}

/// One query under way.
struct Looking {
    best: TopK,
    bounds: Option<QueryBounds>,
    limit: Limit,
    /// Items that passed the limit and wait for others, to be ranked together.
    waiting: [u32; LANES],
    count: usize,
}

/// One in so many scores tells how many there are below one.
const SAMPLED: usize = 16;

/// An item that passed a limit.
#[derive(Clone, Copy)]
struct Near {
    /// The test's value without what the item's codes lose: more is nearer, as far as codes tell.
    value: f32,
    lost: f32,
    item: u32,
}

/// What was found in a cell, for each query of a group.
#[derive(Default)]
struct Found {
    hits: Vec<Hit>,
    lanes: [Vec<Near>; GROUP],
}

/// The cells that queries visit: those of one after those of the other.
#[derive(Default)]
struct Visits {
    cells: Vec<u32>,
    /// Where those of each query begin, and the end.
    starts: Vec<usize>,
}

impl Hunt<'_> {
    /// The neighbors of each query.
    pub(crate) fn run(&self, asked: &[&Asked<'_>]) -> Result<Vec<Vec<RankKey>>, SearchError> {
        let vectors: Vec<&[f32]> = asked.iter().map(|asked| asked.query.vector()).collect();
        let visits = self.visits(&vectors);
        let looking = asked.iter().map(|_| Looking::new(self.k));
        let mut looking: Vec<Looking> = looking.collect();
        match &*self.cells.codes {
            Some(codes) => self.go(codes, asked, &vectors, &visits, &mut looking)?,
            None => {
                for (at, looking) in looking.iter_mut().enumerate() {
                    self.interrupt.check()?;
                    self.look_at_all(asked[at], visits.of(at), looking);
                }
            }
        }
        Ok(looking.into_iter().map(|mut looking| looking.best.drain_sorted()).collect())
    }

    /// The cells of each query, the nearest first.
    fn visits(&self, vectors: &[&[f32]]) -> Visits {
        let centres = self.cells.partition.centres();
        let nearness = Nearness::of_queries(self.forest.shape().layout().metric());
        let mut visits = Visits { cells: Vec::new(), starts: vec![0] };
        let (mut buffer, mut keys) = (Vec::new(), Vec::new());
        for vectors in vectors.chunks(ABREAST) {
            centres.scores(nearness, vectors, &mut buffer, |_, scores| {
                self.choose(scores, &mut keys, &mut visits.cells);
                visits.starts.push(visits.cells.len());
            });
        }
        visits
    }

    /// Adds the nearest cells that hold enough items, in order.
    fn choose(&self, scores: &[f32], keys: &mut Vec<RankKey>, cells: &mut Vec<u32>) {
        let average = self.forest.shape().n_items() as usize / scores.len().max(1) + 1;
        // About as many as are likely to be needed, with a quarter more.
        let guess = self.search_k.div_ceil(average);
        let guess = guess + guess / 4 + 4;
        // One in sixteen scores tells below which score there are so many.
        let mut sample: Vec<f32> = scores.iter().copied().step_by(SAMPLED).collect();
        let at = guess / SAMPLED + guess / (4 * SAMPLED) + 2;
        if at < sample.len() {
            let (_, &mut limit, _) = sample.select_nth_unstable_by(at, f32::total_cmp);
            keys.clear();
            let near = (0u32..).zip(scores).filter(|&(_, &score)| score < limit);
            keys.extend(near.map(|(cell, &score)| RankKey::new(score, cell)));
            let before = cells.len();
            if self.choose_sorted(keys, cells) {
                return;
            }
            cells.truncate(before);
        }
        keys.clear();
        keys.extend((0u32..).zip(scores).map(|(cell, &score)| RankKey::new(score, cell)));
        self.choose_sorted(keys, cells);
    }

    /// Adds the nearest of these cells until they hold enough items; `false` where they do not.
    fn choose_sorted(&self, keys: &mut [RankKey], cells: &mut Vec<u32>) -> bool {
        keys.sort_unstable();
        let mut held = 0usize;
        for key in keys {
            let cell = key.item();
            let count = self.counts[cell as usize];
            if count > 0 {
                cells.push(cell);
            }
            held += count as usize;
            if held >= self.search_k {
                return true;
            }
        }
        false
    }

    fn dim(&self) -> usize {
        self.forest.shape().layout().dim()
    }

    fn admits(&self, asked: &Asked<'_>, item: u32) -> bool {
        Some(item) != asked.exclude && self.admit.is_none_or(|admit| admit.contains(item))
    }

    /// Ranks every item of some cells.
    fn look_at_all(&self, asked: &Asked<'_>, cells: &[u32], looking: &mut Looking) {
        let items = cells.iter().flat_map(|&cell| self.cells.partition.items(cell as usize));
        let wanted = items.copied().filter(|&item| self.admits(asked, item));
        rank::exactly(self.forest, &asked.query, wanted, &mut looking.best);
    }

    /// All queries from cell to cell: first those that are nearest to each, then the others.
    fn go(
        &self,
        codes: &Codes,
        asked: &[&Asked<'_>],
        vectors: &[&[f32]],
        visits: &Visits,
        looking: &mut [Looking],
    ) -> Result<(), SearchError> {
        let (groups, bounds) = codes.groups(self.dim(), vectors);
        for (at, (looking, bounds)) in looking.iter_mut().zip(bounds).enumerate() {
            looking.bounds = bounds;
            if looking.bounds.is_none() {
                self.look_at_all(asked[at], visits.of(at), looking);
            } else {
                looking.set_limit();
            }
        }
        let mut group = QueryGroup::new(self.dim(), []).0;
        let mut found = Found::default();
        for first in [true, false] {
            let turned =
                visits.turned(self.cells.partition.len(), first, |at| looking[at].bounds.is_some());
            for cell in 0..self.cells.partition.len() {
                if cell % 64 == 0 {
                    self.interrupt.check()?;
                }
                for queries in turned.of(cell).chunks(GROUP) {
                    group.pick(&groups, queries);
                    self.visit(codes, cell, &group, queries, asked, looking, &mut found);
                }
            }
            for (asked, looking) in asked.iter().zip(&mut *looking) {
                self.resolve(asked, looking);
            }
        }
        Ok(())
    }

    /// Up to four queries in one cell.
    #[expect(clippy::too_many_arguments, reason = "what the loop above has at hand")]
    fn visit(
        &self,
        codes: &Codes,
        cell: usize,
        group: &QueryGroup,
        queries: &[u32],
        asked: &[&Asked<'_>],
        looking: &mut [Looking],
        found: &mut Found,
    ) {
        let strips = codes.strips(cell);
        // While there is no limit, every item passes: a few more than are needed.
        let is_open = queries.iter().any(|&at| looking[at as usize].is_open());
        let mut size = if is_open { LEAST_OPEN.max(self.k / 8).min(TILE) } else { TILE };
        let mut start = strips.start;
        while start < strips.end {
            let tile = start..strips.end.min(start + size);
            start = tile.end;
            size = TILE;
            let mut limits = QueryLimits::NONE;
            for (lane, &at) in queries.iter().enumerate() {
                limits.set(lane, looking[at as usize].limit);
            }
            found.hits.clear();
            codes.scan(self.kernel, tile, group, &limits, &mut found.hits);
            for &hit in &found.hits {
                let Some(&at) = queries.get(hit.query as usize) else { continue };
                let value = hit.value(looking[at as usize].limit.alpha);
                let Some(item) =
                    codes.item(hit).filter(|&item| self.admits(asked[at as usize], item))
                else {
                    continue;
                };
                found.lanes[hit.query as usize].push(Near { value, lost: hit.test.b, item });
            }
            for (lane, &at) in found.lanes.iter_mut().zip(queries) {
                self.take(asked[at as usize], lane, &mut looking[at as usize]);
                lane.clear();
            }
        }
    }

    /// Takes up what was found for a query, the most promising first.
    fn take(&self, asked: &Asked<'_>, found: &mut [Near], looking: &mut Looking) {
        // Only what is best gets into line: without a limit as many as are wanted.
        let first = if looking.is_open() { self.k.next_multiple_of(LANES) } else { LANES };
        if found.len() > first {
            found.select_nth_unstable_by(first, |a, b| b.value.total_cmp(&a.value));
        }
        for Near { value, lost, item } in found {
            if looking.limit.excludes(*value, *lost) {
                continue;
            }
            self.forest.fetch_ahead(NodeId(*item));
            looking.waiting[looking.count] = *item;
            looking.count += 1;
            if looking.count == LANES {
                self.resolve(asked, looking);
            }
        }
    }

    /// Ranks the items that wait.
    fn resolve(&self, asked: &Asked<'_>, looking: &mut Looking) {
        let Looking { best, waiting, count, .. } = looking;
        if *count == 0 {
            return;
        }
        rank::exactly(self.forest, &asked.query, waiting[..*count].iter().copied(), best);
        *count = 0;
        looking.set_limit();
    }
}

impl Looking {
    fn new(k: usize) -> Self {
        Looking {
            best: TopK::new(k),
            bounds: None,
            limit: Limit::NONE,
            waiting: [0; LANES],
            count: 0,
        }
    }

    /// Whether there is no limit yet.
    fn is_open(&self) -> bool {
        self.best.limit().is_none()
    }

    /// Sets what codes have to come to, by the neighbors so far.
    fn set_limit(&mut self) {
        let Some(bounds) = &self.bounds else { return };
        let worst = self.best.limit().map_or(f32::NAN, RankKey::comparable);
        self.limit = bounds.limit(worst.into());
    }
}

impl Visits {
    /// The cells of a query.
    fn of(&self, query: usize) -> &[u32] {
        &self.cells[self.starts[query]..self.starts[query + 1]]
    }

    /// The queries of each cell, of those that `wanted` is true of: for their first cells, or for all
    /// others.
    fn turned(&self, cells: usize, first: bool, wanted: impl Fn(usize) -> bool) -> Turned {
        let part = |query: usize| {
            let all = self.of(query);
            let (nearest, others) = all.split_at(all.len().min(FIRST));
            if first { nearest } else { others }
        };
        let queries = || (0..self.starts.len() - 1).filter(|&query| wanted(query));
        let mut starts = vec![0; cells + 1];
        queries().flat_map(part).for_each(|&cell| starts[cell as usize + 1] += 1);
        for cell in 0..cells {
            starts[cell + 1] += starts[cell];
        }
        let mut next = starts.clone();
        let mut turned = vec![0; starts[cells]];
        for query in queries() {
            for &cell in part(query) {
                let next = &mut next[cell as usize];
                #[expect(clippy::cast_possible_truncation, reason = "queries of a block")]
                let number = query as u32;
                turned[*next] = number;
                *next += 1;
            }
        }
        Turned { queries: turned, starts }
    }
}

/// The queries that visit each cell.
struct Turned {
    queries: Vec<u32>,
    starts: Vec<usize>,
}

impl Turned {
    fn of(&self, cell: usize) -> &[u32] {
        &self.queries[self.starts[cell]..self.starts[cell + 1]]
    }
}
