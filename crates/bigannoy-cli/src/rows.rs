//! Rows of an index, named one by one or in ranges.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use bigannoy::ItemSet;

use crate::failure::Failure;

/// Rows as they are given: a list, or a file of lists.
#[derive(Clone, Debug)]
pub(crate) enum RowsArgument {
    List(String),
    File(PathBuf),
}

impl FromStr for RowsArgument {
    type Err = std::convert::Infallible;

    /// What consists of digits, commas and hyphens is a list; a file of such a name can be given as
    /// `./1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_list = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b',' | b'-'));
        Ok(if is_list {
            RowsArgument::List(text.to_owned())
        } else {
            RowsArgument::File(text.into())
        })
    }
}

impl RowsArgument {
    /// The items, counted from 0, of an index that has `n_items`.
    pub(crate) fn items(&self, n_items: u32) -> Result<ItemSet, Failure> {
        let mut items = Vec::new();
        match self {
            RowsArgument::List(list) => push_rows(list, n_items, &mut items)?,
            RowsArgument::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                for (number, line) in (1..).zip(text.lines()) {
                    push_rows(line, n_items, &mut items)
                        .map_err(|problem| format!("{}:{number}: {problem}", path.display()))?;
                }
            }
        }
        Ok(ItemSet::from_items(n_items, items.into_iter().flatten())?)
    }
}

/// Adds the rows of a list, whose pieces are separated by commas or blanks, as items.
fn push_rows(list: &str, n_items: u32, items: &mut Vec<RangeInclusive<u32>>) -> Result<(), String> {
    let is_gap = |char: char| char == ',' || char.is_whitespace();
    for piece in list.split(is_gap).filter(|piece| !piece.is_empty()) {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let row = |text: &str| {
            let row = text.parse::<u32>().ok().filter(|row| (1..=n_items).contains(row));
            row.ok_or_else(|| {
                format!(
                    "{piece:?} names no rows of the index, expected numbers from 1 to {n_items}"
                )
            })
        };
        let (first, last) = (row(first)?, row(last)?);
        if first > last {
            return Err(format!("{piece:?} ends before it begins"));
        }
        items.push(first - 1..=last - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<u32>, String> {
        let rows: RowsArgument = text.parse().unwrap();
        let items = rows.items(20).map_err(|failure| failure.to_string())?;
        Ok(items.iter().map(|item| item + 1).collect())
    }

    #[test]
    fn lists_name_rows_and_ranges() {
        assert_eq!(rows("3,1,18-20,19").unwrap(), [1, 3, 18, 19, 20]);
        assert_eq!(rows("20").unwrap(), [20]);
        assert_eq!(rows("").unwrap().len(), 0);
        for (wrong, expected) in [
            ("0", "\"0\" names no rows of the index, expected numbers from 1 to 20"),
            ("2,21", "\"21\" names no rows"),
            ("-4", "\"-4\" names no rows"),
            ("1-2-3", "\"1-2-3\" names no rows"),
            ("5-4", "\"5-4\" ends before it begins"),
            ("99999999999", "names no rows"),
            ("./no", "cannot read ./no: "),
        ] {
            let message = rows(wrong).unwrap_err();
            assert!(message.contains(expected), "{wrong}: {message}");
        }
    }

    #[test]
    fn files_hold_lists_in_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows");
        let path_text = path.to_str().unwrap();
        std::fs::write(&path, "1\n2 3\t5-6\r\n\n9,\n").unwrap();
        assert_eq!(rows(path_text).unwrap(), [1, 2, 3, 5, 6, 9]);
        std::fs::write(&path, "1\nx\n").unwrap();
        assert!(rows(path_text).unwrap_err().contains("rows:2: \"x\" names no rows"));
    }
}
