//! `musterctl get queries`.

use anyhow::Result;
use clap::Args;

use super::list::{Column, Listing, Options};
use crate::client::{Client, Paging, fleet};
use crate::command::resolve;
use crate::exit::Exit;
use crate::output::flat;

/// List saved queries
#[derive(Args)]
pub struct Queries {
    /// Only queries whose name contains this
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// The queries of this team, by name or id, instead of the global ones
    #[arg(long)]
    team: Option<String>,
    #[command(flatten)]
    options: Options,
}

const COLUMNS: &[Column] = &[
    ("id", |query| flat::cell(&query["id"])),
    ("name", |query| flat::cell(&query["name"])),
    ("every (s)", |query| flat::cell(&query["interval"])),
    ("platform", |query| flat::cell(&query["platform"])),
    ("author", |query| flat::cell(&query["author_name"])),
    ("query", |query| flat::cell(&query["query"])),
];

impl Queries {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let team = match &self.team {
            Some(team) => Some(resolve::team(client, team).await?),
            None => None,
        };
        let path = fleet(["queries"]).with_some("query", self.query.as_ref()).with_some("team_id", team);
        Listing {
            path: self.options.order(path),
            key: "queries",
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
