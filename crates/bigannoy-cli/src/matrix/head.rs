//! `bigannoy matrix head`

use std::io::{BufWriter, Write};

use bigannoy::BigMatrix;
use bigannoy::matrix::MatrixRef;

use super::args::Head;
use super::number::{Number, Shown};
use super::{for_type, names};
use crate::failure::Failure;
use crate::told;

pub(super) fn run(arguments: &Head) -> Result<(), Failure> {
    bigannoy::check_finished(&arguments.descriptor)?;
    let matrix = BigMatrix::attach(&arguments.descriptor)?;
    let rows = arguments.n.min(matrix.nrows());
    let cols = arguments.cols.min(matrix.ncols());

    let mut out = BufWriter::new(told::stdout());
    let labels: Vec<String> = (0..rows).map(|row| names::label(matrix.row_names(), row)).collect();
    let label_width = width(&labels);
    let columns: Vec<Column> = for_type!(matrix.element_type(), T => {
        let view = matrix.view::<T>()?;
        (0..cols).map(|col| column(&matrix, &view, rows, col)).collect()
    });

    write!(out, "{:label_width$}", "")?;
    for column in &columns {
        write!(out, "  {:>1$}", column.label, column.width)?;
    }
    writeln!(out)?;
    for (row, label) in labels.iter().enumerate() {
        write!(out, "{label:label_width$}")?;
        for column in &columns {
            write!(out, "  {:>1$}", column.cells[row], column.width)?;
        }
        writeln!(out)?;
    }
    if (rows, cols) != (matrix.nrows(), matrix.ncols()) {
        let (all_rows, all_cols) = (matrix.nrows(), matrix.ncols());
        writeln!(out, "({rows} of {all_rows} rows, {cols} of {all_cols} columns)")?;
    }
    Ok(out.flush()?)
}

/// What is printed of a column.
struct Column {
    label: String,
    cells: Vec<String>,
    width: usize,
}

fn column<T: Number>(
    matrix: &BigMatrix,
    view: &MatrixRef<'_, T>,
    rows: usize,
    col: usize,
) -> Column {
    let label = names::label(matrix.col_names(), col);
    let cells: Vec<String> =
        view.column(col)[..rows].iter().map(|&value| Shown(value).to_string()).collect();
    let width = width(&cells).max(label.chars().count());
    Column { label, cells, width }
}

fn width(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0)
}
