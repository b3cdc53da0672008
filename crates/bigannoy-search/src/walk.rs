//! One query, from the trees to its neighbors.

use bigannoy_format::{DamagedRecord, Forest};
use bigannoy_metric::{ItemSet, Metric, Prepared, RankKey};
use bigannoy_sketch::{Kernel, Sketch};

use crate::rank;
use crate::scratch::{Candidates, Scratch};
use crate::trees::Trees;

/// Items that are looked at together where all are.
const PIECE: usize = 4096;

/// One query, ready to walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'a> {
    /// Neighbors wanted.
    pub(crate) k: usize,
    /// How many admitted items to gather, repetitions included, before ranking; may be overshot by a
    /// leaf. None: every item is ranked, and no tree looked at.
    pub(crate) search_k: Option<usize>,
    /// The items that may be neighbors, where not all may. Others count for nothing: they are neither
    /// ranked nor do they use up the budget.
    pub(crate) admit: Option<&'a ItemSet>,
    /// An item that is not to be among the neighbors, though it counts as one gathered.
    pub(crate) exclude: Option<u32>,
    /// What is known of the items' distances without reading them.
    pub(crate) sketch: Option<&'a Sketch>,
    /// The trees in short.
    pub(crate) trees: Option<&'a Trees>,
    pub(crate) kernel: Kernel,
}

impl Walk<'_> {
    /// Finds the neighbors of `query`, which has the index's metric and dimension, best first.
    pub(crate) fn run(
        &self,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        scratch: &mut Scratch,
    ) -> Result<Vec<RankKey>, DamagedRecord> {
        scratch.best.reset(self.k);
        if let Some(search_k) = self.search_k {
            self.gather(forest, query, search_k, scratch)?;
            if let Some(item) = self.exclude {
                scratch.candidates.remove(item);
            }
            self.rank_candidates(forest, query, scratch);
        } else {
            self.rank_all(forest, query, scratch);
        }
        Ok(scratch.best.drain_sorted())
    }

    fn admits(&self, item: u32) -> bool {
        self.admit.is_none_or(|admit| admit.contains(item))
    }

    /// Takes the admitted ones of `items` in; says how many these are, those taken earlier included.
    pub(crate) fn take(&self, items: &[u32], candidates: &mut Candidates) -> usize {
        let Some(admit) = self.admit else {
            candidates.extend(items);
            return items.len();
        };
        let admitted = items.iter().filter(|&&item| admit.contains(item));
        admitted.map(|&item| candidates.insert(item)).count()
    }

    fn gather(
        &self,
        forest: Forest<'_>,
        query: &Prepared<'_>,
        search_k: usize,
        scratch: &mut Scratch,
    ) -> Result<(), DamagedRecord> {
        scratch.candidates.clear();
        if let Some(trees) = self.trees
            && let Ok(true) = self.gather_coarsely(forest, trees, query, search_k, scratch)
        {
            return Ok(());
        }
        scratch.candidates.clear();
        if forest.shape().layout().metric() != Metric::Hamming
            && self.gather_in_waves(forest, query, search_k, scratch).is_ok()
        {
            return Ok(());
        }
        // Waves visit a few records more, and what is damaged there does not count.
        scratch.candidates.clear();
        self.gather_in_order(forest, query, search_k, scratch)
    }

    fn rank_candidates(&self, forest: Forest<'_>, query: &Prepared<'_>, scratch: &mut Scratch) {
        let Scratch { candidates, sieve, best, .. } = scratch;
        let items = candidates.items();
        match self.sketch {
            Some(sketch) if sieve.begin(sketch, self.kernel, query.vector(), self.k) => {
                sieve.add(sketch, items);
                rank::exactly(forest, query, sieve.left(), best);
            }
            _ => rank::exactly(forest, query, items.iter().copied(), best),
        }
    }

    fn rank_all(&self, forest: Forest<'_>, query: &Prepared<'_>, scratch: &mut Scratch) {
        let Scratch { sieve, best, .. } = scratch;
        let n_items = forest.shape().n_items();
        let mut wanted =
            (0..n_items).filter(|&item| self.admits(item) && Some(item) != self.exclude);
        match self.sketch {
            Some(sketch) if sieve.begin(sketch, self.kernel, query.vector(), self.k) => {
                let mut piece = Vec::with_capacity(PIECE);
                loop {
                    piece.clear();
                    piece.extend(wanted.by_ref().take(PIECE));
                    if piece.is_empty() {
                        break;
                    }
                    sieve.add(sketch, &piece);
                }
                rank::exactly(forest, query, sieve.left(), best);
            }
            _ => rank::exactly(forest, query, wanted, best),
        }
    }
}
