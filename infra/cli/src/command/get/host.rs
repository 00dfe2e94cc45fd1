//! `musterctl get host`.

use anyhow::{Result, bail};
use clap::Args;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::list;
use crate::client::{Client, Failure};
use crate::command::host::History;
use crate::command::{resolve, time};
use crate::exit::Exit;
use crate::output::{Format, Screen, escaped, notice};

/// Show one host
#[derive(Args)]
pub struct Host {
    /// Hostname, uuid, serial number or id:12
    #[arg(value_name = "HOST")]
    identifier: String,
    /// Show what has changed on the host, and when, instead
    #[arg(long, conflicts_with = "as_of")]
    history: bool,
    /// Show what was known at that time, such as 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    as_of: Option<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Deserialize)]
struct Answer {
    host: Map<String, Value>,
    complete_to: Option<String>,
}

impl Host {
    pub async fn run(self, client: &Client) -> Result<Exit> {
        if self.history {
            return History::of(self.identifier, self.format).run(client).await;
        }
        let path = resolve::host(&self.identifier).with_some("as_of", self.as_of.as_ref());
        let Answer { host, complete_to } = match client.get(&path).await {
            Err(failure) if failure.status() == Some(StatusCode::NOT_FOUND) => {
                return not_found(&self.identifier, self.as_of.as_deref(), &failure);
            }
            answered => answered?,
        };
        list::write_one(&mut Screen::stdout(), self.format, &host)?;
        if let Some(as_of) = &self.as_of {
            notice(&time::as_known_at(as_of, complete_to.as_deref()));
        }
        Ok(Exit::Success)
    }
}

fn not_found(identifier: &str, as_of: Option<&str>, failure: &Failure) -> Result<Exit> {
    let name = escaped(identifier);
    match as_of {
        Some(as_of) => bail!("host `{name}` was not known at {as_of} ({failure})"),
        None => bail!("there is no host `{name}` ({failure}): `musterctl get hosts --query TEXT` finds hosts"),
    }
}
