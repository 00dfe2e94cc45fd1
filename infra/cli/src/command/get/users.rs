//! `musterctl get users`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::list::{Column, Listing, Options};
use crate::client::{Client, Paging, fleet};
use crate::command::resolve;
use crate::exit::Exit;
use crate::output::flat;

/// List users
#[derive(Args)]
pub struct Users {
    /// Only users whose name or e-mail address contains this
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Only users of this team, by name or id
    #[arg(long)]
    team: Option<String>,
    #[command(flatten)]
    options: Options,
}

const COLUMNS: &[Column] = &[
    ("id", |user| flat::cell(&user["id"])),
    ("name", |user| flat::cell(&user["name"])),
    ("e-mail", |user| flat::cell(&user["email"])),
    ("role", role),
    ("api only", |user| flat::cell(&user["api_only"])),
];

impl Users {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let team = match &self.team {
            Some(team) => Some(resolve::team(client, team).await?),
            None => None,
        };
        let path = fleet(["users"]).with_some("query", self.query.as_ref()).with_some("team_id", team);
        Listing {
            path: self.options.order(path),
            key: "users",
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

/// The global role, or the role in each team.
fn role(user: &Value) -> String {
    if let Some(role) = user["global_role"].as_str() {
        return role.to_owned();
    }
    let teams = user["teams"].as_array().map(Vec::as_slice).unwrap_or_default();
    let roles = teams.iter().map(|team| format!("{} in {}", flat::cell(&team["role"]), flat::cell(&team["name"])));
    roles.collect::<Vec<_>>().join(", ")
}
