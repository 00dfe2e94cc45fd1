//! `musterctl get`: reading what the server knows.

mod activities;
mod host;
mod hosts;
mod labels;
pub mod list;
mod queries;
mod teams;
mod users;

use anyhow::Result;
use clap::Subcommand;

use crate::client::Client;
use crate::exit::Exit;

/// Read what the server knows
#[derive(Subcommand)]
pub enum Get {
    /// List hosts
    Hosts(hosts::Hosts),
    /// Show one host, or its history
    Host(host::Host),
    /// List saved queries
    Queries(queries::Queries),
    /// List labels
    Labels(labels::Labels),
    /// List teams
    Teams(teams::Teams),
    /// List who did what, the newest first
    Activities(activities::Activities),
    /// List users
    Users(users::Users),
}

impl Get {
    /// Runs the command that was asked for.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        match self {
            Self::Hosts(hosts) => hosts.run(client).await,
            Self::Host(host) => host.run(client).await,
            Self::Queries(queries) => queries.run(client).await,
            Self::Labels(labels) => labels.run(client).await,
            Self::Teams(teams) => teams.run(client).await,
            Self::Activities(activities) => activities.run(client).await,
            Self::Users(users) => users.run(client).await,
        }
    }
}
