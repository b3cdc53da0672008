//! Whether an index is whole, all of it.

use bigannoy_metric::{Metric, kernel};

use crate::{DamagedRecord, Forest, NodeId, Record};

/// Records between two questions whether to go on.
const STRIDE: u64 = 1 << 14;

/// What [`Forest::verify`] found in an undamaged index.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ForestReport {
    /// Items, gaps in the ids included.
    pub n_items: u32,
    /// Items that are there.
    pub n_present: u32,
    /// Records: items, nodes of the trees, copies of the roots.
    pub n_nodes: u32,
    /// Trees, found by what reaches what. Loaders may count more: see [`crate::ForestShape::roots`].
    pub n_trees: u32,
    /// Inner nodes of all trees.
    pub splits: u64,
    /// Inner nodes whose plane is zero: their items were halved at random, or under dot by length.
    /// None are known of under hamming.
    pub zero_planes: u64,
    /// Leaves of all trees. An item that is the child of a split is a leaf of one item.
    pub leaves: u64,
    /// Those of them that are such an item: they have no record of their own, so that the trees have
    /// `splits + leaves - lone_items` records, and the file one more for each tree, the copy of its root.
    pub lone_items: u64,
    /// Items in a leaf.
    pub leaf_size: Spread,
    /// Splits on the way from the root to an item; the mean is over all items of all trees.
    pub depth: Spread,
}

/// The extremes and the mean of a number of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The smallest.
    pub min: u32,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: u32,
}

impl Spread {
    /// Between these extremes, of `count` numbers whose sum is `sum`. All zero if there are none.
    pub(crate) fn new((min, max): (u32, u32), sum: u64, count: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a mean need not be exact")]
        let mean = sum as f64 / count.max(1) as f64;
        Spread { min: min.min(max), mean, max }
    }
}

/// Why an index did not pass [`Forest::verify`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A record is wrong: the first that was found.
    #[error(transparent)]
    Damaged(#[from] DamagedRecord),
    /// The caller asked to stop.
    #[error("the verification was interrupted")]
    Interrupted,
}

impl Forest<'_> {
    /// Looks at every record and at how they hang together.
    ///
    /// Holds what [`Forest::record`] checks, and:
    /// - the values of every item are finite, the last item is there, and under angular a stored
    ///   squared length is within 0.1 % of that of the vector, or zero as in files older than
    ///   Annoy 1.11;
    /// - every plane is finite, and its normal is zero or between 1/2 and 2 long: much more than
    ///   rounding, because values whose squares leave the range of `f32` have such normals. Under
    ///   dot the length is free;
    /// - every record of a tree is below exactly one other or a root, and the file ends with a copy
    ///   of each root;
    /// - a split counts as many items as its children together, a leaf lists its items in ascending
    ///   order, and every tree reaches every item that is there exactly once. A root that is a leaf
    ///   claims the gaps too, and lists anything in their place, as Annoy writes it.
    ///
    /// A wrong metric, dimension or record layout hardly ever passes. Euclidean and manhattan files
    /// cannot be told apart.
    ///
    /// `go_on` is asked from time to time, with how many of how many steps are done, whether to go
    /// on.
    ///
    /// Cost: items are read once, trees twice. Memory: a bit for each item, two for each record of
    /// a tree, and as many entries as the deepest tree has levels.
    ///
    /// # Errors
    /// [`VerifyError`]: the first damage found, or `go_on` said no.
    pub fn verify(
        &self,
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<ForestReport, VerifyError> {
        let shape = self.shape();
        let (n_items, n_nodes) = (shape.n_items(), shape.n_nodes());
        let total = 2 * u64::from(n_nodes) - u64::from(n_items);
        let mut steps = Steps::new(total, go_on);
        let n_present = check_items(*self, &mut steps)?;
        let (mut parents, zero_planes) = check_nodes(*self, &mut steps)?;
        let (roots, copies) = find_roots(*self, &parents)?;
        check_parents(*self, &copies, &mut parents)?;

        let mut walk = TreeWalk::new(*self, n_present);
        for &root in &roots {
            walk.tree(root, &mut steps)?;
        }
        let zero_copies = copies.iter().filter(|&&copy| is_zero_plane(self, copy)).count();
        #[expect(clippy::cast_possible_truncation, reason = "fewer than records")]
        let n_trees = roots.len() as u32;
        let places = u64::from(n_present) * u64::from(n_trees);
        Ok(ForestReport {
            n_items,
            n_present,
            n_nodes,
            n_trees,
            splits: walk.splits,
            zero_planes: zero_planes - zero_copies as u64,
            leaves: walk.leaves,
            lone_items: walk.lone_items,
            leaf_size: Spread::new(walk.leaf_size, places, walk.leaves),
            depth: Spread::new(walk.depth, walk.depth_sum, places),
        })
    }
}

