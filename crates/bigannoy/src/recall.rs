//! Recall of neighbors that are in matrices.

use std::ops::Range;

use bigannoy_exact::{DEFAULT_TOLERANCE, ExactMetric, Ranked, Recall, RecallOptions};
use bigannoy_matrix::Element;

use crate::input::OpenInput;
use crate::{Error, Input};

/// Values of one matrix that are held at a time: 8 MiB.
const BLOCK_VALUES: usize = 1 << 20;

/// Two answers to the same queries, to be compared: matrices of ids, and what is known beside them.
///
/// Ids are counted from 1, a row for each query, nearest first, in matrices of any form and type, from
/// this program or another. Missing ids are places where no neighbor was found: R's `NA`, in arrays in
/// memory NaN, or -2147483648, which is R's `NA` among whole numbers. By ids alone recall is
/// the overlap of two sets, and of several rows at the same distance the right ones have to be found.
/// With [`RecallCheck::distances`] or [`RecallCheck::vectors`] any of them counts.
///
/// ```
/// use bigannoy::RecallCheck;
/// use bigannoy::matrix::DenseRows;
///
/// let approximate = DenseRows::row_major(&[4.0, 9.0, 2.0, 1.0], 2);
/// let exact = DenseRows::row_major(&[4.0, 7.0, 1.0, 2.0], 2);
/// let recall = RecallCheck::new(&approximate, &exact).run()?;
/// assert_eq!((recall.mean(), recall.perfect()), (0.75, 1));
///
/// // Rows 7 and 9 are equally near.
/// let approximate_distances = DenseRows::row_major(&[0.5, 1.5, 1.0, 0.0], 2);
/// let exact_distances = DenseRows::row_major(&[0.5, 1.5, 0.0, 1.0], 2);
/// let check = RecallCheck::new(&approximate, &exact);
/// let recall = check.distances(&approximate_distances, &exact_distances).run()?;
/// assert_eq!((recall.mean(), recall.tied()), (1.0, 1));
/// # Ok::<(), bigannoy::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is compared until it is run"]
pub struct RecallCheck<'a> {
    approximate: Input<'a>,
    exact: Input<'a>,
    distances: Option<[Input<'a>; 2]>,
    vectors: Option<(Input<'a>, Option<Input<'a>>)>,
    metric: ExactMetric,
    k: Option<usize>,
    tolerance: f64,
}

impl<'a> RecallCheck<'a> {
    /// Compares two matrices of ids.
    pub fn new(approximate: impl Into<Input<'a>>, exact: impl Into<Input<'a>>) -> Self {
        RecallCheck {
            approximate: approximate.into(),
            exact: exact.into(),
            distances: None,
            vectors: None,
            metric: ExactMetric::Euclidean,
            k: None,
            tolerance: DEFAULT_TOLERANCE,
        }
    }

    /// Gives the distances of both answers, matrices of the shapes of the ids: ties count by distance.
    pub fn distances(
        mut self,
        approximate: impl Into<Input<'a>>,
        exact: impl Into<Input<'a>>,
    ) -> Self {
        self.distances = Some([approximate.into(), exact.into()]);
        self
    }

    /// Gives the vectors: all distances are computed from them, in double precision, and equal ones are
    /// equal. Without queries the rows of the reference are the queries. Cost: a row of the reference
    /// is read for each id. Takes the place of [`RecallCheck::distances`].
    pub fn vectors(mut self, reference: impl Into<Input<'a>>, queries: Option<Input<'a>>) -> Self {
        self.vectors = Some((reference.into(), queries));
        self
    }

    /// Sets the metric of the distances: for computing them, and for telling that under dot larger is
    /// nearer. Default: euclidean.
    pub fn metric(mut self, metric: ExactMetric) -> Self {
        self.metric = metric;
        self
    }

    /// Sets the `k` of recall at `k`. Default: the columns of the exact answer.
    pub fn k(mut self, k: usize) -> Self {
        self.k = Some(k);
        self
    }

    /// Sets how far, relative to it, a given distance may lie above the `k`-th exact one and still
    /// count as equal. Default: [`DEFAULT_TOLERANCE`].
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Compares, block by block: memory is needed for what is told of each query.
    ///
    /// # Errors
    /// [`Error`]: a matrix cannot be attached or read, or has another shape than it has to have; an id
    /// is no row number; `k` or the tolerance is out of range.
    pub fn run(&self) -> Result<Recall, Error> {
        let approximate = Answer::open(self.approximate, self.distances.map(|[first, _]| first))?;
        let exact = Answer::open(self.exact, self.distances.map(|[_, second]| second))?;
        let n_query = exact.ids.rows().nrows();
        expect_rows(&approximate.ids, n_query, &exact.ids)?;
        let widest = exact.ids.rows().ncols();
        let k = self.k.unwrap_or(widest);
        if !(1..=widest).contains(&k) {
            return Err(Error::Setting {
                setting: "the k of recall",
                found: k.to_string(),
                expected: format!("1 to {widest}, the columns of {}", exact.ids.rows().name()),
            });
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(Error::Setting {
                setting: "the tolerance",
                found: self.tolerance.to_string(),
                expected: "a number of at least 0".to_owned(),
            });
        }
        let vectors = match self.vectors {
            Some((reference, queries)) => Some(Vectors::open(reference, queries, self.metric)?),
            None => None,
        };
        if let Some(vectors) = &vectors {
            expect_rows(vectors.queries(), n_query, &exact.ids)?;
        }
        let tolerance = if vectors.is_some() { 0.0 } else { self.tolerance };
        let similarity = self.metric.is_similarity();
        let options = RecallOptions::new(k).tolerance(tolerance).similarity(similarity);
        let mut recall = Recall::new(options);
        let size = (BLOCK_VALUES / widest.max(approximate.ids.rows().ncols())).max(1);
        for start in (0..n_query).step_by(size) {
            let rows = start..n_query.min(start + size);
            let mut both = [approximate.read(rows.clone())?, exact.read(rows.clone())?];
            if let Some(vectors) = &vectors {
                vectors.measure(start, &approximate, &mut both[0])?;
                vectors.measure(start, &exact, &mut both[1])?;
            }
            for row in 0..rows.len() {
                recall.push(both[0].ranked(row), both[1].ranked(row));
            }
        }
        Ok(recall)
    }
}

