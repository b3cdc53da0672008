//! The inner nodes of all trees once more: short, checked, and side by side with what follows them.

use std::sync::atomic::{AtomicU64, Ordering};

use bigannoy_format::{Forest, NodeId, Record};
use bigannoy_metric::fetch_ahead;
use bigannoy_pages::Pages;
use bigannoy_sketch::{PlaneTable, Planes};
use rayon::prelude::*;

use crate::ordered::most_visits;

/// Planes that a thread makes records of at a time.
const PIECE: usize = 1024;
/// Records that are asked for before their planes are read.
const AHEAD: usize = 12;
/// Splits of the top of a tree at most, with all of which every query is compared: five levels.
const MOST_TOP: usize = 31;
/// Splits at most: their numbers share a word with the kinds of their children.
const MOST_SPLITS: usize = 1 << 29;

/// A place in [`Trees`]: a split, or a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

const LEAF: u32 = 1 << 31;

impl Place {
    /// The number of the split, or of the leaf.
    pub(crate) fn number(self) -> u32 {
        self.0 & !LEAF
    }

    pub(crate) fn is_leaf(self) -> bool {
        self.0 & LEAF != 0
    }

    /// The two children of `split`, by the word that is kept with its plane: the number of the first
    /// split among them, and for each whether it is one. Leaves have the places that their split
    /// gives them.
    #[inline]
    pub(crate) fn children(split: u32, word: u32) -> [Place; 2] {
        let (first, splits) = (word >> 2, [word & 1, word >> 1 & 1]);
        let child = |side: u32, before: u32| {
            if splits[side as usize] == 1 {
                Place(first + before)
            } else {
                Place(LEAF | (2 * split + side))
            }
        };
        [child(0, 0), child(1, splits[0])]
    }
}

/// A leaf of the index: the record, and how many items it lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) node: u32,
    pub(crate) count: u32,
}

impl Leaf {
    pub(crate) fn of(node: NodeId, count: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "fits in a record")]
        let count = count as u32;
        Leaf { node: node.0, count }
    }

    /// Has the processor fetch what [`Leaf::items`] reads.
    #[inline]
    pub(crate) fn fetch_ahead(self, forest: Forest<'_>) {
        fetch_ahead(self.items(forest));
    }

    /// The items: what the leaf lists, or itself.
    #[inline]
    pub(crate) fn items<'a>(&'a self, forest: Forest<'a>) -> &'a [u32] {
        if self.node < forest.shape().n_items() {
            std::slice::from_ref(&self.node).get(..self.count as usize).unwrap_or_default()
        } else {
            forest.leaf_items(NodeId(self.node), self.count as usize)
        }
    }
}

/// All trees of an index without damage. Splits that have one parent follow each other. First come the tops
/// of all trees, up to [`MOST_TOP`] splits of each, then what is below them, tree by tree.
///
/// Memory: for each split its plane's record (see [`Planes`]) and 20 bytes; for those of the tops their
/// part of a [`PlaneTable`] more.
#[derive(Debug)]
pub(crate) struct Trees {
    planes: Planes,
    tops: PlaneTable,
    /// How many splits are in the tops.
    n_tops: u32,
    /// The records of the splits in the index.
    nodes: Vec<u32>,
    /// Records and counts: two for each split, and those roots that are leaves.
    leaves: Pages<[u32; 2]>,
    roots: Vec<Place>,
}

