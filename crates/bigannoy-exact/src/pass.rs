//! Every row of a block compared with every query in codes first, and in double precision where that
//! leaves a doubt.
//!
//! A row passes if its codes do not prove that it is beyond the query's limit. The `k`-th best distance so
//! far is one, but it is wide until most rows have been seen, and to compare what passes costs more than to
//! scan. So limits are guessed: rows come in an order in which the first of them are like all of them, and of
//! the first `n` of `N` rows about `k n / N` are among the `k` nearest. What is a little further away than so
//! many, by codes alone, is a limit that `k` rows will very likely meet ([`Looking::guess`]). Whatever
//! passes is kept with what its codes tell, and compared best first when all rows have been
//! seen. If the `k`-th best is no further away than the guess then all rows that are as near have passed, and
//! the answer is exact; otherwise the block is scanned once more for this query, without a guess.

use std::ops::Range;

use bigannoy_metric::kernel::LANES;
use bigannoy_sketch::scan::{GROUP, Hit, Limit, QueryLimits, ScanKernel};
use rayon::prelude::*;

use crate::block::Block;
use crate::bounds::Bounds;
use crate::coded::{CodedRows, Group};
use crate::direct;
use crate::nearest::{Key, Nearest};
use crate::reference::Reference;
use crate::search::Task;

/// Strips that stay near the processor while queries pass: 16 or 32 KiB of codes in 50 dimensions.
const TILE: usize = 16;
/// Groups of queries that a thread answers together.
const GROUPS: usize = 64;
/// How far beyond what is expected a guess lies, in standard deviations: so that few are wrong.
const DEVIATIONS: f64 = 4.0;

/// What all threads look at.
struct Pass<'a> {
    task: &'a Task<'a>,
    rows: &'a Reference,
    codes: &'a CodedRows,
    queries: &'a Block<f64>,
}

/// Shows all rows of the block to the selections of all queries.
pub(crate) fn compare(
    task: &Task<'_>,
    kernel: ScanKernel,
    (rows, coded_rows): (&Reference, &CodedRows),
    (queries, groups): (&Block<f64>, &[Group]),
    nearest: &mut [Nearest],
) {
    let pass = Pass { task, rows, codes: coded_rows, queries };
    let share = groups.len().div_ceil(rayon::current_num_threads());
    let chunk = GROUPS.min(share.max(1));
    nearest.par_chunks_mut(chunk * GROUP).zip(groups.par_chunks(chunk)).enumerate().for_each_init(
        Vec::new,
        |buffers, (at, (nearest, groups))| {
            pass.compare_chunk(kernel, at * chunk * GROUP, groups, nearest, buffers);
        },
    );
}

impl Pass<'_> {
    fn compare_chunk(
        &self,
        kernel: ScanKernel,
        first: usize,
        groups: &[Group],
        nearest: &mut [Nearest],
        buffers: &mut Vec<Vec<Near>>,
    ) {
        let bounds = groups.iter().flat_map(|group| &group.bounds);
        let mut looking: Vec<Option<Looking<'_>>> = Vec::with_capacity(nearest.len());
        for ((nearest, bounds), query) in nearest.iter_mut().zip(bounds).zip(first..) {
            let Some(bounds) = bounds else {
                let all = 0..self.rows.len();
                direct::compare_all(self.task, self.rows, all, self.queries, query, nearest);
                looking.push(None);
                continue;
            };
            let near = buffers.pop().unwrap_or_default();
            looking.push(Some(Looking::new(self, query, bounds, nearest, near)));
        }
        // Twice for queries whose guess was wrong; the second time none is made.
        while looking.iter().any(Option::is_some) {
            if self.scan(kernel, groups, &mut looking).is_none() {
                return;
            }
            for place in &mut looking {
                if let Some(done) = place.take_if(Looking::is_done) {
                    buffers.push(done.near);
                }
            }
        }
    }

    /// Shows all rows to those that are looking; `None` where that was interrupted.
    fn scan(
        &self,
        kernel: ScanKernel,
        groups: &[Group],
        looking: &mut [Option<Looking<'_>>],
    ) -> Option<()> {
        let (strips, strip) = (self.codes.strips(), self.codes.strip());
        let mut hits: Vec<Hit> = Vec::new();
        let mut start = 0;
        while start < strips {
            if self.task.is_interrupted() {
                return None;
            }
            let sample = self.codes.samples.iter().copied().find(|&sample| sample > start);
            // The first ones are small: there is no limit yet.
            let end = start + start.clamp(1, TILE);
            let tile = start..end.min(sample.unwrap_or(strips));
            start = tile.end;
            let guess = sample.filter(|&sample| start == sample || start.is_power_of_two());
            for (group, looking) in groups.iter().zip(looking.chunks_mut(GROUP)) {
                let mut limits = QueryLimits::NONE;
                for (lane, looking) in looking.iter().enumerate() {
                    limits.set(lane, looking.as_ref().map_or(Limit::NONE, |looking| looking.limit));
                }
                if looking.iter().all(Option::is_none) {
                    continue;
                }
                hits.clear();
                self.codes.scan(kernel, tile.clone(), group, &limits, &mut hits);
                for hit in &hits {
                    let looking = looking.get_mut(hit.query as usize).and_then(Option::as_mut);
                    if let (Some(looking), Some(row)) = (looking, self.codes.row(hit)) {
                        looking.take(hit, row);
                    }
                }
                if let Some(sample) = guess {
                    looking.iter_mut().flatten().for_each(|looking| looking.guess(sample * strip));
                }
            }
        }
        looking.iter_mut().flatten().for_each(Looking::compare);
        Some(())
    }
}

