//! Where a walk over short trees has come to.

use std::cmp::Ordering;

use bigannoy_sketch::Margins;

use crate::scratch::{Priority, lesser};
use crate::trees::{Leaf, Place, Trees};

/// No way: a root.
pub(super) const START: u32 = u32::MAX;

/// How a subtree was come to: the number of a turn, and the side taken.
pub(super) fn way(turn: usize, side: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "no more turns than splits: 30 bits")]
    let turn = turn as u32;
    turn << 1 | side
}

/// A subtree to visit, and what is certain of its priority.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subtree {
    pub(super) place: Place,
    pub(super) way: u32,
    pub(super) least: f32,
    pub(super) most: f32,
}

/// A split that was visited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) split: u32,
    pub(super) way: u32,
    /// How far the query is on side 1.
    pub(super) margin: f32,
    pub(super) error: f32,
    /// What is certain of the priority of the split.
    pub(super) least: f32,
    pub(super) most: f32,
    /// The side that the query is not on, where it was passed by.
    pub(super) passed: Option<Place>,
    /// Whether `margin` is exact.
    pub(super) exact: bool,
}

/// A leaf that was found, and how many of its items count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) way: u32,
    pub(super) least: f32,
    pub(super) most: f32,
    pub(super) leaf: Leaf,
    pub(super) count: u32,
}

/// What was come to so far.
#[derive(Debug, Default)]
pub(super) struct Front {
    pub(super) wave: Vec<Subtree>,
    /// Where planes go through the query, the other sides.
    pub(super) aside: Vec<Subtree>,
    pub(super) put_off: Vec<Subtree>,
    pub(super) turns: Vec<Turn>,
    pub(super) found: Vec<Found>,
}

impl Front {
    /// Begins at the roots.
    pub(super) fn begin(&mut self, trees: &Trees) {
        self.wave.clear();
        self.aside.clear();
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
    }

    /// Passes a split whose margin is in this lane by on the query's side. Where the other side may reach the
    /// floor it is put aside, and where this side may not it is put off.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it stays in registers")]
    pub(super) fn pass(
        &mut self,
        subtree: Subtree,
        read: &Margins,
        lane: usize,
        floor: f32,
    ) -> Option<Subtree> {
        let (near, far) = subtree.children(self.turns.len(), read, lane);
        let both = far.most >= floor;
        self.turns.push(Turn::new(subtree, read, lane, (!both).then_some(far.place)));
        if both {
            self.aside.push(far);
        }
        if near.most < floor {
            self.put_off.push(near);
            return None;
        }
        Some(near)
    }

    /// Puts off what was passed by.
    pub(super) fn put_off_passed(&mut self) {
        for (at, turn) in self.turns.iter_mut().enumerate() {
            if let Some(place) = turn.passed.take() {
                let way = way(at, u32::from(turn.margin <= 0.0));
                let (bounds, margin) = ((turn.least, turn.most), -turn.margin.abs());
                self.put_off.push(Subtree::below(bounds, place, way, (margin, turn.error)));
            }
        }
    }

    /// The priority of what was come to by `way`, where all margins that may be the smallest are exact.
    pub(super) fn priority(&self, mut way: u32) -> Priority {
        let mut nearest = f32::INFINITY;
        while way != START {
            let turn = &self.turns[(way >> 1) as usize];
            if turn.exact {
                nearest = lesser(nearest, turn.towards(way));
            }
            way = turn.way;
        }
        Priority::of_margin(nearest)
    }

    /// Goes on to both sides of a split whose margin is in this lane.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it stays in registers")]
    pub(super) fn turn(
        &mut self,
        trees: &Trees,
        floor: f32,
        subtree: Subtree,
        read: &Margins,
        lane: usize,
    ) {
        let (near, far) = subtree.children(self.turns.len(), read, lane);
        self.turns.push(Turn::new(subtree, read, lane, None));
        for child in [near, far] {
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

impl Turn {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it stays in registers")]
    pub(super) fn new(
        subtree: Subtree,
        read: &Margins,
        lane: usize,
        passed: Option<Place>,
    ) -> Self {
        let Subtree { place, way, least, most } = subtree;
        let (margin, error) = (read.margins[lane], read.errors[lane]);
        Turn { split: place.number(), way, margin, error, least, most, passed, exact: false }
    }

    /// How far the query is on the side that a way from here takes.
    pub(super) fn towards(&self, way: u32) -> f32 {
        if way & 1 == 1 { self.margin } else { -self.margin }
    }
}

impl Subtree {
    /// What is below a split whose margin is in this lane: on the query's side, and on the other. The processor
    /// does not foresee which that is, but that it is the nearer one that is gone on with.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it stays in registers")]
    pub(super) fn children(&self, turn: usize, read: &Margins, lane: usize) -> (Self, Self) {
        let (margin, error) = (read.margins[lane], read.errors[lane]);
        let places = Place::children(self.place.number(), read.words[lane]);
        let child = |side: u32, margin: f32| {
            let bounds = (self.least, self.most);
            Subtree::below(bounds, places[side as usize], way(turn, side), (margin, error))
        };
        let near = u32::from(margin > 0.0);
        (child(near, margin.abs()), child(1 - near, -margin.abs()))
    }

    /// What is on a side of a split with these bounds, if the query is so far on that side, but for an error.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it stays in registers")]
    fn below(
        (least, most): (f32, f32),
        place: Place,
        way: u32,
        (margin, error): (f32, f32),
    ) -> Self {
        let (least, most) = (lesser(least, margin - error), lesser(most, margin + error));
        Subtree { place, way, least, most }
    }

    pub(super) fn best_first(&self, other: &Self) -> Ordering {
        other.most.total_cmp(&self.most)
    }
}

impl Found {
    pub(super) fn of(subtree: Subtree) -> Self {
        let Subtree { place, way, least, most } = subtree;
        Found { place, way, least, most, leaf: Leaf::default(), count: 0 }
    }
}
