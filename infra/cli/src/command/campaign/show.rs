//! `musterctl campaign show` and `musterctl campaign errors`.

use anyhow::Result;
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::{Client, muster};
use crate::command::get::list::{self, Column};
use crate::exit::Exit;
use crate::output::{Format, Screen, flat};

/// Show one campaign
#[derive(Args)]
pub struct Show {
    /// The campaign's number
    id: u64,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Show what hosts could not do
#[derive(Args)]
pub struct Errors {
    /// The campaign's number
    id: u64,
    /// How to write them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Deserialize)]
struct One {
    campaign: Map<String, Value>,
}

#[derive(Deserialize)]
struct Grouped {
    errors: Vec<Value>,
}

const COLUMNS: &[Column] = &[
    ("hosts", |error| flat::cell(&error["hosts"])),
    ("message", |error| flat::cell(&error["message"])),
    ("first", |error| flat::cell(&error["first_at"])),
    ("last", |error| flat::cell(&error["last_at"])),
    ("host ids", |error| flat::list(&error["host_ids"])),
];

impl Show {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let One { campaign } = client.get(&muster(["campaigns", &self.id.to_string()])).await?;
        list::write_one(&mut Screen::stdout(), self.format, &campaign)?;
        Ok(Exit::Success)
    }
}

impl Errors {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let Grouped { errors } = client.get(&muster(["campaigns", &self.id.to_string(), "errors"])).await?;
        list::write_all(&mut Screen::stdout(), self.format, COLUMNS, &errors)?;
        Ok(Exit::Success)
    }
}
