//! Indexes that `RcppAnnoy` builds: we find what it finds.

use std::collections::BTreeMap;
use std::fs;

use bigannoy::matrix::DenseRows;
use bigannoy::{Index, Metric, NeighborBlock, OpenOptions, SearchOptions};
use bigannoy_tests::run_r;

use crate::written_by_r::doubles;

/// Ids counted from 1, and bits of the distances.
type Answer = Vec<(u32, u32)>;

struct Case {
    index: Index,
    dim: usize,
    queries: Vec<f64>,
    /// Roots that `RcppAnnoy` counts.
    n_trees: usize,
    /// Our neighbors of all items, by `k` and budget.
    own: BTreeMap<(usize, Option<usize>), NeighborBlock>,
}

/// One search of `RcppAnnoy`.
struct Asked<'a> {
    case: &'a str,
    /// A query, or with a minus sign an item, counted from 1.
    subject: i64,
    k: usize,
    search_k: Option<usize>,
    found: Answer,
}

fn asked(line: &str) -> Asked<'_> {
    let [case, subject, k, search_k, ids, distances] = *line.split('\t').collect::<Vec<_>>() else {
        panic!("a line of another form: {line}")
    };
    let ids = ids.split(',').map(|id| id.parse::<u32>().unwrap());
    let distances = distances.split(',').map(|distance| {
        let distance: f64 = distance.parse().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "an f32 that R shows as a double")]
        let narrow = distance as f32;
        assert_eq!(f64::from(narrow), distance, "{line}");
        narrow.to_bits()
    });
    Asked {
        case,
        subject: subject.parse().unwrap(),
        k: k.parse().unwrap(),
        search_k: search_k.parse().ok(), // -1 is the default
        found: ids.zip(distances).collect(),
    }
}

/// Our answer to the same question, and what of `RcppAnnoy`'s it has to be.
fn compare(case: &mut Case, asked: &Asked<'_>) -> (Answer, Answer) {
    let own = asked.subject < 0;
    let options = SearchOptions::new(asked.k - usize::from(own));
    let options = match asked.search_k {
        Some(search_k) => options.search_k(search_k),
        None => options,
    };
    let position = usize::try_from(asked.subject.abs()).unwrap() - 1;
    let mut expected = asked.found.clone();
    let ours = if own {
        let item = u32::try_from(position).unwrap() + 1;
        match expected.iter().position(|&(id, _)| id == item) {
            Some(at) => drop(expected.remove(at)),
            None if expected.len() == asked.k => drop(expected.pop()),
            None => {}
        }
        let Case { index, own, .. } = case;
        let search = || index.search_self(&options).unwrap().neighbors;
        own.entry((asked.k, asked.search_k)).or_insert_with(search).row(position).to_vec()
    } else {
        let vector = &case.queries[position * case.dim..][..case.dim];
        let found = case.index.search(&DenseRows::row_major(vector, case.dim), &options);
        found.unwrap().neighbors.row(0).to_vec()
    };
    (ours.iter().map(|near| (near.item + 1, near.distance.to_bits())).collect(), expected)
}

/// The 64 bits that a whole number of R stands for.
fn bits(number: f64) -> impl Iterator<Item = f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53")]
    let word = number as u64;
    (0..64).map(move |bit| if word >> bit & 1 == 1 { 1.0 } else { 0.0 })
}

pub(crate) fn we_find_what_rcppannoy_finds(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    run_r("interop_build.R", &[dir.as_os_str(), seed.to_string().as_ref()]).unwrap();

    let mut cases = BTreeMap::new();
    for line in fs::read_to_string(dir.join("cases.tsv")).unwrap().lines() {
        let [name, metric, dim, n, n_trees, _] = *line.split('\t').collect::<Vec<_>>() else {
            panic!("a line of another form: {line}")
        };
        let metric: Metric = metric.parse().unwrap();
        // R counts words of bits where we count bits.
        let columns: usize = dim.parse().unwrap();
        let dim = if metric == Metric::Hamming { 64 * columns } else { columns };
        let path = dir.join(format!("{name}.ann"));
        let index = bigannoy::open(path, &OpenOptions::new().layout(metric, dim)).unwrap();
        let items: usize = n.parse().unwrap();
        let all = index.search_self(&SearchOptions::new(1));
        assert_eq!(all.map_or(1, |found| found.summary.n_ref), items, "{name}");
        let mut queries = doubles(&dir.join(format!("{name}.query")));
        if metric == Metric::Hamming {
            queries = queries.into_iter().flat_map(bits).collect();
        }
        let n_trees = n_trees.parse().unwrap();
        let case = Case { index, dim, queries, n_trees, own: BTreeMap::new() };
        cases.insert(name.to_owned(), case);
    }
    // Eight dimensions, three sizes, two of them a fourth, four metrics.
    assert_eq!(cases.len(), (8 * 3 + 2) * 4);

    let (mut searches, mut own, mut short, mut wrong) = (0, 0, 0, Vec::new());
    let answers = fs::read_to_string(dir.join("answers.tsv")).unwrap();
    for line in answers.lines() {
        let asked = asked(line);
        let case = cases.get_mut(asked.case).unwrap();
        let (ours, expected) = compare(case, &asked);
        if ours != expected {
            wrong.push(format!("{line}\n  ours: {ours:?}, {} roots", case.n_trees));
        }
        searches += 1;
        own += usize::from(asked.subject < 0);
        short += usize::from(asked.found.len() < asked.k);
    }
    assert!(wrong.is_empty(), "{} of {searches} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(searches > 5000 && own > 1000 && short > 100, "{searches}, {own}, {short}");
    println!("indexes_of_rcppannoy: {searches} answers, {own} of them for items, all bits equal");
}