/// A row that passed the limit.
#[derive(Clone, Copy, Debug)]
struct Near {
    /// About where it is: less is nearer.
    estimate: f32,
    /// The test's value without what the row's codes lose, and that.
    value: f32,
    lost: f32,
    /// Which row of the block.
    row: u32,
}

/// Rows that are compared together.
#[derive(Default)]
struct Waiting {
    rows: [u32; LANES],
    count: usize,
}

impl Waiting {
    fn push(&mut self, row: u32) {
        self.rows[self.count] = row;
        self.count += 1;
    }

    fn rows(&self) -> &[u32] {
        &self.rows[..self.count]
    }
}

/// A query among the rows of a block.
struct Looking<'a> {
    pass: &'a Pass<'a>,
    query: usize,
    own: Option<usize>,
    bounds: &'a Bounds,
    nearest: &'a mut Nearest,
    limit: Limit,
    /// The last key that is looked for, where it is not that of the worst of the nearest.
    last: Option<Key>,
    guesses: bool,
    /// Rows that have passed and were not compared yet.
    near: Vec<Near>,
}

impl<'a> Looking<'a> {
    fn new(
        pass: &'a Pass<'a>,
        query: usize,
        bounds: &'a Bounds,
        nearest: &'a mut Nearest,
        mut near: Vec<Near>,
    ) -> Self {
        let own = pass.task.own_row(pass.queries.rows.start + query);
        let limit = Limit::NONE;
        near.reserve_exact(Self::most(pass.task.k));
        let mut looking =
            Looking { pass, query, own, bounds, nearest, limit, last: None, guesses: true, near };
        looking.set_limit();
        looking
    }

    /// How many rows wait to be compared at most: see [`Plan`](crate::Plan) for their memory.
    fn most(k: usize) -> usize {
        2 * k.min(256) + 64
    }

