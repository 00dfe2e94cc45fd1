//! `musterctl campaign list`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::client::{Client, Paging, muster};
use crate::command::get::list::{Column, Listing};
use crate::exit::Exit;
use crate::output::{Format, flat};

/// List campaigns, the newest first
#[derive(Args)]
pub struct List {
    /// How to write them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

const COLUMNS: &[Column] = &[
    ("id", |campaign| flat::cell(&campaign["id"])),
    ("state", |campaign| flat::cell(&campaign["state"])),
    ("started", |campaign| flat::cell(&campaign["started_at"])),
    ("by", |campaign| flat::cell(&campaign["author"]["name"])),
    ("answered", answered),
    ("rows", |campaign| flat::cell(&campaign["rows"])),
    ("query", |campaign| flat::cell(if campaign["name"].is_string() { &campaign["name"] } else { &campaign["query"] })),
];

impl List {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        Listing {
            path: muster(["campaigns"]),
            key: "campaigns",
            paging: Paging::Numbered,
            columns: COLUMNS,
            format: self.format,
            limit: Some(self.limit),
            as_of: None,
        }
        .run(client)
        .await
    }
}

fn answered(campaign: &Value) -> String {
    let count = |state: &str| campaign["hosts"][state].as_u64().unwrap_or_default();
    format!("{} of {}", count("rows") + count("empty") + count("error"), count("targeted"))
}
