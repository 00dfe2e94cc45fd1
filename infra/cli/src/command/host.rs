//! `musterctl host history`: what was true of a host, and since when; and what else is done with one host.

mod refetch;

use std::collections::HashMap;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::resolve;
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{Format, Screen, csv, difference, escaped, flat, json, notice, table};

/// The items of a list that are named when it is first seen; of more only the number is told.
const LISTED: usize = 24;

/// Look into the past of a host, or ask it anew
#[derive(Subcommand)]
pub enum Host {
    /// Show what has changed on a host, and when, the newest first
    History(History),
    /// Ask a host about itself now, and not at the next full hour or so
    Refetch(refetch::Refetch),
}

#[derive(Args)]
pub struct History {
    /// Hostname, uuid, serial number or id:12
    #[arg(value_name = "HOST")]
    identifier: String,
    /// Only this section: identity, os, hardware, network, …
    #[arg(long)]
    section: Option<String>,
    /// How to write it; a table shows what changed, JSON and CSV the whole states
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Deserialize)]
struct Answer {
    history: Vec<State>,
    /// Older states were left out.
    #[serde(default)]
    more: bool,
}

/// What one section of a host said for a while.
#[derive(Deserialize)]
struct State {
    section: String,
    since: String,
    until: Option<String>,
    data: Value,
}

impl Host {
    /// Runs the command that was asked for.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        match self {
            Self::History(history) => history.run(client).await,
            Self::Refetch(refetch) => refetch.run(client).await,
        }
    }
}

impl History {
    /// The whole history of a host.
    pub fn of(identifier: String, format: Format) -> Self {
        Self { identifier, section: None, format }
    }

    /// Reads and writes it.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let id = resolve::host_id(client, &self.identifier).await?;
        let path = resolve::history(id).with_some("section", self.section.as_ref());
        let Answer { history, more } = client.get(&path).await?;
        write(&mut Screen::stdout(), self.format, &history)?;
        if more {
            notice("there is more, older than this: `musterctl host history --section SECTION` reaches further back");
        }
        Ok(Exit::Success)
    }
}

fn write(screen: &mut Screen, format: Format, history: &[State]) -> Result<()> {
    match format {
        Format::Table => return Ok(table::write(screen, &["since", "section", "change"], &changes(history))?),
        Format::Json => {
            for State { section, since, until, data } in history {
                let line = json!({"section": section, "since": since, "until": until, "data": data});
                json::write_line(&mut screen.out, &line)?;
            }
        }
        Format::Csv => {
            csv::write_record(&mut screen.out, ["section", "since", "until", "data"])?;
            for State { section, since, until, data } in history {
                let fields = [section.as_str(), since, until.as_deref().unwrap_or_default(), &data.to_string()];
                csv::write_record(&mut screen.out, fields)?;
            }
        }
    }
    screen.out.flush()?;
    Ok(())
}

/// The newest state of each section, by its parts.
type Held<'a> = HashMap<&'a str, HashMap<u64, &'a Value>>;

/// A row for each change, made of a state and the one of its section before it, which stands further down. Parts of a
/// long list that changed at the same time are one change.
fn changes(history: &[State]) -> Vec<Vec<String>> {
    let mut held = Held::new();
    let oldest_first: Vec<&State> = history.iter().rev().collect();
    let together = oldest_first.chunk_by(|one, other| (&one.since, &one.section) == (&other.since, &other.section));
    let rows: Vec<_> = together.map(|states| rows(states, &mut held)).collect();
    rows.into_iter().rev().flatten().collect()
}

fn rows<'a>(states: &[&'a State], held: &mut Held<'a>) -> Vec<Vec<String>> {
    let [State { section, since, .. }, ..] = states else { return vec![] };
    let row = |change: &str| [since, section, change].map(|cell| escaped(cell).into_owned()).to_vec();
    let parts = held.entry(section).or_default();
    let is_first = parts.is_empty();
    let put = |state: &&'a State| parts.insert(state.data["part"].as_u64().unwrap_or(0), &state.data);
    let before: Vec<&Value> = states.iter().filter_map(put).collect();
    let after = joined(states.iter().map(|state| &state.data));
    let lines = match is_first {
        true => vec![format!("first seen: {}", summary(&after))],
        false => difference::lines(&joined(before.into_iter()), &after),
    };
    lines.iter().map(|line| row(line)).collect()
}

/// What parts say together: their lists are one list, and their numbers add up.
fn joined<'a>(parts: impl Iterator<Item = &'a Value>) -> Value {
    let mut whole = Map::new();
    for (name, value) in parts.filter_map(Value::as_object).flatten().filter(|(name, _)| *name != "part") {
        match (whole.get_mut(name), value) {
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more.iter().cloned()),
            (Some(Value::Number(sum)), Value::Number(more)) => {
                *sum = (sum.as_u64().unwrap_or(0) + more.as_u64().unwrap_or(0)).into();
            }
            _ => _ = whole.insert(name.clone(), value.clone()),
        }
    }
    Value::Object(whole)
}

fn summary(data: &Value) -> String {
    let Some(object) = data.as_object() else { return flat::cell(data) };
    let is_long = |name: &String| object.get(name).and_then(Value::as_array).filter(|items| items.len() > LISTED);
    let members = flat::members(object).into_iter().filter(|(_, text)| !text.is_empty());
    let told = |(name, text): (String, String)| match is_long(&name) {
        Some(items) => format!("{} {name}", items.len()),
        None => format!("{name}={text}"),
    };
    members.map(told).collect::<Vec<_>>().join(" ")
}
