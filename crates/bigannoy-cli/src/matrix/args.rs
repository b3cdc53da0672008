//! What can be said after `bigannoy matrix`.

use std::path::{Path, PathBuf};

use bigannoy::ElementType;
use clap::{Args, Subcommand, ValueEnum};

use crate::values::number;

#[derive(Debug, Args)]
pub(crate) struct Matrix {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a matrix, all of one value.
    Create(Create),
    /// Print the first rows and columns.
    Head(Head),
    /// Make a matrix of a NumPy (.npy) or CSV file.
    ///
    /// The import fails, and names row and column, where the type cannot hold a value: it is out of
    /// range, or a fraction where the type has none, or what the type keeps for NA. NaN becomes NA
    /// in types that have no NaN.
    ///
    /// Fractions are rounded to the nearest float or double, but never to 0. Whole numbers are not
    /// rounded. In CSV each keeps the digits that it is written with, in any notation, or is
    /// refused: 16777217 and 1.6777217e7 are no floats; 1e23 is taken, because the nearest number,
    /// written with one digit, is 1e23. From npy of double, whole numbers below 2^53 become floats as they are
    /// or not at all, and larger ones are rounded.
    ///
    /// Empty lines of CSV are skipped, at the end of the file always. Between the lines of a table
    /// of one column they are refused, because each could be a missing value.
    Import(Import),
    /// Write a matrix to a NumPy (.npy) or CSV file.
    ///
    /// NA is written as NA to CSV, and as NaN to npy of type float or double; npy of other types
    /// has nothing for it, and the export fails. Numbers in CSV have as many digits as it takes for
    /// an import of the same type to give the same numbers.
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Descriptor file to write; the data goes beside it.
    #[arg(value_name = "OUT.desc")]
    pub(super) descriptor: PathBuf,
    /// Type of the elements: char, short, raw, integer, float or double.
    #[arg(long = "type", value_name = "TYPE", value_parser = element_type)]
    pub(super) element_type: ElementType,
    /// Number of rows.
    #[arg(long, value_name = "N", value_parser = number)]
    pub(super) rows: usize,
    /// Number of columns.
    #[arg(long, value_name = "M", value_parser = number)]
    pub(super) cols: usize,
    /// Put each column into a file of its own.
    #[arg(long)]
    pub(super) separated: bool,
    /// The value of all elements: a number, NA, NaN or Inf.
    #[arg(long, value_name = "VALUE", default_value = "0", allow_hyphen_values = true)]
    pub(super) fill: String,
    /// File with the names of the rows, one in a line.
    #[arg(long, value_name = "FILE")]
    pub(super) row_names_file: Option<PathBuf>,
    /// Names of the columns.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', conflicts_with = "col_names_file")]
    pub(super) col_names: Option<Vec<String>>,
    /// File with the names of the columns, one in a line.
    #[arg(long, value_name = "FILE")]
    pub(super) col_names_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Head {
    /// Descriptor file of the matrix.
    #[arg(value_name = "X.desc")]
    pub(super) descriptor: PathBuf,
    /// Rows to print.
    #[arg(short, value_name = "N", default_value_t = 10, value_parser = number)]
    pub(super) n: usize,
    /// Columns to print.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = number)]
    pub(super) cols: usize,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// File to read.
    #[arg(value_name = "IN.npy|IN.csv")]
    pub(super) input: PathBuf,
    /// Descriptor file to write; the data goes beside it.
    #[arg(value_name = "OUT.desc")]
    pub(super) descriptor: PathBuf,
    /// Format of the file [default: by its extension].
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Type of the elements: char, short, raw, integer, float or double [default: double for CSV;
    /// for npy the one of the file, bool as raw and eight-byte integers as integer].
    #[arg(long = "type", value_name = "TYPE", value_parser = element_type)]
    pub(super) element_type: Option<ElementType>,
    /// Put each column into a file of its own.
    #[arg(long)]
    pub(super) separated: bool,
    /// The first line has the names of the columns (CSV).
    #[arg(long)]
    pub(super) header: bool,
    /// The first field of each line is the name of the row (CSV). Names are kept in memory.
    #[arg(long)]
    pub(super) row_names: bool,
    /// What stands between fields (CSV): a character, or `tab`.
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    pub(super) delimiter: u8,
    /// A field that is a missing value (CSV); can be given more than once [default: NA and the
    /// empty field].
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) na: Vec<String>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(super) struct Export {
    /// Descriptor file of the matrix.
    #[arg(value_name = "X.desc")]
    pub(super) descriptor: PathBuf,
    /// File to write; `-` or nothing prints CSV.
    #[arg(value_name = "OUT.npy|OUT.csv")]
    pub(super) output: Option<PathBuf>,
    /// Format of the file [default: by its extension].
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Type of the numbers in the file (npy) [default: the matrix's own].
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub(super) float_type: Option<FloatType>,
    /// Row after row (npy); without it column after column, as they are stored.
    #[arg(long)]
    pub(super) c_order: bool,
    /// Begin with a line of the names of the columns (CSV).
    #[arg(long)]
    pub(super) header: bool,
    /// Begin each line with the name of the row (CSV).
    #[arg(long)]
    pub(super) row_names: bool,
    /// What stands between fields (CSV): a character, or `tab`.
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    pub(super) delimiter: u8,
    /// Replace a file that exists.
    #[arg(long)]
    pub(super) overwrite: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Npy,
    Csv,
}

impl Format {
    /// The format that was asked for, or that of the extension.
    pub(super) fn of(asked: Option<Format>, path: &Path) -> Result<Format, String> {
        let extension = || match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "npy" => Some(Format::Npy),
            "csv" => Some(Format::Csv),
            _ => None,
        };
        asked.or_else(extension).ok_or_else(|| {
            format!("the format of {} is not known: expected --format npy or csv", path.display())
        })
    }
}

/// The types that have a number for what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FloatType {
    Float,
    Double,
}

fn element_type(name: &str) -> Result<ElementType, String> {
    ElementType::from_name(name)
        .ok_or_else(|| "expected char, short, raw, integer, float or double".to_owned())
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        // These have a meaning of their own.
        [b'"' | b'\r' | b'\n'] => Err("this character cannot stand between fields".to_owned()),
        &[byte] if byte.is_ascii() => Ok(byte),
        _ => Err("expected one ASCII character, or tab".to_owned()),
    }
}