/// How far the work is, and whether it is to go on.
pub(crate) struct Steps<'f> {
    done: u64,
    total: u64,
    go_on: &'f mut dyn FnMut(u64, u64) -> bool,
}

impl<'f> Steps<'f> {
    pub(crate) fn new(total: u64, go_on: &'f mut dyn FnMut(u64, u64) -> bool) -> Self {
        Steps { done: 0, total, go_on }
    }

    /// Steps taken.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    pub(crate) fn step(&mut self) -> Result<(), VerifyError> {
        self.done += 1;
        if self.done.is_multiple_of(STRIDE) && !(self.go_on)(self.done, self.total) {
            return Err(VerifyError::Interrupted);
        }
        Ok(())
    }
}

/// A set of small numbers.
struct Bits(Vec<u64>);

impl Bits {
    fn new(len: u32) -> Self {
        Bits(vec![0; (len as usize).div_ceil(64)])
    }

    fn contains(&self, at: u32) -> bool {
        self.0[at as usize / 64] >> (at % 64) & 1 == 1
    }

    /// Adds `at`; tells whether it is new.
    fn insert(&mut self, at: u32) -> bool {
        let word = &mut self.0[at as usize / 64];
        let before = *word;
        *word |= 1 << (at % 64);
        *word != before
    }

    fn remove(&mut self, at: u32) -> bool {
        let word = &mut self.0[at as usize / 64];
        let before = *word;
        *word &= !(1 << (at % 64));
        *word != before
    }
}

/// Checks all items; returns how many are there.
fn check_items(forest: Forest<'_>, steps: &mut Steps<'_>) -> Result<u32, VerifyError> {
    let shape = forest.shape();
    let metric = shape.layout().metric();
    let mut n_present = 0;
    for item in 0..shape.n_items() {
        steps.step()?;
        let id = NodeId(item);
        if !matches!(forest.record(id)?, Record::Item(_)) {
            continue;
        }
        n_present += 1;
        if metric == Metric::Hamming {
            continue;
        }
        let vector = forest.vector(item);
        if let Some(at) = vector.iter().position(|value| !value.is_finite()) {
            let problem = format!("has the value {} in dimension {}", vector[at], at + 1);
            return Err(forest.damaged(id, problem).into());
        }
        if let Some(stored) = forest.squared_length(item)
            && !is_squared_length(stored, vector)
        {
            let problem = format!("has the squared length {stored}, which its vector has not");
            return Err(forest.damaged(id, problem).into());
        }
    }
    let last = shape.n_items() - 1;
    if !forest.is_present(last) {
        return Err(forest.damaged(NodeId(last), "is the last item and not there").into());
    }
    Ok(n_present)
}

fn is_squared_length(stored: f32, vector: &[f32]) -> bool {
    let exact: f64 = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    let tolerance = 1e-3 * exact;
    if stored.is_infinite() {
        return stored > 0.0 && exact + tolerance >= f64::from(f32::MAX);
    }
    // Squares below the range of normal numbers lose their digits.
    stored == 0.0 || (f64::from(stored) - exact).abs() <= tolerance + 1e-37
}

/// Which records of trees are the children of others: once, and twice.
struct Parents {
    first: u32,
    once: Bits,
    twice: Bits,
}

/// Checks all records behind the items by themselves, and notes their children. Also returns how
/// many planes are zero.
fn check_nodes(forest: Forest<'_>, steps: &mut Steps<'_>) -> Result<(Parents, u64), VerifyError> {
    let shape = forest.shape();
    let first = shape.n_items();
    let count = shape.n_nodes() - first;
    let mut parents = Parents { first, once: Bits::new(count), twice: Bits::new(count) };
    let mut zero_planes = 0;
    for id in (first..shape.n_nodes()).map(NodeId) {
        steps.step()?;
        let record = forest.record(id)?;
        if let Record::Split(split) = record {
            let squares = kernel::dot(split.normal, split.normal);
            zero_planes += u64::from(squares == 0.0);
            check_plane(forest, id, squares)?;
        }
        for child in record.children().into_iter().flatten().filter(|child| child.0 >= first) {
            let at = child.0 - first;
            if !parents.once.insert(at) && !parents.twice.insert(at) {
                return Err(forest.damaged(child, "is the child of too many records").into());
            }
        }
    }
    Ok((parents, zero_planes))
}

