//! The walk in waves over short copies of the planes, with margins that are certain to some error.
//!
//! As in [`crate::wave`], what lies above the priority at which Annoy stops is visited in any order.
//! Here each subtree's priority is known to lie between two bounds, so that of most leaves it is
//! certain on which side of that priority they are. The first wave goes to the leaves that are on the
//! query's side of every plane, the most promising of them: one path for each tree, and what it passes by
//! is put off only where these leaves are not enough. Of the tops of all trees the margins are known before.
//! Exact margins, from the records of the index, are computed only on the way to leaves of which it is not
//! certain, and only where they may be the smallest.

mod front;

use std::collections::BinaryHeap;

use bigannoy_format::{DamagedRecord, Forest, NodeId, Record, Split};
use bigannoy_metric::Prepared;
use bigannoy_metric::kernel::LANES;
use bigannoy_sketch::{Kernel, Margins, PlaneQuery};

use self::front::{Found, Front, START, Subtree};
use crate::scratch::{Priority, Scratch};
use crate::trees::{Leaf, Trees};
use crate::walk::Walk;
use crate::wave::{NO_SPLIT, leaves_of_equals, margins_of, released};

/// Records that are asked for before they are visited.
const AHEAD: usize = 24;
/// Subtrees that the first wave begins with beyond those that are likely to do.
const MORE: usize = 4;
/// Leaves that are asked for before their items are taken.
const LEAVES_AHEAD: usize = 8;