    /// Keeps a row that has passed.
    fn take(&mut self, hit: &Hit, row: u32) {
        if self.own == Some(self.pass.rows.rows().start + row as usize) {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "an estimate")]
        let estimate = self.bounds.estimate(hit) as f32;
        let (value, lost) = (hit.value(self.limit.alpha), hit.test.b);
        self.near.push(Near { estimate, value, lost, row });
        if self.near.len() >= Self::most(self.pass.task.k) {
            self.compare();
        }
    }

    /// Guesses a limit from a sample of `rows`, all of which or the first of which were shown: the fewer
    /// were, the further away is what has a given rank among them.
    fn guess(&mut self, rows: usize) {
        let k = self.pass.task.k;
        let all = self.rank(rows, k);
        // Of what has passed, the part in which the next rank that is asked for must be.
        let mut part = 0..self.near.len();
        let mut guess = if self.guesses && all <= k { self.ranked(all, &mut part) } else { None };
        if guess.is_some() && !self.nearest.is_empty() {
            // The fewer of this block are wanted, the nearer the guess is, and the fewer of those before it
            // has.
            let (mut few, mut enough) = (0, k);
            while few + 1 + k / 16 < enough {
                let wanted = few.midpoint(enough);
                let (rank, mut within) = (self.rank(rows, wanted), part.clone());
                let nearer = self.ranked(rank, &mut within);
                if nearer.is_some_and(|key| wanted + self.nearest.up_to(key) >= k) {
                    (enough, guess, part) = (wanted, nearer, within);
                } else {
                    (few, part.start) = (wanted, rank - 1);
                }
            }
        }
        if let Some(guess) = guess {
            if self.last.is_none_or(|known| guess < known) {
                self.last = Some(guess);
                self.set_limit();
                let limit = self.limit;
                self.near.retain(|near| !limit.excludes(near.value, near.lost));
            }
        } else if (all > k || !self.guesses) && self.near.len() >= k.max(LANES) {
            // A guess would be no nearer than what was seen is for certain.
            self.compare();
        }
    }

    /// Of how many of a sample of `rows` all but very likely `wanted` or more of the whole block are as near
    /// as the last of them.
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    fn rank(&self, rows: usize, wanted: usize) -> usize {
        let share = rows as f64 / self.pass.rows.len() as f64;
        let expected = wanted as f64 * share;
        let deviation = (expected * (1.0 - share)).max(0.0).sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
        let rank = (expected + DEVIATIONS * deviation) as usize + 2;
        rank
    }

    /// About where the row of this rank is, counted from 1, among those that have passed. It is looked for in
    /// `part`, which afterwards ends with it.
    fn ranked(&mut self, rank: usize, part: &mut Range<usize>) -> Option<Key> {
        if rank > part.end {
            return None;
        }
        let by_estimate = |a: &Near, b: &Near| a.estimate.total_cmp(&b.estimate);
        let near = &mut self.near[part.clone()];
        let estimate = near.select_nth_unstable_by(rank - 1 - part.start, by_estimate).1.estimate;
        part.end = rank;
        let reported = self.bounds.reported(estimate.into());
        estimate.is_finite().then(|| Key::new(self.pass.task.metric, reported, u32::MAX))
    }

    /// Sets what codes have to come to, by what is known.
    fn set_limit(&mut self) {
        let last = self.nearest.worst().into_iter().chain(self.last).min();
        let reported = last.map(|key| key.neighbor(self.pass.task.metric).distance);
        self.limit = self.bounds.limit(reported.unwrap_or(f64::NAN));
    }

    /// Compares what has passed in double precision, the most promising first.
    fn compare(&mut self) {
        self.guesses = false;
        let mut near = std::mem::take(&mut self.near);
        let first = match self.nearest.worst() {
            Some(_) => near.len() / 2,
            None => self.pass.task.k,
        };
        let first = first.next_multiple_of(LANES);
        if first < near.len() {
            near.select_nth_unstable_by(first, |a, b| a.estimate.total_cmp(&b.estimate));
        }
        // While some are compared, the next ones are on their way from memory.
        let (mut ready, mut coming) = (Waiting::default(), Waiting::default());
        for near in &near {
            if self.limit.excludes(near.value, near.lost) {
                continue;
            }
            self.pass.rows.fetch_ahead(near.row as usize);
            coming.push(near.row);
            if coming.count == LANES {
                self.resolve(ready.rows());
                ready = std::mem::take(&mut coming);
            }
        }
        self.resolve(ready.rows());
        self.resolve(coming.rows());
        near.clear();
        self.near = near;
    }

    /// Compares a few rows in double precision.
    fn resolve(&mut self, rows: &[u32]) {
        let Some(&last) = rows.last() else { return };
        let Pass { task, queries, rows: block, .. } = *self.pass;
        let (vector, length) = (queries.row(self.query), queries.length(self.query));
        // The last row stands in for those that are not there.
        let at: [usize; LANES] =
            std::array::from_fn(|lane| *rows.get(lane).unwrap_or(&last) as usize);
        let distances = block.distances(task.metric, vector, length, at);
        for (&row, distance) in rows.iter().zip(distances) {
            self.nearest.push(Key::new(task.metric, distance, block.number(row)));
        }
        self.set_limit();
    }

    /// Whether all rows were shown that can be among the nearest. If not, because a guess was wrong, it
    /// begins anew without.
    fn is_done(&mut self) -> bool {
        let Some(last) = self.last else { return true };
        let worst = self.nearest.worst();
        if worst.is_some_and(|worst| worst <= last) {
            return true;
        }
        // What was pushed out on the way is beyond the worst, and not among the nearest in the end.
        let block = self.pass.rows.rows();
        self.nearest.retain(|row| !block.contains(&(row as usize)));
        self.last = worst;
        self.set_limit();
        false
    }
}
