//! A larger index, damaged at random: the checksum finds each change, and a search that is told
//! nothing of it ends within its budget.
//!
//! `BIGANNOY_CORRUPTIONS` says how many damaged files there are.

use std::fs;
use std::path::{Path, PathBuf};

use bigannoy::format::Layout;
use bigannoy::matrix::DenseRows;
use bigannoy::{
    BuildOptions, Error, Index, Metric, Neighbor, OpenOptions, SearchOptions, Severity, Sketching,
    ValidateOptions, open, validate,
};
use bigannoy_search::{Index as Searcher, Query, SearchError};
use bigannoy_tests::{fixture, md5_hex};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index as At, select};

use crate::support::{cases, count};

/// An index as it was built, and where its damaged copies go.
struct Whole {
    layout: Layout,
    bytes: Vec<u8>,
    /// With a sidecar that has the md5.
    known: PathBuf,
    /// Without one.
    bare: PathBuf,
}

impl Whole {
    fn built(dir: &Path, metric: Metric) -> Self {
        const ROWS: usize = 1500;
        const DIM: usize = 6;
        let values = numbers(0, ROWS * DIM);
        let known = dir.join(format!("{metric}.ann"));
        let options = BuildOptions::new(metric).trees(4);
        bigannoy::build(&DenseRows::row_major(&values, DIM), &known, &options).unwrap();
        Whole::new(known, Layout::new(metric, DIM).unwrap())
    }

    /// Of another program: all that its sidecar says has to be said here.
    fn of_bits(dir: &Path) -> Self {
        let known = dir.join("hamming.ann");
        fs::copy(fixture("annoy/combos/ham_400x4.ann"), &known).unwrap();
        let md5 = md5_hex(&known).unwrap();
        let text = format!("metric: hamming\nn_dim: 256\nfile_md5: {md5}\n");
        fs::write(dir.join("hamming.ann.meta"), text).unwrap();
        Whole::new(known, Layout::new(Metric::Hamming, 256).unwrap())
    }

    fn new(known: PathBuf, layout: Layout) -> Self {
        let bare = known.with_extension("bare");
        Whole { layout, bytes: fs::read(&known).unwrap(), known, bare }
    }

    fn open_bare(&self) -> Result<Index, Error> {
        open(&self.bare, &OpenOptions::new().layout(self.layout.metric(), self.layout.dim()))
    }
}

/// Numbers between -0.5 and 0.5.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mixed = (1u32..).map(|at| seed.wrapping_add(at).wrapping_mul(0x9e37_79b9) >> 16);
    mixed.map(|bits| f32::from(u16::try_from(bits).unwrap()) / 65_536.0 - 0.5).take(count).collect()
}

/// A change of some bytes, or of where they end.
#[derive(Clone, Debug)]
enum Damage {
    Bytes {
        at: At,
        bytes: Vec<u8>,
    },
    /// A word that could be an item, a node, a count, or a number that is none.
    Word {
        at: At,
        value: u32,
    },
    /// Whole records take the place of others.
    Records {
        from: At,
        to: At,
        count: usize,
    },
    Fill {
        at: At,
        len: usize,
        byte: u8,
    },
    Cut {
        at: At,
        whole_records: bool,
    },
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<At>;
    let edges = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0].map(f32::to_bits);
    let value = prop_oneof![0..4000_u32, select(edges.to_vec()), any::<u32>()];
    let damage = prop_oneof![
        6 => (at(), vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Damage::Bytes { at, bytes }),
        6 => (at(), value).prop_map(|(at, value)| Damage::Word { at, value }),
        3 => (at(), at(), 1..50_usize)
            .prop_map(|(from, to, count)| Damage::Records { from, to, count }),
        2 => (at(), 1..5000_usize, select(vec![0, 1, 0x7f, 0x80, 0xff]))
            .prop_map(|(at, len, byte)| Damage::Fill { at, len, byte }),
        1 => (at(), any::<bool>())
            .prop_map(|(at, whole_records)| Damage::Cut { at, whole_records }),
    ];
    // A byte now and then, and much at once.
    prop_oneof![3 => vec(damage.clone(), 1..4), 1 => vec(damage, 20..100)]
}

