//! `musterctl get hosts`.

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::list::{Column, Listing, Options};
use crate::client::{Client, Paging, fleet};
use crate::command::{resolve, time};
use crate::exit::Exit;
use crate::output::flat;

/// List hosts
#[derive(Args)]
pub struct Hosts {
    /// Only hosts whose names, uuid, serial number or address contain this
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Only hosts in this state
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Only members of this label
    #[arg(long)]
    label: Option<String>,
    /// Only hosts of this team, by name or id; 0 is no team
    #[arg(long)]
    team: Option<String>,
    /// Show what was known at that time, such as 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    as_of: Option<String>,
    #[command(flatten)]
    options: Options,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Status {
    /// Seen a moment ago
    Online,
    /// Not online
    Offline,
    /// Enrolled within 24 hours
    New,
    /// Not seen for 30 days
    Missing,
}

const COLUMNS: &[Column] = &[
    ("id", |host| flat::cell(&host["id"])),
    ("name", |host| flat::cell(&host["display_name"])),
    ("status", |host| flat::cell(&host["status"])),
    ("os", |host| flat::cell(&host["os_version"])),
    ("osquery", |host| flat::cell(&host["osquery_version"])),
    ("address", |host| flat::cell(&host["primary_ip"])),
    ("team", |host| flat::cell(&host["team_name"])),
    ("seen", |host| flat::cell(&host["seen_time"])),
];

impl Hosts {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let path = match &self.label {
            Some(label) => {
                let id = resolve::label(client, label, self.as_of.as_ref()).await?;
                fleet(["labels", &id.to_string(), "hosts"])
            }
            None => fleet(["hosts"]),
        };
        let team = match &self.team {
            Some(team) => Some(resolve::team(client, team).await?),
            None => None,
        };
        let status = self.status.map(|status| match status {
            Status::Online => "online",
            Status::Offline => "offline",
            Status::New => "new",
            Status::Missing => "missing",
        });
        let path = path.with_some("query", self.query.as_ref()).with_some("status", status).with_some("team_id", team);
        Listing {
            path: self.options.order(path),
            key: "hosts",
            // Hosts come and go while a long list is read.
            paging: if self.options.order_by.is_some() { Paging::Numbered } else { Paging::AfterId },
            columns: COLUMNS,
            format: self.options.format,
            limit: self.options.limit,
            as_of: self.as_of,
        }
        .run(client)
        .await
    }
}