/// Buffers of the walk: 16 bytes for each subtree, 36 for each split visited, 40 for each leaf, and 96 for eight
/// splits of the tops.
#[derive(Debug, Default)]
pub(crate) struct Coarse {
    query: Option<PlaneQuery>,
    /// Of all splits of the tops, eight by eight.
    tops: Vec<Margins>,
    front: Front,
    /// What is left of the first wave.
    later: Vec<Subtree>,
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
        let average = trees.average_leaf(forest.shape().n_items());
        // First the leaves on the query's side of every plane, the most promising first.
        let mut floor = 0.0;
        coarse.enter(trees, floor, (search_k / average).saturating_add(MORE));
        let mut counted = 0;
        let mut near = true;
        loop {
            if near {
                coarse.descend(trees, floor);
            } else {
                coarse.run(trees, floor);
            }
            for found in &mut coarse.front.found[counted..] {
                let leaf = trees.leaf(found.place);
                found.leaf = leaf;
                found.count = self.count_of(forest, leaf);
            }
            counted = coarse.front.found.len();
            let enough = coarse.front.found.iter().filter(|found| found.least >= floor);
            let (leaves, enough) =
                enough.fold((0, 0), |(n, sum), found| (n + 1, sum + found.count as usize));
            if !coarse.later.is_empty() {
                if enough >= search_k {
                    floor = coarse.reached(search_k, |found| found.least);
                }
                coarse.go_on(floor);
                continue;
            }
            if enough >= search_k {
                break;
            }
            if near {
                coarse.front.put_off_passed();
                near = false;
            }
            if coarse.front.put_off.is_empty() {
                break;
            }
            // Half of what is likely to be needed: each subtree has more leaves than one.
            let average = if enough == 0 { average } else { enough.div_ceil(leaves) };
            floor = coarse.release((search_k - enough) / (2 * average));
        }
        coarse.cut(self, forest, trees, query, search_k)?;
        let mut ahead = coarse.gathered.iter();
        ahead.by_ref().take(LEAVES_AHEAD).for_each(|leaf| leaf.fetch_ahead(forest));
        for leaf in &coarse.gathered {
            if let Some(next) = ahead.next() {
                next.fetch_ahead(forest);
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
        let dim = vector.len();
        let query = match &mut self.query {
            Some(query) if query.dim() == dim && query.kernel() == kernel => query,
            other => other.insert(PlaneQuery::new(dim, kernel)),
        };
        let known = query.set(vector);
        if known {
            query.all_margins(trees.tops(), &mut self.tops);
        }
        known
    }

    /// Goes through the tops of all trees, and begins a wave with the best so many of the subtrees below.
    fn enter(&mut self, trees: &Trees, floor: f32, wanted: usize) {
        let front = &mut self.front;
        front.begin(trees);
        self.later.clear();
        while let Some(mut subtree) = front.wave.pop() {
            loop {
                if subtree.place.is_leaf() {
                    front.found.push(Found::of(subtree));
                    break;
                }
                let split = subtree.place.number();
                if !trees.is_top(split) {
                    self.later.push(subtree);
                    break;
                }
                let (group, lane) = (split as usize / LANES, split as usize % LANES);
                let Some(near) = front.pass(subtree, &self.tops[group], lane, floor) else { break };
                subtree = near;
            }
            front.wave.append(&mut front.aside);
        }
        if wanted < self.later.len() {
            self.later.select_nth_unstable_by(wanted, Subtree::best_first);
        }
        front.wave.clear();
        let count = wanted.min(self.later.len());
        front.wave.extend(self.later.drain(..count));
    }

    /// Goes on with what [`Coarse::enter`] left.
    fn go_on(&mut self, floor: f32) {
        self.front.wave.clear();
        for subtree in self.later.drain(..) {
            if subtree.most >= floor {
                self.front.wave.push(subtree);
            } else {
                self.front.put_off.push(subtree);
            }
        }
    }

    /// Begins a wave with the most promising of the subtrees put off, as many as [`released`] says. Returns
    /// the new floor: what is left may not reach it.
    fn release(&mut self, wanted: usize) -> f32 {
        #[cfg(test)]
        {
            self.sifted += self.front.put_off.len();
        }
        let Front { wave, put_off, .. } = &mut self.front;
        let count = released(wanted, put_off.len());
        let (_, last, _) = put_off.select_nth_unstable_by(count - 1, Subtree::best_first);
        let floor = last.most;
        wave.clear();
        wave.extend(put_off.drain(..count));
        put_off.retain(|&subtree| {
            let equal = subtree.most >= floor;
            if equal {
                wave.push(subtree);
            }
            !equal
        });
        floor
    }

    /// Visits what is in the wave, all of it below the tops, and what is below that on the query's side of every
    /// plane and may reach the floor; level by level, so that records are under way for as long as a level takes.
    fn descend(&mut self, trees: &Trees, floor: f32) {
        let (Some(query), front) = (&self.query, &mut self.front) else { return };
        for subtree in &front.wave {
            trees.fetch_ahead(subtree.place);
        }
        while !front.wave.is_empty() {
            let mut kept = 0;
            let mut at = 0;
            while at < front.wave.len() {
                let count = LANES.min(front.wave.len() - at);
                // What is left over repeats the first one.
                let mut splits = [front.wave[at].place.number(); LANES];
                for (split, subtree) in splits.iter_mut().zip(&front.wave[at..at + count]) {
                    *split = subtree.place.number();
                }
                let read = query.margins(trees.planes(), &splits);
                for lane in 0..count {
                    let subtree = front.wave[at + lane];
                    let Some(near) = front.pass(subtree, &read, lane, floor) else { continue };
                    trees.fetch_ahead(near.place);
                    if near.place.is_leaf() {
                        front.found.push(Found::of(near));
                    } else {
                        front.wave[kept] = near;
                        kept += 1;
                    }
                }
                at += count;
            }
            front.wave.truncate(kept);
            for subtree in front.aside.drain(..) {
                trees.fetch_ahead(subtree.place);
                if subtree.place.is_leaf() {
                    front.found.push(Found::of(subtree));
                } else {
                    front.wave.push(subtree);
                }
            }
        }
    }

    /// Visits everything in the wave, and what is below it and may reach the floor.
    fn run(&mut self, trees: &Trees, floor: f32) {
        let (Some(query), front) = (&self.query, &mut self.front) else { return };
        let (mut next, mut asked) = (0, 0);
        while next < front.wave.len() {
            let mut splits = [0; LANES];
            let mut subtrees = [front.wave[next]; LANES];
            let mut count = 0;
            while count < LANES && next < front.wave.len() {
                while asked < front.wave.len() && asked < next + AHEAD {
                    trees.fetch_ahead(front.wave[asked].place);
                    asked += 1;
                }
                let subtree = front.wave[next];
                next += 1;
                if subtree.place.is_leaf() {
                    front.found.push(Found::of(subtree));
                } else if trees.is_top(subtree.place.number()) {
                    let split = subtree.place.number() as usize;
                    front.turn(trees, floor, subtree, &self.tops[split / LANES], split % LANES);
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
            for (lane, &subtree) in subtrees.iter().enumerate().take(count) {
                front.turn(trees, floor, subtree, &read, lane);
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
        for (at, found) in self.front.found.iter().enumerate() {
            if found.least > most {
                self.gathered.push(found.leaf);
                items += found.count as usize;
            } else if found.most >= least {
                self.order.push(at as u64);
            }
        }
        self.make_exact(forest, trees, query)?;
        for key in &mut self.order {
            let found = &self.front.found[place_of(*key)];
            let priority = self.front.priority(found.way);
            *key |= priority.key();
        }
        self.order.sort_unstable_by(|a, b| b.cmp(a));
        let mut end = 0;
        while let Some(&key) = self.order.get(end) {
            let priority = Priority::of_key(key);
            let equal =
                self.order[end..].iter().take_while(|&&key| Priority::of_key(key) == priority);
            let (leaves, found) = equal.fold((0, 0), |(n, sum), &key| {
                (n + 1, sum + self.front.found[place_of(key)].count as usize)
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
                self.gathered.push(self.front.found[place_of(key)].leaf);
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
        let keys = self.front.found.iter().enumerate();
        self.order
            .extend(keys.map(|(at, found)| Priority::of_margin(bound(found)).key() | at as u64));
        self.order.sort_unstable_by(|a, b| b.cmp(a));
        let mut items = 0;
        for &key in &self.order {
            items += self.front.found[place_of(key)].count as usize;
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
            let found = self.front.found[place_of(at)];
            let mut way = found.way;
            while way != START {
                let turn = &mut self.front.turns[(way >> 1) as usize];
                if !turn.exact && turn.towards(way) - turn.error <= found.most {
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
                let node = trees.node(self.front.turns[turn as usize].split);
                match forest.record(node)? {
                    Record::Split(split) => *place = split,
                    _ => return Err(forest.damaged(node, "is no longer a split")),
                }
            }
            let margins = margins_of(&splits[..group.len()], query);
            for (&turn, margin) in group.iter().zip(margins) {
                let turn = &mut self.front.turns[turn as usize];
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
            let found = self.front.found[place_of(at)];
            let (mut way, mut node) = (found.way, found.leaf.node);
            let mut identity = 2 << 32 | at;
            let mut entry = (identity, node);
            while way != START {
                let turn = self.front.turns[(way >> 1) as usize];
                if turn.exact && turn.towards(way) == priority.margin() {
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

/// The place in a list that a key to sort by has in its lower half.
fn place_of(key: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "that is what it is about")]
    let place = key as u32;
    place as usize
}