/// What is left of a file.
fn damaged(whole: &Whole, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = whole.bytes.clone();
    let record = whole.layout.record_bytes();
    for damage in damages {
        let len = bytes.len();
        if len == 0 {
            break;
        }
        match damage {
            Damage::Bytes { at, bytes: new } => {
                let at = at.index(len);
                let end = len.min(at + new.len());
                bytes[at..end].copy_from_slice(&new[..end - at]);
            }
            Damage::Word { at, value } if len >= 4 => {
                let at = at.index(len / 4) * 4;
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            Damage::Records { from, to, count } if len >= record => {
                let [from, to] = [from, to].map(|at| at.index(len / record));
                let count = (*count).min(len / record - from.max(to));
                bytes.copy_within(from * record..(from + count) * record, to * record);
            }
            Damage::Fill { at, len: wanted, byte } => {
                let at = at.index(len);
                bytes[at..len.min(at + wanted)].fill(*byte);
            }
            Damage::Cut { at, whole_records: true } => {
                bytes.truncate(at.index(len / record + 1) * record);
            }
            Damage::Cut { at, .. } => bytes.truncate(at.index(len)),
            Damage::Word { .. } | Damage::Records { .. } => {}
        }
    }
    bytes
}

/// Every way to ask the index: what has to hold of any bytes.
fn search(whole: &Whole, bytes: &[u8], asked: &Asked) {
    // Words of its own, as many as there are: a sanitizer sees what is read beyond them.
    let words: Vec<u32> =
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    if !bytes.len().is_multiple_of(4) {
        return; // no record has such a size
    }
    let Ok(index) = Searcher::open(bytemuck::cast_slice::<u32, u8>(&words), whole.layout) else {
        return;
    };
    let n_items = index.shape().n_items();
    let verified = index.forest().verify(&mut |_, _| true);
    let k = 5.min(n_items as usize - 1).max(1);
    let last = n_items.saturating_sub(8)..n_items;
    // What is gathered can be counted, since all of it is kept: no more than the budget, beyond which
    // the last leaf may go.
    let most = asked.search_k - 1 + whole.layout.leaf_capacity();
    let query = index.query(k).search_k(asked.search_k).keep(usize::MAX);
    let plain = Answers::of(query.sketching(Sketching::Never), &asked.queries, last.clone());
    assert!(plain.all().all(|found| found.len() <= most), "more than {}", asked.search_k);
    let sketched = Answers::of(query.sketching(Sketching::Always), &asked.queries, last.clone());
    assert_eq!(plain, sketched, "sketches have changed an answer");
    assert!(verified.is_err() || plain.singles.iter().all(Result::is_ok), "{plain:?}");
    let query = match asked.way {
        Way::PerTree => index.query(k),
        Way::Widening => index.query(k).search_k(asked.search_k).widen(true),
        Way::Exhaustive => index.query(k).exhaustive(),
    };
    let [plain, sketched] = [Sketching::Never, Sketching::Always]
        .map(|sketching| Answers::of(query.sketching(sketching), &asked.queries, last.clone()));
    assert_eq!(plain, sketched, "sketches have changed an answer");
}

/// How an index is searched besides.
#[derive(Clone, Copy, Debug)]
enum Way {
    PerTree,
    Widening,
    Exhaustive,
}

/// What a damaged index is asked.
struct Asked {
    queries: Vec<f32>,
    search_k: usize,
    way: Way,
}

/// Items and the bits of their distances, or what is wrong.
type Answer = Result<Vec<(u32, u32)>, String>;

/// The same queries one by one and together.
#[derive(Debug, PartialEq)]
struct Answers {
    singles: Vec<Answer>,
    items: Result<Vec<Vec<(u32, u32)>>, String>,
}

impl Answers {
    fn of(query: Query<'_>, queries: &[f32], items: std::ops::Range<u32>) -> Self {
        let dim = query_dim(queries);
        let bits = |row: &[Neighbor]| -> Vec<(u32, u32)> {
            row.iter().map(|near| (near.item, near.distance.to_bits())).collect()
        };
        let told = |error: SearchError| error.to_string();
        let singles: Vec<Answer> = queries
            .chunks(dim)
            .map(|vector| query.by_vector(vector).map(|row| bits(&row)).map_err(told))
            .collect();
        let block = query.by_rows(queries).map_err(told);
        match block {
            Ok(block) => {
                let rows: Vec<Answer> = block.rows().map(|row| Ok(bits(row))).collect();
                assert_eq!(singles, rows, "together is not as one by one");
            }
            Err(error) => {
                let first = singles.iter().find_map(|answer| answer.as_ref().err());
                assert_eq!(Some(&error), first, "together fails otherwise than one by one");
            }
        }
        let items = query.by_items(items).map_err(told);
        let items = items.map(|block| block.rows().map(bits).collect());
        Answers { singles, items }
    }

    fn all(&self) -> impl Iterator<Item = &Vec<(u32, u32)>> {
        self.singles.iter().flatten().chain(self.items.iter().flatten())
    }
}

const QUERIES: usize = 3;

fn query_dim(queries: &[f32]) -> usize {
    queries.len() / QUERIES
}

/// What the facade makes of the file.
fn open_and_search(whole: &Whole, bytes: &[u8], queries: &[f32]) {
    fs::write(&whole.bare, bytes).unwrap();
    let rows = DenseRows::row_major(queries, query_dim(queries));
    if let Ok(index) = whole.open_bare() {
        for sketching in [Sketching::Never, Sketching::Always] {
            let options = SearchOptions::new(3).sketching(sketching).threads(2);
            let _ = index.search(&rows, &options);
        }
    }
}

/// The names of the checks that failed, for a file at the name that has a sidecar.
fn found_by_validation(whole: &Whole, bytes: &[u8]) -> Vec<&'static str> {
    fs::write(&whole.known, bytes).unwrap();
    let lenient = ValidateOptions::new().strict(false);
    let found = validate(&whole.known, &OpenOptions::new(), &lenient).unwrap();
    let errors = found.checks.iter().filter(|c| !c.passed && c.severity == Severity::Error);
    errors.map(|check| check.check).collect()
}