/// Checks the plane of the split `id`, the sum of whose squares is `squares`.
fn check_plane(forest: Forest<'_>, id: NodeId, squares: f32) -> Result<(), DamagedRecord> {
    let layout = forest.shape().layout();
    // A plane that is given up keeps its last offset, whatever that was.
    if squares == 0.0 {
        return Ok(());
    }
    let Record::Split(split) = forest.record(id)? else { return Ok(()) };
    if !squares.is_finite() || !split.offset.is_finite() {
        return Err(forest.damaged(id, "splits by a plane that is not finite"));
    }
    // Annoy divides by lengths whose squares it has lost in part where vectors are tiny: of each element at most
    // what a number cannot hold, so that a normal may be as long as the root of its dimension.
    #[expect(clippy::cast_precision_loss, reason = "a limit, not a count")]
    let most = 4.0 * layout.dim() as f32;
    if layout.metric() != Metric::Dot && !(0.25..=most).contains(&squares) {
        let problem = format!("has a normal of length {}, expected 0 or 1", squares.sqrt());
        return Err(forest.damaged(id, problem));
    }
    Ok(())
}

fn is_zero_plane(forest: &Forest<'_>, id: NodeId) -> bool {
    matches!(forest.record(id), Ok(Record::Split(split))
        if kernel::dot(split.normal, split.normal) == 0.0)
}

/// The roots of the trees, and their copies at the end of the file: the records that are nobody's
/// children.
fn find_roots(
    forest: Forest<'_>,
    parents: &Parents,
) -> Result<(Vec<NodeId>, Vec<NodeId>), VerifyError> {
    let shape = forest.shape();
    let mut roots = Vec::new();
    for id in parents.first..shape.n_nodes() {
        if parents.once.contains(id - parents.first) {
            continue;
        }
        if forest.count(NodeId(id)) != shape.n_items() {
            return Err(forest.damaged(NodeId(id), "belongs to no tree").into());
        }
        roots.push(NodeId(id));
    }
    let copies = roots.split_off(roots.len() / 2);
    #[expect(clippy::cast_possible_truncation, reason = "fewer than records")]
    let first_copy = NodeId(shape.n_nodes() - copies.len() as u32);
    if roots.len() != copies.len() || copies[0] != first_copy {
        let problem = "is not the first of as many copies of roots as there are trees";
        return Err(forest.damaged(first_copy, problem).into());
    }
    // Threads may have finished in another order than that in which their roots were numbered.
    let by_content = |nodes: &[NodeId]| {
        let mut sorted = nodes.to_vec();
        sorted.sort_unstable_by_key(|&id| forest.words(id));
        sorted
    };
    for (root, copy) in by_content(&roots).into_iter().zip(by_content(&copies)) {
        if forest.words(root) != forest.words(copy) {
            return Err(forest.damaged(copy, "is not the copy of a root").into());
        }
    }
    Ok((roots, copies))
}

/// Checks that no record is below two others: children of a root are also below its copy.
fn check_parents(
    forest: Forest<'_>,
    copies: &[NodeId],
    parents: &mut Parents,
) -> Result<(), VerifyError> {
    let first = parents.first;
    for &copy in copies {
        let children = forest.record(copy)?.children().into_iter().flatten();
        for child in children.filter(|child| child.0 >= first) {
            parents.twice.remove(child.0 - first);
        }
    }
    match (first..forest.shape().n_nodes()).find(|&id| parents.twice.contains(id - first)) {
        Some(id) => Err(forest.damaged(NodeId(id), "is the child of two records").into()),
        None => Ok(()),
    }
}

/// A walk through one tree after the other.
struct TreeWalk<'a> {
    forest: Forest<'a>,
    n_present: u32,
    seen: Bits,
    n_seen: u32,
    open: Vec<(NodeId, u32)>,
    splits: u64,
    leaves: u64,
    lone_items: u64,
    leaf_size: (u32, u32),
    depth: (u32, u32),
    depth_sum: u64,
}

