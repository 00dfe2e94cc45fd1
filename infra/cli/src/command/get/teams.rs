//! `musterctl get teams`.

use anyhow::Result;
use clap::Args;

use super::list::{Column, Listing, Options};
use crate::client::{Client, Paging, fleet};
use crate::exit::Exit;
use crate::output::flat;

/// List teams
#[derive(Args)]
pub struct Teams {
    /// Only teams whose name contains this
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    #[command(flatten)]
    options: Options,
}

const COLUMNS: &[Column] = &[
    ("id", |team| flat::cell(&team["id"])),
    ("name", |team| flat::cell(&team["name"])),
    ("hosts", |team| flat::cell(&team["host_count"])),
    ("users", |team| flat::cell(&team["user_count"])),
    ("description", |team| flat::cell(&team["description"])),
];

impl Teams {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        Listing {
            path: self.options.order(fleet(["teams"]).with_some("query", self.query.as_ref())),
            key: "teams",
            paging: Paging::Numbered,
            columns: COLUMNS,
            format: self.options.format,
            limit: self.options.limit,
            as_of: None,
        }
        .run(client)
        .await
    }
}
