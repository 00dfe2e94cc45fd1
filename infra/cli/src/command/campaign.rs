//! `musterctl campaign`: campaigns that exist already.

mod answers;
mod list;
mod show;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;

use super::watch::{self, Watch};
use crate::campaign;
use crate::client::{Client, muster};
use crate::exit::Exit;
use crate::output::notice;

/// List, show, follow, stop and read campaigns
#[derive(Subcommand)]
pub enum Campaign {
    /// List campaigns, the newest first
    List(list::List),
    /// Show one campaign and where its hosts stand
    Show(show::Show),
    /// Show a campaign's answers from the start, and go on as they come
    Follow(Follow),
    /// Stop asking hosts; what they answered stays
    Stop(Which),
    /// Let a campaign go on for longer
    Extend(Extend),
    /// Write the answers that there are, all columns of all hosts
    Answers(answers::Answers),
    /// Show what hosts could not do, grouped by message
    Errors(show::Errors),
}

#[derive(Args)]
pub struct Follow {
    /// The campaign's number
    id: u64,
    #[command(flatten)]
    watch: Watch,
}

#[derive(Args)]
pub struct Which {
    /// The campaign's number
    id: u64,
}

#[derive(Args)]
pub struct Extend {
    /// The campaign's number
    id: u64,
    /// For how many hours from now
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=168))]
    hours: u64,
}

#[derive(Deserialize)]
struct One {
    campaign: campaign::Campaign,
}

impl Campaign {
    /// Runs the command that was asked for.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        match self {
            Self::List(list) => list.run(client).await,
            Self::Show(show) => show.run(client).await,
            Self::Follow(follow) => follow.watch.run(client, follow.id).await,
            Self::Stop(which) => {
                watch::stop(client, which.id).await?;
                notice(&format!(
                    "campaign {} is stopped; its answers stay: `musterctl campaign answers {0}`",
                    which.id
                ));
                Ok(Exit::Success)
            }
            Self::Extend(extend) => extend.run(client).await,
            Self::Answers(answers) => answers.run(client).await,
            Self::Errors(errors) => errors.run(client).await,
        }
    }
}

impl Extend {
    async fn run(self, client: &Client) -> Result<Exit> {
        let path = muster(["campaigns", &self.id.to_string(), "extend"]);
        let One { campaign } = client.post(&path, &json!({"hours": self.hours})).await?;
        let until = campaign.expires_at.unwrap_or_default();
        notice(&format!("campaign {} goes on until {until}", self.id));
        Ok(Exit::Success)
    }
}