impl<'a> TreeWalk<'a> {
    fn new(forest: Forest<'a>, n_present: u32) -> Self {
        TreeWalk {
            forest,
            n_present,
            seen: Bits::new(forest.shape().n_items()),
            n_seen: 0,
            open: Vec::new(),
            splits: 0,
            leaves: 0,
            lone_items: 0,
            leaf_size: (u32::MAX, 0),
            depth: (u32::MAX, 0),
            depth_sum: 0,
        }
    }

    /// Walks through the tree below `root`.
    fn tree(&mut self, root: NodeId, steps: &mut Steps<'_>) -> Result<(), VerifyError> {
        self.seen.0.fill(0);
        self.n_seen = 0;
        self.open.push((root, 0));
        while let Some((id, depth)) = self.open.pop() {
            steps.step()?;
            let record = self.forest.record(id)?;
            if let Some(children) = record.children() {
                self.splits += 1;
                self.split(id, children, id == root, depth)?;
                continue;
            }
            let items = match record {
                Record::Leaf(items) if id == root => {
                    &items[..items.len().min(self.n_present as usize)]
                }
                Record::Leaf(items) => items,
                _ => &[id.0],
            };
            self.leaf(id, items, depth)?;
        }
        if self.n_seen != self.n_present {
            let problem = format!("reaches {} of {} items", self.n_seen, self.n_present);
            return Err(self.forest.damaged(root, problem).into());
        }
        Ok(())
    }

    fn split(
        &mut self,
        id: NodeId,
        children: [NodeId; 2],
        is_root: bool,
        depth: u32,
    ) -> Result<(), VerifyError> {
        let forest = self.forest;
        if is_root && self.n_present == 1 {
            // Over a single item of a large number: a leaf too large to be one.
            self.open.push((children[0], depth));
            return Ok(());
        }
        let below = children.map(|child| u64::from(forest.count(child)));
        let count = forest.count(id);
        if !is_root && u64::from(count) != below[0] + below[1] {
            let problem =
                format!("counts {count} items, its children {} and {}", below[0], below[1]);
            return Err(forest.damaged(id, problem).into());
        }
        // The lower number is taken first: an item, which leads no further, or what comes first in
        // the file.
        let [a, b] = children.map(|child| (child, depth + 1));
        self.open.extend(if a.0 < b.0 { [b, a] } else { [a, b] });
        Ok(())
    }

