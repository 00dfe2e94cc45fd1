//! `musterctl query`: starts a campaign and follows it.

use std::io::Read;

use anyhow::{Context, Result};
use clap::{ArgGroup, Args};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{resolve, watch::Watch};
use crate::campaign::Campaign;
use crate::client::{Client, muster};
use crate::exit::Exit;

const AFTER_HELP: &str = "\
Examples:
  musterctl query 'SELECT name, version FROM deb_packages' --all
  musterctl query 'SELECT * FROM uptime' --hosts build-07,build-08 --format json
  musterctl query --name 'open ports' --labels 'Ubuntu Linux' --teams Servers --timeout 30s
  echo 'SELECT 1' | musterctl query - --hosts id:12

A host is asked if it is named, or if it is in one of the labels and in one of the teams.
The campaign lives on when this command ends, so that offline hosts answer when they come back;
`musterctl campaign follow ID` shows everything again, --stop ends the campaign instead.
Exit code 0: no host failed; 1: a host failed or did not answer in time; 2: usage or connection; 130: Ctrl-C.";

/// Ask hosts a question in SQL, and show their answers as they come
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
#[command(group(ArgGroup::new("question").required(true).args(["sql", "query_id", "name"])))]
#[command(group(ArgGroup::new("targets").required(true).multiple(true).args(["hosts", "labels", "teams", "all"])))]
pub struct Query {
    /// The SQL to run on the hosts; - reads it from standard input
    #[arg(value_name = "SQL")]
    sql: Option<String>,
    /// Run the saved query with this id
    #[arg(long, value_name = "ID")]
    query_id: Option<u64>,
    /// Run the saved query with this name
    #[arg(long)]
    name: Option<String>,
    /// Hosts, by hostname, uuid, serial number or id:12; separated by commas
    #[arg(long, value_delimiter = ',', value_name = "HOST,…")]
    hosts: Vec<String>,
    /// All hosts with one of these labels
    #[arg(long, value_delimiter = ',', value_name = "LABEL,…")]
    labels: Vec<String>,
    /// All hosts of one of these teams
    #[arg(long, value_delimiter = ',', value_name = "TEAM,…")]
    teams: Vec<String>,
    /// All hosts
    #[arg(long, conflicts_with_all = ["hosts", "labels", "teams"])]
    all: bool,
    /// How long the campaign goes on asking hosts that come back
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=168))]
    hours: u64,
    #[command(flatten)]
    watch: Watch,
}

#[derive(Deserialize)]
struct Started {
    campaign: Campaign,
}

impl Query {
    /// Starts the campaign, and follows it.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let body = self.body(client).await?;
        let started: Started = client.post(&muster(["campaigns"]), &body).await?;
        self.watch.run(client, started.campaign.id).await
    }

    async fn body(&self, client: &Client) -> Result<Value> {
        let labels = if self.all { vec!["All Hosts".to_owned()] } else { named(&self.labels) };
        let selected = json!({"hosts": named(&self.hosts), "labels": labels, "teams": named(&self.teams)});
        let mut body = json!({"selected": selected, "hours": self.hours});
        match (&self.sql, self.query_id, &self.name) {
            (Some(sql), ..) => body["query"] = text(sql)?.into(),
            (_, Some(id), _) => body["query_id"] = id.into(),
            (_, _, Some(name)) => body["query_id"] = resolve::query(client, name).await?.into(),
            _ => {}
        }
        Ok(body)
    }
}

/// An empty name would match hosts whose own is empty.
fn named(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn text(sql: &str) -> Result<String> {
    if sql != "-" {
        return Ok(sql.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the SQL from standard input")?;
    Ok(text)
}
