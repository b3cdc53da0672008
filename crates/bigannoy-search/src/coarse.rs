//! The walk in waves over short copies of the planes, with margins that are certain to some error.
//!
//! As in [`crate::wave`], what lies above the priority at which Annoy stops is visited in any order.
//! Here each subtree's priority is known to lie between two bounds, so that of most leaves it is
//! certain on which side of that priority they are. Exact margins, from the records of the index, are
//! computed only on the way to leaves of which it is not, and only where they may be the smallest.

use std::collections::BinaryHeap;

use bigannoy_format::{DamagedRecord, Forest, NodeId, Record, Split};
use bigannoy_metric::Prepared;
use bigannoy_metric::kernel::LANES;
use bigannoy_sketch::{Kernel, PlaneQuery};

use crate::scratch::{Priority, Scratch, lesser};
use crate::trees::{Leaf, Place, Trees};
use crate::walk::Walk;
use crate::wave::{NO_SPLIT, first_floor, leaves_of_equals, margins_of, released};

/// Records that are asked for before they are visited.
const AHEAD: usize = 24;
/// Leaves that are asked for before their items are taken.
const LEAVES_AHEAD: usize = 8;
/// No way: a root.
const START: u32 = u32::MAX;

/// How a subtree was come to: the number of a turn, and the side taken.
fn way(turn: usize, side: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "no more turns than splits: 30 bits")]
    let turn = turn as u32;
    turn << 1 | side
}

/// A subtree to visit, and what is certain of its priority.
#[derive(Clone, Copy, Debug)]
struct Subtree {
    place: Place,
    way: u32,
    least: f32,
    most: f32,
}

/// A split that was visited.
#[derive(Clone, Copy, Debug)]
struct Turn {
    split: u32,
    way: u32,
    /// How far the query is on side 1.
    margin: f32,
    error: f32,
    /// Whether `margin` is exact.
    exact: bool,
}

/// A leaf that was found, and how many of its items count.
#[derive(Clone, Copy, Debug)]
struct Found {
    place: Place,
    way: u32,
    least: f32,
    most: f32,
    leaf: Leaf,
    count: u32,
}

/// Buffers of the walk: 16 bytes for each subtree, 20 for each split visited, 40 for each leaf.
#[derive(Debug, Default)]
pub(crate) struct Coarse {
    query: Option<PlaneQuery>,
    wave: Vec<Subtree>,
    put_off: Vec<Subtree>,
    turns: Vec<Turn>,
    found: Vec<Found>,
    /// Numbers of leaves behind keys to sort them by.
    order: Vec<u64>,
    /// Turns whose margins are to be exact.
    wanted: Vec<u32>,
    /// Leaves that are gathered.
    gathered: Vec<Leaf>,
    entries: Vec<u64>,
    equals: BinaryHeap<u32>,
    /// Subtrees that were looked at to begin waves, all queries together.
    #[cfg(test)]
    pub(crate) sifted: usize,
}

impl Walk<'_> {
    /// Gathers what [`Walk::gather_in_order`] would, and tells whether it could: not where the values
    /// of the query are out of range.
    ///
    /// # Errors
    /// [`DamagedRecord`]: the index is no longer what it was when `trees` was made.
    pub(crate) fn gather_coarsely(
        &self,
        forest: Forest<'_>,
        trees: &Trees,
        query: &Prepared<'_>,
        search_k: usize,
        scratch: &mut Scratch,
    ) -> Result<bool, DamagedRecord> {
        let Scratch { coarse, candidates, .. } = scratch;
        if !coarse.begin(trees, self.kernel, query.vector()) {
            return Ok(false);
        }
        let capacity = forest.shape().layout().leaf_capacity();
        let mut floor = first_floor(forest, search_k);
        let mut counted = 0;
        loop {
            coarse.run(trees, floor);
            for found in &mut coarse.found[counted..] {
                let leaf = trees.leaf(found.place);
                found.leaf = leaf;
                found.count = self.count_of(forest, leaf);
            }
            counted = coarse.found.len();
            let enough = coarse.found.iter().filter(|found| found.least >= floor);
            let (leaves, enough) =
                enough.fold((0, 0), |(n, sum), found| (n + 1, sum + found.count as usize));
            if enough >= search_k || coarse.put_off.is_empty() {
                break;
            }
            // Half of what is likely to be needed: each subtree has more leaves than one.
            let average = if enough == 0 { capacity } else { enough.div_ceil(leaves) };
            floor = coarse.release((search_k - enough) / (2 * average));
        }
        coarse.cut(self, forest, trees, query, search_k)?;
        let mut ahead = coarse.gathered.iter();
        ahead.by_ref().take(LEAVES_AHEAD).for_each(|leaf| forest.fetch_ahead(NodeId(leaf.node)));
        for leaf in &coarse.gathered {
            if let Some(next) = ahead.next() {
                forest.fetch_ahead(NodeId(next.node));
            }
            self.take(leaf.items(forest), candidates);
        }
        Ok(true)
    }

    fn count_of(&self, forest: Forest<'_>, leaf: Leaf) -> u32 {
        if self.admit.is_none() {
            return leaf.count;
        }
        #[expect(clippy::cast_possible_truncation, reason = "fits in a record")]
        let count = self.count(leaf.items(forest)) as u32;
        count
    }
}