    fn leaf(&mut self, id: NodeId, items: &[u32], depth: u32) -> Result<(), VerifyError> {
        let forest = self.forest;
        let mut last = None;
        for &item in items {
            let problem = if !forest.is_present(item) {
                format!("lists item {item}, which is not there")
            } else if last >= Some(item) {
                format!("lists item {item} out of order")
            } else if !self.seen.insert(item) {
                format!("lists item {item}, which the tree has elsewhere")
            } else {
                last = Some(item);
                continue;
            };
            return Err(forest.damaged(id, problem).into());
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most n_items")]
        let size = items.len() as u32;
        self.n_seen += size;
        self.leaves += 1;
        self.lone_items += u64::from(id.0 < forest.shape().n_items());
        self.leaf_size = (self.leaf_size.0.min(size), self.leaf_size.1.max(size));
        self.depth = (self.depth.0.min(depth), self.depth.1.max(depth));
        self.depth_sum += u64::from(depth) * u64::from(size);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ForestShape, ForestSurvey, Layout, Variant};

    /// Trees over items `0..n_items` but for `gaps`, halved by number until a leaf holds them.
    fn forest(layout: Layout, n_items: u32, gaps: &[u32], trees: u32) -> Vec<u32> {
        fn grow(layout: Layout, words: &mut Vec<u32>, ids: &[u32], root: Option<u32>) -> u32 {
            if let ([item], None) = (ids, root) {
                return *item;
            }
            let count = root.unwrap_or(u32::try_from(ids.len()).unwrap());
            if count as usize <= layout.leaf_capacity() {
                layout.push_leaf(words, count, ids);
            } else if let [item] = ids {
                push_split(layout, words, count, [*item, 0]);
            } else {
                let (a, b) = ids.split_at(ids.len() / 3 + 1);
                let children = [grow(layout, words, a, None), grow(layout, words, b, None)];
                push_split(layout, words, count, children);
            }
            u32::try_from(words.len() / layout.record_words()).unwrap() - 1
        }
        let size = layout.record_words();
        let mut words = vec![0; n_items as usize * size];
        let ids: Vec<u32> = (0..n_items).filter(|id| !gaps.contains(id)).collect();
        for &id in &ids {
            let vector = vec![f32::from(u8::try_from(id).unwrap()); layout.dim()];
            layout.write_item(&mut words[id as usize * size..][..size], &vector);
        }
        let mut roots = Vec::new();
        for _ in 0..trees {
            grow(layout, &mut words, &ids, Some(n_items));
            roots.extend_from_slice(&words[words.len() - size..]);
        }
        words.extend(roots);
        words
    }

    fn push_split(layout: Layout, words: &mut Vec<u32>, count: u32, children: [u32; 2]) {
        if layout.metric() == Metric::Hamming {
            layout.push_bit_split(words, count, 0);
        } else {
            let mut normal = vec![0.0; layout.dim()];
            normal[0] = 1.0;
            layout.push_split(words, count, &normal, -1.5);
        }
        let record = words.len() - layout.record_words();
        layout.set_children(&mut words[record..], children);
    }

    fn layouts() -> impl Iterator<Item = Layout> {
        let variants = |metric| Variant::of(metric).iter().map(move |&variant| (metric, variant));
        Metric::ALL
            .into_iter()
            .flat_map(variants)
            .map(|(metric, variant)| Layout::new(metric, 2).unwrap().with_variant(variant).unwrap())
    }

    fn verified(words: &[u32], layout: Layout) -> Result<ForestReport, String> {
        let bytes = bytemuck::cast_slice(words);
        let shape = ForestShape::read(bytes, layout).map_err(|error| error.to_string())?;
        shape.over(bytes).verify(&mut |_, _| true).map_err(|error| error.to_string())
    }

    #[test]
    fn whole_forests_of_every_layout_pass() {
        for layout in layouts() {
            for (n_items, gaps) in
                [(1, vec![]), (4, vec![]), (60, vec![]), (5, vec![0, 2]), (40, vec![3, 4, 20])]
            {
                for trees in [1, 3] {
                    let words = forest(layout, n_items, &gaps, trees);
                    let report = verified(&words, layout).unwrap();
                    let present = n_items - u32::try_from(gaps.len()).unwrap();
                    assert_eq!((report.n_items, report.n_present), (n_items, present));
                    assert_eq!(report.n_trees, trees, "{layout:?}, {n_items}");
                    let nodes = u64::from(report.n_nodes - n_items - trees);
                    assert_eq!(nodes, report.splits + report.leaves - report.lone_items);
                    assert_eq!(report.zero_planes, 0);
                    assert!(report.depth.min <= report.depth.max && report.leaf_size.min >= 1);
                    let survey = surveyed(&words, layout).unwrap();
                    assert_eq!((survey.n_trees, survey.splits), (trees, report.splits));
                    assert_eq!((survey.leaves, survey.depth), (report.leaves, report.depth));
                    assert_eq!(survey.lone_items, report.lone_items);
                    // A root that is a leaf claims the gaps too.
                    let size = if report.splits > 0 { report.leaf_size.max } else { n_items };
                    assert_eq!(survey.leaf_size.max, size, "{layout:?}, {n_items}");
                }
            }
            // A single item of a large number.
            let words = forest(layout, 51, &(0..50).collect::<Vec<_>>(), 2);
            let report = verified(&words, layout).unwrap();
            assert_eq!((report.n_present, report.n_trees, report.leaves), (1, 2, 2));
            // Below a root that is a split, where so many items are too many for a leaf.
            assert_eq!((report.lone_items, report.n_nodes), (report.splits, 51 + 2 + 2));
            let survey = surveyed(&words, layout).unwrap();
            assert_eq!(survey.lone_items, survey.leaves);
        }
    }

    fn surveyed(words: &[u32], layout: Layout) -> Result<ForestSurvey, String> {
        let bytes = bytemuck::cast_slice(words);
        let shape = ForestShape::read(bytes, layout).map_err(|error| error.to_string())?;
        shape.over(bytes).survey(&mut |_, _| true).map_err(|error| error.to_string())
    }

    #[test]
    fn a_survey_of_damaged_trees_ends() {
        for layout in layouts() {
            let words = forest(layout, 60, &[], 1);
            let size = layout.record_words();
            let records = words.len() / size;
            // All that come below a record come below it twice: as many ways as two to the depth.
            let mut tangled = words.clone();
            for record in 61..records {
                let record = &mut tangled[record * size..][..size];
                if record[0] as usize > layout.leaf_capacity() {
                    let [child, other] = layout.children(record);
                    layout.set_children(record, [child.max(other); 2]);
                }
            }
            let long: Vec<u32> = (0..40).fold(tangled[..60 * size].to_vec(), |mut words, _| {
                let before = u32::try_from(words.len() / size).unwrap() - 1;
                push_split(layout, &mut words, 60, [before, before]);
                words
            });
            for damaged in [&tangled, &long] {
                let result = surveyed(damaged, layout);
                assert!(result.is_err() || result.unwrap().splits < records as u64, "{layout:?}");
            }
            assert!(surveyed(&long, layout).unwrap_err().contains("were seen before"));
            // A child past the end.
            let mut cut = words.clone();
            layout.set_children(&mut cut[(records - 1) * size..], [1 << 30, 0]);
            assert!(surveyed(&cut, layout).unwrap_err().contains("does not come before it"));
        }
    }

    #[test]
    fn the_shape_of_the_trees_is_told() {
        let layout = Layout::new(Metric::Euclidean, 2).unwrap(); // a leaf holds four
        let report = verified(&forest(layout, 6, &[], 2), layout).unwrap();
        assert_eq!((report.splits, report.leaves, report.n_nodes), (2, 4, 6 + 6 + 2));
        assert_eq!(report.leaf_size, Spread { min: 3, mean: 3.0, max: 3 });
        assert_eq!(report.depth, Spread { min: 1, mean: 1.0, max: 1 });
    }

    #[test]
    fn every_kind_of_damage_is_found() {
        for layout in layouts() {
            let whole = forest(layout, 30, &[7], 2);
            let size = layout.record_words();
            let (child, records) = (layout.children_word(), whole.len() / size);
            let words_of = |record: usize| &whole[record * size..][..size];
            let is_leaf = |record: usize| words_of(record)[0] as usize <= layout.leaf_capacity();
            let leaf = (30..records).find(|&record| is_leaf(record)).unwrap();
            let split = (30..records).find(|&record| !is_leaf(record)).unwrap();
            let damaged = |record: usize, word: usize, value: u32, expected: &str| {
                let mut words = whole.clone();
                words[record * size + word] = value;
                let message = verified(&words, layout).unwrap_err();
                assert!(message.contains(expected), "{layout:?}: {message}");
            };
            damaged(2, 0, 2, "is an item but counts 2");
            damaged(2, 0, 0, "lists item 2, which is not there");
            damaged(29, 0, 0, "is the last item and not there");
            damaged(leaf, child, 29, "out of order");
            damaged(leaf, child, 7, "which is not there");
            damaged(leaf, child, 1 << 30, "of 30");
            damaged(leaf, 0, words_of(leaf)[0] - 1, "counts");
            damaged(leaf, 0, (-5i32).cast_unsigned(), "counts -5");
            damaged(split, 0, words_of(split)[0] + 1, "its children");
            let own = u32::try_from(split).unwrap();
            damaged(split, child, own, "which does not come before it");
            damaged(split, child, 1 << 30, "which does not come before it");
            damaged(split, child, 0, "belongs to no tree");
            let other = words_of(records - 1)[child + 1] - 1;
            damaged(records - 1, child + 1, other, "is not the copy of a root");
            if layout.metric() != Metric::Hamming {
                let (vector, nan) = (layout.vector_word(), f32::NAN.to_bits());
                damaged(3, vector + 1, nan, "has the value NaN in dimension 2");
                damaged(split, vector, nan, "not finite");
                if layout.metric() != Metric::Dot {
                    damaged(split, vector, 9f32.to_bits(), "has a normal of length 9");
                }
            }
            if layout.metric() == Metric::Angular {
                damaged(3, 1, 9.5f32.to_bits(), "squared length 9.5");
            }
            // Cut between records: whatever it looks like then, it is not whole.
            for kept in 0..records {
                assert!(verified(&whole[..kept * size], layout).is_err(), "{layout:?}, {kept}");
                let message = verified(&whole[..=kept * size], layout).unwrap_err();
                assert!(message.contains("no multiple"), "{message}");
            }
        }
    }

    #[test]
    fn a_verification_can_be_interrupted() {
        let layout = Layout::new(Metric::Dot, 1).unwrap();
        let words = forest(layout, 200, &[], 200);
        let bytes = bytemuck::cast_slice(&words);
        let shape = ForestShape::read(bytes, layout).unwrap();
        let mut asked = 0;
        let result = shape.over(bytes).verify(&mut |done, total| {
            asked += 1;
            assert!(done <= total);
            asked < 2
        });
        assert_eq!((result, asked), (Err(VerifyError::Interrupted), 2));
    }
}
