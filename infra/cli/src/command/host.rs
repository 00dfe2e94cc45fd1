//! `musterctl host history`: what was true of a host, and since when.

use std::collections::HashMap;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::resolve;
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{Format, Screen, csv, difference, escaped, flat, json, table};

/// Look into the past of a host
#[derive(Subcommand)]
pub enum Host {
    /// Show what has changed on a host, and when, the newest first
    History(History),
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
}

/// What one section of a host said for a while.
#[derive(Deserialize)]
struct State {
    section: String,
    since: String,
    until: Option<String>,
    data: Value,
}

#[derive(Deserialize)]
struct Found {
    host: Identified,
}

#[derive(Deserialize)]
struct Identified {
    id: u64,
}

impl Host {
    /// Runs the command that was asked for.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        match self {
            Self::History(history) => history.run(client).await,
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
        let id = match self.identifier.strip_prefix("id:").and_then(|id| id.parse().ok()) {
            Some(id) => id,
            None => client.get::<Found>(&resolve::host(&self.identifier)).await?.host.id,
        };
        let path = resolve::history(id).with_some("section", self.section.as_ref());
        let Answer { history } = client.get(&path).await?;
        write(&mut Screen::stdout(), self.format, &history)?;
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

/// A row for each change, made of a state and the one of its section before it, which stands further down.
fn changes(history: &[State]) -> Vec<Vec<String>> {
    let mut earlier: HashMap<&str, &State> = HashMap::new();
    let mut oldest_first: Vec<Vec<Vec<String>>> = Vec::new();
    for state in history.iter().rev() {
        let before = earlier.insert(&state.section, state);
        oldest_first.push(rows(state, before));
    }
    oldest_first.into_iter().rev().flatten().collect()
}

fn rows(state: &State, before: Option<&State>) -> Vec<Vec<String>> {
    let row = |time: &str, change: &str| [time, &state.section, change].map(|cell| escaped(cell).into_owned()).to_vec();
    let lines = match before {
        Some(before) => difference::lines(&before.data, &state.data),
        None => vec![format!("first seen: {}", summary(&state.data))],
    };
    lines.iter().map(|line| row(&state.since, line)).collect()
}

fn summary(data: &Value) -> String {
    let Some(object) = data.as_object() else { return flat::cell(data) };
    let members = flat::members(object).into_iter().filter(|(_, text)| !text.is_empty());
    members.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" ")
}