impl Trees {
    /// Reads all trees, on all threads. `None` where something is damaged, where planes do not split,
    /// where trees have no end, and where the system has not the memory.
    pub(crate) fn new(forest: Forest<'_>) -> Option<Self> {
        let visits = AtomicU64::new(most_visits(forest.shape()));
        let roots = forest.shape().roots();
        let links = Links::new(forest);
        let counts: Vec<Option<usize>> =
            roots.par_iter().map(|&root| links.count(root, &visits)).collect();
        let counts: Vec<usize> = counts.into_iter().collect::<Option<_>>()?;
        let count = counts.iter().sum();
        let fits = u32::try_from(count).ok().filter(|_| count <= MOST_SPLITS)?;
        let mut planes = Planes::new(forest.shape().layout().dim(), fits)?;
        let tops: Vec<usize> = roots.par_iter().map(|&root| links.top(root)).collect();
        let n_tops: usize = tops.iter().sum();
        // One after the other, the trees fill these.
        let (mut nodes, mut words) = (vec![0; count], vec![0; count]);
        let mut leaves = Pages::new(2 * count + roots.len())?;
        let mut surveys = Vec::with_capacity(roots.len());
        let mut places = Vec::with_capacity(roots.len());
        let mut lone = 2 * count;
        {
            let (leaves, lone_leaves) = leaves.split_at_mut(2 * count);
            let all = Part { first: 0, nodes: &mut nodes, words: &mut words, leaves };
            let (mut all_tops, mut rest) = all.split(n_tops)?;
            for ((&root, splits), top) in roots.iter().zip(counts).zip(tops) {
                if splits == 0 {
                    let Next::Leaf(items) = links.next(root.0) else { return None };
                    places.push(Place(LEAF | u32::try_from(lone).ok()?));
                    lone_leaves[lone - 2 * count] = [root.0, items];
                    lone += 1;
                    continue;
                }
                let (top, after) = all_tops.split(top)?;
                all_tops = after;
                let (below, after) = rest.split(splits - top.nodes.len())?;
                rest = after;
                places.push(Place(top.first));
                surveys.push((root, Survey { top, rest: below }));
            }
        }
        surveys.into_par_iter().for_each(|(root, survey)| survey.fill(&links, root));
        drop(links);
        let pieces: Vec<_> = planes.pieces_mut(PIECE).collect();
        pieces.into_par_iter().try_for_each(|mut piece| {
            for plane in piece.planes() {
                if let Some(&later) = nodes.get(plane as usize + AHEAD) {
                    forest.fetch_ahead(NodeId(later));
                }
                let Ok(Record::Split(split)) = forest.record(NodeId(nodes[plane as usize])) else {
                    return None;
                };
                piece.set(plane, split.normal, split.offset, words[plane as usize]);
            }
            Some(())
        })?;
        let n_tops = u32::try_from(n_tops).ok()?;
        let tops = PlaneTable::of_first(&planes, n_tops);
        Some(Trees { planes, tops, n_tops, nodes, leaves, roots: places })
    }

    pub(crate) fn planes(&self) -> &Planes {
        &self.planes
    }

    /// The splits of the tops, which have the lowest numbers.
    pub(crate) fn tops(&self) -> &PlaneTable {
        &self.tops
    }

    pub(crate) fn is_top(&self, split: u32) -> bool {
        split < self.n_tops
    }

    /// How many items there are in a leaf, about, and at least 1.
    pub(crate) fn average_leaf(&self, n_items: u32) -> usize {
        let leaves = self.nodes.len() + self.roots.len();
        (n_items as usize * self.roots.len()).div_ceil(leaves).max(1)
    }

    pub(crate) fn roots(&self) -> &[Place] {
        &self.roots
    }

    /// The record of a split in the index.
    pub(crate) fn node(&self, split: u32) -> NodeId {
        NodeId(self.nodes[split as usize])
    }

    /// The leaf at a place that is one.
    pub(crate) fn leaf(&self, place: Place) -> Leaf {
        let [node, count] = self.leaves[place.number() as usize];
        Leaf { node, count }
    }

    /// Has the processor fetch what is kept of `place`.
    #[inline]
    pub(crate) fn fetch_ahead(&self, place: Place) {
        if !place.is_leaf() {
            self.planes.fetch_ahead(place.number());
        } else if let Some(leaf) = self.leaves.get(place.number() as usize) {
            fetch_ahead(std::slice::from_ref(leaf));
        }
    }
}

/// What follows a record, as far as trees go.
#[derive(Clone, Copy)]
enum Next {
    /// The children of a split.
    Split([u32; 2]),
    /// How many items a leaf lists.
    Leaf(u32),
    /// Nothing that planes split, or damage.
    Nothing,
}

impl Next {
    fn of(forest: Forest<'_>, node: NodeId) -> Self {
        match forest.record(node) {
            Ok(Record::Split(split)) => Next::Split(split.children.map(|child| child.0)),
            Ok(Record::Leaf(items)) => Next::Leaf(Leaf::of(node, items.len()).count),
            Ok(Record::Item(_)) => Next::Leaf(1),
            Ok(Record::BitSplit(_)) | Err(_) => Next::Nothing,
        }
    }
}

/// What follows each record that is no item, in two words; read in the order of the file.
struct Links<'a> {
    forest: Forest<'a>,
    packed: Vec<[u32; 2]>,
}

/// In the second word, where a child is for splits: no record has this number.
const NO_SPLIT: u32 = u32::MAX;
/// In the first, where a leaf has its count: none has so many items.
const NOTHING: u32 = u32::MAX;

impl<'a> Links<'a> {
    fn new(forest: Forest<'a>) -> Self {
        let nodes = forest.shape().n_items()..forest.shape().n_nodes();
        let packed = nodes.into_par_iter().map(|node| match Next::of(forest, NodeId(node)) {
            Next::Split(children) => children,
            Next::Leaf(count) => [count, NO_SPLIT],
            Next::Nothing => [NOTHING, NO_SPLIT],
        });
        Links { forest, packed: packed.collect() }
    }

