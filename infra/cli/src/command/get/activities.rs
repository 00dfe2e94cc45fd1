//! `musterctl get activities`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::list::{Column, Listing};
use crate::client::{Client, Paging, fleet};
use crate::exit::Exit;
use crate::output::{Format, flat};

/// List who did what, the newest first
#[derive(Args)]
pub struct Activities {
    /// How to write them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// The oldest first
    #[arg(long)]
    oldest_first: bool,
}

const COLUMNS: &[Column] = &[
    ("time", |activity| flat::cell(&activity["created_at"])),
    ("who", |activity| flat::cell(&activity["actor_full_name"])),
    ("what", |activity| flat::cell(&activity["type"])),
    ("details", details),
];

impl Activities {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let direction = if self.oldest_first { "asc" } else { "desc" };
        Listing {
            path: fleet(["activities"]).with("order_key", "created_at").with("order_direction", direction),
            key: "activities",
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

fn details(activity: &Value) -> String {
    let Some(details) = activity["details"].as_object() else { return String::new() };
    let members = flat::members(details).into_iter().filter(|(_, text)| !text.is_empty());
    members.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" ")
}
