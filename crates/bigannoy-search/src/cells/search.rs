//! Many queries, from cell to cell.

use bigannoy_format::{Forest, NodeId};
use bigannoy_metric::kernel::LANES;
use bigannoy_metric::{ABREAST, ItemSet, Prepared, RankKey, TopK};
use bigannoy_sketch::scan::{GROUP, Hit, QueryLimits, ScanKernel};

use super::Cells;
use super::bounds::Bounds;
use super::centres::{Nearness, key};
use super::codes::Codes;
use super::groups::Group;
use crate::SearchError;
use crate::interrupt::Interrupt;
use crate::rank;

/// Cells that each query visits before any query visits others: what is found there limits the rest.
const FIRST: usize = 2;
/// Strips that are looked at between two looks at the limits.
const TILE: usize = 16;

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
    bounds: Option<Bounds>,
    alpha: f32,
    beta: f32,
    gamma: f32,
    /// Items that passed the limit and wait for others, to be ranked together.
    waiting: [u32; LANES],
    count: usize,
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
        let (mut products, mut keys) = (Vec::new(), Vec::with_capacity(centres.len()));
        for vectors in vectors.chunks(ABREAST) {
            centres.scores(nearness, vectors, &mut products, |_, scores| {
                keys.clear();
                keys.extend((0u32..).zip(scores).map(|(cell, score)| key(score, cell)));
                self.choose(&mut keys, &mut visits.cells);
                visits.starts.push(visits.cells.len());
            });
        }
        visits
    }

    /// Adds the nearest cells that hold enough items, in order.
    fn choose(&self, keys: &mut [RankKey], cells: &mut Vec<u32>) {
        let mut held = 0usize;
        let mut start = 0;
        // About as many as are likely to be needed, with a quarter more.
        let average = self.forest.shape().n_items() as usize / keys.len().max(1) + 1;
        let mut guess = self.search_k.div_ceil(average);
        guess += guess / 4 + 4;
        while start < keys.len() {
            let end = start.saturating_add(guess).min(keys.len());
            let rest = &mut keys[start..];
            if end - start < rest.len() {
                rest.select_nth_unstable(end - start);
            }
            let rest = &mut rest[..end - start];
            rest.sort_unstable();
            for key in rest {
                let cell = key.item();
                let count = self.counts[cell as usize];
                if count > 0 {
                    cells.push(cell);
                }
                held += count as usize;
                if held >= self.search_k {
                    return;
                }
            }
            start = end;
            guess *= 2;
        }
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
        let mut group = Group::none(self.dim());
        let mut hits = Vec::new();
        for first in [true, false] {
            let turned =
                visits.turned(self.cells.partition.len(), first, |at| looking[at].bounds.is_some());
            for cell in 0..self.cells.partition.len() {
                if cell % 64 == 0 {
                    self.interrupt.check()?;
                }
                for queries in turned.of(cell).chunks(GROUP) {
                    group.pick(&groups, queries);
                    self.visit(codes, cell, &group, queries, asked, looking, &mut hits);
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
        group: &Group,
        queries: &[u32],
        asked: &[&Asked<'_>],
        looking: &mut [Looking],
        hits: &mut Vec<Hit>,
    ) {
        let strips = codes.strips(cell);
        let mut start = strips.start;
        // While there is no limit, every item passes.
        let mut size =
            if queries.iter().any(|&at| looking[at as usize].is_open()) { 1 } else { TILE };
        while start < strips.end {
            let tile = start..strips.end.min(start + size);
            start = tile.end;
            size = (size * 2).min(TILE);
            let mut limits = QueryLimits::NONE;
            for (lane, &at) in queries.iter().enumerate() {
                let looking = &looking[at as usize];
                limits.alpha[lane] = looking.alpha;
                limits.beta[lane] = looking.beta;
                limits.gamma[lane] = looking.gamma;
            }
            hits.clear();
            codes.scan(self.kernel, tile, group, &limits, hits);
            for &hit in &*hits {
                let Some(&at) = queries.get(hit.query as usize) else { continue };
                let (asked, looking) = (asked[at as usize], &mut looking[at as usize]);
                let Some(item) = codes.item(hit).filter(|&item| self.admits(asked, item)) else {
                    continue;
                };
                self.forest.fetch_ahead(NodeId(item));
                looking.waiting[looking.count] = item;
                looking.count += 1;
                if looking.count == LANES {
                    self.resolve(asked, looking);
                }
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
            alpha: 0.0,
            beta: 0.0,
            gamma: f32::NAN,
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
        let limit = self.best.limit().map_or(f32::INFINITY, RankKey::comparable);
        let limit = bounds.limit(limit);
        (self.alpha, self.beta, self.gamma) = (limit.alpha, limit.beta, limit.gamma);
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