impl Coarse {
    fn begin(&mut self, trees: &Trees, kernel: Kernel, vector: &[f32]) -> bool {
        self.wave.clear();
        self.put_off.clear();
        self.turns.clear();
        self.found.clear();
        let roots = trees.roots().iter();
        self.wave.extend(roots.map(|&place| Subtree {
            place,
            way: START,
            least: f32::INFINITY,
            most: f32::INFINITY,
        }));
        let dim = vector.len();
        let query = match &mut self.query {
            Some(query) if query.dim() == dim && query.kernel() == kernel => query,
            other => other.insert(PlaneQuery::new(dim, kernel)),
        };
        query.set(vector)
    }

    /// Begins a wave with the most promising of the subtrees put off, as many as [`released`] says. Returns
    /// the new floor: what is left may not reach it.
    fn release(&mut self, wanted: usize) -> f32 {
        #[cfg(test)]
        {
            self.sifted += self.put_off.len();
        }
        let count = released(wanted, self.put_off.len());
        let best_first = |a: &Subtree, b: &Subtree| b.most.total_cmp(&a.most);
        let (_, last, _) = self.put_off.select_nth_unstable_by(count - 1, best_first);
        let floor = last.most;
        self.wave.clear();
        self.wave.extend(self.put_off.drain(..count));
        let wave = &mut self.wave;
        self.put_off.retain(|&subtree| {
            let equal = subtree.most >= floor;
            if equal {
                wave.push(subtree);
            }
            !equal
        });
        floor
    }

    /// Visits everything in the wave, and what is below it and may reach the floor.
    fn run(&mut self, trees: &Trees, floor: f32) {
        let Some(query) = &self.query else { return };
        let (mut next, mut asked) = (0, 0);
        while next < self.wave.len() {
            let mut splits = [0; LANES];
            let mut subtrees = [self.wave[next]; LANES];
            let mut count = 0;
            while count < LANES && next < self.wave.len() {
                while asked < self.wave.len() && asked < next + AHEAD {
                    trees.fetch_ahead(self.wave[asked].place);
                    asked += 1;
                }
                let subtree = self.wave[next];
                next += 1;
                if subtree.place.is_leaf() {
                    self.found.push(Found::of(subtree));
                } else {
                    subtrees[count] = subtree;
                    splits[count] = subtree.place.number();
                    count += 1;
                }
            }
            if count == 0 {
                break;
            }
            // What is left over repeats the first one.
            let first = splits[0];
            splits[count..].fill(first);
            let read = query.margins(trees.planes(), &splits);
            for lane in 0..count {
                let (subtree, split) = (subtrees[lane], splits[lane]);
                let (margin, error) = (read.margins[lane], read.errors[lane]);
                let turn = self.turns.len();
                self.turns.push(Turn { split, way: subtree.way, margin, error, exact: false });
                let places = Place::children(split, read.words[lane]);
                for (side, margin) in [(1, margin), (0, -margin)] {
                    let child = Subtree {
                        place: places[side as usize],
                        way: way(turn, side),
                        least: lesser(subtree.least, margin - error),
                        most: lesser(subtree.most, margin + error),
                    };
                    if child.most < floor {
                        self.put_off.push(child);
                    } else if child.place.is_leaf() {
                        trees.fetch_ahead(child.place);
                        self.found.push(Found::of(child));
                    } else {
                        self.wave.push(child);
                    }
                }
            }
        }
    }

    /// Leaves in `gathered` the leaves that Annoy gathers before it stops.
    fn cut(
        &mut self,
        walk: &Walk<'_>,
        forest: Forest<'_>,
        trees: &Trees,
        query: &Prepared<'_>,
        search_k: usize,
    ) -> Result<(), DamagedRecord> {
        // The priority at which Annoy stops is between these.
        let least = self.reached(search_k, |found| found.least);
        let most = self.reached(search_k, |found| found.most);
        self.gathered.clear();
        self.order.clear();
        let mut items = 0;
        for (at, found) in self.found.iter().enumerate() {
            if found.least > most {
                self.gathered.push(found.leaf);
                items += found.count as usize;
            } else if found.most >= least {
                self.order.push(at as u64);
            }
        }
        self.make_exact(forest, trees, query)?;
        for key in &mut self.order {
            let found = &self.found[place_of(*key)];
            let priority = self.turns.priority(found.way);
            *key |= priority.key();
        }
        self.order.sort_unstable_by(|a, b| b.cmp(a));
        let mut end = 0;
        while let Some(&key) = self.order.get(end) {
            let priority = Priority::of_key(key);
            let equal =
                self.order[end..].iter().take_while(|&&key| Priority::of_key(key) == priority);
            let (leaves, found) = equal.fold((0, 0), |(n, sum), &key| {
                (n + 1, sum + self.found[place_of(key)].count as usize)
            });
            let last = items + found >= search_k;
            if last && leaves > 1 {
                return self.equals_in_order(
                    walk,
                    forest,
                    trees,
                    query,
                    end..end + leaves,
                    search_k - items,
                );
            }
            for &key in &self.order[end..end + leaves] {
                self.gathered.push(self.found[place_of(key)].leaf);
            }
            if last {
                break;
            }
            items += found;
            end += leaves;
        }
        Ok(())
    }

