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
        let links = links(forest);
        let surveys: Vec<Option<Survey>> =
            roots.par_iter().map(|&root| Survey::new(forest, &links, root, &visits)).collect();
        drop(links);
        let surveys: Vec<Survey> = surveys.into_iter().collect::<Option<_>>()?;
        let count = surveys.iter().map(|survey| survey.nodes.len()).sum();
        let fits = u32::try_from(count).ok().filter(|_| count <= MOST_SPLITS)?;
        let mut planes = Planes::new(forest.shape().layout().dim(), fits)?;
        let mut nodes = Vec::with_capacity(count);
        let mut leaves = Vec::with_capacity(2 * count + surveys.len());
        let mut words = Vec::with_capacity(count);
        let mut firsts = Vec::with_capacity(surveys.len());
        for survey in &surveys {
            #[expect(clippy::cast_possible_truncation, reason = "there are so few in all")]
            let first = nodes.len() as u32;
            firsts.push(first);
            nodes.extend_from_slice(&survey.nodes);
            leaves.extend_from_slice(&survey.leaves);
            words.extend(survey.words.iter().map(|word| word + (first << 2)));
        }
        let mut places = Vec::with_capacity(surveys.len());
        for (survey, first) in surveys.iter().zip(firsts) {
            places.push(match survey.root {
                None => Place(first),
                Some(leaf) => {
                    leaves.push(leaf);
                    Place(LEAF | u32::try_from(leaves.len() - 1).ok()?)
                }
            });
        }
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

/// What follows each record that is no item, read in the order of the file.
fn links(forest: Forest<'_>) -> Vec<Next> {
    let nodes = forest.shape().n_items()..forest.shape().n_nodes();
    nodes.into_par_iter().map(|node| Next::of(forest, NodeId(node))).collect()
}

/// One tree, level by level.
struct Survey {
    nodes: Vec<u32>,
    words: Vec<u32>,
    leaves: Vec<Leaf>,
    /// Where the root is a leaf.
    root: Option<Leaf>,
}

impl Survey {
    fn new(forest: Forest<'_>, links: &[Next], root: NodeId, visits: &AtomicU64) -> Option<Self> {
        let mut survey =
            Survey { nodes: Vec::new(), words: Vec::new(), leaves: Vec::new(), root: None };
        let n_items = forest.shape().n_items();
        let next_of = |node: u32| match node.checked_sub(n_items) {
            Some(at) => links[at as usize],
            None => Next::of(forest, NodeId(node)),
        };
        // Children of the splits in `nodes`, found with them.
        let mut children = Vec::new();
        match next_of(root.0) {
            Next::Leaf(count) => survey.root = Some(Leaf { node: root.0, count }),
            Next::Split(below) => {
                survey.nodes.push(root.0);
                children.push(below);
            }
            Next::Nothing => return None,
        }
        let mut next = 0;
        while let Some(&below) = children.get(next) {
            next += 1;
            let first = children.len();
            let mut word = u32::try_from(first).ok().filter(|_| first <= MOST_SPLITS)? << 2;
            for (side, child) in below.into_iter().enumerate() {
                let leaf = match next_of(child) {
                    Next::Leaf(count) => Leaf { node: child, count },
                    Next::Split(below) => {
                        word |= 1 << side;
                        survey.nodes.push(child);
                        children.push(below);
                        Leaf::default()
                    }
                    Next::Nothing => return None,
                };
                survey.leaves.push(leaf);
            }
            survey.words.push(word);
            // In a graph that is no tree a split may be come to any number of times.
            if next % PIECE == 0 {
                spend(visits, PIECE as u64)?;
            }
        }
        spend(visits, (next % PIECE) as u64)?;
        Some(survey)
    }
}

fn spend(visits: &AtomicU64, count: u64) -> Option<()> {
    let less = |left: u64| left.checked_sub(count);
    visits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok().map(|_| ())
}