    #[inline]
    fn next(&self, node: u32) -> Next {
        match node.checked_sub(self.forest.shape().n_items()) {
            Some(at) => match self.packed[at as usize] {
                [NOTHING, NO_SPLIT] => Next::Nothing,
                [count, NO_SPLIT] => Next::Leaf(count),
                children => Next::Split(children),
            },
            None => Next::of(self.forest, NodeId(node)),
        }
    }

    /// How many splits are in the top of a tree: level by level, as long as the children of a split have place
    /// side by side.
    fn top(&self, root: NodeId) -> usize {
        let Next::Split(_) = self.next(root.0) else { return 0 };
        let mut top = vec![root.0];
        let mut at = 0;
        while let Some(&node) = top.get(at) {
            let Next::Split(children) = self.next(node) else { break };
            let splits =
                children.into_iter().filter(|&child| matches!(self.next(child), Next::Split(_)));
            if top.len() + splits.clone().count() > MOST_TOP {
                break;
            }
            top.extend(splits);
            at += 1;
        }
        top.len()
    }

    /// How many splits a tree has. `None` where it has no end, or something is damaged.
    fn count(&self, root: NodeId, visits: &AtomicU64) -> Option<usize> {
        let mut count = 0;
        let mut open = vec![root.0];
        while let Some(node) = open.pop() {
            match self.next(node) {
                Next::Split(children) => {
                    count += 1;
                    open.extend(children);
                    // In a graph that is no tree a split may be come to any number of times.
                    if count % PIECE == 0 {
                        spend(visits, PIECE as u64)?;
                    }
                }
                Next::Leaf(_) => {}
                Next::Nothing => return None,
            }
        }
        spend(visits, (count % PIECE) as u64)?;
        Some(count)
    }
}

/// Splits that follow each other, to be filled in.
struct Part<'a> {
    /// The number of the first.
    first: u32,
    nodes: &'a mut [u32],
    words: &'a mut [u32],
    leaves: &'a mut [[u32; 2]],
}

impl Part<'_> {
    /// The first so many, and the others.
    fn split(self, splits: usize) -> Option<(Self, Self)> {
        let Part { first, nodes, words, leaves } = self;
        let (nodes, nodes_after) = nodes.split_at_mut_checked(splits)?;
        let (words, words_after) = words.split_at_mut_checked(splits)?;
        let (leaves, leaves_after) = leaves.split_at_mut_checked(2 * splits)?;
        let after = first + u32::try_from(splits).ok()?;
        let after =
            Part { first: after, nodes: nodes_after, words: words_after, leaves: leaves_after };
        Some((Part { first, nodes, words, leaves }, after))
    }

    /// Links a split with what follows it; splits among these are to have the numbers from `first` on.
    /// Returns these.
    fn link(
        &mut self,
        links: &Links<'_>,
        at: usize,
        first: u32,
    ) -> impl Iterator<Item = u32> + use<> {
        let mut splits = [None; 2];
        if let Next::Split(children) = links.next(self.nodes[at]) {
            self.words[at] = first << 2;
            for (side, child) in children.into_iter().enumerate() {
                match links.next(child) {
                    Next::Split(_) => {
                        self.words[at] |= 1 << side;
                        splits[side] = Some(child);
                    }
                    Next::Leaf(count) => {
                        self.leaves[2 * at + side] = [child, count];
                    }
                    // Counting came by here.
                    Next::Nothing => {}
                }
            }
        }
        splits.into_iter().flatten()
    }
}

/// The places of one tree among all.
struct Survey<'a> {
    top: Part<'a>,
    rest: Part<'a>,
}

impl Survey<'_> {
    /// Numbers the splits below `root`, which are as many as there is place for: level by level in the top,
    /// then depth first, which is about the order in which they stand in the file, backwards.
    fn fill(self, links: &Links<'_>, root: NodeId) {
        let Survey { mut top, mut rest } = self;
        top.nodes[0] = root.0;
        let (mut known, mut numbered) = (1, 0);
        let mut open = Vec::new();
        for at in 0..top.nodes.len() {
            if known < top.nodes.len() {
                for child in top.link(links, at, number(top.first, known)) {
                    top.nodes[known] = child;
                    known += 1;
                }
            } else {
                for child in top.link(links, at, number(rest.first, numbered)) {
                    rest.nodes[numbered] = child;
                    open.push(numbered);
                    numbered += 1;
                }
            }
        }
        while let Some(at) = open.pop() {
            for child in rest.link(links, at, number(rest.first, numbered)) {
                rest.nodes[numbered] = child;
                open.push(numbered);
                numbered += 1;
            }
        }
    }
}

fn number(first: u32, at: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "no more than splits, which have 29 bits")]
    let at = at as u32;
    first + at
}

fn spend(visits: &AtomicU64, count: u64) -> Option<()> {
    let less = |left: u64| left.checked_sub(count);
    visits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok().map(|_| ())
}
