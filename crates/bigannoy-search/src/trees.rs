//! The inner nodes of all trees once more: short, checked, and side by side with what follows them.

use std::sync::atomic::{AtomicU64, Ordering};

use bigannoy_format::{Forest, NodeId, Record};
use bigannoy_metric::fetch_ahead;
use bigannoy_sketch::Planes;
use rayon::prelude::*;

use crate::ordered::most_visits;

/// Planes that a thread makes records of at a time.
const PIECE: usize = 1024;
/// Records that are asked for before their planes are read.
const AHEAD: usize = 12;
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

/// All trees of an index without damage. Splits that have one parent follow each other.
///
/// Memory: for each split its plane's record (see [`Planes`]) and 20 bytes.
#[derive(Debug)]
pub(crate) struct Trees {
    planes: Planes,
    /// The records of the splits in the index.
    nodes: Vec<u32>,
    /// Two for each split, and those roots that are leaves.
    leaves: Vec<Leaf>,
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
        // One after the other, the trees fill these.
        let (mut nodes, mut words) = (vec![0; count], vec![0; count]);
        let mut leaves = vec![Leaf::default(); 2 * count];
        let mut surveys = Vec::with_capacity(roots.len());
        let mut places = Vec::with_capacity(roots.len());
        let mut lone = Vec::new();
        {
            let (mut nodes, mut words) = (nodes.as_mut_slice(), words.as_mut_slice());
            let (mut leaves, mut first) = (leaves.as_mut_slice(), 0);
            for (&root, splits) in roots.iter().zip(counts) {
                if splits == 0 {
                    let Next::Leaf(items) = links.next(root.0) else { return None };
                    places.push(Place(LEAF | u32::try_from(2 * count + lone.len()).ok()?));
                    lone.push(Leaf { node: root.0, count: items });
                    continue;
                }
                places.push(Place(first));
                let survey = Survey {
                    first,
                    nodes: nodes.split_off_mut(..splits)?,
                    words: words.split_off_mut(..splits)?,
                    leaves: leaves.split_off_mut(..2 * splits)?,
                };
                surveys.push((root, survey));
                first += u32::try_from(splits).ok()?;
            }
        }
        surveys.into_par_iter().for_each(|(root, survey)| survey.fill(&links, root));
        drop(links);
        leaves.extend(lone);
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
        Some(Trees { planes, nodes, leaves, roots: places })
    }

    pub(crate) fn planes(&self) -> &Planes {
        &self.planes
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
        self.leaves[place.number() as usize]
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

/// The place of one tree among all.
struct Survey<'a> {
    /// The number of its first split.
    first: u32,
    nodes: &'a mut [u32],
    words: &'a mut [u32],
    leaves: &'a mut [Leaf],
}

impl Survey<'_> {
    /// Numbers the splits below `root`, which are as many as there is place for: depth first, which is
    /// about the order in which they stand in the file, backwards.
    fn fill(self, links: &Links<'_>, root: NodeId) {
        let Survey { first, nodes, words, leaves } = self;
        nodes[0] = root.0;
        let mut numbered = 1_u32;
        let mut open = vec![0];
        while let Some(split) = open.pop() {
            let at = split as usize;
            let Next::Split(children) = links.next(nodes[at]) else { continue };
            words[at] = (first + numbered) << 2;
            for (side, child) in children.into_iter().enumerate() {
                match links.next(child) {
                    Next::Split(_) => {
                        words[at] |= 1 << side;
                        nodes[numbered as usize] = child;
                        open.push(numbered);
                        numbered += 1;
                    }
                    Next::Leaf(count) => leaves[2 * at + side] = Leaf { node: child, count },
                    // Counting came by here.
                    Next::Nothing => {}
                }
            }
        }
    }
}

fn spend(visits: &AtomicU64, count: u64) -> Option<()> {
    let less = |left: u64| left.checked_sub(count);
    visits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok().map(|_| ())
}