    /// The bound at which leaves, taken by this bound, are `search_k` items.
    fn reached(&mut self, search_k: usize, bound: fn(&Found) -> f32) -> f32 {
        self.order.clear();
        let keys = self.found.iter().enumerate();
        self.order
            .extend(keys.map(|(at, found)| Priority::of_margin(bound(found)).key() | at as u64));
        self.order.sort_unstable_by(|a, b| b.cmp(a));
        let mut items = 0;
        for &key in &self.order {
            items += self.found[place_of(key)].count as usize;
            if items >= search_k {
                return Priority::of_key(key).margin();
            }
        }
        f32::NEG_INFINITY
    }

    /// Computes the margins that may be the smallest on the way to one of the leaves in `order`.
    fn make_exact(
        &mut self,
        forest: Forest<'_>,
        trees: &Trees,
        query: &Prepared<'_>,
    ) -> Result<(), DamagedRecord> {
        self.wanted.clear();
        for &at in &self.order {
            let found = self.found[place_of(at)];
            let mut way = found.way;
            while way != START {
                let turn = &mut self.turns[(way >> 1) as usize];
                let margin = if way & 1 == 1 { turn.margin } else { -turn.margin };
                if !turn.exact && margin - turn.error <= found.most {
                    turn.exact = true;
                    self.wanted.push(way >> 1);
                    forest.fetch_ahead(trees.node(turn.split));
                }
                way = turn.way;
            }
        }
        for group in self.wanted.chunks(LANES) {
            let mut splits: [Split<'_>; LANES] = [NO_SPLIT; LANES];
            for (place, &turn) in splits.iter_mut().zip(group) {
                let node = trees.node(self.turns[turn as usize].split);
                match forest.record(node)? {
                    Record::Split(split) => *place = split,
                    _ => return Err(forest.damaged(node, "is no longer a split")),
                }
            }
            let margins = margins_of(&splits[..group.len()], query);
            for (&turn, margin) in group.iter().zip(margins) {
                let turn = &mut self.turns[turn as usize];
                (turn.margin, turn.error) = (margin, 0.0);
            }
        }
        Ok(())
    }

    /// Adds leaves of one priority, those of `range` in `order`, in Annoy's order until they have
    /// `wanted` items.
    fn equals_in_order(
        &mut self,
        walk: &Walk<'_>,
        forest: Forest<'_>,
        trees: &Trees,
        query: &Prepared<'_>,
        range: std::ops::Range<usize>,
        wanted: usize,
    ) -> Result<(), DamagedRecord> {
        let priority = Priority::of_key(self.order[range.start]);
        // The subtrees at which this priority begins, each once.
        self.entries.clear();
        for &key in &self.order[range] {
            let at = key & 0xffff_ffff;
            let found = self.found[place_of(at)];
            let (mut way, mut node) = (found.way, found.leaf.node);
            let mut identity = 2 << 32 | at;
            let mut entry = (identity, node);
            while way != START {
                let turn = self.turns[(way >> 1) as usize];
                let margin = if way & 1 == 1 { turn.margin } else { -turn.margin };
                if turn.exact && margin == priority.margin() {
                    entry = (u64::from(way), node);
                }
                node = trees.node(turn.split).0;
                identity = 1 << 32 | u64::from(way >> 1);
                way = turn.way;
            }
            if priority.margin() == f32::INFINITY {
                entry = (identity, node);
            }
            if !self.entries.contains(&entry.0) {
                self.entries.push(entry.0);
                self.equals.push(entry.1);
            }
        }
        let gathered = &mut self.gathered;
        let leaf = |node: NodeId, items: &[u32]| gathered.push(Leaf::of(node, items.len()));
        leaves_of_equals(walk, forest, query, priority, wanted, &mut self.equals, leaf)
    }
}

impl Found {
    fn of(subtree: Subtree) -> Self {
        let Subtree { place, way, least, most } = subtree;
        Found { place, way, least, most, leaf: Leaf::default(), count: 0 }
    }
}

/// The place in a list that a key to sort by has in its lower half.
fn place_of(key: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "that is what it is about")]
    let place = key as u32;
    place as usize
}

trait Turns {
    /// The priority of what was come to by `way`, where all margins that may be the smallest are exact.
    fn priority(&self, way: u32) -> Priority;
}

impl Turns for Vec<Turn> {
    fn priority(&self, mut way: u32) -> Priority {
        let mut nearest = f32::INFINITY;
        while way != START {
            let turn = &self[(way >> 1) as usize];
            let margin = if way & 1 == 1 { turn.margin } else { -turn.margin };
            if turn.exact {
                nearest = lesser(nearest, margin);
            }
            way = turn.way;
        }
        Priority::of_margin(nearest)
    }
}
