//! `musterctl host refetch`: a host is asked about itself again, at its next call.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Client, fleet};
use crate::command::resolve;
use crate::exit::Exit;
use crate::output::{escaped, notice};

#[derive(Args)]
pub struct Refetch {
    /// Hostname, uuid, serial number or id:12
    #[arg(value_name = "HOST")]
    identifier: String,
}

impl Refetch {
    /// Says so to the server; the host's answers come in their own time.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let id = resolve::host_id(client, &self.identifier).await?;
        client.post::<Value>(&fleet(["hosts", &id.to_string(), "refetch"]), &json!({})).await?;
        let name = escaped(&self.identifier);
        notice(&format!(
            "`{name}` is asked at its next call; what has changed is in `musterctl host history {name}` then"
        ));
        Ok(Exit::Success)
    }
}
