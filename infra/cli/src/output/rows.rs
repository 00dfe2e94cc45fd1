//! The rows of a live query, written as they come.

use std::collections::BTreeSet;
use std::io;

use serde_json::{Map, Value, json};

use super::table::Table;
use super::{Format, Screen, csv, escaped, flat, json as lines};
use crate::campaign::Answer;

/// Name of the host's column in CSV; no osquery table has one of that name.
const HOST_COLUMN: &str = "host_display_name";

/// Writes answers in one of the formats. Each is written and flushed as a whole.
pub struct Rows {
    screen: Screen,
    form: Form,
}

enum Form {
    Table(Option<Table>),
    Json,
    Csv(Csv),
}

/// The header is the first row's; what comes later under other names cannot be added to it.
#[derive(Default)]
struct Csv {
    columns: Option<Vec<String>>,
    missed: BTreeSet<String>,
}

impl Rows {
    /// Rows for that screen.
    pub fn new(format: Format, screen: Screen) -> Self {
        let form = match format {
            Format::Table => Form::Table(None),
            Format::Json => Form::Json,
            Format::Csv => Form::Csv(Csv::default()),
        };
        Self { screen, form }
    }

    /// Fixes the columns of CSV beforehand, where all rows are known, and writes the header.
    pub fn with_columns(mut self, columns: Vec<String>) -> io::Result<Self> {
        if let Form::Csv(csv) = &mut self.form {
            write_header(&mut self.screen, &columns)?;
            csv.columns = Some(columns);
            self.screen.out.flush()?;
        }
        Ok(self)
    }

    /// Whether a person reads the rows on a terminal.
    pub fn on_terminal(&self) -> bool {
        self.screen.is_terminal()
    }

    /// Writes the rows of one host.
    pub fn write(&mut self, answer: &Answer) -> io::Result<()> {
        if answer.rows.is_empty() {
            return Ok(());
        }
        match &mut self.form {
            Form::Table(table) => write_table(&mut self.screen, table, answer)?,
            Form::Json => {
                for row in &answer.rows {
                    let line = json!({"host": answer.host.label(), "host_id": answer.host.id, "row": row});
                    lines::write_line(&mut self.screen.out, &line)?;
                }
            }
            Form::Csv(csv) => csv.write(&mut self.screen, answer)?,
        }
        self.screen.out.flush()
    }

    /// Columns whose values had no place, with a format that fixes its columns.
    pub fn missed_columns(&self) -> Vec<String> {
        match &self.form {
            Form::Csv(csv) => csv.missed.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}

fn write_table(screen: &mut Screen, table: &mut Option<Table>, answer: &Answer) -> io::Result<()> {
    let columns = columns(&answer.rows);
    let header: Vec<String> = std::iter::once("host")
        .chain(columns.iter().map(String::as_str))
        .map(|title| escaped(title).into_owned())
        .collect();
    let known = table.as_ref().is_some_and(|table| table.header() == header);
    if !known {
        if table.is_some() {
            screen.out.write_all(b"\n")?;
        }
        *table = Some(Table::new(header, screen.width));
    }
    let host = escaped(&answer.host.label()).into_owned();
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| {
            let cells = columns.iter().map(|column| escaped(&cell(row, column)).into_owned());
            std::iter::once(host.clone()).chain(cells).collect()
        })
        .collect();
    match table {
        Some(table) => table.write(&mut screen.out, &rows),
        None => Ok(()),
    }
}

impl Csv {
    fn write(&mut self, screen: &mut Screen, answer: &Answer) -> io::Result<()> {
        // A person's terminal must not obey what a host wrote; a program wants it as it is.
        let shown: fn(&str) -> String = match screen.is_terminal() {
            true => |text| escaped(text).into_owned(),
            false => str::to_owned,
        };
        let first = self.columns.is_none();
        let known = self.columns.get_or_insert_with(|| columns(&answer.rows));
        if first {
            write_header(screen, known)?;
        }
        let host = shown(&answer.host.label());
        for row in &answer.rows {
            let cells: Vec<String> = known.iter().map(|column| shown(&cell(row, column))).collect();
            csv::write_record(&mut screen.out, std::iter::once(host.as_str()).chain(cells.iter().map(String::as_str)))?;
            self.missed.extend(row.keys().filter(|key| !known.contains(key)).cloned());
        }
        Ok(())
    }
}

fn write_header(screen: &mut Screen, columns: &[String]) -> io::Result<()> {
    csv::write_record(&mut screen.out, std::iter::once(HOST_COLUMN).chain(columns.iter().map(String::as_str)))
}

/// The names of all columns of these rows, in the order in which they first appear.
pub fn columns<'a>(rows: impl IntoIterator<Item = &'a Map<String, Value>>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut columns = Vec::new();
    for key in rows.into_iter().flat_map(Map::keys) {
        if seen.insert(key) {
            columns.push(key.clone());
        }
    }
    columns
}

fn cell(row: &Map<String, Value>, column: &str) -> String {
    row.get(column).map(flat::cell).unwrap_or_default()
}
