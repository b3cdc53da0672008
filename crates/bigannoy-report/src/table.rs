//! Tables of measurements.

use serde_json::Value;

/// One value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A name.
    Text(String),
    /// A whole number.
    Count(i64),
    /// A measured number.
    Number(f64),
    /// Yes or no: `TRUE` or `FALSE` in CSV, as R reads and writes them.
    Flag(bool),
    /// Not measured, or not to be had: `NA` in CSV, `null` in JSON, a dash for people.
    Missing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(count: i64) -> Self {
        Cell::Count(count)
    }
}

impl From<u64> for Cell {
    /// Numbers beyond 2⁶³ - 1, of which there are no things, become that.
    fn from(count: u64) -> Self {
        Cell::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Cell::from(count as u64)
    }
}

impl From<f64> for Cell {
    /// A number that is not finite is missing.
    fn from(number: f64) -> Self {
        if number.is_finite() { Cell::Number(number) } else { Cell::Missing }
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Cell::Flag(flag)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Missing, Into::into)
    }
}

impl Cell {
    /// As it stands in CSV: every digit of a number.
    fn csv(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Flag(true) => "TRUE".to_owned(),
            Cell::Flag(false) => "FALSE".to_owned(),
            Cell::Missing => "NA".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Cell::Text(text) => text.as_str().into(),
            Cell::Count(count) => (*count).into(),
            Cell::Number(number) => (*number).into(),
            Cell::Flag(flag) => (*flag).into(),
            Cell::Missing => Value::Null,
        }
    }

    /// As people read it: four significant digits of a measured number, thousands set apart.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => grouped(&count.to_string()),
            Cell::Number(number) => shown_number(*number),
            Cell::Flag(true) => "yes".to_owned(),
            Cell::Flag(false) => "no".to_owned(),
            Cell::Missing => "–".to_owned(),
        }
    }

    /// The number that it holds, if it holds one.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number to be drawn or compared")]
    pub fn number(&self) -> Option<f64> {
        match *self {
            Cell::Count(count) => Some(count as f64),
            Cell::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it is a number, which is set to the right.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Cell::Count(_) | Cell::Number(_))
    }
}

fn shown_number(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && size < 0.001 {
        return format!("{number:.2e}");
    }
    let decimals = match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 4,
    };
    grouped(&format!("{number:.decimals$}"))
}

/// Sets a comma before every third digit from the right of the whole part.
pub(crate) fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(w, f)| (w, Some(f)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Rows of cells under named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item: Into<String>>) -> Self {
        Table { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has another number of cells than the table has columns.
    pub fn push(&mut self, row: impl IntoIterator<Item: Into<Cell>>) {
        let row: Vec<Cell> = row.into_iter().map(Into::into).collect();
        assert_eq!(row.len(), self.columns.len(), "a cell for each column");
        self.rows.push(row);
    }

    /// The names of the columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, in order.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The cell of the column `name` in row `row` (from 0), if there are both.
    #[must_use]
    pub fn get(&self, row: usize, name: &str) -> Option<&Cell> {
        let column = self.columns.iter().position(|column| column == name)?;
        self.rows.get(row)?.get(column)
    }

    /// The table with only those of its columns in which a row has something.
    #[must_use]
    pub fn without_empty_columns(&self) -> Table {
        let has_any = |column: &usize| self.rows.iter().any(|row| row[*column] != Cell::Missing);
        self.pick(&(0..self.columns.len()).filter(has_any).collect::<Vec<_>>())
    }

    /// The table with only the named columns, in their order in the table. Names that it does not have
    /// are passed over.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Table {
        let named = |column: &usize| names.contains(&self.columns[*column].as_str());
        self.pick(&(0..self.columns.len()).filter(named).collect::<Vec<_>>())
    }

    fn pick(&self, kept: &[usize]) -> Table {
        let pick = |row: &Vec<Cell>| kept.iter().map(|&column| row[column].clone()).collect();
        Table {
            columns: kept.iter().map(|&column| self.columns[column].clone()).collect(),
            rows: self.rows.iter().map(pick).collect(),
        }
    }

    /// The table as CSV: a line of names, then a line for each row.
    ///
    /// # Panics
    /// Never: writing to memory cannot fail, and all rows have the same length.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns).expect("memory takes every record");
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::csv)).expect("rows have equal lengths");
        }
        let bytes = writer.into_inner().expect("memory takes every record");
        String::from_utf8(bytes).expect("made of text")
    }

    /// The table as JSON lines: an object for each row, its keys in the order of the columns.
    #[must_use]
    pub fn to_json_lines(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let pairs: Vec<String> = self
                .columns
                .iter()
                .zip(row)
                .map(|(name, cell)| format!("{}:{}", Value::from(name.as_str()), cell.json()))
                .collect();
            out.push('{');
            out.push_str(&pairs.join(","));
            out.push_str("}\n");
        }
        out
    }

    /// The table in Markdown, as people read it.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let escape = |text: &str| text.replace('|', "\\|");
        let mut out = line(self.columns.iter().map(|name| escape(name)).collect());
        let rule = |column: usize| if self.is_numeric(column) { "---:" } else { "---" }.to_owned();
        out.push_str(&line((0..self.columns.len()).map(rule).collect()));
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|cell| escape(&cell.shown())).collect()));
        }
        out
    }

    /// Whether a column holds numbers, as far as it holds anything.
    pub(crate) fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().map(|row| &row[column]).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.is_number() || *cell == Cell::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["name", "n", "seconds", "whole", "recall"]);
        table.push([
            Cell::from("a, \"b\"|"),
            Cell::from(1_234_567_u64),
            Cell::from(0.1 + 0.2),
            Cell::from(true),
            Cell::from(f64::NAN),
        ]);
        table
    }

    #[test]
    fn csv_keeps_every_digit_and_is_read_back() {
        let csv = table().to_csv();
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        let record: Vec<&str> = record.iter().collect();
        assert_eq!(record, ["a, \"b\"|", "1234567", "0.30000000000000004", "TRUE", "NA"]);
    }

    #[test]
    fn json_lines_keep_types_and_order() {
        let lines = table().to_json_lines();
        assert!(
            lines.starts_with("{\"name\":") && lines.ends_with("\"recall\":null}\n"),
            "{lines}"
        );
        let value: Value = serde_json::from_str(lines.trim()).unwrap();
        assert_eq!(value["n"], 1_234_567);
        assert_eq!(value["seconds"], 0.1 + 0.2);
        assert_eq!(value["whole"], true);
    }

    #[test]
    fn people_see_few_digits() {
        let shown = |number: f64| Cell::from(number).shown();
        assert_eq!(shown(12_345.678), "12,346");
        assert_eq!(shown(-1_234.5), "-1,234");
        assert_eq!(shown(56.78), "56.8");
        assert_eq!(shown(1.0 / 3.0), "0.3333");
        assert_eq!(shown(0.000_012), "1.20e-5");
        assert_eq!(shown(0.0), "0.0000");
        assert_eq!(Cell::from(999_u64).shown(), "999");
        assert_eq!(Cell::from(1_000_u64).shown(), "1,000");
    }

    #[test]
    fn markdown_sets_numbers_to_the_right() {
        let text = table().without_empty_columns().to_markdown();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(table().only(&["recall", "n", "other"]).columns(), ["n", "recall"]);
        assert_eq!(lines[0], "| name | n | seconds | whole |");
        assert_eq!(lines[1], "| --- | ---: | ---: | --- |");
        assert_eq!(lines[2], "| a, \"b\"\\| | 1,234,567 | 0.3000 | yes |");
    }
}
