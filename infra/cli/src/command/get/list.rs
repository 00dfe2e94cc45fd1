//! Lists of anything: read page by page, written in one of the formats.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};

use crate::client::{Client, Pages, Paging, Path};
use crate::command::time;
use crate::exit::Exit;
use crate::output::{Format, Screen, csv, escaped, flat, json, notice, table};

/// Title and content of a column of the table.
pub type Column = (&'static str, fn(&Value) -> String);

/// Members that are never written as CSV: they are secrets.
const SECRET: &[&str] = &["secrets"];

/// What all lists take.
#[derive(Args)]
pub struct Options {
    /// How to write them
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Order by this member, as hostname or id:desc
    #[arg(long, value_name = "KEY[:desc]")]
    pub order_by: Option<String>,
}

impl Options {
    /// The parameters for the order.
    pub fn order(&self, path: Path) -> Path {
        let Some(order) = &self.order_by else { return path };
        let (key, direction) = match order.rsplit_once(':') {
            Some((key, direction)) => (key, direction),
            None => (order.as_str(), "asc"),
        };
        path.with("order_key", key).with("order_direction", direction)
    }
}

/// One list, and how it is to be written.
pub struct Listing {
    pub path: Path,
    /// Where the list is in the answer.
    pub key: &'static str,
    pub paging: Paging,
    pub columns: &'static [Column],
    pub format: Format,
    pub limit: Option<usize>,
    /// The past time that is asked for.
    pub as_of: Option<String>,
}

impl Listing {
    /// Reads and writes the whole list. JSON goes out page by page; a table and CSV need to know all of it first.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let mut screen = Screen::stdout();
        let path = self.path.with_some("as_of", self.as_of.as_ref());
        let mut pages = Pages::new(client, path, self.key, self.paging, self.limit);
        let mut complete_to: Option<String> = None;
        let mut all = Vec::new();
        while let Some(page) = pages.next().await? {
            // The first page is the one that may be furthest behind.
            complete_to = complete_to.or(page.complete_to);
            match self.format {
                Format::Json => write_all(&mut screen, self.format, self.columns, &page.items)?,
                Format::Table | Format::Csv => all.extend(page.items),
            }
        }
        if self.format != Format::Json {
            write_all(&mut screen, self.format, self.columns, &all)?;
        }
        if let Some(as_of) = &self.as_of {
            notice(&time::as_known_at(as_of, complete_to.as_deref()));
        }
        Ok(Exit::Success)
    }
}

/// Writes items: in a table the chosen columns, in CSV all members, in JSON everything.
pub fn write_all(screen: &mut Screen, format: Format, columns: &[Column], items: &[Value]) -> Result<()> {
    match format {
        Format::Table => {
            let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
            let row = |item| columns.iter().map(|(_, cell)| escaped(&cell(item)).into_owned()).collect();
            let rows: Vec<Vec<String>> = items.iter().map(row).collect();
            table::write(screen, &titles, &rows)?;
        }
        Format::Json => items.iter().try_for_each(|item| json::write_line(&mut screen.out, item))?,
        Format::Csv => write_csv(screen, items)?,
    }
    screen.out.flush()?;
    Ok(())
}

/// Writes one object: in a table a line for each member, in CSV and JSON as the only one of a list.
pub fn write_one(screen: &mut Screen, format: Format, object: &Map<String, Value>) -> Result<()> {
    match format {
        Format::Table => {
            let rows: Vec<Vec<String>> = flat::members(object)
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(name, text)| vec![escaped(&name).into_owned(), escaped(&text).into_owned()])
                .collect();
            table::write(screen, &["member", "value"], &rows)?;
        }
        Format::Json => json::write_line(&mut screen.out, &Value::Object(object.clone()))?,
        Format::Csv => write_csv(screen, &[Value::Object(object.clone())])?,
    }
    screen.out.flush()?;
    Ok(())
}

fn write_csv(screen: &mut Screen, items: &[Value]) -> Result<()> {
    let terminal = screen.is_terminal();
    let shown = |text: &str| if terminal { escaped(text).into_owned() } else { text.to_owned() };
    let records: Vec<Vec<(String, String)>> = items.iter().filter_map(Value::as_object).map(flat::members).collect();
    let mut seen = BTreeSet::new();
    let names = records.iter().flatten().map(|(name, _)| name.as_str());
    let header: Vec<&str> = names.filter(|name| !SECRET.contains(name) && seen.insert(*name)).collect();
    if header.is_empty() {
        return Ok(());
    }
    csv::write_record(&mut screen.out, header.iter().copied())?;
    for record in &records {
        let cells: BTreeMap<&str, String> = record.iter().map(|(name, text)| (name.as_str(), shown(text))).collect();
        csv::write_record(&mut screen.out, header.iter().map(|name| cells.get(name).map_or("", String::as_str)))?;
    }
    Ok(())
}
