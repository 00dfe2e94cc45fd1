//! `musterctl get labels`.

use anyhow::Result;
use clap::Args;

use super::list::{Column, Listing, Options};
use crate::client::{Client, Paging, fleet};
use crate::command::time;
use crate::exit::Exit;
use crate::output::flat;

/// List labels
#[derive(Args)]
pub struct Labels {
    /// Show what was known at that time, such as 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    as_of: Option<String>,
    #[command(flatten)]
    options: Options,
}

const COLUMNS: &[Column] = &[
    ("id", |label| flat::cell(&label["id"])),
    ("name", |label| flat::cell(&label["name"])),
    ("type", |label| flat::cell(&label["label_type"])),
    ("membership", |label| flat::cell(&label["label_membership_type"])),
    ("hosts", |label| flat::cell(&label["count"])),
    ("query", |label| flat::cell(&label["query"])),
];

impl Labels {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        Listing {
            path: self.options.order(fleet(["labels"])),
            key: "labels",
            paging: Paging::Numbered,
            columns: COLUMNS,
            format: self.options.format,
            limit: self.options.limit,
            as_of: self.as_of,
        }
        .run(client)
        .await
    }
}