/// One answer: ids, and distances if they were given.
struct Answer<'a> {
    ids: OpenInput<'a>,
    distances: Option<OpenInput<'a>>,
}

/// Some rows of an answer.
struct AnswerBlock {
    k: usize,
    ids: Vec<Option<u32>>,
    /// As many as ids, or none.
    distances: Vec<f64>,
}

impl AnswerBlock {
    fn ranked(&self, row: usize) -> Ranked<'_> {
        let places = row * self.k..(row + 1) * self.k;
        let distances = self.distances.get(places.clone()).unwrap_or_default();
        Ranked { ids: &self.ids[places], distances }
    }
}

impl<'a> Answer<'a> {
    fn open(ids: Input<'a>, distances: Option<Input<'a>>) -> Result<Self, Error> {
        let answer =
            Answer { ids: ids.open()?, distances: distances.map(Input::open).transpose()? };
        if let Some(distances) = &answer.distances {
            let shape = |input: &OpenInput<'_>| (input.rows().nrows(), input.rows().ncols());
            expect(shape(distances), shape(&answer.ids), distances, &answer.ids)?;
        }
        Ok(answer)
    }

    fn read(&self, rows: Range<usize>) -> Result<AnswerBlock, Error> {
        let k = self.ids.rows().ncols();
        let mut values = vec![0.0; rows.len() * k];
        self.ids.rows().copy_rows_with_missing(rows.clone(), &mut values)?;
        let ids = values.iter().enumerate().map(|(at, &value)| {
            id(value).map_err(|value| Error::Id {
                matrix: self.ids.rows().name(),
                row: rows.start + at / k,
                column: at % k,
                value,
            })
        });
        let ids = ids.collect::<Result<_, _>>()?;
        let mut distances = Vec::new();
        if let Some(source) = &self.distances {
            distances.resize(values.len(), 0.0);
            source.rows().copy_rows_with_missing(rows, &mut distances)?;
        }
        Ok(AnswerBlock { k, ids, distances })
    }
}

/// The row, counted from 0, that an id counted from 1 is; none where it is missing.
fn id(value: f64) -> Result<Option<u32>, f64> {
    // R's missing integer is a number where it came through a file that knows no missing ones.
    if value.is_nan() || value == f64::from(i32::MISSING) {
        return Ok(None);
    }
    if value.fract() != 0.0 || !(1.0..=f64::from(u32::MAX)).contains(&value) {
        return Err(value);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number that fits"
    )]
    let row = value as u32 - 1;
    Ok(Some(row))
}

/// Reference and queries, from which distances are computed.
struct Vectors<'a> {
    reference: OpenInput<'a>,
    queries: Option<OpenInput<'a>>,
    metric: ExactMetric,
}

impl<'a> Vectors<'a> {
    fn open(
        reference: Input<'a>,
        queries: Option<Input<'a>>,
        metric: ExactMetric,
    ) -> Result<Self, Error> {
        let vectors = Vectors {
            reference: reference.open()?,
            queries: queries.map(Input::open).transpose()?,
            metric,
        };
        let shape = |input: &OpenInput<'_>| (input.rows().nrows(), input.rows().ncols());
        let (queries, reference) = (vectors.queries(), &vectors.reference);
        let expected = (shape(queries).0, shape(reference).1);
        expect(shape(queries), expected, queries, reference)?;
        Ok(vectors)
    }

    fn queries(&self) -> &OpenInput<'a> {
        self.queries.as_ref().unwrap_or(&self.reference)
    }

    /// Computes the distances of a block of neighbors.
    fn measure(
        &self,
        first: usize,
        answer: &Answer<'_>,
        block: &mut AnswerBlock,
    ) -> Result<(), Error> {
        let (reference, queries) = (self.reference.rows(), self.queries().rows());
        let mut vectors = [vec![0.0; reference.ncols()], vec![0.0; reference.ncols()]];
        let [query, row] = &mut vectors;
        block.distances.clear();
        for (at, id) in block.ids.iter().enumerate() {
            if at % block.k == 0 {
                let of = first + at / block.k;
                queries.copy_rows_f64(of..of + 1, query)?;
            }
            let distance = match *id {
                None => f64::NAN,
                Some(id) if id as usize >= reference.nrows() => {
                    return Err(Error::Id {
                        matrix: answer.ids.rows().name(),
                        row: first + at / block.k,
                        column: at % block.k,
                        value: f64::from(id) + 1.0,
                    });
                }
                Some(id) => {
                    reference.copy_rows_f64(id as usize..id as usize + 1, row)?;
                    self.metric.distance(query, row)
                }
            };
            block.distances.push(distance);
        }
        Ok(())
    }
}

fn expect_rows(found: &OpenInput<'_>, rows: usize, by: &OpenInput<'_>) -> Result<(), Error> {
    let shape = (found.rows().nrows(), found.rows().ncols());
    expect(shape, (rows, shape.1), found, by)
}

fn expect(
    found: (usize, usize),
    expected: (usize, usize),
    matrix: &OpenInput<'_>,
    by: &OpenInput<'_>,
) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Shape { matrix: matrix.rows().name(), found, expected, by: by.rows().name() })
}