#[test]
fn any_damage_is_found_by_the_checksum_and_survived_by_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let built = Metric::OF_NUMBERS.into_iter().map(|metric| Whole::built(dir.path(), metric));
    let all: Vec<Whole> = built.chain([Whole::of_bits(dir.path())]).collect();
    for whole in &all {
        assert_eq!(found_by_validation(whole, &whole.bytes), [""; 0]);
        assert!(whole.bytes.len() > 40_000, "{}", whole.bytes.len());
    }
    let ways = [Way::PerTree, Way::Widening, Way::Exhaustive];
    let ways = (1..1200_usize, select(ways.to_vec()));
    let rule = (any::<At>(), damages(), any::<u32>(), ways);
    let number = count("BIGANNOY_CORRUPTIONS", 1000);
    proptest!(cases(number), |((which, damages, seed, (search_k, way)) in rule)| {
        let whole = &all[which.index(all.len())];
        let bytes = damaged(whole, &damages);
        if bytes == whole.bytes {
            return Ok(());
        }
        let errors = found_by_validation(whole, &bytes);
        prop_assert!(errors.contains(&"file_md5"), "{errors:?}");
        let queries = numbers(seed, whole.layout.dim() * QUERIES);
        open_and_search(whole, &bytes, &queries);
        search(whole, &bytes, &Asked { queries, search_k, way });
    });
}
